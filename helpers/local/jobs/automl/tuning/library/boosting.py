"""The algorithm xgboost: boosted trees."""

from typing import Any

import numpy as np
import numpy.typing as npt
import xgboost
from scipy import sparse

from .task import SEED, Fitted, GivenUp, Matrix, Rows, Task, Trial, Watch

MOST_ROUNDS = 400
PATIENCE = 20  # rounds without a better validation loss


class FittedXGBoost:
    """Boosted trees, up to the best round."""

    def __init__(self, booster: xgboost.Booster, regression: bool) -> None:
        self.booster = booster
        self.regression = regression

    @property
    def rounds(self) -> int:
        """The number of rounds."""
        return int(self.booster.num_boosted_rounds())

    def predict(self, features: Matrix) -> npt.NDArray[np.float64]:
        """Numbers or probabilities."""
        found = np.asarray(self.booster.predict(matrix(features)), dtype=float)
        if self.regression or found.ndim == 2:
            return found
        return np.column_stack([1 - found, found])

    def contributions(self, features: Matrix) -> npt.NDArray[np.float64]:
        """Exact SHAP values of the margin, (rows, numbers and last the expected margin)."""
        return np.asarray(self.booster.predict(matrix(features), pred_contribs=True), dtype=float)


class XGBoost:
    """The algorithm xgboost."""

    name = "xgboost"
    short = "xgb"

    def suggest(self, trial: Trial, task: Task) -> dict[str, Any]:
        """The ranges of the search."""
        found: dict[str, Any] = {
            "eta": trial.suggest_float("eta", 0.03, 0.3, log=True),
            "max_depth": trial.suggest_int("max_depth", 3, 9),
            "min_child_weight": trial.suggest_float("min_child_weight", 1, 64, log=True),
            "subsample": trial.suggest_float("subsample", 0.5, 1.0),
            "colsample_bytree": trial.suggest_float("colsample_bytree", 0.4, 1.0),
            "lambda": trial.suggest_float("lambda", 1e-2, 20, log=True),
            "alpha": trial.suggest_float("alpha", 1e-3, 5, log=True),
            "gamma": trial.suggest_float("gamma", 1e-4, 2, log=True),
        }
        if _balances(task):
            found["balance"] = trial.suggest_float("balance", 0.0, 1.0)
        return found

    def start(self, task: Task) -> dict[str, Any]:
        """A plain middle of the ranges."""
        found: dict[str, Any] = {
            "eta": 0.1,
            "max_depth": 6,
            "min_child_weight": 4.0,
            "subsample": 0.8,
            "colsample_bytree": 0.8,
            "lambda": 1.0,
            "alpha": 1e-3,
            "gamma": 1e-4,
        }
        if _balances(task):
            found["balance"] = 0.3
        return found

    def fit(
        self, rows: Rows, parameters: dict[str, Any], task: Task, watch: Watch | None, rounds: int | None
    ) -> Fitted:
        """Train; with a watch up to its best round."""
        options = dict(parameters)
        balance = options.pop("balance", None)
        if balance is not None:
            positive = max(1, int(rows.target.sum()))
            options["scale_pos_weight"] = max(1.0, (len(rows) - positive) / positive) ** balance
        options |= _objective(task) | {
            "tree_method": "hist",
            "nthread": task.cores,
            "seed": SEED,
            "verbosity": 0,
        }
        data = matrix(rows.features, rows.target, xgboost.QuantileDMatrix)
        if watch is None:
            booster = xgboost.train(options, data, num_boost_round=rounds or MOST_ROUNDS)
            return FittedXGBoost(booster, task.regression)
        judge = matrix(watch.validation.features, watch.validation.target)
        stopping = xgboost.callback.EarlyStopping(rounds=PATIENCE, save_best=True)
        booster = xgboost.train(
            options,
            data,
            num_boost_round=rounds or MOST_ROUNDS,
            evals=[(judge, "validation")],
            callbacks=[stopping, _Watcher(watch)],  # who says stop is the last that is asked
            verbose_eval=False,
        )
        return FittedXGBoost(booster, task.regression)


class _Watcher(xgboost.callback.TrainingCallback):
    """Ends a training that is late or given up."""

    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self.watch = watch

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:  # noqa: ARG002
        """Whether to stop."""
        if self.watch.report is not None and (epoch + 1) % 10 == 0:
            measured = next(iter(evals_log["validation"].values()))[-1]
            if self.watch.report(epoch + 1, float(measured)):
                raise GivenUp
        return self.watch.late


def matrix(features: Matrix, target: npt.NDArray[Any] | None = None, kind: Any = xgboost.DMatrix) -> Any:
    """Rows as XGBoost takes them; of sparse rows what is zero is missing, in training as in prediction."""
    if sparse.issparse(features):
        features = sparse.csr_matrix(features)
        features.eliminate_zeros()
    return kind(features, label=target)


def _balances(task: Task) -> bool:
    return task.problem_type == "BinaryClassification" and task.threshold_metric


def _objective(task: Task) -> dict[str, Any]:
    if task.regression:
        if task.objective == "MAE":
            return {"objective": "reg:absoluteerror", "eval_metric": "mae"}
        return {"objective": "reg:squarederror", "eval_metric": "rmse"}
    if task.classes == 2:
        return {
            "objective": "binary:logistic",
            "eval_metric": "auc" if task.objective == "AUC" else "logloss",
        }
    return {"objective": "multi:softprob", "num_class": task.classes, "eval_metric": "mlogloss"}
