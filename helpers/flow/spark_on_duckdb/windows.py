"""The clause of a window: OVER (PARTITION BY ... ORDER BY ... ROWS BETWEEN ...)."""

from __future__ import annotations

from collections.abc import Sequence

from . import trees
from .typed import Typed


def window_clause(
    partition: Sequence[Typed], order: Sequence[str], window: trees.Window, ties: Sequence[str]
) -> str:
    parts = []
    if partition:
        parts.append("PARTITION BY " + ", ".join(f"{each.sql}" for each in partition))
    ordered = [*order, *(ties if order or window.unit == "ROWS" else ())]
    if ordered:
        parts.append("ORDER BY " + ", ".join(ordered))
    if window.unit:
        start = _bound(window.start, "PRECEDING")
        end = _bound(window.end, "FOLLOWING")
        parts.append(f"{window.unit} BETWEEN {start} AND {end}")
    return " ".join(parts)


def _bound(place: int | None, open_end: str) -> str:
    if place is None:
        return f"UNBOUNDED {open_end}"
    if place == 0:
        return "CURRENT ROW"
    return f"{abs(place)} {'FOLLOWING' if place > 0 else 'PRECEDING'}"
