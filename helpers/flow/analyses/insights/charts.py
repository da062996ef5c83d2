"""Small charts of the report's page, as SVG within the HTML; a bar says its numbers under the pointer."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import pairwise

from ..style import blue, cut, number, orange

_grey, _most_names = "#c9d1d9", 12


def histogram(
    counts: Sequence[int], edges: Sequence[float], width: int, height: int,
    limits: tuple[float, float] | None = None, axis: bool = True,
    ends: tuple[str, str] | None = None, moments: bool = False,
) -> str:  # fmt: skip
    """Bars of a column of numbers; `ends` name the axis' ends, `limits` part the outliers off."""
    if not counts:
        return ""
    most = max(counts)
    low, high = edges[0], edges[-1]
    room, tall = width - 2, height - 2
    bars = []
    for count, start, end in zip(counts, edges[:-1], edges[1:], strict=True):
        if not count:
            continue
        x = 1 + (start - low) / (high - low) * room
        wide = max((end - start) / (high - low) * room - 0.8, 0.8)
        size = max(count / most * tall, 1.2)
        out = limits is not None and (end <= limits[0] or start >= limits[1])
        said = f"{number(start)} to {number(end)}: {count:,} rows" if not moments else f"{count:,} rows"
        bars.append(
            f'<rect x="{x:.1f}" y="{height - size:.1f}" width="{wide:.1f}" height="{size:.1f}" '
            f'fill="{orange if out else blue}"><title>{said}</title></rect>'
        )
    base = f'<line x1="0" x2="{width}" y1="{height - 0.5}" y2="{height - 0.5}" stroke="{_grey}"/>'
    drawn = _svg(width, height, "".join(bars) + base)
    return f'<div class="chart">{drawn}{_axis(edges, ends)}</div>' if axis else drawn


def _axis(edges: Sequence[float], ends: tuple[str, str] | None) -> str:
    """The numbers below the bars, as text of the page, which stays legible when the chart is made small."""
    whole = len(edges) <= _most_names + 1 and all(
        end - start == 1 and start % 1 == 0.5 for start, end in pairwise(edges)
    )
    if whole:
        names = "".join(f"<span>{number(start + 0.5)}</span>" for start in edges[:-1])
        return f'<div class="axis each">{names}</div>'
    first, last = ends or (number(edges[0]), number(edges[-1]))
    return f'<div class="axis"><span>{escape(first)}</span><span>{escape(last)}</span></div>'


def strip(labels: Sequence[tuple[str, int]], total: int, width: int, height: int) -> str:
    """The shares of the most frequent values, side by side."""
    parts, x = [], 0.0
    shown = labels[:5]
    shades = ("#0072B2", "#3a93c8", "#6fb2d9", "#a1cde6", "#c6e1f0")
    for (label, count), shade in zip(shown, shades, strict=False):
        wide = count / total * width if total else 0
        said = f"{escape(label)}: {count:,} rows"
        parts.append(
            f'<rect x="{x:.1f}" y="0" width="{max(wide - 0.8, 0.4):.1f}" height="{height}" fill="{shade}">'
            f"<title>{said}</title></rect>"
        )
        x += wide
    if x < width - 0.5:
        rest = f'<rect x="{x:.1f}" y="0" width="{width - x:.1f}" height="{height}" fill="#e6eaee"/>'
        parts.append(rest)
    return _svg(width, height, "".join(parts))


def rows_of_bars(items: Sequence[tuple[str, int]], total: int, most: int = 12) -> str:
    """Lying bars with names and counts: values of a column, most frequent first."""
    shown = items[:most]
    top = max((count for _, count in shown), default=1)
    lines = [
        f'<div class="bar"><span class="name" title="{escape(label)}">{escape(cut(label, 34))}</span>'
        f'<span class="track"><i style="width:{100 * count / top:.1f}%"></i></span>'
        f'<span class="count">{count:,}</span><span class="share">{count / total:.1%}</span></div>'
        for label, count in shown
    ]
    left = sum(count for _, count in items) - sum(count for _, count in shown)
    if left:
        lines.append(
            f'<div class="bar rest"><span class="name">others</span><span class="track"></span>'
            f'<span class="count">{left:,}</span><span class="share">{left / total:.1%}</span></div>'
        )
    return f'<div class="bars">{"".join(lines)}</div>'


def _svg(width: int, height: int, inside: str) -> str:
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    return f'<svg {size} aria-hidden="true">{inside}</svg>'
