"""Featurize date/time: parts of moments as numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, model_validator

from ..errors import OperatorError
from .base import listing, operator
from .per_column import PerColumn, put

if TYPE_CHECKING:
    from ..date_parts import Part
    from ..engine import Run
    from ..frame import Frame

_id = "sagemaker.spark.featurize_date_time_0.1"
Switch = Annotated[bool, BeforeValidator(lambda value: False if value is None or value == "" else value)]


class DateParts(PerColumn):
    """Parts of moments as columns, or as one vector"""

    output_mode: Literal["Ordinal", "Cyclic"]
    output_format: Literal["Columns", "Vector"]
    infer_datetime_format: Switch = False
    use_one_indexing: Switch = False
    date_time_format: str | None = None
    year: Switch = False
    month: Switch = False
    day: Switch = False
    hour: Switch = False
    minute: Switch = False
    second: Switch = False
    week_of_year: Switch = False
    day_of_year: Switch = False
    quarter: Switch = False

    @model_validator(mode="after")
    def _go_together(self) -> DateParts:
        if self.infer_datetime_format and self.date_time_format:
            raise ValueError("'date_time_format' and 'infer_datetime_format' exclude each other")
        if self.output_mode == "Cyclic" and self.use_one_indexing:
            raise ValueError("'use_one_indexing' is for the output mode Ordinal only")
        return self

    def describe(self) -> str:
        return f"Extract parts of {listing(self.input_column)}"

    def chosen(self) -> list[Part]:
        """The parts that are asked for."""
        from ..date_parts import parts

        return [part for part in parts if getattr(self, part.name)]

    def one(self, frame: Frame, column: str, run: Run) -> Frame:
        from ..casting import cast
        from ..date_parts import extracted, names

        chosen, cyclic = self.chosen(), self.output_mode == "Cyclic"
        if not chosen:
            if self.output_format == "Columns":
                return frame
            raise OperatorError("asks for no part of the date", "Choose at least one, such as year.", "year")
        source = frame.table[column]
        known = source.type()
        if not (known.is_string() or known.is_date() or known.is_timestamp() or known.is_numeric()):
            raise OperatorError(
                f"'{column}' is {known}, in which there are no dates",
                "Use a column of texts, dates, datetimes or numbers.",
                "input_column",
            )
        found = extracted(
            frame,
            column,
            chosen,
            run,
            cyclic=cyclic,
            from_one=self.use_one_indexing,
            form=self.date_time_format or None,
            vector=self.output_format == "Vector",
        )
        output = self.output(column, column)
        titles = names(chosen, output, cyclic)
        if self.output_format == "Vector":
            return put(frame, output, found)
        columns: dict[str, Any] = {}
        for place, title in enumerate(titles):
            frame.free(title, "output_column")
            columns[title] = found[place] if cyclic else cast(found[place], "long")
        return frame.replace(frame.table.mutate(**columns))


@operator(_id, "Extract columns")
class ExtractColumns(DateParts):
    """Extract parts of dates"""
