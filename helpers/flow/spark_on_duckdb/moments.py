"""Spark's functions of dates and moments on DuckDB that depend on a pattern or a unit."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from ..casting import strptime_pattern
from . import types
from .casts import cast, fitted
from .typed import Typed, Unsupported, combined, literal, named, text_sql, wrong_count

_units = {
    "year": "year", "yyyy": "year", "yy": "year", "quarter": "quarter", "month": "month", "mm": "month",
    "mon": "month", "week": "week",
}  # fmt: skip
_finer = {"day": "day", "dd": "day", "hour": "hour", "minute": "minute", "second": "second"} | {
    unit: f"{unit}s" for unit in ("millisecond", "microsecond")
}
_written = {
    "yyyy": "%Y", "y": "%Y", "yy": "%y", "MMMM": "%B", "MMM": "%b", "MM": "%m", "M": "%-m", "dd": "%d",
    "d": "%-d",
    "HH": "%H", "H": "%-H", "hh": "%I", "h": "%-I", "mm": "%M", "m": "%-M", "ss": "%S", "s": "%-S",
    "SSS": "%g", "SSSSSS": "%f", "a": "%p", "E": "%a", "EE": "%a", "EEE": "%a", "EEEE": "%A", "D": "%-j",
    "DDD": "%j",
}  # fmt: skip
_day_names = ("mo", "tu", "we", "th", "fr", "sa", "su")


def _strftime(pattern: str) -> str:
    """A Java pattern as strftime's, for writing."""
    form = ""
    for match in re.finditer(r"'(?:[^']|'')*'|([A-Za-z])\1*|.", pattern, re.DOTALL):
        part = match[0]
        if part[0].isalpha():
            if part not in _written:
                raise Unsupported(f"the date pattern {pattern!r} with {part!r}")
            form += _written[part]
        elif part[0] == "'" and len(part) > 1:
            form += (part[1:-1].replace("''", "'") or "'").replace("%", "%%")
        elif part in "'[]{}#":
            raise Unsupported(f"the date pattern {pattern!r}")
        else:
            form += part.replace("%", "%%")
    return form


def _parsed(text: str, pattern: str) -> str:
    """SQL for the moment a text names by a Java pattern."""
    form, shape = strptime_pattern(pattern, "code")
    bare = re.sub(r"'(?:[^']|'')*'", "", pattern)
    twelve = "h" in bare
    if "yy" not in bare or (twelve != ("a" in bare)) or re.search(r"[\[\]{}#]", bare):
        raise Unsupported(f"reading dates by the pattern {pattern!r}")
    if ("m" in bare or "s" in bare) and not (twelve or "H" in bare):
        raise Unsupported(f"reading dates by the pattern {pattern!r}")
    return (
        f"CASE WHEN regexp_full_match({text}, {text_sql(shape)}) "
        f"THEN spark_moment({text}, {text_sql(form)}, {text_sql(pattern)}) END"
    )


def _reading(name: str, kind: types.Type) -> Callable[[Sequence[Typed]], Typed]:
    def apply(arguments: Sequence[Typed]) -> Typed:
        wrong_count(name, arguments, 1, 2)
        value = arguments[0]
        if len(arguments) == 1 or value.type.moment:
            if not (value.type.moment or value.type in (types.string, types.void)):
                raise Unsupported(f"{name} of {value.type}")
            found = cast(value, kind).sql
        else:
            pattern = str(literal(arguments[1], name))
            text = fitted(value, types.string, name)
            found = f"CAST({_parsed(text.sql, pattern)} AS {kind.duckdb})"
        return combined(f"({found})", kind, named(name, arguments), arguments)

    return apply


def _date_format(arguments: Sequence[Typed]) -> Typed:
    wrong_count("date_format", arguments, 2, 2)
    form = _strftime(str(literal(arguments[1], "date_format")))
    moment = fitted(arguments[0], types.timestamp, "date_format")
    sql = f"strftime({moment.sql}, {text_sql(form)})"
    return combined(sql, types.string, named("date_format", arguments), arguments)


_default = "yyyy-MM-dd HH:mm:ss"


def _seconds(name: str) -> Callable[[Sequence[Typed]], Typed]:
    return lambda arguments: _unix_timestamp(name, arguments)


def _unix_timestamp(name: str, arguments: Sequence[Typed]) -> Typed:
    wrong_count(name, arguments, 1 if name.startswith("to") else 0, 2)
    if not arguments:
        sql = "CAST(floor(epoch(CAST(current_timestamp AS TIMESTAMP))) AS BIGINT)"
        return Typed(sql, types.bigint, f"{name}(current_timestamp(), {_default})")
    value = arguments[0]
    pattern = str(literal(arguments[1], name)) if len(arguments) == 2 else _default
    if value.type.moment:
        moment = cast(value, types.timestamp).sql
    elif value.type == types.string:
        moment = _parsed(value.sql, pattern)
    else:
        raise Unsupported(f"{name} of {value.type}")
    shown = [value, Typed("", types.string, pattern)]
    sql = f"CAST(trunc(epoch({moment})) AS BIGINT)"
    return combined(sql, types.bigint, named(name, shown), arguments)


def _from_unixtime(arguments: Sequence[Typed]) -> Typed:
    wrong_count("from_unixtime", arguments, 1, 2)
    pattern = str(literal(arguments[1], "from_unixtime")) if len(arguments) == 2 else _default
    seconds = fitted(arguments[0], types.bigint, "from_unixtime")
    shown = [arguments[0], Typed("", types.string, pattern)]
    sql = f"strftime(make_timestamp({seconds.sql} * 1000000), {text_sql(_strftime(pattern))})"
    return combined(sql, types.string, named("from_unixtime", shown), arguments)


def _date_trunc(arguments: Sequence[Typed]) -> Typed:
    wrong_count("date_trunc", arguments, 2, 2)
    unit = (_units | _finer).get(str(literal(arguments[0], "date_trunc")).lower())
    moment = fitted(arguments[1], types.timestamp, "date_trunc")
    sql = f"date_trunc('{unit}', {moment.sql})" if unit else "CAST(NULL AS TIMESTAMP)"
    return combined(f"CAST({sql} AS TIMESTAMP)", types.timestamp, named("date_trunc", arguments), arguments)


def _trunc(arguments: Sequence[Typed]) -> Typed:
    wrong_count("trunc", arguments, 2, 2)
    unit = _units.get(str(literal(arguments[1], "trunc")).lower())
    day = fitted(arguments[0], types.date, "trunc")
    sql = f"CAST(date_trunc('{unit}', {day.sql}) AS DATE)" if unit else "CAST(NULL AS DATE)"
    return combined(sql, types.date, named("trunc", arguments), arguments)


def _next_day(arguments: Sequence[Typed]) -> Typed:
    wrong_count("next_day", arguments, 2, 2)
    wanted = str(literal(arguments[1], "next_day")).lower()
    full = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    places = [
        place
        for place, (name, short) in enumerate(zip(full, _day_names, strict=True), 1)
        if wanted in (name, name[:3], short)
    ]
    if not places:
        raise Unsupported(f"next_day with {wanted!r}")
    day = fitted(arguments[0], types.date, "next_day").sql
    ahead = f"(({places[0]} - isodow({day}) + 6) % 7 + 1)"
    sql = f"CAST({day} + CAST({ahead} AS INTEGER) AS DATE)"
    return combined(sql, types.date, named("next_day", arguments), arguments)


def _make_date(arguments: Sequence[Typed]) -> Typed:
    wrong_count("make_date", arguments, 3, 3)
    parts = [fitted(each, types.integer, "make_date").sql for each in arguments]
    sql = f"TRY(make_date({', '.join(parts)}))"
    return combined(sql, types.date, named("make_date", arguments), arguments)


def _months_between(arguments: Sequence[Typed]) -> Typed:
    wrong_count("months_between", arguments, 2, 2)
    later, earlier = (fitted(each, types.timestamp, "months_between").sql for each in arguments)
    shown = [*arguments, Typed("true", types.boolean, "true")]
    sql = f"spark_months_between({later}, {earlier})"
    return combined(sql, types.double, named("months_between", shown), arguments)


functions = {
    "to_date": _reading("to_date", types.date),
    "to_timestamp": _reading("to_timestamp", types.timestamp),
    "date_format": _date_format,
    "unix_timestamp": _seconds("unix_timestamp"),
    "to_unix_timestamp": _seconds("to_unix_timestamp"),
    "from_unixtime": _from_unixtime,
    "date_trunc": _date_trunc,
    "trunc": _trunc,
    "next_day": _next_day,
    "make_date": _make_date,
    "months_between": _months_between,
}
