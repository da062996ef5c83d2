"""Time series: features of series, and series in cells.

Features are computed without the library tsfresh: the minimal subset, under that library's names.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AliasChoices, BeforeValidator, Field

from ..errors import OperatorError
from ..frame import Frame
from .base import Columns, listing, operator
from .time_series_base import (
    Optional,
    Switch,
    TimeSeries,
    identifier,
    lower,
    moments,
    number_column,
    sequence_column_of,
    series_columns,
)

if TYPE_CHECKING:
    from ..engine import Run


def _features_of(strategy: str, chosen: Sequence[str]) -> tuple[str, ...]:
    """The names of the features. Raises OperatorError for those that need tsfresh."""
    from ..series import minimal, more

    if strategy == "minimal subset":
        return minimal
    unknown = [name for name in chosen if name not in (*minimal, *more)]
    if strategy == "manual subset" and chosen and not unknown:
        return tuple(chosen)
    known = ", ".join((*minimal, *more))
    what = f"the feature {unknown[0]!r}" if unknown else f"the strategy {strategy!r}"
    raise OperatorError(
        f"needs the library tsfresh for {what}, which this engine does without",
        f"Choose 'Minimal subset', or a 'Manual subset' of: {known}.",
        "strategy",
    )


class Features(TimeSeries):
    """Features of series."""

    sequence_column: str = Field(validation_alias=AliasChoices("sequence_column", "input_column"))
    strategy: Annotated[
        Literal["minimal subset", "efficient subset", "all features", "manual subset"],
        BeforeValidator(lower),
    ] = "minimal subset"
    features: Columns | None = Field(
        None, validation_alias=AliasChoices("features", "manual_features", "custom_features")
    )
    output_column: Optional = None
    flatten: Switch = False

    def put(self, frame: Frame, values: list[list[float] | None], names: Sequence[str], run: Run) -> Frame:
        """The frame with the features as columns (flatten), or as one list."""
        import pyarrow as pa

        if not self.flatten:
            title = frame.free(self.output_column or f"{self.sequence_column}_features", "output_column")
            return run.with_column(frame, title, pa.array(values, pa.list_(pa.float64())))
        prefix = self.output_column or self.sequence_column
        columns = {}
        for place, name in enumerate(names):
            title = frame.free(f"{prefix}__{name}", "output_column")
            column = [None if each is None else each[place] for each in values]
            columns[title] = pa.array(column, pa.float64())
        return run.with_columns(frame, columns)


@operator(identifier, "Rolling window features")
class RollingWindowFeatures(Features):
    """Features of the values before each row."""

    timestamp_column: str
    window_size: Annotated[int, Field(ge=1)]
    id_column: Optional = None

    def describe(self) -> str:
        return f"Features of the {self.window_size} values of {self.sequence_column} before"

    def apply(self, frames: Sequence[Frame], run: Run) -> Frame:
        from ..series import rolling

        names = _features_of(self.strategy, self.features or ())
        frame = run.keep(frames[0])
        series = number_column(frame, self.sequence_column, "sequence_column")
        table = series_columns(frame, series, self.timestamp_column, self.id_column, run)
        ids = table.get("id")
        return self.put(
            frame, rolling(table["value"], ids, table["time"], self.window_size, names), names, run
        )


@operator(identifier, "Extract features")
class ExtractFeatures(Features):
    """Features of the series in each cell."""

    def describe(self) -> str:
        return f"Features of the series {self.sequence_column}"

    def apply(self, frames: Sequence[Frame], run: Run) -> Frame:
        from ..series import features

        names = _features_of(self.strategy, self.features or ())
        frame = run.keep(frames[0])
        name = sequence_column_of(frame, self.sequence_column, "sequence_column")
        if not frame.table[name].type().value_type.is_numeric():
            raise OperatorError(
                f"'{name}' has series of texts", "Choose series of numbers.", "sequence_column"
            )
        cells = run.to_pandas(frame.select([name]))[name]
        found = [None if cell is None else features([_float(each) for each in cell], names) for cell in cells]
        return self.put(frame, found, names, run)


def _float(value: Any) -> float:
    return float("nan") if value is None else float(value)


@operator(identifier, "Group by")
class GroupBy(TimeSeries):
    """Make a series of each column for each id, in the order of time."""

    id_column: str = Field(validation_alias=AliasChoices("id_column", "group_by_column", "group_column"))
    sequence_columns: Columns = Field(
        validation_alias=AliasChoices(
            "sequence_columns", "sequence_column", "input_column", "apply_to_columns"
        )
    )
    timestamp_column: str
    include_start_end: Switch = Field(
        False, validation_alias=AliasChoices("include_start_end", "include_timestamps", "add_start_end_time")
    )

    def describe(self) -> str:
        return f"Series of {listing(self.sequence_columns)} by {self.id_column}"

    def apply(self, frames: Sequence[Frame], run: Run) -> Frame:
        frame = frames[0]
        identity = frame.name(self.id_column, "id_column")
        names = frame.names(self.sequence_columns, "sequence_columns")
        moment = moments(frame, self.timestamp_column, "timestamp_column")
        table = frame.table.mutate(**{_moment: moment})
        order = [table[_moment], *(table[name] for name in frame.order)]
        columns = {f"{name}_series": table[name].collect(order_by=order, include_null=True) for name in names}
        if self.include_start_end:
            columns |= {"start_time": table[_moment].min(), "end_time": table[_moment].max()}
        place = "__flow_order_0"
        # Ids come in the order in which they first occur.
        first = table[frame.order[0]].min() if len(frame.order) == 1 else table[identity].min()
        grouped = table.group_by(identity).aggregate(**columns, **{place: first})
        return run.keep(Frame(grouped, (place,)))


_moment = "__flow_order_moment"


@operator(identifier, "Standardize length")
class StandardizeLength(TimeSeries):
    """Bring the series in all cells to one length: longer ones are cut, shorter ones filled with NaN."""

    sequence_column: str = Field(validation_alias=AliasChoices("sequence_column", "input_column"))
    cutoff_quantile: Annotated[float, Field(ge=0, le=1)] = Field(
        1.0, validation_alias=AliasChoices("cutoff_quantile", "quantile")
    )
    output_column: Optional = None
    flatten: Switch = Field(False, validation_alias=AliasChoices("flatten", "flatten_output"))

    def describe(self) -> str:
        return f"Bring the series {self.sequence_column} to one length"

    def apply(self, frames: Sequence[Frame], run: Run) -> Frame:
        import ibis

        frame = run.keep(frames[0])
        name = sequence_column_of(frame, self.sequence_column, "sequence_column")
        column = frame.table[name]
        number = column.type().value_type.is_numeric()
        [length] = run.quantiles(frame.table.select(length=column.length()), "length", [self.cutoff_quantile])
        values = []
        for place in range(int(length or 0)):
            value = column[place]
            values.append(value.cast("float64").fill_null(float("nan")) if number else value)
        output = self.output_column or name
        if self.flatten:
            columns = {frame.free(f"{output}_{place}"): value for place, value in enumerate(values)}
            return run.keep(frame.replace(frame.table.mutate(**columns)))
        kind = "array<float64>" if number else column.type()
        cell = ibis.array(values).cast(kind) if values else ibis.literal([], type=kind)
        cell = column.notnull().ifelse(cell, ibis.null(kind))
        if output != name:
            frame.free(output, "output_column")
        return run.keep(frame.replace(frame.table.mutate(**{output: cell}))).select(
            list(dict.fromkeys([*frame.columns, output]))
        )
