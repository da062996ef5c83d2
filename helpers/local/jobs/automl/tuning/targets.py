"""The target as the algorithms take it: a number, or the number of its class."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from helpers.local.jobs.automl import metrics


@dataclass(frozen=True)
class Target:
    """The classes in their order; of two the second is the positive one. None for a regression."""

    problem_type: str
    values: Sequence[object]

    @classmethod
    def of(cls, problem_type: str, values: pd.Series) -> "Target":
        """The classes of the training data."""
        if problem_type == "Regression":
            return cls(problem_type, [])
        found = values.unique().tolist()
        try:
            return cls(problem_type, sorted(found))
        except TypeError:  # of several types
            return cls(problem_type, sorted(found, key=lambda value: (type(value).__name__, str(value))))

    @property
    def regression(self) -> bool:
        """Whether the target is a number."""
        return self.problem_type == "Regression"

    @property
    def classes(self) -> list[str]:
        """The classes as text."""
        return [str(value) for value in self.values]

    def encode(self, values: pd.Series) -> npt.NDArray[Any]:
        """Numbers, or classes from 0; -1 for a class that the training data does not have."""
        if self.regression:
            return values.to_numpy(dtype=float)
        numbers = {value: number for number, value in enumerate(self.values)}
        return np.array([numbers.get(value, -1) for value in values.tolist()], dtype=np.int64)

    def measure(self, truth: npt.NDArray[Any], predicted: npt.NDArray[np.float64]) -> dict[str, float]:
        """Every metric of the problem type; predicted are numbers, or probabilities (rows, classes)."""
        if self.regression:
            return metrics.regression(truth, predicted)
        shares = pd.DataFrame(predicted, columns=range(predicted.shape[1]))
        chosen = pd.Series(predicted.argmax(axis=1))
        return metrics.classification(self.problem_type, pd.Series(truth), chosen, shares, 1)
