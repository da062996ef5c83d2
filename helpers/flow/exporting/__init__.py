"""Flows in other forms: a Python script, an SQL script, a notebook and a pipeline that run them as a job."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..checking import check
from ..errors import FlowError, Problem
from ..model import Flow

endings = {"python": ".py", "sql": ".sql", "notebook": ".ipynb", "pipeline": ".json"}


def export(
    flow: Flow,
    to: str,
    sources: Mapping[str, str | os.PathLike[str]] | None = None,
    *,
    name: str = "flow",
    parameters: Mapping[str, Any] | None = None,
) -> str:
    """A flow as the text of a file: `to` is python, sql, notebook or pipeline.

    python and sql are written for data, `sources` {data set name: path}: steps that learn (categories, cuts)
    are learned from them, and the script is made to give the same output on them. notebook and pipeline need
    none. Raises FlowError, naming every step that has no such form.
    """
    from ..parameters import with_parameters
    from .jobs import pipeline
    from .notebook import notebook
    from .python import python
    from .sql import sql

    if to not in endings:
        raise FlowError(f"There is no export to {to!r}. Known: {', '.join(endings)}.")
    if to in ("notebook", "pipeline"):
        return (notebook if to == "notebook" else pipeline)(flow, name)
    flow = with_parameters(flow, parameters)
    problems = check(flow) or [
        Problem(
            "puts the time of the run into its records, which a script would not",
            "Set populate_event_time to false and make the column in a step before.",
            node.label,
            node.operator,
            "populate_event_time",
        )
        for node in flow.destinations()
        if node.feature_group and node.output_config.get("populate_event_time")
    ]
    if problems:
        raise FlowError(problems)
    write: Callable[..., str] = {"python": python, "sql": sql}[to]
    return write(flow, {key: Path(path) for key, path in (sources or {}).items()}, name)
