"""Manage vectors: assemble columns into a vector, flatten a vector into columns.

How a flow spells these parameters is not documented: the names of the Data Wrangler UI are accepted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import AliasChoices, Field

from ..errors import OperatorError
from ..frame import Frame
from .base import Columns, Operator, listing, operator
from .per_column import put

if TYPE_CHECKING:
    from ..engine import Run

_id = "sagemaker.spark.manage_vectors_0.1"


@operator(_id, "Assemble")
class Assemble(Operator):
    """Put numbers and vectors together in one vector."""

    input_columns: Columns = Field(
        validation_alias=AliasChoices("input_columns", "input_column", "columns_to_assemble")
    )
    output_column: Annotated[
        str, Field(min_length=1, validation_alias=AliasChoices("output_column", "output_column_name"))
    ]

    def describe(self) -> str:
        return f"Assemble {listing(self.input_columns)} as {self.output_column}"

    def apply(self, frames: Sequence[Frame], run: Run) -> Frame:
        import ibis

        from ..vectors import floats, is_vector, no_numbers, number, vector_of, width

        frame = frames[0]
        parts: list[Any] = []
        for name in frame.names(self.input_columns, "input_columns"):
            column = frame.table[name]
            if is_vector(column):
                # A null vector becomes NaNs, as many as the first vector has numbers.
                nothing = ibis.literal([math.nan] * (width(frame, name, run) or 0), type="array<float64>")
                parts.append(floats(column).fill_null(nothing))
            elif column.type().is_numeric() or column.type().is_boolean():
                parts.append(vector_of([number(column)]))
            else:
                raise no_numbers(column, name, "input_columns")
        return put(frame, self.output_column, reduce(lambda one, other: one.concat(other), parts))


@operator(_id, "Flatten")
class Flatten(Operator):
    """One column for each number of a vector; short vectors are filled with NaN, long ones are cut."""

    input_column: str
    output_prefix: str | None = Field(
        None, validation_alias=AliasChoices("output_prefix", "output_column_prefix", "output_column")
    )
    method: Literal["Length of first vector", "Fixed number"] = Field(
        "Length of first vector",
        validation_alias=AliasChoices(
            "method", "detection_method", "method_to_detect_number_of_outputs", "output_length_method"
        ),
    )
    number_of_outputs: Annotated[int, Field(ge=1, le=10_000)] | None = Field(
        None, validation_alias=AliasChoices("number_of_outputs", "num_outputs", "output_length")
    )
    most: ClassVar[int] = 10_000
    """More columns than this are a mistake."""

    def describe(self) -> str:
        return f"Flatten {self.input_column}"

    def apply(self, frames: Sequence[Frame], run: Run) -> Frame:
        from ..vectors import is_vector, item, width

        frame = frames[0]
        name = frame.name(self.input_column, "input_column")
        vector = frame.table[name]
        if not is_vector(vector):
            raise OperatorError(
                f"'{name}' is {vector.type()}, not a vector", "Choose a column of vectors.", "input_column"
            )
        count = self.number_of_outputs or width(frame, name, run)
        if not count or count > self.most:
            found = (
                f"the first vector of '{name}' has {count:,} numbers" if count else f"'{name}' has no vectors"
            )
            raise OperatorError(found, "Set number_of_outputs.", "number_of_outputs")
        prefix = self.output_prefix or name
        new = {
            frame.free(f"{prefix}_{index}", "output_prefix"): item(vector, index) for index in range(count)
        }
        return frame.replace(frame.table.mutate(**new))
