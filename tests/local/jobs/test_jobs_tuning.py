"""Jobs of Mode HYPERPARAMETER_TUNING, one for each problem type, through the containers that serve them."""

import ast
import csv
import io
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import botocore.session
import numpy as np
import pandas as pd
import pytest
import skops.io
from botocore.validate import ParamValidator
from jobs_harness import BUCKET, RunningJob, State, algorithms, automl_request, music_table
from sklearn.preprocessing import FunctionTransformer

from helpers.local.jobs.job import JobFailure
from helpers.local.jobs.pipeline import Pipeline
from helpers.local.jobs.serving import images
from helpers.local.jobs.serving.archives import unpack
from helpers.local.jobs.serving.container import BadEnvironment, BadRequest, Container

Tuned = tuple[State, RunningJob]
TUNING = {"Mode": "HYPERPARAMETER_TUNING"}


def flowers(rows: int, labels: list[str], seed: int = 0) -> pd.DataFrame:
    """A table whose `kind` follows its petals plainly, with all that data can have besides."""
    random = np.random.default_rng(seed)
    petal, stem = random.normal(size=rows), random.random(rows)
    colour = random.choice(["rot", "weiß", None], rows)
    order = petal + 0.8 * (colour == "rot") + random.normal(0, 0.2, rows)
    bounds = np.quantile(order, np.linspace(0, 1, len(labels) + 1)[1:-1])
    kind = np.array(labels)[np.searchsorted(bounds, order)]
    stem[::7] = np.nan
    return pd.DataFrame(
        {
            "petal": petal,
            "Länge, 長": stem,
            "kind": kind,
            "colour": colour,
            "nothing": [None] * rows,
            "same": "x",
            "letter": ["z" * 10_000 + str(number % 3) for number in range(rows)],
            "note": [f"found {word} by the old mill number {number % 5}" for number, word in enumerate(kind)]
            if seed < 0
            else [f"found by the old mill number {number % 50} today" for number in range(rows)],
            "day": pd.date_range("2020-01-01", periods=rows).strftime("%Y-%m-%d"),
            "path": [f"{number % 7},{number % 3}.5,{number % 2}" for number in range(rows)],
        }
    )


@pytest.fixture(scope="module")
def regression(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tuned]:
    """A finished regression job with a candidate of each algorithm."""
    yield from run(tmp_path_factory, "ratings-tuned", music_table(600), "Rating", "Regression", "MSE", 6)


@pytest.fixture(scope="module")
def binary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tuned]:
    """A finished binary job on hostile columns."""
    table = flowers(500, ["no", "yes"])
    only = algorithms("xgboost")
    yield from run(
        tmp_path_factory,
        "flowers",
        table,
        "kind",
        "BinaryClassification",
        "F1",
        2,
        CandidateGenerationConfig=only,
    )


@pytest.fixture(scope="module")
def multiclass(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tuned]:
    """A finished job of three classes by a linear model on sparse rows."""
    table = flowers(500, ["a, b", 'c "d"', "é"])
    only = algorithms("linear-learner")
    yield from run(
        tmp_path_factory,
        "kinds",
        table,
        "kind",
        "MulticlassClassification",
        "F1macro",
        1,
        CandidateGenerationConfig=only,
    )


def run(
    factory: pytest.TempPathFactory,
    name: str,
    table: pd.DataFrame,
    target: str,
    problem: str,
    objective: str,
    candidates: int,
    **tabular: Any,
) -> Iterator[Tuned]:
    found = State(factory.mktemp(name) / "state")
    found.put("train/part.csv", table.to_csv(index=False))
    request = automl_request(
        name,
        "train/",
        objective=objective,
        problem=problem,
        TargetAttributeName=target,
        CompletionCriteria={"MaxCandidates": candidates},
        **TUNING,
        **tabular,
    )
    job = found.run("automl", name, request)
    assert job.wait() == 0, job.log
    yield found, job
    found.close()


@contextmanager
def serving(state: State, containers: list[Mapping[str, Any]], directory: Path) -> Iterator[Pipeline]:
    """The containers of a candidate, each a process, as an inference pipeline."""
    pipeline = Pipeline(state.root, directory, timeout=60, retries=0)
    try:
        pipeline.start([{"Container": dict(container)} for container in containers], {})
        yield pipeline
    finally:
        pipeline.close()


def of_algorithm(job: RunningJob, image: str) -> dict[str, Any]:
    """The first candidate whose algorithm this image serves."""
    found = job.progress["Candidates"]
    return next(item for item in found if f"/{image}:" in item["InferenceContainers"][1]["Image"])


def loaded(state: State, container: Mapping[str, Any], directory: Path) -> Container:
    """One container in this process, as a model server loads it."""
    unpack(state.objects, container["ModelDataUrl"], directory)
    return images.loader(container["Image"])(directory, container["Environment"])


class Chain:
    """The containers of a candidate in this process: each takes what the one before answers."""

    def __init__(self, state: State, containers: list[dict[str, Any]], directory: Path) -> None:
        self.containers = [
            loaded(state, container, directory / str(number)) for number, container in enumerate(containers)
        ]

    def ask(self, content: bytes, content_type: str, accept: str) -> bytes:
        """The answer of the last."""
        for container in self.containers:
            wanted = accept if container is self.containers[-1] else ""
            content, content_type = container.answer(content, content_type, wanted)
        return content


def rows(answer: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(answer.decode())))


def body(table: pd.DataFrame) -> bytes:
    return table.to_csv(index=False, header=False).encode()


def asking(containers: list[dict[str, Any]], *keys: str) -> list[dict[str, Any]]:
    """The containers with these inference keys set as clients set them."""
    changed = [{**item, "Environment": dict(item["Environment"])} for item in containers]
    passed = ", ".join(key for key in keys if key != "labels")
    changed[1]["Environment"]["SAGEMAKER_INFERENCE_OUTPUT"] = passed
    changed[2]["Environment"]["SAGEMAKER_INFERENCE_INPUT"] = passed
    changed[2]["Environment"]["SAGEMAKER_INFERENCE_OUTPUT"] = ", ".join(keys)
    return changed


def test_each_algorithm_has_a_candidate_in_the_form_of_the_api(regression: Tuned) -> None:
    state, job = regression
    model = botocore.session.get_session().get_service_model("sagemaker")
    shape = model.shape_for("AutoMLCandidate")
    for candidate in job.progress["Candidates"]:
        assert not ParamValidator().validate(candidate, shape).has_errors()
        steps = [step["CandidateStepType"].split("::")[-1] for step in candidate["CandidateSteps"]]
        assert steps == ["ProcessingJob", "TrainingJob", "TransformJob", "TrainingJob"]
        assert candidate["CandidateSteps"][-1]["CandidateStepName"] == candidate["CandidateName"]
        metric = candidate["FinalAutoMLJobObjectiveMetric"]
        assert (metric["MetricName"], metric["StandardMetricName"]) == ("validation:mse", "MSE")
        first, second = candidate["InferenceContainers"]
        for container in (first, second):
            assert container["ModelDataUrl"].removeprefix(f"s3://{BUCKET}/") in state.keys("autopilot/")
        assert "data-processor-models/ratings-tu-dpp" in first["ModelDataUrl"]
        assert f"/{candidate['CandidateName']}/output/model.tar.gz" in second["ModelDataUrl"]
    images = {
        item["InferenceContainers"][1]["Image"].split("/")[-1].split(":")[0]
        for item in job.progress["Candidates"]
    }
    assert images == {"sagemaker-xgboost", "linear-learner", "mlp"}
    assert job.progress["AutoMLJobSecondaryStatus"] == "MaxCandidatesReached"
    assert (
        0.03 < job.progress["BestCandidate"]["FinalAutoMLJobObjectiveMetric"]["Value"] < 0.06
    )  # noise: 0.04


def test_the_data_are_left_as_they_were_used(regression: Tuned) -> None:
    state, _ = regression
    prefix = "autopilot/ratings-tuned/preprocessed-data"
    header = state.objects.path(BUCKET, f"{prefix}/header/headers.csv").read_text()
    assert next(csv.reader([header])) == ["Rating", "energy", "tempo", "mood"]
    parts = [
        pd.read_csv(state.objects.path(BUCKET, f"{prefix}/tuning_data/{part}/chunk_0.csv"), header=None)
        for part in ("train", "validation")
    ]
    assert [len(part) for part in parts] == [480, 120]
    assert sorted(pd.concat(parts)[0]) == sorted(music_table(600)["Rating"])


@pytest.mark.parametrize("algorithm", ["sagemaker-xgboost", "linear-learner", "mlp"])
def test_a_regression_is_served_by_two_containers(regression: Tuned, tmp_path: Path, algorithm: str) -> None:
    state, job = regression
    fresh = music_table(300, seed=9)
    chain = Chain(state, of_algorithm(job, algorithm)["InferenceContainers"], tmp_path)
    answer = rows(chain.ask(body(fresh.drop(columns="Rating")), "text/csv", "text/csv"))
    assert np.mean((np.array(answer, dtype=float).ravel() - fresh["Rating"]) ** 2) < 0.09
    with_target = rows(chain.ask(body(fresh), "text/csv", ""))
    assert with_target == answer  # the target is told by its place, and left out
    gaps = fresh.assign(Rating=fresh["Rating"].where(fresh.index > 9))
    assert rows(chain.ask(body(gaps), "text/csv", "")) == answer[10:]
    with pytest.raises(
        BadRequest, match=r"number of columns is 3[.] Number of columns in the received data is 2"
    ):
        chain.ask(b"1,2\n", "text/csv", "")
    lines = chain.ask(b"[0.5, 120, null]\n", "application/jsonlines", "application/jsonlines")
    assert set(json.loads(lines)) == {"score"}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "The body is empty"),
        (b"energy,tempo,mood\n0.5,120,happy\n", "looks like a header"),
        (b"0.5,fast,happy\n", "Row 1, column 'tempo': 'fast' is not a number"),
        (b"0.5,120,happy\n0.5,120\n", "Row 2 has 2 columns"),
        (b",0.5,120,happy\n", "No row has a target"),
        (b"\xff,1,2\n", "not CSV in UTF-8"),
    ],
)
def test_bad_rows_of_a_tuned_pipeline_are_told_apart(
    regression: Tuned, tmp_path: Path, content: bytes, words: str
) -> None:
    state, job = regression
    first = of_algorithm(job, "linear-learner")["InferenceContainers"][0]
    with pytest.raises(BadRequest, match=words):
        loaded(state, first, tmp_path).answer(content, "text/csv", "")


def test_csv_between_the_containers_gives_the_same_predictions(regression: Tuned, tmp_path: Path) -> None:
    state, job = regression
    first, second = of_algorithm(job, "sagemaker-xgboost")["InferenceContainers"]
    data = body(music_table(50, seed=3).drop(columns="Rating"))
    answers = []
    for number, variables in enumerate(
        (
            {},
            {"SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "text/csv"},
            {"AUTOML_SPARSE_ENCODE_RECORDIO_PROTOBUF": "0"},
        )
    ):
        changed = {**first, "Environment": first["Environment"] | variables}
        chain = Chain(state, [changed, second], tmp_path / str(number))
        answers.append(np.array(rows(chain.ask(data, "text/csv", "")), dtype=float))
    assert np.allclose(answers[0], answers[1], rtol=1e-6)
    assert np.array_equal(answers[0], answers[2])


def test_probability_is_that_of_the_second_class_for_two(binary: Tuned, tmp_path: Path) -> None:
    state, job = binary
    best = job.progress["BestCandidate"]
    assert best["FinalAutoMLJobObjectiveMetric"]["MetricName"] == "validation:f1"
    assert best["FinalAutoMLJobObjectiveMetric"]["Value"] > 0.85
    fresh = flowers(200, ["no", "yes"], seed=5)
    data = body(fresh.drop(columns="kind"))
    plain = rows(Chain(state, best["InferenceContainers"], tmp_path / "plain").ask(data, "text/csv", ""))
    assert {len(row) for row in plain} == {1}
    assert np.mean([row[0] == kind for row, kind in zip(plain, fresh["kind"], strict=True)]) > 0.85
    keys = ("probability", "labels", "probabilities", "predicted_label")
    with serving(state, asking(best["InferenceContainers"], *keys), tmp_path / "all") as pipeline:
        full = rows(pipeline.ask(data, "text/csv", "text/csv"))
    for row, alone in zip(full, plain, strict=True):
        assert ast.literal_eval(row[1]) == ["no", "yes"]
        shares = ast.literal_eval(row[2])
        assert float(row[0]) == pytest.approx(shares[1])
        assert sum(shares) == pytest.approx(1)
        assert row[3] == alone[0] == ["no", "yes"][int(np.argmax(shares))]


def test_probability_is_that_of_the_predicted_class_for_three(multiclass: Tuned, tmp_path: Path) -> None:
    state, job = multiclass
    best = job.progress["BestCandidate"]
    assert best["FinalAutoMLJobObjectiveMetric"]["MetricName"] == "validation:macro_f_beta"
    assert best["FinalAutoMLJobObjectiveMetric"]["Value"] > 0.75
    keys = ("predicted_label", "probability", "probabilities", "labels")
    fresh = flowers(100, ["a, b", 'c "d"', "é"], seed=5)
    chain = Chain(state, asking(best["InferenceContainers"], *keys), tmp_path)
    answer = rows(chain.ask(body(fresh.drop(columns="kind")), "text/csv", "text/csv"))
    assert np.mean([row[0] == kind for row, kind in zip(answer, fresh["kind"], strict=True)]) > 0.75
    for row in answer:
        assert float(row[1]) == pytest.approx(max(ast.literal_eval(row[2])))
        assert row[0] == ast.literal_eval(row[3])[int(np.argmax(ast.literal_eval(row[2])))]


@pytest.mark.parametrize(
    ("number", "variables", "words"),
    [
        (1, {"SAGEMAKER_INFERENCE_OUTPUT": "labels"}, "this container supports predicted_label, probability"),
        (1, {"SAGEMAKER_INFERENCE_OUTPUT": "probabilty"}, "names 'probabilty'"),
        (2, {"SAGEMAKER_INFERENCE_OUTPUT": "probability"}, "does not bring"),
        (0, {"AUTOML_TRANSFORM_MODE": "transform"}, "must be one of feature-transform"),
        (1, {"SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "image/png"}, "is not supported"),
    ],
)
def test_an_environment_that_cannot_be_is_refused(
    binary: Tuned, tmp_path: Path, number: int, variables: dict[str, str], words: str
) -> None:
    state, job = binary
    container = job.progress["BestCandidate"]["InferenceContainers"][number]
    with pytest.raises(BadEnvironment, match=words):
        loaded(state, {**container, "Environment": container["Environment"] | variables}, tmp_path)


def test_a_server_with_a_bad_environment_says_so(binary: Tuned) -> None:
    state, job = binary
    container = job.progress["BestCandidate"]["InferenceContainers"][2]
    changed = {**container, "Environment": container["Environment"] | {"SAGEMAKER_INFERENCE_OUTPUT": "labls"}}
    server = state.run("model_server", "refused", {"Container": changed, "Name": "container-3"})
    assert server.wait() == 1
    assert (
        "The Environment of container 'container-3': SAGEMAKER_INFERENCE_OUTPUT names 'labls'"
        in (server.progress["FailureReason"])
    )


def test_keys_that_do_not_fit_together_are_told(binary: Tuned, tmp_path: Path) -> None:
    state, job = binary
    containers = asking(
        job.progress["BestCandidate"]["InferenceContainers"], "predicted_label", "probability"
    )
    containers[1]["Environment"]["SAGEMAKER_INFERENCE_OUTPUT"] = "predicted_label"
    data = body(flowers(3, ["no", "yes"]).drop(columns="kind"))
    with pytest.raises(BadRequest, match="Row 1 has 1 values, and SAGEMAKER_INFERENCE_INPUT names 2"):
        Chain(state, containers, tmp_path).ask(data, "text/csv", "text/csv")


def test_containers_in_the_wrong_order_are_refused(binary: Tuned, tmp_path: Path) -> None:
    state, job = binary
    first, second, _ = job.progress["BestCandidate"]["InferenceContainers"]
    with pytest.raises(JobFailure, match="that of a data processor"):
        loaded(state, {**second, "ModelDataUrl": first["ModelDataUrl"]}, tmp_path)


def test_a_model_of_another_making_runs_no_code(binary: Tuned, tmp_path: Path) -> None:
    state, job = binary
    first = job.progress["BestCandidate"]["InferenceContainers"][0]
    unpack(state.objects, first["ModelDataUrl"], tmp_path)
    skops.io.dump(FunctionTransformer(os.system), tmp_path / "processor.skops")
    with pytest.raises(JobFailure, match=r"refused: Untrusted types found in the file: .*system"):
        images.loader(first["Image"])(tmp_path, first["Environment"])


def test_short_limits_end_with_a_model_of_the_time_there_was(state: State) -> None:
    state.put("train/part.csv", music_table(600).to_csv(index=False))
    limits = {"MaxAutoMLJobRuntimeInSeconds": 1, "MaxRuntimePerTrainingJobInSeconds": 1}
    request = automl_request("short", "train/", CompletionCriteria=limits, **TUNING)
    job = state.run("automl", "short", request)
    assert job.wait() == 0, job.log
    assert job.progress["AutoMLJobSecondaryStatus"] == "MaxAutoMLJobRuntimeReached"
    assert [item["CandidateStatus"] for item in job.progress["Candidates"]] == ["Completed"]
    assert job.progress["BestCandidate"]["FinalAutoMLJobObjectiveMetric"]["MetricName"] == "validation:rmse"
