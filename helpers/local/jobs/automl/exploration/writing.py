"""Texts, numbers and tables in Markdown that no name or cell of the data can break."""

import html
import math
import re
import unicodedata
from collections.abc import Sequence

LONGEST = 60  # characters of a name or a cell that are shown
# What Markdown, HTML or mathematics in a notebook would take for their own. Written as entities they are
# plain characters to every renderer; the dollar stands in a tag of its own, or MathJax would still see it.
_SPECIAL = re.compile(r"[\\`*\[\]|~#!^]|(?<!\w)_|_(?!\w)")


def text(value: str, longest: int = LONGEST) -> str:
    """A name or a cell on one line, shortened, to be shown exactly as it is."""
    line = "".join(_visible(character) for character in value[: longest * 2])
    line = " ".join(line.split())
    if len(line) > longest or len(value) > longest * 2:
        line = f"{line[: longest - 1].rstrip()}…"
    line = html.escape(line, quote=False)
    line = _SPECIAL.sub(lambda found: f"&#{ord(found[0])};", line)
    return line.replace("$", "<span>&#36;</span>").replace("://", "&#58;//")


def _visible(character: str) -> str:
    """A character that shows as itself: no half of a pair, nothing that turns the line or its direction."""
    category = unicodedata.category(character)
    if category in ("Cc", "Zl", "Zp"):
        return " "
    return "\ufffd" if category in ("Cs", "Cf") and character not in "\u200c\u200d" else character


def name(value: str) -> str:
    """A column's name, set apart from the words around it."""
    return f"<code>{text(value) or '(no name)'}</code>"


def plain(value: str, longest: int = 24) -> str:
    """A name or a cell on one line, shortened: for a picture, or a sentence that is escaped as a whole."""
    line = " ".join("".join(_visible(character) for character in value[: longest * 2]).split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def table(header: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[int] = ()) -> str:
    """A table of ready Markdown cells; the columns of `numeric` stand to the right."""
    rule = ["---:" if place in numeric else ":---" for place in range(len(header))]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [header, rule, *rows])


def number(value: float) -> str:
    """A number with about four digits that matter, and separators."""
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    size = abs(value)
    if size >= 1e12 or 0 < size < 1e-4:
        written = f"{value:.4g}"
    elif value == int(value):
        written = f"{int(value):,}"
    else:
        digits = max(0, 3 - math.floor(math.log10(size)))
        written = f"{value:,.{digits}f}"
        written = written.rstrip("0").rstrip(".") if "." in written else written
    return written.replace("-", "−")


def share(ratio: float) -> str:
    """A share in percent; what is there never shows as 0 %, nor what is not all as 100 %."""
    percent = 100 * ratio
    if 0 < percent < 0.01:
        return "< 0.01 %"
    if 99.99 < percent < 100:
        return "> 99.99 %"
    digits = 2 if percent < 1 or 99 < percent < 100 else 1
    return f"{percent:.{digits}f} %" if percent not in (0, 100) else f"{percent:.0f} %"


def listed(items: Sequence[str], most: int = 10) -> str:
    """Ready items with commas; of many the first, and how many there are besides."""
    rest = len(items) - most
    return ", ".join(items[:most]) + (f" and {rest:,} more" if rest > 0 else "")
