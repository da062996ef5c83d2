"""Ibis expressions as Spark SQL, with the meaning that the operators give them.

Where Ibis' own compiler for Spark means something else than the one for DuckDB, a method here settles it:
null and NaN are two things, and the functions that Ibis has no name for get their Spark expressions.
"""

from __future__ import annotations

import math
import re
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

    def visit_IsInf(self, op: Any, *, arg: Any) -> Any:
        """Ibis compares the expressions instead of writing a comparison."""
        return arg.isin(self.POS_INF, self.NEG_INF) if op.arg.dtype.is_floating() else sge.false()

    def visit_RegexReplace(self, op: Any, *, arg: Any, pattern: Any, replacement: Any) -> Any:
        """A replacement with groups as \\1, which are $1 for Java."""
        if hasattr(op.replacement, "value"):
            replacement = sge.Literal.string(java_replacement(op.replacement.value))
        return self.f.regexp_replace(arg, pattern, replacement)

    def visit_ArrayCollect(
        self, op: Any, *, arg: Any, where: Any, order_by: Any, include_null: bool, distinct: bool
    ) -> Any:
        """The values in their order, which Spark's collect_list has not; with null, which it leaves out."""
        if where is not None or distinct or not include_null:
            return super().visit_ArrayCollect(
                op, arg=arg, where=where, order_by=order_by, include_null=include_null, distinct=distinct
            )
        members: list[Any] = []
        for place, key in enumerate(order_by):
            # Structs are compared member by member, and null is less than any value.
            members += [f"n{place}", key.this.is_(NULL), f"k{place}", key.this.copy()]
        collected = self.f.anon.collect_list(self.f.anon.named_struct(*members, "value", arg))
        row = sg.to_identifier("row")
        value = sge.Lambda(this=sge.Dot(this=row, expression=sg.to_identifier("value")), expressions=[row])
        return self.f.anon.transform(self.f.anon.array_sort(collected), value)

    def visit_ScalarUDF(self, op: Any, **arguments: Any) -> Any:
        """A function of DuckDB that Ibis has no name for, or one of Python's that the run made known."""
        name = self.__sql_name__(op)
        known = functions.get(name)
        if known is None:
            return sge.Anonymous(this=name, expressions=list(arguments.values()))
        return known(*arguments.values())


compiler = FlowCompiler()


def java_replacement(replacement: str) -> str:
    """A replacement with groups as \\1 and \\\\ for a backslash, in the form of Java."""
    parts: list[str] = []
    for found in re.finditer(r"\\(\d)|\\(\\)|(.)", replacement, re.DOTALL):
        group, backslash, other = found.groups()
        text = backslash or other
        if group is not None:
            parts.append(f"${group}")
        elif text in "\\$" or (text.isdigit() and parts and re.fullmatch(r"\$\d", parts[-1])):
            parts.append(f"\\{text}")
        else:
            parts.append(text)
    return "".join(parts)


def spark_sql(table: Any) -> str:
    """An Ibis table as Spark SQL."""
    return str(compiler.to_sqlglot(table).transform(_spelled_out).sql(dialect=compiler.dialect))


_misread = re.compile("[\a\f\v]")


def _spelled_out(node: Any) -> Any:
    """A text with control characters by their codes: sqlglot writes them as \\f, which Spark reads as f."""
    if isinstance(node, sge.Literal) and node.is_string and _misread.search(node.this):
        codes = sge.Anonymous(this="unhex", expressions=[sge.Literal.string(node.this.encode().hex())])
        return sge.Anonymous(this="decode", expressions=[codes, sge.Literal.string("UTF-8")])
    return node


def unbound(types: Mapping[str, Any], name: str) -> Any:
    """An Ibis table for a view of Spark's with columns of these Ibis types."""
    return ibis.table(types, name=name)
