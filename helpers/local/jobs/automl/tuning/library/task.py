"""What is to be learned, in the terms that every algorithm shares."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

Matrix: TypeAlias = (
    Any  # npt.NDArray[np.float32] or scipy.sparse.csr_matrix: (rows, numbers), in single precision
)
SEED = 0
REGRESSION = "Regression"


@dataclass(frozen=True)
class Task:
    """A problem type of the API, its objective metric, the number of classes (regression: 0), the cores."""

    problem_type: str
    objective: str
    classes: int = 0
    cores: int = 1

    @property
    def regression(self) -> bool:
        """Whether numbers are predicted, not classes."""
        return self.problem_type == REGRESSION

    @property
    def threshold_metric(self) -> bool:
        """Whether the objective looks at rare classes as much as at frequent ones."""
        return self.objective in ("F1", "Recall", "BalancedAccuracy", "F1macro", "RecallMacro")


@dataclass(frozen=True)
class Rows:
    """Processed rows and their targets: numbers, or classes from 0."""

    features: Matrix
    target: npt.NDArray[Any]

    def __len__(self) -> int:
        return len(self.target)


class Fitted(Protocol):
    """A trained algorithm."""

    @property
    def rounds(self) -> int:
        """How many rounds it was trained (0 when it has none)."""

    def predict(self, features: Matrix) -> npt.NDArray[np.float64]:
        """Numbers (rows,) for a regression, probabilities (rows, classes) else."""


class Trial(Protocol):
    """What an algorithm asks for its hyperparameters (an Optuna trial)."""

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """A number of a range."""

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        """A whole number of a range, ends included."""

    def suggest_categorical(self, name: str, choices: Any) -> Any:
        """One of some values."""


Report = Callable[[int, float], bool]  # told the round and the loss after it; whether to give up


@dataclass(frozen=True)
class Watch:
    """How the training of one model is followed: rows to judge it by, an end in time, one who may give up."""

    validation: Rows
    deadline: float | None = None  # on the monotonic clock
    report: Report | None = None

    @property
    def late(self) -> bool:
        """Whether the time is over."""
        return self.deadline is not None and time.monotonic() > self.deadline


class GivenUp(Exception):
    """A model that is not worth training to its end."""


class Algorithm(Protocol):
    """One algorithm of tuning."""

    name: str  # of the API
    short: str  # in names of jobs

    def suggest(self, trial: Trial, task: Task) -> dict[str, Any]:
        """Hyperparameters out of the algorithm's ranges."""

    def start(self, task: Task) -> dict[str, Any]:
        """Hyperparameters to begin the search with."""

    def fit(
        self, rows: Rows, parameters: dict[str, Any], task: Task, watch: Watch | None, rounds: int | None
    ) -> Fitted:
        """Train a model; with a watch it ends when more rounds do not help, else after `rounds`.

        Raises GivenUp when the watch's report says so.
        """


def loss(truth: npt.NDArray[Any], predicted: npt.NDArray[np.float64], task: Task) -> float:
    """What training lowers: the mean absolute or squared error, or the log loss."""
    if task.regression:
        errors = np.asarray(truth, dtype=float) - predicted
        return float(np.abs(errors).mean() if task.objective == "MAE" else np.square(errors).mean())
    shares = predicted[np.arange(len(truth)), truth]
    return float(-np.log(np.clip(shares, 1e-12, 1)).mean())
