"""Reading tables out of the database into a snippet; what it prints goes to the log of the run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..relations import Relation
from .types import Row, StructField, StructType, class_of

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


class Readable:
    """The methods of a data frame that look at what it holds."""

    _relation: Relation

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return self._relation.names

    @property
    def dtypes(self) -> list[tuple[str, str]]:
        """Names and types, with Spark's names of types."""
        return [(each.name, str(each.type)) for each in self._relation.outputs]

    @property
    def schema(self) -> StructType:
        """The columns with their types."""
        return StructType([StructField(each.name, class_of(each.type)) for each in self._relation.outputs])

    def count(self) -> int:
        """The number of rows."""
        return self._relation.count()

    def isEmpty(self) -> bool:
        """Whether it has no rows."""
        return self.count() == 0

    def collect(self) -> list[Row]:
        """All rows."""
        return collected(self._relation)

    def take(self, num: int) -> list[Row]:
        """The first rows."""
        return collected(self._relation.limit(int(num)) if self._relation.ordered else self._one(int(num)))

    def _one(self, count: int) -> Relation:
        """An unordered table from which its first rows may be taken: it has no more than those."""
        if self.count() > count:
            return self._relation.limit(count)  # refuses
        return self._relation

    def head(self, n: int | None = None) -> Any:
        """The first row, or a list of the first n."""
        if n is not None:
            return self.take(n)
        rows = self.take(1)
        return rows[0] if rows else None

    def first(self) -> Row | None:
        """The first row."""
        return self.head()  # type: ignore[no-any-return]

    def tail(self, num: int) -> list[Row]:
        """The last rows."""
        if not self._relation.ordered:
            return collected(self._one(int(num)))
        return self.collect()[-int(num) :] if num else []

    def toPandas(self) -> pd.DataFrame:
        """All rows as pandas has them."""
        return pandas_of(self._relation)

    def show(self, n: int = 20, truncate: bool | int = True, vertical: bool = False) -> None:  # noqa: ARG002
        """Print the first rows."""
        print(shown(self._relation, int(n)))

    def printSchema(self, level: int | None = None) -> None:  # noqa: ARG002
        """Print names and types."""
        print("root\n" + "\n".join(f" |-- {name}: {kind}" for name, kind in self.dtypes))
