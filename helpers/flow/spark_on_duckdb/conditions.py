"""Spark's functions that choose between values, or ask for missing ones, on DuckDB."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import OperatorError
from . import types
from .casts import alike, fitted
from .operators import comparison, logical
from .typed import Function, Typed, Unsupported, combined, named, wrong_count


def _coalesce(arguments: Sequence[Typed]) -> Typed:
    wrong_count("coalesce", arguments, 1, 10_000)
    given = alike(arguments, "coalesce")
    sql = f"coalesce({', '.join(each.sql for each in given)})"
    return combined(sql, given[0].type, named("coalesce", arguments), arguments)


def _nvl(arguments: Sequence[Typed]) -> Typed:
    wrong_count("nvl", arguments, 2, 2)
    found = _coalesce(arguments)
    return combined(found.sql, found.type, named("nvl", arguments), arguments)


def _nvl2(arguments: Sequence[Typed]) -> Typed:
    wrong_count("nvl2", arguments, 3, 3)
    first, second = alike(arguments[1:], "nvl2")
    sql = f"CASE WHEN {arguments[0].sql} IS NOT NULL THEN {first.sql} ELSE {second.sql} END"
    return combined(sql, first.type, named("nvl2", arguments), arguments)


def _nullif(arguments: Sequence[Typed]) -> Typed:
    wrong_count("nullif", arguments, 2, 2)
    left, right = alike(arguments, "nullif", comparing=True)
    sql = f"CASE WHEN {left.sql} = {right.sql} THEN NULL ELSE {arguments[0].sql} END"
    return combined(sql, arguments[0].type, named("nullif", arguments), arguments)


def _if(arguments: Sequence[Typed]) -> Typed:
    wrong_count("if", arguments, 3, 3)
    if arguments[0].type != types.boolean:
        raise OperatorError("calls if with a condition that is no truth value", "Compare it.", "code")
    first, second = alike(arguments[1:], "if")
    sql = f"CASE WHEN {arguments[0].sql} THEN {first.sql} ELSE {second.sql} END"
    name = None
    if all(each.name is not None for each in arguments):
        name = f"(IF({', '.join(str(each.name) for each in arguments)}))"
    return combined(sql, first.type, name, arguments)


def _extreme(name: str) -> Function:
    def apply(arguments: Sequence[Typed]) -> Typed:
        wrong_count(name, arguments, 2, 10_000)
        kind: types.Type | None = arguments[0].type
        for each in arguments[1:]:
            kind = types.tightest(kind, each.type) if kind else None
        if kind is None:
            raise Unsupported(f"{name} of values of different types", "Cast them to one.")
        given = alike(arguments, name)
        sql = f"{name}({', '.join(each.sql for each in given)})"
        return combined(sql, given[0].type, named(name, arguments), arguments)

    return apply


def _is_null(negated: bool) -> Function:
    def apply(arguments: Sequence[Typed]) -> Typed:
        wrong_count("isnull", arguments, 1, 1)
        word = "IS NOT NULL" if negated else "IS NULL"
        sql = f"({arguments[0].sql} {word})"
        return combined(sql, types.boolean, f"({arguments[0].name} {word})", arguments)

    return apply


def _is_nan(arguments: Sequence[Typed]) -> Typed:
    wrong_count("isnan", arguments, 1, 1)
    [value] = arguments
    given = value if value.type.floating else fitted(value, types.double, "isnan")
    sql = f"coalesce(isnan({given.sql}), false)"
    return combined(sql, types.boolean, named("isnan", arguments), arguments)


def _between(arguments: Sequence[Typed]) -> Typed:
    wrong_count("between", arguments, 3, 3)
    value, low, high = arguments
    sql = logical("and", [comparison(">=", value, low), comparison("<=", value, high)]).sql
    return combined(sql, types.boolean, named("between", arguments), arguments)


functions: dict[str, Function] = {
    "coalesce": _coalesce,
    "nvl": _nvl,
    "nvl2": _nvl2,
    "nullif": _nullif,
    "if": _if,
    "greatest": _extreme("greatest"),
    "least": _extreme("least"),
    "isnull": _is_null(False),
    "isnotnull": _is_null(True),
    "isnan": _is_nan,
    "between": _between,
}
