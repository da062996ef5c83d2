"""What differs between two flows, in plain words.

Steps are matched by id, then by name, then by what they do. Only what counts is compared: blocks of
parameters that the editor left behind, and a column written as a text or as a list of one, are no difference.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .model import Edge, Flow, Node
from .operators import resolve


@dataclass(frozen=True)
class Difference:
    """One difference: the step it is about, and what it is."""

    step: str
    message: str

    def __str__(self) -> str:
        return f"{self.step}: {self.message}"


@dataclass(frozen=True)
class Pairs:
    """Which node of the one flow is which of the other; keys and values are node ids."""

    forth: Mapping[str, str]

    @property
    def back(self) -> dict[str, str]:
        """From the second flow to the first."""
        return {theirs: ours for ours, theirs in self.forth.items()}


def diff(a: Flow, b: Flow) -> list[Difference]:
    """Every difference between two flows that shows without data; an empty list when they are equal."""
    pairs = match(a, b)
    known_a, known_b = _by_id(a), _by_id(b)
    found = [
        Difference(node.label, f"is only in the first flow ({_does(node)})")
        for node in a.nodes
        if node.node_id not in pairs.forth
    ]
    found += [
        Difference(node.label, f"is only in the second flow ({_does(node)})")
        for node in b.nodes
        if node.node_id not in pairs.back
    ]
    swapped, moved = _order(a, b, pairs)
    found += swapped
    for node in a.nodes:
        other = known_b.get(pairs.forth.get(node.node_id, ""))
        if other is None:
            continue
        found += [Difference(node.label, message) for message in _changes(node, other)]
        if node.node_id not in moved:
            found += _connections(node, other, known_a, known_b, pairs, moved)
    return found


def match(a: Flow, b: Flow) -> Pairs:
    """Which steps of the two flows are the same: by id, by name, by what they do to the same input."""
    forth: dict[str, str] = {}
    taken: set[str] = set()

    def take(ours: Node, candidates: Sequence[Node]) -> None:
        free = [each for each in candidates if each.node_id not in taken and each.type == ours.type]
        if ours.node_id not in forth and len(free) == 1:
            forth[ours.node_id] = free[0].node_id
            taken.add(free[0].node_id)

    ids = _by_id(b)
    for node in a.nodes:
        take(node, [ids[node.node_id]] if node.node_id in ids else [])
    labels: dict[str, list[Node]] = {}
    for node in b.nodes:
        labels.setdefault(node.label, []).append(node)
    for node in a.nodes:
        take(node, labels.get(node.label, []))
    for effective in (True, False):
        keys: dict[str, list[Node]] = {}
        for node in b.nodes:
            if node.node_id not in taken:
                known = {theirs: ours for ours, theirs in forth.items()}
                keys.setdefault(_key(node, known, effective), []).append(node)
        for node in a.nodes:
            if node.node_id not in forth:
                take(node, keys.get(_key(node, None, effective), []))
    return Pairs(forth)


def _key(node: Node, names: Mapping[str, str] | None, effective: bool) -> str:
    """What a step does, and (the second time round instead of its parameters) what it does it to."""
    if effective:
        return json.dumps([node.operator, _settings(node)], sort_keys=True, default=str)
    inputs = [names.get(edge.node_id, "?") if names is not None else edge.node_id for edge in node.inputs]
    choice = node.parameters.get("operator")
    return json.dumps([node.operator, choice, inputs], default=str)


def _by_id(flow: Flow) -> dict[str, Node]:
    return {node.node_id: node for node in flow.nodes}


def _does(node: Node) -> str:
    operator, _ = resolve(node)
    return operator.describe() if operator else node.short_operator


def _settings(node: Node) -> dict[str, Any]:
    """The parameters that count, flat: {"splits[0].percentage": 0.8}."""
    operator, _ = resolve(node)
    if operator is None:
        return dict(_flat(node.parameters))
    return dict(_flat(operator.model_dump(mode="json", by_alias=True)))


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _flat(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list | tuple) and any(isinstance(each, Mapping) for each in value):
        for place, inner in enumerate(value):
            yield from _flat(inner, f"{path}[{place}]")
    else:
        yield path, list(value) if isinstance(value, tuple) else value


def _changes(ours: Node, theirs: Node) -> Iterator[str]:
    """What differs between two steps that are the same one, their connections aside."""
    if ours.name != theirs.name:
        yield f"is called {theirs.label!r} in the second flow"
    kinds = [type(resolve(node)[0]) for node in (ours, theirs)]
    if ours.operator != theirs.operator or kinds[0] is not kinds[1]:
        yield f"does something else: {_does(ours)} in the first flow, {_does(theirs)} in the second"
        return
    yield from _values("parameter ", _settings(ours), _settings(theirs))
    trained = [dict(_flat(node.trained_parameters)) for node in (ours, theirs)]
    yield from _values("trained parameter ", *trained)
    order = [_orders(node.trained_parameters) for node in (ours, theirs)]
    if order[0] != order[1] and sorted(order[0]) == sorted(order[1]):
        yield "trained parameters come in another order, which is the order of the columns"


def _orders(trained: Mapping[str, Any]) -> list[str]:
    schema = trained.get("schema")
    return list(schema) if isinstance(schema, Mapping) else []


def _values(what: str, ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> Iterator[str]:
    for name in [*ours, *(name for name in theirs if name not in ours)]:
        if name not in theirs:
            yield f"{what}'{name}' is {shown(ours[name])} in the first flow, not set in the second"
        elif name not in ours:
            yield f"{what}'{name}' is not set in the first flow, {shown(theirs[name])} in the second"
        elif ours[name] != theirs[name] or isinstance(ours[name], bool) != isinstance(theirs[name], bool):
            yield _changed(f"{what}'{name}'", ours[name], theirs[name])


def _changed(what: str, ours: Any, theirs: Any) -> str:
    texts = isinstance(ours, str) and isinstance(theirs, str)
    if texts and max(ours.count("\n"), theirs.count("\n")) > 0:
        lines = ours.splitlines(), theirs.splitlines()
        both = range(max(map(len, lines)))
        place = next((at for at in both if lines[0][at : at + 1] != lines[1][at : at + 1]), 0)
        first, second = (shown(each[place].strip()) if place < len(each) else "not there" for each in lines)
        return f"{what} differs from line {place + 1} on: {first} in the first flow, {second} in the second"
    if isinstance(ours, list) and isinstance(theirs, list):
        gone = [each for each in ours if each not in theirs]
        new = [each for each in theirs if each not in ours]
        parts = [f"only the first flow has {', '.join(map(shown, gone))}"] if gone else []
        parts += [f"only the second has {', '.join(map(shown, new))}"] if new else []
        return f"{what}: {'; '.join(parts) or 'the values come in another order'}"
    return f"{what} is {shown(ours)} in the first flow, {shown(theirs)} in the second"


def shown(value: Any) -> str:
    """A value in a sentence, cut when it is long."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else text[:79] + "…"


def _connections(
    ours: Node,
    theirs: Node,
    known_a: Mapping[str, Node],
    known_b: Mapping[str, Node],
    pairs: Pairs,
    moved: set[str],
) -> Iterator[Difference]:
    """Inputs that come from somewhere else; steps that only one flow has are looked through."""
    back = pairs.back
    before = [_real(edge, known_a, pairs.forth) for edge in ours.inputs]
    after = [_real(edge, known_b, back) for edge in theirs.inputs]
    after = [(back.get(node_id, node_id), output) for node_id, output in after]
    if len(before) != len(after):
        yield Difference(
            ours.label, f"has {len(before)} inputs in the first flow, {len(after)} in the second"
        )
        return
    if any(node_id in moved for node_id, _ in before + after):
        return
    for place, (first, second) in enumerate(zip(before, after, strict=True)):
        if first == second:
            continue
        which = f"input {place + 1}" if len(before) > 1 else "its input"
        names = [_named(each, known_a, known_b) for each in (first, second)]
        message = f"{which} is {names[0]} in the first flow, {names[1]} in the second"
        yield Difference(ours.label, message)


def _named(edge: tuple[str, str], *known: Mapping[str, Node]) -> str:
    node_id, output = edge
    node = next((each[node_id] for each in known if node_id in each), None)
    label = node.label if node else node_id
    return f"'{label}'" if output == "default" else f"'{label}', output '{output}',"


def _real(edge: Edge, known: Mapping[str, Node], paired: Mapping[str, str]) -> tuple[str, str]:
    """The nearest step before an edge that both flows have."""
    seen = set()
    while edge.node_id not in paired and edge.node_id not in seen:
        seen.add(edge.node_id)
        node = known.get(edge.node_id)
        if node is None or not node.inputs:
            break
        edge = node.inputs[0]
    return edge.node_id, edge.output_name


def _order(a: Flow, b: Flow, pairs: Pairs) -> tuple[list[Difference], set[str]]:
    """Steps of which each comes before the other in one of the flows; and all steps that are moved so."""
    before_a, before_b = _before(a), _before(b)
    known, found, moved = _by_id(a), [], set()
    both = [node.node_id for node in a.nodes if node.node_id in pairs.forth]
    for later in both:
        for earlier in before_a[later]:
            if earlier in pairs.forth and pairs.forth[later] in before_b[pairs.forth[earlier]]:
                moved |= {earlier, later}
                names = known[earlier].label, known[later].label
                message = f"comes before '{names[1]}' in the first flow, after it in the second"
                found.append(Difference(names[0], message))
    return found, moved


def _before(flow: Flow) -> dict[str, list[str]]:
    """For each node everything upstream of it, nearest first."""
    known = _by_id(flow)
    result = {}
    for node in flow.nodes:
        seen: dict[str, None] = {}
        queue = [edge.node_id for edge in node.inputs]
        while queue:
            each = queue.pop(0)
            if each not in seen and each in known and each != node.node_id:
                seen[each] = None
                queue += [edge.node_id for edge in known[each].inputs]
        result[node.node_id] = list(seen)
    return result
