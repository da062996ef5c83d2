"""The parts of tuning: data processors, algorithms, the search, the records between containers."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from helpers.local.jobs.automl.data.cells import normalise
from helpers.local.jobs.automl.tuning.library import processors
from helpers.local.jobs.automl.tuning.library.algorithms import ALGORITHMS
from helpers.local.jobs.automl.tuning.library.folds import Folds, Table, fold, split
from helpers.local.jobs.automl.tuning.library.processors import fit_transform, origins, strategies, transform
from helpers.local.jobs.automl.tuning.library.search import Pipeline, Search, measure
from helpers.local.jobs.automl.tuning.library.task import GivenUp, Rows, Task, Watch
from helpers.local.jobs.automl.tuning.racing import Race
from helpers.local.jobs.automl.tuning.targets import Target
from helpers.local.jobs.automl.tuning.trained import TunedModel
from helpers.local.jobs.serving import archives, recordio
from helpers.local.jobs.serving.container import BadRequest

ROWS = 120
KINDS = {
    "number": "numeric",
    "huge": "numeric",
    "gaps_1": "numeric",
    "mixed": "numeric",
    "ü, 前": "categorical",
    "truth": "categorical",
    "seldom": "categorical",
    "long": "text",
    "dots": "text",
    "day": "datetime",
    "no day": "datetime",
    "path": "sequence",
    "no path": "sequence",
}


def hostile() -> pd.DataFrame:
    """A column of every kind, and faults in each."""
    random = np.random.default_rng(0)
    number = random.random(ROWS)
    frame = pd.DataFrame(
        {
            "number": number,
            "huge": np.where(number > 0.9, 1e300, np.where(number < 0.1, -np.inf, number)),
            "gaps_1": np.where(number > 0.2, np.nan, 1.0),
            "mixed": [None if row % 5 == 0 else "?" if row % 7 == 0 else str(row) for row in range(ROWS)],
            "ü, 前": random.choice(["a", "b_1", "missingindicator_f0"], ROWS),
            "truth": number > 0.5,
            "seldom": [f"name {row}" for row in range(ROWS)],
            "long": [f"way{row % 4} " + "word " * 2000 for row in range(ROWS)],
            "dots": ["..."] * ROWS,
            "day": pd.date_range("1999-12-31", periods=ROWS).strftime("%d %b %Y"),
            "no day": ["yesterday"] * ROWS,
            "path": [f"[{row}, 1e400, -2.5]" for row in range(ROWS)],
            "no path": [None] * ROWS,
        }
    )
    return normalise(frame, {name: kind for name, kind in KINDS.items() if kind != "numeric"})


@pytest.mark.parametrize("strategy", strategies(KINDS), ids=lambda strategy: strategy.name)
@pytest.mark.parametrize("regression", [True, False])
def test_a_processor_takes_every_column_and_is_stored_whole(
    strategy: processors.Strategy, regression: bool, tmp_path: Path
) -> None:
    frame = hostile()
    target = frame["number"].to_numpy() if regression else np.arange(ROWS) % 3
    processor = processors.build(strategy, KINDS, regression)
    learned = fit_transform(processor, frame, target)
    dense = learned.toarray() if sparse.issparse(learned) else learned
    assert dense.dtype == np.float32
    assert np.isfinite(dense).all()
    assert len(origins(processor)) == dense.shape[1]
    assert set(origins(processor)) >= {"number", "ü, 前", "truth", "day", "path", "gaps_1"}
    archives.store_estimator(processor, tmp_path / "processor.skops")
    again = archives.load_estimator(tmp_path / "processor.skops")
    nothing = pd.DataFrame({name: [None] for name in frame})
    for rows in (frame, nothing):
        known, loaded = transform(processor, rows), transform(again, rows)
        assert abs(known - loaded).max() == 0


def test_origins_tell_the_columns_that_numbers_are_made_of() -> None:
    frame = hostile()
    strategy = strategies(KINDS)[0]
    processor = processors.build(strategy, KINDS, True)
    fit_transform(processor, frame, frame["number"].to_numpy())
    before = transform(processor, frame)
    for name in ("gaps_1", "ü, 前", "day", "path", "long"):
        changed = transform(processor, frame.assign(**{name: frame[name].to_numpy()[::-1]}))
        moved = np.flatnonzero(np.any(changed != before, axis=0))
        assert {origins(processor)[number] for number in moved} == {name}


def test_a_record_has_the_bytes_of_the_format() -> None:
    # Written by hand: field 1 (features) {1: "values", 2: {2: {1: packed floats}}}, framed by RecordIO.
    numbers = struct.pack("<2f", 1.5, 0.0)
    tensor = b"\x0a\x08" + numbers
    value = b"\x12" + bytes([len(tensor)]) + tensor
    entry = b"\x0a\x06values\x12" + bytes([len(value)]) + value
    message = b"\x0a" + bytes([len(entry)]) + entry
    framed = struct.pack("<II", 0xCED7230A, len(message)) + message + b"\0" * (-len(message) % 4)
    row = np.array([[1.5, 0.0]], dtype=np.float32)
    assert recordio.encode(row) == framed
    thin = recordio.encode(row, np.array([7.0]), places=True)
    assert np.array_equal(recordio.decode(thin, 2).toarray(), row)
    assert b"\x12\x03\x0a\x01\x00" not in thin  # no label among the features
    for body, words in (
        (b"", "empty"),
        (framed[:-3], "ends within"),
        (b"1,2,3,4,5", "no RecordIO"),
        (framed[:8] + b"\xff" * len(message), "Record 1 is no message"),
        (recordio.encode(np.ones((1, 3), dtype=np.float32)), "has 3 values, the model takes 2"),
    ):
        with pytest.raises(BadRequest, match=words):
            recordio.decode(body, 2)


def table(regression: bool, rows: int = 400) -> Table:
    random = np.random.default_rng(1)
    frame = pd.DataFrame({"a": random.normal(size=rows), "b": random.choice(["x", "y"], rows)})
    score = frame["a"] + (frame["b"] == "x") + random.normal(0, 0.3, rows)
    target = score.to_numpy() if regression else (score > 0.5).to_numpy().astype(int)
    return Table(frame, target)


def searched(regression: bool, count: int, **options: Any) -> list[tuple[str, float]]:
    """The pipelines and the scores of some candidates."""
    found = table(regression)
    kinds = {"a": "numeric", "b": "categorical"}
    task = Task("Regression", "MSE", 0, 1) if regression else Task("BinaryClassification", "Accuracy", 2, 1)
    folds = {
        strategy.name: Folds(
            lambda strategy=strategy: processors.build(strategy, kinds, regression),
            found,
            split(found.target, regression, 3),
        )
        for strategy in strategies(kinds)
    }
    pipelines = [Pipeline("dpp0", "xgboost"), Pipeline("dpp1", "linear-learner"), Pipeline("dpp2", "mlp")]
    search = Search(pipelines, task, not regression, **options)
    scores = []
    target = Target(task.problem_type, [] if regression else [0, 1])
    for _ in range(count):
        proposal = search.propose()
        measured = measure(folds[proposal.pipeline.processor], proposal, task)
        assert sorted(measured.rows) == list(range(400))
        value = target.measure(measured.truth, measured.predicted)[task.objective]
        search.tell(proposal, value)
        scores.append((proposal.pipeline.name, value))
    return scores


@pytest.mark.parametrize("regression", [True, False])
def test_a_search_begins_with_each_pipeline_and_is_the_same_again(regression: bool) -> None:
    first = searched(regression, 5)
    assert [name for name, _ in first[:3]] == ["dpp0-xgb", "dpp1-ll", "dpp2-mlp"]
    assert first == searched(regression, 5)
    values = [value for _, value in first]
    assert min(values) < 0.15 if regression else max(values) > 0.8  # noise: 0.09


@pytest.mark.parametrize("algorithm", ["xgboost", "mlp"])
def test_hyperband_gives_up_what_is_worse_after_as_many_rounds(algorithm: str) -> None:
    found, kinds = table(False, 900), {"a": "numeric", "b": "categorical"}
    strategy = strategies(kinds)[0]
    first, last = np.arange(600), np.arange(600, 900)
    parts = fold(processors.build(strategy, kinds, False), found.take(first), found.take(last), last)
    task = Task("BinaryClassification", "AUC", 2, 1)
    pipeline = Pipeline(strategy.name, algorithm)
    search = Search([pipeline], task, True, multi_fidelity=True)
    complete, given_up = 0, 0
    for _ in range(14):
        proposal = search.propose()
        try:
            measured = measure([parts], proposal, task, search=search)
            shares = measured.predicted
            search.tell(proposal, Target(task.problem_type, [0, 1]).measure(measured.truth, shares)["AUC"])
            complete += 1
        except GivenUp:
            search.give_up(proposal)
            given_up += 1
    assert given_up >= 1
    assert complete >= 4


def test_a_candidate_that_is_clearly_worse_is_out_of_the_race() -> None:
    truth = np.random.default_rng(0).normal(size=500)
    race = Race(Task("Regression", "RMSE"))
    assert race.goes_on(truth, truth + 0.5)
    race.leads()
    assert race.goes_on(truth, truth + 0.5)
    assert race.goes_on(truth, truth - 0.4)
    assert not race.goes_on(truth, truth + 0.6)
    rare = Race(Task("BinaryClassification", "F1", 2))
    labels = np.arange(500) % 2
    good = np.column_stack([1 - labels, labels]) * 0.8 + 0.1
    assert rare.goes_on(labels, good)
    rare.leads()
    assert rare.goes_on(labels, 1 - good)


@pytest.mark.parametrize("name", list(ALGORITHMS))
def test_a_model_ends_at_its_deadline(name: str) -> None:
    random = np.random.default_rng(0)
    rows = Rows(random.normal(size=(200, 3)).astype(np.float32), random.normal(size=200))
    task = Task("Regression", "MSE", 0, 1)
    algorithm = ALGORITHMS[name]
    fitted = algorithm.fit(rows, algorithm.start(task), task, Watch(rows, deadline=0.0), None)
    assert fitted.rounds <= 1
    assert np.isfinite(fitted.predict(rows.features)).all()


@pytest.mark.parametrize("name", ["xgboost", "linear-learner", "mlp"])
def test_contributions_of_a_regression_add_up_to_its_predictions(name: str) -> None:
    found = table(True)
    kinds = {"a": "numeric", "b": "categorical"}
    processor = processors.build(strategies(kinds)[1], kinds, True)
    rows = Rows(fit_transform(processor, found.features, found.target), found.target)
    task = Task("Regression", "MSE", 0, 1)
    algorithm = ALGORITHMS[name]
    fitted = algorithm.fit(rows, algorithm.start(task), task, None, 10)
    means = np.asarray(rows.features.mean(axis=0), dtype=float).ravel()
    model = TunedModel(processor, fitted, Target("Regression", []), ["b", "a"], means)
    contributions = model.contributions(found.features)
    if name == "mlp":
        assert contributions is None
        return
    assert contributions is not None
    assert contributions.values.sum(axis=1) + contributions.expected == pytest.approx(
        model.predict(found.features), abs=1e-4
    )
    of_a = np.corrcoef(contributions.values[:, 1], found.features["a"])[0, 1]
    assert of_a > 0.9
