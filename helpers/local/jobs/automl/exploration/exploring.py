"""Finds out everything the notebook tells about a table."""

from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from helpers.local.jobs.automl import column_kinds

from . import columns as reading
from . import insights, relations, rows, statistics
from . import target as targets
from .columns import Column, Integers, as_text
from .facts import ColumnFacts, Facts

# The features of more rows or cells than these are described from a sample. The target and duplicates are
# looked at in all rows.
MOST_ROWS, MOST_CELLS, LEAST_ROWS = 100_000, 5_000_000, 500
MOST_COLUMNS = 10_000


def explore(
    table: pd.DataFrame,
    target: str,
    problem_type: str,
    job_name: str,
    given: Mapping[str, str] | None = None,
    unused: Collection[str] = (),
) -> Facts:
    """The facts of a table as it was read, rows without a target included.

    `target` names its column (of several the first), `given` the kinds that somebody chose for columns,
    `unused` the columns that are no features.
    The same table gives the same facts. Raises KeyError when there is no such column.
    """
    names = [as_text(name) for name in table.columns]
    if target not in names:
        raise KeyError(target)
    place = names.index(target)
    values = table.iloc[:, place]
    aim, valid = targets.read(values, target, place, problem_type)
    usable = np.flatnonzero(valid) if valid.any() else np.arange(len(table))
    width = table.shape[1]
    looked_at = rows.draw(usable, max(LEAST_ROWS, min(MOST_ROWS, MOST_CELLS // max(1, width))))
    features = [position for position in range(width) if position != place and names[position] not in unused]
    read = _columns(table.iloc[looked_at], names, features[:MOST_COLUMNS], given)
    few = rows.draw(np.arange(len(looked_at)), max(LEAST_ROWS, min(relations.MOST_ROWS, MOST_CELLS // width)))
    described = _described(read, _restricted(aim, looked_at), few)
    facts = Facts(
        job_name=job_name,
        rows=len(table),
        looked_at=len(looked_at),
        columns=tuple(described),
        features=len(features),
        unused=tuple(name for name in names if name in unused),
        target=targets.describe(aim, valid, values, problem_type),
        sample=rows.sample(table, [place, *features], rows.draw(usable, rows.SAMPLE_ROWS).tolist()),
        duplicates=rows.duplicates(table, place, features),
        relations=relations.among(read, [column.association for column in described], few),
        anomalies=rows.anomalies(read, few, looked_at[few]),
    )
    return replace(facts, insights=tuple(insights.of(facts)))


def _columns(
    table: pd.DataFrame, names: list[str], positions: list[int], given: Mapping[str, str] | None
) -> list[Column]:
    kinds = column_kinds.infer_all(table.iloc[:, positions], given)
    return [
        reading.read(table.iloc[:, position], names[position], position, kind)
        for position, kind in zip(positions, kinds, strict=True)
    ]


def _restricted(column: Column, chosen: Integers) -> Column:
    """The column in some rows only."""
    return replace(
        column,
        missing=column.missing[chosen],
        numbers=None if column.numbers is None else column.numbers[chosen],
        codes=None if column.codes is None else column.codes[chosen],
    )


def _described(columns: list[Column], target: Column, few: Integers) -> list[ColumnFacts]:
    found = []
    for column in columns:
        gaps = relations.of_gaps(column.missing, target, few) if column.missing.any() else None
        association = relations.with_target(column, target, few)
        facts = statistics.describe(column)
        found.append(replace(facts, association=association, missing_association=gaps))
    return found
