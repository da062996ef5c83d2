"""What kind of feature each column is, as Autopilot infers it from the values."""

import datetime
import decimal
import re
from collections.abc import Callable, Mapping
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
import pandas.api.types as types

Kind = Literal["numeric", "categorical", "text", "datetime", "sequence"]
KINDS: tuple[Kind, ...] = get_args(Kind)

# This share of a column's values must be numbers (moments, sequences) for the column to be of that kind: the
# rest are faults of the data.
ENOUGH = 0.9
# Texts have this many words on average, and this share of them differ; what has fewer is a label.
WORDS_OF_TEXT, DISTINCT_OF_TEXT = 3.0, 0.01
MOST_VALUES, MOST_READ = 2000, 100  # values of a column that are looked at, and that are read in full
LONGEST_LOOK = 200  # characters of a cell that are looked at
LONGEST_WORD = 64  # characters of a number or a moment

NUMBERS = (int, float, decimal.Decimal, np.number)
_NUMBER = r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"
_SEQUENCE = re.compile(rf"\[?\s*{_NUMBER}(?:\s*,\s*{_NUMBER})+\s*\]?")
_WRITTEN_NUMBER = re.compile(rf"{_NUMBER}|[-+]?(?:inf|infinity|nan)", re.IGNORECASE)
_THOUSANDS = re.compile(r"[-+]?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
# A day: its year has four digits, or slashes or hyphens part it; or the name of its month stands by the year.
_MOMENT = re.compile(
    r"(?:\d{4}([-/.])\d{1,2}\1\d{1,2}(?!\d)|\d{1,2}([-/.])\d{1,2}\2\d{4}(?!\d)"
    r"|\d{1,2}([-/])\d{1,2}\3\d{2}(?!\d)|\d{8}T\d{4}"
    r"|(?=.*\b\d{4}\b).*\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\b)",
    re.IGNORECASE,
)


def infer(values: pd.Series) -> Kind:
    """The kind of one column: `numeric`, `categorical`, `text`, `datetime` or `sequence`.

    At most 2000 values, spread over the whole column, are looked at. Missing values and blank texts do not
    count; a column that has nothing else is numeric. A column of texts is numeric, datetime or a sequence
    (numbers with commas between them) when nine of ten values are.
    """
    dtype = values.dtype
    if types.is_bool_dtype(dtype) or isinstance(dtype, pd.CategoricalDtype):
        return "categorical"
    if types.is_datetime64_any_dtype(dtype) or isinstance(dtype, pd.PeriodDtype):
        return "datetime"
    if types.is_numeric_dtype(dtype) or types.is_timedelta64_dtype(dtype):
        return "numeric"
    return _of_objects(values)


def infer_all(frame: pd.DataFrame, given: Mapping[str, str] | None = None) -> list[Kind]:
    """The kind of every column in its place (names may repeat); those of `given` are as given there."""
    known = given or {}
    kinds: list[Kind] = []
    for position, name in enumerate(frame.columns):
        asked = known.get(str(name))
        kinds.append(asked if asked in KINDS else infer(frame.iloc[:, position]))
    return kinds


def has_thousands_separators(text: str) -> bool:
    """Whether a text is a number such as `1,234`, which looks like a sequence of two."""
    return _THOUSANDS.fullmatch(text.strip()) is not None


def _of_objects(values: pd.Series) -> Kind:
    found = [_looked_at(value) for value in spread(values.dropna(), MOST_VALUES).tolist()]
    found = [value for value in found if not (isinstance(value, str) and not value)]
    if not found:
        return "numeric"
    texts = [value for value in found if isinstance(value, str)]
    if len(texts) < len(found) * (1 - ENOUGH):
        return _of_things(found)
    if _mostly(found, _is_number):
        return "numeric"
    if _mostly(texts, _is_sequence):
        return "categorical" if _mostly(texts, has_thousands_separators) else "sequence"
    if _mostly(texts, _may_be_moment) and _are_moments(texts):
        return "datetime"
    return "text" if _are_sentences(texts) else "categorical"


def _looked_at(value: Any) -> Any:
    return value.strip()[:LONGEST_LOOK] if isinstance(value, str) else value


def _of_things(found: list[Any]) -> Kind:
    """The kind of values most of which are no texts."""

    def mostly(kinds: type | tuple[type, ...]) -> bool:
        return _mostly(found, lambda value: isinstance(value, kinds))

    if mostly((bool, np.bool_)):
        return "categorical"
    if mostly((*NUMBERS, datetime.timedelta)):
        return "numeric"
    if mostly((datetime.date, np.datetime64, pd.Period)):
        return "datetime"
    if mostly((list, tuple, np.ndarray)):
        return "sequence" if all(_are_numbers(value) for value in found) else "categorical"
    return "categorical"


def spread(values: pd.Series, most: int) -> pd.Series:
    """At most so many values, evenly spread over the column: the first rows of a sorted table mislead."""
    if len(values) <= most:
        return values
    return values.iloc[np.linspace(0, len(values) - 1, most).astype(np.intp)]


def _mostly(values: list[Any], holds: Callable[[Any], bool]) -> bool:
    """Whether it holds for nine of ten; most columns are told apart by their first values."""
    left = len(values) * (1 - ENOUGH) + 1e-9
    for value in values:
        left -= not holds(value)
        if left < 0:
            return False
    return True


def _is_number(value: Any) -> bool:
    if not isinstance(value, str):
        return isinstance(value, NUMBERS) and not isinstance(value, bool)
    return len(value) <= LONGEST_WORD and _WRITTEN_NUMBER.fullmatch(value) is not None


def _is_sequence(text: str) -> bool:
    whole = text if len(text) < LONGEST_LOOK else text.rpartition(",")[0]
    return _SEQUENCE.fullmatch(whole) is not None


def _may_be_moment(text: str) -> bool:
    return len(text) <= LONGEST_WORD and _MOMENT.match(text) is not None


def _are_moments(texts: list[str]) -> bool:
    step = max(1, len(texts) // MOST_READ)
    some = pd.Series(texts[::step])
    read = pd.to_datetime(some, errors="coerce", format="mixed", utc=True)
    return bool(read.notna().mean() >= ENOUGH)


def _are_sentences(texts: list[str]) -> bool:
    distinct = list(dict.fromkeys(texts))
    if len(distinct) <= DISTINCT_OF_TEXT * len(texts) or len(distinct) < 2:
        return False
    return float(np.mean([len(text.split()) for text in distinct[:MOST_READ]])) >= WORDS_OF_TEXT


def _are_numbers(value: object) -> bool:
    items = value.tolist() if isinstance(value, np.ndarray) else value
    return not isinstance(items, (list, tuple)) or all(
        item is None or isinstance(item, NUMBERS) for item in items
    )
