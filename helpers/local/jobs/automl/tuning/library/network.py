"""The algorithm mlp: a network of few layers."""

import copy
import warnings
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor
from threadpoolctl import threadpool_limits

from .linear import FittedEstimator
from .task import SEED, Fitted, GivenUp, Rows, Task, Trial, Watch, loss

MOST_EPOCHS = 30
PATIENCE = 3  # epochs without a better validation loss
SMALLEST_BATCH = 16  # rows, and of few rows batches are small: an epoch has this many at least
FEWEST_STEPS = 50
LAYERS = {"32": (32,), "64": (64,), "128": (128,), "64-32": (64, 32), "128-64": (128, 64)}


class MLP:
    """The algorithm mlp."""

    name = "mlp"
    short = "mlp"

    def suggest(self, trial: Trial, task: Task) -> dict[str, Any]:  # noqa: ARG002
        """The ranges of the search."""
        return {
            "layers": trial.suggest_categorical("layers", list(LAYERS)),
            "learning_rate": trial.suggest_float("learning_rate", 3e-4, 1e-2, log=True),
            "weight_decay": trial.suggest_float("weight_decay", 1e-6, 1e-1, log=True),
            "mini_batch_size": trial.suggest_categorical("mini_batch_size", [64, 128, 256]),
        }

    def start(self, task: Task) -> dict[str, Any]:  # noqa: ARG002
        """A small network."""
        return {"layers": "128", "learning_rate": 5e-4, "weight_decay": 1e-5, "mini_batch_size": 256}

    def fit(
        self, rows: Rows, parameters: dict[str, Any], task: Task, watch: Watch | None, rounds: int | None
    ) -> Fitted:
        """Train epoch by epoch; with a watch the best epoch stays."""
        centre, spread = 0.0, 1.0
        if task.regression:
            centre, spread = float(rows.target.mean()), float(rows.target.std()) or 1.0
        estimator = self._estimator(parameters, task, len(rows))
        target = (rows.target - centre) / spread if task.regression else rows.target
        options = {} if task.regression else {"classes": np.arange(task.classes)}
        best: FittedEstimator | None = None
        smallest, epoch = np.inf, 0
        # Batches are small: on them a second thread costs more than it does.
        with warnings.catch_warnings(), threadpool_limits(1):
            warnings.simplefilter("ignore", ConvergenceWarning)
            for epoch in range(1, (rounds or MOST_EPOCHS) + 1):
                estimator.partial_fit(rows.features, target, **options)
                if watch is None:
                    continue
                current = FittedEstimator(estimator, task.regression, epoch, centre, spread)
                measured = loss(watch.validation.target, current.predict(watch.validation.features), task)
                if watch.report is not None and watch.report(epoch, measured):
                    raise GivenUp
                if measured < smallest:
                    smallest, best = measured, copy.deepcopy(current)
                if watch.late or (best is not None and epoch - best.rounds >= PATIENCE):
                    break
        if best is None:  # nobody watched, or not one loss was a number
            best = FittedEstimator(estimator, task.regression, epoch, centre, spread)
        return best

    @staticmethod
    def _estimator(parameters: dict[str, Any], task: Task, rows: int) -> Any:
        options: dict[str, Any] = {
            "hidden_layer_sizes": LAYERS[parameters["layers"]],
            "learning_rate_init": parameters["learning_rate"],
            "alpha": parameters["weight_decay"],
            "batch_size": min(int(parameters["mini_batch_size"]), max(SMALLEST_BATCH, rows // FEWEST_STEPS)),
            "random_state": SEED,
        }
        return MLPRegressor(**options) if task.regression else MLPClassifier(**options)
