"""A look at a table in the terminal: boxes and colours there, plain aligned text in a file or a pipe."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from .profiling import Look

if TYPE_CHECKING:
    import pandas as pd

_widest = 40


def show(look: Look, title: str, console: Console | None = None) -> None:
    """Print the number of rows, the first rows and the profile of the columns."""
    console = console or Console(highlight=False)
    rows, columns = f"{look.rows:,} row{'s' * (look.rows != 1)}", len(look.schema)
    text = f"{title}: {rows}, {columns} column{'s' * (columns != 1)}"
    console.print(Text(text, style="bold"), soft_wrap=True)
    head = [[cell(value) for value in row] for row in look.head.itertuples(index=False)]
    if head:
        _print(console, list(look.schema), head, [])
    figures = [
        [str(name), *(cell(value) for value in row)]
        for name, row in zip(look.profile.index, look.profile.itertuples(index=False), strict=True)
    ]
    _print(console, ["column", *map(str, look.profile.columns)], figures, _numbers(look.profile))


def cell(value: Any) -> str:
    """A value for a person: numbers short, nulls empty, long texts cut."""
    if value is None or (isinstance(value, float) and math.isnan(value)) or str(value) in ("NaT", "<NA>"):
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    text = str(value).replace("\n", "⏎").replace("\t", " ")
    return text if len(text) <= _widest else text[: _widest - 1] + "…"


def _numbers(profile: pd.DataFrame) -> list[str]:
    return [name for name in profile.columns if name not in ("type", "most_frequent")]


def _print(console: Console, header: list[str], rows: list[list[str]], right: list[str]) -> None:
    widths = [max(len(row[place]) for row in [header, *rows]) for place in range(len(header))]
    if sum(widths) + 3 * len(widths) > console.width and not right:
        # More columns than the screen is wide: each becomes a line.
        header, *rows = [list(each) for each in zip(header, *rows, strict=True)]
        header, rows = ["column", *map(str, range(1, len(header)))], [header, *rows]
        widths = [max(len(row[place]) for row in [header, *rows]) for place in range(len(header))]
    if not console.is_terminal:
        console.print("", soft_wrap=True)
        for row in [header, *rows]:
            line = "  ".join(
                text.rjust(width) if name in right else text.ljust(width)
                for text, width, name in zip(row, widths, header, strict=True)
            )
            console.print(line.rstrip(), soft_wrap=True, markup=False)
        return
    table = Table(header_style="bold", row_styles=["", "dim"])
    for name in header:
        table.add_column(Text(name), justify="right" if name in right else "left", overflow="ellipsis")
    for row in rows:
        table.add_row(*(Text(text) for text in row))
    console.print(table)
