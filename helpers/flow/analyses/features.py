"""Features as numbers, for the small models of the analyses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ..errors import OperatorError
from .table import Table, as_categories

most_classes = 100
"""Data Wrangler takes a label with more distinct values for a number to be predicted."""
_most_categories, _greatest = 100, 1e30


def encoded(table: Table, name: str) -> pd.Series[Any]:
    """A column as numbers, missing as NaN.

    Moments are seconds; categories are numbered by frequency, the most frequent 0, as Spark's StringIndexer
    does it; those beyond the hundred most frequent share one number.
    """
    column = table.data[name]
    if table.types[name] in ("long", "float"):
        return column.astype(float).clip(-_greatest, _greatest)
    if table.kinds[name] == "datetime":
        moments = pd.to_datetime(column, errors="coerce", format="ISO8601", utc=True)
        return (moments - pd.Timestamp(0, tz="UTC")).dt.total_seconds()
    counts = column.value_counts()
    frequent = sorted(counts.index, key=lambda value: (-counts[value], str(value)))[:_most_categories]
    places = {value: float(place) for place, value in enumerate(frequent)}
    codes = column.map(places)
    return codes.where(codes.notna() | column.isna(), float(len(frequent))).astype(float)


def feature_names(table: Table, target: str) -> list[str]:
    """The columns that may predict the target: all others that have more than one value."""
    names = [name for name in table.data.columns if name != target and table.data[name].nunique() > 1]
    if not names:
        raise OperatorError("there is no other column to predict from", "Look at the steps before it.")
    return names


def matrix(table: Table, names: list[str]) -> pd.DataFrame:
    """Several columns as numbers."""
    return pd.DataFrame({name: encoded(table, name) for name in names})


def labelled(table: Table, target: str, needed: int, parameter: str) -> np.ndarray[Any, Any]:
    """Which rows have a value of the target. Raises OperatorError when too few have one."""
    there = table.data[target].notna().to_numpy()
    if there.sum() < needed:
        raise OperatorError(
            f"only {there.sum()} rows have a value in '{target}'; this analysis needs {needed}",
            "Choose another column or more rows.",
            parameter,
        )
    return there


def is_classification(table: Table, target: str) -> bool:
    """Data Wrangler's rule: texts, and numbers with at most a hundred distinct values, are classes."""
    if table.types[target] not in ("long", "float"):
        return True
    return bool(table.data[target].nunique() <= most_classes)


def classes(table: Table, target: str) -> tuple[pd.Series[Any], list[str]]:
    """The target as numbers of classes (NaN: none) and the names of the classes, in order."""
    labels = as_categories(table.data[target])
    if table.types[target] in ("long", "float"):
        names = sorted(labels.dropna().unique(), key=float)
    else:
        names = sorted(labels.dropna().unique())
    return labels.map({name: float(place) for place, name in enumerate(names)}).astype(float), list(names)


def numeric_target(table: Table, target: str, parameter: str) -> pd.Series[Any]:
    """The target as numbers. Raises OperatorError when it is none."""
    table.number(target, parameter)
    if table.types[target] == "bool":
        return table.data[target].map({"true": 1.0, "false": 0.0}).astype(float)
    return table.data[target].astype(float)
