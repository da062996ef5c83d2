"""One look for the pictures of both reports, for names of any kind, without a display."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

RESOLUTION = 144  # dots per inch of the pictures; pages show them at two thirds of their dots
# Okabe and Ito's palette: distinct for every common kind of colour blindness, and in grey.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
BLUE, ORANGE, SKY = PALETTE[0], PALETTE[1], PALETTE[5]
INK, SOFT, GREY, PALE = "#1b2733", "#5f6c7b", "#9aa5b1", "#e6eaee"
# Letters that the first font lacks are taken from those of these that the machine has.
FONTS = ("DejaVu Sans", "Noto Sans CJK JP", "Noto Sans", "Hiragino Sans", "Microsoft YaHei", "Segoe UI")

_SETTINGS: dict[str, Any] = {
    "axes.edgecolor": GREY,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.labelcolor": SOFT,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlecolor": INK,
    "axes.axisbelow": True,
    "grid.color": PALE,
    "text.color": INK,
    "text.parse_math": False,  # a name with two dollar signs is no formula
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": SOFT,
    "ytick.labelcolor": INK,
    "font.size": 9,
    "legend.frameon": False,
}


@contextmanager
def style() -> Iterator[None]:
    """The look, for figures made and drawn within."""
    with mpl.rc_context():
        mpl.rcdefaults()
        settings: Any = _SETTINGS
        mpl.rcParams.update(settings)
        known = set(font_manager.fontManager.get_font_names())
        mpl.rcParams["font.family"] = [name for name in FONTS if name in known] or ["sans-serif"]
        with warnings.catch_warnings():
            # Of a letter that no font of this machine has; the reports' tables name all in full.
            warnings.filterwarnings("ignore", message=r".*[Gg]lyph .* missing", category=UserWarning)
            yield


def figure(width: float, height: float) -> Figure:
    """An empty figure, inches, whose labels find room by themselves."""
    return Figure(figsize=(width, height), layout="constrained")


def grid(axes: Axes, which: str) -> None:
    """Lines to read off values of one axis (`x` or `y`)."""
    axes.grid(axis=which)  # type: ignore[arg-type]
    axes.tick_params(length=0)


def numbers(axes: Axes, which: str, most: int = 6) -> None:
    """Readable numbers along an axis (`x` or `y`), at most so many: no power of ten in a corner."""
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(MaxNLocator(most))
    axis.set_major_formatter(lambda value, _: number(value))


def plain(text: object) -> str:
    """A text on one line, without characters that cannot be shown."""
    shown = "".join(letter if letter.isprintable() else " " for letter in str(text))
    return " ".join(shown.split()) or "(blank)"


def cut(text: object, most: int = 34) -> str:
    """A plain text that fits: a long one keeps its beginning and its end."""
    words = plain(text)
    if len(words) <= most:
        return words
    end = most // 3
    return f"{words[: most - end - 1]}…{words[-end:]}"


def number(value: float) -> str:
    """A number for a table or a label: four digits, no needless exponent."""
    if value != value:
        return "not defined"
    text = f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}" if abs(value) < 1e12 else f"{value:.3g}"
    return text.replace("-", "−")
