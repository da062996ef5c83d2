"""Duplicate rows: how many rows are there more than once, and which."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .base import Finding, Visualization, operator

if TYPE_CHECKING:
    import pandas as pd

    from .table import Table

_most_columns, _most_rows = 8, 10


@operator("sagemaker.visualizations.duplicate_rows_0.1")
class DuplicateRows(Visualization):
    """Duplicate rows"""

    def analyze(self, table: Table) -> Finding:
        from . import style

        table.needs()
        found = duplicates(table.data, _most_rows)
        rows = len(table.data)
        more, shown = found["duplicate_rows"], found["most_frequent"]
        said = f"{more:,} of {rows:,} rows ({found['duplicate_ratio']:.2%}) repeat an earlier one"
        said = said if more else f"each of the {rows:,} rows is there once"
        columns = list(table.data.columns)[:_most_columns]
        left = len(table.data.columns) - len(columns)
        note = "; ".join(
            filter(None, [table.note, f"{left} more columns are not shown" if left and shown else ""])
        )
        width = max(8.0, 2 + 1.25 * (len(columns) + 1)) if shown else 8.0
        figure = style.canvas(
            self.name or "Duplicate rows",
            said,
            note,
            width=width,
            height=1.0 + (0.32 * len(shown) + 0.5) * bool(shown),
        )
        if shown:
            top, below = figure.subplots(2, 1, height_ratios=[0.9, 0.32 * len(shown) + 0.5])
        else:
            top, below = style.one(figure), None
        top.barh([0], [rows - more], color=style.blue, height=0.5)
        top.barh([0], [more], left=[rows - more], color=style.orange, height=0.5)
        top.set(yticks=[], xlim=(0, rows), ylim=(-0.5, 0.75))
        top.text(0, 0.4, f"{rows - more:,} different rows", color=style.blue, size=9, weight="bold")
        if more:
            top.text(rows, 0.4, f"{more:,} repeats", color=style.orange, size=9, weight="bold", ha="right")
        style.thousands(top, "x")
        top.spines["left"].set_visible(False)
        if below is not None:
            _draw_rows(below, shown, columns)
        return Finding(figure, {**table.rows, **found})


def duplicates(data: pd.DataFrame, most: int) -> dict[str, Any]:
    """Rows that repeat an earlier one, their share, and the rows that occur most often; null equals null."""
    repeated = data.duplicated()
    names = list(data.columns)
    frequent: list[dict[str, Any]] = []
    if repeated.any():
        every = data[data.duplicated(keep=False)]
        sizes = every.groupby(names, dropna=False, sort=False)[names[0]].transform("size")
        first = every.assign(**{"\0count": sizes})[~every.duplicated()]
        first = first.sort_values("\0count", ascending=False, kind="stable").head(most)
        for row in first.to_dict("records"):
            count = int(row.pop("\0count"))
            values = {name: None if value != value or value is None else value for name, value in row.items()}
            frequent.append({"count": count, "row": values})
    return {
        "duplicate_rows": int(repeated.sum()),
        "duplicate_ratio": float(repeated.mean()) if len(data) else 0.0,
        "most_frequent": frequent,
    }


def _draw_rows(axes: Any, shown: list[dict[str, Any]], columns: list[str]) -> None:
    import pandas as pd

    from . import style

    axes.set(xlim=(0, len(columns) + 0.8), ylim=(len(shown) + 0.05, -1))
    axes.set_axis_off()
    axes.text(0.62, -0.5, "times", size=8.5, color=style.soft, ha="right", va="center")
    for place, name in enumerate(columns):
        axes.text(0.85 + place, -0.5, style.cut(name, 14), size=8.5, color=style.soft, va="center")
    for line, each in enumerate(shown):
        if line % 2 == 0:
            axes.axhspan(line, line + 1, color="#f5f7f9", linewidth=0, zorder=0)
        axes.text(
            0.62, line + 0.5, f"{each['count']:,}", ha="right", va="center", weight="bold", color=style.orange
        )
        for place, name in enumerate(columns):
            value = each["row"][name]
            text = (
                "–"
                if value is None or value is pd.NaT
                else style.number(value)
                if isinstance(value, int | float)
                else str(value)
            )
            axes.text(0.85 + place, line + 0.5, style.cut(text, 15), va="center", size=9)
