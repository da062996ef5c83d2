"""Feature correlation: how strongly each two columns go together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from ..errors import OperatorError
from .base import Finding, Lowered, Visualization, operator

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from .table import Table

_most_drawn, _most_columns, _most_pairs, _most_letters = 40, 100, 10, 24


@operator("sagemaker.visualizations.feature_correlation_0.1")
class FeatureCorrelation(Visualization):
    """Pearson's (linear) or Spearman's (non-linear) correlation of numbers, and its like for categories.

    A number and a category: the categories become the numbers that predict the number best (its mean, or the
    mean of its rank), then they are correlated: 0 to 1. Two categories: nothing when linear, Cramér's V when
    non-linear. Texts and moments are left out.
    """

    correlation_type: Annotated[Literal["linear", "non-linear"], Lowered] = "linear"

    def describe(self) -> str:
        return f"Feature correlation, {self.correlation_type}"

    def analyze(self, table: Table) -> Finding:
        from . import style

        numeric = {"long", "float"}
        names = [
            name
            for name, kind in table.kinds.items()
            if (table.types[name] in numeric or kind in ("categorical", "binary"))
            and table.data[name].nunique() > 1
        ]
        left_out = [name for name in table.data.columns if name not in names]
        dropped = len(names) - _most_columns
        names = names[:_most_columns]
        if len(names) < 2:
            raise OperatorError(
                "fewer than two columns are numbers or categories with more than one value",
                "Look at the types of the columns before this step.",
            )
        linear = self.correlation_type == "linear"
        values = correlations(table, names, linear)
        pairs = [
            (names[low], names[high], float(values[low, high]))
            for high in range(len(names))
            for low in range(high)
            if values[low, high] == values[low, high]
        ]
        pairs.sort(key=lambda pair: (-abs(pair[2]), pair[:2]))
        said = (
            "Pearson's correlation" if linear else "Spearman's rank correlation; Cramér's V of two categories"
        )
        if pairs:
            first = pairs[0]
            said += f".  Strongest: {style.cut(first[0])} and {style.cut(first[1])}, {first[2]:+.2f}"
        note = _note(table, left_out, max(dropped, 0), linear)
        figure = _draw(self.heading("Feature correlation"), said, note, names, values)
        numbers = {
            **table.rows,
            "correlation_type": self.correlation_type,
            "columns": names,
            "left_out": left_out,
            "matrix": {
                name: dict(zip(names, row, strict=True))
                for name, row in zip(names, values.tolist(), strict=True)
            },
            "strongest": [
                {"columns": [one, other], "correlation": value} for one, other, value in pairs[:_most_pairs]
            ],
        }
        return Finding(figure, numbers)


def _note(table: Table, left_out: list[str], dropped: int, linear: bool) -> str:
    from . import style

    remarks = [table.note]
    if left_out:
        shown = ", ".join(style.cut(name, 20) for name in left_out[:5])
        shown += f" and {len(left_out) - 5} more" if len(left_out) > 5 else ""
        remarks.append(f"left out (text, date, or one value): {shown}")
    if dropped:
        remarks.append(f"only the first {_most_columns} columns; {dropped} more are left out")
    if linear and any(kind in ("categorical",) for kind in table.kinds.values()):
        remarks.append("two categories have no linear correlation")
    return "; ".join(remark for remark in remarks if remark)


def correlations(table: Table, names: list[str], linear: bool) -> np.ndarray:
    """The matrix of correlations, pair by pair on the rows that have both; NaN where there is none."""
    import numpy as np

    numeric = [table.types[name] in ("long", "float") for name in names]
    matrix = np.eye(len(names))
    for high in range(len(names)):
        for low in range(high):
            one, other = table.data[names[low]], table.data[names[high]]
            if numeric[low] and numeric[high]:
                value = _of_numbers(one, other, linear)
            elif numeric[low] or numeric[high]:
                number, category = (one, other) if numeric[low] else (other, one)
                value = _of_number_and_category(number, category, linear)
            else:
                value = float("nan") if linear else cramers_v(one, other)
            matrix[low, high] = matrix[high, low] = value
    return matrix


def _of_numbers(one: pd.Series[Any], other: pd.Series[Any], linear: bool) -> float:
    import numpy as np

    there = (one.notna() & other.notna()).to_numpy()
    x, y = one[there].astype(float), other[there].astype(float)
    if len(x) < 2:
        return float("nan")
    if not linear:
        x, y = x.rank(), y.rank()
    a, b = x.to_numpy() - x.mean(), y.to_numpy() - y.mean()
    scale = np.sqrt((a @ a) * (b @ b))
    return float(np.clip((a @ b) / scale, -1, 1)) if scale > 0 else float("nan")


def _of_number_and_category(number: pd.Series[Any], category: pd.Series[Any], linear: bool) -> float:
    there = (number.notna() & category.notna()).to_numpy()
    y, groups = number[there].astype(float), category[there].astype(str)
    if len(y) < 2:
        return float("nan")
    best = (y if linear else y.rank()).groupby(groups).transform("mean")
    return _of_numbers(best, y, linear)


def cramers_v(one: pd.Series[Any], other: pd.Series[Any]) -> float:
    """Cramér's V of two columns of categories, 0 (independent) to 1."""
    import numpy as np
    import pandas as pd
    from scipy.stats import chi2_contingency

    there = (one.notna() & other.notna()).to_numpy()
    counts = pd.crosstab(one[there].astype(str), other[there].astype(str)).to_numpy()
    smaller = min(counts.shape, default=0) - 1
    if smaller < 1:
        return float("nan")
    chi2 = chi2_contingency(counts, correction=False).statistic
    return float(np.sqrt(chi2 / (counts.sum() * smaller)))


def _draw(title: str, said: str, note: str, names: list[str], values: np.ndarray) -> Any:
    import numpy as np
    import seaborn as sns

    from ..text_width import width
    from . import style

    if len(names) > _most_drawn:
        # Those with the strongest correlation to any other are drawn, in the table's order.
        strength = np.nanmax(np.abs(np.where(np.eye(len(names), dtype=bool), np.nan, values)), axis=1)
        kept = np.sort(np.argsort(-np.nan_to_num(strength), kind="stable")[:_most_drawn])
        note = "; ".join(filter(None, [note, f"the picture shows the {_most_drawn} most correlated columns"]))
        names, values = [names[place] for place in kept], values[np.ix_(kept, kept)]
    count = len(names)
    cell = 0.56 if count <= 12 else 0.34 if count <= 24 else 0.26
    side = cell * (count - 1)
    # The names stand beside and below the cells; what they need decides how large the picture is.
    size = 9.0 if count <= 24 else 7.5
    label = max(width(style.cut(name, _most_letters), size) for name in names) / 72
    wide, high = max(side + label + 1.15, 7.4), max(side, 1.2) + label + 0.3
    figure = style.canvas(title, said, note, width=wide, height=high)
    axes = style.one(figure)
    # A triangle without its diagonal: each pair once.
    shown = values[1:, :-1]
    above = np.triu(np.ones_like(shown, dtype=bool), 1)
    writes = count <= 16
    texts = np.array(
        [[f"{value:.2f}".replace("-0.00", "0.00").replace("-", "−") for value in row] for row in shown]
    )
    sns.heatmap(
        shown, mask=above, ax=axes, cmap=style.diverging, vmin=-1, vmax=1, square=True, fmt="",
        annot=texts if writes else False,
        annot_kws={"size": 8.5 if count <= 12 else 7},
        linewidths=1.2 if count <= 24 else 0.4,
        linecolor="white", xticklabels=[style.cut(name, _most_letters) for name in names[:-1]],
        yticklabels=[style.cut(name, _most_letters) for name in names[1:]],
        cbar_kws={"shrink": 0.55, "aspect": 18, "ticks": [-1, -0.5, 0, 0.5, 1], "pad": 0.02},
    )  # fmt: skip
    axes.figure.axes[-1].tick_params(length=0)
    blank = np.isnan(shown) & ~above
    for row, column in zip(*np.nonzero(blank), strict=True):
        axes.text(column + 0.5, row + 0.5, "–", ha="center", va="center", color=style.grey)
    axes.tick_params(axis="both", length=0, labelcolor=style.ink, labelsize=size)
    axes.tick_params(axis="x", rotation=90 if max(map(len, names)) > 4 and count > 3 else 0)
    axes.tick_params(axis="y", rotation=0)
    axes.spines[:].set_visible(False)
    axes.set_anchor("N")
    return figure
