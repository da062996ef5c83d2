"""A look at the table behind any step of a flow."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .checking import check
from .errors import FlowError
from .model import Flow
from .parameters import with_parameters
from .source_files import match_sources

if TYPE_CHECKING:
    import pandas as pd

    from .frame import Frame
    from .runs import Run


def preview(
    flow: Flow,
    node: str,
    sources: Mapping[str, str | os.PathLike[str]],
    rows: int = 5,
    output: str = "default",
    parameters: Mapping[str, Any] | None = None,
    engine: str = "duckdb",
) -> pd.DataFrame:
    """The first rows of a step's output, computed in this process.

    `node` is a name or an id; `output` one of several outputs, such as "Train" of a split. `parameters` gives
    values to the flow's own parameters; `engine` is "duckdb" or "spark". Raises FlowError.
    """
    with frame_of(with_parameters(flow, parameters), node, sources, output, engine) as (frame, run):
        return run.shown(frame, rows)


@contextmanager
def frame_of(
    flow: Flow,
    node: str,
    sources: Mapping[str, str | os.PathLike[str]],
    output: str = "default",
    engine: str = "duckdb",
) -> Iterator[tuple[Frame, Run]]:
    """The output of a step and the run that holds it, computed in this process. Raises FlowError."""
    from .engine import engine_named, evaluate

    found = flow.node(node)
    problems = check(flow, [found.node_id])
    if problems:
        raise FlowError(problems)
    paths = match_sources(flow, [found.node_id], sources)
    with engine_named(engine).start(lambda source: [paths[source.node_id]]) as run:
        yield evaluate(flow, run, [(found.node_id, output)])[found.node_id, output], run
