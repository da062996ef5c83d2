"""The two versions of the AutoML API: a job of the first runs, and is described, in the second's form too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from helpers.local.protocol import validation_error
from helpers.local.sagemaker.records import JobRecord

OF_COLUMNS = ("TargetAttributeName", "SampleWeightAttributeName")  # of a channel in the first version
SHARED = ("AutoMLJobName", "OutputDataConfig", "RoleArn", "AutoMLJobObjective", "ModelDeployConfig")


def is_first_version(record: JobRecord) -> bool:
    """Whether the job was created by CreateAutoMLJob."""
    return "InputDataConfig" in record.request


def second_version(record: JobRecord) -> dict[str, Any]:
    """The request of a job in the form of CreateAutoMLJobV2, whichever operation created it."""
    return translate(record.request) if is_first_version(record) else record.request


def translate(request: Mapping[str, Any]) -> dict[str, Any]:
    """A CreateAutoMLJob request in the form of CreateAutoMLJobV2.

    Raises ServiceError when its channels name different columns: the second version names each once.
    """
    channels = request["InputDataConfig"]
    config = request.get("AutoMLJobConfig", {})
    generation = config.get("CandidateGenerationConfig", {})
    tabular = _given(
        {
            **{member: _same(channels, member) for member in OF_COLUMNS},
            "ProblemType": request.get("ProblemType"),
            "Mode": config.get("Mode"),
            "CompletionCriteria": config.get("CompletionCriteria"),
            "FeatureSpecificationS3Uri": generation.get("FeatureSpecificationS3Uri"),
            "GenerateCandidateDefinitionsOnly": request.get("GenerateCandidateDefinitionsOnly"),
        }
    )
    if "AlgorithmsConfig" in generation:
        tabular["CandidateGenerationConfig"] = {"AlgorithmsConfig": generation["AlgorithmsConfig"]}
    return _given(
        {
            **{member: request.get(member) for member in SHARED},
            "AutoMLJobInputDataConfig": [
                {member: value for member, value in channel.items() if member not in OF_COLUMNS}
                for channel in channels
            ],
            "AutoMLProblemTypeConfig": {"TabularJobConfig": tabular},
            "DataSplitConfig": config.get("DataSplitConfig"),
            "SecurityConfig": config.get("SecurityConfig"),
        }
    )


def first_attributes(resolved: Mapping[str, Any]) -> dict[str, Any]:
    """ResolvedAttributes of the second version as the first has them."""
    kind = resolved.get("AutoMLProblemTypeResolvedAttributes", {}).get("TabularResolvedAttributes", {})
    return {
        "AutoMLJobObjective": resolved.get("AutoMLJobObjective"),
        "CompletionCriteria": resolved.get("CompletionCriteria"),
        "ProblemType": kind.get("ProblemType"),
    }


def _same(channels: list[dict[str, Any]], member: str) -> str | None:
    """The one column that every channel naming one names. Raises ServiceError when there are two."""
    named = dict.fromkeys(channel[member] for channel in channels if member in channel)
    if len(named) > 1:
        raise validation_error(
            f"The training and the validation channel must have the same {member}: they have "
            f"{' and '.join(repr(name) for name in named)}."
        )
    return next(iter(named), None)


def _given(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}
