"""Series in time: their moments, even steps, and their parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..errors import OperatorError
from .table import Table

if TYPE_CHECKING:
    from statsmodels.tsa.seasonal import DecomposeResult

_steps = (
    # A step of at most so many seconds: what it is called, and how many make the season it usually has.
    (1.5, "second", 60),
    (90, "minute", 60),
    (5400, "hour", 24),
    (36 * 3600, "day", 7),
    (9 * 86400, "week", 52),
    (32 * 86400, "month", 12),
    (93 * 86400, "quarter", 4),
)


@dataclass
class Taken:
    """One series taken apart."""

    name: str
    moments: pd.DatetimeIndex
    values: np.ndarray
    parts: DecomposeResult
    period: int
    step: str
    filled: int

    @property
    def numbers(self) -> dict[str, Any]:
        """What the JSON says of the series, beside its parts."""
        return {
            "name": self.name,
            "count": len(self.values),
            "from": self.moments[0].isoformat(),
            "to": self.moments[-1].isoformat(),
            "period": self.period,
            "step": self.step,
            "interpolated": self.filled,
            "residual_mean": self.parts.resid.mean(),
            "residual_stddev": self.parts.resid.std(ddof=1),
        }

    @property
    def strengths(self) -> dict[str, float]:
        """How much of the variance trend and season explain, after Wang, Smith and Hyndman (2006)."""
        rest = float(np.var(self.parts.resid))

        def strength(part: np.ndarray) -> float:
            whole = float(np.var(part + self.parts.resid))
            return max(0.0, 1 - rest / whole) if whole > 0 else 0.0

        return {
            "trend_strength": strength(self.parts.trend),
            "seasonal_strength": strength(self.parts.seasonal),
        }


def take(name: str, moments: pd.Series[Any], values: pd.Series[Any], wanted: int | None) -> Taken:
    """Take a series apart; `wanted` is its period in steps. Raises OperatorError."""
    series = values.groupby(moments).mean().sort_index()
    series.index = pd.DatetimeIndex(series.index).as_unit("ns")
    if series.notna().sum() < 4:
        raise OperatorError(
            f"the series '{name}' has {series.notna().sum()} values",
            "It needs four or more.",
            "sequence_column",
        )
    series = _evenly(series, pd.DatetimeIndex(series.index))
    filled = int(series.isna().sum())
    series = series.interpolate(limit_direction="both")
    even = pd.DatetimeIndex(series.index)
    step, usual = _step(even)
    period = wanted or max(min(usual, len(series) // 2), 2)
    if len(series) < 2 * period:
        raise OperatorError(
            f"the series '{name}' has {len(series)} moments, which is less than two periods of {period}",
            "Set a shorter period.",
            "period",
        )
    observed = series.to_numpy(dtype=float)
    return Taken(name, even, observed, decompose(observed, period), period, step, filled)


def decompose(values: np.ndarray, period: int) -> DecomposeResult:
    """A series with even steps as trend, season and rest, by STL (Cleveland and others 1990), not robust.

    `period` is in steps; the series must have two periods.
    """
    from statsmodels.tsa.seasonal import STL

    return STL(values, period=period).fit()


def moments_of(table: Table, name: str) -> pd.Series[Any]:
    """A column as moments: of texts in ISO's form, of numbers since 1970. Raises OperatorError."""
    if table.types[name] in ("date", "datetime"):
        return table.data[name]
    column = table.data[name]
    if table.types[name] == "string":
        parsed = pd.to_datetime(column, errors="coerce", format="ISO8601", utc=True)
        moments: pd.Series[Any] = parsed.dt.tz_localize(None)
        if moments.notna().mean() > 0.5:
            return moments
    elif table.types[name] in ("long", "float") and column.notna().any():
        numbers = column.astype(float)
        size = float(np.median(np.abs(numbers.dropna())))
        # As Data Wrangler guesses it: the size of the number tells the unit.
        scale = 1.0 if size < 1e11 else 1e3 if size < 1e14 else 1e6 if size < 1e17 else 1e9
        seconds = numbers / scale
        # Beyond these years a moment has no nanoseconds.
        return pd.to_datetime(seconds.where(seconds.abs() < 9e9), unit="s", errors="coerce")
    raise OperatorError(
        f"'{name}' is {table.types[name]} and holds no moments",
        "Give it the type datetime.",
        "timestamp_column",
    )


def _evenly(series: pd.Series[Any], moments: pd.DatetimeIndex) -> pd.Series[Any]:
    """The series with its missing moments, when its steps are otherwise alike; else as it is."""
    gaps = np.diff(moments.asi8)
    step = int(np.median(gaps))
    count = int(gaps.sum() // step) + 1
    if (gaps % step != 0).any() or count > 3 * len(series) or count == len(series):
        return series
    return series.reindex(pd.DatetimeIndex(moments.asi8[0] + step * np.arange(count, dtype=np.int64)))


def _step(moments: pd.DatetimeIndex) -> tuple[str, int]:
    seconds = float(np.median(np.diff(moments.asi8))) / 1e9
    for most, name, season in _steps:
        if seconds <= most:
            return name, season
    return "step", 4
