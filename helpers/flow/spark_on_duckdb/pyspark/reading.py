"""Reading tables out of the database into a snippet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..relations import Relation
from .types import Row

if TYPE_CHECKING:
    import pandas as pd


def collected(relation: Relation) -> list[Row]:
    """All rows in their order; rows without an order are sorted by all their columns."""
    found = relation.workspace.run.connection.execute(relation.fetched()).fetchall()
    return [Row.of(relation.names, [_value(each) for each in row]) for row in found]


def _value(value: Any) -> Any:
    if isinstance(value, dict):
        return Row.of(list(value), [_value(each) for each in value.values()])
    return value


def pandas_of(relation: Relation) -> pd.DataFrame:
    """All rows as Spark's toPandas gives them."""
    from ...pandas_tables import as_spark_gives

    result = as_spark_gives(
        relation.workspace.run.connection.execute(relation.fetched()),
        [each.column for each in relation.outputs if each.type.name == "array"],
    )
    result.columns = relation.names
    return result


def shown(relation: Relation, count: int) -> str:
    """The first rows as text, with their names above."""
    rows = collected(relation.limit(count) if relation.ordered else relation)[:count]
    lines = ["\t".join(relation.names)]
    lines += ["\t".join("NULL" if value is None else str(value) for value in row) for row in rows]
    return "\n".join(lines)
