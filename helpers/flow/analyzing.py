"""Making a flow's analyses: in a child process, as a run is, with the same limits."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .analyses.base import title
from .analyses.result import Analysis
from .checking import check
from .conversation import converse
from .errors import FlowError, Problem
from .model import Flow, Node
from .parameters import with_parameters
from .requests import Request, Settings, WantedAnalysis
from .source_files import match_sources
from .time_limits import default_seconds

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Analyzed:
    """The analyses that were made, the files of each by its node's id, and why others were not."""

    analyses: tuple[Analysis, ...]
    files: Mapping[str, tuple[Path, ...]]
    problems: tuple[Problem, ...]

    @property
    def paths(self) -> list[Path]:
        """All files, in the order of the flow."""
        return [path for paths in self.files.values() for path in paths]


def analyses_of(flow: Flow) -> list[Node]:
    """The analyses of a flow, in file order."""
    return [node for node in flow.nodes if node.type == "VISUALIZATION"]


def find(flow: Flow, id_or_name: str) -> Node:
    """The analysis with this id or name. Raises FlowError."""
    nodes = analyses_of(flow)
    found = [node for node in nodes if id_or_name == node.node_id]
    found = found or [node for node in nodes if id_or_name in (title(node), node.name)]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(node.node_id for node in found)
        raise FlowError(f"Several analyses are called '{id_or_name}'. Use one of their ids: {ids}.")
    known = ", ".join(f"{title(node)} ({node.node_id})" for node in nodes) or "it has none"
    raise FlowError(f"The flow has no analysis '{id_or_name}'. Its analyses: {known}.")


def analyze(
    flow: Flow,
    node: str,
    sources: Mapping[str, str | os.PathLike[str]],
    *,
    threads: int | None = None,
    memory: str | None = None,
    time_limit: float | None = None,
    progress: Progress | None = None,
    parameters: Mapping[str, Any] | None = None,
    node_time_limit: float | None = default_seconds,
) -> Analysis:
    """Make one analysis of a flow: its picture, its numbers, and for the insights report its page.

    `node` is its name or id, `sources` maps names of data sets to files, `time_limit` is in seconds and
    `memory` like "2GB"; `parameters` gives values to the flow's own. At most 100,000 rows
    are looked at, the first. Raises FlowError.
    """
    flow = with_parameters(flow, parameters)
    found = find(flow, node)
    settings = Settings(threads, memory, node_time_limit)
    with tempfile.TemporaryDirectory(prefix="workshop-flow-") as scratch:
        problems = _make(flow, [found], sources, Path(scratch), settings, time_limit, progress)
        if problems:
            raise FlowError(problems)
        return Analysis.load(title(found), found.operator, found.node_id, Path(scratch) / _folder(0))


def analyze_to(
    flow: Flow,
    sources: Mapping[str, str | os.PathLike[str]],
    output: str | os.PathLike[str],
    *,
    node: str | None = None,
    threads: int | None = None,
    memory: str | None = None,
    time_limit: float | None = None,
    progress: Progress | None = None,
    parameters: Mapping[str, Any] | None = None,
    node_time_limit: float | None = default_seconds,
) -> Analyzed:
    """Make every analysis of a flow, or one, and write each as <name>.png, .svg, .json and perhaps .html.

    One that fails does not keep the others from being written; what is written is whole. Raises FlowError
    when none can be made.
    """
    flow = with_parameters(flow, parameters)
    nodes = [find(flow, node)] if node is not None else analyses_of(flow)
    if not nodes:
        raise FlowError("The flow has no analyses.")
    directory = Path(output)
    settings = Settings(threads, memory, node_time_limit)
    with tempfile.TemporaryDirectory(prefix="workshop-flow-") as scratch:
        problems = _make(flow, nodes, sources, Path(scratch), settings, time_limit, progress)
        folders = [Path(scratch) / _folder(place) for place in range(len(nodes))]
        made = [each for each in zip(_names(nodes), nodes, folders, strict=True) if each[2].exists()]
        if not made:
            raise FlowError(problems)
        results: list[Analysis] = []
        files: dict[str, tuple[Path, ...]] = {}
        try:
            directory.mkdir(parents=True, exist_ok=True)
            for name, each, folder in made:
                result = Analysis.load(title(each), each.operator, each.node_id, folder)
                results.append(result)
                files[each.node_id] = tuple(result.write(directory, name))
        except OSError as error:
            reason = error.strerror or error
            raise FlowError(f"The output folder {directory} cannot be written: {reason}.") from None
    return Analyzed(tuple(results), files, tuple(problems))


def _names(nodes: Sequence[Node]) -> list[str]:
    """A file name for each analysis; of those called the same, with its id."""
    names = [re.sub(r"[^a-zA-Z0-9!.*'_-]+", "-", title(node)).strip("-.")[:80] for node in nodes]
    lowered = [name.lower() for name in names]
    return [
        name if name and lowered.count(name.lower()) == 1 else f"{name}-{node.node_id}".strip("-")
        for name, node in zip(names, nodes, strict=True)
    ]


def _folder(place: int) -> str:
    """Where the child leaves an analysis."""
    return f"analysis-{place}"


def _make(
    flow: Flow,
    nodes: Sequence[Node],
    sources: Mapping[str, str | os.PathLike[str]],
    scratch: Path,
    settings: Settings,
    time_limit: float | None,
    progress: Progress | None,
) -> list[Problem]:
    """Make analyses in a child process and leave them in folders of `scratch`; the problems of the others."""
    problems: list[Problem] = []
    able: list[tuple[int, Node]] = []
    for place, node in enumerate(nodes):
        faults = check(flow, [node.node_id])
        problems += faults
        if not faults:
            able.append((place, node))
    if not able:
        raise FlowError(dict.fromkeys(problems))
    paths = match_sources(flow, [node.node_id for _, node in able], sources)
    wanted = tuple(WantedAnalysis(node.node_id, scratch / _folder(place)) for place, node in able)
    request = Request(flow.document, paths, settings, analyses=wanted)
    answers = converse(request, str(scratch), time_limit, progress)
    problems += [Problem(**each["problem"]) for each in answers if each["problem"]]
    return list(dict.fromkeys(problems))
