"""Spark's functions of one row on DuckDB: a table of the plain ones; `text`, `moments` and
`numbers` hold those that depend on types or on the value of an argument."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..errors import OperatorError
from . import moments, numbers, text, types
from .typed import (
    Typed,
    Unsupported,
    alike,
    combined,
    comparison,
    fitted,
    literal,
    logical,
    named,
    wrong_count,
)
from .types import spark_type

Function = Callable[[Sequence[Typed]], Typed]

_plain: dict[str, tuple[str, str, str]] = {
    # texts
    "upper": ("string", "string", "upper(replace({0}, 'ß', 'SS'))"),
    "lower": ("string", "string", "lower(replace({0}, 'İ', 'i' || chr(775)))"),
    "initcap": ("string", "string", "spark_initcap({0})"),
    "length": ("string", "int", "CAST(length({0}) AS INTEGER)"),
    "ascii": ("string", "int", "CASE WHEN {0} = '' THEN 0 ELSE CAST(unicode({0}) AS INTEGER) END"),
    "instr": ("string string", "int", "CAST(instr({0}, {1}) AS INTEGER)"),
    "translate": ("string string string", "string", "translate({0}, {1}, {2})"),
    "replace": ("string string string", "string", "replace({0}, {1}, {2})"),
    "repeat": ("string int", "string", "repeat({0}, greatest({1}, 0) + 0 * {1})"),
    "levenshtein": ("string string", "int", "CAST(levenshtein({0}, {1}) AS INTEGER)"),
    "md5": ("string", "string", "md5({0})"),
    "sha1": ("string", "string", "sha1({0})"),
    "startswith": ("string string", "boolean", "starts_with({0}, {1})"),
    "endswith": ("string string", "boolean", "ends_with({0}, {1})"),
    "contains": ("string string", "boolean", "contains({0}, {1})"),
    "left": ("string int", "string", "spark_substring({0}, 1, {1})"),
    # numbers
    "sqrt": ("double", "double", "spark_sqrt({0})"),
    "cbrt": ("double", "double", "cbrt({0})"),
    "exp": ("double", "double", "exp({0})"),
    "ln": ("double", "double", "spark_log({0})"),
    "log10": ("double", "double", "CASE WHEN isnan({0}) THEN {0} WHEN {0} > 0 THEN log10({0}) END"),
    "log2": ("double", "double", "CASE WHEN isnan({0}) THEN {0} WHEN {0} > 0 THEN log2({0}) END"),
    "power": ("double double", "double", "pow({0}, {1})"),
    "hypot": ("double double", "double", "sqrt({0} * {0} + {1} * {1})"),
    "sin": ("double", "double", "spark_unless_infinite({0}, sin(spark_not_infinite({0})))"),
    "cos": ("double", "double", "spark_unless_infinite({0}, cos(spark_not_infinite({0})))"),
    "tan": ("double", "double", "spark_unless_infinite({0}, tan(spark_not_infinite({0})))"),
    "asin": ("double", "double", "spark_within_one({0}, asin(CASE WHEN abs({0}) <= 1 THEN {0} END))"),
    "acos": ("double", "double", "spark_within_one({0}, acos(CASE WHEN abs({0}) <= 1 THEN {0} END))"),
    "atan": ("double", "double", "atan({0})"),
    "atan2": ("double double", "double", "atan2({0}, {1})"),
    "sinh": ("double", "double", "sinh({0})"),
    "cosh": ("double", "double", "cosh({0})"),
    "tanh": ("double", "double", "tanh({0})"),
    "degrees": ("double", "double", "degrees({0})"),
    "radians": ("double", "double", "radians({0})"),
    "sign": ("double", "double", "CASE WHEN isnan({0}) THEN {0} ELSE CAST(sign({0}) AS DOUBLE) END"),
    "pi": ("", "double", "pi()"),
    "e": ("", "double", "exp(1::DOUBLE)"),
    "factorial": ("int", "bigint", "CASE WHEN {0} BETWEEN 0 AND 20 THEN CAST(factorial({0}) AS BIGINT) END"),
    "nanvl": ("double double", "double", "spark_nanvl({0}, {1})"),
    # dates
    "year": ("date", "int", "CAST(year({0}) AS INTEGER)"),
    "quarter": ("date", "int", "CAST(quarter({0}) AS INTEGER)"),
    "month": ("date", "int", "CAST(month({0}) AS INTEGER)"),
    "dayofmonth": ("date", "int", "CAST(day({0}) AS INTEGER)"),
    "dayofyear": ("date", "int", "CAST(dayofyear({0}) AS INTEGER)"),
    "dayofweek": ("date", "int", "CAST(dayofweek({0}) + 1 AS INTEGER)"),
    "weekday": ("date", "int", "CAST(isodow({0}) - 1 AS INTEGER)"),
    "weekofyear": ("date", "int", "CAST(week({0}) AS INTEGER)"),
    "hour": ("timestamp", "int", "CAST(hour({0}) AS INTEGER)"),
    "minute": ("timestamp", "int", "CAST(minute({0}) AS INTEGER)"),
    "second": ("timestamp", "int", "CAST(second({0}) AS INTEGER)"),
    "last_day": ("date", "date", "last_day({0})"),
    "date_add": ("date int", "date", "CAST({0} + CAST({1} AS INTEGER) AS DATE)"),
    "date_sub": ("date int", "date", "CAST({0} - CAST({1} AS INTEGER) AS DATE)"),
    "datediff": ("date date", "int", "CAST(({0} - {1}) AS INTEGER)"),
    "add_months": ("date int", "date", "spark_add_months({0}, {1})"),
    "current_date": ("", "date", "CAST(current_timestamp AS DATE)"),
    "current_timestamp": ("", "timestamp", "CAST(current_timestamp AS TIMESTAMP)"),
    "unix_date": ("date", "int", "CAST(({0} - DATE '1970-01-01') AS INTEGER)"),
    "timestamp_seconds": ("bigint", "timestamp", "make_timestamp({0} * 1000000)"),
    "unix_seconds": ("timestamp", "bigint", "spark_long({0})"),
}  # fmt: skip

same_as = {
    "ucase": "upper", "lcase": "lower", "char_length": "length", "character_length": "length",
    "len": "length",
    "sha": "sha1", "pow": "power", "signum": "sign", "day": "dayofmonth", "date_diff": "datediff",
    "now": "current_timestamp", "substr": "substring", "ifnull": "nvl", "regexp": "rlike",
    "regexp_like": "rlike", "std": "stddev", "mean": "avg", "every": "bool_and",
    "some": "bool_or", "any": "bool_or",
}  # fmt: skip
"""Other names of functions; the names of columns keep the one that was written."""


def _plain_function(name: str) -> Function:
    parameters, returns, template = _plain[name]
    wanted = [spark_type(each) for each in parameters.split()]

    def apply(arguments: Sequence[Typed]) -> Typed:
        wrong_count(name, arguments, len(wanted), len(wanted))
        given = [fitted(each, kind, name) for each, kind in zip(arguments, wanted, strict=True)]
        sql = template.format(*(each.sql for each in given))
        return combined(f"({sql})", spark_type(returns), named(name, arguments), arguments)

    return apply


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


def _concat(arguments: Sequence[Typed]) -> Typed:
    if not arguments:
        return Typed("''", types.string, "concat()")
    if any(not each.type.atomic for each in arguments):
        raise Unsupported("concat of arrays")
    given = [fitted(each, types.string, "concat") for each in arguments]
    sql = "(" + " || ".join(each.sql for each in given) + ")"
    return combined(sql, types.string, named("concat", arguments), arguments)


def _concat_ws(arguments: Sequence[Typed]) -> Typed:
    wrong_count("concat_ws", arguments, 1, 10_000)
    parts = []
    for each in arguments:
        if each.type == types.array(types.string):
            parts.append(f"array_to_string({each.sql}, {arguments[0].sql})")
            if len(arguments) > 2:
                raise Unsupported("concat_ws of arrays and other values")
        else:
            parts.append(fitted(each, types.string, "concat_ws").sql)
    if len(arguments) == 2 and arguments[1].type.name == "array":
        sql = f"CASE WHEN {parts[0]} IS NOT NULL THEN coalesce({parts[1]}, '') END"
    else:
        sql = f"concat_ws({', '.join(parts)})" if len(parts) > 1 else f"({parts[0]} || '')[1:0]"
    return combined(sql, types.string, named("concat_ws", arguments), arguments)


def _size(arguments: Sequence[Typed]) -> Typed:
    wrong_count("size", arguments, 1, 1)
    if arguments[0].type.name != "array":
        raise Unsupported(f"size of {arguments[0].type}")
    sql = f"coalesce(CAST(len({arguments[0].sql}) AS INTEGER), -1)"
    return combined(sql, types.integer, named("size", arguments), arguments)


def _array(arguments: Sequence[Typed]) -> Typed:
    wrong_count("array", arguments, 1, 10_000)
    given = alike(arguments, "array")
    sql = f"[{', '.join(each.sql for each in given)}]"
    return combined(sql, types.array(given[0].type), named("array", arguments), arguments)


def _array_contains(arguments: Sequence[Typed]) -> Typed:
    wrong_count("array_contains", arguments, 2, 2)
    listed, value = arguments
    if listed.type.element is None or listed.type.element != value.type:
        raise Unsupported(f"array_contains of {listed.type} and {value.type}")
    # Null when the value is not there and some element is null.
    sql = (
        f"CASE WHEN list_contains({listed.sql}, {value.sql}) THEN true "
        f"WHEN len(list_filter({listed.sql}, lambda each: each IS NULL)) > 0 THEN NULL "
        f"ELSE list_contains({listed.sql}, {value.sql}) END"
    )
    return combined(sql, types.boolean, named("array_contains", arguments), arguments)


def _between(arguments: Sequence[Typed]) -> Typed:
    wrong_count("between", arguments, 3, 3)
    value, low, high = arguments
    sql = logical("and", [comparison(">=", value, low), comparison("<=", value, high)]).sql
    return combined(sql, types.boolean, named("between", arguments), arguments)


_parts = {
    "year": "year", "quarter": "quarter", "month": "month", "week": "weekofyear", "day": "dayofmonth",
    "dayofweek": "dayofweek", "doy": "dayofyear", "hour": "hour", "minute": "minute",
}  # fmt: skip


def _extract(arguments: Sequence[Typed]) -> Typed:
    wrong_count("extract", arguments, 2, 2)
    part, value = str(literal(arguments[0], "extract")), arguments[1]
    if part.lower() not in _parts:
        raise Unsupported(f"extract({part} FROM ...)")
    found = _plain_function(_parts[part.lower()])([value])
    return combined(found.sql, found.type, f"extract({part} FROM {value.name})", arguments)


def item(value: Typed, key: Typed) -> Typed:
    """`value[key]`: an element of an array (null where there is none) or a field of a struct."""
    name = f"{value.name}[{key.name}]"
    if value.type.name == "array" and value.type.element and key.type.whole:
        return combined(f"spark_nth({value.sql}, {key.sql})", value.type.element, name, (value, key))
    if value.type.name == "struct" and key.literal and isinstance(key.value, str):
        return field(value, key.value)
    raise Unsupported(f"{value.type}[{key.type}]")


def field(value: Typed, key: str) -> Typed:
    """A field of a struct."""
    for known, kind in value.type.fields:
        if known.lower() == key.lower():
            quoted = known.replace('"', '""')
            return combined(f'({value.sql})."{quoted}"', kind, f"{value.name}.{known}", (value,))
    raise OperatorError(f"asks {value.type} for the field '{key}', which it does not have", "", "code")


def _functions() -> dict[str, Function]:
    found: dict[str, Function] = {name: _plain_function(name) for name in _plain}
    found |= {
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
        "concat": _concat,
        "concat_ws": _concat_ws,
        "size": _size,
        "array": _array,
        "array_contains": _array_contains,
        "between": _between,
        "extract": _extract,
        "getitem": lambda arguments: item(*arguments),
    }
    return found | text.functions | numbers.functions | moments.functions


functions = _functions()
"""Every function of one row, by Spark's name."""
