"""What the time series operators share: their parameters' forms, and columns of moments and of series."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from ..errors import OperatorError
from ..frame import Frame
from .base import Operator

if TYPE_CHECKING:
    from ..engine import Run

identifier = "sagemaker.spark.time_series_0.1"
Switch = Annotated[bool, BeforeValidator(lambda value: False if value in (None, "") else value)]
Optional = Annotated[str | None, BeforeValidator(lambda value: value or None)]


def lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def chosen_blocks(value: Any) -> Any:
    """`{"a": x, "a_x_parameters": {...}}` as one object; blocks of what was chosen once are left out."""
    if not isinstance(value, Mapping):
        return value
    plain = {key: each for key, each in value.items() if not str(key).endswith("_parameters")}
    blocks = [value.get(f"{key}_{choice}_parameters") for key, choice in plain.items()]
    for block in blocks:
        plain |= block if isinstance(block, Mapping) else {}
    return plain


class TimeSeries(Operator):
    """Something with series in time."""

    name: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, value: Any) -> Any:
        return chosen_blocks(value)


def moments(frame: Frame, column: str, parameter: str) -> Any:
    """A column of moments; texts are read as moments."""
    from ..casting import cast

    found = frame.table[frame.name(column, parameter)]
    kind = found.type()
    if not (kind.is_timestamp() or kind.is_date() or kind.is_string()):
        raise OperatorError(
            f"'{column}' is {kind}, not a moment in time", "Cast it to datetime in a step before.", parameter
        )
    return cast(found, "datetime")


def number_column(frame: Frame, column: str, parameter: str) -> str:
    name = frame.name(column, parameter)
    kind = frame.table[name].type()
    if not kind.is_numeric() or kind.is_boolean():
        raise OperatorError(f"'{column}' is {kind}, not a number", "Choose a column of numbers.", parameter)
    return name


def sequence_column_of(frame: Frame, column: str, parameter: str) -> str:
    name = frame.name(column, parameter)
    if not frame.table[name].type().is_array():
        raise OperatorError(
            f"'{column}' is {frame.table[name].type()}, not a series in each cell",
            "Make series with Group by, in a step before.",
            parameter,
        )
    return name


def series_columns(frame: Frame, series: str, time: str, identity: str | None, run: Run) -> Any:
    """Values, ids and times as pandas columns in the order of the rows, called value, id and time."""
    columns = {"value": frame.table[series], "time": moments(frame, time, "timestamp_column")}
    if identity:
        columns["id"] = frame.table[frame.name(identity, "id_column")]
    table = frame.table.select(
        [column.name(name) for name, column in columns.items()] + [frame.table[name] for name in frame.order]
    )
    found = run.to_pandas(Frame(table, frame.order, in_order=frame.in_order))
    if found["time"].isna().any():
        raise OperatorError(
            f"'{time}' has rows without a moment",
            "Put Validate timestamps before this step.",
            "timestamp_column",
        )
    return found


class Frequency(BaseModel):
    """A step of time."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    quantity: Annotated[int, Field(ge=1)] = 1
    offset_description: str = Field(
        validation_alias=AliasChoices("offset_description", "unit", "frequency_unit")
    )
