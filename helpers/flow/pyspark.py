"""Custom PySpark on DuckDB: SQLFrame behind a guard.

SQLFrame offers PySpark's API over SQL. It differs from Spark in places without saying so, and an unknown
attribute of its data frames is silently a column. So a snippet only meets the guarded objects of this file:
they pass on what is on a list of methods and functions known to agree with Spark (`pyspark_names.py`), and
refuse everything else by name.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from . import pyspark_names as names
from .errors import OperatorError
from .naming import quoted


class Unsupported(OperatorError):
    """A snippet uses something of PySpark that is not known to give Spark's result on DuckDB."""

    def __init__(self, construct: str) -> None:
        super().__init__(
            f"uses {construct}, which this engine does not run as Spark does",
            "Write it with other functions, or run this flow in SageMaker Data Wrangler.",
            "code",
        )


class Guarded:
    """A SQLFrame object of which only the listed attributes can be reached."""

    _kind = "object"
    _allowed: frozenset[str] = frozenset()

    def __init__(self, inner: Any) -> None:
        object.__setattr__(self, "_inner", inner)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name not in self._allowed:
            return self._missing(name)
        return wrap(getattr(self._inner, name))

    def _missing(self, name: str) -> Any:
        raise Unsupported(f"{self._kind}.{name}")

    def __iter__(self) -> Iterator[Any]:
        raise TypeError(f"a {self._kind} cannot be iterated over")

    def __repr__(self) -> str:
        return f"<{self._kind}>"


class DataFrame(Guarded):
    """A guarded data frame; its columns are attributes, as in PySpark."""

    _kind = "DataFrame"
    _allowed = names.data_frame

    def _missing(self, name: str) -> Any:
        if name in self._inner.columns:
            return wrap(self._inner[name])
        if name in names.data_frame_known:
            raise Unsupported(f"DataFrame.{name}")
        raise AttributeError(
            f"'DataFrame' object has no attribute '{name}', and the table has no such column"
        )

    def select(self, *columns: Any) -> DataFrame:
        """These columns; a computed one needs a name."""
        flat = columns[0] if len(columns) == 1 and isinstance(columns[0], list | tuple) else columns
        return DataFrame(self._inner.select(*unwrap(_named(flat, "select"))))

    def agg(self, *columns: Any) -> DataFrame:
        """Aggregates of all rows, each with a name."""
        return DataFrame(self._inner.agg(*unwrap(_named(columns, "agg"))))

    def dropna(self, how: str = "any", thresh: int | None = None, subset: Any = None) -> DataFrame:
        """Rows with enough values: null and NaN are none."""
        chosen = self._chosen(subset)
        least = thresh if thresh is not None else len(chosen) if how == "any" else 1
        kinds = dict(self.dtypes)
        there = " + ".join(_there(name, kinds[name]) for name in chosen)
        return self._query(f"SELECT * FROM ({query_of(self)}) AS t WHERE {there} >= {int(least)}")

    def fillna(self, value: Any, subset: Any = None) -> DataFrame:
        """Nulls (and NaN) filled in the columns whose type the value fits, as Spark does."""
        kinds = dict(self.dtypes)
        values = value if isinstance(value, dict) else dict.fromkeys(self._chosen(subset), value)
        filled = []
        for name in self.columns:
            column, wanted = quoted(name), _fill(values.get(name), kinds[name])
            if wanted:
                there = _there(name, kinds[name])
                column = f"CASE WHEN {there} = 1 THEN {column} ELSE {wanted} END AS {column}"
            filled.append(column)
        return self._query(f"SELECT {', '.join(filled)} FROM ({query_of(self)}) AS t")

    def dropDuplicates(self, subset: Any = None) -> DataFrame:
        """Each row once. By some columns only, Spark keeps any row of each group: that is refused."""
        if subset is not None:
            raise OperatorError(
                "dropDuplicates by some columns keeps any row of each group",
                "Say which: number the rows by F.row_number() over a Window, and keep the first.",
                "code",
            )
        return DataFrame(self._inner.distinct())

    drop_duplicates = dropDuplicates

    def _chosen(self, subset: Any) -> list[str]:
        chosen = [subset] if isinstance(subset, str) else list(subset or self.columns)
        for name in chosen:
            if name not in self._inner.columns:
                raise KeyError(f"the table has no column {name!r}")
        return chosen

    def _query(self, query: str) -> DataFrame:
        connection, self_made = self._inner.session._conn, f"{view_prefix}{next(_counter)}"
        connection.execute(f"CREATE TEMP VIEW {self_made} AS {query}")
        self._inner.session.made_views[self_made] = query
        return DataFrame(known_to(self._inner.session, self_made))

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str) and key not in self._inner.columns:
            raise KeyError(f"the table has no column {key!r}")
        if isinstance(key, list | tuple):
            return self.select(*key)
        if isinstance(key, Column):
            return self.filter(key)
        return wrap(self._inner[key])

    @property
    def dtypes(self) -> list[tuple[str, str]]:
        """Names and types, with Spark's names of types."""
        session = self._inner.session
        found = session._conn.execute(f"DESCRIBE {query_of(self)}").fetchall()
        return [(row[0], names.spark_types.get(row[1], row[1].lower())) for row in found]

    def show(self, n: int = 20, truncate: bool | int = True, vertical: bool = False) -> None:  # noqa: ARG002
        """Print the first rows: to the log of the run."""
        rows = self._inner.session._conn.execute(f"SELECT * FROM ({query_of(self)}) LIMIT {int(n)}")
        print("\t".join(self.columns))
        for row in rows.fetchall():
            print("\t".join("null" if value is None else str(value) for value in row))

    def printSchema(self, level: int | None = None) -> None:  # noqa: ARG002
        """Print names and types: to the log of the run."""
        print("\n".join(f" |-- {name}: {kind}" for name, kind in self.dtypes))

    def count(self) -> int:
        """The number of rows."""
        connection = self._inner.session._conn
        return int(connection.execute(f"SELECT count(*) FROM ({query_of(self)})").fetchone()[0])


class GroupedData(Guarded):
    """Rows grouped, waiting for an aggregate."""

    _kind = "GroupedData"
    _allowed = names.grouped_data

    def agg(self, *columns: Any) -> DataFrame:
        """Aggregates of each group, each with a name."""
        return DataFrame(self._inner.agg(*unwrap(_named(columns, "agg"))))


class WindowSpec(Guarded):
    """A window of rows."""

    _kind = "Window"
    _allowed = names.window

    def __init__(self, inner: Any = None) -> None:
        if inner is None:
            from sqlframe.duckdb import Window as inner
        super().__init__(inner)

    def orderBy(self, *columns: Any) -> WindowSpec:
        """In this order; as in Spark nulls come first unless it says otherwise."""
        flat = columns[0] if len(columns) == 1 and isinstance(columns[0], list | tuple) else columns
        return WindowSpec(self._inner.orderBy(*(_ordered(each) for each in flat)))


class Column(Guarded):
    """A column expression with Spark's operators."""

    _kind = "Column"
    _allowed = names.column
    __hash__ = object.__hash__

    def alias(self, name: str) -> Column:
        """The column under this name."""
        named = Column(self._inner.alias(name))
        object.__setattr__(named, "_alias", name)
        return named

    name = alias

    def has_name(self) -> bool:
        """Whether it is a column of a table, or was given a name."""
        from sqlglot import exp

        return "_alias" in self.__dict__ or isinstance(self._inner.expression, exp.Column | exp.Star)

    def __bool__(self) -> bool:
        raise ValueError("a Column has no truth value: use '&' for and, '|' for or, '~' for not")

    def cast(self, kind: Any) -> Column:
        """Spark's CAST: what does not fit is null, fractions are cut off."""
        from sqlframe.base.column import Column as Inner

        from .spark_sql import cast_call

        return Column(Inner(cast_call(self._inner.column_expression, str(kind))))

    astype = cast


def _operator(name: str) -> Callable[..., Any]:
    def apply(self: Column, *others: Any) -> Any:
        return wrap(getattr(self._inner, name)(*unwrap(others)))

    return apply


for _name in names.column_operators:
    setattr(Column, _name, _operator(_name))


def wrap(value: Any) -> Any:
    """A SQLFrame object behind its guard; plain values as they are."""
    from sqlframe.base.column import Column as InnerColumn
    from sqlframe.base.dataframe import BaseDataFrame
    from sqlframe.base.group import _BaseGroupedData
    from sqlframe.base.window import WindowSpec as InnerWindow

    kinds = (
        (BaseDataFrame, DataFrame),
        (InnerColumn, Column),
        (_BaseGroupedData, GroupedData),
        (InnerWindow, WindowSpec),
    )
    for inner, guard in kinds:
        if isinstance(value, inner):
            return guard(value)
    if callable(value) and not isinstance(value, type):

        def call(*args: Any, **kwargs: Any) -> Any:
            return wrap(value(*unwrap(args), **unwrap(kwargs)))

        return call
    if isinstance(value, list | str | int | float | bool | None):
        return value
    raise Unsupported(type(value).__name__)


def unwrap(value: Any) -> Any:
    """The SQLFrame objects inside guards, also within lists, tuples and dicts."""
    if isinstance(value, Guarded):
        return value._inner
    if isinstance(value, list | tuple):
        return type(value)(unwrap(each) for each in value)
    if isinstance(value, dict):
        return {key: unwrap(each) for key, each in value.items()}
    return value


view_prefix = "flow_snippet_"
_counter = itertools.count()


def _named(columns: Sequence[Any], method: str) -> Sequence[Any]:
    """The columns, when each has a name: Spark's own names, such as avg(x), are not SQLFrame's."""
    for column in columns:
        if isinstance(column, dict):
            raise Unsupported(f"{method} with a dict")
        if isinstance(column, Column) and not column.has_name():
            raise OperatorError(
                f"{method} has a computed column without a name",
                "Give it one: .alias('name').",
                "code",
            )
    return columns


def _ordered(column: Any) -> Any:
    from sqlframe.duckdb import functions
    from sqlglot import exp

    inner = functions.col(column) if isinstance(column, str) else column._inner
    return inner if isinstance(inner.expression, exp.Ordered) else inner.asc_nulls_first()


def _there(name: str, kind: str) -> str:
    """SQL that is 1 where a column has a value."""
    column = quoted(name)
    nan = f" AND NOT isnan({column})" if kind in ("double", "float") else ""
    return f"(CASE WHEN {column} IS NOT NULL{nan} THEN 1 ELSE 0 END)"


_numbers = {"bigint": "long", "int": "int", "double": "float", "float": "real"}


def _fill(value: Any, kind: str) -> str:
    """SQL for the value as Spark fills it into a column of this type; empty when it does not fit."""
    if isinstance(value, bool):
        return str(value).lower() if kind == "boolean" else ""
    if isinstance(value, int | float):
        return f"spark_{_numbers[kind]}({value!r}::DOUBLE)" if kind in _numbers else ""
    if isinstance(value, str):
        escaped = value.replace("'", "''")
        return f"'{escaped}'" if kind == "string" else ""
    return ""


def query_of(frame: DataFrame) -> str:
    """The DuckDB query behind a guarded data frame."""
    expressions = frame._inner.sql(optimize=False, pretty=False, as_list=True)
    if len(expressions) != 1:
        raise Unsupported("a cached DataFrame")
    return str(expressions[0])


def _spelled(name: str) -> str:
    # Quotes only where they are needed: SQLFrame takes `x` and x for two columns.
    return name if re.fullmatch(r"[A-Za-z_]\w*", name) else f"`{name.replace('`', '``')}`"


def known_to(session: Any, view: str) -> Any:
    """A view as SQLFrame's data frame, with its columns made known to the session."""
    # SQLFrame would look the columns up in the catalog, where temporary views are not, and parse their names.
    columns = session._conn.execute(f"DESCRIBE {view}").fetchall()
    spelled = {_spelled(row[0]): names.spark_types.get(row[1], "string") for row in columns}
    session.catalog.add_table(view, spelled)
    return session.table(view)
