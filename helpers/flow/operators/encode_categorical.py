"""Encode categorical: categories as numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from ..errors import OperatorError
from .base import Columns, Operator, listing, operator

if TYPE_CHECKING:
    from ..engine import Run
    from ..frame import Frame

_id = "sagemaker.spark.encode_categorical_0.1"


def labels_by_frequency(frame: Frame, column: str, run: Run) -> list[str]:
    """The categories of a column, most frequent first, equally frequent ones by the alphabet."""
    text = frame.table[column].cast("string").nullif("")
    counts = frame.table.select(label=text).filter(lambda t: t.label.notnull()).group_by("label")
    rows = run.rows(counts.aggregate(count=lambda t: t.count()))
    return [row["label"] for row in sorted(rows, key=lambda row: (-row["count"], row["label"]))]


@operator(_id, "One-hot encode")
class OneHotEncode(Operator):
    """One column of 0 and 1 for each category, most frequent first; always learned from the data at hand.

    Models that Data Wrangler stored in the flow hold the labels of its own sample, so they are not used.
    """

    input_column: Columns
    output_column: str | None = None
    input_already_ordinal_encoded: bool = False
    invalid_handling_strategy: Literal["Keep", "Skip", "Error"] = "Keep"
    drop_last: bool = False
    output_style: Literal["Columns", "Vector"] = "Columns"

    def describe(self) -> str:
        return f"One-hot encode {listing(self.input_column)}"

    def apply(self, frames: Sequence[Frame], run: Run) -> Frame:
        frame = run.keep(frames[0])
        for column in frame.names(self.input_column, "input_column"):
            output = self.output_column or column
            if self.output_column and len(self.input_column) > 1:
                output = f"{self.output_column}_{column}"
            frame = self._encode(frame, column, output, run)
        return frame

    def _encode(self, frame: Frame, column: str, output: str, run: Run) -> Frame:
        source = frame.table[column]
        if self.input_already_ordinal_encoded:
            if not source.type().is_numeric():
                raise OperatorError(
                    f"'{column}' is {source.type()}, not an ordinal number", "", "input_column"
                )
            value = source.cast("float64")
            top = run.row(frame.table.aggregate(top=value.max()))["top"]
            labels = [] if top is None else [str(index) for index in range(int(top) + 1)]
            matches = [value == float(label) for label in labels]
        else:
            value = source.cast("string").nullif("")
            labels = labels_by_frequency(frame, column, run)
            matches = [value == label for label in labels]
        rows = frame
        if self.invalid_handling_strategy == "Skip":
            rows = frame.replace(frame.table.filter(value.notnull()))
        elif self.invalid_handling_strategy == "Error":
            missing = run.row(frame.table.aggregate(missing=value.isnull().sum()))["missing"]
            if missing:
                raise OperatorError(
                    f"{missing} rows have no value in '{column}'",
                    "Fill them first, or set invalid_handling_strategy to Keep or Skip.",
                    "invalid_handling_strategy",
                )
        if self.output_style == "Vector":
            return rows.replace(self._vector(rows, column, output, matches))
        if self.drop_last:
            labels, matches = labels[:-1], matches[:-1]
        if output == column:
            rows = rows.select([name for name in rows.columns if name != column])
        for label in labels:
            frame_name = f"{output}_{label}"
            if frame_name.lower() in (name.lower() for name in rows.columns):
                raise OperatorError(
                    f"there is already a column '{frame_name}'", "Set another output_column.", "output_column"
                )
        ones = {
            f"{output}_{label}": match.ifelse(1.0, 0.0) for label, match in zip(labels, matches, strict=True)
        }
        base = (
            frame.table if self.invalid_handling_strategy != "Skip" else frame.table.filter(value.notnull())
        )
        wide = base.mutate(**ones)
        return rows.replace(wide.select([*rows.columns, *ones, *rows.order]))

    def _vector(self, rows: Frame, column: str, output: str, matches: list[Any]) -> Any:
        """Spark's text of a sparse vector; `Keep` adds a slot for rows without a known category."""
        import ibis

        size = len(matches) + (self.invalid_handling_strategy == "Keep") - self.drop_last
        empty = f"({size},[],[])"
        slots = [f"({size},[{index}],[1.0])" if index < size else empty for index in range(len(matches) + 1)]
        other = slots[-1] if self.invalid_handling_strategy == "Keep" else empty
        pairs = list(zip(matches, slots, strict=False))
        vector = ibis.cases(*pairs, else_=other) if pairs else ibis.literal(other)
        if output == column:
            return rows.table.select(
                [vector.name(name) if name == column else rows.table[name] for name in rows.table.columns]
            )
        return rows.table.mutate(**{rows.free(output, "output_column"): vector})
