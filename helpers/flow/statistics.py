"""Exact statistics of columns, the same whatever the number of threads."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .engine import Run


@dataclass(frozen=True)
class Statistics:
    """Of one column of numbers, over the values that are there: null and NaN do not count.

    `deviation` is the sample's (n - 1), None for fewer than two values; the others are None without values.
    With infinite values mean and deviation are infinite or NaN, as sums in floating numbers make them; the
    deviation is NaN too where there are values so great that their squares are infinite, as in Spark.
    """

    count: int
    mean: float | None
    deviation: float | None
    least: float | None
    greatest: float | None


def is_there(column: Any) -> Any:
    """Whether a row has a value: neither null nor, in a floating column, NaN."""
    return column.notnull() & ~column.isnan() if column.type().is_floating() else column.notnull()


def is_finite(column: Any) -> Any:
    """Whether a row has a finite value."""
    return is_there(column) & ~column.isinf() if column.type().is_floating() else column.notnull()


_greatest_to_square = 1e150


def statistics(table: Any, columns: Sequence[str], run: Run, finite: bool = False) -> list[Statistics]:
    """The statistics of these columns, in one pass; `finite`: infinite values do not count either."""
    measures: dict[str, Any] = {}
    for place, name in enumerate(columns):
        column = table[name]
        number, real = column.cast("float64"), is_finite(column)
        there = real if finite else is_there(column)
        measures |= {
            f"count_{place}": there.sum(),
            f"finite_{place}": real.sum(),
            f"mean_{place}": number.mean(where=real),
            # DuckDB refuses to add up infinite squares.
            f"deviation_{place}": number.std(how="sample", where=real & (number.abs() < _greatest_to_square)),
            f"least_{place}": number.min(where=there),
            f"greatest_{place}": number.max(where=there),
        }
    row = run.row(table.aggregate(**measures), one_thread=True) if measures else {}
    return [_of(row, place) for place in range(len(columns))]


def _of(row: dict[str, Any], place: int) -> Statistics:
    names = ("count", "finite", "mean", "deviation", "least", "greatest")
    count, finite, mean, deviation, least, greatest = (row[f"{name}_{place}"] for name in names)
    if (count or 0) > 1 and max(-least, greatest) >= _greatest_to_square:
        deviation = math.nan
    if (count or 0) > (finite or 0):
        deviation = math.nan
        mean = least + greatest if math.isinf(least) and math.isinf(greatest) else None
        mean = (least if math.isinf(least) else greatest) if mean is None else mean
    return Statistics(int(count or 0), mean, deviation, least, greatest)


def quantiles(
    table: Any, columns: Sequence[str], shares: Sequence[float], run: Run, finite: bool = False
) -> list[list[Any]]:
    """For each column its values at these shares, as Spark's approxQuantile with error 0.001 gives them.

    The value at share p of n is the ceil(p * n)-th smallest, so that the median of an even count is the
    lower one; from 500 to 50,000 values it is off by the ranks that Spark is off by, beyond it is exact.
    Null and NaN do not count; without values every answer is None.
    """
    from .spark_quantiles import buffer_size, of_sorted, share

    counted = is_finite if finite else is_there
    found = []
    for name in columns:
        there = table.filter(counted(table[name])).select(value=table[name])
        values = run.rows(there.order_by("value").limit(buffer_size + 1))
        if len(values) > buffer_size:
            found.append(run.quantiles(there, "value", [share(each) for each in shares]))
        else:
            found.append(of_sorted([row["value"] for row in values], shares))
    return found
