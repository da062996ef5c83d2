"""The table behind a step at a glance: its schema, its first rows, how many there are, and each column."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .frame import Frame
from .model import Flow
from .previewing import frame_of
from .statistics import is_there

if TYPE_CHECKING:
    import pandas as pd

    from .runs import Run

figures = ("type", "missing", "distinct", "min", "mean", "max", "most_frequent", "times")


@dataclass(frozen=True)
class Look:
    """What one sees of a table: `profile` has one row a column, with the figures named in `figures`."""

    rows: int
    schema: Mapping[str, str]
    head: pd.DataFrame
    profile: pd.DataFrame


def look(
    flow: Flow,
    node: str,
    sources: Mapping[str, str | os.PathLike[str]],
    rows: int = 5,
    output: str = "default",
) -> Look:
    """Compute a step's output in this process and look at it. Raises FlowError.

    `node` is a name or an id; `output` one of several outputs, such as "Train" of a split.
    """
    import pandas as pd

    with frame_of(flow, node, sources, output) as (frame, run):
        stored = run.keep(frame)
        schema = {name: _kind(stored, name, run) for name in stored.columns}
        count = int(run.row(stored.table.aggregate(rows=stored.table.count()))["rows"])
        head = run.shown(stored, rows, dates=True)
        found = [_column(stored, name, kind, run) for name, kind in schema.items()]
    table = pd.DataFrame(
        found, columns=list(figures), index=pd.Index(list(schema), name="column"), dtype=object
    )
    return Look(count, schema, head, table.astype(dict.fromkeys(("missing", "distinct", "times"), "int64")))


def profile(
    flow: Flow, node: str, sources: Mapping[str, str | os.PathLike[str]], output: str = "default"
) -> pd.DataFrame:
    """One row for each column of a step's output: type, missing, distinct, min, mean, max, most frequent.

    Missing are nulls, NaN and blank texts, as Data Wrangler counts them; the other figures leave them out.
    Texts have no min, mean and max. `times` is how often the most frequent value occurs. Raises FlowError.
    """
    return look(flow, node, sources, 0, output).profile


def _kind(frame: Frame, name: str, run: Run) -> str:
    """The type as Data Wrangler calls it, else as the engine does."""
    from .casting import is_a, type_names

    column = frame.table[name]
    return next((kind for kind in type_names if is_a(column, kind)), run.type_name(column.type()).lower())


def _column(frame: Frame, name: str, kind: str, run: Run) -> list[Any]:
    import ibis

    column = frame.table[name]
    dtype = column.type()
    there = is_there(column)
    if dtype.is_string():
        there = there & (column.strip() != "")
    table = frame.table.filter(there).select(value=column)
    value = table.value
    numeric = dtype.is_numeric() and not dtype.is_boolean()
    ends = numeric or dtype.is_temporal()
    found = run.row(
        table.aggregate(
            rows=table.count(),
            distinct=value.nunique(),
            least=value.min() if ends else ibis.null(),
            middle=value.mean() if numeric else ibis.null(),
            most=value.max() if ends else ibis.null(),
        ),
        one_thread=True,
    )
    rows = run.row(frame.table.aggregate(rows=frame.table.count()))["rows"]
    counted = table.group_by("value").aggregate(times=table.count())
    top = run.rows(counted.order_by([counted.times.desc(), counted.value]).limit(1))
    often = (top[0]["value"], top[0]["times"]) if top else (None, 0)
    figures = (found[each] for each in ("distinct", "least", "middle", "most"))
    return [kind, rows - found["rows"], *figures, *often]
