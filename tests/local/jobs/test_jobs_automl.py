"""AutoML jobs: real processes on small data."""

import signal
import tarfile
import time

import botocore.session
import numpy as np
import pytest
from botocore.validate import ParamValidator
from jobs_harness import BUCKET, TWO_MODELS, RunningJob, State, algorithms, automl_request, music_table

Trained = tuple[State, RunningJob]
LINEAR = algorithms("linear-learner")


def test_every_model_and_the_ensemble_is_a_candidate(trained: Trained) -> None:
    _, job = trained
    assert job.wait() == 0, job.log
    candidates = job.progress["Candidates"]
    assert [item["CandidateName"].split("-t")[0] for item in candidates] == [
        "LightGBM",
        "LinearModel",
        "WeightedEnsemble",
    ]
    assert all(item["CandidateStatus"] == "Completed" for item in candidates)
    assert job.progress["AutoMLJobSecondaryStatus"] == "MaxCandidatesReached"
    best = min(item["FinalAutoMLJobObjectiveMetric"]["Value"] for item in candidates)
    assert job.progress["BestCandidate"]["FinalAutoMLJobObjectiveMetric"]["Value"] == best
    assert 0.15 < best < 0.4  # the noise of the data is 0.2, its spread 0.8


def test_candidates_have_the_form_of_the_api(trained: Trained) -> None:
    _, job = trained
    model = botocore.session.get_session().get_service_model("sagemaker")
    shape = model.shape_for("AutoMLCandidate")
    for candidate in job.progress["Candidates"]:
        report = ParamValidator().validate(candidate, shape)
        assert not report.has_errors(), report.generate_report()
        metrics = candidate["CandidateProperties"]["CandidateMetrics"]
        values = {item["StandardMetricName"]: item["Value"] for item in metrics}
        assert set(values) == {"MAE", "MSE", "R2", "RMSE", "InferenceLatency"}
        assert values["RMSE"] ** 2 == pytest.approx(values["MSE"])
        assert candidate["FinalAutoMLJobObjectiveMetric"] == {
            "MetricName": "RMSE",
            "StandardMetricName": "RMSE",
            "Type": "Minimize",
            "Value": values["RMSE"],
        }
        (container,) = candidate["InferenceContainers"]
        name = candidate["CandidateName"]
        path = f"s3://{BUCKET}/autopilot/ratings/sagemaker-automl-candidates/model/{name}/model.tar.gz"
        assert container["ModelDataUrl"] == path
        assert "/autogluon-inference:" in container["Image"]
        assert container["Environment"]["MODEL_NAME"]


def test_models_are_small_and_hold_no_training_rows(trained: Trained) -> None:
    state, job = trained
    for candidate in job.progress["Candidates"]:
        uri = candidate["InferenceContainers"][0]["ModelDataUrl"]
        path = state.objects.path(BUCKET, uri.removeprefix(f"s3://{BUCKET}/"))
        with tarfile.open(path) as archive:
            names = archive.getnames()
        assert "description.json" in names
        assert not [name for name in names if name.endswith(("X.pkl", "y.pkl", "X_val.pkl"))]
        assert path.stat().st_size < 3_000_000


def test_the_log_tells_progress_and_dropped_rows_and_nothing_foreign(trained: Trained) -> None:
    _, job = trained
    assert "Dropped 2 of 700 training rows" in job.log
    assert "LightGBM-t1: RMSE 0." in job.log
    assert "s so far." in job.log
    assert "MB of memory" in job.log
    for word in ("torch", "ray ", "Warning", "Traceback"):
        assert word not in job.log


def test_the_best_candidate_is_trained_on_all_rows_in_the_end(trained: Trained) -> None:
    _, job = trained
    best = job.progress["BestCandidate"]
    assert f"{best['CandidateName']}: trained once more on all rows" in job.log
    assert best["InferenceContainers"][0]["Environment"]["MODEL_NAME"].endswith("_FULL")
    listed = [item for item in job.progress["Candidates"] if item["CandidateName"] == best["CandidateName"]]
    assert listed == [best]


def test_the_same_data_and_config_give_the_same_scores(trained: Trained) -> None:
    state, job = trained
    tabular = automl_request("again", "train/", **TWO_MODELS)
    again = state.run("automl", "again", tabular)

    def scores(of: RunningJob) -> list[float]:
        return [item["FinalAutoMLJobObjectiveMetric"]["Value"] for item in of.progress["Candidates"]]

    assert len(scores(job)) == 3
    assert scores(again) == scores(job)


def test_a_binding_time_limit_ends_with_the_best_so_far(state: State) -> None:
    state.put("train.csv", music_table(600).to_csv(index=False))
    limit = {"MaxAutoMLJobRuntimeInSeconds": 1}
    job = state.run("automl", "short", automl_request("short", "train.csv", CompletionCriteria=limit))
    assert job.wait() == 0, job.log
    assert job.progress["AutoMLJobSecondaryStatus"] == "MaxAutoMLJobRuntimeReached"
    assert job.progress["BestCandidate"]["CandidateStatus"] == "Completed"
    assert len(job.progress["Candidates"]) < 5


def test_a_stopped_job_keeps_what_is_finished(state: State) -> None:
    state.put("train.csv", music_table(40_000).to_csv(index=False))
    job = state.start("automl", "stopped", automl_request("stopped", "train.csv"))
    job.wait_for(lambda running: "BestCandidate" in running.progress)
    begun = time.monotonic()
    job.process.send_signal(signal.SIGTERM)
    assert job.wait(25) == 0, job.log
    assert time.monotonic() - begun < 20
    finished = [item for item in job.progress["Candidates"] if item["CandidateStatus"] == "Completed"]
    assert finished
    assert len(finished) < 6
    for candidate in finished:
        url = candidate["InferenceContainers"][0]["ModelDataUrl"].removeprefix(f"s3://{BUCKET}/")
        assert state.objects.head(BUCKET, url).size > 0
    assert not [item for item in job.progress["Candidates"] if item["CandidateStatus"] == "InProgress"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"CandidateGenerationConfig": algorithms("nn-torch")}, "'deep'"),
        ({"TargetAttributeName": "rating"}, "'rating' is not in the data"),
    ],
)
def test_what_cannot_be_done_fails_at_once_with_a_remedy(
    state: State, changes: dict[str, object], words: str
) -> None:
    state.put("train.csv", music_table(600).to_csv(index=False))
    job = state.run("automl", "refused", automl_request("refused", "train.csv", **changes))
    assert job.wait() == 1
    assert words in job.progress["FailureReason"]
    assert "autogluon" not in job.log.lower()


@pytest.fixture(scope="module")
def classified(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A finished binary classification with text labels, by a linear model."""
    state = State(tmp_path_factory.mktemp("classified") / "state")
    table = music_table(600)
    table["Rating"] = np.where(table["Rating"] > table["Rating"].median(), "love", "leave")
    state.put("train.csv", table.to_csv(index=False))
    request = automl_request(
        "labels",
        "train.csv",
        objective="F1",
        problem="BinaryClassification",
        CandidateGenerationConfig=LINEAR,
    )
    return state, state.run("automl", "labels", request)


def test_a_classification_reports_its_metrics(classified: Trained) -> None:
    _, job = classified
    assert job.wait() == 0, job.log
    candidate = job.progress["BestCandidate"]
    metrics = candidate["CandidateProperties"]["CandidateMetrics"]
    values = {item["StandardMetricName"]: item["Value"] for item in metrics}
    assert set(values) == {
        "Accuracy",
        "AUC",
        "BalancedAccuracy",
        "F1",
        "InferenceLatency",
        "LogLoss",
        "Precision",
        "Recall",
    }
    assert values["F1"] > 0.8
    assert "Warning" not in job.log
    assert candidate["FinalAutoMLJobObjectiveMetric"]["Type"] == "Maximize"
    assert "LogLoss" not in {item.get("MetricName") for item in metrics}


def test_a_classifier_answers_with_the_keys_asked_for(classified: Trained) -> None:
    from jobs_harness import Client

    state, job = classified
    container = dict(job.progress["BestCandidate"]["InferenceContainers"][0])
    container["Environment"] = {
        **container["Environment"],
        "SAGEMAKER_INFERENCE_OUTPUT": "predicted_label, probability,probabilities,labels",
    }
    request = {"Container": container, "Name": "primary"}
    client = Client(state.start("model_server", "labels", request))
    try:
        status, body = client.ask("0.99,120,happy\n0.01,120,dark\n")
    finally:
        state.close()
    assert status == 200, body
    import csv

    rows = list(csv.reader(body.splitlines()))
    assert [row[0] for row in rows] == ["love", "leave"]
    for label, probability, probabilities, labels in rows:
        assert labels == "['leave', 'love']"
        both = [float(part) for part in probabilities.strip("[]").split(",")]
        assert sum(both) == pytest.approx(1)
        assert float(probability) == max(both)
        assert label == ["leave", "love"][both.index(max(both))]
