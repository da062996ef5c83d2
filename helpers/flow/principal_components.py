"""Principal component analysis from sums in one thread: exact, and the same on every machine and engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement, islice
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .engine import Run

_at_once = 400


@dataclass(frozen=True)
class Components:
    """Axes of the data: `axes` is features x components, `shares` the part of the variance of each."""

    centers: Sequence[float]
    scales: Sequence[float]
    axes: Any
    shares: Sequence[float]

    def first(self, count: int | None, variance: float) -> int:
        """How many components: this many, else the fewest that explain this percentage of the variance."""
        if count is not None:
            return min(count, len(self.shares))
        explained = np.cumsum(self.shares) * 100
        return int(np.argmax(explained >= min(variance, explained[-1]) - 1e-9)) + 1


def components(
    table: Any, columns: Sequence[str], centers: Sequence[float], scales: Sequence[float], run: Run
) -> Components:
    """The principal components of these columns of floats, each scaled, around their means.

    The largest coefficient of an axis is positive: mathematics leaves its sign open.
    """
    covariance = _covariance(table, columns, centers, run) * np.outer(scales, scales)
    values, vectors = np.linalg.eigh(covariance)
    order = np.argsort(values)[::-1]
    values, vectors = np.clip(values[order], 0, None), vectors[:, order]
    largest = np.abs(vectors).argmax(axis=0)
    signs = np.where(vectors[largest, np.arange(len(order))] < 0, -1.0, 1.0)
    total = float(values.sum())
    return Components(centers, scales, vectors * signs, (values / total if total else values).tolist())


def _covariance(table: Any, columns: Sequence[str], means: Sequence[float], run: Run) -> Any:
    """The sample covariance of columns around their means."""
    size = len(columns)
    found = np.zeros((size, size))
    pairs = combinations_with_replacement(range(size), 2)
    rows = int(run.row(table.aggregate(rows=table.count()))["rows"])
    while some := list(islice(pairs, _at_once)):
        products = {
            f"p_{one}_{two}": ((table[columns[one]] - means[one]) * (table[columns[two]] - means[two])).sum()
            for one, two in some
        }
        sums = run.row(table.aggregate(**products), one_thread=True)
        for one, two in some:
            found[one, two] = found[two, one] = sums[f"p_{one}_{two}"] / (rows - 1)
    return found
