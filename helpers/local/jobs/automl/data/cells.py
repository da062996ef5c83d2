"""Cells of any type as those a model takes: whole numbers, numbers, truth values, texts."""

import datetime
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pandas.api.types as types

NUMBERS = ("integer", "floating", "mixed-integer-float", "decimal")


def normalise(frame: pd.DataFrame, given: Mapping[str, str] | None = None) -> pd.DataFrame:
    """The frame with columns of int64, float64, bool, or object (texts; None where missing).

    `given` has the types that a feature specification gives columns. Infinities become missing values,
    moments texts in ISO 8601 (UTC where they have a zone), lists and structs JSON.
    """
    known = given or {}
    columns = {
        name: _as_given(frame[name], known[name]) if name in known else column(frame[name])
        for name in map(str, frame.columns)
    }
    return pd.DataFrame(columns, index=frame.index)


def align(frame: pd.DataFrame, model: pd.DataFrame) -> pd.DataFrame:
    """The columns of `model`, in its order and of its types, from a normalised frame that has them all."""
    return pd.DataFrame(
        {name: _like(frame[name], model[name].dtype) for name in model.columns}, index=frame.index
    )


def _like(values: pd.Series, dtype: Any) -> pd.Series:
    if types.is_object_dtype(dtype):
        return _texts(values)
    if types.is_bool_dtype(dtype) and types.is_bool_dtype(values.dtype):
        return values
    return numbers(values)


def _as_given(values: pd.Series, kind: str) -> pd.Series:
    if kind != "numeric":
        return _texts(column(values, texts=True))
    found = numbers(column(values))
    lost = int((found.isna() & values.notna()).sum())
    if lost:
        print(f"Column '{values.name}': {lost} cells are no numbers and count as missing.", flush=True)
    return found


def numbers(values: pd.Series) -> pd.Series:
    """The column as float64: what is no finite number is missing."""
    found = pd.to_numeric(values, errors="coerce")
    return pd.Series(found, dtype="float64").replace([np.inf, -np.inf], np.nan)


def column(values: pd.Series, texts: bool = False) -> pd.Series:
    """One column; `texts` keeps texts that are written numbers."""
    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        values = values.astype(object)
    elif types.is_bool_dtype(dtype) and not values.hasnans:
        return values.astype(bool)
    elif types.is_bool_dtype(dtype):
        values = values.astype(object)
    elif types.is_integer_dtype(dtype) and not values.hasnans and _fits(values):
        return values.astype("int64")
    elif types.is_numeric_dtype(dtype) and not types.is_complex_dtype(dtype):
        return values.astype("float64").replace([np.inf, -np.inf], np.nan)
    elif types.is_timedelta64_dtype(dtype):
        return pd.Series(values.dt.total_seconds(), dtype="float64")
    elif isinstance(dtype, pd.DatetimeTZDtype):
        return _texts(values.dt.tz_convert("UTC").dt.tz_localize(None))
    elif types.is_datetime64_dtype(dtype):
        return _texts(values)
    return _of_objects(values.astype(object), texts)


def _fits(values: pd.Series) -> bool:
    return values.empty or bool(values.max() <= np.iinfo(np.int64).max)


def _of_objects(values: pd.Series, texts: bool) -> pd.Series:
    kind = types.infer_dtype(values, skipna=True)
    if kind == "empty":
        return pd.Series(np.nan, index=values.index, name=values.name, dtype="float64")
    if kind in NUMBERS:
        return numbers(values.map(float, na_action="ignore"))
    if kind == "string" and not texts and _are_numbers(values):
        return numbers(values)
    return _texts(values)


def _are_numbers(values: pd.Series) -> bool:
    """Whether every text is a written number (pandas leaves whole numbers of over 64 bits as texts)."""
    filled = values.dropna()
    if pd.to_numeric(filled.iloc[:20], errors="coerce").isna().any():
        return False
    return not bool(pd.to_numeric(filled, errors="coerce").isna().any())


def _texts(values: pd.Series) -> pd.Series:
    if types.is_float_dtype(values.dtype) and bool(np.all(np.mod(values.dropna(), 1) == 0)):
        values = values.astype("Int64")  # labels 1 and 2 of a column with blanks are read as 1.0 and 2.0
    found = values.astype(object)
    if types.infer_dtype(found, skipna=True) != "string":
        found = found.map(_text)
    return found.where(found.notna(), None)


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, (list, tuple, dict, np.ndarray)):
        return json.dumps(value, default=_plain, ensure_ascii=False)
    if value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return None
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).decode("utf-8", errors="replace")
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat(" ") if isinstance(value, datetime.datetime) else value.isoformat()
    return str(value)


def _plain(value: Any) -> Any:
    """What JSON takes instead of a value inside a list or a struct."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    return value.item() if isinstance(value, np.generic) else _text(value)
