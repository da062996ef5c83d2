"""The metrics of Autopilot: which are allowed, their AutoGluon names, and their values for a candidate."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from helpers.local.jobs.job import JobFailure

# Metric of the API -> the metric AutoGluon optimises.
OBJECTIVES = {
    "Regression": {
        "MSE": "mean_squared_error",
        "RMSE": "root_mean_squared_error",
        "MAE": "mean_absolute_error",
        "R2": "r2",
    },
    "BinaryClassification": {
        "F1": "f1",
        "Accuracy": "accuracy",
        "AUC": "roc_auc",
        "BalancedAccuracy": "balanced_accuracy",
        "Precision": "precision",
        "Recall": "recall",
    },
    "MulticlassClassification": {
        "Accuracy": "accuracy",
        "BalancedAccuracy": "balanced_accuracy",
        "F1macro": "f1_macro",
        "PrecisionMacro": "precision_macro",
        "RecallMacro": "recall_macro",
    },
}
MINIMIZED = ("MSE", "RMSE", "MAE", "LogLoss", "InferenceLatency")


def resolve_objective(problem_type: str, objective: str | None) -> str:
    """The objective metric: the one asked for, or the problem type's default (the first of its list)."""
    allowed = OBJECTIVES[problem_type]
    if objective is None:
        return next(iter(allowed))
    if objective not in allowed:
        raise JobFailure(
            f"The objective metric {objective} does not fit {problem_type}: choose among "
            f"{', '.join(allowed)}."
        )
    return objective


def direction(metric: str) -> str:
    """`Minimize` or `Maximize`."""
    return "Minimize" if metric in MINIMIZED else "Maximize"


def better(metric: str, value: float, other: float) -> bool:
    """Whether `value` is better than `other` by this metric."""
    return value < other if metric in MINIMIZED else value > other


def regression(
    truth: npt.ArrayLike, predicted: npt.ArrayLike, weights: pd.Series | None = None
) -> dict[str, float]:
    """MAE, MSE, R2 and RMSE, errors positive; `weights` say how much each row counts."""
    true, guess = np.asarray(truth, dtype=float), np.asarray(predicted, dtype=float)
    shares = None if weights is None else weights.to_numpy(dtype=float)
    squared = float(np.average((true - guess) ** 2, weights=shares))
    spread = float(np.average((true - np.average(true, weights=shares)) ** 2, weights=shares))
    return {
        "MAE": float(np.average(np.abs(true - guess), weights=shares)),
        "MSE": squared,
        "R2": 1 - squared / spread if spread else 0.0,
        "RMSE": float(np.sqrt(squared)),
    }


def classification(
    problem_type: str,
    truth: pd.Series,
    predicted: pd.Series,
    probabilities: pd.DataFrame,
    positive: object,
    weights: pd.Series | None = None,
) -> dict[str, float]:
    """Every metric of the problem type, and LogLoss.

    `probabilities` has a column per class, in `classes` order. `weights` say how much each row counts, in all
    but BalancedAccuracy.
    """
    from sklearn import metrics

    labels: Sequence[object] = list(probabilities.columns)
    # Some models give single precision, whose sum is not 1.
    shares = probabilities.to_numpy(dtype=float)
    shares = shares / shares.sum(axis=1, keepdims=True)
    values = {
        "Accuracy": metrics.accuracy_score(truth, predicted, sample_weight=weights),
        "BalancedAccuracy": metrics.balanced_accuracy_score(truth, predicted),
        "LogLoss": metrics.log_loss(truth, shares, labels=labels, sample_weight=weights),
    }
    if problem_type == "BinaryClassification":
        options: dict[str, Any] = {"pos_label": positive, "zero_division": 0, "sample_weight": weights}
        values |= {
            "F1": metrics.f1_score(truth, predicted, **options),
            "Precision": metrics.precision_score(truth, predicted, **options),
            "Recall": metrics.recall_score(truth, predicted, **options),
        }
        hits = (truth == positive).to_numpy()
        if hits.any() and not hits.all():
            values["AUC"] = metrics.roc_auc_score(
                hits, probabilities[positive].to_numpy(dtype=float), sample_weight=weights
            )
    else:
        options = {"average": "macro", "labels": labels, "zero_division": 0, "sample_weight": weights}
        values |= {
            "F1macro": metrics.f1_score(truth, predicted, **options),
            "PrecisionMacro": metrics.precision_score(truth, predicted, **options),
            "RecallMacro": metrics.recall_score(truth, predicted, **options),
        }
    return {name: float(value) for name, value in values.items()}
