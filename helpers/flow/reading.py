"""Reading a .flow file: JSON in, typed nodes out, every fault of its shape in one error."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .errors import FlowError, Problem
from .model import DestinationNode, Edge, Flow, Node, SourceNode, type_names

_again = "Correct the file, or export it again."
_node_types: dict[str, type[Node]] = {"SOURCE": SourceNode, "DESTINATION": DestinationNode}


def read(flow: str | os.PathLike[str] | Mapping[str, Any]) -> Flow:
    """Read a flow from a path, from its JSON text, or from the document itself.

    Raises FlowError when the file is missing, is not JSON, or has not the shape of a flow.
    """
    if isinstance(flow, Mapping):
        return from_document(flow)
    if isinstance(flow, str) and flow.lstrip().startswith(("{", "[")):
        return from_document(_parse(flow, "The text"))
    path = Path(flow)
    try:
        if not _is_readable(path):
            raise FlowError(f"{path} is not a flow file: it is a device, a pipe or a socket. Give a file.")
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FlowError(f"{path} is not a flow file: it is not UTF-8 text.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise FlowError(f"The flow file {path!s} cannot be read: {reason}.") from None
    return from_document(_parse(text, str(path)))


def _is_readable(path: Path) -> bool:
    """Whether reading it comes to an end; a pipe that a shell has opened for this process does."""
    mode = path.stat().st_mode
    piped = stat.S_ISFIFO(mode) and (str(path) == "/dev/stdin" or path.parent == Path("/dev/fd"))
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode) or piped


def _parse(text: str, where: str) -> Any:
    try:
        document = json.loads(text, object_pairs_hook=_members, parse_constant=_no_number)
        if "\\ud" in text or "\\uD" in text:
            json.dumps(document, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise FlowError(f"{where} is not a flow file: its JSON breaks at {place} ({error.msg}).") from None
    except RecursionError:
        raise FlowError(f"{where} is not a flow file: its JSON is nested too deeply.") from None
    except UnicodeEncodeError:
        raise FlowError(
            f"{where} is not a flow file: it holds half a character (\\ud800 to \\udfff)."
        ) from None
    except ValueError as error:
        # Among them a whole number of thousands of digits, which Python does not read.
        raise FlowError(f"{where} is not a flow file: {error}.") from None
    return document


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object, none of its members named twice: which of them counts would be a guess."""
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"an object in it has two members {json.dumps(twice)}")
    return members


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no number that JSON knows")


def from_document(document: Any) -> Flow:
    """Typed nodes of a flow document. Raises FlowError with every fault of its shape."""
    if not isinstance(document, Mapping) or not isinstance(document.get("nodes"), list):
        raise FlowError('This is not a flow: it must be a JSON object with a list "nodes".')
    metadata = document.get("metadata")
    version = metadata.get("version") if isinstance(metadata, Mapping) else None
    if version != 1 or isinstance(version, bool):
        raise FlowError(f"This flow has version {version!r}; only version 1 is known. Export it again.")
    problems: list[Problem] = []
    nodes = [_node(raw, place, problems) for place, raw in enumerate(document["nodes"])]
    seen: set[str] = set()
    for node in nodes:
        if node.node_id in seen:
            problems.append(Problem("two nodes have this id", "Give each its own.", node=node.node_id))
        seen.add(node.node_id)
    if problems:
        raise FlowError(problems)
    return Flow(tuple(nodes), document)


def _node(raw: Any, place: int, problems: list[Problem]) -> Node:
    label = f"node number {place + 1}"
    if not isinstance(raw, Mapping):
        problems.append(Problem("must be a JSON object", _again, label))
        return Node(label, "", "")
    label = str(raw.get("name") or raw.get("node_id") or label)

    def member(name: str, kind: Any, default: Any = None) -> Any:
        value = raw.get(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, kind) or value == "":
            words = {str: "a text", list: "a list"}.get(kind, "an object")
            fault = "is missing" if value is None else f"must be {words}"
            problems.append(Problem(f'"{name}" {fault}', _again, label))
            return default if default is not None else kind()
        return value

    kind = member("type", str)
    if kind and kind not in type_names:
        problems.append(Problem(f"has an unknown type {kind!r}", f"Known: {', '.join(type_names)}.", label))
    edges = []
    for edge in member("inputs", list, []):
        if not isinstance(edge, Mapping) or not isinstance(edge.get("node_id"), str):
            problems.append(Problem('every input must be an object with a "node_id"', _again, label))
            continue
        output = edge.get("output_name") or "default"
        edges.append(Edge(str(edge.get("name") or "df"), edge["node_id"], str(output)))
    outputs = member("outputs", list, [])
    names = [str(out.get("name") or "default") for out in outputs if isinstance(out, Mapping)]
    if len(names) != len(outputs):
        problems.append(Problem('every output must be an object with a "name"', _again, label))
    return _node_types.get(kind, Node)(
        node_id=member("node_id", str) or label,
        type=kind,
        operator=member("operator", str),
        parameters=member("parameters", Mapping, {}),
        trained_parameters=member("trained_parameters", Mapping, {}),
        inputs=tuple(edges),
        outputs=tuple(names) or ("default",),
        name=str(raw.get("name") or ""),
    )
