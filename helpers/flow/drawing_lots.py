"""Choosing rows by chance: the same rows for the same seed, whatever the machine, threads or engine.

Spark's random numbers depend on how the rows lie in partitions, so no other engine can draw the same ones.
Here each row's lot is a hash of its place and a seed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .frame import Frame, hidden_prefix

if TYPE_CHECKING:
    from .engine import Run

lot = f"{hidden_prefix}lot"


def with_lots(frame: Frame, seed: object, run: Run) -> Frame:
    """The frame, stored, with the hidden column `lot`: a large number for each row, all different."""
    from .duckdb_functions import content_hash

    kept = run.keep(frame)
    return kept.replace(kept.table.mutate(**{lot: content_hash(kept.table, [kept.order[0]], f"lot {seed}")}))


def drawn(frame: Frame, count: int, run: Run) -> Frame:
    """The rows with the `count` smallest lots, in the order they had."""
    if count <= 0:
        return without_lots(frame.replace(frame.table.limit(0)))
    last = run.rows(frame.table.select(lot=frame.table[lot]).order_by("lot").limit(1, offset=count - 1))
    rows = frame.table.filter(frame.table[lot] <= last[0]["lot"]) if last else frame.table
    return without_lots(frame.replace(rows))


def without_lots(frame: Frame) -> Frame:
    """The frame without the hidden column."""
    return frame.select(frame.columns)


def by_lot(frame: Frame) -> Frame:
    """The rows in the order of their lots."""
    table: Any = frame.table
    place = f"{hidden_prefix}0"
    kept = [table[name] for name in frame.columns]
    return Frame(table.select([*kept, table[lot].name(place)]), (place,))
