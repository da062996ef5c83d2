"""What the reports need of a trained candidate, whatever trained it."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd


@dataclass(frozen=True)
class Contributions:
    """Exact SHAP values: `values` is (rows, features), which with `expected` add up to the predictions.

    For a binary classifier they explain the probability of the positive class.
    """

    values: npt.NDArray[np.float64]
    expected: float


class TrainedModel(Protocol):
    """A trained candidate; frames have the features as columns, in training order."""

    @property
    def classes(self) -> list[str]:
        """The classes in the order of the probabilities; none for regression."""

    def predict(self, frame: pd.DataFrame) -> npt.NDArray[np.float64]:
        """The predicted number of every row of a regression."""

    def probabilities(self, frame: pd.DataFrame) -> npt.NDArray[np.float64]:
        """The probability of every class, (rows, classes)."""

    def contributions(self, frame: pd.DataFrame) -> Contributions | None:
        """Exact SHAP values where the model can tell them quickly (trees), else None."""
