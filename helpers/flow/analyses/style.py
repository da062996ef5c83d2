"""One style for the pictures of all analyses: calm, and told apart by colour-blind eyes."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import matplotlib.dates as dates
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator

# Okabe and Ito's palette: distinct for every common kind of colour blindness, and in grey.
blue, orange, green, pink, sky, amber = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00"
ink, soft, line, pale = "#1b2733", "#5f6c7b", "#b8c2cc", "#eef1f4"
grey = "#9aa5b1"
palette = (blue, orange, green, pink, amber, sky)
# Paul Tol's muted palette, for more groups than that.
wide_palette = (
    "#332288", "#CC6677", "#88CCEE", "#DDCC77", "#117733",
    "#AA4499", "#44AA99", "#882255", "#999933", ink,
)  # fmt: skip
red, yellow = orange, amber

diverging = LinearSegmentedColormap.from_list(
    "workshop", ["#B35806", "#F1A340", "#FAFAFA", "#67A9CF", "#0B5A8C"]
)
rising = LinearSegmentedColormap.from_list("workshop_rising", ["#F4F7FA", "#8CC1E0", "#0072B2", "#053B5E"])

_settings: dict[str, Any] = {
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "axes.edgecolor": line,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.labelcolor": soft,
    "axes.labelsize": 9.5,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlecolor": ink,
    "axes.axisbelow": True,
    "axes.grid": False,
    "grid.color": pale,
    "grid.linewidth": 1.0,
    "text.color": ink,
    "text.parse_math": False,
    "axes.formatter.use_mathtext": False,
    "xtick.color": line,
    "ytick.color": line,
    "xtick.labelcolor": soft,
    "ytick.labelcolor": soft,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "xtick.major.size": 3,
    "ytick.major.size": 0,
    "font.family": ["DejaVu Sans"],
    "font.size": 9.5,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "legend.title_fontsize": 9,
    "legend.handlelength": 1.0,
    "legend.handletextpad": 0.5,
    "axes.unicode_minus": True,
}


@contextmanager
def style() -> Iterator[None]:
    """The style, for figures made and drawn within."""
    with mpl.rc_context():
        mpl.rcdefaults()
        settings: Any = _settings
        mpl.rcParams.update(settings)
        yield


def canvas(title: str, subtitle: str = "", note: str = "", width: float = 8.0, height: float = 4.4) -> Figure:
    """A figure with a title, a line that says what it shows, and perhaps a remark below; sizes in inches."""
    titles = textwrap.wrap(title, int(width * 9.2)) or [""]
    lines = textwrap.wrap(subtitle, int(width * 12.6))
    notes = textwrap.wrap(note, int(width * 14.4))
    head = 0.18 + 0.27 * len(titles) + 0.19 * len(lines)
    foot = 0.10 + 0.17 * len(notes)
    total = height + head + foot
    figure = Figure(figsize=(width, total))
    FigureCanvasAgg(figure)
    room = (0.02, foot / total, 0.96, height / total)
    figure.set_layout_engine(ConstrainedLayoutEngine(rect=room, w_pad=0.06, h_pad=0.06))
    y = 1 - 0.12 / total
    for text in titles:
        figure.text(0.02, y, text, size=13.5, weight="bold", color=ink, va="top")
        y -= 0.27 / total
    for text in lines:
        figure.text(0.02, y, text, size=9.5, color=soft, va="top")
        y -= 0.19 / total
    for place, text in enumerate(reversed(notes)):
        figure.text(0.02, (0.07 + 0.17 * place) / total, text, size=8, color=soft, va="bottom")
    return figure


def one(figure: Figure) -> Axes:
    """The only axes of a figure."""
    return figure.add_subplot()


def quiet(axes: Axes, keep: str = "x") -> None:
    """Take away the frame but for one axis, and give the other a grid."""
    for side in ("left", "bottom"):
        axes.spines[side].set_visible((side == "bottom") == (keep == "x"))
    axes.grid(axis="y" if keep == "x" else "x")
    axes.tick_params(axis="x", length=3 if keep == "x" else 0)


def bars(
    axes: Axes,
    names: Sequence[str],
    values: Sequence[float],
    colours: Sequence[str] | str = blue,
    form: str = "{:.3f}",
    most: int = 34,
) -> None:
    """Lying bars, the first on top, each with its value."""
    places = np.arange(len(names))[::-1]
    shown = np.nan_to_num(np.asarray(values, dtype=float))
    axes.barh(places, shown, color=colours, height=0.66)
    axes.set_yticks(places, [cut(name, most) for name in names])
    axes.set_ylim(-0.6, len(names) - 0.4)
    for place, value in zip(places, values, strict=True):
        text = form.format(value) if np.isfinite(value) else "none"
        at = (max(value, 0) if np.isfinite(value) else 0, place)
        axes.annotate(text, at, xytext=(4, 0), textcoords="offset points", va="center", size=9, color=soft)
    axes.tick_params(axis="y", labelcolor=ink)
    quiet(axes, "y")
    axes.spines["left"].set_visible(True)


def cut(text: object, most: int = 24) -> str:
    """A text that fits, on one line."""
    words = " ".join(str(text).split())
    return words if len(words) <= most else words[: most - 1] + "…"


def moments(axes: Axes, most: int) -> None:
    """Moments on the lower axis, at most so many."""
    locator: Any = dates.AutoDateLocator(maxticks=most)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]


def few_ticks(axes: Axes, most: int, greatest: float) -> None:
    """At most so many numbers on the lower axis, fewer where they are long; large ones with commas."""
    if greatest >= 1e6:
        most = max(most - 3, 3)
    axes.xaxis.set_major_locator(MaxNLocator(most, steps=[1, 2, 2.5, 5, 10]))
    if greatest >= 10_000:
        thousands(axes, "x")


def thousands(axes: Axes, axis: str = "y") -> None:
    """Numbers of an axis with commas."""
    which = axes.yaxis if axis == "y" else axes.xaxis
    which.set_major_formatter(
        lambda value, _: f"{value:,.0f}" if float(value).is_integer() else f"{value:,g}"
    )


def number(value: float | None) -> str:
    """A number for a table of a picture or page: four digits, commas, no exponent where it can be helped."""
    if value is None or not np.isfinite(value):
        return "–"
    size = abs(value)
    if float(value).is_integer() and size < 1e12:
        text = f"{value:,.0f}"
    elif size >= 1e12 or size < 1e-6:
        text = f"{value:.3g}"
    elif size < 1e-3:
        text = f"{value:.6f}"
    else:
        text = f"{value:,.0f}" if size >= 10_000 else f"{value:,.1f}" if size >= 1000 else f"{value:.4g}"
    return text.replace("-", "−")
