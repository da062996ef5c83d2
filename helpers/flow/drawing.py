"""The picture of a flow: one box a step with what it does, as SVG or PNG, and inline in a notebook."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass, field
from html import escape
from itertools import pairwise
from pathlib import Path

from .errors import FlowError
from .layout import lay_out
from .model import Flow, Node, SourceNode
from .operators import resolve
from .text_width import fitted, wrapped

_box, _gap, _rise, _margin, _pad = 248.0, 34.0, 38.0, 24.0, 14.0
_ink, _soft, _line = "#1b2733", "#52606d", "#9aa5b1"
_fonts = "'DejaVu Sans', Verdana, Geneva, sans-serif"
_colours = {
    "source": "#0b7285",
    "types": "#486581",
    "columns": "#627d98",
    "compute": "#6741d9",
    "join": "#c2410c",
    "split": "#b7791f",
    "code": "#be185d",
    "destination": "#2b8a3e",
    "analysis": "#829ab1",
}
_kinds = {
    "s3_source": ("S3 source", "source"),
    "infer_and_cast_type": ("Data types", "types"),
    "cast_single_data_type": ("Data types", "types"),
    "identity": ("Data set", "types"),
    "manage_columns": ("Manage columns", "columns"),
    "encode_categorical": ("Encode categorical", "compute"),
    "custom_formula": ("Custom formula", "compute"),
    "join_tables": ("Join", "join"),
    "join_multi_keys": ("Join", "join"),
    "split": ("Split", "split"),
    "custom_pyspark": ("Custom code", "code"),
    "custom_code": ("Custom code", "code"),
    "custom_pandas": ("Custom code", "code"),
    "s3_destination": ("S3 destination", "destination"),
    "featurestore_destination": ("Feature Store destination", "destination"),
}


@dataclass
class _Text:
    x: float
    y: float
    text: str
    size: float
    colour: str
    bold: bool = False
    middle: bool = False


@dataclass
class _Box:
    x: float
    y: float
    height: float
    colour: str
    title: str
    dashed: bool = False


@dataclass
class Picture:
    """A drawn flow. A notebook shows it; `write` saves it as SVG or PNG by the ending of the path."""

    width: float
    height: float
    _boxes: list[_Box] = field(default_factory=list, repr=False)
    _lines: list[list[tuple[float, float]]] = field(default_factory=list, repr=False)
    _labels: list[_Text] = field(default_factory=list, repr=False)
    _texts: list[_Text] = field(default_factory=list, repr=False)
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
        for line in self._lines:
            points = " ".join(f"{x:.1f},{y:.1f}" for x, y in line[1:])
            path = f"M{line[0][0]:.1f},{line[0][1]:.1f} C{points}"
            parts.append(f'<path d="{path}" fill="none" stroke="{_line}" stroke-width="1.6"/>')
            x, y = line[-1]
            parts.append(
                f'<path d="M{x - 4:.1f},{y - 7:.1f} L{x + 4:.1f},{y - 7:.1f} L{x:.1f},{y:.1f}z" '
                f'fill="{_line}"/>'
            )
        for box in self._boxes:
            dash = ' stroke-dasharray="5 4"' if box.dashed else ""
            parts.append(
                f"<g><title>{escape(box.title)}</title>"
                f'<rect x="{box.x:.1f}" y="{box.y:.1f}" width="{_box:.0f}" height="{box.height:.1f}" '
                f'rx="6" fill="#f8fafc" stroke="{box.colour}" stroke-width="1.2"{dash}/>'
                f'<rect x="{box.x:.1f}" y="{box.y:.1f}" width="6" height="{box.height:.1f}" rx="3" '
                f'fill="{box.colour}"/></g>'
            )
        for text in [*self._labels, *self._texts]:
            weight = ' font-weight="bold"' if text.bold else ""
            anchor = ' text-anchor="middle"' if text.middle else ""
            halo = ' stroke="#ffffff" stroke-width="5" paint-order="stroke"' if text in self._labels else ""
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
        for line in self._lines:
            codes = [Curve.MOVETO] + [Curve.CURVE4] * (len(line) - 1)
            axes.add_patch(PathPatch(Curve(line, codes), fill=False, edgecolor=_line, linewidth=1.6))
            x, y = line[-1]
            axes.add_patch(Polygon([(x - 4, y - 7), (x + 4, y - 7), (x, y)], color=_line, linewidth=0))
        for box in self._boxes:
            shape = FancyBboxPatch(
                (box.x, box.y),
                _box,
                box.height,
                boxstyle="round,pad=0,rounding_size=6",
                facecolor="#f8fafc",
                edgecolor=box.colour,
                linewidth=1.2,
                linestyle=(0, (5, 4)) if box.dashed else "solid",
            )
            axes.add_patch(shape)
            axes.add_patch(Rectangle((box.x, box.y + 3), 6, box.height - 6, color=box.colour, linewidth=0))
        for text in [*self._labels, *self._texts]:
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
            if text in self._labels:
                drawn.set_path_effects([patheffects.withStroke(linewidth=5, foreground="#ffffff")])
        image = io.BytesIO()
        # No time and no version inside: the same flow gives the same bytes.
        figure.savefig(image, format="png", dpi=144, metadata={"Software": None})
        del canvas
        return image.getvalue()


def draw(flow: Flow, path: str | os.PathLike[str] | None = None) -> Picture:
    """Draw a flow; with a path the picture is saved there too, as SVG or PNG by its ending.

    A flow that cannot run (unknown operators, missing inputs) is drawn all the same. Raises FlowError when
    the picture cannot be saved.
    """
    layout = lay_out(flow, _box, _gap)
    known = {node.node_id: node for node in flow.nodes}
    words = {node.node_id: _words(node) for node in flow.nodes}
    picture = Picture(0, 0, title=f"A Data Wrangler flow of {len(flow.nodes)} steps")
    top: dict[str, float] = {}
    bottom: dict[str, float] = {}
    y = _margin
    for layer in layout.layers:
        heights = [_height(words[key]) for key in layer if key in known]
        height = max(heights, default=0.0)
        for key in layer:
            top[key], bottom[key] = y, y + (_height(words[key]) if key in known else height)
            if key in known:
                _add_box(picture, known[key], words[key], layout.middle[key] + _margin, y, bottom[key] - y)
        y += height + _rise
    picture.height = y - _rise + _margin if layout.layers else 2 * _margin
    picture.width = max((layout.middle[key] for key in known), default=0.0) + _box / 2 + 2 * _margin
    ends = _spread(flow, layout.ways, layout.middle)
    for (start, end), way in layout.ways.items():
        points = [(ends[start, end][0] + _margin, bottom[start])]
        for bend in way[1:-1]:
            points += [
                (layout.middle[bend] + _margin, top[bend]),
                (layout.middle[bend] + _margin, bottom[bend]),
            ]
        points.append((ends[start, end][1] + _margin, top[end]))
        picture._lines.append(_curve(points))
        _label(picture, flow, start, end, points[0])
    return picture if path is None else _saved(picture, path)


def _saved(picture: Picture, path: str | os.PathLike[str]) -> Picture:
    picture.write(path)
    return picture


def _words(node: Node) -> tuple[str, str, list[str], list[str]]:
    """What kind of step it is, its colour, its title and what it does."""
    kind, colour = _kinds.get(
        node.short_operator, (node.short_operator.replace("_", " ").capitalize(), "columns")
    )
    colour = {"SOURCE": "source", "DESTINATION": "destination", "VISUALIZATION": "analysis"}.get(
        node.type, colour
    )
    operator, _ = resolve(node)
    chosen = str(node.parameters.get("operator") or "")
    says = operator.describe() if operator else chosen
    if node.type == "VISUALIZATION":
        says = str(node.parameters.get("name") or "")
    title = node.name or (node.dataset_name if isinstance(node, SourceNode) else "")
    if not title:
        title, says = says or kind, ""
    room = _box - 2 * _pad
    title_lines = wrapped(title, room, 13, bold=True, most=2)
    says_lines = [] if says.lower() in (title.lower(), kind.lower()) else wrapped(says, room, 11.5, most=2)
    return kind, _colours[colour], title_lines, [line for line in says_lines if line]


def _height(words: tuple[str, str, list[str], list[str]]) -> float:
    return 34.0 + 17 * len(words[2]) + 15 * len(words[3])


def _add_box(
    picture: Picture,
    node: Node,
    words: tuple[str, str, list[str], list[str]],
    middle: float,
    y: float,
    height: float,
) -> None:
    kind, colour, title, says = words
    x = middle - _box / 2
    dashed = node.type == "VISUALIZATION" or resolve(node)[0] is None
    picture._boxes.append(_Box(x, y, height, colour, f"{node.label}: {' '.join([*title, *says])}", dashed))
    line = y + 19
    picture._texts.append(
        _Text(x + _pad, line, fitted(kind.upper(), _box - 2 * _pad, 9.5), 9.5, colour, bold=True)
    )
    for text in title:
        line += 17
        picture._texts.append(_Text(x + _pad, line, text, 13, _ink, bold=True))
    for text in says:
        line += 15
        picture._texts.append(_Text(x + _pad, line + 1, text, 11.5, _soft))


def _spread(
    flow: Flow, ways: dict[tuple[str, str], list[str]], middle: dict[str, float]
) -> dict[tuple[str, str], tuple[float, float]]:
    """Where each edge leaves and enters its boxes: side by side, in the order of where they go."""
    ends: dict[tuple[str, str], tuple[float, float]] = {}
    for key in ways:
        ends[key] = (middle[key[0]], middle[key[1]])
    for node in flow.nodes:
        for side in (0, 1):
            mine = [key for key in ways if key[side] == node.node_id]
            mine.sort(key=lambda key: middle[ways[key][1 if side == 0 else -2]])
            step = min(44.0, (_box - 60) / max(len(mine), 1))
            for index, key in enumerate(mine):
                x = middle[node.node_id] + (index - (len(mine) - 1) / 2) * step
                ends[key] = (x, ends[key][1]) if side == 0 else (ends[key][0], x)
    return ends


def _curve(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Control points of a smooth way through these points: each piece leaves and arrives upright."""
    curve = [points[0]]
    for (x0, y0), (x1, y1) in pairwise(points):
        half = (y1 - y0) / 2
        curve += [(x0, y0 + half), (x1, y1 - half), (x1, y1)]
    return curve


def _label(picture: Picture, flow: Flow, start: str, end: str, at: tuple[float, float]) -> None:
    """The name of an output that is not the default, on the start of its edge."""
    for edge in flow.node(end).inputs:
        if edge.node_id == start and edge.output_name != "default":
            picture._labels.append(
                _Text(at[0], at[1] + 17, edge.output_name, 11, _soft, bold=True, middle=True)
            )
