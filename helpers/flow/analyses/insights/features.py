"""The details of each feature: its kind, what is missing, its distribution, what lies far out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from ..style import number
from ..table import Table, as_categories

most_labels = 100
_disguises = re.compile(
    r"\s*(\?+|-+|\.+|n/?a\.?|nan|null|none|nil|unknown|unkown|undefined|missing|not available|tbd|#n/a)\s*",
    re.IGNORECASE,
)
_stand_ins = (-999.0, -9999.0, -99999.0, 999999.0, 9999999.0)


@dataclass
class Feature:
    """One column as the report describes it. `numbers` are statistics of a column of numbers."""

    name: str
    kind: str
    type: str
    rows: int
    missing: int
    distinct: int
    labels: list[tuple[str, int]] = field(default_factory=list)
    numbers: dict[str, float] = field(default_factory=dict)
    counts: list[int] = field(default_factory=list)
    edges: list[float] = field(default_factory=list)
    moments: tuple[str, str] | None = None
    disguised: list[tuple[str, int]] = field(default_factory=list)
    outliers: int = 0
    limits: tuple[float, float] | None = None
    power: float | None = None

    @property
    def valid(self) -> int:
        """Rows that have a value."""
        return self.rows - self.missing

    @property
    def ends(self) -> tuple[str, str] | None:
        """The least and the greatest number, for an axis."""
        return (number(self.numbers["min"]), number(self.numbers["max"])) if self.numbers else None

    def as_numbers(self) -> dict[str, Any]:
        """For the JSON, with the names that Data Wrangler's own reports use where there is one."""
        found: dict[str, Any] = {
            "feature_type": self.kind,
            "data_type": self.type,
            "nrows": self.rows,
            "missing_count": self.missing,
            "cardinality": self.distinct,
            "labels": [label for label, _ in self.labels],
            "label_counts": [count for _, count in self.labels],
            **self.numbers,
        }
        if self.limits:
            found |= {"outlier_count": self.outliers, "outlier_limits": list(self.limits)}
        if self.power is not None:
            found["prediction_power"] = self.power
        if self.counts:
            found["histogram"] = {"counts": self.counts, "edges": self.edges}
        if self.moments:
            found["first"], found["last"] = self.moments
        return found


def describe(table: Table, name: str) -> Feature:
    """The details of one column."""
    column, kind, type_ = table.data[name], table.kinds[name], table.types[name]
    values = column.dropna()
    texts = as_categories(values)
    counts = texts.value_counts()
    ordered = sorted(counts.index, key=lambda label: (-counts[label], str(label)))[:most_labels]
    found = Feature(
        name, kind, type_, len(column), len(column) - len(values), int(values.nunique()),
        [(str(label), int(counts[label])) for label in ordered],
    )  # fmt: skip
    if type_ in ("long", "float") and len(values):
        _numbers(found, values.to_numpy(dtype=float))
    elif kind == "datetime":
        moments = pd.to_datetime(values, errors="coerce", format="ISO8601", utc=True).dropna()
        if len(moments):
            found.moments = (str(moments.min().date()), str(moments.max().date()))
            seconds = (moments - pd.Timestamp(0, tz="UTC")).dt.total_seconds().to_numpy()
            found.counts, found.edges = histogram(seconds)
    else:
        found.disguised = [
            (label, int(counts[label])) for label in counts.index if _disguises.fullmatch(str(label))
        ]
    return found


def _numbers(found: Feature, values: np.ndarray[Any, Any]) -> None:
    deviation = values.std()
    centred = values - values.mean()
    found.numbers = {
        "min": values.min(),
        "max": values.max(),
        "mean": values.mean(),
        "median": float(np.median(values)),
        "stddev": values.std(ddof=1) if len(values) > 1 else 0.0,
        "skew": float(np.mean(centred**3) / deviation**3) if deviation > 0 else 0.0,
        "kurtosis": float(np.mean(centred**4) / deviation**4) if deviation > 0 else 0.0,
        "integer_count": float((values == np.round(values)).sum()),
    }
    found.limits = outlier_limits(values)
    found.outliers = int(((values < found.limits[0]) | (values > found.limits[1])).sum())
    found.counts, found.edges = histogram(values)
    found.disguised = [
        (f"{each:g}", int((values == each).sum()))
        for each in _stand_ins
        if (values == each).sum() > 1 and (each < 0) != (np.median(values) < 0)
    ]


def outlier_limits(values: np.ndarray[Any, Any]) -> tuple[float, float]:
    """Median -+ 5 robust deviations: those of the values clipped to their 5th and 95th percentile."""
    low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
    robust = np.clip(values, low, high).std()
    if robust == 0:
        return float(values.min()), float(values.max())
    return float(middle - 5 * robust), float(middle + 5 * robust)


def histogram(values: np.ndarray[Any, Any], most: int = 30) -> tuple[list[int], list[float]]:
    """Counts and edges of equal bins: one a number for a few whole numbers."""
    low, high = float(values.min()), float(values.max())
    distinct = np.unique(values)
    if np.all(distinct == np.round(distinct)) and high - low < most:
        edges = np.arange(low - 0.5, high + 1)
    else:
        edges = np.linspace(low, high, most + 1) if high > low else np.array([low - 0.5, high + 0.5])
    counts, edges = np.histogram(values, bins=edges)
    return counts.tolist(), edges.tolist()
