"""How fast a model is, so that work on it can be cut to the seconds there are."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers.local.jobs.automl.reports.subject import Integers

FEW, MANY = 8, 200  # rows of the calls that measure it
LEAST_PART = 0.02  # of a call's time that its rows are taken to need, however small it seems


@dataclass
class Speed:
    """The seconds of a call: so many for itself, and so many for each of its rows."""

    a_call: float
    a_row: float

    def seconds_for(self, rows: float) -> float:
        """How long a call with so many rows takes."""
        return self.a_call + self.a_row * rows

    def rows_in(self, seconds: float) -> float:
        """How many rows a call of so many seconds has."""
        return max(seconds - self.a_call, 0.0) / max(self.a_row, 1e-9)

    def learn(self, rows: int, taken: float) -> None:
        """A call with so many rows took so long."""
        if rows:
            self.a_row = max(taken - self.a_call, LEAST_PART * taken, 1e-9) / rows

    def fit(self, before: tuple[int, float] | None, now: tuple[int, float]) -> None:
        """Two calls with so many rows took so long, the second with more rows.

        Of one call alone, half of the time is taken to be its own.
        """
        before = before or (0, 0.5 * now[1])
        rows, taken = now[0] - before[0], now[1] - before[1]
        self.a_row = max(taken, LEAST_PART * now[1]) / max(rows, 1)
        self.a_call = max(now[1] - self.a_row * now[0], 0.0)


def measure(
    work: Callable[[pd.DataFrame], object], frame: pd.DataFrame, order: Integers, seconds: float
) -> Speed:
    """Call twice, with so few rows that it takes a small part of so many seconds.

    The first call of all, in which a model loads what it needs, should be over.
    """
    speed = Speed(0.0, 0.0)
    few = FEW, _timed(work, frame.iloc[np.resize(order, FEW)])
    speed.fit(None, few)
    if speed.seconds_for(MANY) <= 0.1 * seconds:
        speed.fit(few, (MANY, _timed(work, frame.iloc[np.resize(order, MANY)])))
    else:
        speed.fit((1, _timed(work, frame.iloc[order[:1]])), few)
    return speed


def _timed(work: Callable[[pd.DataFrame], object], rows: pd.DataFrame) -> float:
    begun = time.monotonic()
    work(rows)
    return time.monotonic() - begun
