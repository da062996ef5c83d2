"""Handle missing: fill, impute, drop, mark.

What is missing depends on the type: null, in a column of texts also nothing but blanks, in one of numbers
also NaN.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator

from ..errors import OperatorError
from ..frame import Frame
from .base import Columns, Operator, listing, operator
from .per_column import PerColumn, put

if TYPE_CHECKING:
    from ..engine import Run

_id = "sagemaker.spark.handle_missing_0.1"


def is_missing(column: Any) -> Any:
    """Whether a row has no value in a column."""
    from ..statistics import is_there

    if column.type().is_string():
        return column.isnull() | (column.replace(" ", "") == "")
    return ~is_there(column)


def _fillable(column: Any, name: str) -> None:
    dtype = column.type()
    if not (dtype.is_numeric() or dtype.is_string() or dtype.is_date() or dtype.is_timestamp()):
        raise OperatorError(
            f"'{name}' is {dtype}, a type whose missing values cannot be filled",
            "Cast the column to string, long, float, date or datetime first.",
            "input_column",
        )


def _kind(column: Any) -> str:
    """Data Wrangler's name for the type of a column."""
    dtype = column.type()
    if dtype.is_integer():
        return "long"
    if dtype.is_numeric():
        return "float"
    return "date" if dtype.is_date() else "datetime" if dtype.is_timestamp() else "string"


def filled(column: Any, value: Any) -> Any:
    """The column with this value, a text or a number, where one is missing; its type stays."""
    import ibis

    from ..casting import cast

    kind = _kind(column)
    new = ibis.null(column.type()) if value is None else cast(ibis.literal(value), kind).cast(column.type())
    return is_missing(column).ifelse(new, column)


@operator(_id, "Fill missing")
class FillMissing(PerColumn):
    """Fill missing values"""

    fill_value: bool | int | float | str | None = None

    def describe(self) -> str:
        return f"Fill missing values of {listing(self.input_column)} with {self.fill_value}"

    def one(self, frame: Frame, column: str, run: Run) -> Frame:  # noqa: ARG002
        _fillable(frame.table[column], column)
        value = self._value(column, _kind(frame.table[column]))
        return put(frame, self.output(column, column), filled(frame.table[column], value))

    def _value(self, column: str, kind: str) -> Any:
        """The value as the column's type reads it: as Python's int and float do, for numbers."""
        value = self.fill_value
        if kind not in ("long", "float"):
            if isinstance(value, bool):
                return str(value).lower()
            return value if value is None else str(value)
        if value is None:
            raise OperatorError("is missing", f"'{column}' needs a number.", "fill_value")
        try:
            number = int(value) if kind == "long" else float(value)
        except (ValueError, OverflowError):
            number = math.nan
        if not math.isfinite(number) or (abs(number) >= 2**63 and kind == "long"):
            wanted = "a whole number" if kind == "long" else "a number"
            raise OperatorError(
                f"{value!r} cannot fill '{column}', which is {kind}",
                f"Give {wanted}, or cast the column first.",
                "fill_value",
            ) from None
        return number


@operator(_id, "Impute", "Numeric", keys=("operator", "column_type"))
class ImputeNumeric(PerColumn):
    """Impute missing numbers"""

    strategy: Literal["Mean", "Approximate Median"] = "Approximate Median"

    def describe(self) -> str:
        return f"Impute missing values of {listing(self.input_column)} with the {self.strategy.lower()}"

    def apply(self, frames: Sequence[Frame], run: Run) -> Frame:
        from ..spark_models import model_text, spark_model
        from ..trained import Place, escaped, number

        frame = frames[0]
        columns = frame.names(self.input_column, "input_column")
        for column in columns:
            dtype = frame.table[column].type()
            if not dtype.is_numeric():
                raise OperatorError(
                    f"'{column}' is {dtype}, which has no {self.strategy.lower()}",
                    "Choose a column of numbers, cast it first, or set column_type to Categorical.",
                    "input_column",
                )
        place = Place(("impute_parameters", "numeric_parameters"), "", {"strategy": self.strategy})
        held = place.stored(run)
        early = number(held.get("impute_value"))
        if early and len(columns) == 1:
            # So did Data Wrangler of 2021, which made every column a float.
            column = frame.table[columns[0]]
            value = is_missing(column).ifelse(early, column.cast("float64"))
            return put(frame, self.output(columns[0], columns[0]), value)
        values = spark_model(held.get("imputer_model"))
        names = {column: escaped(column) for column in columns}
        if not all(isinstance(values.get(name), float) for name in names.values()):
            values = dict(zip(names.values(), self._learn(frame, columns, run), strict=True))
            made = model_text("ImputerModel", values, self._settings(list(names.values())))
            place.keep(run, {"imputer_model": made})
        for column, name in names.items():
            frame = put(frame, self.output(column, column), _imputed(frame.table[column], values[name]))
        return frame

    def _settings(self, columns: list[str]) -> dict[str, Any]:
        """Its parameters as Spark's model names them."""
        strategy = "mean" if self.strategy == "Mean" else "median"
        outputs = [self.output(column, column) for column in columns]
        return {"inputCols": columns, "outputCols": outputs, "strategy": strategy, "relativeError": 0.001}

    def _learn(self, frame: Frame, columns: Sequence[str], run: Run) -> list[float]:
        if self.strategy == "Mean":
            values: list[Any] = [each.mean for each in run.statistics(frame.table, columns)]
        else:
            values = run.medians(frame.table, columns)
        # Spark also refuses a mean that is NaN, as that of both infinities is.
        pairs = zip(columns, values, strict=True)
        empty = [column for column, value in pairs if value is None or math.isnan(value)]
        if empty:
            raise OperatorError(
                f"there is no value in {listing(empty)} to learn from",
                "Drop the column, or fill it with a value of your own.",
                "input_column",
            )
        return [float(value) for value in values]


def _imputed(column: Any, value: float) -> Any:
    """As Spark's Imputer: computed as float, then cast back to the column's type."""
    import ibis

    from ..casting import cast

    dtype = column.type()
    number = is_missing(column).ifelse(ibis.literal(float(value)), column.cast("float64"))
    return cast(number, "long").cast(dtype) if dtype.is_integer() else number.cast(dtype)


@operator(_id, "Impute", "Categorical", keys=("operator", "column_type"))
class ImputeCategorical(PerColumn):
    """Impute missing values with the most frequent one"""

    def describe(self) -> str:
        return f"Impute missing values of {listing(self.input_column)} with the most frequent"

    def one(self, frame: Frame, column: str, run: Run) -> Frame:
        from ..trained import Place, plain

        _fillable(frame.table[column], column)
        blocks = ("impute_parameters", "categorical_parameters")
        place = Place(blocks, column, {}, several=len(self.input_column) > 1)
        value = place.stored(run).get("impute_value")
        if value is None:
            value = self._most_frequent(frame, column, run)
            place.keep(run, {"impute_value": plain(value)})
        return put(frame, self.output(column, column), filled(frame.table[column], value))

    def _most_frequent(self, frame: Frame, column: str, run: Run) -> Any:
        """The most frequent value; of equally frequent ones, which Spark leaves open, the smallest."""
        import ibis

        there = frame.table.filter(~is_missing(frame.table[column])).select(value=frame.table[column])
        counts = there.group_by("value").aggregate(count=lambda t: t.count())
        found = run.rows(counts.order_by([ibis.desc("count"), "value"]).limit(1))
        if found:
            return found[0]["value"]
        if _kind(frame.table[column]) in ("date", "datetime"):
            raise OperatorError(
                f"there is no value in '{column}' to learn from",
                "Drop the column, or fill it with a value of your own.",
                "input_column",
            )
        return None


class DropRows(BaseModel):
    """The columns, as flows of 2021 hold them."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    input_column: Columns


@operator(_id, "Drop missing")
class DropMissing(Operator):
    """Drop rows with a missing value"""

    input_column: Annotated[Columns | None, BeforeValidator(lambda value: value or None)] = None
    dimension: Literal["Drop Rows"] | None = None
    drop_rows_parameters: DropRows | None = None

    @model_validator(mode="after")
    def _complete(self) -> DropMissing:
        if self.dimension and self.drop_rows_parameters is None:
            raise ValueError("'drop_rows_parameters' is missing")
        return self

    @property
    def _columns(self) -> tuple[str, ...] | None:
        if self.dimension and self.drop_rows_parameters:
            return self.drop_rows_parameters.input_column
        return self.input_column

    def describe(self) -> str:
        return f"Drop rows with a missing {listing(self._columns) if self._columns else 'value'}"

    def change(self, frame: Frame) -> Any:
        names = frame.names(self._columns, "input_column") if self._columns else frame.columns
        return frame.table.filter([~is_missing(frame.table[name]) for name in names])


@operator(_id, "Add indicator for missing")
class AddIndicatorForMissing(PerColumn):
    """Mark missing values in a new column"""

    block: ClassVar[str] = "add_indicator_for_missing_parameters"

    def one(self, frame: Frame, column: str, run: Run) -> Frame:  # noqa: ARG002
        return put(frame, self.output(column, f"{column}_indicator"), is_missing(frame.table[column]))
