"""Steps of time by the names Data Wrangler's time series have for them, as pandas counts them."""

from __future__ import annotations

from typing import Any

from .errors import OperatorError

_units = {
    "ns": "nanosecond nanoseconds",
    "us": "microsecond microseconds",
    "ms": "millisecond milliseconds",
    "s": "second seconds secondly",
    "min": "minute minutes minutely",
    "h": "hour hours hourly",
    "D": "day days daily calendar_day",
    "B": "business_day business_days business_daily weekday",
    "W": "week weeks weekly",
    "ME": "month months monthly month_end",
    "QE": "annual_quarter quarter quarters quarterly",
    "YE": "year years yearly annual annually",
}
_names = {name: unit for unit, listed in _units.items() for name in listed.split()}


def offset(quantity: int, description: str) -> Any:
    """A pandas offset of so many steps. Raises OperatorError for an unknown description."""
    from pandas.tseries.frequencies import to_offset

    unit = _names.get(description.lower().strip().replace(" ", "_").replace("-", "_"))
    if unit is None:
        known = (
            "Hourly, Daily, Business day, Week, Month, Annual Quarter, Year, Minutely, Secondly, Milliseconds"
        )
        raise OperatorError(f"does not know the frequency {description!r}", f"Known: {known}.", "frequency")
    return to_offset(f"{quantity}{unit}")
