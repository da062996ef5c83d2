"""How columns hang together: with the target, and among each other."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from .columns import Booleans, Column, Floats, Integers
from .facts import Pair, Relations

MOST_ROWS = 10_000
MOST_COMPARED = 200  # columns that are compared with each other
MOST_SHOWN = 24  # columns of the matrix
MOST_PAIRS = 10
LEAST_ROWS = 20  # with fewer rows an association is chance
MOST_LABELS = 1000


def with_target(column: Column, target: Column, rows: Integers) -> float | None:
    """How closely a column goes with the target in these rows; None where that cannot be told.

    Two numbers: Pearson's correlation, from -1 to 1. A number and labels: the correlation ratio, and labels
    with labels: Cramér's V, both from 0 to 1 and corrected for what chance gives (many labels fit anything).
    """
    if column.kind in ("text", "sequence"):
        return None
    if column.numbers is not None and target.numbers is not None:
        return pearson(column.numbers[rows], target.numbers[rows])
    if column.numbers is not None and target.codes is not None:
        return correlation_ratio(target.codes[rows], column.numbers[rows])
    if column.codes is not None and len(column.labels) > MOST_LABELS:
        return None
    if column.codes is not None and target.numbers is not None:
        return correlation_ratio(column.codes[rows], target.numbers[rows])
    assert column.codes is not None and target.codes is not None
    return cramers_v(column.codes[rows], target.codes[rows])


def of_gaps(missing: Booleans, target: Column, rows: Integers) -> float | None:
    """How closely being missing goes with the target."""
    gaps = missing[rows].astype(np.float64)
    if target.numbers is not None:
        return pearson(gaps, target.numbers[rows])
    assert target.codes is not None
    return correlation_ratio(target.codes[rows], gaps)


def pearson(first: Floats, second: Floats) -> float | None:
    """Pearson's correlation where both are finite; None when one is constant there, or rows are too few."""
    both = np.isfinite(first) & np.isfinite(second)
    x, y = scaled(first[both]), scaled(second[both])
    if x is None or y is None or len(x) < LEAST_ROWS:
        return None
    return float(np.clip(np.mean(x * y), -1, 1))


def scaled(values: Floats) -> Floats | None:
    """The values with mean 0 and standard deviation 1; None when they do not differ."""
    if not len(values):
        return None
    largest = np.abs(values).max()
    values = values / largest if largest > 0 else values  # squares of the largest floats would overflow
    deviations = values - values.mean()
    deviation = np.sqrt(np.mean(deviations**2))
    return deviations / deviation if deviation > 1e-12 else None


def correlation_ratio(codes: Integers, values: Floats) -> float | None:
    """The share of the numbers' deviation that their groups explain, less what chance would."""
    there = np.isfinite(values) & (codes >= 0)
    normal = scaled(values[there])
    if normal is None or len(normal) < LEAST_ROWS:
        return None
    _, groups = np.unique(codes[there], return_inverse=True)
    sizes = np.bincount(groups)
    rows, kinds = len(normal), len(sizes)
    if kinds < 2 or kinds > rows / 2:
        return None
    between = float((np.bincount(groups, normal) ** 2 / sizes).sum()) / rows
    return float(np.sqrt(np.clip(1 - (1 - between) * (rows - 1) / (rows - kinds), 0, 1)))


def cramers_v(first: Integers, second: Integers) -> float | None:
    """Cramér's V with the correction of Bergsma (2013)."""
    there = (first >= 0) & (second >= 0)
    if there.sum() < LEAST_ROWS:
        return None
    counts = pd.crosstab(first[there], second[there]).to_numpy(dtype=np.float64)
    rows, (high, wide) = counts.sum(), counts.shape
    if min(high, wide) < 2 or max(high, wide) > rows / 2:
        return None
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0, keepdims=True) / rows
    phi = float(((counts - expected) ** 2 / expected).sum()) / rows
    phi = max(0.0, phi - (high - 1) * (wide - 1) / (rows - 1))
    least = min(high - (high - 1) ** 2 / (rows - 1), wide - (wide - 1) ** 2 / (rows - 1)) - 1
    return float(np.sqrt(np.clip(phi / least, 0, 1))) if least > 0 else None


def among(columns: Sequence[Column], strength: Sequence[float | None], rows: Integers) -> Relations:
    """The correlations of numeric columns; of too many, of those that go most closely with the target."""
    numeric = [place for place, column in enumerate(columns) if column.kind == "numeric"]
    ranked = sorted(numeric, key=lambda place: -abs(strength[place] or 0.0))
    chosen = sorted(ranked[:MOST_COMPARED])
    if len(chosen) < 2:
        return Relations(looked_at=len(rows), compared=len(chosen), numeric=len(numeric))
    matrix = pairwise(np.column_stack([_numbers(columns[place], rows) for place in chosen]))
    names = [columns[place].name for place in chosen]
    high, wide = np.triu_indices(len(chosen), 1)
    values = matrix[high, wide]
    order = np.argsort(-np.abs(np.nan_to_num(values)), kind="stable")[:MOST_PAIRS]
    pairs = tuple(
        Pair(names[high[one]], names[wide[one]], float(values[one]))
        for one in order
        if np.isfinite(values[one])
    )
    shown = [place for place, one in enumerate(chosen) if one in set(ranked[:MOST_SHOWN])]
    return Relations(
        tuple(names[place] for place in shown),
        matrix[np.ix_(shown, shown)],
        pairs,
        len(rows),
        len(chosen),
        len(numeric),
    )


def _numbers(column: Column, rows: Integers) -> Floats:
    assert column.numbers is not None
    numbers = column.numbers[rows]
    return np.where(np.isfinite(numbers), numbers, np.nan)


def pairwise(values: Floats) -> Floats:
    """Pearson's correlation of every two columns over the rows that both have; NaN where there is none.

    `values` is (rows, columns), the answer (columns, columns). Sums over common rows are products of
    matrices, which is many times faster than going through the pairs.
    """
    there = np.isfinite(values)
    centred = np.zeros(values.shape)
    for place in range(values.shape[1]):
        normal = scaled(values[there[:, place], place])
        if normal is not None:
            centred[there[:, place], place] = normal
    mask = there.astype(np.float64)
    rows = mask.T @ mask
    sums, squares = centred.T @ mask, (centred**2).T @ mask
    with np.errstate(all="ignore"):
        products = centred.T @ centred - sums * sums.T / rows
        variances = squares - sums**2 / rows
        found = products / np.sqrt(variances * variances.T)
    constant = variances < 1e-9 * rows
    found[constant | constant.T | (rows < LEAST_ROWS)] = np.nan
    return np.clip(found, -1, 1)
