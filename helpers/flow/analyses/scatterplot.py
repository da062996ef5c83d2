"""Scatter plot: two columns of numbers against each other, in colours and small multiples of two others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .base import Finding, Visualization, operator

if TYPE_CHECKING:
    import numpy as np

    from .table import Table

_most_panels = 12


@operator("sagemaker.visualizations.scatterplot_0.1")
class ScatterPlot(Visualization):
    """Scatter plot"""

    x_axis: str
    y_axis: str
    color_by: str | None = None
    facet_by: str | None = None

    def describe(self) -> str:
        return f"Scatter plot of {self.x_axis} and {self.y_axis}"

    def analyze(self, table: Table) -> Finding:
        import numpy as np

        from . import style
        from .grouping import group, legend, panel_columns
        from .table import seed

        x, y = table.number(self.x_axis, "x_axis"), table.number(self.y_axis, "y_axis")
        colour = table.name(self.color_by, "color_by") if self.color_by else None
        facet = table.name(self.facet_by, "facet_by") if self.facet_by else None
        table.needs()
        across, up = (table.data[name].to_numpy(dtype=float) for name in (x, y))
        there = np.isfinite(across) & np.isfinite(up)
        colours = group(table, colour) if colour else None
        facets = group(table, facet, _most_panels) if facet else None
        panels = len(facets.names) if facets else 1
        columns = panel_columns(panels)
        lines = -(-panels // columns)
        said = [f"{int(there.sum()):,} points"]
        said += [f"{int((~there).sum()):,} rows without a value"] if not there.all() else []
        said += [f"coloured by {colour}"] if colour else []
        said += [f"one panel for each {facet}"] if facet else []
        figure = style.canvas(
            self.heading(f"{y} against {x}"),
            ", ".join(said),
            table.note,
            width=8.4 if columns < 4 else 9.6,
            height=4.6 if lines == 1 and columns == 1 else 2.8 * lines + 0.3,
        )
        grid = figure.subplots(lines, columns, squeeze=False, sharex=True, sharey=True)
        # The last drawn must not hide the others: points come in a random order, the same each time.
        order = np.random.default_rng(seed).permutation(np.flatnonzero(there))
        size, clear = _marks(int(there.sum()) / panels)
        shades = np.array(colours.colours if colours else [style.blue])
        for place, axes in enumerate(grid.flat):
            if place >= panels:
                axes.set_visible(False)
                continue
            rows = order if facets is None else order[facets.codes[order] == place]
            tint = shades[colours.codes[rows]] if colours else shades[0]
            axes.scatter(
                across[rows], up[rows], c=tint, s=size, alpha=clear, linewidth=0, rasterized=len(rows) > 2000
            )
            axes.grid(True)
            if facets:
                axes.set_title(style.cut(facets.names[place], 34 if columns < 3 else 20), size=9.5)
            axes.set_xlabel(x if place // columns == lines - 1 else "")
            axes.set_ylabel(y if place % columns == 0 else "")
            axes.tick_params(axis="x", labelbottom=place + columns >= panels)
            axes.margins(0.03)
        if colours:
            legend(figure, colours, colour or "", "o", there)
        numbers: dict[str, Any] = {
            **table.rows,
            "x_axis": x,
            "y_axis": y,
            "color_by": colour,
            "facet_by": facet,
            **_relation(across[there], up[there]),
        }
        for key, groups in (("by_color", colours), ("by_facet", facets)):
            if groups:
                parts = [there & (groups.codes == place) for place in range(len(groups.names))]
                numbers[key] = {
                    name: _relation(across[part], up[part])
                    for name, part in zip(groups.names, parts, strict=True)
                }
        return Finding(figure, numbers)


def _marks(points: float) -> tuple[float, float]:
    """Size and opacity of the marks: small and faint when there are many."""
    if points < 300:
        return 34, 0.8
    if points < 2000:
        return 20, 0.65
    return (9, 0.4) if points < 15_000 else (5, 0.18 if points < 40_000 else 0.1)


def _relation(x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    """How many points, their middles, and their correlation."""
    import numpy as np
    from scipy import stats

    some = len(x) > 1 and np.ptp(x) > 0 and np.ptp(y) > 0
    return {
        "points": len(x),
        "mean_x": x.mean() if len(x) else None,
        "mean_y": y.mean() if len(y) else None,
        "pearson": float(stats.pearsonr(x, y).statistic) if some else None,
        "spearman": float(stats.spearmanr(x, y).statistic) if some else None,
    }
