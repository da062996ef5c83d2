"""Histogram: how often each value of a column occurs, in colours and small multiples of two others."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from ..errors import OperatorError
from .base import Finding, Visualization, operator

if TYPE_CHECKING:
    import numpy as np

    from .grouping import Groups
    from .table import Table

_most_bars, _most_panels = 24, 12
_day = 86_400 * 10**9  # in nanoseconds; days since 1970 are the numbers of Matplotlib's dates


@operator("sagemaker.visualizations.histogram_0.1")
class Histogram(Visualization):
    """Histogram"""

    x_axis: str
    color_by: str | None = None
    facet_by: str | None = None

    def describe(self) -> str:
        return f"Histogram of {self.x_axis}"

    def analyze(self, table: Table) -> Finding:
        import numpy as np

        from .grouping import group
        from .histogram_picture import Drawn, draw

        x = table.name(self.x_axis, "x_axis")
        colour = table.name(self.color_by, "color_by") if self.color_by else None
        facet = table.name(self.facet_by, "facet_by") if self.facet_by else None
        if table.data[x].isna().all():
            raise OperatorError(f"'{x}' has no value", "Choose another column.", "x_axis")
        bins = _bins(table, x)
        colours = group(table, colour) if colour else None
        facets = group(table, facet, _most_panels) if facet else None
        shape = (
            len(facets.names) if facets else 1,
            len(colours.names) if colours else 1,
            len(bins.names),
        )
        there = bins.codes >= 0
        counts = np.zeros(shape, dtype=int)
        nowhere = np.zeros(len(there), dtype=int)
        panel, shade = (each.codes if each else nowhere for each in (facets, colours))
        np.add.at(counts, (panel[there], shade[there], bins.codes[there]), 1)
        numbers: dict[str, Any] = {
            **table.rows,
            "x_axis": x,
            "color_by": colour,
            "facet_by": facet,
            "missing": int(table.data[x].isna().sum()),
            "bins": bins.numbers,
            "counts": [
                {
                    **({"facet": facets.names[panel]} if facets else {}),
                    **({"color": colours.names[shade]} if colours else {}),
                    "counts": counts[panel, shade].tolist(),
                }
                for panel in range(shape[0])
                for shade in range(shape[1])
                if counts[panel, shade].sum() or not (facets and colours)
            ],
        }
        middles = _middles(table, x, facets) if facets and bins.edges is not None else {}
        if facet and middles:
            numbers["medians"] = middles
        missing = numbers["missing"]
        said = [f"{len(table.data) - missing:,} values of {x}"]
        said += [f"{missing:,} missing"] if missing else []
        said += [f"coloured by {colour}"] if colour else []
        said += [f"one panel for each {facet}"] if facet else []
        said += ["the line marks the median"] if middles else []
        drawn = Drawn(
            self.heading(f"Histogram of {x}"), ", ".join(said), table.note, x, bins, counts, colours, facets,
            colour or "", middles,
        )  # fmt: skip
        return Finding(draw(drawn), numbers)


class Bins:
    """Each row's bin (-1: no value), and the bins' names or edges."""

    def __init__(
        self, codes: np.ndarray, names: list[str], edges: np.ndarray | None, moments: bool = False
    ) -> None:
        self.codes, self.names, self.edges, self.moments = codes, names, edges, moments

    @property
    def numbers(self) -> list[Any]:
        if self.edges is None:
            return list(self.names)
        ends = self.edges.tolist()
        if self.moments:
            import pandas as pd

            ends = [str(pd.Timestamp(round(end * _day)).isoformat()) for end in ends]
        return [{"from": low, "to": high} for low, high in pairwise(ends)]


def _bins(table: Table, column: str) -> Bins:
    import numpy as np

    from .grouping import group, missing

    values = table.data[column]
    type_ = table.types[column]
    if type_ not in ("long", "float", "date", "datetime") or values.isna().all():
        groups = group(table, column, _most_bars)
        labels = [name for name in groups.names if name != missing]
        codes = np.where(groups.codes < len(labels), groups.codes, -1)
        if not groups.ordered:
            sizes = np.bincount(codes[codes >= 0], minlength=len(labels))
            sizes = np.where([name == "(other)" for name in labels], -1, sizes)
            order = np.argsort(-sizes, kind="stable")
            rank = np.empty_like(order)
            rank[order] = np.arange(len(order))
            codes = np.where(codes >= 0, rank[codes], -1)
            labels = [labels[place] for place in order]
        return Bins(codes, labels, None)
    moments = values.dtype.kind == "M"
    if moments:
        seen = values.dropna().to_numpy().astype("datetime64[ns]").astype(np.int64) / _day
    else:
        seen = values.dropna().to_numpy(dtype=float)
    distinct = np.unique(seen)
    whole = not moments and bool(np.all(distinct == np.round(distinct)))
    codes = np.full(len(values), -1)
    there = values.notna().to_numpy()
    if whole and len(distinct) <= _most_bars and distinct[-1] - distinct[0] < 2 * _most_bars:
        ends = np.arange(distinct[0], distinct[-1] + 1)
        codes[there] = (seen - distinct[0]).astype(int)
        return Bins(codes, [f"{value:g}" for value in ends], None)
    edges = _edges(seen, whole)
    codes[there] = np.clip(np.searchsorted(edges, seen, side="right") - 1, 0, len(edges) - 2)
    return Bins(codes, [""] * (len(edges) - 1), edges, moments)


def _edges(values: np.ndarray, whole: bool) -> np.ndarray:
    """Freedman and Diaconis' bins or Sturges', 10 to 50; of whole width for whole numbers."""
    import numpy as np

    low, high = values.min(), values.max()
    if low == high:
        return np.array([low - 0.5, high + 0.5])
    wanted = len(np.histogram_bin_edges(values, "sturges")) - 1
    spread = np.subtract(*np.quantile(values, [0.75, 0.25]))
    if spread > 0:
        wanted = max(wanted, int(min((high - low) / (2 * spread * len(values) ** (-1 / 3)), 50)))
    wanted = int(np.clip(wanted, 10, 50))
    if whole:
        width = max(int(np.ceil((high - low + 1) / wanted)), 1)
        return np.arange(low - 0.5, high + width, width)
    return np.linspace(low, high, wanted + 1)


def _middles(table: Table, x: str, facets: Groups) -> dict[str, float]:
    """The median of each panel's numbers; nothing for moments."""
    if table.data[x].dtype.kind == "M":
        return {}
    values = table.data[x]
    middles = {name: values[facets.codes == place].median() for place, name in enumerate(facets.names)}
    return {name: float(middle) for name, middle in middles.items() if middle == middle}
