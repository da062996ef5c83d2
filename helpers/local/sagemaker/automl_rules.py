"""What Autopilot demands of a request beyond its API model, and what it works out from one."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from typing import Any

from helpers.local.protocol import describe, validation_error

METRICS = {
    "Regression": ("MAE", "MSE", "R2", "RMSE"),
    "BinaryClassification": ("Accuracy", "AUC", "BalancedAccuracy", "F1", "Precision", "Recall"),
    "MulticlassClassification": ("Accuracy", "BalancedAccuracy", "F1macro", "PrecisionMacro", "RecallMacro"),
}
DEFAULT_METRICS = {"Regression": "MSE", "BinaryClassification": "F1", "MulticlassClassification": "Accuracy"}
ALGORITHMS = {
    "ENSEMBLING": (
        "catboost",
        "extra-trees",
        "fastai",
        "lightgbm",
        "linear-learner",
        "nn-torch",
        "randomforest",
        "xgboost",
    ),
    "HYPERPARAMETER_TUNING": ("linear-learner", "mlp", "xgboost"),
}
NEEDED = {"fastai": ("torch", "fastai"), "nn-torch": ("torch",)}  # modules of the extra [deep]
LONGEST_OUTPUT_PATH = 512  # characters of S3OutputPath, by the service's documentation; its model allows more
FINAL_STATUSES = (
    "Completed",
    "MaxCandidatesReached",
    "MaxAutoMLJobRuntimeReached",
    "CandidateDefinitionsGenerated",
    "ExplainabilityError",
    "ModelInsightsError",
    "ModelDeploymentError",
)
CONTENT_TYPES = ("text/csv", "text/csv;header=present", "x-application/vnd.amazon+parquet")


def tabular(request: Mapping[str, Any]) -> dict[str, Any]:
    """The request's TabularJobConfig. Raises ServiceError for problem types not offered here."""
    config: dict[str, Any] = request["AutoMLProblemTypeConfig"]
    if "TabularJobConfig" not in config:
        raise validation_error(
            f"Local SageMaker does not offer {', '.join(config)}: use TabularJobConfig (regression, "
            "binary and multiclass classification)."
        )
    found: dict[str, Any] = config["TabularJobConfig"]
    return found


def check(request: Mapping[str, Any]) -> None:
    """Raise ServiceError (ValidationException) for the first rule of Autopilot that the request breaks.

    The request is in the form of CreateAutoMLJobV2; ``check_pair`` has the one rule of that version alone.
    """
    config = tabular(request)
    _check_channels(request["AutoMLJobInputDataConfig"])
    _check_split(request)
    _check_output(request["OutputDataConfig"]["S3OutputPath"])
    _check_metric(request.get("AutoMLJobObjective"), config.get("ProblemType"))
    _check_algorithms(config)
    _check_deployment(request.get("ModelDeployConfig", {}))
    if "SampleWeightAttributeName" in config:
        if config.get("Mode", "AUTO") != "ENSEMBLING":
            raise validation_error("SampleWeightAttributeName is supported with Mode ENSEMBLING only.")
        if config["SampleWeightAttributeName"] == config["TargetAttributeName"]:
            raise validation_error(
                "SampleWeightAttributeName and TargetAttributeName must be different columns."
            )


def resolve(request: Mapping[str, Any], inferred: str | None) -> dict[str, Any]:
    """ResolvedAttributes as far as they are known: ``inferred`` is the problem type that the job found."""
    config = tabular(request)
    problem = config.get("ProblemType") or inferred
    objective = request.get("AutoMLJobObjective")
    if objective is None and problem in DEFAULT_METRICS:
        objective = {"MetricName": DEFAULT_METRICS[problem]}
    resolved: dict[str, Any] = {
        "AutoMLJobObjective": objective,
        "CompletionCriteria": config.get("CompletionCriteria"),
    }
    if problem is not None:
        resolved["AutoMLProblemTypeResolvedAttributes"] = {
            "TabularResolvedAttributes": {"ProblemType": problem}
        }
    return resolved


def check_pair(request: Mapping[str, Any]) -> None:
    """Raise ServiceError unless problem type and objective are given together or not at all (V2 only)."""
    objective, problem = request.get("AutoMLJobObjective"), tabular(request).get("ProblemType")
    if (objective is None) != (problem is None):
        given, lacking = (
            ("ProblemType", "AutoMLJobObjective") if problem else ("AutoMLJobObjective", "ProblemType")
        )
        raise validation_error(
            f"ProblemType and AutoMLJobObjective must be given together or not at all: {given} is given, "
            f"{lacking} is not."
        )


def _check_channels(channels: list[dict[str, Any]]) -> None:
    kinds = [channel.get("ChannelType", "training") for channel in channels]
    if len(channels) == 1 and kinds != ["training"]:
        raise validation_error("A single input channel must have ChannelType 'training'.")
    if len(channels) == 2 and sorted(kinds) != ["training", "validation"]:
        raise validation_error(
            "Two input channels must be one of ChannelType 'training' and one of 'validation'."
        )
    types = {_plain(channel.get("ContentType", CONTENT_TYPES[1])) for channel in channels}
    for kind in sorted(types):
        if kind not in CONTENT_TYPES:
            raise validation_error(
                f"ContentType '{kind}' is not supported for tabular data: use "
                f"one of {', '.join(CONTENT_TYPES[1:])}."
            )
    if len(types) > 1:
        raise validation_error("The training and the validation channel must have the same ContentType.")
    for channel in channels:
        _check_source(channel)


def _check_source(channel: Mapping[str, Any]) -> None:
    source = channel.get("DataSource", {}).get("S3DataSource")
    if source is None:
        raise validation_error("Every input channel must have a DataSource with an S3DataSource.")
    if source["S3DataType"] == "AugmentedManifestFile":
        raise validation_error(
            "S3DataType 'AugmentedManifestFile' is for image data: use S3Prefix or ManifestFile."
        )
    if channel.get("CompressionType") == "Gzip" and source["S3DataType"] != "S3Prefix":
        raise validation_error(
            f"CompressionType Gzip is supported with S3DataType S3Prefix only, not with "
            f"{source['S3DataType']}."
        )


def _check_split(request: Mapping[str, Any]) -> None:
    fraction = request.get("DataSplitConfig", {}).get("ValidationFraction")
    if fraction is None:
        return
    if len(request["AutoMLJobInputDataConfig"]) == 2:
        raise validation_error(
            "ValidationFraction must not be set when a validation channel is given: remove one."
        )
    if not 0 < fraction < 1:
        raise validation_error(
            f"ValidationFraction must be between 0 and 1, both excluded: it is {fraction}."
        )


def _check_output(path: str) -> None:
    if len(path) > LONGEST_OUTPUT_PATH:
        constraint = f"Member must have length less than or equal to {LONGEST_OUTPUT_PATH}"
        raise validation_error(describe([(f"'{path}'", "outputDataConfig.s3OutputPath", constraint)]))


def _check_metric(objective: Mapping[str, Any] | None, problem: str | None) -> None:
    if objective is None:
        return
    metric = objective["MetricName"]
    if problem is not None and metric not in METRICS[problem]:
        raise validation_error(
            f"The metric '{metric}' is not supported for ProblemType {problem}: use one of "
            f"{', '.join(METRICS[problem])}."
        )
    if not any(metric in metrics for metrics in METRICS.values()):
        offered = dict.fromkeys(name for metrics in METRICS.values() for name in metrics)
        raise validation_error(
            f"The metric '{metric}' is not supported for tabular data: use one of {', '.join(offered)}."
        )


def _check_algorithms(config: Mapping[str, Any]) -> None:
    mode = config.get("Mode", "AUTO")
    for entry in config.get("CandidateGenerationConfig", {}).get("AlgorithmsConfig", []):
        if mode == "AUTO":
            raise validation_error(
                "AlgorithmsConfig is not supported with Mode AUTO: set Mode to ENSEMBLING or "
                "HYPERPARAMETER_TUNING."
            )
        wrong = [name for name in entry["AutoMLAlgorithms"] if name not in ALGORITHMS[mode]]
        if wrong:
            raise validation_error(
                f"The algorithms {', '.join(wrong)} are not supported with Mode {mode}: use "
                f"{', '.join(ALGORITHMS[mode])}."
            )
        _check_installed(entry["AutoMLAlgorithms"])


def _check_installed(algorithms: list[str]) -> None:
    lacking = [
        name
        for name in algorithms
        if any(importlib.util.find_spec(module) is None for module in NEEDED.get(name, ()))
    ]
    if lacking:
        raise validation_error(
            f"The algorithms {', '.join(lacking)} are neural networks of the extra [deep], which is not "
            "installed here: install it (pip install 'music-recommendation-workshop[deep]'), or leave them "
            "out of AutoMLAlgorithms."
        )


def _check_deployment(config: Mapping[str, Any]) -> None:
    if config.get("AutoGenerateEndpointName") and "EndpointName" in config:
        raise validation_error(
            "EndpointName must not be given when AutoGenerateEndpointName is true: remove one of the two."
        )


def _plain(content_type: str) -> str:
    return content_type.replace(" ", "").lower()
