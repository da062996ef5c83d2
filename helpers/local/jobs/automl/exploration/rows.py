"""Whole rows: some to look at, those that are there twice, those unlike the others."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from .columns import Column, Floats, Integers, as_text, factorize, plainly_numeric
from .facts import Anomalies, Anomaly, Duplicates, Reason, Sample
from .statistics import moment

SEED = 0
SAMPLE_ROWS, SAMPLE_COLUMNS = 8, 16
MOST_HASHED = 40_000_000  # cells, of which one that is no number counts ten
MOST_EXAMPLES = 5
FOREST_ROWS, FOREST_COLUMNS, TREES = 10_000, 100, 100
LEAST_FOREST_ROWS = 20
MOST_ANOMALIES, MOST_REASONS = 8, 3


def draw(rows: Integers, most: int) -> Integers:
    """At most so many of these rows, drawn at random but the same each time, in their order."""
    if len(rows) <= most:
        return rows
    drawn = np.random.default_rng(SEED).choice(len(rows), most, replace=False, shuffle=False)
    return rows[np.sort(drawn)]


def sample(table: pd.DataFrame, positions: Sequence[int], rows: Sequence[int]) -> Sample:
    """The cells of some rows and columns as texts; missing ones are empty."""
    shown = tuple(positions[:SAMPLE_COLUMNS])
    cells = [(int(row), tuple(_cell(table.iat[int(row), position]) for position in shown)) for row in rows]
    return Sample(tuple(as_text(table.columns[position]) for position in shown), tuple(cells))


def _cell(value: Any) -> str:
    missing = pd.api.types.is_scalar(value) and pd.isna(value)
    return "" if missing else as_text(value)


def duplicates(table: pd.DataFrame, target: int, features: Sequence[int]) -> Duplicates:
    """Rows that agree in these columns, in all rows unless they are too many, by a hash of each."""
    rows = draw(np.arange(len(table)), _affordable(table))
    looked_at = table if len(rows) == len(table) else table.iloc[rows]
    of_features = _hashes(looked_at, features)
    whole = _hashes(pd.DataFrame({"features": of_features, "target": _hashes(looked_at, [target])}), [0, 1])
    repeated = pd.Series(whole).duplicated()
    # Rows that agree in every feature but have several targets: each such group has more than one whole hash.
    groups = pd.DataFrame({"features": of_features, "whole": whole})
    once = groups[~repeated.to_numpy()]
    several = once["features"][once["features"].duplicated(keep=False)].unique()
    conflicting = int(groups["features"].isin(several).sum()) if features else 0
    counts = pd.Series(whole)[pd.Series(whole).duplicated(keep=False)].value_counts(sort=False)
    order = np.argsort(-counts.to_numpy(), kind="stable")[:MOST_EXAMPLES]
    firsts = [int(np.flatnonzero(whole == counts.index[place])[0]) for place in order]
    examples = tuple(
        (int(rows[first]), int(counts.iloc[place])) for first, place in zip(firsts, order, strict=True)
    )
    positions = [target, *features]
    shown = sample(table, positions, [row for row, _ in examples]) if examples else None
    return Duplicates(len(rows), int(repeated.sum()), conflicting, examples, shown)


def _affordable(table: pd.DataFrame) -> int:
    weights = sum(1 if pd.api.types.is_numeric_dtype(dtype) else 10 for dtype in table.dtypes)
    return max(1000, MOST_HASHED // max(1, weights))


def _hashes(table: pd.DataFrame, positions: Sequence[int]) -> npt.NDArray[np.uint64]:
    """A number for each row that only equal rows share."""
    total: npt.NDArray[np.uint64] = np.zeros(len(table), dtype=np.uint64)
    for position in positions:
        values = table.iloc[:, position]
        if plainly_numeric(values.dtype):
            hashed = pd.util.hash_pandas_object(values, index=False).to_numpy(dtype=np.uint64)
        else:
            codes, labels = factorize(values)
            hashed = pd.util.hash_array(np.array([*labels, ""], dtype=object))[codes]  # the last is for gaps
        total = np.asarray(total * np.uint64(1_000_003) + hashed, dtype=np.uint64)
    return total


def anomalies(columns: Sequence[Column], rows: Integers, numbers: Integers) -> Anomalies:
    """The rows that an isolation forest tells apart soonest, and the cells that make them odd.

    `rows` are places in the columns' arrays, `numbers` the rows' numbers in the table. A label counts by how
    frequent it is. A cell's share is what the score loses when the cell is given its column's usual value.
    """
    from sklearn.ensemble import IsolationForest

    usable = [column for column in columns if column.kind in ("numeric", "datetime", "categorical")]
    prepared = [(column, values) for column in usable if (values := _encoded(column, rows)) is not None]
    prepared = prepared[:FOREST_COLUMNS]
    if len(rows) < LEAST_FOREST_ROWS or not prepared:
        return Anomalies(looked_at=len(rows), columns=len(prepared))
    cells = np.column_stack([values for _, values in prepared])
    forest = IsolationForest(n_estimators=TREES, random_state=SEED, n_jobs=1).fit(cells)
    scores = -forest.score_samples(cells)
    first = np.argsort(-scores, kind="stable")[:MOST_ANOMALIES]
    usual = np.median(cells, axis=0)
    changed = np.repeat(cells[first], len(prepared), axis=0)
    at = np.tile(np.arange(len(prepared)), len(first))
    changed[np.arange(len(changed)), at] = usual[at]
    losses = scores[first, None] + forest.score_samples(changed).reshape(len(first), len(prepared))
    found = [
        Anomaly(int(numbers[place]), float(scores[place]), _reasons(prepared, loss, int(rows[place])))
        for place, loss in zip(first, losses, strict=True)
    ]
    return Anomalies(tuple(found), len(rows), len(prepared))


def _encoded(column: Column, rows: Integers) -> Floats | None:
    """The column as numbers that the forest can split; None when they do not differ."""
    if column.numbers is not None:
        numbers = column.numbers[rows]
        finite = np.isfinite(numbers)
        if not finite.any():
            return None
        low, high = numbers[finite].min(), numbers[finite].max()
        # Beyond what the trees' single precision holds, and infinities: as the outermost value.
        values = np.clip(np.where(np.isnan(numbers), np.median(numbers[finite]), numbers), low, high)
        values = np.clip(values, -1e37, 1e37)
        if column.kind == "datetime":
            values = values - low  # seconds since the first, or single precision would lose minutes
    else:
        assert column.codes is not None
        codes = column.codes[rows]
        if len(np.unique(codes)) > len(codes) / 2:
            return None  # identifiers: all are rare
        counts = np.bincount(codes[codes >= 0], minlength=len(column.labels)).astype(np.float64)
        values = np.where(codes >= 0, counts[np.maximum(codes, 0)] if len(counts) else 0.0, (codes < 0).sum())
    return values if values.min() < values.max() else None


def _reasons(prepared: Sequence[tuple[Column, Floats]], losses: Floats, row: int) -> tuple[Reason, ...]:
    """The cells that matter most, with the shares of what all of them lose."""
    gains = np.maximum(losses, 0.0)
    total = gains.sum()
    reasons = []
    for place in np.argsort(-gains, kind="stable")[:MOST_REASONS]:
        if gains[place] <= 0.05 * total:
            break
        column, _ = prepared[place]
        value, normal = _shown(column, row)
        reasons.append(Reason(column.name, value, normal, float(gains[place] / total)))
    return tuple(reasons)


def _shown(column: Column, row: int) -> tuple[str, str]:
    """A cell as a text, and what is usual in its column: the median, or the most frequent label."""
    if column.numbers is not None:
        number = column.numbers[row]
        write = moment if column.kind == "datetime" else "{:.4g}".format
        middle = float(np.nanmedian(np.where(np.isfinite(column.numbers), column.numbers, np.nan)))
        return ("" if np.isnan(number) else write(float(number))), write(middle)
    assert column.codes is not None
    code = column.codes[row]
    counts = np.bincount(column.codes[column.codes >= 0], minlength=len(column.labels))
    common = column.labels[int(np.argmax(counts))] if len(counts) else ""
    return (column.labels[code] if code >= 0 else ""), common
