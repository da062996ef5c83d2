"""A drawn flow: boxes, lines and texts at their places, as SVG or PNG, and inline in a notebook."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from .errors import FlowError

box_width = 248.0
_line_colour, _rule_colour = "#9aa5b1", "#d5dce3"
_fonts = "'DejaVu Sans', Verdana, Geneva, sans-serif"


@dataclass
class Text:
    """A line of text; `x` and `y` are where its base line begins, or its middle."""

    x: float
    y: float
    text: str
    size: float
    colour: str
    bold: bool = False
    middle: bool = False


@dataclass
class Box:
    """The box of a step; `rule` is where a thin line parts its analyses off."""

    x: float
    y: float
    height: float
    colour: str
    title: str
    dashed: bool = False
    rule: float | None = None


@dataclass
class Sign:
    """The sign of an analysis: three small bars on a line; `x` and `y` are its lower left corner."""

    x: float
    y: float
    colour: str

    @property
    def bars(self) -> list[tuple[float, float, float, float]]:
        """Each bar's left, top, width and height."""
        return [
            (self.x + 3.6 * place, self.y - high, 2.6, high) for place, high in enumerate((5.0, 9.0, 7.0))
        ]


@dataclass
class Picture:
    """A drawn flow. A notebook shows it; `write` saves it as SVG or PNG by the ending of the path."""

    width: float
    height: float
    boxes: list[Box] = field(default_factory=list, repr=False)
    lines: list[list[tuple[float, float]]] = field(default_factory=list, repr=False)
    labels: list[Text] = field(default_factory=list, repr=False)
    texts: list[Text] = field(default_factory=list, repr=False)
    signs: list[Sign] = field(default_factory=list, repr=False)
    title: str = "A Data Wrangler flow"

    def write(self, path: str | os.PathLike[str]) -> Path:
        """Save as .svg or .png. Raises FlowError for another ending or a folder that is not there."""
        target = Path(path)
        kinds = {".svg": lambda: self._repr_svg_().encode(), ".png": self._repr_png_}
        if target.suffix.lower() not in kinds:
            raise FlowError(f"A picture is written as .svg or .png, not as '{target.name}'.")
        try:
            target.write_bytes(kinds[target.suffix.lower()]())
        except OSError as error:
            raise FlowError(f"The picture {target} cannot be written: {error.strerror or error}.") from None
        return target

    def _repr_svg_(self) -> str:
        wide, high = f"{self.width:.0f}", f"{self.height:.0f}"
        size = f'width="{wide}" height="{high}" viewBox="0 0 {wide} {high}"'
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" font-family="{_fonts}" '
            'style="max-width:100%;height:auto">',
            f"<title>{escape(self.title)}</title>",
            f'<rect width="{wide}" height="{high}" fill="#ffffff"/>',
        ]
        for line in self.lines:
            points = " ".join(f"{x:.1f},{y:.1f}" for x, y in line[1:])
            path = f"M{line[0][0]:.1f},{line[0][1]:.1f} C{points}"
            parts.append(f'<path d="{path}" fill="none" stroke="{_line_colour}" stroke-width="1.6"/>')
            x, y = line[-1]
            parts.append(
                f'<path d="M{x - 4:.1f},{y - 7:.1f} L{x + 4:.1f},{y - 7:.1f} L{x:.1f},{y:.1f}z" '
                f'fill="{_line_colour}"/>'
            )
        for box in self.boxes:
            dash = ' stroke-dasharray="5 4"' if box.dashed else ""
            parts.append(
                f"<g><title>{escape(box.title)}</title>"
                f'<rect x="{box.x:.1f}" y="{box.y:.1f}" width="{box_width:.0f}" height="{box.height:.1f}" '
                f'rx="6" fill="#f8fafc" stroke="{box.colour}" stroke-width="1.2"{dash}/>'
                f'<rect x="{box.x:.1f}" y="{box.y:.1f}" width="6" height="{box.height:.1f}" rx="3" '
                f'fill="{box.colour}"/></g>'
            )
            if box.rule is not None:
                way = f"M{box.x + 6:.1f},{box.rule:.1f} h{box_width - 7:.1f}"
                parts.append(f'<path d="{way}" stroke="{_rule_colour}"/>')
        for sign in self.signs:
            parts += [
                f'<rect x="{x:.1f}" y="{y:.1f}" width="{wide}" height="{high}" fill="{sign.colour}"/>'
                for x, y, wide, high in sign.bars
            ]
        for text in [*self.labels, *self.texts]:
            weight = ' font-weight="bold"' if text.bold else ""
            anchor = ' text-anchor="middle"' if text.middle else ""
            halo = ' stroke="#ffffff" stroke-width="5" paint-order="stroke"' if text in self.labels else ""
            parts.append(
                f'<text x="{text.x:.1f}" y="{text.y:.1f}" font-size="{text.size:g}" fill="{text.colour}"'
                f"{weight}{anchor}{halo}>{escape(text.text)}</text>"
            )
        return "\n".join([*parts, "</svg>"])

    def _repr_png_(self) -> bytes:
        from matplotlib import patheffects
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.patches import FancyBboxPatch, PathPatch, Polygon, Rectangle
        from matplotlib.path import Path as Curve

        figure = Figure(figsize=(self.width / 72, self.height / 72), dpi=72)
        canvas = FigureCanvasAgg(figure)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_xlim(0, self.width)
        axes.set_ylim(self.height, 0)
        axes.axis("off")
        for line in self.lines:
            codes = [Curve.MOVETO] + [Curve.CURVE4] * (len(line) - 1)
            axes.add_patch(PathPatch(Curve(line, codes), fill=False, edgecolor=_line_colour, linewidth=1.6))
            x, y = line[-1]
            axes.add_patch(Polygon([(x - 4, y - 7), (x + 4, y - 7), (x, y)], color=_line_colour, linewidth=0))
        for box in self.boxes:
            shape = FancyBboxPatch(
                (box.x, box.y),
                box_width,
                box.height,
                boxstyle="round,pad=0,rounding_size=6",
                facecolor="#f8fafc",
                edgecolor=box.colour,
                linewidth=1.2,
                linestyle=(0, (5, 4)) if box.dashed else "solid",
            )
            axes.add_patch(shape)
            axes.add_patch(Rectangle((box.x, box.y + 3), 6, box.height - 6, color=box.colour, linewidth=0))
            if box.rule is not None:
                axes.plot([box.x + 6, box.x + box_width - 1], [box.rule] * 2, color=_rule_colour, linewidth=1)
        for sign in self.signs:
            for x, y, wide, high in sign.bars:
                axes.add_patch(Rectangle((x, y), wide, high, color=sign.colour, linewidth=0))
        for text in [*self.labels, *self.texts]:
            drawn = axes.text(
                text.x,
                text.y,
                text.text,
                fontsize=text.size,
                color=text.colour,
                weight="bold" if text.bold else "normal",
                ha="center" if text.middle else "left",
                va="baseline",
                family="DejaVu Sans",
                parse_math=False,
            )
            if text in self.labels:
                drawn.set_path_effects([patheffects.withStroke(linewidth=5, foreground="#ffffff")])
        image = io.BytesIO()
        # No time and no version inside: the same flow gives the same bytes.
        figure.savefig(image, format="png", dpi=144, metadata={"Software": None})
        del canvas
        return image.getvalue()
