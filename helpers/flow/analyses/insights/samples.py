"""Rows worth a look: those least like the others, and those that are there more than once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import IsolationForest

from ..features import matrix
from ..table import Table, seed
from .features import Feature

_least_rows, _rare = 20, 0.005


@dataclass(frozen=True)
class Sample:
    """An anomalous row: its number (from 0), its score (below 0 is anomalous), its values, the odd ones."""

    row: int
    score: float
    values: dict[str, Any]
    odd: frozenset[str]


def anomalous(table: Table, features: list[Feature], most: int) -> tuple[list[Sample], int]:
    """The most anomalous rows by an isolation forest, and how many have a negative score."""
    names = [each.name for each in features if each.distinct > 1 and each.kind != "text"]
    if len(table.data) < _least_rows or not names:
        return [], 0
    numbers = matrix(table, names)
    numbers = numbers.fillna(numbers.median()).fillna(0.0)
    forest = IsolationForest(random_state=seed, n_jobs=1).fit(numbers.to_numpy(dtype=np.float32))
    scores = forest.decision_function(numbers.to_numpy(dtype=np.float32))
    first = np.argsort(scores, kind="stable")[:most]
    by_name = {each.name: each for each in features}
    samples = []
    for place in first:
        values = table.data.iloc[place].to_dict()
        odd = frozenset(name for name, value in values.items() if _odd(value, by_name[name]))
        samples.append(Sample(int(place), float(scores[place]), values, odd))
    return samples, int((scores < 0).sum())


def _odd(value: Any, feature: Feature) -> bool:
    """Whether a value is rare, or lies among the outermost two hundredths of its column."""
    if value is None or value is pd.NaT or value != value:
        return 0 < feature.missing < 0.05 * feature.rows
    if feature.numbers and feature.kind == "numeric" and feature.counts:
        at = int(np.clip(np.searchsorted(feature.edges, value, side="right") - 1, 0, len(feature.counts) - 1))
        outside = sum(feature.counts[: at + 1]), sum(feature.counts[at:])
        return min(outside) < 0.01 * feature.valid
    counts = dict(feature.labels)
    return feature.kind in ("categorical", "binary") and counts.get(str(value), 0) < _rare * feature.valid
