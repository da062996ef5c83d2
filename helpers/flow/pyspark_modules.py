"""The `pyspark` that a custom snippet imports: guarded modules over the DuckDB connection of the run."""

from __future__ import annotations

import contextlib
import sys
import types
from collections.abc import Iterator
from typing import Any

from . import pyspark_names as names
from .pyspark import Column, DataFrame, Unsupported, WindowSpec, known_to, wrap

_dialect = "normalization_strategy=case_sensitive"


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
                self.made_views: dict[str, str] = {}

    _BaseSession._instance = None  # SQLFrame keeps one session a process; each snippet gets its own.
    session = Session(connection)
    session.input_dialect = Dialect.get_or_raise(f"spark, {_dialect}")
    session.output_dialect = Dialect.get_or_raise(f"duckdb, {_dialect}")
    session.execution_dialect = Dialect.get_or_raise(f"duckdb, {_dialect}")
    return DataFrame(known_to(session, view))
