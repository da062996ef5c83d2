"""Operators that change one column after the other, in place or as a new column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .base import Columns, Operator, listing

if TYPE_CHECKING:
    from ..engine import Run
    from ..frame import Frame


def put(frame: Frame, name: str, value: Any) -> Frame:
    """The frame with a column, in the place of one of that name (as in Spark, case aside) or at the end."""
    same = [known for known in frame.columns if known.lower() == name.lower()]
    if not same:
        return frame.replace(frame.table.mutate(**{frame.free(name, "output_column"): value}))
    columns = [value.name(name) if known == same[0] else frame.table[known] for known in frame.table.columns]
    return frame.replace(frame.table.select(columns))


class PerColumn(Operator):
    """Change columns one by one; with an output column the input stays as it is."""

    input_column: Columns
    output_column: str | None = None

    def describe(self) -> str:
        return f"{super().describe()}: {listing(self.input_column)}"

    def output(self, column: str, default: str) -> str:
        """Where the result for this input goes: several inputs share a prefix."""
        if not self.output_column:
            return default
        return f"{self.output_column}_{column}" if len(self.input_column) > 1 else self.output_column

    def apply(self, frames: Sequence[Frame], run: Run) -> Frame:
        frame = frames[0]
        for given in self.input_column:
            frame = self.one(frame, frame.name(given, "input_column"), run)
        return frame

    def one(self, frame: Frame, column: str, run: Run) -> Frame:
        """The frame after the work on one column."""
        return put(frame, self.output(column, column), self.value(frame.table[column], run))

    def value(self, column: Any, run: Run) -> Any:
        """The new values, as an Ibis expression."""
        raise NotImplementedError
