"""The columns of a table as plain arrays, whatever type their cells were stored in."""

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pandas.api.types as types

from helpers.local.jobs.automl.column_kinds import NUMBERS, Kind

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.intp]
Booleans = npt.NDArray[np.bool_]

MOST_MIXED = 2000  # moments in many ways of writing that are read one by one, which is slow
LONGEST_NUMBER = 400  # characters: the largest float has 309 digits
LONGEST_MOMENT = 64
MOST_INVALID = 10  # examples of cells that cannot be read


@dataclass(frozen=True)
class Column:
    """One column; arrays have one element a row.

    Numeric columns and moments (seconds since 1970, UTC) have `numbers`, NaN where the cell is missing or
    invalid. Others have `codes` into `labels`, -1 where the cell is missing. Blank texts are missing.
    """

    name: str
    position: int
    kind: Kind
    stored_as: str
    missing: Booleans
    numbers: Floats | None = None
    codes: Integers | None = None
    labels: list[str] = field(default_factory=list)
    invalid: dict[str, int] = field(default_factory=dict)  # examples of what cannot be read, and their counts
    invalid_count: int = 0

    @property
    def finite(self) -> Floats:
        """The numbers that are there and finite."""
        assert self.numbers is not None
        return self.numbers[np.isfinite(self.numbers)]


def read(values: pd.Series, name: str, position: int, kind: Kind) -> Column:
    """One column of the table, read as its kind."""
    stored_as = str(values.dtype)
    if kind == "numeric" and plainly_numeric(values.dtype):
        numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
        return Column(name, position, kind, stored_as, np.isnan(numbers), numbers)
    if kind in ("numeric", "datetime"):
        missing = missing_cells(values)
        numbers = read_numbers(values) if kind == "numeric" else _seconds(values, missing)
        faulty = np.isnan(numbers) & ~missing
        invalid = _counts(values[faulty])
        return Column(
            name, position, kind, stored_as, missing, numbers,
            invalid=dict(list(invalid.items())[:MOST_INVALID]), invalid_count=int(faulty.sum()),
        )  # fmt: skip
    codes, labels = factorize(values)
    return Column(name, position, kind, stored_as, codes < 0, codes=codes, labels=labels)


def factorize(values: pd.Series) -> tuple[Integers, list[str]]:
    """Codes and the texts they stand for, in the order of their first row; -1 for missing and blank cells."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(object)
    elif values.dtype == object and types.infer_dtype(values, skipna=True) != "string":
        values = values.map(as_text, na_action="ignore")
    codes, uniques = pd.factorize(values)
    labels = [as_text(value) for value in uniques]
    blank = np.array([not label.strip() for label in labels], dtype=bool)
    if blank.any():
        codes = np.where((codes >= 0) & blank[np.maximum(codes, 0)], -1, codes)
    return codes.astype(np.intp), labels


def as_text(value: Any) -> str:
    """A cell as a text that can be written: bytes decoded, lists as JSON, whole numbers without a point."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).decode("utf-8", "replace")
    if isinstance(value, (float, np.floating)) and np.isfinite(value) and value == int(value):
        return str(int(value))
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, (list, tuple, dict)):
        return json.dumps(value, default=str, ensure_ascii=False)
    return str(value)


def plainly_numeric(dtype: Any) -> bool:
    """Whether cells of this type are numbers or booleans."""
    return bool(types.is_numeric_dtype(dtype) or types.is_bool_dtype(dtype)) and not (
        types.is_complex_dtype(dtype) or isinstance(dtype, pd.CategoricalDtype)
    )


def missing_cells(values: pd.Series) -> Booleans:
    """Which cells are missing: null, or a blank text."""
    missing = values.isna().to_numpy(dtype=bool)
    if values.dtype == object or types.is_string_dtype(values.dtype):
        blank = [isinstance(value, str) and not value.strip() for value in values.tolist()]
        missing = missing | np.array(blank, dtype=bool)
    return missing


def read_numbers(values: pd.Series) -> Floats:
    """Every cell as a number (spans of time in seconds), NaN where it is none."""
    if types.is_timedelta64_dtype(values.dtype):
        seconds: Floats = values.dt.total_seconds().to_numpy(dtype=np.float64, na_value=np.nan)
        return seconds
    if plainly_numeric(values.dtype):
        return values.to_numpy(dtype=np.float64, na_value=np.nan)
    there = values.astype(object)[~missing_cells(values)]
    if types.infer_dtype(there, skipna=True) == "timedelta":
        read = pd.to_timedelta(there, errors="coerce").dt.total_seconds()
    else:
        read = pd.to_numeric(there.map(_readable), errors="coerce")
    numbers = np.full(len(values), np.nan)
    numbers[~missing_cells(values)] = read.to_numpy(dtype=np.float64, na_value=np.nan)
    return numbers


def _readable(value: Any) -> Any:
    """What `pandas.to_numeric` reads or passes over: it fails on lists, and is slow on very long texts."""
    if isinstance(value, NUMBERS) and not isinstance(value, np.complexfloating):
        return float(value)
    return as_text(value).strip()[:LONGEST_NUMBER]


def _seconds(values: pd.Series, missing: Booleans) -> Floats:
    """Every cell as seconds since 1970 (UTC), NaN where it is no moment."""
    if isinstance(values.dtype, pd.PeriodDtype):
        values = values.dt.to_timestamp()
    if types.is_datetime64_any_dtype(values.dtype):
        return _since_1970(pd.to_datetime(values, utc=True))
    seconds = np.full(len(values), np.nan)
    seconds[~missing] = _read_moments(values[~missing].map(as_text))
    return seconds


def _read_moments(texts: pd.Series) -> Floats:
    """Moments in the way the first is written; of those in other ways the first 2000."""
    codes, uniques = pd.factorize(texts)
    written = pd.Series([text.strip()[:LONGEST_MOMENT] for text in uniques], dtype=object)
    if written.empty:
        return np.empty(0)
    form = pd.tseries.api.guess_datetime_format(written[0])
    seconds = np.full(len(written), np.nan)
    if form:
        seconds = _since_1970(pd.to_datetime(written, format=form, errors="coerce", utc=True))
    others = np.flatnonzero(np.isnan(seconds))[:MOST_MIXED]
    if len(others):
        read = pd.to_datetime(written.iloc[others], format="mixed", errors="coerce", utc=True)
        seconds[others] = _since_1970(read)
    return np.asarray(seconds[codes])


def _since_1970(moments: pd.Series) -> Floats:
    micros = moments.dt.tz_localize(None).to_numpy(dtype="datetime64[us]")  # nanoseconds end in the year 2262
    return np.where(np.isnat(micros), np.nan, micros.astype(np.int64) / 1e6)


def _counts(values: pd.Series) -> dict[str, int]:
    """How often each text is there, the most frequent first."""
    counts = values.map(as_text).value_counts(sort=False)
    return dict(
        sorted(((str(label), int(count)) for label, count in counts.items()), key=lambda one: -one[1])
    )
