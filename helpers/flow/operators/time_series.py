"""Time series: values in the order of time, of one series or of one for each id.

How Data Wrangler names some parameters and outputs of these operators is documented in words only. Where no
real flow shows the spelling, the likely ones are accepted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from ..errors import OperatorError
from ..frame import Frame
from .base import operator
from .featurize_date_time import DateParts
from .time_series_base import (
    Frequency,
    Optional,
    Switch,
    TimeSeries,
    chosen_blocks,
    identifier,
    lower,
    moments,
)

if TYPE_CHECKING:
    from ..engine import Run


@operator(identifier, "Validate timestamps")
class ValidateTimestamps(TimeSeries):
    """Find rows whose timestamp is missing or no timestamp: drop them, mark them, or stop."""

    timestamp_column: str
    policy: Annotated[
        Literal["drop", "indicate", "error"],
        BeforeValidator(lambda value: _policies.get(str(value).lower(), value)),
    ] = "drop"
    output_column: Optional = None
    cast_to_datetime: Switch = Field(
        False, validation_alias=AliasChoices("cast_to_datetime", "cast_datetime")
    )

    def describe(self) -> str:
        return f"Validate timestamps in {self.timestamp_column}"

    def apply(self, frames: Sequence[Frame], run: Run) -> Frame:
        frame = frames[0]
        name = frame.name(self.timestamp_column, "timestamp_column")
        moment = moments(frame, name, "timestamp_column")
        if self.policy == "error":
            wrong = run.row(frame.table.aggregate(rows=moment.isnull().sum()))["rows"]
            if wrong:
                raise OperatorError(
                    f"'{name}' has {wrong} missing or invalid timestamps", "Choose the policy drop.", "policy"
                )
        columns: dict[str, Any] = {}
        if self.policy == "indicate":
            title = frame.free(self.output_column or f"{name}_is_valid", "output_column")
            columns[title] = moment.notnull()
        elif self.output_column:
            columns[frame.free(self.output_column, "output_column")] = moment
        if self.cast_to_datetime:
            columns[name] = moment
        table = frame.table.filter(moment.notnull()) if self.policy == "drop" else frame.table
        return frame.replace(table.mutate(**columns) if columns else table)


_policies = {
    "drop": "drop", "drop rows": "drop", "indicate": "indicate", "indicator": "indicate",
    "identify": "indicate", "add indicator": "indicate", "error": "error", "raise": "error",
    "fail": "error", "throw error": "error",
}  # fmt: skip


@operator(identifier, "Featurize datetime")
class FeaturizeDatetime(DateParts):
    """Extract parts of dates"""


class Methods(BaseModel):
    """How numbers, and how all else, come together or fill gaps."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    numeric: Annotated[str | None, BeforeValidator(lower)] = None
    non_numeric: Annotated[str | None, BeforeValidator(lower)] = None


@operator(identifier, "Resample")
class Resample(TimeSeries):
    """Bring series to regular times."""

    timestamp_column: str
    frequency: Frequency
    id_column: Optional = None
    downsample: Methods = Methods()
    upsample: Methods = Methods()

    def describe(self) -> str:
        quantity = self.frequency.quantity
        return f"Resample: {f'{quantity} x ' if quantity > 1 else ''}{self.frequency.offset_description}"

    def apply(self, frames: Sequence[Frame], run: Run) -> Frame:
        from ..series import resample

        frame = frames[0]
        time = frame.name(self.timestamp_column, "timestamp_column")
        identity = frame.name(self.id_column, "id_column") if self.id_column else None
        found = moments(frame, time, "timestamp_column")
        table = run.to_pandas(frame.replace(frame.table.mutate(**{time: found})))
        if table[time].isna().any():
            raise OperatorError(
                f"'{time}' has rows without a moment",
                "Put Validate timestamps before this step.",
                "timestamp_column",
            )
        result = resample(
            table,
            time,
            identity,
            (self.frequency.quantity, self.frequency.offset_description),
            (self.downsample.numeric or "mean", self.downsample.non_numeric or "most common"),
            (self.upsample.numeric or "linear", self.upsample.non_numeric or "ffill"),
        )
        return run.from_pandas(result)


@operator(identifier, "Lag features")
class LagFeatures(TimeSeries):
    """Earlier values of a series as columns."""

    sequence_column: str
    timestamp_column: str
    lag: Annotated[int, Field(ge=1, le=1000)]
    id_column: Optional = None
    output_column: Optional = None
    entire_window: Switch = Field(
        False, validation_alias=AliasChoices("entire_window", "include_entire_window")
    )
    flatten: Switch = False
    drop_rows: Switch = Field(False, validation_alias=AliasChoices("drop_rows", "drop_rows_without_history"))

    def describe(self) -> str:
        which = f"1 to {self.lag}" if self.entire_window else f"{self.lag}"
        return f"Values of {self.sequence_column} {which} steps before"

    def apply(self, frames: Sequence[Frame], run: Run) -> Frame:
        import ibis

        frame = frames[0]
        name = frame.name(self.sequence_column, "sequence_column")
        order = [moments(frame, self.timestamp_column, "timestamp_column")]
        order += [frame.table[each] for each in frame.order]
        groups = [frame.table[frame.name(self.id_column, "id_column")]] if self.id_column else []
        window = ibis.window(group_by=groups, order_by=order)
        lags = range(1, self.lag + 1) if self.entire_window else [self.lag]
        prefix = self.output_column or f"{name}_lag"
        values = {step: frame.table[name].lag(step).over(window) for step in lags}
        if self.entire_window and not self.flatten:
            columns = {prefix: ibis.array([values[step] for step in lags])}
        elif self.entire_window:
            columns = {f"{prefix}_{step}": value for step, value in values.items()}
        else:
            columns = {self.output_column or f"{prefix}_{self.lag}": values[self.lag]}
        for title in columns:
            frame.free(title, "output_column")
        if self.drop_rows:
            columns["__flow_order_rank"] = ibis.row_number().over(window)
        table = frame.table.mutate(**columns)
        if self.drop_rows:
            table = table.filter(table["__flow_order_rank"] >= self.lag).drop("__flow_order_rank")
        return run.keep(Frame(table, frame.order))


@operator(identifier, "Datetime range")
class DatetimeRange(TimeSeries):
    """Give rows timestamps at regular steps, in their order."""

    start: str = Field(
        validation_alias=AliasChoices(
            "start", "start_timestamp", "starting_timestamp", "start_time", "start_datetime"
        )
    )
    output_column: str = Field(min_length=1)
    frequency: Frequency = Field(validation_alias=AliasChoices("frequency", "frequency_type"))

    @model_validator(mode="before")
    @classmethod
    def _frequency_in_words(cls, value: Any) -> Any:
        """The frequency may be a text, and its quantity a parameter beside it."""
        flat = chosen_blocks(value)
        if not isinstance(flat, Mapping):
            return flat
        flat = dict(flat)
        quantity = flat.pop("frequency_quantity", None)
        for key in ("frequency", "frequency_type"):
            if isinstance(flat.get(key), str):
                flat[key] = {"offset_description": flat[key], "quantity": quantity or 1}
        return flat

    def describe(self) -> str:
        return f"Timestamps from {self.start} on, {self.frequency.offset_description}"

    def apply(self, frames: Sequence[Frame], run: Run) -> Frame:
        import pandas as pd
        import pyarrow as pa

        from ..time_steps import offset

        frame = run.keep(frames[0])
        title = frame.free(self.output_column, "output_column")
        rows = run.row(frame.table.aggregate(rows=frame.table.count()))["rows"]
        try:
            start = pd.Timestamp(self.start)
        except ValueError:
            raise OperatorError(
                f"{self.start!r} is no timestamp", "Write it as 2024-01-31 17:00:00.", "start"
            ) from None
        step = offset(self.frequency.quantity, self.frequency.offset_description)
        moments = pd.date_range(start, periods=rows, freq=step)
        return run.with_column(
            frame, title, pa.Array.from_pandas(moments).cast(pa.timestamp("us"), safe=False)
        )
