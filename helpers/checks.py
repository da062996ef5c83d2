"""Did my step work? Friendly checks at the end of a step: a tick for what is right, a way on for what is
not.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from helpers.workshop import ShortError, Workshop

SMALLEST_TRAINING_SET = 500  # rows; Autopilot refuses fewer


class StepNotDone(ShortError):
    """A step did not give what the next one needs."""


def _say(right: bool, done: str, otherwise: str) -> None:
    if not right:
        raise StepNotDone(otherwise)
    print(f"✔ {done}")


def objects_exist(ws: Workshop, what: str, *uris: str) -> None:
    """Every one of `uris` begins the name of at least one object in S3."""
    missing = [uri for uri in uris if not ws.objects(uri)]
    _say(
        not missing, f"{what}: in S3", f"{what}: nothing at {', '.join(missing)}. Run the cells above again."
    )


def columns_are(table: pd.DataFrame, what: str, columns: Sequence[str]) -> None:
    """`table` has these columns first, in this order."""
    found = list(table.columns[: len(columns)])
    _say(
        found == list(columns),
        f"{what} begins with {', '.join(columns)}",
        f"{what} begins with {', '.join(found)}, not with {', '.join(columns)}. "
        "Was the flow changed, or its source files?",
    )


def enough_to_train(train: pd.DataFrame) -> None:
    """Autopilot takes at least 500 rows."""
    _say(
        len(train) >= SMALLEST_TRAINING_SET,
        f"{len(train):,} training rows, enough for Autopilot",
        f"{len(train):,} training rows; Autopilot needs {SMALLEST_TRAINING_SET}. Choose a larger scale.",
    )


def no_missing_values(table: pd.DataFrame, what: str) -> None:
    """No cell of `table` is empty."""
    holes = table.columns[table.isna().any()].tolist()
    _say(not holes, f"{what} has no missing values", f"{what} has missing values in {', '.join(holes)}.")


def finished(status: str, what: str, good: str = "Completed") -> None:
    """A job or an endpoint reached the status it should."""
    _say(status == good, f"{what}: {status}", f"{what}: {status}, not {good}. Its log says why.")


def beats(value: float, baseline: float, what: str, baseline_name: str) -> None:
    """Whether `value` (an error, less is better) lies below `baseline`. Only says so: with little data a
    model may well lose, and that is a result, not a mistake.
    """
    if value < baseline:
        print(f"✔ {what} ({value:.3f}) is better than {baseline_name} ({baseline:.3f})")
    else:
        print(
            f"✘ {what} ({value:.3f}) is no better than {baseline_name} ({baseline:.3f}): "
            "was there enough data to learn from?"
        )


def is_described(listener: int, listeners: pd.DataFrame) -> None:
    """The listener (a userId) has a row in `listeners`, which is indexed by userId."""
    some = ", ".join(str(user) for user in listeners.index[:5])
    _say(
        listener in listeners.index,
        "the listener is known",
        f"listener {listener} has no rating in the training data. Choose another, such as {some}.",
    )


def same_length(predictions: Sequence[float] | pd.Series, rows: int, what: str) -> None:
    """One prediction came back for each row sent."""
    _say(
        len(predictions) == rows,
        f"{what}: one prediction for each of {rows:,} rows",
        f"{what}: {len(predictions):,} predictions for {rows:,} rows. "
        "A header in the input, or a column too many, loses rows.",
    )


def knows_no_future(listeners: pd.DataFrame, training: pd.DataFrame) -> None:
    """The averages in `listeners` (indexed by userId) are those of the training ratings alone."""
    means = training.groupby("userId")["Rating"].mean()
    compared = listeners["mean_rating"].reindex(means.index)
    off = compared.index[~((compared - means).abs() < 1e-6)]
    extra = listeners.index.difference(means.index)
    wrong = sorted({int(user) for user in [*off, *extra]})
    _say(
        not wrong,
        f"the averages of {len(means):,} listeners come from the {len(training):,} training ratings alone",
        f"the averages of {len(wrong):,} listeners, such as {''.join(map(str, wrong[:1]))}, are not those of "
        "their training ratings: they know the future, so no number would be honest. Split before averaging.",
    )


def all_unheard(playlist: pd.DataFrame, heard: set[str]) -> None:
    """No track of the playlist has been heard by the listener."""
    known = sorted(set(playlist["trackId"]) & heard)
    _say(
        not known,
        f"{len(playlist)} tracks, none heard before",
        f"the listener already knows {', '.join(known)}.",
    )


def nothing_left(left: Sequence[str]) -> None:
    """Nothing that costs money is left."""
    _say(
        not left,
        "nothing is left that costs money",
        f"still there: {', '.join(left)}. Run this notebook again, or delete them in the SageMaker console.",
    )
