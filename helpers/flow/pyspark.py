"""Custom PySpark on DuckDB: SQLFrame behind a guard.

SQLFrame offers PySpark's API over SQL. It differs from Spark in places without saying so, and an unknown
attribute of its data frames is silently a column. So a snippet only meets the guarded objects of this file:
they pass on what is on a list of methods and functions known to agree with Spark (`pyspark_names.py`), and
refuse everything else by name.
"""

from __future__ import annotations

import contextlib
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

from . import pyspark_names as names
from .errors import OperatorError

_dialect = "normalization_strategy=case_sensitive"


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


class WindowSpec(Guarded):
    """A window of rows."""

    _kind = "Window"
    _allowed = names.window

    def __init__(self, inner: Any = None) -> None:
        if inner is None:
            from sqlframe.duckdb import Window as inner
        super().__init__(inner)


class Column(Guarded):
    """A column expression with Spark's operators."""

    _kind = "Column"
    _allowed = names.column
    __hash__ = object.__hash__

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


def query_of(frame: DataFrame) -> str:
    """The DuckDB query behind a guarded data frame."""
    expressions = frame._inner.sql(optimize=False, pretty=False, as_list=True)
    if len(expressions) != 1:
        raise Unsupported("a cached DataFrame")
    return str(expressions[0])


class Functions(types.ModuleType):
    """`pyspark.sql.functions` with the functions known to agree with Spark."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name not in names.functions:
            raise Unsupported(f"pyspark.sql.functions.{name}")
        from sqlframe.duckdb import functions

        return wrap(getattr(functions, name))


def _modules() -> dict[str, types.ModuleType]:
    root, sql, types_module = (
        types.ModuleType(name) for name in ("pyspark", "pyspark.sql", "pyspark.sql.types")
    )
    functions, window = Functions("pyspark.sql.functions"), types.ModuleType("pyspark.sql.window")
    functions.__all__ = sorted(names.functions)  # type: ignore[attr-defined]
    for name, spark in names.type_classes.items():
        setattr(types_module, name, type(name, (), {"__str__": lambda _self, spark=spark: spark}))
    window.Window = WindowSpec()  # type: ignore[attr-defined]
    root.sql, root.__path__ = sql, []  # type: ignore[attr-defined]
    sql.__path__ = []
    for name, value in {
        "functions": functions,
        "types": types_module,
        "window": window,
        "Window": WindowSpec(),
        "DataFrame": DataFrame,
        "Column": Column,
    }.items():
        setattr(sql, name, value)
    modules = (root, sql, functions, types_module, window)
    return {module.__name__: module for module in modules}


@contextlib.contextmanager
def pretended_pyspark() -> Iterator[None]:
    """Within, `import pyspark.sql...` finds the guarded modules; afterwards everything is as before."""
    before = {name: module for name, module in sys.modules.items() if name.split(".")[0] == "pyspark"}
    for name in before:
        del sys.modules[name]
    sys.modules.update(_modules())
    try:
        yield
    finally:
        for name in [name for name in sys.modules if name.split(".")[0] == "pyspark"]:
            del sys.modules[name]
        sys.modules.update(before)


def data_frame(connection: Any, view: str) -> DataFrame:
    """A guarded data frame of a view of this DuckDB connection."""
    from sqlframe.base.session import _BaseSession
    from sqlframe.duckdb import DuckDBSession
    from sqlglot.dialects.dialect import Dialect

    class Session(DuckDBSession):
        """A session that puts no functions of its own into the database."""

        def __init__(self, conn: Any = None) -> None:
            if not hasattr(self, "_conn"):  # SQLFrame calls the class again to find its one session.
                _BaseSession.__init__(self, conn)
                self._last_result = None

    _BaseSession._instance = None  # SQLFrame keeps one session a process; each snippet gets its own.
    session = Session(connection)
    session.input_dialect = Dialect.get_or_raise(f"spark, {_dialect}")
    session.output_dialect = Dialect.get_or_raise(f"duckdb, {_dialect}")
    session.execution_dialect = Dialect.get_or_raise(f"duckdb, {_dialect}")
    # SQLFrame would look the columns up in the catalog, where temporary views are not, and parse their names.
    columns = connection.execute(f"DESCRIBE {view}").fetchall()
    spelled = {f"`{row[0].replace('`', '``')}`": names.spark_types.get(row[1], "string") for row in columns}
    session.catalog.add_table(view, spelled)
    return DataFrame(session.table(view))
