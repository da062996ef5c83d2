"""Manage rows: drop duplicates and empty rows, sort, shuffle, filter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, field_validator, model_validator

from ..errors import OperatorError
from ..frame import Frame, hidden_prefix
from .base import Operator, listing, operator

if TYPE_CHECKING:
    from ..engine import Run

_id = "sagemaker.spark.manage_rows_0.1"
Direction = Literal["Ascending", "Descending"]


@operator(_id, "Drop duplicates")
class DropDuplicates(Operator):
    """Drop rows that are the same in every column as an earlier one."""

    def apply(self, frames: Sequence[Frame], run: Run) -> Frame:
        frame = run.keep(frames[0])
        [place] = frame.order
        table = frame.table
        first = table.group_by(frame.columns).aggregate(**{place: table[place].min()})
        return Frame(first.select([*frame.columns, place]), (place,))


class SortCondition(BaseModel):
    """One column to sort by."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    sort_by: str
    order: Direction


@operator(_id, "Sort")
class Sort(Operator):
    """Sort rows; nulls come first when ascending, last when descending, and NaN is the largest number."""

    conditions: tuple[SortCondition, ...] = ()
    sort_by: str | None = None
    order: Direction | None = None

    @model_validator(mode="after")
    def _something_to_do(self) -> Sort:
        if not self.conditions and (self.sort_by is None or self.order is None):
            raise ValueError("needs 'conditions', or 'sort_by' and 'order'")
        return self

    def keys(self) -> list[tuple[str, bool]]:
        """The columns to sort by, and whether their order is descending."""
        if self.conditions:
            return [(each.sort_by, each.order == "Descending") for each in self.conditions]
        return [(str(self.sort_by), self.order == "Descending")]

    def describe(self) -> str:
        return f"Sort by {listing([name + ' (descending)' * down for name, down in self.keys()])}"

    def apply(self, frames: Sequence[Frame], run: Run) -> Frame:
        import ibis

        frame = run.keep(frames[0])
        names = frame.names([name for name, _ in self.keys()], "sort_by")
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            raise OperatorError(f"sorts by '{twice[0]}' twice", "Name each column once.", "conditions")
        keys = [
            ibis.desc(frame.table[name], nulls_first=False)
            if down
            else ibis.asc(frame.table[name], nulls_first=True)
            for name, (_, down) in zip(names, self.keys(), strict=True)
        ]
        # Equal rows stay in the order they had.
        window = ibis.window(order_by=[*keys, *(frame.table[name] for name in frame.order)])
        place = f"{hidden_prefix}0"
        number = ibis.row_number().over(window).name(place)
        return run.keep(Frame(frame.table.select([*frame.columns, number]), (place,)))


@operator(_id, "Shuffle")
class Shuffle(Operator):
    """Bring rows in an order of chance, which is the same on every run."""

    def apply(self, frames: Sequence[Frame], run: Run) -> Frame:
        from ..drawing_lots import by_lot, with_lots

        return by_lot(with_lots(frames[0], "shuffle", run))


@operator(_id, "Drop empty")
class DropEmpty(Operator):
    """Drop rows in which every column is null or NaN."""

    def change(self, frame: Frame) -> Any:
        import ibis

        from ..statistics import is_there

        return frame.table.filter(ibis.or_(*(is_there(frame.table[name]) for name in frame.columns)))


_comparisons = {
    "equal to": "==", "equals": "==", "equal": "==", "==": "==", "=": "==", "in": "==", "one of": "==",
    "not equal to": "!=", "does not equal": "!=", "not equal": "!=", "!=": "!=", "<>": "!=", "not in": "!=",
    "greater than": ">", ">": ">", "greater than or equal to": ">=", ">=": ">=",
    "less than": "<", "<": "<", "less than or equal to": "<=", "<=": "<=",
    "between": "between", "contains": "contains", "does not contain": "lacks",
    "starts with": "starts", "ends with": "ends",
    "missing": "missing", "null": "missing", "not missing": "there", "not null": "there",
}  # fmt: skip
Value = str | int | float | bool


@operator(_id, "Filter")
class Filter(Operator):
    """Keep rows by the value of a column; rows without one are kept only where that is asked for.

    How a flow spells these parameters is not documented: the names of the Data Wrangler UI are accepted.
    """

    input_column: str = Field(validation_alias=AliasChoices("input_column", "column", "filter_column"))
    condition: str = Field(
        "equal to", validation_alias=AliasChoices("condition", "operation", "comparison", "filter_type")
    )
    value: Value | tuple[Value, ...] = Field(
        (), validation_alias=AliasChoices("value", "values", "filter_value", "filter_values")
    )

    @field_validator("condition")
    @classmethod
    def _known(cls, text: str) -> str:
        plain = text.strip().lower().removeprefix("is ").removesuffix(" to value")
        if plain not in _comparisons:
            raise ValueError(f"must be one of {', '.join(_comparisons)}")
        return plain

    @model_validator(mode="after")
    def _with_values(self) -> Filter:
        kind, count = _comparisons[self.condition], len(self.values())
        wanted = {"missing": (0,), "there": (0,), "between": (2,)}.get(kind, (1,))
        if kind in ("==", "!="):
            wanted = (max(count, 1),)
        if count not in wanted:
            raise ValueError(f"'{self.condition}' takes {wanted[0]} values in 'value', not {count}")
        return self

    def values(self) -> tuple[Value, ...]:
        """The values to compare with."""
        return self.value if isinstance(self.value, tuple) else (self.value,)

    def describe(self) -> str:
        said = ", ".join(map(str, self.values()))
        return f"Keep rows where {self.input_column} is {self.condition} {said}".rstrip()

    def change(self, frame: Frame) -> Any:
        from .handle_missing import is_missing

        column = frame.table[frame.name(self.input_column, "input_column")]
        kind = _comparisons[self.condition]
        if kind in ("missing", "there"):
            missing = is_missing(column)
            return frame.table.filter(missing if kind == "missing" else ~missing)
        if kind in ("contains", "lacks", "starts", "ends"):
            return frame.table.filter(self._in_text(column.cast("string"), kind))
        values = [self._typed(column, value) for value in self.values()]
        tests = {
            "==": lambda: column.isin(values),
            "!=": lambda: ~column.isin(values),
            ">": lambda: column > values[0],
            ">=": lambda: column >= values[0],
            "<": lambda: column < values[0],
            "<=": lambda: column <= values[0],
            "between": lambda: column.between(values[0], values[1]),
        }
        return frame.table.filter(tests[kind]())

    def _in_text(self, text: Any, kind: str) -> Any:
        part = str(self.values()[0])
        if kind == "starts":
            return text.startswith(part)
        if kind == "ends":
            return text.endswith(part)
        return text.contains(part) if kind == "contains" else ~text.contains(part)

    def _typed(self, column: Any, value: Value) -> Any:
        """The value in the column's type."""
        import ibis

        dtype = column.type()
        try:
            if dtype.is_integer() and float(value).is_integer():
                return ibis.literal(int(float(value)))
            if dtype.is_numeric():
                return ibis.literal(float(value))
            if dtype.is_boolean():
                return ibis.literal({"true": True, "false": False}[str(value).strip().lower()])
            return ibis.literal(str(value)).cast(dtype)
        except (ValueError, KeyError):
            raise OperatorError(
                f"{value!r} cannot be compared with '{self.input_column}', which is {dtype}",
                "Give a value of that type, or cast the column first.",
                "value",
            ) from None
