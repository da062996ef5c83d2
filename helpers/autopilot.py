"""What an Autopilot job has done, as tables: its stages in time, what its report explains, where it errs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

from helpers.workshop import ShortError


class NotExplained(ShortError):
    """The report of a job does not hold what Autopilot's explainability reports hold."""


class Timeline:
    """Notes which secondary status an AutoML job is in, and since when: `ws.follow(job, show=timeline)`.

    A status is known as exactly as it was asked for: what began and ended between two looks is not seen.
    """

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self._looks: list[
            tuple[str, float]
        ] = []  # each change of status, in seconds since the job's creation
        self._last = 0.0

    def __call__(self, job: Any) -> str:
        """Look at the job (an AutoMLJobV2, refreshed); the text to show meanwhile."""
        status: str = job.auto_ml_job_secondary_status
        self._last = max(self._last, (self._now() - job.creation_time).total_seconds())
        if not self._looks or self._looks[-1][0] != status:
            self._looks.append((status, self._last))
        return status

    def __str__(self) -> str:
        return " → ".join(status for status, _ in self._looks)

    def table(self) -> pd.DataFrame:
        """One row for each status seen: stage, begin and end, in seconds since the job was created.

        The first begins at 0; each ends where the next was first seen, the last at the last look.
        """
        begins = [0.0, *(moment for _, moment in self._looks[1:])]
        ends = [*begins[1:], self._last]
        rows = [(status, *span) for (status, _), *span in zip(self._looks, begins, ends, strict=False)]
        return pd.DataFrame(rows, columns=["stage", "begin", "end"])


def importance(analysis: Mapping[str, Any]) -> pd.Series:
    """How far each column moves a regression's prediction on average, in its unit: the largest first.

    `analysis` is what an explainability report's `analysis.json` holds: the mean absolute SHAP values of a
    sample of rows. Raises NotExplained when they are not there.
    """
    try:
        values = analysis["explanations"]["kernel_shap"]["label0"]["global_shap_values"]
    except KeyError as error:
        raise NotExplained(f"analysis.json has no {error.args[0]!r}: was this job explained?") from None
    found = pd.Series(values, dtype=float).abs().rename("importance")
    return found.sort_values(ascending=False, kind="stable")


def errors_by_rating(truth: pd.Series, predicted: pd.Series) -> pd.DataFrame:
    """For each number of stars given: how many ratings, the mean prediction, the mean error (predicted minus
    given) and the RMSE.
    """
    table = pd.DataFrame({"stars": truth.astype(int), "predicted": predicted, "error": predicted - truth})
    grouped = table.groupby("stars")
    return pd.DataFrame(
        {
            "ratings": grouped.size(),
            "mean prediction": grouped["predicted"].mean(),
            "mean error": grouped["error"].mean(),
            "RMSE": grouped["error"].agg(_root_mean_square),
        }
    )


def errors_by_listener(listeners: pd.Series, truth: pd.Series, predicted: pd.Series) -> pd.DataFrame:
    """For each listener: ratings, spread (the standard deviation of their stars, which is what guessing their
    own mean would be off) and the model's RMSE; the hardest first.
    """
    table = pd.DataFrame({"listener": listeners, "stars": truth, "error": predicted - truth})
    grouped = table.groupby("listener")
    found = pd.DataFrame(
        {
            "ratings": grouped.size(),
            "spread": grouped["stars"].std(ddof=0),
            "RMSE": grouped["error"].agg(_root_mean_square),
        }
    )
    return found.sort_values("RMSE", ascending=False, kind="stable")


def _root_mean_square(values: pd.Series) -> float:
    return float(np.sqrt(np.mean(np.square(values))))
