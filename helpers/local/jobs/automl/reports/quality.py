"""How good a candidate is: the figures of SageMaker Model Monitor's model-quality statistics.

A standard deviation is that of the figure on five random samples of 80 % of the rows; below 200 rows there is
none. The best constant classifier says the positive class of a binary problem, the most frequent class of
a multiclass one, to every row. Rows count by their weights, but in the confusion matrix as rows.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pandas as pd

from helpers.local.jobs.automl.model import TrainedModel
from helpers.local.jobs.automl.reports.subject import Floats, Integers, ReportError, Subject

SEED = 0
SAMPLES, SAMPLE_SHARE, FEWEST_ROWS = 5, 0.8, 200
CURVE_POINTS = 1001
Values: TypeAlias = dict[str, float]


@dataclass(frozen=True)
class Measure:
    """A figure and its standard deviation, which few rows do not allow; NaN where it is not defined."""

    value: float
    deviation: float | None


@dataclass(frozen=True)
class Confusion:
    """How many rows of each true class (first axis) were taken for each class (second axis)."""

    classes: list[str]
    counts: Integers


@dataclass(frozen=True)
class Curve:
    """The points of a curve; `across` rises or falls along it."""

    across: Floats
    upwards: Floats


@dataclass(frozen=True)
class RegressionQuality:
    """A regression's figures, and the numbers they come from."""

    measures: dict[str, Measure]
    truth: Floats
    predicted: Floats


@dataclass(frozen=True)
class BinaryQuality:
    """A binary classification's figures; the curves are those of the positive class's probability."""

    measures: dict[str, Measure]
    confusion: Confusion
    positive: str
    receiver_operating_characteristic: Curve  # false positive rate, true positive rate
    precision_recall: Curve  # recall, precision
    share: float  # of the positive class


@dataclass(frozen=True)
class MulticlassQuality:
    """A multiclass classification's figures."""

    measures: dict[str, Measure]
    confusion: Confusion


Quality: TypeAlias = RegressionQuality | BinaryQuality | MulticlassQuality


def examine(model: TrainedModel, subject: Subject) -> Quality:
    """Predict the subject's rows and measure. Raises ReportError when there is no row."""
    if subject.features.empty:
        raise ReportError("There is no row to examine the model on: the validation data is empty.")
    weights = np.ones(len(subject.truth)) if subject.weights is None else np.asarray(subject.weights, float)
    if not weights.sum() > 0:
        raise ReportError(
            "The weights of the validation rows are all zero, so no row counts. Give some rows a positive "
            "weight."
        )
    if subject.problem_type == "Regression":
        return _regression(model, subject, weights)
    return _classification(model, subject, weights)


def _regression(model: TrainedModel, subject: Subject, weights: Floats) -> RegressionQuality:
    truth = subject.truth.to_numpy(dtype=np.float64)
    predicted = np.asarray(model.predict(subject.features), dtype=np.float64)

    def measure(rows: Integers) -> Values:
        true, error, weight = truth[rows], truth[rows] - predicted[rows], weights[rows]
        squared = float(np.average(error**2, weights=weight))
        spread = float(np.average((true - np.average(true, weights=weight)) ** 2, weights=weight))
        return {
            "mae": float(np.average(np.abs(error), weights=weight)),
            "mse": squared,
            "rmse": squared**0.5,
            "r2": 1 - squared / spread if spread else 0.0,
        }

    return RegressionQuality(_with_deviations(measure, weights), truth, predicted)


def _classification(
    model: TrainedModel, subject: Subject, weights: Floats
) -> BinaryQuality | MulticlassQuality:
    classes = list(model.classes)
    probabilities = np.asarray(model.probabilities(subject.features), dtype=np.float64)
    names = subject.truth.astype(str)
    classes += sorted(set(names) - set(classes))  # a class of the validation data alone is never predicted
    truth = pd.Categorical(names, categories=classes).codes.astype(np.int64)
    predicted = probabilities.argmax(axis=1)
    counts = _cross(truth, predicted, np.ones(len(truth)), len(classes)).astype(np.int64)
    confusion = Confusion(classes, counts)
    if subject.problem_type == "BinaryClassification":
        return _binary(truth == 1, predicted == 1, probabilities[:, 1], weights, confusion)
    best = int(np.argmax(np.bincount(truth, weights=weights, minlength=len(classes))))

    def measure(rows: Integers) -> Values:
        true, weight, size = truth[rows], weights[rows], len(classes)
        values = _weighted(_cross(true, predicted[rows], weight, size))
        constant = _weighted(_cross(true, np.full(len(true), best), weight, size))
        return values | {f"{name}_best_constant_classifier": value for name, value in constant.items()}

    return MulticlassQuality(_with_deviations(measure, weights), confusion)


def _binary(
    truth: np.ndarray, predicted: np.ndarray, probability: Floats, weights: Floats, confusion: Confusion
) -> BinaryQuality:
    from sklearn import metrics

    def measure(rows: Integers) -> Values:
        true, weight = truth[rows], weights[rows]
        values = _rates(_cross(true, predicted[rows], weight, 2))
        constant = _scores(_cross(true, np.ones(len(true)), weight, 2))
        both = 0 < true.sum() < len(true)
        options = {"sample_weight": weight}
        values["auc"] = metrics.roc_auc_score(true, probability[rows], **options) if both else np.nan
        values["au_prc"] = (
            metrics.average_precision_score(true, probability[rows], **options) if both else np.nan
        )
        return values | {f"{name}_best_constant_classifier": value for name, value in constant.items()}

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of a rate that one class alone leaves undefined
        false_rates, true_rates, _ = metrics.roc_curve(truth, probability, sample_weight=weights)
        precisions, recalls, _ = metrics.precision_recall_curve(
            truth, probability, sample_weight=weights, drop_intermediate=True
        )
    return BinaryQuality(
        _with_deviations(measure, weights),
        confusion,
        confusion.classes[1],
        _thinned(false_rates, true_rates),
        _thinned(recalls[::-1], precisions[::-1]),
        float(np.average(truth, weights=weights)),
    )


def _with_deviations(measure: Callable[[Integers], Values], weights: Floats) -> dict[str, Measure]:
    """The figures on all rows, and their standard deviations over random samples."""
    count = len(weights)
    values = measure(np.arange(count))
    if count < FEWEST_ROWS:
        return {name: Measure(value, None) for name, value in values.items()}
    random = np.random.default_rng(SEED)
    size = round(SAMPLE_SHARE * count)
    draws = [random.choice(count, size, replace=False) for _ in range(SAMPLES)]
    samples = [measure(rows) for rows in draws if weights[rows].sum() > 0]
    return {
        name: Measure(value, float(np.std([sample[name] for sample in samples], ddof=1)))
        for name, value in values.items()
    }


def _cross(truth: np.ndarray, predicted: np.ndarray, weights: Floats, size: int) -> Floats:
    """The summed weights of the rows of each true class and each predicted class."""
    places = truth.astype(np.int64) * size + predicted.astype(np.int64)
    return np.bincount(places, weights=weights, minlength=size * size).astype(float).reshape(size, size)


def _ratio(part: float, whole: float) -> float:
    """A share; 0 of nothing, as the field reports precision where nothing was predicted."""
    return float(part / whole) if whole else 0.0


def _f(precision: float, recall: float, beta: float) -> float:
    return _ratio((1 + beta**2) * precision * recall, beta**2 * precision + recall)


def _scores(cross: Floats) -> Values:
    """The figures of a binary classification that a constant classifier has too."""
    (_, false_positive), (false_negative, true_positive) = cross
    recall = _ratio(true_positive, true_positive + false_negative)
    precision = _ratio(true_positive, true_positive + false_positive)
    return {
        "recall": recall,
        "precision": precision,
        "accuracy": _ratio(float(np.trace(cross)), float(cross.sum())),
        "f0_5": _f(precision, recall, 0.5),
        "f1": _f(precision, recall, 1),
        "f2": _f(precision, recall, 2),
    }


def _rates(cross: Floats) -> Values:
    (true_negative, false_positive), (false_negative, true_positive) = cross
    negatives, positives = true_negative + false_positive, true_positive + false_negative
    return _scores(cross) | {
        "true_positive_rate": _ratio(true_positive, positives),
        "true_negative_rate": _ratio(true_negative, negatives),
        "false_positive_rate": _ratio(false_positive, negatives),
        "false_negative_rate": _ratio(false_negative, positives),
    }


def _weighted(cross: Floats) -> Values:
    """The figures of a multiclass classification: each class's, weighted by how frequent it truly is."""
    hits, true, predicted = np.diag(cross), cross.sum(axis=1), cross.sum(axis=0)
    recalls = [_ratio(*pair) for pair in zip(hits, true, strict=True)]
    precisions = [_ratio(*pair) for pair in zip(hits, predicted, strict=True)]
    shares = true / true.sum()

    def mean(values: list[float]) -> float:
        return float(np.dot(shares, values))

    return {
        "accuracy": _ratio(float(hits.sum()), float(cross.sum())),
        "weighted_recall": mean(recalls),
        "weighted_precision": mean(precisions),
        **{
            f"weighted_{name}": mean([_f(p, r, beta) for p, r in zip(precisions, recalls, strict=True)])
            for name, beta in (("f0_5", 0.5), ("f1", 1.0), ("f2", 2.0))
        },
    }


def _thinned(across: Floats, upwards: Floats) -> Curve:
    """At most so many points of a curve, evenly spread, its ends among them."""
    places = np.unique(np.linspace(0, len(across) - 1, min(CURVE_POINTS, len(across))).round().astype(int))
    return Curve(across[places], upwards[places])
