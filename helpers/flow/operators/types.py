"""Types: infer and cast all columns, or cast one (Parse value as type)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
        from ..date_parts import moments

        frame = frames[0]
        schema: Any = run.trained.get("schema") or {}
        if not isinstance(schema, Mapping):
            message = f"must be an object of columns and types, not {schema!r}"[:300]
            raise OperatorError(message, "Remove it to infer types anew.", "schema")
        if schema:
            _must_match(schema, frame.columns)
        else:
            schema = infer(run.first_rows(frame, 5000), frame)
        run.fitted.note(run.node, ("schema",), dict(schema))
        for column, kind in schema.items():
            if kind not in type_names:
                message = f"column '{column}' has the unknown type {kind!r}"
                raise OperatorError(message, f"Known: {', '.join(type_names)}.", "schema")

        def typed(column: Any, kind: str) -> Any:
            return (
                moments(column, run)
                if kind == "datetime" and column.type().is_string()
                else cast(column, kind)
            )

        columns = [typed(frame.table[name], kind).name(name) for name, kind in schema.items()]
        return frame.replace(frame.table.select([*columns, *frame.order]))


def _must_match(schema: Mapping[str, str], columns: list[str]) -> None:
    known = set(columns)
    missing = [name for name in schema if name not in known]
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
    """Parse a column as a type; what does not parse becomes null, a given value, or is dropped.

    A value that is missing beforehand counts as one that does not parse.
    """

    column: str
    data_type: Annotated[
        Literal["long", "float", "bool", "date", "datetime", "string"], BeforeValidator(_lower)
    ]
    original_data_type: str | None = None
    non_castable_data_handling_method: Annotated[
        Policy, BeforeValidator(lambda value: value or "replace_null")
    ] = "replace_null"
    replace_value: str | int | float | None = None
    date_formatting: Annotated[str, BeforeValidator(lambda value: value or "dd-MM-yyyy")] = "dd-MM-yyyy"
    datetime_formatting: str | None = None

    @model_validator(mode="after")
    def _replacement_fits(self) -> CastSingleDataType:
        if self.non_castable_data_handling_method.startswith("replace_value"):
            try:
                self.replacement()
            except (ValueError, OverflowError):
                raise ValueError(
                    f"'replace_value' {self.replace_value!r} is not a {self.data_type}"
                ) from None
        return self

    def replacement(self) -> str | int | float | bool | None:
        """The value for what does not parse, made by Python as Data Wrangler makes it."""
        kinds: dict[str, Callable[[Any], Any]] = {"long": int, "float": float, "bool": bool}
        value = self.replace_value
        return None if value is None else kinds.get(self.data_type, str)(value)

    def describe(self) -> str:
        return f"Cast {self.column} to {self.data_type}"

    def apply(self, frames: Sequence[Frame], run: Run) -> Frame:
        import ibis

        from ..casting import cast, is_a

        frame = frames[0]
        name = frame.name(self.column, "column")
        before = frame.table[name]
        if is_a(before, self.data_type):
            return frame
        after = self._parsed(before, run)
        policy = self.non_castable_data_handling_method
        if policy == "drop":
            return frame.replace(
                frame.table.mutate(**{name: after}).filter(lambda table: table[name].notnull())
            )
        value = after
        if policy.startswith("replace_value"):
            given = self.replacement()
            text = ibis.literal(None if given is None else str(given), "string")
            other = (
                self._parsed(text, run)
                if self.data_type in ("date", "datetime")
                else cast(text, self.data_type)
            )
            value = after.notnull().ifelse(after, other)
        columns = [value.name(name) if each == name else frame.table[each] for each in frame.table.columns]
        if policy.endswith("with_new_col"):
            wrong = after.notnull().ifelse("", cast(before, "string"))
            columns.insert(
                frame.table.columns.index(name) + 1, wrong.name(frame.free(f"{name}_typecast_error"))
            )
        return frame.replace(frame.table.select(columns))

    def _parsed(self, column: Any, run: Run) -> Any:
        from ..casting import cast, spark_moment_format
        from ..date_parts import moments

        if not column.type().is_string() or self.data_type not in ("date", "datetime"):
            return cast(column, self.data_type)
        if self.data_type == "date":
            return spark_moment_format(column, self.date_formatting).date()
        if self.datetime_formatting:
            return spark_moment_format(column, self.datetime_formatting, "datetime_formatting")
        return moments(column, run)
