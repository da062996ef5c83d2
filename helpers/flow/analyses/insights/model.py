"""The insights report's quick model, XGBoost on 80 % of the rows, and each feature's prediction power."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from sklearn import metrics
from sklearn.model_selection import train_test_split

from ...errors import OperatorError
from ..features import classes, encoded, numeric_target
from ..table import Table, seed
from ..target_leakage import area, predictor

Array = np.ndarray[Any, Any]
_least_rows, _least_in_class, _most_classes, _work = 50, 5, 100, 2_000_000


@dataclass
class Target:
    """What is to be predicted: numbers, or numbers of classes; `rows` are the rows that have it."""

    name: str
    classify: bool
    values: Array
    rows: Array
    classes: list[str] = field(default_factory=list)
    learned: list[str] = field(default_factory=list)

    @property
    def problem_type(self) -> str:
        """As Data Wrangler's reports name it."""
        if not self.classify:
            return "Regression"
        return "BinaryClassification" if len(self.classes) == 2 else "MulticlassClassification"


@dataclass
class QuickModel:
    """How well the model does: each metric on training and validation rows and of guessing."""

    scores: dict[str, tuple[float, float, float | None]]
    train_rows: int
    validation_rows: int
    confusion: list[list[int]] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)
    positive: str | None = None
    importances: dict[str, float] = field(default_factory=dict)

    @property
    def headline(self) -> tuple[str, float]:
        """The metric that says most, on validation rows."""
        name = next(each for each in ("AUC", "AUC (one against the rest)", "R2") if each in self.scores)
        return name, self.scores[name][1]

    @property
    def power(self) -> float:
        """The headline as a prediction power: 0 is guessing, 1 is perfect."""
        name, value = self.headline
        return float(np.clip(value if name == "R2" else 2 * value - 1, 0, 1))


def written(metric: str) -> str:
    """A metric as it is written; the numbers' JSON keeps to ASCII."""
    return "R²" if metric == "R2" else metric


def read_target(table: Table, name: str, problem_type: str | None) -> Target:
    """The target's values. Raises OperatorError when the column cannot be one."""
    from ..features import is_classification

    classify = is_classification(table, name) if problem_type is None else problem_type == "Classification"
    there = table.data[name].notna().to_numpy()
    if not classify:
        values = numeric_target(table, name, "target_column").to_numpy(dtype=float)
        return Target(name, False, values, np.flatnonzero(there))
    codes, names = classes(table, name)
    numbers = codes.fillna(-1).to_numpy().astype(int)
    if len(names) == 2:
        # As in Data Wrangler's own reports, class 1 of two is the rarer.
        sizes = np.bincount(numbers[there], minlength=2)
        if sizes[0] < sizes[1]:
            numbers = np.where(numbers < 0, -1, 1 - numbers)
            names = names[::-1]
    return Target(name, True, numbers, np.flatnonzero(there), names)


def fit(table: Table, target: Target) -> tuple[QuickModel | None, dict[str, float]]:
    """The quick model (none when there are too few rows or one class) and each feature's prediction power."""
    rows = target.rows
    if target.classify:
        sizes = np.bincount(target.values[rows], minlength=1)
        frequent = [
            place
            for place in np.argsort(-sizes, kind="stable")[:_most_classes]
            if sizes[place] >= _least_in_class
        ]
        rows = rows[np.isin(target.values[rows], frequent)]
    names = [name for name in table.data.columns if name != target.name and table.kinds[name] != "empty"]
    if len(rows) < _least_rows or not names or len(np.unique(target.values[rows])) < 2:
        return None, {}
    most = max(_work // (len(frequent) if target.classify and len(frequent) > 2 else 1), 5000)
    if len(rows) > most:
        rows = np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))
    y = target.values[rows]
    if target.classify:
        kept, y = np.unique(y, return_inverse=True)
        target.learned = [target.classes[place] for place in kept]
        if np.bincount(y).min() < 2:
            return None, {}
    learn, judge = train_test_split(
        np.arange(len(rows)), train_size=0.8, random_state=seed, stratify=y if target.classify else None
    )
    if target.classify and len(np.unique(y[learn])) != len(np.unique(y)):
        return None, {}
    return _boosted(table, names, rows, y, learn, judge, target), _powers(
        table, names, rows, y, learn, judge, target
    )


def _matrix(table: Table, names: list[str], rows: Array) -> pd.DataFrame:
    """Features with minimal preprocessing: codes of categories; a text also gives its lengths."""
    columns: dict[str, Any] = {}
    for place, name in enumerate(names):
        columns[f"{place}"] = encoded(table, name).iloc[rows]
        if table.kinds[name] == "text":
            texts = table.data[name].iloc[rows].fillna("").astype(str)
            columns[f"{place} letters"] = texts.str.len().astype(float)
            columns[f"{place} words"] = texts.str.count(r"\S+").astype(float)
    return pd.DataFrame(columns)


def _boosted(
    table: Table, names: list[str], rows: Array, y: Array, learn: Array, judge: Array, target: Target
) -> QuickModel:
    import xgboost

    features = _matrix(table, names, rows)
    matrix = features.to_numpy(dtype=np.float32)
    common: dict[str, Any] = {"early_stopping_rounds": 10, "random_state": seed, "n_jobs": 1}
    kind: Any = xgboost.XGBClassifier if target.classify else xgboost.XGBRegressor
    model = kind(**common).fit(matrix[learn], y[learn], eval_set=[(matrix[judge], y[judge])], verbose=False)
    gains: dict[str, float] = {}
    for column, gain in zip(features.columns, model.feature_importances_, strict=True):
        name = names[int(column.split(" ")[0])]
        gains[name] = gains.get(name, 0.0) + float(gain)
    found = QuickModel({}, len(learn), len(judge), importances=gains)
    if not target.classify:
        mean = float(y[learn].mean())
        sides = [(y[part], model.predict(matrix[part])) for part in (learn, judge)]
        sides.append((y[judge], np.full(len(judge), mean)))
        for name, score in _regression_metrics.items():
            train, validation, guess = (float(score(truth, given)) for truth, given in sides)
            found.scores[name] = (train, validation, guess)
        return found
    chances = [model.predict_proba(matrix[part]) for part in (learn, judge)]
    usual = np.bincount(y[learn]).argmax()
    guess_chances = np.tile(np.bincount(y[learn]) / len(learn), (len(judge), 1))
    binary = len(target.learned) == 2
    for name, score in _classification_metrics(binary).items():
        values = [
            float(score(y[part], given.argmax(axis=1), given))
            for part, given in zip((learn, judge), chances, strict=True)
        ]
        guess = float(score(y[judge], np.full(len(judge), usual), guess_chances))
        found.scores[name] = (values[0], values[1], guess)
    found.confusion = metrics.confusion_matrix(
        y[judge], chances[1].argmax(axis=1), labels=range(len(target.learned))
    ).tolist()
    found.classes = target.learned
    found.positive = target.learned[1] if binary else None
    return found


_regression_metrics: dict[str, Any] = {
    "R2": metrics.r2_score,
    "RMSE": lambda truth, given: np.sqrt(metrics.mean_squared_error(truth, given)),
    "MSE": metrics.mean_squared_error,
    "MAE": metrics.mean_absolute_error,
    "Median absolute error": metrics.median_absolute_error,
    "Max error": metrics.max_error,
}


def _classification_metrics(binary: bool) -> dict[str, Any]:
    average = "binary" if binary else "macro"
    more: dict[str, Any] = {"average": average, "zero_division": 0}
    return {
        "AUC" if binary else "AUC (one against the rest)": lambda truth, _, chances: area(
            truth, chances, np.arange(chances.shape[1])
        ),
        "Accuracy": lambda truth, given, _: metrics.accuracy_score(truth, given),
        "Balanced accuracy": lambda truth, given, _: metrics.recall_score(
            truth, given, average="macro", zero_division=0
        ),
        "F1": lambda truth, given, _: metrics.f1_score(truth, given, **more),
        "Precision": lambda truth, given, _: metrics.precision_score(truth, given, **more),
        "Recall": lambda truth, given, _: metrics.recall_score(truth, given, **more),
    }


def _powers(
    table: Table, names: list[str], rows: Array, y: Array, learn: Array, judge: Array, target: Target
) -> dict[str, float]:
    """Each feature's score alone on the validation rows: 0 is guessing, 1 is perfect."""
    powers = {}
    for name in names:
        column = table.data[name].iloc[rows]
        if column.iloc[learn].nunique(dropna=False) < 2:
            powers[name] = 0.0
            continue
        given = predictor(column.iloc[learn], table.kinds[name], y[learn], target.classify)(
            column.iloc[judge]
        )
        if target.classify:
            value = 2 * area(y[judge], given, np.arange(given.shape[1])) - 1
        else:
            value = metrics.r2_score(y[judge], given)
        powers[name] = float(np.clip(value, 0, 1))
    return powers


def headline_is_poor(model: QuickModel) -> bool:
    """Whether the model is hardly better than guessing."""
    name, value = model.headline
    return value < (0.05 if name == "R2" else 0.55)


def need_rows(table: Table) -> None:
    """Raise OperatorError for a table without rows or columns."""
    if not len(table.data) or not len(table.data.columns):
        raise OperatorError("the table has no rows", "Look at the steps before it.")
