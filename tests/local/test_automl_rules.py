"""What CreateAutoMLJob and CreateAutoMLJobV2 demand beyond the API's model: each rule on a plain request."""

import importlib.util
from typing import Any

import pytest
from control_harness import automl_request, channel

from helpers.local.errors import ServiceError
from helpers.local.protocol import load_api
from helpers.local.sagemaker import automl_rules

# From the documentation: what may be asked for with each problem type, and what is taken if nothing is.
TABLE = {
    "Regression": ({"MAE", "MSE", "R2", "RMSE"}, "MSE"),
    "BinaryClassification": (
        {"Accuracy", "AUC", "BalancedAccuracy", "F1", "Precision", "Recall"},
        "F1",
    ),
    "MulticlassClassification": (
        {"Accuracy", "BalancedAccuracy", "F1macro", "PrecisionMacro", "RecallMacro"},
        "Accuracy",
    ),
}
METRICS = load_api("sagemaker").model.shape_for("AutoMLMetricEnum").enum
TUNED = {"linear-learner", "mlp", "xgboost"}
ENSEMBLED = {"catboost", "extra-trees", "lightgbm", "linear-learner", "randomforest", "xgboost"}
NETWORKS = {"fastai", "nn-torch"}


def request(**tabular: Any) -> dict[str, Any]:
    """A CreateAutoMLJobV2 request with these members in its TabularJobConfig."""
    found = automl_request("job")
    found["AutoMLProblemTypeConfig"] = {"TabularJobConfig": {"TargetAttributeName": "Rating", **tabular}}
    return found


def algorithms(mode: str, *names: str) -> dict[str, Any]:
    return request(
        Mode=mode, CandidateGenerationConfig={"AlgorithmsConfig": [{"AutoMLAlgorithms": list(names)}]}
    )


def said(asked: dict[str, Any]) -> str:
    """The message of the error that the request is refused with."""
    with pytest.raises(ServiceError) as caught:
        automl_rules.check(asked)
    assert (caught.value.code, caught.value.status) == ("ValidationException", 400)
    return caught.value.message


@pytest.mark.parametrize("problem", TABLE)
@pytest.mark.parametrize("metric", METRICS)
def test_which_metric_goes_with_which_problem_type(problem: str, metric: str) -> None:
    asked = request(ProblemType=problem) | {"AutoMLJobObjective": {"MetricName": metric}}
    if metric in TABLE[problem][0]:
        automl_rules.check(asked)
        assert automl_rules.resolve(asked, None)["AutoMLJobObjective"] == {"MetricName": metric}
    else:
        assert f"The metric '{metric}' is not supported for ProblemType {problem}" in said(asked)


@pytest.mark.parametrize("problem", TABLE)
def test_the_default_metric_of_a_problem_type(problem: str) -> None:
    inferred = automl_rules.resolve(request(), problem)
    assert inferred["AutoMLJobObjective"] == {"MetricName": TABLE[problem][1]}
    assert inferred["AutoMLProblemTypeResolvedAttributes"] == {
        "TabularResolvedAttributes": {"ProblemType": problem}
    }


@pytest.mark.parametrize("given", ["ProblemType", "AutoMLJobObjective"])
def test_objective_and_problem_type_come_together(given: str) -> None:
    asked = request(ProblemType="Regression") if given == "ProblemType" else request()
    if given != "ProblemType":
        asked["AutoMLJobObjective"] = {"MetricName": "RMSE"}
    with pytest.raises(ServiceError, match=f"{given} is given"):
        automl_rules.check_pair(asked)
    automl_rules.check_pair(request())
    automl_rules.check_pair(request(ProblemType="Regression") | {"AutoMLJobObjective": {"MetricName": "MAE"}})


@pytest.mark.parametrize(
    ("mode", "offered"), [("ENSEMBLING", ENSEMBLED | NETWORKS), ("HYPERPARAMETER_TUNING", TUNED)]
)
def test_which_algorithm_goes_with_which_mode(
    monkeypatch: pytest.MonkeyPatch, mode: str, offered: set[str]
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: object())  # whatever is installed here
    for name in load_api("sagemaker").model.shape_for("AutoMLAlgorithm").enum:
        if name in offered:
            automl_rules.check(algorithms(mode, name))
        else:
            assert f"The algorithms {name} are not supported with Mode {mode}" in said(algorithms(mode, name))
    automl_rules.check(algorithms(mode))  # an empty list is the full set
    assert "AlgorithmsConfig is not supported with Mode AUTO" in said(algorithms("AUTO", *offered))


def test_networks_need_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    missing: set[str] = {"torch", "fastai"}
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in missing else object())
    text = said(algorithms("ENSEMBLING", "lightgbm", "fastai", "nn-torch"))
    assert text.startswith("The algorithms fastai, nn-torch are neural networks of the extra [deep]")
    assert "pip install 'music-recommendation-workshop[deep]'" in text
    automl_rules.check(algorithms("HYPERPARAMETER_TUNING", "mlp"))  # scikit-learn's
    automl_rules.check(algorithms("ENSEMBLING", *sorted(ENSEMBLED)))
    missing.remove("torch")
    automl_rules.check(algorithms("ENSEMBLING", "nn-torch"))
    assert said(algorithms("ENSEMBLING", "nn-torch", "fastai")).startswith("The algorithms fastai are")
    missing.clear()
    automl_rules.check(algorithms("ENSEMBLING", "nn-torch", "fastai"))


def test_the_output_path_has_at_most_512_characters() -> None:
    asked = request()
    asked["OutputDataConfig"]["S3OutputPath"] = "s3://data/".ljust(512, "x")
    automl_rules.check(asked)
    asked["OutputDataConfig"]["S3OutputPath"] = "s3://data/".ljust(513, "x")
    text = said(asked)
    assert text.startswith("1 validation error detected: Value 's3://data/xxx")
    assert text.endswith(
        "at 'outputDataConfig.s3OutputPath' failed to satisfy constraint: Member must have length less than "
        "or equal to 512"
    )


@pytest.mark.parametrize("kind", ["S3Prefix", "ManifestFile"])
def test_gzip_is_for_prefixes(kind: str) -> None:
    source = {"S3DataSource": {"S3DataType": kind, "S3Uri": "s3://data/x"}}
    asked = request()
    asked["AutoMLJobInputDataConfig"] = [channel("training", DataSource=source, CompressionType="Gzip")]
    if kind == "S3Prefix":
        automl_rules.check(asked)
    else:
        assert "Gzip is supported with S3DataType S3Prefix only, not with ManifestFile" in said(asked)
    asked["AutoMLJobInputDataConfig"][0]["CompressionType"] = "None"
    automl_rules.check(asked)


def test_augmented_manifests_are_for_images() -> None:
    source = {"S3DataSource": {"S3DataType": "AugmentedManifestFile", "S3Uri": "s3://data/x"}}
    asked = request()
    asked["AutoMLJobInputDataConfig"] = [channel("training", DataSource=source)]
    assert "'AugmentedManifestFile' is for image data" in said(asked)


def test_channels() -> None:
    asked = request()
    for channels in (
        [channel("training")],
        [{name: value for name, value in channel("training").items() if name != "ChannelType"}],
        [channel("validation"), channel("training")],
    ):
        asked["AutoMLJobInputDataConfig"] = channels
        automl_rules.check(asked)
    asked["AutoMLJobInputDataConfig"] = [channel("validation")]
    assert "must have ChannelType 'training'" in said(asked)
    asked["AutoMLJobInputDataConfig"] = [channel("validation")] * 2
    assert "one of ChannelType 'training' and one of 'validation'" in said(asked)
    # The default ContentType is CSV with a header, so naming it in one channel only makes no difference.
    asked["AutoMLJobInputDataConfig"] = [
        channel("training", ContentType="text/csv;header=present"),
        channel("validation"),
    ]
    automl_rules.check(asked)
    asked["AutoMLJobInputDataConfig"][1]["ContentType"] = "x-application/vnd.amazon+parquet"
    assert "must have the same ContentType" in said(asked)


@pytest.mark.parametrize("fraction", [0.0, 0.001, 0.999, 1.0])
def test_the_validation_fraction(fraction: float) -> None:
    asked = request() | {"DataSplitConfig": {"ValidationFraction": fraction}}
    if 0 < fraction < 1:
        automl_rules.check(asked)
    else:
        assert "between 0 and 1, both excluded" in said(asked)
    asked["AutoMLJobInputDataConfig"] = [channel("training"), channel("validation")]
    assert "must not be set when a validation channel is given" in said(asked)


def test_sample_weights() -> None:
    automl_rules.check(request(Mode="ENSEMBLING", SampleWeightAttributeName="weight"))
    for mode in ("AUTO", "HYPERPARAMETER_TUNING"):
        asked = request(Mode=mode, SampleWeightAttributeName="weight")
        assert "supported with Mode ENSEMBLING only" in said(asked)
    same = request(Mode="ENSEMBLING", SampleWeightAttributeName="Rating")
    assert "must be different columns" in said(same)


def test_one_way_to_name_the_endpoint() -> None:
    for config in ({"AutoGenerateEndpointName": True}, {"EndpointName": "mine"}):
        automl_rules.check(request() | {"ModelDeployConfig": config})
        automl_rules.check(request() | {"ModelDeployConfig": {"AutoGenerateEndpointName": False, **config}})
    both = {"ModelDeployConfig": {"AutoGenerateEndpointName": True, "EndpointName": "mine"}}
    text = said(request() | both)
    assert "EndpointName must not be given when AutoGenerateEndpointName is true" in text


def test_other_kinds_of_data_are_not_offered() -> None:
    asked = request()
    asked["AutoMLProblemTypeConfig"] = {"TextGenerationJobConfig": {}}
    assert "does not offer TextGenerationJobConfig: use TabularJobConfig" in said(asked)


# The API's own model, which every request is checked against before the rules are.


def problems(asked: dict[str, Any]) -> str:
    with pytest.raises(ServiceError) as caught:
        load_api("sagemaker").validate("CreateAutoMLJobV2", asked)
    return caught.value.message


@pytest.mark.parametrize("name", ["a", "A-1", "a" * 32, "a" * 33, "-a", "a-", "a_b"])
def test_the_name_of_a_job(name: str) -> None:
    asked = automl_request(name)
    if name in ("a", "A-1", "a" * 32):
        load_api("sagemaker").validate("CreateAutoMLJobV2", asked)
    else:
        assert "at 'autoMLJobName' failed to satisfy constraint" in problems(asked)


@pytest.mark.parametrize(
    ("criterion", "least", "most"),
    [
        ("MaxCandidates", 1, 750),
        ("MaxRuntimePerTrainingJobInSeconds", 1, None),
        ("MaxAutoMLJobRuntimeInSeconds", 1, None),
    ],
)
def test_completion_criteria(criterion: str, least: int, most: int | None) -> None:
    def asked(value: int) -> dict[str, Any]:
        return request(CompletionCriteria={criterion: value})

    api = load_api("sagemaker")
    api.validate("CreateAutoMLJobV2", asked(least))
    assert "greater than or equal to 1" in problems(asked(least - 1))
    if most is None:
        api.validate("CreateAutoMLJobV2", asked(30 * 86_400))
    else:
        api.validate("CreateAutoMLJobV2", asked(most))
        assert "less than or equal to 750" in problems(asked(most + 1))


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"RoleArn": "arn:aws:iam::12:role/x"}, "roleArn"),
        ({"RoleArn": "arn:aws:iam::000000000000:role/" + "x" * 2048}, "roleArn"),
        ({"OutputDataConfig": {"S3OutputPath": "data/output"}}, "outputDataConfig.s3OutputPath"),
        ({"AutoMLJobInputDataConfig": []}, "autoMLJobInputDataConfig"),
        ({"AutoMLJobInputDataConfig": [channel("training")] * 3}, "autoMLJobInputDataConfig"),
        (
            {"AutoMLJobInputDataConfig": [channel("test")]},
            "autoMLJobInputDataConfig.1.member.channelType",
        ),
        (
            {"AutoMLJobInputDataConfig": [channel("training", CompressionType="Zip")]},
            "autoMLJobInputDataConfig.1.member.compressionType",
        ),
        (
            {
                "AutoMLJobInputDataConfig": [
                    channel(
                        "training",
                        DataSource={
                            "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://data/" + "x" * 1024}
                        },
                    )
                ]
            },
            "autoMLJobInputDataConfig.1.member.dataSource.s3DataSource.s3Uri",
        ),
        ({"ModelDeployConfig": {"EndpointName": "e" * 64}}, "modelDeployConfig.endpointName"),
        (
            {
                "AutoMLProblemTypeConfig": {
                    "TabularJobConfig": {
                        "TargetAttributeName": "t",
                        "CandidateGenerationConfig": {"AlgorithmsConfig": [{"AutoMLAlgorithms": []}] * 2},
                    }
                }
            },
            "autoMLProblemTypeConfig.tabularJobConfig.candidateGenerationConfig.algorithmsConfig",
        ),
        (
            {"AutoMLProblemTypeConfig": {"TabularJobConfig": {}}},
            "autoMLProblemTypeConfig.tabularJobConfig.targetAttributeName",
        ),
    ],
)
def test_what_the_model_of_the_api_refuses(change: dict[str, Any], path: str) -> None:
    assert f"at '{path}' failed to satisfy constraint" in problems({**automl_request("job"), **change})


@pytest.mark.parametrize("weight", ["w" * 256, "a-b_1", "w" * 257, "a b", ""])
def test_the_name_of_a_weight_column(weight: str) -> None:
    asked = request(SampleWeightAttributeName=weight)
    if weight in ("w" * 256, "a-b_1"):
        load_api("sagemaker").validate("CreateAutoMLJobV2", asked)
    else:
        assert "sampleWeightAttributeName' failed to satisfy constraint" in problems(asked)


@pytest.mark.parametrize(
    "missing",
    ["AutoMLJobName", "AutoMLJobInputDataConfig", "OutputDataConfig", "AutoMLProblemTypeConfig", "RoleArn"],
)
def test_required_members(missing: str) -> None:
    asked = {name: value for name, value in automl_request("job").items() if name != missing}
    path = missing[0].lower() + missing[1:]
    assert f"Value null at '{path}' failed to satisfy constraint: Member must not be null" in problems(asked)
