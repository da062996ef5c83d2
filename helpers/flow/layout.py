"""Where the boxes of a flow's picture go: layers from top to bottom, few crossings, straight lines.

The classic layered drawing (Sugiyama): each node gets a layer, each layer an order, each box a place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from .model import Flow

Edges = Sequence[tuple[str, str]]


@dataclass
class Layout:
    """Layers of keys from top to bottom, the horizontal middle of each key, and the way of each edge.

    A key is a node's id, or a bend of an edge that passes a layer.
    """

    layers: list[list[str]]
    middle: dict[str, float] = field(default_factory=dict)
    ways: dict[tuple[str, str], list[str]] = field(default_factory=dict)


def lay_out(flow: Flow, box: float, gap: float) -> Layout:
    """Lay out every node of a flow in boxes of this width, with this gap between them."""
    known = {node.node_id for node in flow.nodes}
    edges = [
        (edge.node_id, node.node_id) for node in flow.nodes for edge in node.inputs if edge.node_id in known
    ]
    edges = list(dict.fromkeys(edges))
    level = _levels([node.node_id for node in flow.nodes], edges)
    edges = [(a, b) for a, b in edges if level[a] < level[b]]  # an edge of a circle cannot point down
    layout = Layout([[] for _ in range(max(level.values(), default=-1) + 1)])
    for node in flow.nodes:
        layout.layers[level[node.node_id]].append(node.node_id)
    short: list[tuple[str, str]] = []
    for a, b in edges:
        way = [a]
        for depth in range(level[a] + 1, level[b]):
            bend = f"{a}>{b}@{depth}"
            layout.layers[depth].append(bend)
            way.append(bend)
        way.append(b)
        layout.ways[a, b] = way
        short += list(pairwise(way))
    _order(layout.layers, short)
    width = {key: box if key in known else gap for layer in layout.layers for key in layer}
    _place(layout, short, width, gap)
    return layout


def _levels(keys: Sequence[str], edges: Edges) -> dict[str, int]:
    """The longest way from a source; then the chains from sources move down to where they are used."""
    after: dict[str, list[str]] = {key: [] for key in keys}
    waiting = dict.fromkeys(keys, 0)
    for a, b in edges:
        after[a].append(b)
        waiting[b] += 1
    ready = [key for key in keys if not waiting[key]]
    done: list[str] = []
    level = dict.fromkeys(keys, 0)
    while ready:
        key = ready.pop(0)
        done.append(key)
        for other in after[key]:
            level[other] = max(level[other], level[key] + 1)
            waiting[other] -= 1
            if not waiting[other]:
                ready.append(other)
    before: dict[str, list[str]] = {key: [] for key in keys}
    for a, b in edges:
        before[b].append(a)
    # What comes from one source hangs where it is used; moving anything else would only draw edges out.
    loose: set[str] = set()
    for key in done:
        if len(before[key]) <= 1 and loose.issuperset(before[key]):
            loose.add(key)
    for key in reversed(done):
        if key in loose and after[key]:
            level[key] = max(level[key], min(level[other] for other in after[key]) - 1)
    return level


def _order(layers: list[list[str]], edges: Edges) -> None:
    """Order each layer by the middle of its neighbours, down and up; keep the order with fewest crossings."""
    up: dict[str, list[str]] = {}
    down: dict[str, list[str]] = {}
    for a, b in edges:
        down.setdefault(a, []).append(b)
        up.setdefault(b, []).append(a)
    best, fewest = [list(layer) for layer in layers], _crossings(layers, down)
    for sweep in range(24):
        near, walk = (up, layers[1:]) if sweep % 2 == 0 else (down, layers[-2::-1])
        for layer in walk:
            place = {key: index for each in layers for index, key in enumerate(each)}
            size = {key: max(len(each) - 1, 1) for each in layers for key in each}

            def pull(
                key: str,
                place: Mapping[str, int] = place,
                size: Mapping[str, int] = size,
                near: Mapping[str, list[str]] = near,
            ) -> float:
                others = near.get(key)
                if not others:
                    return place[key] / size[key]
                return sum(place[other] / size[other] for other in others) / len(others)

            layer.sort(key=pull)
        _swap_neighbours(layers, up, down)
        crossings = _crossings(layers, down)
        if crossings < fewest:
            best, fewest = [list(layer) for layer in layers], crossings
    for layer, chosen in zip(layers, best, strict=True):
        layer[:] = chosen


def _swap_neighbours(
    layers: list[list[str]], up: Mapping[str, Sequence[str]], down: Mapping[str, Sequence[str]]
) -> None:
    place = {key: index for layer in layers for index, key in enumerate(layer)}

    def crossed(a: str, b: str) -> int:
        """Crossings of the edges of a and b when a stands left of b."""
        count = 0
        for near in (up, down):
            count += sum(place[x] > place[y] for x in near.get(a, ()) for y in near.get(b, ()))
        return count

    for layer in layers:
        for index in range(len(layer) - 1):
            a, b = layer[index], layer[index + 1]
            if crossed(a, b) > crossed(b, a):
                layer[index], layer[index + 1] = b, a
                place[a], place[b] = index + 1, index


def _crossings(layers: list[list[str]], down: Mapping[str, Sequence[str]]) -> int:
    count = 0
    for upper, lower in pairwise(layers):
        place = {key: index for index, key in enumerate(lower)}
        ends = [(index, place[other]) for index, key in enumerate(upper) for other in down.get(key, ())]
        count += sum(a < c and b > d for a, b in ends for c, d in ends)
    return count


def _place(layout: Layout, edges: Edges, width: Mapping[str, float], gap: float) -> None:
    """Give each key its middle: near its neighbours' (bends and chains count most: they run straight)."""
    middle = layout.middle
    for layer in layout.layers:
        x = 0.0
        for key in layer:
            middle[key] = x + width[key] / 2
            x += width[key] + gap
    degree = Counter([(a, 1) for a, _ in edges] + [(b, 0) for _, b in edges])
    near: dict[str, list[tuple[str, float]]] = {}
    for a, b in edges:
        chain = degree[a, 1] == 1 and degree[b, 0] == 1
        weight = 1.0 + 3.0 * (">" in a) + 3.0 * (">" in b) + 6.0 * chain
        near.setdefault(a, []).append((b, weight))
        near.setdefault(b, []).append((a, weight))
    for sweep in range(200):
        for layer in layout.layers if sweep % 2 == 0 else layout.layers[::-1]:
            wishes, weights = [], []
            for key in layer:
                others = near.get(key, [])
                total = sum(weight for _, weight in others)
                wish = (
                    sum(middle[other] * weight for other, weight in others) / total if total else middle[key]
                )
                wishes.append(wish)
                weights.append(max(total, 0.1))
            for key, x in zip(layer, _apart(layer, wishes, weights, width, gap), strict=True):
                middle[key] = x
    left = min((middle[key] - width[key] / 2 for key in middle), default=0.0)
    for key in middle:
        middle[key] -= left


def _apart(
    layer: Sequence[str],
    wishes: Sequence[float],
    weights: Sequence[float],
    width: Mapping[str, float],
    gap: float,
) -> list[float]:
    """The places nearest to the wishes that keep the order and the gaps (isotonic regression)."""
    offsets, x = [], 0.0
    for index, key in enumerate(layer):
        if index:
            x += (width[layer[index - 1]] + width[key]) / 2 + gap
        offsets.append(x)
    blocks: list[list[float]] = []  # weighted sum, weight, count
    for wish, weight, offset in zip(wishes, weights, offsets, strict=True):
        blocks.append([(wish - offset) * weight, weight, 1])
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] > blocks[-1][0] / blocks[-1][1]:
            last = blocks.pop()
            blocks[-1] = [a + b for a, b in zip(blocks[-1], last, strict=True)]
    values = [total / weight for total, weight, count in blocks for _ in range(int(count))]
    return [value + offset for value, offset in zip(values, offsets, strict=True)]
