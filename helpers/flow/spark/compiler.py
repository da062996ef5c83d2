"""Ibis expressions as Spark SQL, with the meaning that the operators give them.

Where Ibis' own compiler for Spark means something else than the one for DuckDB, a method here settles it:
null and NaN are two things, and the functions that Ibis has no name for get their Spark expressions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import ibis
import sqlglot as sg
import sqlglot.expressions as sge
from ibis.backends.sql.compilers.base import NULL, SQLGlotCompiler
from ibis.backends.sql.compilers.pyspark import PySparkCompiler

from .functions import functions


class FlowCompiler(PySparkCompiler):  # type: ignore[misc]
    """Ibis' compiler for Spark, but for what it takes otherwise than the operators mean it."""

    __slots__ = ()

    def visit_Field(self, op: Any, *, rel: Any, name: str) -> Any:
        """A column; null and NaN stay what they are."""
        return SQLGlotCompiler.visit_Field(self, op, rel=rel, name=name)

    def visit_NonNullLiteral(self, op: Any, *, value: Any, dtype: Any) -> Any:
        """A literal; Spark takes a plain 1.0 for a decimal number."""
        if dtype.is_floating() and math.isfinite(value):
            return self.cast(repr(float(value)), dtype)
        if dtype.is_floating():
            return SQLGlotCompiler.visit_NonNullLiteral(self, op, value=value, dtype=dtype)
        return super().visit_NonNullLiteral(op, value=value, dtype=dtype)

    def visit_IsNull(self, op: Any, *, arg: Any) -> Any:  # noqa: ARG002
        """NaN is a value."""
        return arg.is_(NULL)

    def visit_NotNull(self, op: Any, *, arg: Any) -> Any:  # noqa: ARG002
        """NaN is a value."""
        return arg.is_(sg.not_(NULL))

    def visit_ScalarUDF(self, op: Any, **arguments: Any) -> Any:
        """A function of DuckDB that Ibis has no name for, or one of Python's that the run made known."""
        name = self.__sql_name__(op)
        known = functions.get(name)
        if known is None:
            return sge.Anonymous(this=name, expressions=list(arguments.values()))
        return known(*arguments.values())


compiler = FlowCompiler()


def spark_sql(table: Any) -> str:
    """An Ibis table as Spark SQL."""
    return str(compiler.to_sqlglot(table).sql(dialect=compiler.dialect))


def unbound(types: Mapping[str, Any], name: str) -> Any:
    """An Ibis table for a view of Spark's with columns of these Ibis types."""
    return ibis.table(types, name=name)
