"""Vectors: columns whose cells are arrays of floating numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from .errors import OperatorError
from .frame import Frame

if TYPE_CHECKING:
    from .engine import Run


def is_vector(column: Any) -> bool:
    """Whether a column holds arrays of numbers."""
    dtype = column.type()
    return bool(dtype.is_array() and dtype.value_type.is_numeric())


def floats(column: Any) -> Any:
    """A vector column as one of arrays of float64."""
    return column.cast("array<float64>")


def width(frame: Frame, column: str, run: Run) -> int | None:
    """The length of the first vector that is not null, or None when there is none."""
    vector = frame.table[column]
    first = frame.table.filter(vector.notnull()).order_by([frame.table[name] for name in frame.order])
    found = run.rows(first.select(length=vector.length()).limit(1))
    return int(found[0]["length"]) if found else None


def item(column: Any, index: int) -> Any:
    """One number of a vector; NaN where there is none, or null."""
    return floats(column)[index].fill_null(math.nan)


def number(column: Any) -> Any:
    """A number or truth value as a float; null as NaN, as Spark's VectorAssembler keeps it."""
    value = column.cast("int64") if column.type().is_boolean() else column
    return value.cast("float64").fill_null(math.nan)


def vector_of(numbers: list[Any]) -> Any:
    """A vector of float expressions."""
    import ibis

    return ibis.array(numbers).cast("array<float64>")


def no_numbers(column: Any, name: str, parameter: str) -> OperatorError:
    """What to say of a column that can be no part of a vector."""
    return OperatorError(
        f"'{name}' is {column.type()}, neither a number nor a vector",
        "Cast the column to a number, encode it, or leave it out.",
        parameter,
    )
