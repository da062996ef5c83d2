"""Spark's aggregates and window functions on DuckDB."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from . import types
from .casts import alike, fitted
from .typed import Typed, Unsupported, combined, literal, named, unknown, wrong_count
from .types import Type

over = "\x01"
"""Stands in an aggregate's SQL where OVER (...) may be put; no text of a snippet may hold it."""

Aggregate = Callable[[Sequence[Typed], bool], Typed]


def settled(value: Typed) -> Typed:
    """The expression as SQL, where its aggregates have no window."""
    if over not in value.sql:
        return value
    return Typed(
        value.sql.replace(over, ""), value.type, value.name, unknown, value.aggregates, value.windows
    )


def _result(sql: str, kind: Type, name: str | None, parts: Sequence[Typed]) -> Typed:
    found = combined(sql, kind, name, parts)
    return Typed(found.sql, kind, found.name, unknown, True, found.windows)


def _name(function: str, parts: Sequence[Typed], distinct: bool) -> str | None:
    found = named(function, parts)
    return found.replace("(", "(DISTINCT ", 1) if found and distinct else found


def _count(arguments: Sequence[Typed], distinct: bool) -> Typed:
    wrong_count("count", arguments, 1, 10_000)
    if distinct or len(arguments) > 1:
        there = " AND ".join(f"{each.sql} IS NOT NULL" for each in arguments)
        value = arguments[0].sql
        if len(arguments) > 1:
            value = f"CASE WHEN {there} THEN row({', '.join(each.sql for each in arguments)}) END"
        sql = f"count({'DISTINCT ' if distinct else ''}{value}){over}"
    elif arguments[0].literal and arguments[0].value is not None:
        sql = f"count(*){over}"
    else:
        sql = f"count({arguments[0].sql}){over}"
    return _result(sql, types.bigint, _name("count", arguments, distinct), arguments)


def _sum(arguments: Sequence[Typed], distinct: bool) -> Typed:
    wrong_count("sum", arguments, 1, 1)
    [value] = arguments
    word, name = "DISTINCT " if distinct else "", _name("sum", arguments, distinct)
    if value.type.whole:
        sql = f"spark_wrap_bigint(CAST(sum({word}CAST({value.sql} AS HUGEINT)){over} AS HUGEINT))"
        return _result(sql, types.bigint, name, arguments)
    if value.type.name == "decimal":
        kind = types.decimal(min(38, value.type.precision + 10), value.type.scale)
        sql = f"CAST(sum({word}{value.sql}){over} AS {kind.duckdb})"
        return _result(sql, kind, name, arguments)
    number = fitted(value, types.double, "sum")
    return _result(f"sum({word}{number.sql}){over}", types.double, name, arguments)


def _average(arguments: Sequence[Typed], distinct: bool) -> Typed:
    wrong_count("avg", arguments, 1, 1)
    if arguments[0].type.name == "decimal":
        raise Unsupported("avg of decimal", "Cast it to double.")
    number = fitted(arguments[0], types.double, "avg").sql
    word = "DISTINCT " if distinct else ""
    sql = f"(sum({word}{number}){over} / nullif(count({word}{number}){over}, 0))"
    return _result(sql, types.double, _name("avg", arguments, distinct), arguments)


def _extreme(name: str) -> Aggregate:
    def apply(arguments: Sequence[Typed], _distinct: bool) -> Typed:
        wrong_count(name, arguments, 1, 1)
        if not arguments[0].type.atomic:
            raise Unsupported(f"{name} of {arguments[0].type}")
        return _result(
            f"{name}({arguments[0].sql}){over}", arguments[0].type, named(name, arguments), arguments
        )

    return apply


def _spread(name: str, function: str) -> Aggregate:
    def apply(arguments: Sequence[Typed], distinct: bool) -> Typed:
        wrong_count(name, arguments, 1, 1)
        if distinct:
            raise Unsupported(f"{name} of distinct values")
        x = fitted(arguments[0], types.double, name).sql
        sql = (
            f"CASE WHEN bool_or(NOT isfinite({x})){over} AND "
            f"{'count' if function.endswith('pop') else '-1 + count'}({x}){over} > 0 THEN 'nan'::DOUBLE "
            f"ELSE {function}(CASE WHEN isfinite({x}) THEN {x} END){over} END"
        )
        return _result(sql, types.double, named(name, arguments), arguments)

    return apply


def _pair(name: str, function: str) -> Aggregate:
    def apply(arguments: Sequence[Typed], _distinct: bool) -> Typed:
        wrong_count(name, arguments, 2, 2)
        x, y = (fitted(each, types.double, name).sql for each in arguments)
        finite = f"isfinite({x}) AND isfinite({y})"
        sql = (
            f"CASE WHEN bool_or(NOT ({finite})){over} THEN 'nan'::DOUBLE "
            f"ELSE {function}(CASE WHEN {finite} THEN {x} END, {y}){over} END"
        )
        return _result(sql, types.double, named(name, arguments), arguments)

    return apply


def _truth(name: str) -> Aggregate:
    def apply(arguments: Sequence[Typed], _distinct: bool) -> Typed:
        wrong_count(name, arguments, 1, 1)
        if arguments[0].type != types.boolean:
            raise Unsupported(f"{name} of {arguments[0].type}")
        return _result(f"{name}({arguments[0].sql}){over}", types.boolean, named(name, arguments), arguments)

    return apply


def _count_if(arguments: Sequence[Typed], _distinct: bool) -> Typed:
    wrong_count("count_if", arguments, 1, 1)
    if arguments[0].type != types.boolean:
        raise Unsupported(f"count_if of {arguments[0].type}")
    sql = f"count(CASE WHEN {arguments[0].sql} THEN 1 END){over}"
    return _result(sql, types.bigint, named("count_if", arguments), arguments)


def _percentile(arguments: Sequence[Typed], distinct: bool) -> Typed:
    wrong_count("percentile", arguments, 2, 2)
    share = arguments[1].value
    if distinct or not isinstance(share, int | float | Decimal):
        raise Unsupported("percentile with other than one share")
    return _quantile(arguments, float(str(share)), named("percentile", [*arguments, _one]))


def _median(arguments: Sequence[Typed], _distinct: bool) -> Typed:
    wrong_count("median", arguments, 1, 1)
    return _quantile(arguments, 0.5, named("median", arguments))


def _quantile(arguments: Sequence[Typed], share: float, name: str | None) -> Typed:
    number = fitted(arguments[0], types.double, "percentile").sql
    return _result(f"quantile_cont({number}, {share!r}){over}", types.double, name, arguments)


_one = Typed("1", types.integer, "1")

aggregates: dict[str, Aggregate] = {
    "count": _count,
    "sum": _sum,
    "avg": _average,
    "min": _extreme("min"),
    "max": _extreme("max"),
    "stddev": _spread("stddev", "stddev_samp"),
    "stddev_samp": _spread("stddev_samp", "stddev_samp"),
    "stddev_pop": _spread("stddev_pop", "stddev_pop"),
    "variance": _spread("variance", "var_samp"),
    "var_samp": _spread("var_samp", "var_samp"),
    "var_pop": _spread("var_pop", "var_pop"),
    "covar_pop": _pair("covar_pop", "covar_pop"),
    "covar_samp": _pair("covar_samp", "covar_samp"),
    "bool_and": _truth("bool_and"),
    "bool_or": _truth("bool_or"),
    "count_if": _count_if,
    "percentile": _percentile,
    "median": _median,
}
"""Aggregates by Spark's name: of their arguments and whether only distinct values count."""


def _ranking(function: str, kind: Type) -> Callable[[Sequence[Typed]], tuple[str, Type]]:
    def apply(arguments: Sequence[Typed]) -> tuple[str, Type]:
        wrong_count(function, arguments, 0, 0)
        return f"CAST({function}(){over} AS {kind.duckdb})", kind

    return apply


def _tiles(arguments: Sequence[Typed]) -> tuple[str, Type]:
    wrong_count("ntile", arguments, 1, 1)
    count = literal(arguments[0], "ntile", int)
    return f"CAST(ntile({count}){over} AS INTEGER)", types.integer


def _neighbour(function: str) -> Callable[[Sequence[Typed]], tuple[str, Type]]:
    def apply(arguments: Sequence[Typed]) -> tuple[str, Type]:
        wrong_count(function, arguments, 1, 3)
        value = arguments[0]
        offset = int(str(literal(arguments[1], function, int))) if len(arguments) > 1 else 1
        if len(arguments) < 3 or arguments[2].value is None:
            return f"{function}({value.sql}, {offset}){over}", value.type
        value, other = alike([value, arguments[2]], function)
        return f"{function}({value.sql}, {offset}, {other.sql}){over}", value.type

    return apply


def _end(function: str) -> Callable[[Sequence[Typed]], tuple[str, Type]]:
    def apply(arguments: Sequence[Typed]) -> tuple[str, Type]:
        wrong_count(function, arguments, 1, 2)
        ignore = len(arguments) == 2 and arguments[1].value is True
        value = arguments[0]
        return f"{function}_value({value.sql}{' IGNORE NULLS' if ignore else ''}){over}", value.type

    return apply


window_functions: dict[str, Callable[[Sequence[Typed]], tuple[str, Type]]] = {
    "row_number": _ranking("row_number", types.integer),
    "rank": _ranking("rank", types.integer),
    "dense_rank": _ranking("dense_rank", types.integer),
    "percent_rank": _ranking("percent_rank", types.double),
    "cume_dist": _ranking("cume_dist", types.double),
    "ntile": _tiles,
    "lag": _neighbour("lag"),
    "lead": _neighbour("lead"),
    "first": _end("first"),
    "last": _end("last"),
    "first_value": _end("first"),
    "last_value": _end("last"),
}
"""Functions that only windows have: their SQL and type."""
places = ("row_number", "ntile", "lag", "lead", "first", "first_value")
"""Those that depend on the order of rows that sort alike."""
