"""What a CreateAutoMLJobV2 request asks for, and what is refused before anything is loaded."""

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from helpers.local.jobs.job import JobFailure

# Algorithm names of the API -> AutoGluon's model keys.
ALGORITHMS = {
    "catboost": "CAT",
    "extra-trees": "XT",
    "fastai": "FASTAI",
    "lightgbm": "GBM",
    "linear-learner": "LR",
    "nn-torch": "NN_TORCH",
    "randomforest": "RF",
    "xgboost": "XGB",
}
NEED_TORCH = ("fastai", "nn-torch")


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
    algorithms: tuple[str, ...] | None
    validation_fraction: float
    max_candidates: int | None
    max_runtime: float | None
    max_candidate_runtime: float | None


def read(request: Mapping[str, Any]) -> Settings:
    """The settings of a validated CreateAutoMLJobV2 request.

    Raises JobFailure for what this machine cannot do, such as tuning mode or networks without torch.
    """
    problem = request["AutoMLProblemTypeConfig"]
    if "TabularJobConfig" not in problem:
        raise JobFailure(
            f"{', '.join(problem)} is not available on this machine: only TabularJobConfig (regression, "
            f"binary and "
            "multiclass classification) is."
        )
    tabular = problem["TabularJobConfig"]
    _refuse(tabular)
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
        algorithms=_algorithms(tabular),
        validation_fraction=float(request.get("DataSplitConfig", {}).get("ValidationFraction") or 0.2),
        max_candidates=criteria.get("MaxCandidates"),
        max_runtime=criteria.get("MaxAutoMLJobRuntimeInSeconds"),
        max_candidate_runtime=criteria.get("MaxRuntimePerTrainingJobInSeconds"),
    )


def _refuse(tabular: Mapping[str, Any]) -> None:
    if tabular.get("Mode") == "HYPERPARAMETER_TUNING":
        raise JobFailure(
            "Mode HYPERPARAMETER_TUNING is not available on this machine yet: use Mode ENSEMBLING (or AUTO)."
        )
    for member in (
        "SampleWeightAttributeName",
        "FeatureSpecificationS3Uri",
        "GenerateCandidateDefinitionsOnly",
    ):
        if tabular.get(member):
            raise JobFailure(
                f"{member} is not available on this machine yet: leave it out. (To choose features, drop "
                f"the other "
                "columns from the data.)"
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


def _algorithms(tabular: Mapping[str, Any]) -> tuple[str, ...] | None:
    """AutoGluon's keys of the algorithms asked for, in their order; None when the choice is ours."""
    entries = tabular.get("CandidateGenerationConfig", {}).get("AlgorithmsConfig", [])
    names = [str(name) for entry in entries for name in entry.get("AutoMLAlgorithms", [])]
    unknown = [name for name in names if name not in ALGORITHMS]
    if unknown:
        raise JobFailure(
            f"The algorithm {', '.join(unknown)} is not one of Mode ENSEMBLING: choose among "
            f"{', '.join(ALGORITHMS)}."
        )
    networks = [name for name in names if name in NEED_TORCH]
    if networks and importlib.util.find_spec("torch") is None:
        raise JobFailure(
            f"The algorithm {', '.join(networks)} needs PyTorch, which is not installed: install the extra "
            f"'deep' "
            "(pip install 'music-recommendation-workshop[deep]'), or leave it out of AutoMLAlgorithms."
        )
    return tuple(dict.fromkeys(ALGORITHMS[name] for name in names)) or None
