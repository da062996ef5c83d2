"""What a CreateAutoMLJobV2 request asks for, and what is refused before anything is loaded."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from helpers.local.jobs.job import JobFailure


@dataclass(frozen=True)
class Channel:
    """One data channel of the request."""

    source: Mapping[str, Any]  # the API's S3DataSource: S3Uri, S3DataType
    validation: bool
    parquet: bool
    gzip: bool


@dataclass(frozen=True)
class Settings:
    """The request, read once. Times are seconds; None means no limit or not given."""

    job_name: str
    region: str
    output: str  # S3 URI below which everything of this job is written, without a trailing slash
    channels: tuple[Channel, ...]
    target: str
    problem_type: str | None
    objective: str | None
    mode: str  # AUTO, ENSEMBLING or HYPERPARAMETER_TUNING
    algorithms: tuple[str, ...]  # by their names in the API, without repetition; none: the mode's full set
    definitions_only: bool  # GenerateCandidateDefinitionsOnly
    sample_weight: str | None  # the column of sample weights
    feature_specification: str | None  # the S3 URI of the feature specification file
    validation_fraction: float
    max_candidates: int | None
    max_runtime: float | None
    max_candidate_runtime: float | None


def read(request: Mapping[str, Any]) -> Settings:
    """The settings of a validated CreateAutoMLJobV2 request.

    Raises JobFailure for what this machine cannot do, such as problems that are not tabular.
    """
    problem = request["AutoMLProblemTypeConfig"]
    if "TabularJobConfig" not in problem:
        raise JobFailure(
            f"{', '.join(problem)} is not available on this machine: only TabularJobConfig (regression, "
            f"binary and "
            "multiclass classification) is."
        )
    tabular = problem["TabularJobConfig"]
    criteria = tabular.get("CompletionCriteria", {})
    job_name = str(request["AutoMLJobName"])
    return Settings(
        job_name=job_name,
        region=str(request.get("Region", "us-east-1")),
        output=f"{str(request['OutputDataConfig']['S3OutputPath']).rstrip('/')}/{job_name}",
        channels=tuple(_channel(channel) for channel in request["AutoMLJobInputDataConfig"]),
        target=str(tabular["TargetAttributeName"]),
        problem_type=tabular.get("ProblemType"),
        objective=request.get("AutoMLJobObjective", {}).get("MetricName"),
        mode=str(tabular.get("Mode") or "AUTO"),
        algorithms=_algorithms(tabular),
        definitions_only=bool(tabular.get("GenerateCandidateDefinitionsOnly")),
        sample_weight=tabular.get("SampleWeightAttributeName"),
        feature_specification=tabular.get("FeatureSpecificationS3Uri"),
        validation_fraction=float(request.get("DataSplitConfig", {}).get("ValidationFraction") or 0.2),
        max_candidates=criteria.get("MaxCandidates"),
        max_runtime=criteria.get("MaxAutoMLJobRuntimeInSeconds"),
        max_candidate_runtime=criteria.get("MaxRuntimePerTrainingJobInSeconds"),
    )


def _channel(channel: Mapping[str, Any]) -> Channel:
    content = str(channel.get("ContentType") or "text/csv;header=present").replace(" ", "").lower()
    if content not in ("text/csv", "text/csv;header=present", "x-application/vnd.amazon+parquet"):
        raise JobFailure(
            f"The ContentType '{channel['ContentType']}' of a channel is unknown: use "
            f"'text/csv;header=present' or "
            "'x-application/vnd.amazon+parquet'."
        )
    return Channel(
        source=channel["DataSource"]["S3DataSource"],
        validation=channel.get("ChannelType") == "validation",
        parquet=content.startswith("x-application"),
        gzip=channel.get("CompressionType") == "Gzip",
    )


def _algorithms(tabular: Mapping[str, Any]) -> tuple[str, ...]:
    entries = tabular.get("CandidateGenerationConfig", {}).get("AlgorithmsConfig", [])
    return tuple(dict.fromkeys(str(name) for entry in entries for name in entry.get("AutoMLAlgorithms", [])))
