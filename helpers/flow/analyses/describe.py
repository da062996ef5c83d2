"""Table summary: each column's count, and its range or its rarest and most frequent value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .base import Finding, Visualization, operator

if TYPE_CHECKING:
    import pandas as pd

    from .table import Table

_most_columns, _bars = 60, 24
_spark_left, _spark_width = 80.5, 9.5
# Where each column of the picture stands, and to which side.
_columns = {
    "column": (0.6, "left"),
    "type": (24, "left"),
    "count": (36, "right"),
    "missing": (43, "right"),
    "distinct": (50.5, "right"),
    "mean": (60, "right"),
    "stddev": (69, "right"),
    "min": (79.6, "right"),
    "max": (90.9, "left"),
}
_shades = {"type": "#5f6c7b", "missing": "#9aa5b1", "min": "#5f6c7b", "max": "#5f6c7b"}


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
            self.heading("Table summary"), size, note, width=11, height=0.34 * len(rows) + 0.42
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
    for text, (x, side) in _columns.items():
        axes.text(x, -0.62, text, color=style.soft, size=8.5, ha=side, va="center")
    for place, (name, found) in enumerate(rows):
        if place % 2 == 0:
            axes.axhspan(place, place + 1, color="#f5f7f9", zorder=0, linewidth=0)
        texts = {
            "column": style.cut(name, 30),
            "type": found["type"],
            **{key: f"{found[key]:,}" for key in ("count", "missing", "distinct")},
        }
        if found["type"] in ("long", "float"):
            texts |= {key: style.number(found[key]) for key in ("mean", "stddev", "min", "max")}
            if found["count"]:
                _spark(axes, table.data[name], place)
        elif found["count"]:
            axes.text(_columns["mean"][0] - 7, place + 0.5, _extremes(found), va="center", size=8.5)
        for key, text in texts.items():
            x, side = _columns[key]
            shade = style.orange if key == "missing" and found["missing"] else _shades.get(key, style.ink)
            weight = "bold" if key == "column" else "normal"
            axes.text(x, place + 0.5, text, va="center", ha=side, size=9, color=shade, weight=weight)


def _extremes(found: dict[str, Any]) -> str:
    """The most frequent and the rarest value in words."""
    from . import style

    if found["max_count"] == 1 and found["count"] > 1:
        return "no value is there twice"
    most = f"most frequent: {style.cut(found['max'], 20)} ({found['max_count']:,})"
    if found["distinct"] == 1:
        return most
    return f"{most}, rarest: {style.cut(found['min'], 20)} ({found['min_count']:,})"


def _spark(axes: Any, column: pd.Series[Any], place: int) -> None:
    """A small histogram between the least and the greatest value; of few whole numbers a bar each."""
    import numpy as np

    from . import style

    values = column.dropna().to_numpy(dtype=float)
    low, high = values.min(), values.max()
    whole = bool(np.all(values == np.round(values))) and high - low < _bars
    counts, edges = np.histogram(values, bins=np.arange(low - 0.5, high + 1) if whole else _bars)
    heights = np.where(counts > 0, np.maximum(0.76 * counts / counts.max(), 0.03), 0.0)
    left = _spark_left + (edges[:-1] - edges[0]) / (edges[-1] - edges[0]) * _spark_width
    width = _spark_width / len(counts) * 0.9
    axes.bar(left, -heights, width, bottom=place + 0.9, align="edge", color=style.sky, linewidth=0)
