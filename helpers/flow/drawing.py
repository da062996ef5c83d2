"""The picture of a flow: one box a step with what it does and the analyses that look at it."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from itertools import pairwise

from .layout import lay_out
from .model import Flow, Node, SourceNode
from .operators import resolve
from .picture import Box, Picture, Sign, Text, box_width
from .text_width import fitted, width, wrapped

_gap, _rise, _margin, _pad = 34.0, 38.0, 24.0, 14.0
_ink, _soft, _analysis = "#1b2733", "#52606d", "#7c3f00"
_colours = {
    "source": "#0b7285",
    "types": "#486581",
    "columns": "#627d98",
    "compute": "#6741d9",
    "join": "#c2410c",
    "split": "#b7791f",
    "code": "#be185d",
    "destination": "#2b8a3e",
    "analysis": _analysis,
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
    "describe": ("Table summary", "analysis"),
    "multicolinearity": ("Multicollinearity", "analysis"),
    "scatterplot": ("Scatter plot", "analysis"),
    "data_insights_report": ("Insights report", "analysis"),
}


@dataclasses.dataclass(frozen=True)
class _Words:
    """What a box says: the kind of step, its colour, lines of title and of what it does, its analyses."""

    kind: str
    colour: str
    title: list[str]
    says: list[str]
    analyses: list[str]

    @property
    def head(self) -> float:
        """The height of all but the analyses."""
        return 34.0 + 17 * len(self.title) + 15 * len(self.says)

    @property
    def height(self) -> float:
        return self.head + (12.0 + 18 * len(self.analyses) if self.analyses else 0.0)


def draw(flow: Flow, path: str | os.PathLike[str] | None = None) -> Picture:
    """Draw a flow; with a path the picture is saved there too, as SVG or PNG by its ending.

    An analysis stands in the box of the step it looks at. A flow that cannot run (unknown operators, missing
    inputs) is drawn all the same. Raises FlowError when the picture cannot be saved.
    """
    analyses = _analyses(flow)
    inside = {node.node_id for each in analyses.values() for node in each}
    steps = dataclasses.replace(flow, nodes=tuple(node for node in flow.nodes if node.node_id not in inside))
    layout = lay_out(steps, box_width, _gap)
    known = {node.node_id: node for node in steps.nodes}
    words = {node.node_id: _words(node, analyses.get(node.node_id, ())) for node in steps.nodes}
    picture = Picture(0, 0, title=_title(len(steps.nodes), len(inside)))
    top: dict[str, float] = {}
    bottom: dict[str, float] = {}
    y = _margin
    for layer in layout.layers:
        height = max((words[key].height for key in layer if key in known), default=0.0)
        for key in layer:
            top[key], bottom[key] = y, y + (words[key].height if key in known else height)
            if key in known:
                _add_box(picture, known[key], words[key], layout.middle[key] + _margin, y)
        y += height + _rise
    picture.height = y - _rise + _margin if layout.layers else 2 * _margin
    picture.width = max((layout.middle[key] for key in known), default=0.0) + box_width / 2 + 2 * _margin
    ends = _spread(steps, layout.ways, layout.middle)
    for (start, end), way in layout.ways.items():
        points = [(ends[start, end][0] + _margin, bottom[start])]
        for bend in way[1:-1]:
            points += [
                (layout.middle[bend] + _margin, top[bend]),
                (layout.middle[bend] + _margin, bottom[bend]),
            ]
        points.append((ends[start, end][1] + _margin, top[end]))
        picture.lines.append(_curve(points))
        _label(picture, steps, start, end, points[0])
    if path is not None:
        picture.write(path)
    return picture


def _analyses(flow: Flow) -> dict[str, list[Node]]:
    """The analyses that look at each step; those that look at none are left out."""
    steps = {node.node_id for node in flow.nodes if node.type != "VISUALIZATION"}
    found: dict[str, list[Node]] = {}
    for node in flow.nodes:
        if node.type == "VISUALIZATION" and node.inputs and node.inputs[0].node_id in steps:
            found.setdefault(node.inputs[0].node_id, []).append(node)
    return found


def _title(steps: int, analyses: int) -> str:
    more = f" and {analyses} analys{'es' if analyses > 1 else 'is'}" if analyses else ""
    return f"A Data Wrangler flow of {steps} step{'s' * (steps != 1)}{more}"


def _kind(node: Node) -> tuple[str, str]:
    """What kind of step it is, and the name of its colour."""
    fallback = (node.short_operator.replace("_", " ").capitalize(), "columns")
    kind, colour = _kinds.get(node.short_operator, fallback)
    special = {"SOURCE": "source", "DESTINATION": "destination", "VISUALIZATION": "analysis"}
    return kind, special.get(node.type, colour)


def _words(node: Node, analyses: Sequence[Node]) -> _Words:
    kind, colour = _kind(node)
    operator, _ = resolve(node)
    says = operator.describe() if operator else str(node.parameters.get("operator") or "")
    if node.type == "VISUALIZATION":
        says = str(node.parameters.get("name") or "")
    title = node.name or (node.dataset_name if isinstance(node, SourceNode) else "")
    if not title:
        title, says = says or kind, ""
    room = box_width - 2 * _pad
    title_lines = wrapped(title, room, 13, bold=True, most=2)
    says_lines = [] if says.lower() in (title.lower(), kind.lower()) else wrapped(says, room, 11.5, most=2)
    return _Words(
        kind,
        _colours[colour],
        title_lines,
        [line for line in says_lines if line],
        [_analysis_line(each, room - 17) for each in analyses],
    )


def _analysis_line(node: Node, room: float) -> str:
    """An analysis in a line: its kind, its name, and the output it looks at where there are several."""
    kind = _kind(node)[0]
    name = str(node.parameters.get("name") or node.name or "")
    output = node.inputs[0].output_name
    more = "" if output == "default" else f" ({output})"
    if name in ("", "Untitled"):
        return fitted(kind + more, room, 11)
    full = f"{kind}: {name}{more}"
    # A name that says the kind, or leaves no room for it, stands alone.
    alone = kind.lower() in name.lower() or width(full, 11) > room
    return fitted(name + more if alone else full, room, 11)


def _add_box(picture: Picture, node: Node, words: _Words, middle: float, y: float) -> None:
    x = middle - box_width / 2
    dashed = node.type == "VISUALIZATION" or resolve(node)[0] is None
    title = f"{node.label}: {' '.join([*words.title, *words.says])}"
    rule = y + words.head if words.analyses else None
    picture.boxes.append(Box(x, y, words.height, words.colour, title, dashed, rule))
    line = y + 19
    kind = fitted(words.kind.upper(), box_width - 2 * _pad, 9.5)
    picture.texts.append(Text(x + _pad, line, kind, 9.5, words.colour, bold=True))
    for text in words.title:
        line += 17
        picture.texts.append(Text(x + _pad, line, text, 13, _ink, bold=True))
    for text in words.says:
        line += 15
        picture.texts.append(Text(x + _pad, line + 1, text, 11.5, _soft))
    for place, text in enumerate(words.analyses):
        base = y + words.head + 18 + 18 * place
        picture.signs.append(Sign(x + _pad, base, _analysis))
        picture.texts.append(Text(x + _pad + 17, base, text, 11, _analysis))


def _spread(
    flow: Flow, ways: Mapping[tuple[str, str], list[str]], middle: Mapping[str, float]
) -> dict[tuple[str, str], tuple[float, float]]:
    """Where each edge leaves and enters its boxes: side by side, in the order of where they go."""
    ends: dict[tuple[str, str], tuple[float, float]] = {}
    for key in ways:
        ends[key] = (middle[key[0]], middle[key[1]])
    for node in flow.nodes:
        for side in (0, 1):
            mine = [key for key in ways if key[side] == node.node_id]
            mine.sort(key=lambda key: middle[ways[key][1 if side == 0 else -2]])
            step = min(44.0, (box_width - 60) / max(len(mine), 1))
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
            picture.labels.append(
                Text(at[0], at[1] + 17, edge.output_name, 11, _soft, bold=True, middle=True)
            )
