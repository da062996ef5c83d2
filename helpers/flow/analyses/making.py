"""Making analyses in the process that runs the flow."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from ..checking import check
from ..duckdb_engine import DuckDBRun
from ..engine import evaluate
from ..errors import FlowError, OperatorError, Problem
from ..model import Flow, Node
from ..operators import resolve
from ..reading import from_document
from ..requests import Request, Settings, WantedAnalysis
from ..runs import Run, Sources
from .base import Visualization, title
from .result import Analysis
from .style import style
from .table import Table, read


def answer(
    request: Request,
    progress: Callable[[str], None],
    started: Callable[[Node], None],
    guard: Callable[[float | None], None],
) -> list[dict[str, Any]]:
    """Make the analyses of a request, each into its folder, and say of each what is wrong with it, if so."""
    with DuckDBRun(
        lambda source: [request.sources[source.node_id]],
        progress=progress,
        started=started,
        guard=guard,
        **asdict(request.settings),
    ) as run:
        return list(_make(from_document(request.document), request.analyses, run))


def execute(
    flow: Flow,
    sources: Sources,
    wanted: Sequence[WantedAnalysis],
    settings: Settings,
    progress: Callable[[str], None] | None,
) -> None:
    """Make analyses in this process, each into its folder. Raises FlowError when one cannot be made."""
    problems = check(flow, [each.node_id for each in wanted])
    if not problems:
        with DuckDBRun(sources, progress=progress, **asdict(settings)) as run:
            made = list(_make(flow, wanted, run))
        problems = [Problem(**each["problem"]) for each in made if each["problem"]]
    if problems:
        raise FlowError(problems)


def _make(flow: Flow, wanted: Sequence[WantedAnalysis], run: Run) -> Iterator[dict[str, Any]]:
    nodes = [flow.node(each.node_id) for each in wanted]
    inputs = [(node.inputs[0].node_id, node.inputs[0].output_name) for node in nodes]
    frames: dict[tuple[str, str], Any] = {}
    tables: dict[tuple[str, str], Table] = {}
    try:
        frames = evaluate(flow, run, list(dict.fromkeys(inputs)))
    except FlowError:
        if len(set(inputs)) == 1:
            raise
        # A step fails that some of them need: each is tried by itself below.
    for node, source, each in zip(nodes, inputs, wanted, strict=True):
        problems: list[Problem] = []
        try:
            if source not in frames:
                frames |= evaluate(flow, run, [source])
            if source not in tables:
                tables[source] = read(frames[source], run)
            analysis(node, tables[source], run).write(each.directory)
        except OperatorError as error:
            problems = [error.at(title(node), node.operator)]
        except FlowError as error:
            problems = error.problems
        yield {"node_id": node.node_id, "problem": asdict(problems[0]) if problems else None}


def analysis(node: Node, table: Table, run: Run) -> Analysis:
    """One analysis of a table. Raises OperatorError."""
    operator, problems = resolve(node)
    if not isinstance(operator, Visualization):
        raise FlowError(problems or [Problem("is not an analysis", "", node.label, node.operator)])
    run.start(node)
    run.log(f"{title(node)}: {operator.describe()}")
    # What the libraries remark of odd data (an overflow, a letter without a picture) is not for the reader.
    with style(), warnings.catch_warnings(action="ignore"), np.errstate(all="ignore"):
        return Analysis.of(title(node), node.operator, node.node_id, operator.analyze(table))
