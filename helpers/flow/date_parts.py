"""Parts of moments as numbers, as Data Wrangler's DateTimeVectorizer makes them of what pandas parses."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .engine import Run
    from .frame import Frame


@dataclass(frozen=True)
class Part:
    """One part: how to get it, and its least and greatest value where it goes round."""

    name: str
    get: Callable[[datetime], int]
    least: int | None = None
    greatest: int | None = None


parts = (
    Part("year", lambda moment: moment.year),
    Part("month", lambda moment: moment.month, 1, 12),
    Part("day", lambda moment: moment.day, 1, 31),
    Part("hour", lambda moment: moment.hour, 0, 23),
    Part("minute", lambda moment: moment.minute, 0, 59),
    Part("second", lambda moment: moment.second, 0, 59),
    Part("week_of_year", lambda moment: moment.isocalendar()[1], 1, 53),
    Part("day_of_year", lambda moment: moment.timetuple().tm_yday, 1, 366),
    Part("quarter", lambda moment: (moment.month - 1) // 3 + 1, 1, 4),
)
"""In the order in which Data Wrangler puts them out."""


def names(chosen: Sequence[Part], prefix: str, cyclic: bool) -> list[str]:
    """The names of the columns: one for each part, two where it goes round a circle."""
    found = []
    for part in chosen:
        name = f"{prefix}_{part.name}"
        found += [f"{name}_1", f"{name}_2"] if cyclic and part.least is not None else [name]
    return found


def numbers(moment: datetime, chosen: Sequence[Part], cyclic: bool, from_one: bool) -> list[float]:
    """The parts of a moment: counted from 0 (or 1), or as sine and cosine, in single precision as there."""
    import numpy as np

    found: list[float] = []
    for part in chosen:
        value = part.get(moment)
        if part.least is None or part.greatest is None:
            found.append(float(value))
        elif not cyclic:
            found.append(float(value - part.least + (from_one and part.least == 1)))
        else:
            place = np.array([value], dtype=np.float32)
            angle = (place - part.least) * 2 * np.pi / (1 + part.greatest - part.least)
            found += [float(np.sin(angle)[0]), float(np.cos(angle)[0])]
    return found


def parsed(values: Sequence[Any], form: str | None, unit: str | None) -> list[datetime | None]:
    """What pandas reads in each value, None where it reads nothing; a time zone is read and left aside."""
    import pandas as pd

    def read(some: Sequence[Any]) -> list[Any]:
        series = pd.Series(list(some), dtype=object)
        if all(isinstance(value, int | float) and not isinstance(value, bool) for value in some):
            series = series.astype("float64" if any(isinstance(v, float) for v in some) else "int64")
        convert: Any = pd.to_datetime
        return list(convert(series, errors="coerce", format=form, unit=unit))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = read(values) if values else []
        except (ValueError, TypeError, OverflowError):
            # Moments with and without a time zone do not go together in one reading.
            found = [_alone(read, value) for value in values]
    return [None if pd.isna(moment) else moment for moment in found]


def moments(column: Any, run: Run) -> Any:
    """An Ibis expression: the moments that texts name in any form pandas reads, in UTC; else null."""
    from .casting import cast
    from .python_functions import batch_column

    def work(values: list[Any]) -> list[Any]:
        return [None if each is None else _in_utc(each) for each in parsed(values, None, "ns")]

    # What needs no guessing is read at once; the rest has at least a digit.
    plain = cast(column, "datetime")
    guessed = batch_column(run, work, column.re_search("[0-9]").ifelse(column, None), "timestamp(6)")
    return plain.notnull().ifelse(plain, guessed)


def _in_utc(moment: datetime) -> datetime:
    known = moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    return datetime(*known.timetuple()[:6], known.microsecond)


def are_moments(values: Sequence[str], share: float) -> bool:
    """Whether pandas reads more than this share of the texts as moments."""
    allowed = len(values) * (1 - share)
    failed = 0
    for start in range(0, len(values), 250):
        some = values[start : start + 250]
        readable = [value for value in some if any(each.isdigit() for each in value)]
        failed += len(some) - sum(moment is not None for moment in parsed(readable, None, "ns"))
        if failed >= allowed:
            return False
    return bool(values)


def _alone(read: Callable[[Sequence[Any]], list[Any]], value: Any) -> Any:
    try:
        return read([value])[0]
    except (ValueError, TypeError, OverflowError):
        return None


def unit_of(frame: Frame, column: str, run: Run) -> str:
    """The unit of a column of numbers, judged by the size of the first and last hundred; else nanoseconds."""
    kind = frame.table[column].type()
    if not kind.is_numeric():
        return "ns"
    there = frame.table.filter(frame.table[column].notnull())
    if kind.is_floating():
        there = there.filter(~there[column].isnan())
    some = []
    for order in ([there[name].asc() for name in frame.order], [there[name].desc() for name in frame.order]):
        some += run.rows(there.order_by(order).select(value=there[column]).limit(100))
    values = [row["value"] for row in some]
    if not values:
        return "ns"
    counts = [
        sum(value >= 1 << 54 for value in values),
        sum(1 << 54 > value >= 1 << 44 for value in values),
        sum(1 << 44 > value >= 1 << 34 for value in values),
        sum(value < 1 << 34 for value in values),
    ]
    return ["ns", "us", "ms", "s"][counts.index(max(counts))]


def extracted(
    frame: Frame,
    column: str,
    chosen: Sequence[Part],
    run: Run,
    *,
    cyclic: bool = False,
    from_one: bool = False,
    form: str | None = None,
    vector: bool = False,
) -> Any:
    """An Ibis expression: the parts of a column's moments as an array, null where there is no moment.

    As a `vector` it is Spark's text of one, with NaN where there is no moment.
    """
    from .python_functions import batch_column
    from .spark_hashing import vector_text

    unit = None if form else unit_of(frame, column, run)

    def work(values: list[Any]) -> list[Any]:
        moments = parsed([_plain(value) for value in values], form, unit)
        found = [None if each is None else numbers(each, chosen, cyclic, from_one) for each in moments]
        return [nothing if each is None else vector_text(each) for each in found] if vector else found

    nothing = vector_text([None] * len(names(chosen, "", cyclic)))
    made = batch_column(run, work, frame.table[column], "string" if vector else "array<float64>")
    return made.fill_null(nothing) if vector else made


def _plain(value: Any) -> Any:
    """Dates as moments: pandas reads both alike."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day)
    return value
