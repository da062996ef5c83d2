"""The table behind a step at a glance: its schema, its first rows, how many there are, and each column."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .frame import Frame
from .model import Flow
from .naming import quoted
from .previewing import frame_of

if TYPE_CHECKING:
    import pandas as pd

    from .engine import Run

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
        head: pd.DataFrame = run.connection.execute(run.sql(stored.ordered.limit(rows))).df(
            date_as_object=True
        )
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
    """The type as Data Wrangler calls it, else as DuckDB does."""
    from .casting import is_a, type_names

    column = frame.table[name]
    return next((kind for kind in type_names if is_a(column, kind)), run.type_name(column.type()).lower())


def _column(frame: Frame, name: str, kind: str, run: Run) -> list[Any]:
    dtype, column = frame.table[name].type(), quoted(name)
    there = f"{column} IS NOT NULL"
    if dtype.is_floating():
        there += f" AND NOT isnan({column})"
    elif dtype.is_string():
        there += f" AND trim({column}) <> ''"
    numeric = dtype.is_numeric() and not dtype.is_boolean()
    ends = (f"min({column})", f"max({column})") if numeric or dtype.is_temporal() else ("NULL", "NULL")
    mean = f"avg({column})" if numeric else "NULL"
    table = run.sql(frame.visible)
    query = (
        f"SELECT (SELECT count(*) FROM ({table}) WHERE NOT ({there})), count(DISTINCT {column}), "
        f"{ends[0]}, {mean}, {ends[1]} FROM ({table}) WHERE {there}"
    )
    frequent = (
        f"SELECT {column}, count(*) AS n FROM ({table}) WHERE {there} GROUP BY 1 ORDER BY n DESC, 1 LIMIT 1"
    )
    with run.one_thread():
        [(missing, distinct, least, middle, most)] = run.connection.execute(query).fetchall()
    top = run.connection.execute(frequent).fetchall()
    value, times = top[0] if top else (None, 0)
    return [kind, missing, distinct, least, middle, most, value, times]
