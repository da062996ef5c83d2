"""Checking a flow before anything runs: every problem at once."""

from __future__ import annotations

from collections.abc import Sequence

from .errors import FlowError, Problem
from .model import Flow, Node
from .operators import resolve


def check(flow: Flow, wanted: Sequence[str] | None = None) -> list[Problem]:
    """Everything wrong with a flow that shows without its data; an empty list when it can run.

    With `wanted` (node ids) only the nodes those need are checked, else all but analyses, which a run skips.
    """
    if wanted is None:
        nodes = [node for node in flow.nodes if node.type != "VISUALIZATION"]
        problems: list[Problem] = []
    else:
        nodes, problems = _needed(flow, wanted)
    if wanted is None:
        problems += _cycles(flow)
    known = {node.node_id: node for node in flow.nodes}
    for node in nodes:
        operator, faults = resolve(node)
        problems += faults
        for edge in node.inputs:
            before = known.get(edge.node_id)
            if before is None:
                problems.append(
                    _at(node, f"its input comes from '{edge.node_id}', which the flow does not have")
                )
                continue
            made, _ = resolve(before)
            if made is not None and edge.output_name not in made.outputs():
                outputs = ", ".join(dict.fromkeys(made.outputs()))
                message = f"its input is output '{edge.output_name}' of '{before.label}', which has {outputs}"
                problems.append(_at(node, message))
        if operator is not None and len(node.inputs) != operator.inputs:
            count = len(node.inputs)
            problems.append(_at(node, f"has {count} input{'s' * (count != 1)}; it takes {operator.inputs}"))
    return list(dict.fromkeys(problems))


def plan(flow: Flow, wanted: Sequence[str]) -> list[Node]:
    """The nodes that these need, each after its inputs. Raises FlowError for a cycle or a dangling input."""
    nodes, problems = _needed(flow, wanted)
    if problems:
        raise FlowError(problems)
    return nodes


def _at(node: Node, message: str) -> Problem:
    return Problem(message, "Connect it in the flow again.", node.label, node.operator)


def _needed(flow: Flow, wanted: Sequence[str]) -> tuple[list[Node], list[Problem]]:
    """The nodes these need in the order of work, and the cycles found on the way; without recursion."""
    known = {node.node_id: node for node in flow.nodes}
    done: dict[str, Node] = {}
    problems = []
    for start in wanted:
        stack: list[tuple[str, bool]] = [(start if start in known else flow.node(start).node_id, False)]
        path: dict[str, None] = {}
        while stack:
            node_id, finished = stack.pop()
            if finished:
                path.popitem()
                done[node_id] = known[node_id]
                continue
            if node_id in done or node_id not in known:
                continue
            if node_id in path:
                way = list(path)
                circle = [known[each].label for each in way[way.index(node_id) :]]
                message = f"is part of a circle: {' -> '.join([*circle, circle[0]])}"
                problems.append(_at(known[node_id], message))
                continue
            path[node_id] = None
            stack.append((node_id, True))
            stack += [(edge.node_id, False) for edge in reversed(known[node_id].inputs)]
    return list(done.values()), problems


def _cycles(flow: Flow) -> list[Problem]:
    return _needed(flow, [node.node_id for node in flow.nodes])[1]
