"""Quick model: how well a small random forest predicts a column, and what it looks at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import OperatorError
from .base import Finding, Visualization, operator

if TYPE_CHECKING:
    from .table import Table

_most_bars, _trees, _depth = 25, 20, 5


@operator("sagemaker.visualizations.quick_model_0.1")
class QuickModel(Visualization):
    """A random forest on 70 % of the rows, judged on the other 30 %, as Spark's defaults make it.

    Up to 100 distinct values of the label it classifies (score: F1, weighted by the classes' sizes), beyond
    it predicts a number (score: mean squared error). Importances are Gini importances; they add up to one.
    """

    label: str

    def describe(self) -> str:
        return f"Quick model of {self.label}"

    def analyze(self, table: Table) -> Finding:
        import numpy as np
        from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
        from sklearn.metrics import accuracy_score, f1_score, mean_squared_error, r2_score
        from sklearn.model_selection import train_test_split

        from . import style
        from .features import classes, feature_names, is_classification, labelled, matrix
        from .table import seed

        label = table.name(self.label, "label")
        there = labelled(table, label, 10, "label")
        names = feature_names(table, label)
        features = matrix(table, names)[there]
        features = features.fillna(features.median()).fillna(0.0)
        classify = is_classification(table, label)
        if classify:
            codes, classes_ = classes(table, label)
            truth = codes[there].to_numpy().astype(int)
            if len(classes_) < 2:
                message = f"'{label}' has one value only, '{classes_[0]}': there is nothing to predict"
                raise OperatorError(message, "Choose another label.", "label")
        else:
            truth = table.data[label][there].to_numpy(dtype=float)
        few, other, y_few, y_other = train_test_split(
            features.to_numpy(dtype=np.float32), truth, train_size=0.7, random_state=seed
        )
        common: dict[str, Any] = {
            "n_estimators": _trees,
            "max_depth": _depth,
            "random_state": seed,
            "n_jobs": 2,
        }
        if classify:
            model = RandomForestClassifier(max_features="sqrt", **common).fit(few, y_few)
        else:
            model = RandomForestRegressor(max_features=1 / 3, **common).fit(few, y_few)
        model.n_jobs = 1  # Votes are added in the order of the trees: the same sum each time.
        predicted = model.predict(other)
        importances = dict(zip(names, model.feature_importances_.tolist(), strict=True))
        ranked = sorted(importances.items(), key=lambda pair: (-pair[1], pair[0]))
        if classify:
            score = float(f1_score(y_other, predicted, average="weighted", zero_division=0))
            usual = np.bincount(y_few).argmax()
            trivial = float(
                f1_score(y_other, np.full_like(y_other, usual), average="weighted", zero_division=0)
            )
            scores = {
                "f1": score,
                "accuracy": float(accuracy_score(y_other, predicted)),
                "f1_of_the_largest_class": trivial,
            }
            said = f"Predicting {label}: F1 score {score:.3f}  (always the largest class: {trivial:.3f})"
        else:
            score = float(mean_squared_error(y_other, predicted))
            trivial = float(mean_squared_error(y_other, np.full(len(y_other), y_few.mean())))
            scores = {"mse": score, "r2": float(r2_score(y_other, predicted)), "mse_of_the_mean": trivial}
            said = f"Predicting {label}: mean squared error {style.number(score)}"
            said += f"  (always the mean: {style.number(trivial)})"
        shown = ranked[:_most_bars]
        kind = f"classification, {len(classes_)} classes" if classify else "regression"
        left = (
            f"; {len(ranked) - len(shown)} less important features are not shown"
            if len(ranked) > len(shown)
            else ""
        )
        note = f"{kind}; trained on {len(few):,} rows, judged on {len(other):,}{left}"
        note += f"; {table.note}" if table.note else ""
        figure = style.canvas(
            self.heading(f"Quick model: what predicts {label}"),
            said,
            note,
            width=8,
            height=0.29 * len(shown) + 0.75,
        )
        axes = style.one(figure)
        style.bars(axes, [name for name, _ in shown], [value for _, value in shown], form="{:.3f}")
        axes.set_xlabel("importance in the forest (Gini; all together 1)")
        axes.margins(x=0.09)
        numbers = {
            **table.rows,
            "label": label,
            "problem_type": "classification" if classify else "regression",
            "metric": "f1" if classify else "mse",
            "score": score,
            "scores": scores,
            "training_rows": len(few),
            "validation_rows": len(other),
            "importances": dict(ranked),
        }
        return Finding(figure, numbers)
