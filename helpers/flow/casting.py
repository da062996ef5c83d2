"""Types of columns: Spark's casts (what does not parse is null) and Data Wrangler's inference."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from .errors import OperatorError
from .frame import Frame

type_names = ("string", "long", "float", "bool", "date", "datetime")


def is_a(column: Any, kind: str) -> bool:
    """Whether a column already has this type."""
    return _kinds(column.type())[kind]


def _kinds(dtype: Any) -> dict[str, bool]:
    """Of each type whether this Ibis type is it."""
    return {
        "string": dtype.is_string(),
        "long": dtype.is_int64(),
        "float": dtype.is_float64(),
        "bool": dtype.is_boolean(),
        "date": dtype.is_date(),
        "datetime": dtype.is_timestamp(),
    }


def cast(column: Any, kind: str) -> Any:
    """Spark's CAST with ANSI off: null where a value does not fit, fractions cut off, never an error."""
    import ibis

    if is_a(column, kind):
        return column
    dtype = column.type()
    if dtype.is_string():
        from . import duckdb_functions

        return getattr(duckdb_functions, f"text_as_{kind}")(column)
    if kind == "string":
        from .duckdb_functions import spark_number_text

        return spark_number_text(column) if dtype.is_floating() else column.cast("string")
    if kind == "float":
        if dtype.is_timestamp():
            from .duckdb_functions import epoch_us

            return epoch_us(column.cast("timestamp")).cast("float64") / 1e6
        return column.try_cast("float64")
    if kind == "long":
        if dtype.is_floating() or dtype.is_decimal():
            number = column.cast("float64")
            whole = (number < 0).ifelse(number.ceil(), number.floor()).try_cast("int64")
            # As in Java: NaN is 0, and what is too large stops at the end.
            ends = ((number.isnan(), 0), (number >= 2.0**63, 2**63 - 1), (number <= -(2.0**63), -(2**63)))
            return ibis.cases(*ends, else_=whole)
        if dtype.is_timestamp():
            return _whole_seconds(column)
        return column.try_cast("int64")
    if kind == "bool":
        return column != 0 if dtype.is_numeric() else column.try_cast("bool")
    if kind == "date":
        return column.try_cast("date")
    if dtype.is_numeric():
        return _number_to_datetime(column)
    return column.try_cast("timestamp")


_first_second, _last_second = -62_135_596_800, 253_402_300_799


def _whole_seconds(column: Any) -> Any:
    # Down to the second before, also ahead of 1970: DuckDB alone would round.
    return column.truncate("s").epoch_seconds().cast("int64")


def _number_to_datetime(column: Any) -> Any:
    """Seconds from 1970 on, with a fraction; null outside the years 1 to 9999."""
    if column.type().is_integer():
        whole = column.between(_first_second, _last_second).ifelse(column, None).cast("int64")
        return _without_zone(whole.as_timestamp("s"))
    number = column.cast("float64")
    microseconds = (number * 1_000_000.0).nullif(math.nan)
    cut = (number < 0).ifelse(microseconds.ceil(), microseconds.floor())
    inside = number.between(_first_second, _last_second)
    whole = inside.ifelse(cut, None).try_cast("int64")
    seconds = (whole / 1_000_000).floor().try_cast("int64")
    return _without_zone(seconds.as_timestamp("s")) + (whole - seconds * 1_000_000).as_interval("us")


def _without_zone(moment: Any) -> Any:
    # DuckDB makes moments of UTC of numbers, whatever Ibis says.
    return moment.cast("timestamp('UTC')").cast("timestamp")


_java_dates = {
    "yyyy": ("%Y", "[0-9]{4}"), "yy": ("%y", "[0-9]{2}"), "MMMM": ("%B", "[A-Za-z]+"),
    "MMM": ("%b", "[A-Za-z]{3}"), "MM": ("%m", "[0-9]{2}"), "M": ("%m", "[0-9]{1,2}"),
    "dd": ("%d", "[0-9]{2}"), "d": ("%d", "[0-9]{1,2}"), "HH": ("%H", "[0-9]{2}"), "H": ("%H", "[0-9]{1,2}"),
    "hh": ("%I", "[0-9]{2}"), "h": ("%I", "[0-9]{1,2}"), "mm": ("%M", "[0-9]{2}"), "m": ("%M", "[0-9]{1,2}"),
    "ss": ("%S", "[0-9]{2}"), "s": ("%S", "[0-9]{1,2}"), "S": ("%f", "[0-9]{1,6}"),
    "a": ("%p", "[AaPp][Mm]"),
}  # fmt: skip


def spark_moment_format(column: Any, pattern: str, parameter: str = "date_formatting") -> Any:
    """Parse texts as moments by a Java pattern such as dd-MM-yyyy; what does not parse is null.

    As in Java, `dd` takes two digits and no fewer. Raises OperatorError for a part that is not known.
    """
    from .duckdb_functions import spark_moment

    form, shape = strptime_pattern(pattern, parameter)
    return column.re_search(f"^{shape}$").ifelse(spark_moment(column, form, pattern), None)


def strptime_pattern(pattern: str, parameter: str) -> tuple[str, str]:
    """A Java pattern as strptime's, and the regular expression of its texts. Raises OperatorError."""
    form, shape = "", ""
    for match in re.finditer(r"'(?:[^']|'')*'|([A-Za-z])\1*|.", pattern, re.DOTALL):
        part = match[0]
        if part[0].isalpha():
            known = _java_dates.get("S" if set(part) == {"S"} and len(part) <= 6 else part)
            if known is None:
                raise OperatorError(
                    f"the date pattern {pattern!r} has the unknown part {part!r}",
                    f"Known parts: {', '.join(_java_dates)}; texts between single quotes.",
                    parameter,
                )
            form, shape = form + known[0], shape + known[1]
        else:
            text = part if part[0] != "'" or len(part) == 1 else part[1:-1].replace("''", "'") or "'"
            form, shape = form + text.replace("%", "%%"), shape + re.escape(text)
    return form, shape


def infer(rows: Sequence[Mapping[str, Any]], frame: Frame) -> dict[str, str]:
    """The type of every column, judged by the first rows as Data Wrangler of 2023 and later does.

    Columns that are not text keep the type they have.
    """
    schema, types = {}, frame.table.schema()
    for name in frame.columns:
        known = [kind for kind, matches in _kinds(types[name]).items() if matches]
        if known and known[0] != "string":
            schema[name] = known[0]
        elif not known:
            schema[name] = "float" if types[name].is_numeric() else "string"
        else:
            schema[name] = infer_texts([row[name] for row in rows])
    return schema


_null_like = re.compile(r"\s*$|null|none|nil|na|nan", re.IGNORECASE)
_iso_date = re.compile(r"\d{4}-\d{2}-\d{2}$")
_iso_time = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?$")
_most = 0.8


def infer_texts(texts: Sequence[str | None]) -> str:
    """The type of a column of texts: more than 80 % of the values that are there decide."""
    from .date_parts import are_moments

    values = [text for text in texts if text is not None and not _null_like.match(text)]
    if not values or (len(values) < 0.3 * len(texts) and len(values) < 1500):
        return "string"
    numbers = [number for number in map(_number, values) if number is not None]
    if len(numbers) > _most * len(values):
        whole = sum(number.is_integer() for number in numbers)
        return "long" if whole > _most * len(numbers) else "float"
    lowered = [value.strip().lower() for value in values]
    if all(value in ("true", "false") for value in lowered):
        return "bool"
    dates = sum(bool(_iso_date.match(value.strip())) for value in values)
    moments = sum(bool(_iso_time.match(value.strip())) for value in values)
    if dates + moments > _most * len(values):
        return "datetime" if moments else "date"
    return "datetime" if are_moments(values, _most) else "string"


def _number(text: str) -> float | None:
    if "_" in text:
        return None
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
