"""The picture of a histogram: bars, stacked by colour, in one panel or several."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from . import style
from .grouping import Groups, legend, panel_columns
from .histogram import Bins


@dataclass(frozen=True)
class Drawn:
    """What is drawn: `counts` of rows by panel, colour and bin; `medians` by the panel's name."""

    title: str
    said: str
    note: str
    x: str
    bins: Bins
    counts: np.ndarray
    colours: Groups | None
    facets: Groups | None
    legend: str
    medians: Mapping[str, float]

    @property
    def lying(self) -> bool:
        """Whether the names of the bins need more room than there is below standing bars."""
        names = self.bins.names
        if self.bins.edges is not None or all(name.lstrip("-").isdigit() for name in names):
            return False
        return max(map(len, names)) > 6 or len(names) > 16


def draw(drawn: Drawn) -> Figure:
    """The figure."""
    panels = drawn.counts.shape[0]
    columns = min(panel_columns(panels), 3 if drawn.lying else 5)
    lines = -(-panels // columns)
    tall = (0.26 * len(drawn.bins.names) + 0.7) if drawn.lying else (3.6 if lines == 1 else 2.1)
    width = 8.4 if columns < 4 else 9.6
    figure = style.canvas(drawn.title, drawn.said, drawn.note, width=width, height=max(tall, 1.6) * lines)
    grid = figure.subplots(lines, columns, squeeze=False, sharex=True, sharey=True)
    for place, axes in enumerate(grid.flat):
        if place >= panels:
            axes.set_visible(False)
            continue
        _bars(axes, drawn, place)
        if drawn.facets:
            name = drawn.facets.names[place]
            axes.set_title(style.cut(name, {1: 60, 2: 34, 3: 26}.get(columns, 18)), size=9.5)
            if name in drawn.medians:
                axes.axvline(drawn.medians[name], color=style.orange, linewidth=1.4)
        _axes(axes, drawn.bins, drawn.lying, columns)
        axes.tick_params(axis="x", labelbottom=place + columns >= panels)
        if place // columns == lines - 1:
            axes.set_xlabel("rows" if drawn.lying else drawn.x)
        if place % columns == 0:
            axes.set_ylabel("" if drawn.lying else "rows")
    if drawn.colours:
        legend(figure, drawn.colours, drawn.legend)
    return figure


def _bars(axes: Axes, drawn: Drawn, panel: int) -> None:
    """The bars of a panel, colour upon colour."""
    bins, counts = drawn.bins, drawn.counts[panel]
    shades = drawn.colours.colours if drawn.colours else [style.blue]
    bottom = np.zeros(counts.shape[1])
    for shade, part in zip(shades, counts, strict=True):
        if bins.edges is not None:
            thin: dict[str, Any] = {"edgecolor": "white", "linewidth": 0.4}
            axes.bar(
                bins.edges[:-1], part, np.diff(bins.edges), bottom=bottom, align="edge", color=shade, **thin
            )
        elif drawn.lying:
            axes.barh(np.arange(len(part)), part, left=bottom, color=shade, height=0.72)
        else:
            axes.bar(np.arange(len(part)), part, bottom=bottom, color=shade, width=0.78)
        bottom = bottom + part


def _axes(axes: Axes, bins: Bins, lying: bool, columns: int) -> None:
    if bins.edges is not None:
        style.quiet(axes)
        style.thousands(axes)
        if bins.moments:
            style.moments(axes, max(7 // columns, 3))
        else:
            style.few_ticks(axes, max(8 // columns, 3), float(np.abs(bins.edges).max()))
        return
    if lying:
        axes.set_yticks(np.arange(len(bins.names)), [style.cut(name, 26) for name in bins.names])
        axes.set_ylim(len(bins.names) - 0.4, -0.6)
        axes.tick_params(axis="y", labelcolor=style.ink)
        style.quiet(axes, "y")
        style.thousands(axes, "x")
        return
    step = max(len(bins.names) * columns // 12, 1)
    axes.set_xticks(np.arange(len(bins.names))[::step], bins.names[::step])
    style.quiet(axes)
    style.thousands(axes)
