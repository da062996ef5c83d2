"""Data Wrangler flows: read, check, run, preview and draw them. Knows no AWS and no notebooks.

    from helpers import flow
    music = flow.read("notebooks/flows/music.flow")
    flow.run(music, {"tracks.csv": tracks, "ratings.csv": ratings}, "output")

Reading, checking and drawing need none of the heavy libraries; they are loaded when something runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .checking import check
from .errors import FlowError, OperatorError, Problem
from .model import DestinationNode, Edge, Flow, Node, SourceNode
from .reading import read

if TYPE_CHECKING:
    from .engine import Output, Written, execute

__all__ = [
    "DestinationNode",
    "Edge",
    "Flow",
    "FlowError",
    "Node",
    "OperatorError",
    "Output",
    "Problem",
    "SourceNode",
    "Written",
    "check",
    "execute",
    "read",
]

_lazy = {"Output": "engine", "Written": "engine", "execute": "engine"}


def __getattr__(name: str) -> Any:
    if name in _lazy:
        from importlib import import_module

        return getattr(import_module(f".{_lazy[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
