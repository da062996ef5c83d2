"""The algorithm linear-learner: linear and logistic regression."""

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import ElasticNet, LogisticRegression, Ridge

from .task import SEED, Fitted, Matrix, Rows, Task, Trial, Watch


class FittedEstimator:
    """A model of scikit-learn; a regression may have learned the target in another scale."""

    def __init__(
        self, estimator: Any, regression: bool, rounds: int = 0, centre: float = 0.0, spread: float = 1.0
    ) -> None:
        self.estimator = estimator
        self.regression = regression
        self._rounds = rounds
        self.centre = centre
        self.spread = spread

    @property
    def rounds(self) -> int:
        """The number of passes over the rows, where they are chosen."""
        return self._rounds

    def predict(self, features: Matrix) -> npt.NDArray[np.float64]:
        """Numbers or probabilities."""
        if self.regression:
            found = np.asarray(self.estimator.predict(features), dtype=float)
            return found.ravel() * self.spread + self.centre
        return np.asarray(self.estimator.predict_proba(features), dtype=float)


class LinearLearner:
    """The algorithm linear-learner."""

    name = "linear-learner"
    short = "ll"

    def suggest(self, trial: Trial, task: Task) -> dict[str, Any]:
        """The ranges of the search."""
        found: dict[str, Any] = {"wd": trial.suggest_float("wd", 1e-6, 1.0, log=True)}
        if task.regression:
            found["l1"] = trial.suggest_categorical("l1", [0.0, 0.1, 0.5])
        elif task.threshold_metric:
            found["balance_multiclass_weights"] = trial.suggest_categorical(
                "balance_multiclass_weights", [True, False]
            )
        return found

    def start(self, task: Task) -> dict[str, Any]:
        """Little regularisation."""
        found: dict[str, Any] = {"wd": 1e-4}
        if task.regression:
            found["l1"] = 0.0
        elif task.threshold_metric:
            found["balance_multiclass_weights"] = True
        return found

    def fit(
        self,
        rows: Rows,
        parameters: dict[str, Any],
        task: Task,
        watch: Watch | None,  # noqa: ARG002
        rounds: int | None,  # noqa: ARG002
    ) -> Fitted:
        """Train; the penalty `wd` is for each row, so that it means the same for any number of rows."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            if task.regression:
                estimator = self._regression(parameters, len(rows))
            else:
                estimator = LogisticRegression(
                    C=1 / (parameters["wd"] * len(rows)),
                    class_weight="balanced" if parameters.get("balance_multiclass_weights") else None,
                    max_iter=100,
                    random_state=SEED,
                )
            estimator.fit(rows.features, rows.target)
        return FittedEstimator(estimator, task.regression)

    @staticmethod
    def _regression(parameters: dict[str, Any], rows: int) -> Any:
        if parameters.get("l1"):
            return ElasticNet(
                alpha=parameters["wd"], l1_ratio=parameters["l1"], max_iter=300, random_state=SEED
            )
        return Ridge(alpha=parameters["wd"] * rows, solver="auto", random_state=SEED)
