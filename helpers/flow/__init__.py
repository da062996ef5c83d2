"""Data Wrangler flows: read, check, run, preview and draw them. Knows no AWS and no notebooks.

    from helpers import flow
    music = flow.read("notebooks/flows/music.flow")
    flow.run(music, {"tracks.csv": tracks, "ratings.csv": ratings}, "output")

Reading, checking and drawing need none of the heavy libraries; they are loaded when something runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from . import analyses
from .analyses import Analysis
from .analyzing import Analyzed, analyze, analyze_to
from .checking import check
from .comparing import Difference, diff
from .comparing_data import diff_outputs
from .drawing import draw
from .errors import FlowError, OperatorError, Problem
from .exporting import export
from .model import DestinationNode, Edge, Flow, Node, SourceNode
from .outputs import Output, Written
from .picture import Picture
from .previewing import preview
from .profiling import Look, look, profile
from .reading import read
from .running import run
from .time_limits import default_seconds

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
    parameters: Mapping[str, Any] | None = None,
    node_time_limit: float | None = default_seconds,
    sample: bool = False,
    refit: bool = False,
    fitted: Callable[[dict[str, dict[str, Any]]], None] | None = None,
    engine: str = "duckdb",
    master: str | None = None,
) -> list[Written]:
    """Run a flow in this process and write these outputs; see `helpers.flow.engine.execute`.

    `engine` is "duckdb" or "spark", which runs on this machine or at `master`.
    """
    from .engine import engine_named, execute

    return execute(
        flow,
        sources,
        outputs,
        threads=threads,
        memory=memory,
        progress=progress,
        parameters=parameters,
        node_time_limit=node_time_limit,
        sample=sample,
        refit=refit,
        fitted=fitted,
        engine=engine_named(engine, master),
    )


def execute_analyses(
    flow: Flow,
    sources: Callable[[SourceNode], Sequence[Path]],
    folders: Mapping[str, Path],
    *,
    progress: Callable[[str], None] | None = None,
    parameters: Mapping[str, Any] | None = None,
    refit: bool = False,
) -> None:
    """Make analyses in this process: {node id: the folder that gets its picture, numbers and page}.

    Raises FlowError when one of them cannot be made.
    """
    from .analyses.making import execute
    from .parameters import with_parameters
    from .requests import Settings, WantedAnalysis

    wanted = [WantedAnalysis(node_id, folder) for node_id, folder in folders.items()]
    execute(with_parameters(flow, parameters), sources, wanted, Settings(refit=refit), progress)


__all__ = [
    "Analysis",
    "Analyzed",
    "DestinationNode",
    "Difference",
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
    "analyses",
    "analyze",
    "analyze_to",
    "check",
    "diff",
    "diff_outputs",
    "draw",
    "execute",
    "execute_analyses",
    "export",
    "look",
    "preview",
    "profile",
    "read",
    "run",
]
