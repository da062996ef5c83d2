"""What the time series operators compute from single series, in NumPy and pandas."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from .errors import OperatorError
from .time_steps import offset

if TYPE_CHECKING:
    import pandas as pd

minimal = ("sum_values", "median", "mean", "length", "standard_deviation", "variance", "maximum", "minimum")
"""The eight features of Data Wrangler's minimal subset, by the names the tsfresh library has for them."""
more = ("root_mean_square", "absolute_maximum", "abs_energy")
"""Further features that a manual subset may name."""


def features(values: Any, names: Sequence[str]) -> list[float]:
    """These features of a series; of an empty one only its length is known."""
    import numpy as np

    array = np.asarray(values, dtype=float)
    if not array.shape[-1]:
        return [0.0 if name == "length" else float("nan") for name in names]
    return [float(each) for each in _calculated(array, names)]


def _calculated(array: Any, names: Sequence[str]) -> list[Any]:
    """The features along the last axis."""
    import numpy as np

    calculators: dict[str, Callable[[], Any]] = {
        "sum_values": lambda: np.sum(array, axis=-1),
        "median": lambda: np.median(array, axis=-1),
        "mean": lambda: np.mean(array, axis=-1),
        "length": lambda: np.full(array.shape[:-1], float(array.shape[-1])),
        "standard_deviation": lambda: np.std(array, axis=-1),
        "variance": lambda: np.var(array, axis=-1),
        "maximum": lambda: np.max(array, axis=-1),
        "minimum": lambda: np.min(array, axis=-1),
        "root_mean_square": lambda: np.sqrt(np.mean(np.square(array), axis=-1)),
        "absolute_maximum": lambda: np.max(np.abs(array), axis=-1),
        "abs_energy": lambda: np.sum(np.square(array), axis=-1),
    }
    return [calculators[name]() for name in names]


def rolling(
    series: pd.Series[Any],
    ids: pd.Series[Any] | None,
    times: pd.Series[Any],
    window: int,
    names: Sequence[str],
) -> list[list[float] | None]:
    """The features of the rows before each row of its series, at most `window` of them; None without any."""
    import numpy as np

    found: list[list[float] | None] = [None] * len(series)
    values = series.to_numpy(dtype=float, na_value=float("nan"))
    for places in _series_of(ids, times):
        ordered = values[places]
        for place in range(1, min(window, len(places))):
            found[places[place]] = features(ordered[:place], names)
        if len(places) > window:
            full = np.lib.stride_tricks.sliding_window_view(ordered[:-1], window)
            rows = np.stack(_calculated(full, names), axis=-1).tolist()
            for place, row in zip(places[window:], rows, strict=True):
                found[place] = row
    return found


def _series_of(ids: pd.Series[Any] | None, times: pd.Series[Any]) -> list[Any]:
    """The places of the rows of each series, in the order of time."""
    import numpy as np

    in_time = np.argsort(times.to_numpy(), kind="stable")
    if ids is None:
        return [in_time]
    codes = ids.groupby(ids, dropna=False, sort=False).ngroup().to_numpy()
    by_id = in_time[np.argsort(codes[in_time], kind="stable")]
    if not len(by_id):
        return []
    return list(np.split(by_id, np.flatnonzero(np.diff(codes[by_id])) + 1))


def fill_series(
    series: pd.Series[Any],
    ids: pd.Series[Any] | None,
    times: pd.Series[Any] | None,
    fill: Callable[[pd.Series[Any]], pd.Series[Any]],
) -> pd.Series[Any]:
    """Each series filled in the order of its time, the values back in their places."""
    import numpy as np

    result = series.copy()
    everything = [np.arange(len(series))]
    for places in everything if times is None else _series_of(ids, times):
        part = series.iloc[places].reset_index(drop=True)
        result.iloc[places] = fill(part).to_numpy()
    return result


def filler(
    strategy: str, value: Any, common: Any, method: str, leftover: str
) -> Callable[[pd.Series[Any]], pd.Series[Any]]:
    """A function that fills what is missing of a series; `common` is the column's most frequent value."""

    def fill(part: pd.Series[Any]) -> pd.Series[Any]:
        if strategy == "constant":
            return part.fillna(value)
        if strategy == "most common":
            return part if common is None else part.fillna(common)
        if strategy == "forward":
            part = part.ffill()
        elif strategy == "backward":
            part = part.bfill()
        else:
            part = interpolated(part, method)
        return part.ffill().bfill() if leftover == "fill" else part

    return fill


def interpolated(part: pd.Series[Any], method: str) -> pd.Series[Any]:
    """A series with its gaps interpolated by one of pandas' methods."""
    if method in ("ffill", "pad"):
        return part.ffill()
    if method in ("bfill", "backfill"):
        return part.bfill()
    if part.isna().all():
        return part
    choice: Any = method
    try:
        if method in ("spline", "polynomial"):
            return part.interpolate(method=choice, order=3)
        return part.interpolate(method=choice)
    except ValueError as error:
        if (
            "unknown" in str(error).lower()
            or "must be one of" in str(error)
            or "not valid" in str(error).lower()
        ):
            raise OperatorError(
                f"does not know the interpolation {method!r}", "Use linear, nearest or cubic.", "method"
            ) from None
        return part.interpolate(method="linear")  # Too few values for the method.


def resample(
    table: pd.DataFrame,
    time: str,
    identity: str | None,
    step: tuple[int, str],
    down: tuple[str, str],
    up: tuple[str, str],
) -> pd.DataFrame:
    """Each series at regular times: values within a step come together, gaps are filled.

    `down` and `up` say how for numbers and for all else. The rows come in the order of ids and times.
    """
    import pandas as pd

    rule = offset(*step)
    numbers = [
        name for name in table.columns if name not in (time, identity) and table[name].dtype.kind in "iuf"
    ]
    others = [name for name in table.columns if name not in (time, identity, *numbers)]
    groups: list[tuple[Any, pd.DataFrame]] = [(None, table)]
    if identity is not None:
        groups = [(key, part) for key, part in table.groupby(identity, dropna=False, sort=True)]
    parts = []
    for key, part in groups:
        sampler = part.sort_values(time, kind="stable").set_index(time).resample(rule)
        columns: dict[str, Any] = {}
        for name in numbers:
            columns[name] = interpolated(_combined(sampler[name], down[0]).astype(float), up[0])
        for name in others:
            columns[name] = _filled(_combined(sampler[name], down[1]), up[1])
        result = pd.DataFrame(columns, index=sampler.size().index)
        result[time] = result.index
        if identity is not None:
            result[identity] = pd.Series([key] * len(result), index=result.index, dtype=table[identity].dtype)
        parts.append(result)
    if not parts:
        return table
    return pd.concat(parts, ignore_index=True)[list(table.columns)]


_aggregates = ("mean", "median", "min", "max", "sum", "first", "last", "std", "count")


def _combined(sampler: Any, how: str) -> Any:
    if how in _aggregates:
        # A step without any value has none, not a sum of 0.
        return sampler.agg(how, min_count=1) if how == "sum" else sampler.agg(how)
    if how == "most common":
        return sampler.agg(most_common)
    known = ", ".join((*_aggregates, "most common"))
    raise OperatorError(f"does not know the aggregation {how!r}", f"Known: {known}.", "downsample")


def most_common(values: pd.Series[Any]) -> Any:
    """The most frequent value, of several the one that comes first in order; None without any."""
    counts = values.dropna().value_counts()
    if not len(counts):
        return None
    return min(counts.index[counts == counts.iloc[0]])


def _filled(values: pd.Series[Any], how: str) -> pd.Series[Any]:
    if how in ("ffill", "pad"):
        return values.ffill()
    if how in ("bfill", "backfill"):
        return values.bfill()
    if how == "most common":
        common = most_common(values)
        return values if common is None else values.fillna(common)
    raise OperatorError(f"cannot fill texts by {how!r}", "Known: ffill, bfill, most common.", "upsample")
