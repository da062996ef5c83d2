"""Spark's functions of one row on DuckDB: a table of the plain ones; `text`, `moments` and
`numbers` hold those that depend on types or on the value of an argument."""

from __future__ import annotations

from collections.abc import Sequence

from . import arrays, conditions, moments, numbers, text
from .casts import fitted
from .typed import Function, Typed, Unsupported, combined, literal, named, wrong_count
from .types import spark_type

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
    "some": "bool_or",
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


def _functions() -> dict[str, Function]:
    found: dict[str, Function] = {name: _plain_function(name) for name in _plain}
    found |= {
        "extract": _extract,
    }
    for module in (conditions, arrays, text, numbers, moments):
        found |= module.functions
    return found


functions = _functions()
"""Every function of one row, by Spark's name."""
