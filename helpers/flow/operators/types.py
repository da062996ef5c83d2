"""Types: infer and cast all columns, or cast one (Parse value as type)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, model_validator

from ..errors import OperatorError
from .base import Operator, operator

if TYPE_CHECKING:
    from ..engine import Run
    from ..frame import Frame


@operator("sagemaker.spark.infer_and_cast_type_0.1")
class InferAndCastType(Operator):
    """Set the type of every column"""

    def apply(self, frames: Sequence[Frame], run: Run) -> Frame:
        from ..casting import cast, infer, type_names

        frame = frames[0]
        schema: Mapping[str, str] = run.trained.get("schema") or {}
        if schema:
            _must_match(schema, frame.columns)
        else:
            schema = infer(run.first_rows(frame, 5000), frame)
        for column, kind in schema.items():
            if kind not in type_names:
                message = f"column '{column}' has the unknown type {kind!r}"
                raise OperatorError(message, f"Known: {', '.join(type_names)}.", "schema")
        columns = [cast(frame.table[name], kind).name(name) for name, kind in schema.items()]
        return frame.replace(frame.table.select([*columns, *frame.order]))


def _must_match(schema: Mapping[str, str], columns: list[str]) -> None:
    missing = [name for name in schema if name not in columns]
    extra = [name for name in columns if name not in schema]
    if missing or extra:
        parts = [f"the data has no {', '.join(map(repr, missing))}"] if missing else []
        parts += [f"the flow does not expect {', '.join(map(repr, extra))}"] if extra else []
        raise OperatorError(
            f"the columns are not those of the flow's schema: {'; '.join(parts)}",
            "Give the data these columns, or remove trained_parameters.schema to infer types anew.",
            "schema",
        )


Policy = Literal[
    "replace_null", "replace_null_with_new_col", "replace_value", "replace_value_with_new_col", "drop"
]


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


@operator("sagemaker.spark.cast_single_data_type_0.1")
class CastSingleDataType(Operator):
    """Parse a column as a type; what does not parse becomes null, a given value, or is dropped."""

    column: str
    data_type: Annotated[
        Literal["long", "float", "bool", "date", "datetime", "string"], BeforeValidator(_lower)
    ]
    original_data_type: str | None = None
    non_castable_data_handling_method: Policy = "replace_null"
    replace_value: str | int | float | None = None
    date_formatting: str = "dd-MM-yyyy"

    @model_validator(mode="after")
    def _with_value(self) -> CastSingleDataType:
        if self.non_castable_data_handling_method.startswith("replace_value") and self.replace_value is None:
            raise ValueError("'replace_value' is missing")
        return self

    def describe(self) -> str:
        return f"Cast {self.column} to {self.data_type}"

    def change(self, frame: Frame) -> Any:
        import ibis

        from ..casting import cast, is_a, spark_date_format

        name = frame.name(self.column, "column")
        before = frame.table[name]
        if is_a(before, self.data_type):
            return frame.table
        if self.data_type == "date" and before.type().is_string():
            after = spark_date_format(before, self.date_formatting)
        else:
            after = cast(before, self.data_type)
        failed = before.notnull() & after.isnull()
        policy = self.non_castable_data_handling_method
        if policy == "drop":
            return frame.table.filter(~failed).mutate(**{name: after})
        value = after
        if policy.startswith("replace_value"):
            value = failed.ifelse(cast(ibis.literal(str(self.replace_value)), self.data_type), after)
        columns = [value.name(name) if each == name else frame.table[each] for each in frame.table.columns]
        if policy.endswith("with_new_col"):
            wrong = failed.ifelse(before.cast("string"), "").name(frame.free(f"{name}_typecast_error"))
            columns.insert(frame.table.columns.index(name) + 1, wrong)
        return frame.table.select(columns)
