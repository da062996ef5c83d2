"""A look at the table behind any step of a flow."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from .checking import check
from .errors import FlowError
from .model import Flow
from .process import match_sources

if TYPE_CHECKING:
    import pandas as pd


def preview(
    flow: Flow,
    node: str,
    sources: Mapping[str, str | os.PathLike[str]],
    rows: int = 5,
    output: str = "default",
) -> pd.DataFrame:
    """The first rows of a step's output, computed in this process.

    `node` is a name or an id; `output` one of several outputs, such as "Train" of a split. Raises FlowError.
    """
    from .engine import Run, evaluate

    found = flow.node(node)
    problems = check(flow, [found.node_id])
    if problems:
        raise FlowError(problems)
    paths = match_sources(flow, [found.node_id], sources)
    with Run(lambda source: [paths[source.node_id]]) as run:
        frame = evaluate(flow, run, [(found.node_id, output)])[found.node_id, output]
        table: pd.DataFrame = run.connection.execute(run.sql(frame.ordered.limit(rows))).df()
        return table
