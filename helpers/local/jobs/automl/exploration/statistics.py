"""What single columns say: distributions, labels, gaps."""

from typing import Any

import numpy as np

from .columns import Column, Floats, Integers
from .facts import ColumnFacts, Counts, Numbers

MOST_COMMON = 5
BINS = 30


def describe(column: Column) -> ColumnFacts:
    """The facts of one feature."""
    rows, missing = len(column.missing), int(column.missing.sum())
    told: dict[str, Any] = {
        "name": column.name,
        "kind": column.kind,
        "stored_as": column.stored_as,
        "rows": rows,
        "missing": missing,
        "invalid": tuple(column.invalid.items()),
        "invalid_count": column.invalid_count,
    }
    if column.numbers is None:
        assert column.codes is not None
        counts = np.bincount(column.codes[column.codes >= 0], minlength=len(column.labels))
        length = sum(len(label) * int(count) for label, count in zip(column.labels, counts, strict=True))
        return ColumnFacts(
            **told,
            distinct=int((counts > 0).sum()),
            most_common=_most_common(column.labels, counts),
            characters=length / max(1, rows - missing),
        )
    valid = column.numbers[~np.isnan(column.numbers)]
    ordered = np.sort(valid)
    values, counts = _runs(ordered)
    if column.kind == "datetime":
        ends = (moment(ordered[0]), moment(ordered[-1])) if len(ordered) else None
        labels = [moment(values[place]) for place in _largest(counts)]
        common = tuple(zip(labels, counts[_largest(counts)].tolist(), strict=True))
        return ColumnFacts(**told, distinct=len(values), moments=ends, most_common=common)
    largest = _largest(counts)
    common = tuple((f"{values[place]:.15g}", int(counts[place])) for place in largest)
    return ColumnFacts(**told, distinct=len(values), numbers=summarise(ordered), most_common=common)


def summarise(ordered: Floats) -> Numbers | None:
    """The distribution of numbers in rising order; None when no one is finite."""
    finite = ordered[np.isfinite(ordered)]
    if not len(finite):
        return None
    largest = np.abs(finite).max()
    scale = (
        largest if largest > 1e100 or 0 < largest < 1e-100 else 1.0
    )  # cubes shall neither overflow nor vanish
    scaled = finite / scale
    deviations = scaled - scaled.mean()
    variance = float((deviations**2).mean())
    deviation = np.sqrt(variance * len(finite) / (len(finite) - 1)) if len(finite) > 1 else 0.0
    skew = float((deviations**3).mean()) / variance**1.5 if variance > 1e-30 else 0.0
    quarter, median, three_quarters = (_quantile(finite, share) for share in (0.25, 0.5, 0.75))
    return Numbers(
        mean=float(scaled.mean() * scale),
        deviation=float(deviation * scale),
        minimum=float(finite[0]),
        quarter=quarter,
        median=median,
        three_quarters=three_quarters,
        maximum=float(finite[-1]),
        skew=skew,
        zeros=int(np.count_nonzero(finite == 0)),
        infinite=len(ordered) - len(finite),
        whole=bool((finite == np.floor(finite)).all()),
        counts=_histogram(finite),
    )


def _histogram(finite: Floats) -> tuple[int, ...]:
    """Counts in bins of one width; the edges are found in the ordered numbers."""
    if not finite[0] < finite[-1]:
        return (len(finite),)
    weights = np.arange(1, BINS) / BINS
    edges = finite[0] * (1 - weights) + finite[-1] * weights  # a difference of the largest floats overflows
    edges -= 1e-12 * np.abs(edges)  # a value on an edge belongs to the bin above, rounded or not
    places = np.concatenate([[0], np.searchsorted(finite, edges, side="left"), [len(finite)]])
    return tuple(np.diff(places).tolist())


def _quantile(ordered: Floats, share: float) -> float:
    """Between the two nearest values, as NumPy and pandas do it."""
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    weight = place - low
    return float(ordered[low] * (1 - weight) + ordered[high] * weight)


def _runs(ordered: Floats) -> tuple[Floats, Integers]:
    """The distinct values of ordered numbers and how often each is there."""
    if not len(ordered):
        return ordered, np.empty(0, dtype=np.intp)
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    return ordered[starts], np.diff(np.append(starts, len(ordered)))


def _largest(counts: Integers) -> Integers:
    """Where the largest counts are; of equal ones the first."""
    if len(counts) > MOST_COMMON * 20:
        bar = np.partition(counts, -MOST_COMMON)[-MOST_COMMON]
        few = np.flatnonzero(counts >= bar)
        return few[np.argsort(-counts[few], kind="stable")[:MOST_COMMON]]
    return np.argsort(-counts, kind="stable")[:MOST_COMMON]


def _most_common(labels: list[str], counts: Integers) -> Counts:
    return tuple((labels[place], int(counts[place])) for place in _largest(counts) if counts[place])


def moment(seconds: float) -> str:
    """A moment in ISO form, without its time where that is midnight."""
    micros = np.datetime64(round(seconds * 1e6), "us")
    return str(np.datetime_as_string(micros, unit="s")).replace("T", " ").removesuffix(" 00:00:00")
