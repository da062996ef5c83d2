"""Which file or folder belongs to which source of a flow."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

from .checking import plan
from .errors import FlowError, Problem
from .model import Flow, SourceNode


def match_sources(
    flow: Flow, wanted: Sequence[str], sources: Mapping[str, str | os.PathLike[str]]
) -> dict[str, Path]:
    """{node id: path} of the sources these nodes need. Raises FlowError for names that do not fit."""
    paths: dict[str, Path] = {}
    problems = []
    for name, path in sources.items():
        found = [
            node.node_id
            for node in flow.sources()
            if name in (node.node_id, node.name, node.dataset_name, node.uri)
        ]
        if not found:
            known = ", ".join(node.label for node in flow.sources()) or "none"
            problems.append(Problem(f"The flow has no source '{name}'", f"Its sources: {known}."))
        elif fault := _fault(Path(path)):
            problems.append(Problem(f"The file {path} of source '{name}' {fault}", "Look at its path."))
        paths |= {node_id: Path(path) for node_id in found}
    for node in plan(flow, wanted):
        if isinstance(node, SourceNode) and node.node_id not in paths and not problems:
            given = f"--source {node.dataset_name}=PATH"
            problems.append(Problem(f"Source '{node.label}' has no file", f"Name one: {given}."))
    if problems:
        raise FlowError(problems)
    return paths


def _fault(path: Path) -> str:
    """What keeps a source from being read, if anything."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return "does not exist"
    except (OSError, ValueError) as error:
        return f"cannot be read ({getattr(error, 'strerror', None) or error})"
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        return "is no file: it is a device, a pipe or a socket"
    return "" if os.access(path, os.R_OK) else "cannot be read (Permission denied)"
