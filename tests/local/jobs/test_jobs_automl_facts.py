"""What the list of Autopilot's facts says of the job's side, and no other file here proves."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from jobs_harness import BUCKET, RunningJob, State, automl_request, music_table

from helpers.local.jobs.automl import data, metrics, modes, settings
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
