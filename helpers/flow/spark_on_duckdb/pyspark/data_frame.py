"""Custom PySpark on DuckDB: PySpark's data frames over the tables of `relations`.

What is not known to give Spark's result is refused by name: an attribute that is not here raises Unsupported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ...errors import OperatorError
from .. import trees
from ..joins import joined, set_operation
from ..parsing import expression
from ..relations import Relation
from ..trees import Tree
from ..typed import Unsupported
from ..types import void
from .columns import Column, column_tree, flat, value_tree
from .grouping import GroupedData
from .missing import filled, replaced, with_enough
from .reading import Readable

if TYPE_CHECKING:
    pass

_known = frozenset([
    "approxQuantile", "checkpoint", "colRegex", "corr", "cov", "crosstab", "cube", "describe", "explain",
    "foreach", "freqItems", "groupingSets", "hint", "inputFiles", "isLocal", "isStreaming", "mapInArrow",
    "mapInPandas", "melt", "observe", "pandas_api", "randomSplit", "rdd", "registerTempTable", "rollup",
    "sameSemantics", "sample", "sampleBy", "semanticHash", "stat", "storageLevel", "summary", "to",
    "toArrow", "toJSON", "toLocalIterator", "unpivot", "withMetadata", "withWatermark", "write",
    "writeStream", "writeTo", "foreachPartition", "repartitionByRange", "sortWithinPartitions",
    "intersectAll", "executionInfo", "createGlobalTempView", "createOrReplaceGlobalTempView", "lateralJoin",
    "plot",
])  # fmt: skip
"""What PySpark's data frames have and these have not."""


class DataFrame(Readable):
    """A table of a snippet; its columns are attributes, as in PySpark."""

    def __init__(self, relation: Relation, session: Any = None) -> None:
        self._relation, self._session = relation, session

    def _with(self, relation: Relation) -> DataFrame:
        return DataFrame(relation, self._session)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name.lower() in (known.lower() for known in self.columns) and name not in _known:
            return self[name]
        if name in _known:
            raise Unsupported(f"DataFrame.{name}")
        raise AttributeError(
            f"'DataFrame' object has no attribute '{name}', and the table has no such column"
        )

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, list | tuple):
            return self.select(*key)
        if isinstance(key, Column):
            return self.filter(key)
        if isinstance(key, int):
            output = self._relation.outputs[key]
            return Column(trees.Attribute(output.id, output.name))
        tree = column_tree(key)
        if not isinstance(tree, trees.Name):
            return Column(tree)
        output, rest = self._relation.analyzer.output(tree.parts)
        found: Tree = trees.Attribute(output.id, output.name)
        for each in rest:
            found = trees.Call("getitem", (found, value_tree(each)))
        return Column(found)

    def __iter__(self) -> Iterator[Any]:
        raise TypeError("a DataFrame cannot be iterated over")

    def __repr__(self) -> str:
        return f"DataFrame[{', '.join(f'{name}: {kind}' for name, kind in self.dtypes)}]"

    @property
    def sparkSession(self) -> Any:
        """The session it belongs to."""
        return self._session

    @property
    def na(self) -> Missing:
        """Its methods for missing values."""
        return Missing(self)

    # Columns

    def select(self, *columns: Any) -> DataFrame:
        """These columns."""
        return self._with(self._relation.project([column_tree(each) for each in flat(columns)]))

    def selectExpr(self, *expressions: Any) -> DataFrame:
        """These Spark SQL expressions."""
        return self._with(self._relation.project([expression(each) for each in flat(expressions)]))

    def withColumn(self, colName: str, col: Column) -> DataFrame:
        """With a column computed anew."""
        if not isinstance(col, Column):
            raise OperatorError(
                f"gives withColumn {type(col).__name__}, no column", "Use F.lit for a value.", "code"
            )
        return self._with(self._relation.with_column(colName, col._tree))

    def withColumns(self, colsMap: dict[str, Column]) -> DataFrame:
        """With several columns computed anew."""
        return self._with(self._relation.with_columns([(name, col._tree) for name, col in colsMap.items()]))

    def withColumnRenamed(self, existing: str, new: str) -> DataFrame:
        """With a column under another name; without such a column nothing happens."""
        return self.withColumnsRenamed({existing: new})

    def withColumnsRenamed(self, colsMap: dict[str, str]) -> DataFrame:
        """With columns under other names."""
        new = {old.lower(): name for old, name in colsMap.items()}
        outputs = [
            replace(each, name=new[each.name.lower()], id=each.id) if each.name.lower() in new else each
            for each in self._relation.outputs
        ]
        return self._with(replace(self._relation, outputs=tuple(outputs)))

    def toDF(self, *cols: str) -> DataFrame:
        """The same columns under these names."""
        names = list(flat(cols))
        if len(names) != len(self.columns):
            raise OperatorError(f"gives {len(names)} names to {len(self.columns)} columns", "", "code")
        return self._with(self._relation.renamed(names))

    def drop(self, *cols: Any) -> DataFrame:
        """Without these columns; those that are not there do not matter."""
        outputs, gone = self._relation.outputs, set()
        for each in cols:
            if isinstance(each, Column):
                same = self._relation.analyzer.attribute(each._tree)
                gone |= {same.id} if same is not None else set()
            else:
                gone |= {output.id for output in outputs if output.name.lower() == each.lower()}
        return self._with(self._relation.keep([each for each in outputs if each.id not in gone]))

    def alias(self, alias: str) -> DataFrame:
        """The same under a name that columns can be told by: F.col('name.column')."""
        return self._with(self._relation.renamed(self.columns, frozenset([alias.lower()])))

    # Rows

    def filter(self, condition: Any) -> DataFrame:
        """The rows for which the condition is true."""
        tree: Tree = expression(condition) if isinstance(condition, str) else column_tree(condition)
        return self._with(self._relation.filter(tree))

    where = filter

    def distinct(self) -> DataFrame:
        """Each row once."""
        return self._with(self._relation.distinct())

    def dropDuplicates(self, subset: Any = None) -> DataFrame:
        """Each row once; by some columns the first row of each group."""
        if subset is None:
            return self.distinct()
        return self._with(self._relation.first_of_each([subset] if isinstance(subset, str) else list(subset)))

    drop_duplicates = dropDuplicates

    def orderBy(self, *cols: Any, ascending: Any = None) -> DataFrame:
        """Sorted; nulls come first when ascending."""
        keys = [self._key(each) for each in flat(cols)]
        if ascending is not None:
            ways = list(ascending) if isinstance(ascending, list | tuple) else [ascending] * len(keys)
            keys = [
                key if way else trees.Sorted(key.child if isinstance(key, trees.Sorted) else key, True, False)
                for key, way in zip(keys, ways, strict=True)
            ]
        return self._with(self._relation.sort(keys))

    sort = orderBy

    def _key(self, given: Any) -> Tree:
        if isinstance(given, int) and not isinstance(given, bool):
            output = self._relation.outputs[abs(given) - 1]
            tree: Tree = trees.Attribute(output.id, output.name)
            return trees.Sorted(tree, True, False) if given < 0 else tree
        return column_tree(given)

    def limit(self, num: int) -> DataFrame:
        """The first rows."""
        return self._with(self._relation.limit(int(num)))

    def offset(self, num: int) -> DataFrame:
        """Without the first rows."""
        return self._with(self._relation.limit(None, int(num)))

    def dropna(self, how: str = "any", thresh: int | None = None, subset: Any = None) -> DataFrame:
        """Rows with enough values: null and NaN are none."""
        return self._with(with_enough(self._relation, how, thresh, subset))

    def fillna(self, value: Any, subset: Any = None) -> DataFrame:
        """Nulls (and NaN) filled in the columns whose type the value fits, as Spark does."""
        return self._with(filled(self._relation, value, subset))

    def replace(self, to_replace: Any, value: Any = None, subset: Any = None) -> DataFrame:
        """Values in place of others, in the columns of their type."""
        return self._with(replaced(self._relation, to_replace, value, subset))

    # Several tables

    def join(self, other: DataFrame, on: Any = None, how: str | None = None) -> DataFrame:
        """Rows of both that go together."""
        keys: list[Any] = [on] if isinstance(on, str | Column) else list(on or [])
        if all(isinstance(each, str) for each in keys):
            kind = how or ("inner" if keys else "cross")
            return self._with(joined(self._relation, other._relation, kind, None, keys))
        condition = column_tree(keys[0])
        for each in keys[1:]:
            condition = trees.Call("and", (condition, column_tree(each)))
        return self._with(joined(self._relation, other._relation, how or "inner", condition))

    def crossJoin(self, other: DataFrame) -> DataFrame:
        """Every row with every row."""
        return self._with(joined(self._relation, other._relation, "cross", None))

    def _set(self, operator: str, other: DataFrame) -> DataFrame:
        return self._with(set_operation(self._relation, operator, other._relation))

    def union(self, other: DataFrame) -> DataFrame:
        """The rows of both, column by column in their places."""
        return self._set("UNION ALL", other)

    unionAll = union

    def unionByName(self, other: DataFrame, allowMissingColumns: bool = False) -> DataFrame:
        """The rows of both, columns found by their names."""
        mine = [each.lower() for each in self.columns]
        theirs = {each.lower(): each for each in other.columns}
        missing = [name for name in self.columns if name.lower() not in theirs]
        extra = [name for name in other.columns if name.lower() not in mine]
        if (missing or extra) and not allowMissingColumns:
            raise OperatorError(
                f"puts tables together by name, of which only one has {', '.join(missing + extra)}",
                "Select the same columns, or say allowMissingColumns=True.",
                "code",
            )
        nothing = trees.Literal(None, void)
        left, right = self._relation, other._relation
        for name in extra:
            left = left.with_column(name, nothing)
        for name in missing:
            right = right.with_column(name, nothing)
        ordered = [right.analyzer.output((name,))[0] for name in left.names]
        return self._with(set_operation(left, "UNION ALL", right.keep(ordered)))

    def intersect(self, other: DataFrame) -> DataFrame:
        """Rows that both have, each once."""
        return self._set("INTERSECT", other)

    def subtract(self, other: DataFrame) -> DataFrame:
        """Rows that the other has not, each once."""
        return self._set("EXCEPT", other)

    def exceptAll(self, other: DataFrame) -> DataFrame:
        """Rows without those of the other, as often as they are left."""
        return self._set("EXCEPT ALL", other)

    # Groups

    def groupBy(self, *cols: Any) -> GroupedData:
        """Groups of rows with the same values here."""
        keys = [column_tree(each) for each in flat(cols)]
        return GroupedData(self._relation, keys, self._with)

    groupby = groupBy

    def agg(self, *exprs: Any) -> DataFrame:
        """Aggregates of all rows."""
        return self.groupBy().agg(*exprs)  # type: ignore[no-any-return]

    # What makes no difference here

    def cache(self) -> DataFrame:
        """Itself."""
        return self

    def persist(self, *_: Any) -> DataFrame:
        """Itself."""
        return self

    def unpersist(self, blocking: bool = False) -> DataFrame:  # noqa: ARG002
        """Itself."""
        return self

    def localCheckpoint(self, *_: Any) -> DataFrame:
        """Itself."""
        return self

    def coalesce(self, numPartitions: int) -> DataFrame:  # noqa: ARG002
        """Itself: there are no partitions."""
        return self

    def repartition(self, *_: Any) -> DataFrame:
        """The same rows, whose order Spark does not keep."""
        return self._with(replace(self._relation, ordered=False, in_order=False))

    def transform(self, func: Callable[..., DataFrame], *args: Any, **kwargs: Any) -> DataFrame:
        """What a function makes of it."""
        return func(self, *args, **kwargs)

    def createOrReplaceTempView(self, name: str) -> None:
        """A name for spark.sql."""
        self._session._tables[name.lower()] = self._relation

    createTempView = createOrReplaceTempView


class Missing:
    """`df.na`."""

    def __init__(self, frame: DataFrame) -> None:
        self.fill, self.drop, self.replace = frame.fillna, frame.dropna, frame.replace
