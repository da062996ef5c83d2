"""Time series: fill what is missing, along a column or within cells."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import AliasChoices, BeforeValidator, Field, model_validator

from ..errors import OperatorError
from ..frame import Frame
from .base import operator
from .time_series_base import (
    Optional,
    TimeSeries,
    chosen_blocks,
    identifier,
    lower,
    sequence_column_of,
    series_columns,
)

if TYPE_CHECKING:
    from ..engine import Run

_strategies = {
    "constant value": "constant", "constant": "constant", "most common value": "most common",
    "most common": "most common", "forward fill": "forward", "forward": "forward", "ffill": "forward",
    "backward fill": "backward", "backward": "backward", "bfill": "backward", "interpolate": "interpolate",
}  # fmt: skip
_leftovers = {
    "": "keep", "none": "keep", "keep": "keep", "do nothing": "keep",
    "fill with forward/backward feed": "fill", "fill with forward/backward fill": "fill", "fill": "fill",
}  # fmt: skip


class HandleMissing(TimeSeries):
    """Fill what is missing in series."""

    sequence_column: str
    strategy: Annotated[
        Literal["constant", "most common", "forward", "backward", "interpolate"],
        BeforeValidator(lambda value: _strategies.get(str(value).lower(), value)),
    ]
    output_column: Optional = None
    leftovernans: Annotated[
        Literal["keep", "fill"],
        BeforeValidator(lambda value: _leftovers.get(str(value or "").lower(), value)),
    ] = "keep"
    custom_value: Any = None
    method: Annotated[str, BeforeValidator(lower)] = Field(
        "linear", validation_alias=AliasChoices("method", "interpolation_method", "interpolate_method")
    )

    @model_validator(mode="before")
    @classmethod
    def _without_prefix(cls, value: Any) -> Any:
        """`hmac_strategy` as `strategy`: the names have a prefix for the type of input."""
        flat = chosen_blocks(value)
        if not isinstance(flat, Mapping):
            return flat
        return {re.sub(r"^hm[a-z]{2}_", "", str(key)): each for key, each in flat.items()}

    @model_validator(mode="after")
    def _with_value(self) -> HandleMissing:
        if self.strategy == "constant" and self.custom_value in (None, ""):
            raise ValueError("'custom_value' is missing")
        return self

    def describe(self) -> str:
        return f"Fill what is missing in the series {self.sequence_column}: {self.strategy}"

    def constant(self, number: bool) -> Any:
        """The custom value in the type of the column."""
        if not number:
            return str(self.custom_value)
        try:
            return float(self.custom_value)
        except (TypeError, ValueError):
            raise OperatorError(
                f"{self.custom_value!r} is no number, as the column needs", "", "custom_value"
            ) from None


@operator(identifier, "Handle missing", "Along column", keys=("operator", "hm_input_type"))
class HandleMissingAlongColumn(HandleMissing):
    """Fill what is missing in a column, series by series."""

    timestamp_column: Optional = None
    id_column: Optional = None
    block: ClassVar[str] = "hm_input_type_Along column_parameters"

    def apply(self, frames: Sequence[Frame], run: Run) -> Frame:
        from ..series import fill_series, filler, most_common

        frame = run.keep(frames[0])
        name = frame.name(self.sequence_column, "hmac_sequence_column")
        kind = frame.table[name].type()
        number = kind.is_numeric() and not kind.is_boolean()
        if self.strategy == "interpolate" and not number:
            raise OperatorError(
                f"'{name}' is {kind}, which has nothing between its values", "", "hmac_strategy"
            )
        if self.timestamp_column:
            table = series_columns(frame, name, self.timestamp_column, self.id_column, run)
        else:
            table = run.to_pandas(frame.select([name])).set_axis(["value"], axis=1)
        value = self.constant(number) if self.strategy == "constant" else None
        common = most_common(table["value"]) if self.strategy == "most common" else None
        filled = fill_series(
            table["value"].astype(float) if number else table["value"].astype(object),
            table.get("id"),
            table.get("time"),
            filler(self.strategy, value, common, self.method, self.leftovernans),
        )
        output = self.output_column or name
        if output != name:
            frame.free(output, "hmac_output_column")
        whole = kind.is_integer() and (filled.dropna() % 1 == 0).all()
        return run.with_column(
            frame, output, _arrow(filled, "int64" if whole else "float64" if number else None)
        )


def _arrow(values: Any, kind: str | None) -> Any:
    """Values as Arrow holds them, what is missing as null."""
    import pyarrow as pa

    if kind is None:
        return pa.Array.from_pandas(values, mask=values.isna().to_numpy())
    return pa.Array.from_pandas(values.fillna(0), mask=values.isna().to_numpy()).cast(kind)


@operator(identifier, "Handle missing", "In cell", keys=("operator", "hm_input_type"))
@operator(identifier, "Handle missing", "Within cell", keys=("operator", "hm_input_type"))
@operator(identifier, "Handle missing", "Inside cell", keys=("operator", "hm_input_type"))
class HandleMissingInCell(HandleMissing):
    """Fill what is missing in the series of each cell."""

    blocks: ClassVar[tuple[str, ...]] = tuple(
        f"hm_input_type_{name}_parameters" for name in ("In cell", "Within cell", "Inside cell")
    )

    def apply(self, frames: Sequence[Frame], run: Run) -> Frame:
        import pandas as pd
        import pyarrow as pa

        from ..series import filler, most_common

        frame = run.keep(frames[0])
        name = sequence_column_of(frame, self.sequence_column, "sequence_column")
        inner = frame.table[name].type().value_type
        number = inner.is_numeric()
        cells = run.to_pandas(frame.select([name]))[name]
        everything = pd.Series([each for cell in cells if cell is not None for each in cell], dtype=object)
        common = most_common(everything) if self.strategy == "most common" else None
        value = self.constant(number) if self.strategy == "constant" else None
        fill = filler(self.strategy, value, common, self.method, self.leftovernans)
        filled: list[list[Any] | None] = []
        for cell in cells:
            if cell is None:
                filled.append(None)
                continue
            part = fill(pd.Series(list(cell), dtype=float if number else object))
            filled.append([None if pd.isna(each) else each for each in part])
        kind = pa.list_(pa.float64() if number else pa.string())
        output = self.output_column or name
        if output != name:
            frame.free(output, "output_column")
        return run.with_column(frame, output, pa.array(filled, kind))
