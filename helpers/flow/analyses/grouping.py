"""Rows in a few groups, for colours and small multiples."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from .style import cut, grey, palette, wide_palette
from .table import Table, as_categories, short

missing, other = "(missing)", "(other)"
_few = 8


@dataclass(frozen=True)
class Groups:
    """Each row's group by number, the groups' names in order, and whether that order means something."""

    codes: np.ndarray
    names: list[str]
    ordered: bool

    @property
    def colours(self) -> list[str]:
        """A colour for each group; what is missing or left over is grey."""
        real = [name for name in self.names if name not in (missing, other)]
        if self.ordered and len(real) > 2:
            import matplotlib as mpl

            steps = mpl.colormaps["viridis"](np.linspace(0.08, 0.92, len(real)))
            chosen = [mpl.colors.to_hex(step) for step in steps]
        else:
            shades = palette if len(real) <= len(palette) else wide_palette
            chosen = [shades[place % len(shades)] for place in range(len(real))]
        by_name = dict(zip(real, chosen, strict=True))
        return [by_name.get(name, grey if name == missing else "#c9d1d9") for name in self.names]


def group(table: Table, column: str, most: int = len(wide_palette)) -> Groups:
    """Group the rows by a column: its values, or equal parts of its range of numbers."""
    values = table.data[column]
    if table.types[column] in ("long", "float", "date", "datetime") and values.nunique() > _few:
        return _parts(values)
    labels = as_categories(values)
    counts = labels.value_counts()
    ordered = table.types[column] in ("long", "float", "date", "datetime")
    frequent = sorted(counts.index, key=lambda name: (-counts[name], str(name)))
    kept = frequent if len(frequent) <= most else frequent[: most - 1]
    # Whole numbers go up; names go by the alphabet, so that a colour means the same everywhere.
    key = (lambda name: (_number(name), name)) if ordered else (lambda name: (0.0, str(name)))
    names = sorted(kept, key=key)
    places = {name: place for place, name in enumerate(names)}
    codes = labels.map(places).to_numpy(dtype=float)
    empty = labels.isna().to_numpy()
    if (np.isnan(codes) & ~empty).any():
        codes[np.isnan(codes) & ~empty] = len(names)
        names.append(other)
    if empty.any():
        codes[empty] = len(names)
        names.append(missing)
    return Groups(codes.astype(int), [str(name) for name in names], ordered)


def _number(name: str) -> float:
    try:
        return float(name)
    except ValueError:
        return 0.0


def _parts(values: pd.Series[Any]) -> Groups:
    """Five parts with as many rows each, as far as equal values allow."""
    moments = values.dtype.kind == "M"
    numbers = values.astype("int64").where(values.notna()) if moments else values.astype(float)
    edges = np.unique(np.nanquantile(numbers, np.linspace(0, 1, 6)))
    codes = np.clip(
        np.searchsorted(edges, numbers.to_numpy(dtype=float), side="right") - 1, 0, len(edges) - 2
    )
    texts = [
        str(pd.Timestamp(int(edge)).date()) if moments else short(float(f"{edge:.4g}")) for edge in edges
    ]
    names = [f"{low} to {high}" for low, high in pairwise(texts)]
    empty = values.isna().to_numpy()
    if empty.any():
        codes[empty] = len(names)
        names.append(missing)
    return Groups(codes, names, True)


def panel_columns(panels: int) -> int:
    """How many small multiples stand side by side so that the last line is (nearly) full."""
    return {4: 2, 5: 3, 6: 3, 7: 4, 8: 4, 9: 3, 10: 5}.get(panels, min(panels, 4))


def legend(
    figure: Figure, groups: Groups, title: str, marker: str = "s", drawn: np.ndarray | None = None
) -> None:
    """A legend beside the axes, of the groups among the rows that are drawn."""
    present = set(groups.codes if drawn is None else groups.codes[drawn])
    handles = [
        Line2D([], [], marker=marker, linestyle="", color=colour, markersize=7, label=cut(name, 22))
        for place, (name, colour) in enumerate(zip(groups.names, groups.colours, strict=True))
        if place in present
    ]
    figure.legend(handles=handles, title=cut(title, 22), loc="outside right upper", alignment="left")
