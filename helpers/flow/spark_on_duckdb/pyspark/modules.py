"""The `pyspark` that a custom snippet imports, and the session it meets."""

from __future__ import annotations

import contextlib
import sys
import types
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec
from typing import Any

from ...errors import OperatorError
from ..casts import cast
from ..literals import typed_literal
from ..queries import queried
from ..relations import Relation, hidden
from ..typed import Unsupported
from ..types import Type, spark_type
from ..workspace import Workspace
from . import types as pyspark_types
from .columns import Column, WindowSpec
from .data_frame import DataFrame
from .functions import Functions
from .grouping import GroupedData
from .types import Row, StructType

_most_rows = 10_000


class SparkSession:
    """The session: SQL over temporary views and the table `df`, small tables from Python."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._tables: dict[str, Relation] = {}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise Unsupported(f"SparkSession.{name}")

    @property
    def sparkContext(self) -> SparkContext:
        """The context, of which only the level of the log can be set."""
        return SparkContext()

    def sql(self, sqlQuery: str) -> DataFrame:
        """The result of a query over temporary views."""
        return DataFrame(queried(sqlQuery, self._tables), self)

    def table(self, tableName: str) -> DataFrame:
        """A temporary view."""
        if tableName.lower() not in self._tables:
            raise OperatorError(f"reads the table '{tableName}'", "Make it a temporary view before.", "code")
        return DataFrame(self._tables[tableName.lower()], self)

    def range(
        self,
        start: int,
        end: int | None = None,
        step: int = 1,
        numPartitions: Any = None,  # noqa: ARG002
    ) -> DataFrame:
        """Whole numbers as the column id."""
        first, last = (0, start) if end is None else (start, end)
        return self.createDataFrame([(number,) for number in range(first, last, step)], "id bigint")

    def createDataFrame(self, data: Any, schema: Any = None, *_: Any, **__: Any) -> DataFrame:
        """A small table of rows from Python."""
        names, kinds, rows = _table(data, schema)
        return DataFrame(_values(self._workspace, names, kinds, rows), self)


class SparkContext:
    """`spark.sparkContext`."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise Unsupported(f"SparkContext.{name}")

    def setLogLevel(self, logLevel: str) -> None:
        """Nothing: the engine has a log of its own."""


class Builder:
    """`SparkSession.builder`: whatever is asked for, there is one session."""

    def __init__(self, session: SparkSession) -> None:
        self._session = session

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name not in ("appName", "master"):
            raise Unsupported(f"SparkSession.builder.{name}")
        return lambda *_: self

    def getOrCreate(self) -> SparkSession:
        """The session of the run."""
        return self._session


def _table(data: Any, schema: Any) -> tuple[list[str], list[Type | None], list[list[Any]]]:
    if hasattr(data, "to_dict") and hasattr(data, "columns"):
        raise Unsupported(
            "SparkSession.createDataFrame of pandas", "Give it data.values.tolist() and a schema."
        )
    given = list(data)
    if len(given) > _most_rows:
        raise Unsupported(f"SparkSession.createDataFrame of more than {_most_rows} rows")
    names: list[str] = []
    kinds: list[Type | None] = []
    if isinstance(schema, StructType):
        names, kinds = schema.names, [each.dataType.spark for each in schema.fields]
    elif isinstance(schema, str):
        struct = spark_type(f"struct<{schema}>")
        names, kinds = [name for name, _ in struct.fields], [kind for _, kind in struct.fields]
    elif isinstance(schema, list | tuple):
        names = [str(each) for each in schema]
    elif schema is not None:
        raise Unsupported("SparkSession.createDataFrame with such a schema")
    if given and isinstance(given[0], dict):
        names = names or sorted(given[0])
        rows = [[row.get(name) for name in names] for row in given]
    else:
        if given and isinstance(given[0], Row) and given[0].__fields__ and not names:
            names = list(given[0].__fields__)
        rows = [list(row) if isinstance(row, list | tuple) else [row] for row in given]
        width = len(rows[0]) if rows else len(names)
        names = names or [f"_{place + 1}" for place in range(width)]
    if any(len(row) != len(names) for row in rows):
        raise OperatorError(
            "makes a table of rows of different lengths", "Give every row all columns.", "code"
        )
    return names, kinds or [None] * len(names), rows


def _values(
    workspace: Workspace, names: list[str], kinds: Sequence[Type | None], rows: list[list[Any]]
) -> Relation:
    outputs = []
    for place, (name, kind) in enumerate(zip(names, kinds, strict=True)):
        outputs.append(workspace.output(name, kind or _inferred(name, [row[place] for row in rows])))
    lines = []
    for number, row in enumerate(rows):
        cells = []
        for output, value in zip(outputs, row, strict=True):
            if value is not None and not _is_a(value, output.type):
                raise OperatorError(
                    f"makes a table with {value!r} in the column '{output.name}' of type {output.type}",
                    "Give it plain values of that type.",
                    "code",
                )
            cells.append(f"{cast(typed_literal(value), output.type).sql} AS {output.column}")
        lines.append(f"SELECT {', '.join([*cells, f'{number} AS {hidden}'])}")
    if not lines:
        cells = [f"CAST(NULL AS {each.type.duckdb}) AS {each.column}" for each in outputs]
        lines = [f"SELECT {', '.join([*cells, f'0 AS {hidden}'])} WHERE false"]
    view = workspace.run.view(" UNION ALL ".join(lines))
    return Relation(workspace, f"SELECT * FROM {view}", tuple(outputs), ordered=True)


def _is_a(value: Any, kind: Type) -> bool:
    import datetime
    import decimal

    wanted: dict[str, tuple[type, ...]] = {
        "string": (str,), "boolean": (bool,), "double": (float,), "float": (float,),
        "decimal": (decimal.Decimal,),
        "timestamp": (datetime.datetime,), "date": (datetime.date,),
    }  # fmt: skip
    if kind.whole:
        return isinstance(value, int) and not isinstance(value, bool)
    if kind.name == "date" and isinstance(value, datetime.datetime):
        return False
    return kind.name in wanted and isinstance(value, wanted[kind.name])


def _inferred(name: str, values: Sequence[Any]) -> Type:
    there = [typed_literal(value).type for value in values if value is not None]
    there = [spark_type("bigint") if kind.whole else kind for kind in there]
    if not there or any(kind != there[0] for kind in there) or there[0].name == "decimal":
        raise OperatorError(
            f"makes a table whose column '{name}' has no one type",
            "Give a schema: 'a int, b string'.",
            "code",
        )
    return there[0]


class _Refusing:
    """Finds the modules of PySpark that are not here, to refuse them by name."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:  # noqa: ARG002
        """Refuse a module of PySpark."""
        if name.partition(".")[0] == "pyspark":
            raise Unsupported(f"the module {name}")
        return None


def _modules(session: SparkSession) -> dict[str, types.ModuleType]:
    root, sql, kinds, window = (
        types.ModuleType(name)
        for name in ("pyspark", "pyspark.sql", "pyspark.sql.types", "pyspark.sql.window")
    )
    functions = Functions("pyspark.sql.functions")
    spark = type("SparkSession", (), {"builder": Builder(session), "getActiveSession": lambda: session})
    contents: dict[types.ModuleType, dict[str, Any]] = {
        root: {"sql": sql, "__path__": [], "Row": Row},
        kinds: {**pyspark_types.public, "Row": Row, "__all__": [*pyspark_types.starred, "Row"]},
        window: {"Window": WindowSpec(), "WindowSpec": WindowSpec},
        sql: {
            "functions": functions, "types": kinds, "window": window, "Window": WindowSpec(),
            "DataFrame": DataFrame,
            "Column": Column, "GroupedData": GroupedData, "SparkSession": spark, "Row": Row, "__path__": [],
        },
    }  # fmt: skip
    for module, values in contents.items():
        module.__dict__.update(values)
    return {module.__name__: module for module in (root, sql, functions, kinds, window)}


@contextlib.contextmanager
def pretended_pyspark(session: SparkSession) -> Iterator[None]:
    """Within, `import pyspark.sql...` finds the engine's modules; afterwards everything is as before."""
    before = {name: module for name, module in sys.modules.items() if name.split(".")[0] == "pyspark"}
    for name in before:
        del sys.modules[name]
    sys.modules.update(_modules(session))
    refusing = _Refusing()
    sys.meta_path.insert(0, refusing)
    try:
        yield
    finally:
        sys.meta_path.remove(refusing)
        for name in [name for name in sys.modules if name.split(".")[0] == "pyspark"]:
            del sys.modules[name]
        sys.modules.update(before)
