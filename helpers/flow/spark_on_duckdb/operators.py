"""Arithmetic, comparisons and truth values as DuckDB SQL, with Spark's types and meaning (ANSI mode off)."""

from __future__ import annotations

from collections.abc import Sequence

from . import types
from .casts import cast, wrong_types
from .typed import Typed, Unsupported, combined
from .types import Type


def _literal_decimal(value: Typed) -> Type:
    if value.literal and value.type.whole:
        return types.decimal(max(len(str(abs(value.value))), 1), 0)
    return types.as_decimal(value.type)


def arithmetic(operator: str, left: Typed, right: Typed) -> Typed:
    """`+`, `-`, `*`, `/`, `%` and `div` of two numbers; what is divided by 0 is null."""
    name = f"({left.name} {operator} {right.name})"
    if left.type.moment or right.type.moment:
        return _moments(operator, left, right)
    for value in (left, right):
        if not (value.type.numeric or value.type in (types.string, types.void)):
            raise wrong_types(operator, left, right)
    kinds = [types.double if value.type == types.string else value.type for value in (left, right)]
    kind = types.tightest(*kinds) or types.double
    if kind == types.void:
        kind = types.double
    if operator == "div":
        if not kind.whole:
            raise Unsupported("'div' of numbers that are not whole")
        whole = [cast(each, types.bigint) for each in (left, right)]
        return combined(f"({whole[0].sql} // nullif({whole[1].sql}, 0))", types.bigint, name, (left, right))
    if operator == "/" and kind.name != "decimal":
        kind = types.double
    if kind.name == "decimal":
        return combined(*_decimals(operator, left, right), name, (left, right))
    first, second = (cast(each, kind).sql for each in (left, right))
    if operator in ("/", "%"):
        return combined(f"({first} {operator} nullif({second}, 0))", kind, name, (left, right))
    if kind.floating:
        return combined(f"({first} {operator} {second})", kind, name, (left, right))
    sql = f"CAST({first} AS HUGEINT) {operator} CAST({second} AS HUGEINT)"
    return combined(f"spark_wrap_{kind.name}({sql})", kind, name, (left, right))


def _decimals(operator: str, left: Typed, right: Typed) -> tuple[str, Type]:
    first, second = _literal_decimal(left), _literal_decimal(right)
    (p, s), (q, t) = (first.precision, first.scale), (second.precision, second.scale)
    if operator in ("+", "-"):
        scale = max(s, t)
        kind = types.decimal(max(p - s, q - t) + scale + 1, scale)
    elif operator == "*":
        kind = types.decimal(p + q + 1, s + t)
    elif operator == "/":
        scale = max(6, s + q + 1)
        kind = types.decimal(p - s + t + scale, scale)
    else:
        kind = types.decimal(min(p - s, q - t) + max(s, t), max(s, t))
    spare = kind.scale if operator == "/" else 0
    if kind.precision + spare > 38 or p > 38 or q > 38:
        raise Unsupported(
            f"{left.type} {operator} {right.type}: a decimal of so many digits", "Cast one to double."
        )
    one, two = (f"CAST({each.sql} AS {wide.duckdb})" for each, wide in ((left, first), (right, second)))
    if operator == "%":
        return f"CAST({one} % nullif({two}, 0) AS {kind.duckdb})", kind
    if operator != "/":
        return f"CAST({one} {operator} {two} AS {kind.duckdb})", kind
    # Whole numbers of the last digit's units, halves rounded away from zero.
    shift = kind.scale - s + t
    above = f"CAST({one} * {_power(s)} AS HUGEINT) * {_power(shift)}"
    below = f"CAST(nullif({two}, 0) * {_power(t)} AS HUGEINT)"
    whole = f"(abs({above}) * 2 + abs({below})) // (abs({below}) * 2) * sign({one}) * sign({two})"
    unit = f"CAST('{10**-kind.scale:.{kind.scale}f}' AS DECIMAL({kind.scale}, {kind.scale}))"
    return f"CAST(CAST({whole} AS DECIMAL({kind.precision}, 0)) * {unit} AS {kind.duckdb})", kind


def _power(digits: int) -> str:
    return f"{10**digits}::HUGEINT" if digits else "1"


def _moments(operator: str, left: Typed, right: Typed) -> Typed:
    days = right.type in (types.integer, types.smallint, types.tinyint)
    if left.type == types.date and days and operator in ("+", "-"):
        name = f"date_{'add' if operator == '+' else 'sub'}({left.name}, {right.name})"
        sql = f"CAST({left.sql} {operator} CAST({right.sql} AS INTEGER) AS DATE)"
        return combined(sql, types.date, name, (left, right))
    raise Unsupported(f"{left.type} {operator} {right.type}", "Use datediff, date_add or unix_timestamp.")


def comparison(operator: str, left: Typed, right: Typed) -> Typed:
    """`=`, `<`, `<=>` and so on; `!=` has the name Spark gives it."""
    if not (left.type.atomic and right.type.atomic):
        raise Unsupported(f"{left.type} {operator} {right.type}")
    kind = types.compared(left.type, right.type)
    if kind is None:
        raise wrong_types(operator, left, right)
    first, second = (cast(each, kind).sql for each in (left, right))
    spelled = {"<=>": "IS NOT DISTINCT FROM", "!=": "<>"}.get(operator, operator)
    name = f"({left.name} {operator} {right.name})"
    if operator == "!=":
        name = f"(NOT ({left.name} = {right.name}))"
    return combined(f"({first} {spelled} {second})", types.boolean, name, (left, right))


def logical(operator: str, values: Sequence[Typed]) -> Typed:
    """`and`, `or`, `not`."""
    sides = [value if value.type != types.void else cast(value, types.boolean) for value in values]
    if any(side.type != types.boolean for side in sides):
        raise wrong_types(operator, *values)
    if operator == "not":
        return combined(f"(NOT {sides[0].sql})", types.boolean, f"(NOT {values[0].name})", values)
    upper = operator.upper()
    name = f"({values[0].name} {upper} {values[1].name})"
    return combined(f"({sides[0].sql} {upper} {sides[1].sql})", types.boolean, name, values)


def negative(value: Typed) -> Typed:
    """`-x`; the least whole number stays itself."""
    if value.literal and value.type.numeric:
        minus = -value.value
        shown = f"-{value.name}" if not str(value.name).startswith("-") else str(value.name)[1:]
        return Typed(f"CAST('{minus}' AS {value.type.duckdb})", value.type, f"{shown}", minus)
    kind = types.double if value.type in (types.string, types.void) else value.type
    if not kind.numeric:
        raise wrong_types("-", value)
    sql = f"(-{cast(value, kind).sql})"
    if kind.whole:
        sql = f"spark_wrap_{kind.name}(-CAST({value.sql} AS HUGEINT))"
    return combined(sql, kind, f"(- {value.name})", (value,))
