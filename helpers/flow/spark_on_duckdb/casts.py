"""Spark's casts (ANSI mode off) as DuckDB SQL, written or done by Spark itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..errors import OperatorError
from . import types
from .typed import Typed, Unsupported, unknown
from .types import Type


def cast(value: Typed, kind: Type) -> Typed:
    """The value as this type, as Spark's CAST makes it: null where it does not fit. The name stays."""
    if value.type == kind:
        return value
    return replace(value, sql=_cast_sql(value.sql, value.type, kind), type=kind, value=unknown)


def never_fails(source: Type, kind: Type) -> bool:
    """Whether a plain cast is never more lenient than TRY_CAST, which is strict: null for 1.7 as a whole."""
    if source.whole and kind.whole:
        return types.common(source, kind) == kind
    return (
        kind in (source, types.string, types.double)
        or source == types.void
        or (source == types.string and kind in (types.date, types.timestamp, types.boolean))
    )


def _cast_sql(sql: str, source: Type, kind: Type) -> str:
    name, refused = kind.name, Unsupported(f"a cast of {source} to {kind}")
    if source == types.void:
        return f"CAST(NULL AS {kind.duckdb})"
    if not source.atomic or not kind.atomic:
        raise refused
    if name == "string":
        return f"spark_number_text({sql})" if source.floating else f"CAST({sql} AS VARCHAR)"
    if source == types.string:
        return _text_cast(sql, kind)
    if source == types.boolean:
        if not (kind.numeric and name != "decimal"):
            raise refused
        return f"CAST({sql} AS {kind.duckdb})"
    if source.moment:
        return _moment_cast(sql, source, kind, refused)
    if name == "boolean":
        return f"({sql} <> 0)"
    if name == "timestamp":
        if source.name == "decimal":
            raise refused
        return f"spark_moment_number(CAST({sql} AS {'HUGEINT' if source.whole else 'DOUBLE'}))"
    if name == "date":
        raise refused
    return _number_cast(sql, source, kind)


def _text_cast(sql: str, kind: Type) -> str:
    name = kind.name
    if name in ("tinyint", "smallint"):
        most = 2 ** (7 if name == "tinyint" else 15)
        return f"CAST(spark_text_within({sql}, {-most}, {most - 1}) AS {kind.duckdb})"
    if name == "decimal":
        plain = (
            f"regexp_full_match(spark_trimmed({sql}), '[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?')"
        )
        return f"CASE WHEN {plain} THEN TRY_CAST(spark_trimmed({sql}) AS {kind.duckdb}) END"
    macro = {
        "bigint": "long", "int": "int", "double": "float", "float": "real", "boolean": "bool", "date": "date",
        "timestamp": "datetime",
    }[name]  # fmt: skip
    return f"spark_{macro}({sql})"


def _moment_cast(sql: str, source: Type, kind: Type, refused: Unsupported) -> str:
    if kind.moment:
        return f"CAST({sql} AS {kind.duckdb})"
    if source == types.date or not kind.numeric or kind.name == "decimal":
        raise refused
    if kind.floating:
        return f"CAST(epoch({sql}) AS {kind.duckdb})"
    return _wrap(f"spark_long({sql})", kind) if kind != types.bigint else f"spark_long({sql})"


def _wrap(sql: str, kind: Type) -> str:
    return f"spark_wrap_{kind.name}(CAST({sql} AS HUGEINT))"


def _number_cast(sql: str, source: Type, kind: Type) -> str:
    if kind.floating:
        return f"CAST({sql} AS {kind.duckdb})"
    if kind.name == "decimal":
        text = f"spark_double_decimal({sql})" if source.floating else sql
        return f"TRY_CAST({text} AS {kind.duckdb})"
    if source.floating:
        if kind.name in ("tinyint", "smallint"):
            return _wrap(f"spark_int({sql})", kind)
        return f"spark_{'long' if kind == types.bigint else 'int'}({sql})"
    if source.name == "decimal":
        return _wrap(f"trunc({sql})", kind)
    order = ("tinyint", "smallint", "int", "bigint")
    if order.index(kind.name) > order.index(source.name):
        return f"CAST({sql} AS {kind.duckdb})"
    return _wrap(sql, kind)


def fitted(value: Typed, kind: Type, function: str) -> Typed:
    """The value as the argument of a function that takes this type, where Spark casts it by itself."""
    source = value.type
    if source in (kind, types.void):
        return cast(value, kind)
    fits = (
        (kind == types.string and source.atomic and source.name != "struct")
        or (kind.numeric and (source.numeric or source == types.string))
        or (kind.moment and (source.moment or source == types.string))
    )
    if not fits:
        raise OperatorError(
            f"gives {function} a value of type {source}, where Spark wants {kind}", "Cast it.", "code"
        )
    return cast(value, kind)


def wrong_types(operator: str, *values: Typed) -> OperatorError:
    """Values that do not go together."""
    kinds = " and ".join(str(value.type) for value in values)
    return OperatorError(f"uses {operator!r} between {kinds}, which Spark refuses", "Cast them.", "code")


def alike(values: Sequence[Typed], function: str, comparing: bool = False) -> list[Typed]:
    """The values in one common type."""
    kind: Type | None = values[0].type
    for value in values[1:]:
        kind = (types.compared if comparing else types.common)(kind, value.type) if kind else None
    if kind is None or (kind.name == "decimal" and kind.precision > 38):
        raise wrong_types(function, *values)
    return [cast(value, kind) for value in values]
