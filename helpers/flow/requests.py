"""What a child process is asked to do: one request, one line of JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from .outputs import Output
from .time_limits import default_seconds


@dataclass(frozen=True)
class Settings:
    """How the engine is to run: the keywords that `engine.execute` and `runs.Run` both take."""

    threads: int | None = None
    memory: str | None = None
    """Like "2GB"."""
    node_time_limit: float | None = default_seconds
    """Seconds, for the code of each custom step."""
    sample: bool = False
    """Take of each source the sample that the flow's editor works on."""
    refit: bool = False
    """Learn anew instead of using the trained parameters that the flow holds."""


@dataclass(frozen=True)
class WantedAnalysis:
    """An analysis to be made, and the folder it is left in."""

    node_id: str
    directory: Path


@dataclass(frozen=True)
class Task:
    """Another piece of work with a flow: one that `tasks` names, and the file for its result."""

    name: str
    arguments: Mapping[str, Any]
    result: Path


@dataclass(frozen=True)
class Request:
    """A flow, the files of its sources, and what to make of them: outputs, analyses, or another task.

    Sources are named by node id, for a task as the user names them.
    """

    document: Mapping[str, Any]
    sources: Mapping[str, Path]
    settings: Settings = field(default_factory=Settings)
    outputs: tuple[Output, ...] = ()
    analyses: tuple[WantedAnalysis, ...] = ()
    engine: str = "duckdb"
    master: str | None = None
    """The address of the cluster, for the engine "spark"; without one Spark runs on this machine."""
    unfinished: Path | None = None
    """Where the outputs lie until all are whole: the child takes it away should its parent be killed."""
    task: Task | None = None

    def to_line(self) -> bytes:
        """The request as the child reads it. Files are named in full, whatever folder the child works in."""
        absolute = {node_id: path.absolute() for node_id, path in self.sources.items()}
        return json.dumps({**vars(self), "sources": absolute}, default=_plain).encode() + b"\n"

    @classmethod
    def of_line(cls, line: bytes) -> Request:
        """The request of such a line."""
        return TypeAdapter(cls).validate_python(json.loads(line))


def _plain(value: Any) -> Any:
    return os.fspath(value) if isinstance(value, os.PathLike) else vars(value)
