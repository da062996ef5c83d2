"""The quantiles that Spark's approxQuantile gives, its error included.

Spark keeps a summary of the values (Greenwald and Khanna 2001) instead of the values. From 500 values on it
is not exact, but it follows from the sorted values alone while they fit its buffer and lie in one partition,
as those of a small file do. So the same small errors are made here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

relative_error = 0.001
"""That of every quantile in Data Wrangler."""
buffer_size = 50_000
"""So many values Spark sorts at once; beyond, its answer depends on how rows lie in partitions."""


def share(wanted: float) -> float:
    """The share Spark answers: within its error of 0 or 1 it gives the least or the greatest value."""
    return 0.0 if wanted <= relative_error else 1.0 if wanted >= 1 - relative_error else wanted


def of_sorted(values: Sequence[Any], shares: Sequence[float]) -> list[Any]:
    """The quantiles of at most `buffer_size` sorted values, as Spark 3.1 and later give them."""
    if not values:
        return [None] * len(shares)
    summary = _summary(values)
    slack = max(weight + doubt for _, weight, doubt in summary) / 2
    return [_answer(summary, slack, share(wanted), len(values)) for wanted in shares]


def _summary(values: Sequence[Any]) -> list[tuple[Any, int, int]]:
    """Values with how many they stand for, and how uncertain their rank is."""
    count = len(values)
    limit = 2 * relative_error * count
    doubts = [math.floor(2 * relative_error * (place + 1)) for place in range(count)]
    doubts[0] = doubts[-1] = 0
    kept: list[tuple[Any, int, int]] = []
    value, weight, doubt = values[-1], 1, doubts[-1]
    for place in range(count - 2, 0, -1):
        if 1 + weight + doubt < limit:
            weight += 1
            continue
        kept.append((value, weight, doubt))
        value, weight, doubt = values[place], 1, doubts[place]
    kept.append((value, weight, doubt))
    if count > 1:
        kept.append((values[0], 1, 0))
    return kept[::-1]


def _answer(summary: list[tuple[Any, int, int]], slack: float, wanted: float, count: int) -> Any:
    if wanted == 0.0:
        return summary[0][0]
    if wanted == 1.0:
        return summary[-1][0]
    rank, least = math.ceil(wanted * count), 0
    for value, weight, doubt in summary[:-1]:
        least += weight
        if least + doubt - slack <= rank <= least + slack:
            return value
    return summary[-1][0]
