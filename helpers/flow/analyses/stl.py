"""STL: a series as trend, season and rest, by Cleveland and others (1990), without robustness weights.

Journal of Official Statistics 6:1, 3-73. Windows and repetitions are those that statsmodels takes by default.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Series: TypeAlias = NDArray[np.float64]
_seasonal, _turns = 7, 5


@dataclass(frozen=True)
class Parts:
    """A series taken apart: trend + season + rest."""

    trend: Series
    season: Series
    rest: Series


def decompose(y: Series, period: int) -> Parts:
    """Take a series with equal steps and no gaps apart; it must have two periods. `period` is in steps."""
    count = len(y)
    if period < 2 or count < 2 * period:
        raise ValueError(f"{count} values are not two periods of {period}")
    trend_window = _odd(int(np.ceil(1.5 * period / (1 - 1.5 / _seasonal))))
    low_window = _odd(period + 1)
    trend = np.zeros(count)
    season = np.zeros(count)
    for _ in range(_turns):
        cycles = _cycles(y - trend, period)
        smooth = _mean(_mean(_mean(cycles, period), period), 3)
        season = cycles[period : period + count] - loess(smooth, low_window)
        trend = loess(y - season, trend_window)
    return Parts(trend, season, y - trend - season)


def _odd(number: int) -> int:
    return number + (number % 2 == 0)


def _mean(values: Series, window: int) -> Series:
    """Moving means, without those at the ends that lack values."""
    sums = np.concatenate([[0.0], np.cumsum(values - values.mean())])
    means: Series = (sums[window:] - sums[:-window]) / window + values.mean()
    return means


def _cycles(values: Series, period: int) -> Series:
    """Each place of the period smoothed over the years, with one more period on both sides."""
    extended = np.empty(len(values) + 2 * period)
    for place in range(period):
        part = values[place::period]
        size = len(part)
        window = min(_seasonal, size)
        before = _fit(part[:window], np.arange(window), -1.0, _seasonal, size)
        after = _fit(part[size - window :], np.arange(size - window, size), float(size), _seasonal, size)
        extended[place::period][: size + 2] = np.concatenate([[before], loess(part, _seasonal), [after]])
    return extended


def loess(y: Series, window: int) -> Series:
    """Local lines through the `window` nearest values of each, weighted by the tricube of their distance."""
    count = len(y)
    if count < 2:
        return y.copy()
    width = min(window, count)
    half = (window + 1) // 2
    result = np.empty(count)
    inner = range(half - 1, count - (width - half)) if window < count else range(0)
    if len(inner):
        weights = _weights(np.arange(width, dtype=float), half - 1.0, window, count)
        result[inner.start : inner.stop] = np.convolve(y, weights[::-1], mode="valid")[: len(inner)]
    for place in (each for each in range(count) if each not in inner):
        start = 0 if window >= count else min(max(place - half + 1, 0), count - width)
        at = np.arange(start, start + width, dtype=float)
        result[place] = _weights(at, float(place), window, count) @ y[start : start + width]
    return result


def _fit(y: Series, at: NDArray[np.int64], place: float, window: int, count: int) -> float:
    return float(_weights(at.astype(float), place, window, count) @ y)


def _weights(at: Series, place: float, window: int, count: int) -> Series:
    """What each value adds to the local line's value at a place."""
    reach = max(place - at[0], at[-1] - place)
    if window > count:
        reach += (window - count) // 2
    far = np.abs(at - place)
    weights = np.where(far <= 0.001 * reach, 1.0, (1 - (far / max(reach, 1e-300)) ** 3) ** 3)
    weights[far > 0.999 * reach] = 0.0
    weights /= weights.sum()
    middle = float(weights @ at)
    spread = float(weights @ (at - middle) ** 2)
    if np.sqrt(spread) > 0.001 * (count - 1):
        weights = weights * ((place - middle) / spread * (at - middle) + 1)
    return weights
