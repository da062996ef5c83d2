"""Target leakage: how well each column predicts the target alone; too well means it gives it away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AliasChoices, Field

from ..errors import OperatorError
from .base import Finding, Lowered, Visualization, operator

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from .table import Table

_sample, _folds, _leak = 1000, 5, 0.95


@operator("sagemaker.visualizations.target_leakage_0.1")
class TargetLeakage(Visualization):
    """Each column's own cross-validated score: AUC-ROC for classes, R2 for numbers; on up to 1000 rows."""

    target: Annotated[str, Field(validation_alias=AliasChoices("target", "target_column"))]
    problem_type: Annotated[Literal["classification", "regression"], Lowered] = "classification"
    max_features: Annotated[int, Field(ge=1)] = 20

    def describe(self) -> str:
        return f"Target leakage of {self.target}"

    def analyze(self, table: Table) -> Finding:
        import numpy as np

        from . import style
        from .features import feature_names, labelled
        from .table import seed

        target = table.name(self.target, "target")
        there = np.flatnonzero(labelled(table, target, 2 * _folds, "target"))
        classify = self.problem_type == "classification"
        names = feature_names(table, target)
        truth, rows = self._truth(table, target, there)
        if len(rows) > _sample:
            rows = np.sort(np.random.default_rng(seed).choice(rows, _sample, replace=False))
        scores = {name: score(table, name, truth, rows, classify) for name in names}
        ranked = sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))[: self.max_features]
        verdicts = {name: _verdict(value, classify) for name, value in ranked}
        metric = "AUC (ROC)" if classify else "R²"
        leaks = [name for name, value in verdicts.items() if value == "target leakage"]
        said = f"Suspect: {', '.join(leaks[:4])}" if leaks else f"No column alone gives {target} away"
        note = f"each column alone, {_folds}-fold cross-validated on {len(rows):,} rows"
        if len(names) > len(ranked):
            note += f"; {len(names) - len(ranked)} columns with lower scores are not shown"
        figure = style.canvas(
            self.heading(f"Target leakage: {target}"), said, note, width=8, height=0.29 * len(ranked) + 1.0
        )
        axes = style.one(figure)
        base = 0.5 if classify else 0.0
        tints = {"target leakage": style.orange, "safe": style.blue, "possibly redundant": style.grey}
        _dots(axes, ranked, base, [tints[verdicts[name]] for name, _ in ranked])
        axes.set_xlabel(f"{metric} of the column alone: {base:g} is as good as guessing, 1 is perfect")
        _key(axes, tints)
        numbers = {
            **table.rows,
            "target": target,
            "problem_type": self.problem_type,
            "metric": "auc" if classify else "r2",
            "sampled_rows": len(rows),
            "scores": dict(ranked),
            "verdicts": verdicts,
        }
        return Finding(figure, numbers)

    def _truth(self, table: Table, target: str, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The target as numbers, and the rows to use: classes with fewer rows than folds are left out."""
        import numpy as np

        from .features import classes, numeric_target

        if self.problem_type == "regression":
            return numeric_target(table, target, "target").to_numpy(dtype=float), rows
        codes = classes(table, target)[0].fillna(-1).to_numpy().astype(int)
        if len(np.unique(codes[rows])) > _sample // 10:
            raise OperatorError(
                f"'{target}' has {len(np.unique(codes[rows])):,} classes",
                "Set problem_type to regression, or choose another target.",
                "problem_type",
            )
        sizes = np.bincount(codes[rows])
        rows = rows[sizes[codes[rows]] >= _folds]
        if len(np.unique(codes[rows])) < 2:
            raise OperatorError(
                f"'{target}' has not two classes with {_folds} rows each", "Choose another target.", "target"
            )
        return codes, rows


def score(table: Table, name: str, truth: np.ndarray, rows: np.ndarray, classify: bool) -> float:
    """The cross-validated score of one column on these rows."""
    import numpy as np
    from sklearn.metrics import r2_score
    from sklearn.model_selection import KFold, StratifiedKFold

    from .table import seed

    y = truth[rows]
    column = table.data[name].iloc[rows]
    splitter: Any = StratifiedKFold if classify and np.bincount(y).max() else KFold
    if classify and np.min(np.bincount(y)[np.bincount(y) > 0]) < _folds:
        splitter = KFold
    parts = splitter(_folds, shuffle=True, random_state=seed).split(rows, y)
    found = []
    for learn, judge in parts:
        given = predictor(column.iloc[learn], table.kinds[name], y[learn], classify)(column.iloc[judge])
        if not classify:
            found.append(float(r2_score(y[judge], given)) if np.ptp(y[judge]) > 0 else 0.0)
        elif len(np.unique(y[judge])) > 1:
            found.append(area(y[judge], given, np.unique(y[learn])))
    return float(np.mean(found)) if found else (0.5 if classify else 0.0)


def area(truth: np.ndarray, given: np.ndarray, known: np.ndarray) -> float:
    """AUC of a class's probability; of more than two classes the mean of one against the rest."""
    import numpy as np
    from sklearn.metrics import roc_auc_score

    if len(known) == 2:
        return float(roc_auc_score(truth == known[1], given[:, 1]))
    areas = [
        roc_auc_score(truth == each, given[:, place])
        for place, each in enumerate(known)
        if 0 < (truth == each).sum() < len(truth)
    ]
    return float(np.mean(areas))


def predictor(column: pd.Series[Any], kind: str, y: np.ndarray, classify: bool) -> Any:
    """A model of one column, as a function of its values: a small tree of numbers, means of categories."""
    import numpy as np
    import pandas as pd
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    from .table import seed

    known = np.unique(y)
    goal = (y[:, None] == known[None, :]).astype(float) if classify else y[:, None].astype(float)
    if column.dtype.kind in "fiM" or kind == "datetime":
        model: Any = DecisionTreeClassifier if classify else DecisionTreeRegressor
        leaf = max(len(y) // 50, 5)
        tree = model(max_depth=4, min_samples_leaf=leaf, random_state=seed).fit(_line(column), y)
        return lambda new: tree.predict_proba(_line(new)) if classify else tree.predict(_line(new))
    # A category's mean is drawn to the mean of all, the more the rarer it is.
    whole, keys = goal.mean(axis=0), column.fillna("\0missing").astype(str).to_numpy()
    weight = 5.0
    sums = pd.DataFrame(goal).groupby(keys).sum()
    sizes = pd.Series(keys).value_counts().reindex(sums.index).to_numpy()[:, None]
    means = pd.DataFrame((sums.to_numpy() + weight * whole) / (sizes + weight), index=sums.index)

    def predict(new: pd.Series[Any]) -> np.ndarray:
        asked = new.fillna("\0missing").astype(str).to_numpy()
        given = means.reindex(asked).to_numpy()
        given = np.where(np.isnan(given), whole, given)
        return given if classify else given[:, 0]

    return predict


def _line(column: pd.Series[Any]) -> np.ndarray:
    """A column as a matrix of one feature; what is missing lies below all others."""
    import numpy as np
    import pandas as pd

    if column.dtype.kind == "O" or column.dtype.kind == "M":
        column = pd.to_datetime(column, errors="coerce", format="ISO8601", utc=True)
        column = (column - pd.Timestamp(0, tz="UTC")).dt.total_seconds()
    values = column.to_numpy(dtype=float)[:, None]
    least = np.nanmin(values) if np.isfinite(values).any() else 0.0
    return np.where(np.isnan(values), least - abs(least) - 1, values)


def _verdict(value: float, classify: bool) -> str:
    if value >= _leak:
        return "target leakage"
    return "possibly redundant" if value < (0.55 if classify else 0.02) else "safe"


def _dots(axes: Any, ranked: list[tuple[str, float]], base: float, tints: list[str]) -> None:
    import numpy as np

    from . import style

    places = np.arange(len(ranked))[::-1]
    values = np.array([value for _, value in ranked])
    least = min(base, float(values.min()))
    low = base if least >= base - 0.02 else max(least - 0.03, base - 0.25)
    shown = np.clip(values, low, None)
    axes.axvspan(_leak, 1.0, color=style.orange, alpha=0.1, linewidth=0)
    axes.hlines(places, base, shown, color=tints, linewidth=2.2)
    axes.scatter(shown, places, color=tints, s=52, zorder=3, clip_on=False)
    for place, value, at in zip(places, values, shown, strict=True):
        text = f"{value:.3f}".replace("-0.000", "0.000").replace("-", "−")
        # To the left only where the dot stands clearly below the base line.
        side = -9 if at < base - 0.02 else 9
        axes.annotate(
            text, (max(at, base) if side > 0 else at, place), xytext=(side, 0), textcoords="offset points",
            va="center", ha="left" if side > 0 else "right", size=9, color=style.soft,
        )  # fmt: skip
    axes.axvline(base, color=style.line, linewidth=1)
    axes.set_yticks(places, [style.cut(name, 34) for name, _ in ranked])
    axes.tick_params(axis="y", labelcolor=style.ink, pad=6)
    axes.set(xlim=(low - (0.14 if low < base else 0.02 * (1 - base)), 1.075), ylim=(-0.7, len(ranked) - 0.3))
    style.quiet(axes, "y")
    axes.spines["left"].set_visible(False)


def _key(axes: Any, tints: dict[str, str]) -> None:
    """The verdicts' colours, above the axes: beside the dots there is no room that is free for sure."""
    from matplotlib.lines import Line2D

    marks = [Line2D([], [], marker="o", linestyle="", color=tint, label=name) for name, tint in tints.items()]
    axes.legend(handles=marks, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=3, borderpad=0.2)
