"""Multicollinearity: how far the columns of numbers repeat one another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AliasChoices, BeforeValidator, Field

from ..errors import OperatorError
from .base import Finding, Lowered, Visualization, operator

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from .table import Table

_most_vif, _most_bars, _most_columns = 50.0, 30, 200
_kinds = {"variance": "VIF", "vif": "VIF", "principal": "PCA", "pca": "PCA", "lasso": "Lasso"}


def _kind(value: object) -> object:
    text = value.lower() if isinstance(value, str) else ""
    return next((kind for start, kind in _kinds.items() if text.startswith(start)), value)


@operator("sagemaker.visualizations.multicolinearity_0.1")
@operator("sagemaker.visualizations.multicollinearity_0.1")
class Multicollinearity(Visualization):
    """Variance inflation factors (50 at most), principal components, or Lasso.

    Rows with gaps are left out. The id is spelt as the service spells it.
    Of `analysis` only "Variance inflation factors" has been seen in a flow; the names of the other two and
    Lasso's parameters are those of the documentation.
    """

    analysis: Annotated[Literal["VIF", "PCA", "Lasso"], BeforeValidator(_kind)] = "VIF"
    label: Annotated[
        str | None,
        Field(validation_alias=AliasChoices("label", "target", "target_column", "label_column")),
    ] = None
    problem_type: Annotated[Literal["classification", "regression"], Lowered] | None = None

    def describe(self) -> str:
        return f"Multicollinearity, {self.analysis}"

    def analyze(self, table: Table) -> Finding:
        label = None
        if self.analysis == "Lasso":
            if self.label is None:
                raise OperatorError("Lasso needs the column to be predicted", "Name it.", "label")
            label = table.name(self.label, "label")
        names = [name for name in table.numbers if name != label and table.data[name].nunique() > 1]
        there = table.data[[*names, *([label] if label else [])]].notna().all(axis=1)
        data = table.data.loc[there, names].astype(float)
        varying = [name for name in names if data[name].nunique() > 1]
        names = varying[:_most_columns]
        if len(names) < 2 or len(data) < 3:
            raise OperatorError(
                f"{len(names)} columns of numbers vary, in {len(data)} rows without gaps; it needs 2 and 3",
                "Fill missing values, or give columns their types, before this step.",
            )
        scaled = data[names].to_numpy()
        scaled = (scaled - scaled.mean(axis=0)) / scaled.std(axis=0)
        title = self.name if self.name and self.name != "Untitled" else "Multicollinearity"
        numbers: dict[str, Any] = {**table.rows, "analysis": self.analysis, "rows_without_gaps": len(data)}
        remarks = [f"columns of numbers, {len(data):,} rows without gaps", table.note]
        if len(varying) > len(names):
            remarks.append(f"only the first {_most_columns} of {len(varying):,} columns of numbers")
        note = "; ".join(remark for remark in remarks if remark)
        if self.analysis == "VIF":
            return _vif_finding(names, scaled, title, note, numbers)
        if self.analysis == "PCA":
            return _pca_finding(scaled, title, note, numbers)
        return self._lasso_finding(table, label or "", there, names, scaled, title, note, numbers)

    def _lasso_finding(
        self, table: Table, label: str, there: pd.Series[bool], names: list[str], scaled: np.ndarray,
        title: str, note: str, numbers: dict[str, Any],
    ) -> Finding:  # fmt: skip
        from .features import classes, is_classification, numeric_target

        classify = (
            is_classification(table, label)
            if self.problem_type is None
            else self.problem_type == "classification"
        )
        if classify:
            codes = classes(table, label)[0][there].to_numpy().astype(int)
            weights, strength = lasso_classes(scaled, codes)
        else:
            goal = numeric_target(table, label, "label")[there].to_numpy(dtype=float)
            weights, strength = lasso_numbers(scaled, goal)
        ranked = sorted(zip(names, weights.tolist(), strict=True), key=lambda pair: (-abs(pair[1]), pair[0]))
        zero = sum(value == 0 for _, value in ranked)
        said = f"Lasso: {zero} of {len(names)} features get no weight in predicting {label}"
        shown = ranked[:_most_bars]
        from . import style

        figure = style.canvas(title, said, note, width=8, height=0.29 * len(shown) + 0.75)
        axes = style.one(figure)
        tints = [style.grey if value == 0 else style.blue for _, value in shown]
        style.bars(axes, [name for name, _ in shown], [abs(value) for _, value in shown], tints)
        axes.set_xlabel("importance: size of the weight (features scaled to standard deviation 1)")
        axes.margins(x=0.09)
        numbers |= {
            "label": label,
            "problem_type": "classification" if classify else "regression",
            "regularization": strength,
            "coefficients": dict(ranked),
        }
        return Finding(figure, numbers)


def _vif_finding(
    names: list[str], scaled: np.ndarray, title: str, note: str, numbers: dict[str, Any]
) -> Finding:
    from . import style

    found = dict(zip(names, inflation(scaled).tolist(), strict=True))
    ranked = sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))
    high = [name for name, value in ranked if value > 5]
    said = f"Variance inflation factors: {len(high)} of {len(names)} columns above 5"
    shown = ranked[:_most_bars]
    figure = style.canvas(title, said, note, width=8, height=0.29 * len(shown) + 0.75)
    axes = style.one(figure)
    tints = [style.orange if value > 5 else style.blue for _, value in shown]
    style.bars(axes, [name for name, _ in shown], [value for _, value in shown], tints, "{:.2f}")
    axes.axvline(5, color=style.soft, linewidth=1, linestyle=(0, (4, 3)))
    axes.set_xlabel("VIF: 1 is independent of the others, above 5 repeats them, 50 and more is shown as 50")
    axes.set_xlim(0, max(6, max(value for _, value in shown) * 1.12))
    return Finding(figure, {**numbers, "vif": dict(ranked)})


def inflation(scaled: np.ndarray) -> np.ndarray:
    """Each column's variance inflation factor: 1 / (1 - R2) of its regression on the others, 50 at most."""
    import numpy as np

    products = scaled.T @ scaled / len(scaled)
    if np.linalg.cond(products) < 1e8:
        found: np.ndarray = np.minimum(np.diag(np.linalg.inv(products)), _most_vif)
        return found
    # Some columns follow from others: each is set against its best line, which need not be the only one.
    factors = []
    for place in range(len(products)):
        others = np.delete(np.arange(len(products)), place)
        against = products[others, place]
        line = np.linalg.lstsq(products[np.ix_(others, others)], against, rcond=1e-10)[0]
        left = 1 - line @ against
        factors.append(_most_vif if left < 1 / _most_vif else 1 / left)
    return np.array(factors)


def _pca_finding(scaled: np.ndarray, title: str, note: str, numbers: dict[str, Any]) -> Finding:
    import numpy as np

    from . import style

    singular = np.linalg.svd(scaled, compute_uv=False)
    variances = np.zeros(scaled.shape[1])
    variances[: len(singular)] = singular**2 / len(scaled)
    shares = variances / variances.sum()
    enough = int(np.searchsorted(np.cumsum(shares), 0.95 - 1e-12) + 1)
    said = f"Principal components: {enough} of {len(shares)} hold 95 % of the variance"
    figure = style.canvas(title, said, note, width=8, height=3.6)
    axes = style.one(figure)
    places = np.arange(1, len(shares) + 1)
    axes.bar(
        places, shares, color=[style.blue if place <= enough else style.grey for place in places], width=0.7
    )
    axes.plot(places, np.cumsum(shares), color=style.orange, marker="o", markersize=4, linewidth=1.6)
    axes.text(places[-1], 1.035, "added up", color=style.orange, ha="right", va="bottom", size=9)
    axes.set(ylim=(0, 1.12), xlabel="component", ylabel="share of the variance")
    axes.set_xticks(places[:: max(len(places) // 15, 1)])
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}" if value <= 1 else "")
    style.quiet(axes)
    return Finding(
        figure,
        {
            **numbers,
            "variances": variances.tolist(),
            "variance_shares": shares.tolist(),
            "components_for_95_percent": enough,
        },
    )


def lasso_numbers(scaled: np.ndarray, goal: np.ndarray) -> tuple[np.ndarray, float]:
    """The weights of a Lasso whose strength is cross-validated, and that strength."""
    import numpy as np
    from sklearn.linear_model import LassoCV

    spread = goal.std()
    if spread == 0:
        return np.zeros(scaled.shape[1]), 0.0
    folds = min(5, len(goal))
    model = LassoCV(cv=folds, n_jobs=1, max_iter=5000).fit(scaled, (goal - goal.mean()) / spread)
    return model.coef_, float(model.alpha_)


def lasso_classes(scaled: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, float]:
    """The weights of an L1 logistic regression (of several classes the mean of their sizes), and its C."""
    import numpy as np
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_score
    from sklearn.multiclass import OneVsRestClassifier

    from .table import seed

    known, sizes = np.unique(codes, return_counts=True)
    if len(known) < 2:
        raise OperatorError("the label has one value only", "Choose another label.", "label")
    if len(scaled) > 10_000:
        kept = np.random.default_rng(seed).choice(len(scaled), 10_000, replace=False)
        scaled, codes = scaled[kept], codes[kept]

    def model(strength: float) -> Any:
        one = LogisticRegression(
            C=strength, l1_ratio=1.0, solver="liblinear", random_state=seed, max_iter=500
        )
        return one if len(known) == 2 else OneVsRestClassifier(one)

    best = 1.0
    if sizes.min() >= 3:
        folds = StratifiedKFold(3, shuffle=True, random_state=seed)
        strengths = [0.001, 0.003, 0.01, 0.03, 0.1, 1.0]
        scores = [cross_val_score(model(each), scaled, codes, cv=folds).mean() for each in strengths]
        # The strongest regularization that is as good as the best: it leaves the fewest features.
        best = next(
            each for each, value in zip(strengths, scores, strict=True) if value >= max(scores) - 0.002
        )
    fitted = model(best).fit(scaled, codes)
    if len(known) == 2:
        return fitted.coef_[0], best
    return np.mean([np.abs(each.coef_[0]) for each in fitted.estimators_], axis=0), best
