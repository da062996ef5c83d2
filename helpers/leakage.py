"""What a leak promises and what it keeps: two flows on the same ratings, the same model on each, one exam.

For each flow three numbers, all RMSE in stars:

- `validation`: on a random fifth of the flow's training rows, as a leaderboard is made;
- `exam`: on the test rows as the flow itself describes them;
- `real life`: on the same test rows, described by what was known before they happened.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import lightgbm
import numpy as np
import numpy.typing as npt
import pandas as pd

from helpers import evaluation, flow

Floats = npt.NDArray[np.float64]

HONEST, LEAKY = "splits first", "averages first"
VALIDATION_SHARE = 0.2
RESAMPLES = 1000


@dataclass(frozen=True)
class Comparison:
    """`table` has a row for each flow and a column for each number; `too_much` is by how many stars the leaky
    exam promises too much, between `at_least` and `at_most` when the listeners had been others (a bootstrap
    over listeners, 95 %).
    """

    table: pd.DataFrame
    too_much: float
    at_least: float
    at_most: float


def deal(ratings: pd.DataFrame, hands: int) -> pd.DataFrame:
    """Deal each listener's ratings out, in time, like cards: to `hands` listeners of the same taste.

    Raises ValueError for less than one.
    """
    if hands < 1:
        raise ValueError(f"hands is {hands}; every listener's ratings go to at least one.")
    turn = ratings.sort_values("ts", kind="stable").groupby("userId").cumcount() % hands
    return ratings.assign(userId=ratings["userId"] * hands + turn)


def compare(
    honest: flow.Flow, leaky: flow.Flow, tracks: Path, ratings: pd.DataFrame, folder: Path
) -> Comparison:
    """Run both flows on these ratings, train one model on each, and examine both on the same later ratings.

    `folder` is for the file of ratings that the flows read. Raises FlowError, and ValueError when no test row
    is of a listener whom the honest flow can describe.
    """
    path = folder / "ratings.csv"
    ratings.to_csv(path, index=False)
    sources = {"tracks.csv": tracks, "ratings.csv": path}

    def tables(node: str) -> dict[str, pd.DataFrame]:
        flows = {HONEST: honest, LEAKY: leaky}
        return {name: flow.preview(each, node, sources, rows=len(ratings)) for name, each in flows.items()}

    train, tests = tables("train"), _same_rows(tables("test"))
    results = {name: _examine(train[name], tests[name], tests[HONEST]) for name in (HONEST, LEAKY)}
    table = pd.DataFrame({name: result.row() for name, result in results.items()}).T
    leaked = results[LEAKY]
    least, most = _interval(tests[HONEST]["userId"], leaked.later, leaked.exam)
    return Comparison(
        table=table,
        too_much=_root(leaked.later) - _root(leaked.exam),
        at_least=least,
        at_most=most,
    )


@dataclass(frozen=True)
class _Result:
    """What one model did: the RMSE of its validation, and its squared errors on the same test rows."""

    validation: float
    exam: Floats
    later: Floats

    def row(self) -> dict[str, float]:
        return {"validation": self.validation, "exam": _root(self.exam), "real life": _root(self.later)}


def _same_rows(tests: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The tests in the same order, without the rows of listeners of whom nothing was known before."""
    ordered = {name: test.set_index("ratingEventId").sort_index() for name, test in tests.items()}
    known = ordered[HONEST].dropna().index
    if known.empty:
        raise ValueError("No test row is of a listener with a training row: there is nothing to compare.")
    return {name: test.loc[known] for name, test in ordered.items()}


def _examine(train: pd.DataFrame, test: pd.DataFrame, later: pd.DataFrame) -> _Result:
    """Train a model on `train`, whose first column is the target, and predict both other tables."""
    columns = list(train.columns[1:])
    model, validation = _train(train)
    truth = later["Rating"].to_numpy(dtype=float)
    exam, real = (np.square(_predict(model, table[columns]) - truth) for table in (test, later))
    return _Result(validation, exam, real)


def _root(squares: Floats) -> float:
    return float(np.sqrt(squares.mean()))


def _train(train: pd.DataFrame) -> tuple[lightgbm.LGBMRegressor, float]:
    """A model of four fifths of the rows (the target first), and its RMSE on the others."""
    order = np.random.RandomState(0).permutation(len(train))
    cut = int(len(train) * VALIDATION_SHARE)
    held_out, learned = train.iloc[order[:cut]], train.iloc[order[cut:]]
    model = lightgbm.LGBMRegressor(
        n_estimators=300,
        learning_rate=0.05,
        random_state=0,
        n_jobs=1,  # the same numbers on every machine, and so small a model waits for its threads
        verbose=-1,
    )
    # Without names: LightGBM refuses some characters in them, and a genre may have any.
    model.fit(learned.iloc[:, 1:].to_numpy(dtype=float), learned.iloc[:, 0].to_numpy(dtype=float))
    return model, evaluation.rmse(held_out.iloc[:, 0], _predict(model, held_out.iloc[:, 1:]))


def _predict(model: lightgbm.LGBMRegressor, features: pd.DataFrame) -> Floats:
    return np.asarray(model.predict(features.to_numpy(dtype=float)), dtype=np.float64)


def _interval(users: pd.Series, later: Floats, exam: Floats) -> tuple[float, float]:
    """The middle 95 % of the difference of two RMSEs when the listeners are drawn anew, with repetition."""
    sums = pd.DataFrame({"user": users.to_numpy(), "later": later, "exam": exam, "rows": 1.0})
    each = sums.groupby("user").sum().to_numpy()
    drawn = np.random.RandomState(0).randint(len(each), size=(RESAMPLES, len(each)))
    totals = each[drawn].sum(axis=1)
    differences = np.sqrt(totals[:, 0] / totals[:, 2]) - np.sqrt(totals[:, 1] / totals[:, 2])
    least, most = np.percentile(differences, [2.5, 97.5])
    return float(least), float(most)
