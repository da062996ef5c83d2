"""What commands do to data besides running a flow: look, compare and export, each in a child process.

So they end cleanly when they are interrupted, and the code of a step that does not end is ended.
"""

from __future__ import annotations

import os
import pickle
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .conversation import converse
from .model import Flow
from .reading import from_document
from .requests import Request, Task

if TYPE_CHECKING:
    from .comparing import Difference
    from .profiling import Look

Sources = Mapping[str, str | os.PathLike[str]]


def look(
    flow: Flow,
    node: str,
    sources: Sources,
    rows: int = 5,
    output: str = "default",
    time_limit: float | None = None,
) -> Look:
    """`profiling.look` in a child process. `time_limit` is in seconds. Raises FlowError."""
    asked = {"node": node, "rows": rows, "output": output}
    found: Look = _ask(flow, sources, "look", asked, time_limit)
    return found


def diff_outputs(
    a: Flow, b: Flow, sources: Sources, cells: int = 5, time_limit: float | None = None
) -> list[Difference]:
    """`comparing_data.diff_outputs` in a child process. `time_limit` is in seconds. Raises FlowError."""
    asked = {"second": b.document, "cells": cells}
    found: list[Difference] = _ask(a, sources, "diff", asked, time_limit)
    return found


def export(
    flow: Flow, to: str, sources: Sources, *, name: str = "flow", time_limit: float | None = None
) -> str:
    """`exporting.export`, in a child process where it runs the flow. `time_limit` is in seconds.

    Raises FlowError.
    """
    if to in ("notebook", "pipeline"):
        from .exporting import export

        return export(flow, to, sources, name=name)
    found: str = _ask(flow, sources, "export", {"to": to, "name": name}, time_limit)
    return found


def _ask(
    flow: Flow, sources: Sources, name: str, arguments: Mapping[str, Any], time_limit: float | None
) -> Any:
    with tempfile.TemporaryDirectory(prefix="workshop-flow-") as scratch:
        task = Task(name, arguments, Path(scratch) / "result")
        paths = {source: Path(path) for source, path in sources.items()}
        converse(Request(flow.document, paths, task=task), scratch, time_limit, None)
        # Tables keep their types so; the file is our own child's.
        return pickle.loads(task.result.read_bytes())


def perform(request: Request) -> None:
    """The child's side: do what is asked, and leave the result in its file. Raises FlowError."""
    assert request.task is not None
    flow = from_document(request.document)
    result = _doers[request.task.name](flow, request.sources, **request.task.arguments)
    request.task.result.write_bytes(pickle.dumps(result))


def _look(flow: Flow, sources: Sources, *, node: str, rows: int, output: str) -> Any:
    from .profiling import look

    return look(flow, node, sources, rows, output)


def _diff(flow: Flow, sources: Sources, *, second: Mapping[str, Any], cells: int) -> Any:
    from .comparing_data import diff_outputs

    return diff_outputs(flow, from_document(second), sources, cells)


def _export(flow: Flow, sources: Sources, *, to: str, name: str) -> Any:
    from .exporting import export

    return export(flow, to, sources, name=name)


_doers: dict[str, Callable[..., Any]] = {"look": _look, "diff": _diff, "export": _export}
