"""Whether a candidate that did badly on its first rows is worth measuring on the others."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from helpers.local.jobs.automl.tuning.library.task import Task

CLEARLY = 3.0  # standard errors of the mean difference


@dataclass
class Race:
    """The best candidate's losses on the rows of the first fold, which all candidates are measured on.

    A candidate is out of the race when its loss is clearly higher there, row by row. Objectives that weigh
    rare classes are not told by such losses: with them every candidate is measured on all rows.
    """

    task: Task
    leader: npt.NDArray[np.float64] | None = None
    current: npt.NDArray[np.float64] | None = None

    def goes_on(self, truth: npt.NDArray[Any], predicted: npt.NDArray[np.float64]) -> bool:
        """Whether the candidate with these predictions on the first fold stays in."""
        self.current = losses(truth, predicted, self.task)
        if self.leader is None or self.task.threshold_metric or len(self.leader) != len(self.current):
            return True
        difference = self.current - self.leader
        error = float(difference.std()) / np.sqrt(len(difference))
        return bool(difference.mean() <= CLEARLY * error)

    def leads(self) -> None:
        """The candidate that was asked for last is the best so far."""
        self.leader = self.current


def losses(
    truth: npt.NDArray[Any], predicted: npt.NDArray[np.float64], task: Task
) -> npt.NDArray[np.float64]:
    """The loss of each row: squared or absolute errors, or what the probability of the true class lacks."""
    if task.regression:
        errors = np.abs(np.asarray(truth, dtype=float) - predicted)
        return errors if task.objective == "MAE" else errors**2
    shares = predicted[np.arange(len(truth)), truth]
    return np.asarray(-np.log(np.clip(shares, 1e-6, 1)))
