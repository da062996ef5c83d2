"""What the list of Autopilot's facts says of the job's side, and no other file here proves."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from jobs_harness import BUCKET, RunningJob, State, automl_request, music_table

from helpers.local.jobs.automl import data, metrics, modes, settings
from helpers.local.jobs.automl.locations import Locations
from helpers.local.jobs.automl.tuning import naming
from helpers.local.jobs.automl.tuning.library import folds
from helpers.local.jobs.automl.tuning.library.search import Pipeline
from helpers.local.jobs.automl.tuning.mode import Tuning
from helpers.local.jobs.automl.tuning.preparation import Preparation
from helpers.local.jobs.channels import InputObject
from helpers.local.jobs.job import JobFailure

MEGABYTE = 1024**2


def test_weights_count_in_all_metrics_but_balanced_accuracy() -> None:
    truth, predicted = pd.Series([1, 1, 0, 0]), pd.Series([1, 0, 0, 0])
    weights = pd.Series([1.0, 3.0, 1.0, 1.0])
    probabilities = pd.DataFrame({0: [0.1, 0.6, 0.8, 0.9], 1: [0.9, 0.4, 0.2, 0.1]})
    found = metrics.classification("BinaryClassification", truth, predicted, probabilities, 1, weights)
    assert found["Accuracy"] == pytest.approx(3 / 6)
    assert found["Recall"] == pytest.approx(1 / 4)
    assert found["Precision"] == pytest.approx(1)
    assert found["F1"] == pytest.approx(2 * (1 / 4) / (1 + 1 / 4))
    losses = -np.log([0.9, 0.4, 0.8, 0.9])
    assert found["LogLoss"] == pytest.approx((losses * weights).sum() / 6)
    assert found["BalancedAccuracy"] == pytest.approx((1 / 2 + 1) / 2)
    numbers = metrics.regression([1.0, 2.0], [2.0, 4.0], pd.Series([3.0, 1.0]))
    assert numbers["MAE"] == pytest.approx(5 / 4)
    assert numbers["MSE"] == pytest.approx(7 / 4)


@pytest.mark.parametrize(
    ("megabytes", "objects", "kind", "mode"),
    [
        (100, 1, "S3Prefix", "ENSEMBLING"),
        (101, 1, "S3Prefix", "HYPERPARAMETER_TUNING"),
        (60, 2, "S3Prefix", "HYPERPARAMETER_TUNING"),
        (0, 1000, "S3Prefix", "ENSEMBLING"),
        (0, 1001, "S3Prefix", "HYPERPARAMETER_TUNING"),
        (0, 1, "ManifestFile", "HYPERPARAMETER_TUNING"),
    ],
)
def test_auto_chooses_by_size_manifest_and_number(
    tmp_path: Path, megabytes: int, objects: int, kind: str, mode: str
) -> None:
    file = tmp_path / "part.csv"
    with file.open("wb") as sparse:
        sparse.truncate(megabytes * MEGABYTE)
    found = [InputObject(f"s3://data/{number}", file, str(number)) for number in range(objects)]
    request = automl_request("job", "train.csv")
    tabular = request["AutoMLProblemTypeConfig"]["TabularJobConfig"]
    request["AutoMLJobInputDataConfig"][0]["DataSource"]["S3DataSource"]["S3DataType"] = kind
    for asked in ("AUTO", None):
        tabular.pop("Mode", None)
        if asked is not None:
            tabular["Mode"] = asked
        assert modes.choose(settings.read(request), found) == mode
    for asked in ("ENSEMBLING", "HYPERPARAMETER_TUNING"):
        tabular["Mode"] = asked
        assert modes.choose(settings.read(request), found) == asked


def test_a_validation_channel_of_other_columns_is_refused(state: State) -> None:
    state.put("train.csv", music_table(600).to_csv(index=False))
    state.put("valid.csv", music_table(50).drop(columns="tempo").to_csv(index=False))
    request = automl_request("job", "train.csv")
    second = json.loads(json.dumps(request["AutoMLJobInputDataConfig"][0]))
    second["ChannelType"] = "validation"
    second["DataSource"]["S3DataSource"]["S3Uri"] = f"s3://{BUCKET}/valid.csv"
    request["AutoMLJobInputDataConfig"].append(second)
    with pytest.raises(JobFailure, match="The validation data lacks the columns 'tempo'"):
        data.load(state.objects, settings.read(request))


def test_the_stages_of_ensembling_come_in_their_order(trained: tuple[State, RunningJob]) -> None:
    _, job = trained
    order = [
        "Starting",
        "AnalyzingData",
        "PreTraining",
        "TrainingModels",
        "GeneratingExplainabilityReport",
        "GeneratingModelInsightsReport",
        "MaxCandidatesReached",
    ]
    # A stage may be over between two looks, but not those that take seconds.
    assert job.statuses == [status for status in order if status in job.statuses]
    assert {"PreTraining", "TrainingModels", "GeneratingExplainabilityReport"} <= set(job.statuses)
    assert job.progress["AutoMLJobSecondaryStatus"] == "MaxCandidatesReached"


def test_an_ensemble_s_container_has_the_environment_that_clients_read(
    trained: tuple[State, RunningJob],
) -> None:
    _, job = trained
    (container,) = job.progress["BestCandidate"]["InferenceContainers"]
    assert {
        "MODEL_NAME",
        "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT",
        "SAGEMAKER_PROGRAM",
        "SAGEMAKER_SUBMIT_DIRECTORY",
    } <= set(container["Environment"])
    assert container["ModelDataUrl"].endswith("/model.tar.gz")


def test_an_ensemble_has_no_definition_notebook(trained: tuple[State, RunningJob]) -> None:
    _, job = trained
    assert list(job.progress["AutoMLJobArtifacts"]) == ["DataExplorationNotebookLocation"]


# Tuning


@pytest.mark.parametrize(
    ("algorithm", "problem", "objective", "name"),
    [
        ("xgboost", "BinaryClassification", "F1", "validation:f1"),
        ("linear-learner", "BinaryClassification", "F1", "validation:binary_f_beta"),
        ("linear-learner", "MulticlassClassification", "F1macro", "validation:macro_f_beta"),
        ("xgboost", "Regression", "MSE", "validation:mse"),
        ("linear-learner", "Regression", "MSE", "validation:mse"),
        ("mlp", "Regression", "MSE", "validation:mse"),
    ],
)
def test_tuning_names_metrics_as_its_algorithms_do(
    algorithm: str, problem: str, objective: str, name: str
) -> None:
    assert naming.metric_name(algorithm, problem, objective) == name


@pytest.mark.parametrize("problem", ["Regression", "BinaryClassification"])
def test_containers_of_tuning_have_the_environment_that_clients_change(problem: str) -> None:
    asked = settings.read(automl_request("job", "train.csv", problem=problem))
    found = naming.Naming(asked, Locations(asked.output, "job"), problem)
    features, algorithm, *labels = found.containers("candidate", Pipeline("dpp0", "xgboost"))
    assert "/sagemaker-sklearn-automl:" in features["Image"]
    assert "/sagemaker-xgboost:" in algorithm["Image"]
    assert features["Environment"] == {
        "AUTOML_SPARSE_ENCODE_RECORDIO_PROTOBUF": "1",
        "AUTOML_TRANSFORM_MODE": "feature-transform",
        "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "application/x-recordio-protobuf",
        "SAGEMAKER_PROGRAM": "sagemaker_serve",
        "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
    }
    plain = {"MAX_CONTENT_LENGTH": "20971520", "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "text/csv"}
    if problem == "Regression":
        assert (algorithm["Environment"], labels) == (plain, [])
        return
    assert algorithm["Environment"] == plain | {
        "SAGEMAKER_INFERENCE_OUTPUT": "predicted_label",
        "SAGEMAKER_INFERENCE_SUPPORTED": "predicted_label,probability,probabilities",
    }
    (inverse,) = labels
    assert inverse["Image"] == features["Image"]
    variables = inverse["Environment"]
    assert variables["AUTOML_TRANSFORM_MODE"] == "inverse-label-transform"
    assert variables["SAGEMAKER_INFERENCE_INPUT"] == "predicted_label"
    assert variables["SAGEMAKER_INFERENCE_OUTPUT"] == "predicted_label"
    assert variables["SAGEMAKER_INFERENCE_SUPPORTED"] == "predicted_label,probability,labels,probabilities"


@pytest.mark.parametrize(
    ("rows", "validation_given", "crossed"),
    [(50_000, False, True), (50_001, False, False), (500, True, False)],
)
def test_up_to_50_000_rows_are_measured_in_five_folds(
    tmp_path: Path, rows: int, validation_given: bool, crossed: bool
) -> None:
    table = pd.DataFrame({"x": np.arange(rows, dtype=float), "y": np.arange(rows, dtype=float)})
    parts = data.TrainingData(table[rows // 5 :], table[: rows // 5], ["x"], "Regression", validation_given)
    found = Preparation(parts, "y", tmp_path)
    assert found.crossed == crossed
    assert len(folds.split(np.arange(rows, dtype=float), True)) == 5


def test_sequences_are_a_type_of_tuning(state: State) -> None:
    state.put("t.csv", music_table(600).to_csv(index=False))
    uri = state.put("features.json", json.dumps({"FeatureDataTypes": {"mood": "sequence"}}))
    request = automl_request("job", "t.csv", FeatureSpecificationS3Uri=uri)
    found = data.read(state.objects, settings.read(request), "HYPERPARAMETER_TUNING")
    assert found.specification.types == {"mood": "sequence"}
    with pytest.raises(JobFailure, match="sequence"):
        data.read(state.objects, settings.read(request), "ENSEMBLING")


def test_the_stages_of_tuning_are_named_as_the_service_names_them() -> None:
    assert (Tuning.preparing, Tuning.training) == ("FeatureEngineering", "ModelTuning")
