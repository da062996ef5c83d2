"""The column to predict: what can be trained on, and how it is distributed."""

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import pandas.api.types as types

from .columns import Booleans, Column, Floats, Integers, as_text, factorize, missing_cells, read_numbers
from .facts import Outlier, TargetFacts
from .statistics import summarise

FAR = 3.0  # standard deviations from the mean that make an outlier
FEW = 20  # values of a regression that are counted one by one
MOST_OUTLIERS, MOST_DROPPED = 10, 10


def read(values: pd.Series, name: str, position: int, problem_type: str) -> tuple[Column, Booleans]:
    """The target as a column, and which rows can be trained on.

    A target of a regression must be a finite number; of a classification, anything that is not missing,
    blank or infinite.
    """
    if problem_type == "Regression":
        numbers = read_numbers(values)
        valid = np.isfinite(numbers)
        kept = np.where(valid, numbers, np.nan)
        return Column(name, position, "numeric", str(values.dtype), missing_cells(values), kept), valid
    if types.is_float_dtype(values.dtype):
        values = values.replace([np.inf, -np.inf], np.nan)
    codes, written = factorize(values)
    joined, labels = _without_spaces(written)
    codes = np.where(codes >= 0, np.append(joined, -1)[codes], -1)
    stored_as = str(values.dtype)
    return Column(name, position, "categorical", stored_as, codes < 0, codes=codes, labels=labels), codes >= 0


def _without_spaces(labels: list[str]) -> tuple[Integers, list[str]]:
    """For each label the place of the one it is without spaces around it, and those."""
    codes, stripped = pd.factorize(np.array([label.strip() for label in labels], dtype=object))
    return codes.astype(np.intp), [str(label) for label in stripped]


def describe(column: Column, valid: Booleans, values: pd.Series, problem_type: str) -> TargetFacts:
    """The facts of the target; `values` are its cells as they were read."""
    missing = missing_cells(values)
    refused = Counter(
        "(missing)" if gone else as_text(value)
        for value, gone in zip(values[~valid].tolist(), missing[~valid].tolist(), strict=True)
    )
    told: dict[str, Any] = {
        "name": column.name,
        "problem_type": problem_type,
        "rows": len(values),
        "missing": int((missing & ~valid).sum()),
        "invalid": int((~missing & ~valid).sum()),
        "dropped": tuple(sorted(refused.items(), key=lambda one: (-one[1], one[0]))[:MOST_DROPPED]),
    }
    if column.numbers is not None:
        ordered = np.sort(column.finite)
        outliers, count = far_out(ordered)
        distinct, rows = np.unique(ordered, return_counts=True)
        few = zip(distinct, rows, strict=True) if len(distinct) <= FEW else ()
        return TargetFacts(
            **told,
            distinct=len(distinct),
            numbers=summarise(ordered),
            outliers=outliers,
            outlier_count=count,
            classes=tuple((as_text(value), int(count)) for value, count in few),
        )
    assert column.codes is not None
    counts = np.bincount(column.codes[valid], minlength=len(column.labels))
    classes = [(label, int(count)) for label, count in zip(column.labels, counts, strict=True) if count]
    classes.sort(key=lambda one: (-one[1], one[0]))
    return TargetFacts(**told, distinct=len(classes), classes=tuple(classes))


def far_out(ordered: Floats) -> tuple[tuple[Outlier, ...], int]:
    """The values more than three standard deviations from the mean, the farthest first, and their rows."""
    if len(ordered) < 2:
        return (), 0
    with np.errstate(all="ignore"):
        deviation = ordered.std(ddof=1)
        z = (ordered - ordered.mean()) / deviation if deviation > 0 else np.zeros(len(ordered))
    far = np.flatnonzero(np.abs(z) > FAR)
    values, first, counts = np.unique(ordered[far], return_index=True, return_counts=True)
    found = [
        Outlier(float(value), float(z[far[place]]), int(count))
        for value, place, count in zip(values, first, counts, strict=True)
    ]
    found.sort(key=lambda one: (-abs(one.z), one.value))
    return tuple(found[:MOST_OUTLIERS]), len(far)
