"""Expressions with a type, as DuckDB SQL: their casts and operators with Spark's meaning (ANSI mode off)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..errors import OperatorError
from . import types
from .types import Type

unknown = object()
"""The value of an expression that is no literal."""


class Unsupported(OperatorError):
    """Something of Spark that is not known to give Spark's result on DuckDB."""

    def __init__(self, construct: str, remedy: str = "") -> None:
        super().__init__(
            f"uses {construct}, which the DuckDB engine does not run as Spark does",
            remedy or "Write it another way, or run the flow on Spark: --engine spark.",
            "code",
        )


@dataclass(frozen=True)
class Typed:
    """DuckDB SQL with its Spark type and the name Spark gives to such a column (None: not known).

    `value`: of a literal. `aggregates`: it adds up rows. `windows`: it looks at other rows.
    """

    sql: str
    type: Type
    name: str | None
    value: Any = unknown
    aggregates: bool = False
    windows: bool = False

    @property
    def literal(self) -> bool:
        """Whether it is a literal."""
        return self.value is not unknown


def text_sql(text: str) -> str:
    """A text as SQL."""
    if "\0" in text:
        raise Unsupported("a text with the character 0")
    escaped = text.replace("'", "''")
    return f"'{escaped}'"


def combined(sql: str, kind: Type, name: str | None, parts: Sequence[Typed]) -> Typed:
    """An expression made of others."""
    if any(part.name is None for part in parts):
        name = None
    return Typed(
        sql,
        kind,
        name,
        aggregates=any(part.aggregates for part in parts),
        windows=any(part.windows for part in parts),
    )


def named(function: str, parts: Sequence[Typed]) -> str | None:
    """The name Spark gives to a function of these."""
    if any(part.name is None for part in parts):
        return None
    return f"{function}({', '.join(str(part.name) for part in parts)})"


def cast(value: Typed, kind: Type) -> Typed:
    """The value as this type, as Spark's CAST makes it: null where it does not fit. The name stays."""
    if value.type == kind:
        return value
    return replace(value, sql=_cast_sql(value.sql, value.type, kind), type=kind, value=unknown)


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
        plain = f"regexp_full_match(trim({sql}), '[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?')"
        return f"CASE WHEN {plain} THEN TRY_CAST(trim({sql}) AS {kind.duckdb}) END"
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


def wrong_count(name: str, arguments: Sequence[Typed], least: int, most: int) -> None:
    """Refuse a function with too few or too many arguments."""
    if not least <= len(arguments) <= most:
        wanted = str(least) if least == most else f"{least} to {most}"
        raise OperatorError(f"calls {name} with {len(arguments)} values", f"It takes {wanted}.", "code")


def literal(value: Typed, function: str, kind: type = str) -> object:
    """The value of an argument that must be written out."""
    if not value.literal or not isinstance(value.value, kind) or isinstance(value.value, bool):
        raise Unsupported(f"{function} with an argument that is not written out")
    return value.value
