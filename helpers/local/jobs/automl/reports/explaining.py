"""Why a candidate predicts what it predicts: the SHAP values of a sample of rows, and how they came about."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers.local.jobs.automl.model import Contributions, TrainedModel
from helpers.local.jobs.automl.reports import shapley
from helpers.local.jobs.automl.reports.speed import Speed
from helpers.local.jobs.automl.reports.subject import Floats, Integers, ReportError, Subject

MOST_EXACT_ROWS = 1000
TRIAL_ROWS, GROWTH = 16, 4
# Sums that differ by more than this share of the predictions' spread are no rounding.
TOLERANCE = 1e-3


@dataclass(frozen=True)
class Explanation:
    """SHAP values (rows, features, outputs), which with `expected` (outputs) add up to the predictions.

    The outputs are the predicted number of a regression, the probability of the positive class, or the
    probability of every class; `outputs` names them. `rows` has the explained rows' cells.
    """

    rows: pd.DataFrame
    values: Floats
    expected: Floats
    outputs: tuple[str, ...]
    method: str

    @property
    def features(self) -> list[str]:
        """The features' names, in training order."""
        return [str(name) for name in self.rows.columns]

    @property
    def importance(self) -> Floats:
        """The mean absolute SHAP value, (features, outputs)."""
        return np.asarray(np.abs(self.values).mean(axis=0))

    @property
    def ranking(self) -> list[int]:
        """The features' places, the most important first; of equals the first."""
        return [int(place) for place in np.argsort(-self.importance.sum(axis=1), kind="stable")]


def explain(model: TrainedModel, subject: Subject, seconds: float) -> Explanation:
    """Explain a sample of the subject's rows within so many seconds.

    Exact values are taken where the model can tell them, else estimated. Raises ReportError when there is
    nothing to explain, or no time to explain one row.
    """
    if subject.features.empty:
        raise ReportError("There is no row to explain: the validation data is empty.")
    deadline = time.monotonic() + seconds
    predict, outputs = _explained(model, subject)
    exact = _exact(model, subject.features, predict, seconds) if len(outputs) == 1 else None
    if exact is not None:
        rows, contributions = exact
        return Explanation(
            rows,
            contributions.values[:, :, None],
            np.array([contributions.expected]),
            outputs,
            f"exact values that the model's own parts give, for {_counted(len(rows), 'row')}",
        )
    estimate = shapley.estimate(predict, subject.features, deadline - time.monotonic())
    method = (
        f"estimated for {_counted(len(estimate.rows), 'row')}, with {estimate.walks:.0f} random orders of "
        f"the features each, against {_counted(estimate.background, 'background row')}"
    )
    rows = subject.features.iloc[estimate.rows].reset_index(drop=True)
    return Explanation(rows, estimate.values, estimate.expected, outputs, method)


def _explained(
    model: TrainedModel, subject: Subject
) -> tuple[Callable[[pd.DataFrame], Floats], tuple[str, ...]]:
    """The prediction that is explained, and the names of its outputs."""
    if subject.problem_type == "Regression":
        return lambda frame: np.asarray(model.predict(frame), dtype=np.float64)[:, None], (subject.target,)
    classes = model.classes
    if len(classes) == 2:
        return lambda frame: np.asarray(model.probabilities(frame), dtype=np.float64)[:, 1:], (classes[1],)
    return model.probabilities, tuple(classes)


def _exact(
    model: TrainedModel, frame: pd.DataFrame, predict: Callable[[pd.DataFrame], Floats], seconds: float
) -> tuple[pd.DataFrame, Contributions] | None:
    """The model's own contributions, of as many rows as the time allows; None where it tells none.

    Contributions that do not add up to the predictions explain another quantity, and are left aside.
    """
    deadline = time.monotonic() + seconds
    order = np.random.default_rng(shapley.SEED).permutation(len(frame))[:MOST_EXACT_ROWS]
    speed = Speed(0.0, 0.0)
    before: tuple[int, float] | None = None
    batches: list[Contributions] = []
    done, size = 0, min(TRIAL_ROWS, len(order))
    while size > 0:
        begun = time.monotonic()
        rows = frame.iloc[order[done : done + size]].reset_index(drop=True)
        contributions = model.contributions(rows)
        if not batches and (contributions is None or not _adds_up(contributions, predict(rows)[:, 0])):
            return None
        if contributions is None:
            break
        batches.append(contributions)
        done += size
        now = size, time.monotonic() - begun
        speed.fit(before, now)
        before = now
        affordable = speed.rows_in(0.9 * (deadline - time.monotonic()))
        size = min(GROWTH * size, int(affordable), len(order) - done)
    return _joined(frame, order, batches)


def _joined(
    frame: pd.DataFrame, order: Integers, batches: Sequence[Contributions]
) -> tuple[pd.DataFrame, Contributions]:
    values = np.concatenate([batch.values for batch in batches])
    return frame.iloc[order[: len(values)]].reset_index(drop=True), Contributions(values, batches[0].expected)


def _adds_up(contributions: Contributions, predicted: Floats) -> bool:
    sums = contributions.values.sum(axis=1) + contributions.expected
    spread = float(np.ptp(predicted)) or float(np.abs(predicted).max()) or 1.0
    return bool(np.abs(sums - predicted).max() <= TOLERANCE * spread)


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
