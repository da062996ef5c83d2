"""The pictures of the notebook: few, small, and the same bytes for the same facts."""

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np

from .facts import ColumnFacts, Counts, Numbers, Relations
from .writing import number, plain

# Okabe and Ito's palette, as in the lessons.
BLUE, ORANGE, GREY, INK = "#0072B2", "#D55E00", "#8C8C8C", "#222222"
MOST_BARS, MOST_SMALL = 15, 12
WIDTH = 7.0  # inches


@dataclass(frozen=True)
class Picture:
    """A PNG with the words for those who cannot see it."""

    name: str
    alternative: str
    png: bytes


def histogram(name: str, title: str, numbers: Numbers, label: str) -> Picture:
    """The distribution of numbers, their median and mean marked."""

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        _bars(axes, numbers, 6)
        axes.axvline(
            _place(numbers.median, numbers),
            color=ORANGE,
            linewidth=2,
            label=f"median {number(numbers.median)}",
        )
        mean = f"mean {number(numbers.mean)}"
        axes.axvline(_place(numbers.mean, numbers), color=INK, linewidth=1.5, linestyle="--", label=mean)
        axes.legend(frameon=False, fontsize=9)
        axes.set_xlabel(plain(label, 40))
        axes.set_ylabel("rows")
        axes.set_title(title)

    alternative = (
        f"Histogram from {number(numbers.minimum)} to {number(numbers.maximum)}; median "
        f"{number(numbers.median)}, mean {number(numbers.mean)}."
    )
    return Picture(name, alternative, _png(draw, 2.8, left=0.8, below=0.5))


def labels(name: str, title: str, counts: Counts) -> Picture:
    """How many rows each label has, most first."""
    shown = counts[:MOST_BARS]
    total = sum(count for _, count in counts)

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        _lying_bars(axes, [plain(label) for label, _ in shown], [count for _, count in shown])
        axes.set_title(title)
        for place, (_, count) in enumerate(shown):
            axes.annotate(
                f"{count:,} ({count / total:.1%})", (count, place), xytext=(4, 0), textcoords="offset points",
                va="center", fontsize=9, color=INK,
            )  # fmt: skip
        axes.margins(x=0.3)

    alternative = "Bars: " + ", ".join(f"{label} {count:,} rows" for label, count in shown) + "."
    return Picture(name, alternative, _png(draw, 0.7 + 0.28 * len(shown), left=1.8))


def shares(name: str, title: str, pairs: Sequence[tuple[str, float]], signed: bool = False) -> Picture:
    """A number between 0 (or -1, when signed) and 1 for each of a few columns."""
    shown = pairs[:MOST_BARS]

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        values = [value for _, value in shown]
        bars = _lying_bars(axes, [plain(label) for label, _ in shown], values)
        for bar, value in zip(bars, values, strict=True):
            bar.set_color(ORANGE if value < 0 else BLUE)
        axes.set_xlim(-1 if signed and min(values) < 0 else 0, 1)
        axes.axvline(0, color=GREY, linewidth=0.8)
        axes.set_title(title)

    written = ", ".join(f"{label} {value:.2f}" for label, value in shown)
    return Picture(name, f"Bars: {written}.", _png(draw, 0.7 + 0.28 * len(shown), left=1.8))


def matrix(name: str, title: str, relations: Relations) -> Picture:
    """The correlations among numeric columns as a coloured grid."""
    count = len(relations.names)

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        values = np.ma.masked_invalid(relations.matrix)
        image = axes.imshow(values, cmap="RdBu", vmin=-1, vmax=1, interpolation="nearest")
        axes.set_facecolor("#DDDDDD")  # shows where there is no correlation
        axes.set_xticks(range(count), [plain(one, 20) for one in relations.names], rotation=90, fontsize=8)
        axes.set_yticks(range(count), [plain(one, 20) for one in relations.names], fontsize=8)
        axes.tick_params(length=0)
        for spine in axes.spines.values():
            spine.set_visible(False)
        axes.set_title(title)
        figure.colorbar(image, ax=axes, shrink=0.6, label="correlation")
        if count <= 8:
            for row, column in np.ndindex(count, count):
                value = relations.matrix[row, column]
                ink = "white" if abs(value) > 0.6 else INK
                written = "" if math.isnan(value) else f"{value:.2f}"
                axes.text(column, row, written, ha="center", va="center", fontsize=8, color=ink)

    strongest = ", ".join(
        f"{pair.first} and {pair.second} {pair.correlation:.2f}" for pair in relations.pairs[:3]
    )
    alternative = f"Grid of the correlations of {count} columns; the strongest: {strongest or 'none'}."
    return Picture(name, alternative, _png(draw, 1.9 + 0.18 * count, left=1.5, below=1.5))


def distributions(name: str, columns: Sequence[ColumnFacts]) -> Picture:
    """A small histogram for each of a few numeric columns."""
    shown = [column for column in columns if column.numbers][:MOST_SMALL]
    lines = -(-len(shown) // 4)

    def draw(figure: Any) -> None:
        grid = figure.subplots(lines, 4, squeeze=False)
        for axes in grid.flat[len(shown) :]:
            axes.set_visible(False)
        for axes, column in zip(grid.flat, shown, strict=False):
            assert column.numbers is not None
            _bars(axes, column.numbers, 2)
            axes.set_title(plain(column.name, 22), fontsize=8)
            axes.set_yticks([])
            axes.tick_params(labelsize=7)
            for label, side in zip(axes.get_xticklabels(), ("left", "right"), strict=False):
                label.set_horizontalalignment(side if len(column.numbers.counts) > 1 else "center")
            axes.spines["left"].set_visible(False)

    named = ", ".join(column.name for column in shown)
    return Picture(name, f"Small histograms of {named}.", _png(draw, 0.3 + 1.25 * lines, left=0.2))


def _bars(axes: Any, numbers: Numbers, ticks: int) -> None:
    """A histogram in units of its bins: the axis may span more than a float can hold."""
    axes.stairs(numbers.counts, np.arange(len(numbers.counts) + 1), fill=True, color=BLUE)
    if len(numbers.counts) == 1:
        axes.set_xticks([0.5], [number(numbers.minimum)])
        axes.set_xlim(-2, 3)
        return
    values = _round_values(numbers, ticks) if ticks > 2 else [numbers.minimum, numbers.maximum]
    axes.set_xticks([_place(value, numbers) for value in values], [number(value) for value in values])


def _place(value: float, numbers: Numbers) -> float:
    """Where a number stands among the bins."""
    low, high = numbers.minimum / 2, numbers.maximum / 2
    return len(numbers.counts) * ((value / 2 - low) / (high - low)) if high > low else 0.5


def _round_values(numbers: Numbers, most: int) -> list[float]:
    """Round numbers along the axis; its ends when they are beyond the ordinary."""
    from matplotlib.ticker import MaxNLocator

    low, high = numbers.minimum, numbers.maximum
    if not 1e-100 < high - low < 1e100:
        return [low, high]
    return [float(value) for value in MaxNLocator(most).tick_values(low, high) if low <= value <= high]


def _lying_bars(axes: Any, names: Sequence[str], values: Sequence[float]) -> Any:
    bars = axes.barh(range(len(names)), values, color=BLUE, height=0.7)
    axes.set_yticks(range(len(names)), names, fontsize=9)
    axes.invert_yaxis()
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    return bars


def _png(draw: Callable[[Any], None], height: float, left: float, below: float = 0.3) -> bytes:
    """Draw into a figure of its own: no state is shared with whoever else draws in this process.

    Margins are given in inches: to find them out costs as much as the drawing.
    """
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    style: dict[Any, Any] = {
        "text.parse_math": False,  # a name such as $a$ is no formula
        "font.family": ["DejaVu Sans"],
        "font.size": 9,
        "axes.titlesize": 10,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.edgecolor": GREY,
    }
    with matplotlib.rc_context(style), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a name in letters that the font lacks shows as boxes
        figure = Figure(figsize=(WIDTH, height), dpi=96)
        FigureCanvasAgg(figure)
        figure.subplots_adjust(
            left / WIDTH, below / height, 1 - 0.15 / WIDTH, 1 - 0.35 / height, wspace=0.15, hspace=0.75
        )
        draw(figure)
        buffer = BytesIO()
        figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
