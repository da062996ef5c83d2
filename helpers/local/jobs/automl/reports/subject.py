"""What a report is about, and how a report fails."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


class ReportError(Exception):
    """A report cannot be made. The message says why and what to do; the model itself stands."""


@dataclass(frozen=True)
class Subject:
    """A candidate and the rows it is examined on, which it was not trained on.

    `features` has the columns that a client sends, in training order; `truth` has the target of the same
    rows, and `weights` how much each of them counts.
    """

    job_name: str
    candidate: str
    problem_type: str  # Regression, BinaryClassification or MulticlassClassification
    objective: str
    target: str
    features: pd.DataFrame
    truth: pd.Series
    weights: Floats | None = None
