"""What AutoGluon's models tell of themselves, and a job on hostile data from Parquet to the served model."""

import io
import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from jobs_harness import BUCKET, Client, RunningJob, State, algorithms, automl_request

from helpers.local.jobs.automl.data import TrainingData
from helpers.local.jobs.automl.ensembling.contributions import ColumnContributions, by_feature
from helpers.local.jobs.automl.ensembling.recipes import Recipe
from helpers.local.jobs.automl.ensembling.trained import EnsemblingModel
from helpers.local.jobs.automl.ensembling.training import Training
from helpers.local.jobs.automl.experiment import reason_of
from helpers.local.jobs.automl.resources import Resources

FEATURES = ["energy, x", "mood", "when", "título", "holes", "constant"]


def songs(rows: int) -> pd.DataFrame:
    """The rating follows energy, mood and how often the title says love; nothing else."""
    random = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "energy, x": random.random(rows),
            "mood": random.choice(["calm", "dark", "happy"], rows),
            "when": pd.date_range("2020-01-01", periods=rows, freq="7h").astype(str),
            "título": [
                " ".join(random.choice(["love", "night", "song", "blue"], 6)) + f" {row}"
                for row in range(rows)
            ],
            "holes": np.where(random.random(rows) > 0.5, np.nan, random.random(rows)),
            "constant": 1.0,
        }
    )
    love = table["título"].str.count("love")
    table["y"] = 2 * table["energy, x"] + (table["mood"] == "happy") + 0.5 * love
    return table


@pytest.fixture(scope="module")
def training(tmp_path_factory: pytest.TempPathFactory) -> Training:
    """Short trees of each library, a line, and their ensemble, the latter once more on all rows."""
    table = songs(500)
    data = TrainingData(
        table[:400].reset_index(drop=True),
        table[400:].reset_index(drop=True),
        FEATURES,
        "Regression",
        validation_given=False,
    )
    found = Training(data, "y", "RMSE", Resources(2, 4 * 10**9), tmp_path_factory.mktemp("models"))
    found.prepare()
    for recipe in (
        Recipe("GBM", {"num_boost_round": 30}),
        Recipe("CAT", {"iterations": 30}),
        Recipe("XGB", {"n_estimators": 30}),
        Recipe("LR"),
    ):
        found.fit(recipe, None)
    found.refit(found.fit_ensemble(None).model)
    return found


def test_contributions_of_every_model_add_up_to_its_predictions(training: Training) -> None:
    frame = training.data.validation[FEATURES]
    names = training.predictor.model_names()
    assert len(names) > 6  # four models, their ensemble, and members trained once more
    for name in names:
        model = EnsemblingModel(training.predictor, name, training.data)
        found = model.contributions(frame)
        assert found is not None, name
        assert found.values.shape == (100, len(FEATURES))
        np.testing.assert_allclose(
            found.values.sum(axis=1) + found.expected, model.predict(frame), atol=1e-3, err_msg=name
        )
        shares = np.abs(found.values).mean(axis=0)
        assert shares[[0, 1, 3]].min() > 3 * shares[[2, 4]].max(), name  # what the rating follows
        assert shares[5] == 0


def numbers(weights: np.ndarray) -> TrainingData:
    """Two columns whose product is the target, but for the rows without weight, where it is 9."""
    table = pd.DataFrame(np.random.default_rng(0).random((500, 2)), columns=["a, b", "c d"])
    table["y"] = np.where(weights == 0, 9.0, table["a, b"] * table["c d"])
    table["w"] = weights
    parts = (table[:400].reset_index(drop=True), table[400:].reset_index(drop=True))
    return TrainingData(*parts, ["a, b", "c d"], "Regression", validation_given=False, weight="w")


def test_rows_without_weight_do_not_count_in_any_model_or_metric(tmp_path: Path) -> None:
    data = numbers(np.where(np.arange(500) % 4 == 0, 0.0, 1.0))
    models = Training(data, "y", "RMSE", Resources(1, 4 * 10**9), tmp_path)
    models.prepare()
    tree = models.fit(Recipe("GBM", {"num_boost_round": 60}, interactions=True), None)
    for fitted in (tree, models.fit(Recipe("MLP"), None), models.fit(Recipe("LR"), None)):
        assert fitted.values["RMSE"] < 0.2, fitted  # a mean of all rows errs by more than 2
        predicted = EnsemblingModel(models.predictor, fitted.model, data).predict(data.validation)
        assert predicted.max() < 2, fitted
    # A column of products belongs to both features: no exact contribution of either.
    explained = EnsemblingModel(models.predictor, tree.model, data).contributions(
        data.validation[data.features]
    )
    assert explained is None


def test_a_model_without_a_feature_of_use_fails_alone(tmp_path: Path) -> None:
    table = pd.DataFrame({"name": [f"song {row}" for row in range(500)], "y": np.arange(500.0)})
    parts = (table[:400].reset_index(drop=True), table[400:].reset_index(drop=True))
    data = TrainingData(*parts, ["name"], "Regression", validation_given=False)
    models = Training(data, "y", "RMSE", Resources(1, 4 * 10**9), tmp_path)
    models.prepare()
    for _ in range(2):  # the second model finds nothing half made
        with pytest.raises(Exception, match="No valid features") as raised:
            models.fit(Recipe("GBM", {"num_boost_round": 5}), None)
        assert "No feature is of use" in reason_of(raised.value)


def test_a_line_s_contributions_are_its_weights_times_the_distance_from_the_mean(training: Training) -> None:
    model = EnsemblingModel(training.predictor, "LinearModel", training.data)
    frame = training.data.validation[FEATURES]
    moved = frame.assign(**{"energy, x": frame["energy, x"] + 0.1})
    before, after = model.contributions(frame), model.contributions(moved)
    assert before is not None
    assert after is not None
    np.testing.assert_allclose(after.values[:, 1:], before.values[:, 1:], atol=1e-9)
    difference = model.predict(moved) - model.predict(frame)
    np.testing.assert_allclose(after.values[:, 0] - before.values[:, 0], difference, atol=1e-6)
    mean = training.data.training["energy, x"].mean()
    slope = difference[0] / 0.1
    np.testing.assert_allclose(before.values[:, 0], slope * (frame["energy, x"] - mean), atol=1e-5)


def test_a_column_made_of_two_features_has_no_contribution_of_either() -> None:
    found = ColumnContributions(pd.DataFrame({"a": [1.0], "ab": [2.0]}), 0.0)
    assert by_feature(found, {"a": ["a"], "b": ["ab"]}, ["a", "b"]).tolist() == [[1.0, 2.0]]  # type: ignore[union-attr]
    assert by_feature(found, {"a": ["a", "ab"], "b": ["ab"]}, ["a", "b"]) is None
    assert by_feature(found, {"a": ["a"]}, ["a"]) is None


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[State, RunningJob]]:
    """A finished job with weights, a feature specification and a table that nobody would wish for."""
    state = State(tmp_path_factory.mktemp("hostile") / "state")
    table = songs(620)
    table = table.assign(
        code=[f"{row % 3:02}" for row in range(620)],
        listed=[[row, row + 1] for row in range(620)],
        bytes=[bytes([255, row % 256]) for row in range(620)],
        endless=np.where(np.arange(620) % 9 == 0, np.inf, 1.5),
        nothing=None,
        long="x" * 10_000,
        left_out=range(620),
        w=np.where(np.arange(620) < 5, -1.0, 1.0),
    )
    table["y"] += table["code"].map({"00": 0, "01": 2, "02": 1})
    buffer = io.BytesIO()
    table.to_parquet(buffer)
    state.objects.put(BUCKET, "songs.parquet", buffer.getvalue())
    types = {"code": "categorical", "título": "text", "when": "datetime", "energy, x": "numeric"}
    names = [name for name in table if name not in ("y", "w", "left_out")]
    features = {"FeatureAttributeNames": names, "FeatureDataTypes": types}
    request = automl_request(
        "hostile",
        "songs.parquet",
        TargetAttributeName="y",
        SampleWeightAttributeName="w",
        FeatureSpecificationS3Uri=state.put("features.json", json.dumps(features)),
        CandidateGenerationConfig=algorithms("lightgbm"),
        CompletionCriteria={"MaxCandidates": 1, "MaxRuntimePerTrainingJobInSeconds": 5},
    )
    request["AutoMLJobInputDataConfig"][0]["ContentType"] = "x-application/vnd.amazon+parquet"
    request["Resources"] = {"Cores": 1, "MemoryInBytes": 2_000_000_000}
    yield state, state.run("automl", "hostile", request)
    state.close()


def test_a_job_bears_hostile_columns_weights_and_chosen_features(hostile: tuple[State, RunningJob]) -> None:
    _, job = hostile
    assert job.wait() == 0, job.log
    assert "It may take 1 cores and 2.0 GB of memory." in job.log
    assert "Training 1 models on 1 cores." in job.log
    assert "Dropped 5 of 620 training rows: their sample weight 'w'" in job.log
    assert "weighted by 'w': 492 rows to train on, 123 to validate, 12 features" in job.log
    assert "Traceback" not in job.log
    assert job.progress["BestCandidate"]["FinalAutoMLJobObjectiveMetric"]["Value"] < 0.7


def test_the_served_model_takes_the_chosen_features_in_the_order_of_the_data(
    hostile: tuple[State, RunningJob],
) -> None:
    state, job = hostile
    container = job.progress["BestCandidate"]["InferenceContainers"][0]
    client = Client(state.start("model_server", "hostile", {"Container": container, "Name": "primary"}))
    row = '0.5,{mood},2020-02-01,love song,,1,{code},"[1, 2]",x,1.5,,long\n'
    body = "".join(
        row.format(mood=mood, code=code) for mood, code in [("calm", "00"), ("calm", "01"), ("happy", "01")]
    )
    status, answer = client.ask(body)
    assert status == 200, answer
    low, high, highest = map(float, answer.split())
    assert low + 1 < high < highest
    status, answer = client.ask("0.5,calm\n")
    assert status == 400
    assert "the model takes 12" in answer


def test_a_stop_request_during_the_analysis_ends_the_job(state: State) -> None:
    table = pd.DataFrame({"Rating": np.arange(400_000) % 977, "x": np.arange(400_000)})
    state.put("train.csv", table.to_csv(index=False))
    job = state.start("automl", "early", automl_request("early", "train.csv"))
    job.wait_for(lambda running: running.progress.get("AutoMLJobSecondaryStatus") == "AnalyzingData")
    begun = time.monotonic()
    job.process.send_signal(signal.SIGTERM)
    assert job.wait(20) == 0, job.log
    assert time.monotonic() - begun < 10
    assert "Stopped on request." in job.log
    assert "Candidates" not in job.progress
