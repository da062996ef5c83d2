"""The sections about single features: gaps, distinct values, distributions."""

from collections.abc import Sequence

from . import pictures
from .facts import ColumnFacts, Facts
from .notebook import show
from .pictures import Picture
from .writing import listed, name, number, share, table, text

MOST_LINES = 60


def missing(facts: Facts) -> tuple[str, list[Picture]]:
    """Which features lack values, the worst first."""
    gaps = sorted(
        (column for column in facts.columns if column.missing or column.invalid_count),
        key=lambda column: -(column.missing + column.invalid_count),
    )
    if not gaps:
        return f"No feature lacks a value in the {facts.looked_at:,} rows that were looked at.", []
    said = (
        f"**{len(gaps):,}** of {len(facts.columns):,} features lack values, or have some that cannot be "
        f"read, in {facts.looked_at:,} rows."
    )
    rows = [
        [name(column.name), f"{column.missing:,}", share(column.missing_share), f"{column.invalid_count:,}"]
        for column in gaps[:MOST_LINES]
    ]
    header = ["Feature", "Missing", "Share", "Cannot be read"]
    made = table(header, rows, [1, 2, 3])
    pairs = [(column.name, column.missing_share) for column in gaps if column.missing_share > 0]
    shown = [pictures.shares("missing", "Share of rows without a value", pairs)] if len(pairs) > 1 else []
    parts = [said, *map(show, shown), made, _rest(len(gaps))]
    return "\n\n".join(part for part in parts if part), shown


def cardinality(facts: Facts) -> str:
    """How many distinct values the features have, the fewest first."""
    if not facts.columns:
        return "There is no feature."
    ranked = sorted(facts.columns, key=lambda column: column.distinct)
    shown = ranked if len(ranked) <= MOST_LINES else [*ranked[: MOST_LINES // 2], *ranked[-MOST_LINES // 2 :]]
    said = (
        f"How many distinct values each feature has among the {facts.looked_at:,} rows that were looked at. "
        "Very few say little; as many as there are rows may be identifiers."
    )
    rows = [
        [
            name(column.name),
            column.kind,
            f"{column.distinct:,}",
            share(column.distinct / column.valid) if column.valid else "–",
            _common(column),
        ]
        for column in shown
    ]
    header = ["Feature", "Kind", "Distinct values", "Share of its values", "Most frequent (share)"]
    left = len(ranked) - len(shown)
    note = f"{left:,} features between them are left out." if left > 0 else ""
    return "\n\n".join(part for part in (said, table(header, rows, [2, 3]), note) if part)


def _common(column: ColumnFacts) -> str:
    if not column.most_common or column.most_common[0][1] < 2:
        return "each value once" if column.valid else "–"
    label = column.most_common[0][0]
    shown = number(float(label)) if column.kind == "numeric" else text(label, 40)
    return f"{shown} ({share(column.common_share)})"


def descriptive(facts: Facts) -> tuple[str, list[Picture]]:
    """Statistics of numbers, labels, texts and moments, each kind in a table of its own."""
    parts = [f"From {facts.looked_at:,} rows; missing cells do not count."]
    numeric = [column for column in facts.columns if column.kind == "numeric" and column.numbers]
    labels = [column for column in facts.columns if column.kind in ("categorical", "text", "sequence")]
    moments = [column for column in facts.columns if column.kind == "datetime" and column.moments]
    shown: list[Picture] = []
    if numeric:
        telling = sorted(numeric, key=lambda column: -abs(column.association or 0.0))[: pictures.MOST_SMALL]
        shown.append(pictures.distributions("distributions", telling))
        which = (
            ""
            if len(numeric) <= len(telling)
            else f" The {len(telling)} that go most closely with the target:"
        )
        parts += [
            f"### Numeric features\n\n{len(numeric):,} features.{which}",
            show(shown[0]),
            _numbers(numeric),
        ]
    if labels:
        parts += ["### Labels, texts and sequences", _labels(labels)]
    if moments:
        parts += ["### Moments", _moments(moments)]
    return "\n\n".join(part for part in parts if part), shown


def _numbers(columns: Sequence[ColumnFacts]) -> str:
    rows = []
    for column in columns[:MOST_LINES]:
        found = column.numbers
        assert found is not None
        values = (
            found.mean, found.deviation, found.minimum, found.quarter, found.median,
            found.three_quarters, found.maximum, found.skew,
        )  # fmt: skip
        zeros = share(found.zeros / max(1, column.valid))
        rows.append([name(column.name), *map(number, values), zeros])
    header = ["Feature", "Mean", "Deviation", "Minimum", "25 %", "Median", "75 %", "Maximum", "Skew", "Zeros"]
    return "\n\n".join(filter(None, [table(header, rows, range(1, 10)), _rest(len(columns))]))


def _labels(columns: Sequence[ColumnFacts]) -> str:
    rows = [
        [
            name(column.name),
            column.kind,
            f"{column.distinct:,}",
            number(column.characters or 0.0),
            listed([f"{text(label, 30)} ({count:,})" for label, count in column.most_common], 3) or "–",
        ]
        for column in columns[:MOST_LINES]
    ]
    header = ["Feature", "Kind", "Distinct values", "Characters", "Most frequent (rows)"]
    return "\n\n".join(filter(None, [table(header, rows, [2, 3]), _rest(len(columns))]))


def _moments(columns: Sequence[ColumnFacts]) -> str:
    rows = []
    for column in columns[:MOST_LINES]:
        assert column.moments is not None
        rows.append([name(column.name), *column.moments, f"{column.distinct:,}"])
    made = table(["Feature", "First", "Last", "Distinct values"], rows, [3])
    return "\n\n".join(filter(None, [made, _rest(len(columns))]))


def _rest(lines: int) -> str:
    return f"{lines - MOST_LINES:,} more features are left out." if lines > MOST_LINES else ""
