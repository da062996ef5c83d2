"""Data Wrangler flows: read, check, run, preview and draw them. Knows no AWS and no notebooks.

    from helpers import flow
    music = flow.read("notebooks/flows/music.flow")
    flow.run(music, {"tracks.csv": tracks, "ratings.csv": ratings}, "output")

Reading, checking and drawing need none of the heavy libraries; they are loaded when something runs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from .checking import check
from .drawing import Picture, draw
from .errors import FlowError, OperatorError, Problem
from .model import DestinationNode, Edge, Flow, Node, SourceNode
from .outputs import Output, Written
from .previewing import preview
from .process import run
from .profiling import Look, look, profile
from .reading import read

if TYPE_CHECKING:
    from pathlib import Path


def execute(
    flow: Flow,
    sources: Callable[[SourceNode], Sequence[Path]],
    outputs: Sequence[Output],
    *,
    threads: int | None = None,
    memory: str | None = None,
    progress: Callable[[str], None] | None = None,
) -> list[Written]:
    """Run a flow in this process and write these outputs; see `helpers.flow.engine.execute`."""
    from .engine import execute

    return execute(flow, sources, outputs, threads=threads, memory=memory, progress=progress)


__all__ = [
    "DestinationNode",
    "Edge",
    "Flow",
    "FlowError",
    "Look",
    "Node",
    "OperatorError",
    "Output",
    "Picture",
    "Problem",
    "SourceNode",
    "Written",
    "check",
    "draw",
    "execute",
    "look",
    "preview",
    "profile",
    "read",
    "run",
]
