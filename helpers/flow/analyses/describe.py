"""Table summary: each column's count, and its range or its rarest and most frequent value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .base import Finding, Visualization, operator

if TYPE_CHECKING:
    import pandas as pd

    from .table import Table

_most_columns = 60


@operator("sagemaker.visualizations.describe_0.1")
class TableSummary(Visualization):
    """Table summary"""

    def analyze(self, table: Table) -> Finding:
        from . import style

        summaries = {name: summary(table.data[name], table.types[name]) for name in table.data.columns}
        size = f"{len(table.data):,} rows, {len(summaries)} columns"
        left = len(summaries) - _most_columns
        note = "; ".join(
            filter(None, [table.note, f"{left} more columns are in the numbers" if left > 0 else ""])
        )
        rows = list(summaries.items())[:_most_columns]
        figure = style.canvas(
            self.name or "Table summary", size, note, width=11, height=0.34 * len(rows) + 0.42
        )
        _draw(figure, table, rows)
        return Finding(figure, {**table.rows, "columns": summaries})


def summary(column: pd.Series[Any], type_: str) -> dict[str, Any]:
    """What Data Wrangler says of a column, and how many values are missing and distinct.

    Numbers: count, mean, stddev (sample), min, max. Others: count, min (the least frequent value) and
    max (the most frequent); of equally frequent values the first by the alphabet.
    """
    from .table import as_categories

    values = column.dropna()
    found: dict[str, Any] = {
        "type": type_,
        "count": len(values),
        "missing": len(column) - len(values),
        "distinct": int(values.nunique()),
    }
    if type_ in ("long", "float"):
        none = not len(values)
        return found | {
            "mean": None if none else float(values.mean()),
            "stddev": float(values.std(ddof=1)) if len(values) > 1 else None,
            "min": None if none else values.min().item(),
            "max": None if none else values.max().item(),
        }
    counts = as_categories(values).value_counts()
    sizes: dict[str, int] = {str(name): int(count) for name, count in counts.items()}
    rarest = min(sorted(sizes), key=lambda name: sizes[name], default=None)
    most = max(sorted(sizes), key=lambda name: sizes[name], default=None)
    return found | {
        "min": rarest,
        "min_count": sizes[rarest] if rarest is not None else 0,
        "max": most,
        "max_count": sizes[most] if most is not None else 0,
    }


def _draw(figure: Any, table: Table, rows: list[tuple[str, dict[str, Any]]]) -> None:
    from . import style

    axes = style.one(figure)
    axes.set(xlim=(0, 100), ylim=(len(rows) + 0.02, -1.15))
    axes.set_axis_off()
    heads = ((0.6, "column", "left"), (25, "type", "left"), (41, "count", "right"), (50, "missing", "right"))
    more = (
        (59, "distinct", "right"),
        (75, "mean ± stddev", "center"),
        (90, "range, or rarest and most frequent", "center"),
    )
    for x, text, side in (*heads, *more):
        axes.text(
            x if text != "mean ± stddev" else 68,
            -0.62,
            text,
            color=style.soft,
            size=8.5,
            ha=side,
            va="center",
        )
    for place, (name, found) in enumerate(rows):
        y = place + 0.5
        if place % 2 == 0:
            axes.axhspan(place, place + 1, color="#f5f7f9", zorder=0, linewidth=0)
        axes.text(0.6, y, style.cut(name, 30), va="center", weight="bold", size=9)
        axes.text(25, y, found["type"], va="center", color=style.soft, size=9)
        axes.text(41, y, f"{found['count']:,}", va="center", ha="right", size=9)
        lost = found["missing"]
        colour = style.orange if lost else style.grey
        axes.text(50, y, f"{lost:,}", va="center", ha="right", size=9, color=colour)
        axes.text(59, y, f"{found['distinct']:,}", va="center", ha="right", size=9)
        if found["count"] == 0:
            continue
        if found["type"] in ("long", "float"):
            text = f"{style.number(found['mean'])} ± {style.number(found['stddev'])}"
            axes.text(68, y, text, va="center", ha="center", size=9)
            axes.text(
                80.2, y, style.number(found["min"]), va="center", ha="right", size=8.5, color=style.soft
            )
            axes.text(
                99.6, y, style.number(found["max"]), va="center", ha="right", size=8.5, color=style.soft
            )
            _spark(axes, table.data[name], place)
        else:
            shown = (
                f"{style.cut(found['min'], 14)}  …  {style.cut(found['max'], 17)} ({found['max_count']:,})"
            )
            if found["max_count"] == 1 and found["count"] > 1:
                shown = "all different"
            axes.text(90, y, shown, va="center", ha="center", size=8.5, color=style.soft)


def _spark(axes: Any, column: pd.Series[Any], place: int) -> None:
    """A small histogram between the least and the greatest value."""
    import numpy as np

    from . import style

    counts, edges = np.histogram(column.dropna().to_numpy(dtype=float), bins=24)
    heights = 0.74 * np.sqrt(counts / counts.max())
    left = 81 + (edges[:-1] - edges[0]) / (edges[-1] - edges[0]) * 10.4
    axes.bar(left, -heights, 10.4 / 24 * 0.92, bottom=place + 0.9, align="edge", color=style.sky, linewidth=0)
