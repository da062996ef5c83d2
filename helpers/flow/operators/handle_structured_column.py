"""Handle structured column: the keys of JSON or structs as columns, the items of arrays as rows.

Only documented in words: ids and parameters are accepted in the spellings its names suggest.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AliasChoices, BeforeValidator, Field

from ..errors import OperatorError
from ..frame import Frame, hidden_prefix
from .base import Columns, Operator, listing, operator
from .per_column import PerColumn

if TYPE_CHECKING:
    from ..engine import Run

_ids = (
    "sagemaker.spark.handle_structured_column_0.1",
    "sagemaker.spark.handle_structured_0.1",
    "sagemaker.spark.structured_column_0.1",
)


def _keys(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return () if value is None else value


_separator = "\x1f"


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "long" if -(2**63) <= value < 2**63 else "float"
    return "float" if isinstance(value, float) else "string"


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _text(value: object) -> str | None:
    """A value as a text: nested ones as JSON, which can be flattened again."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value, ensure_ascii=False)


class FlattenStructured(PerColumn):
    """Flatten the first keys into columns"""

    keys: Annotated[
        tuple[str, ...],
        BeforeValidator(_keys),
        Field(
            validation_alias=AliasChoices(
                "keys", "keys_to_flatten_on", "keys_to_flatten", "flatten_keys", "flatten_on_keys"
            )
        ),
    ] = ()

    def one(self, frame: Frame, column: str, run: Run) -> Frame:
        source = frame.table[column]
        if source.type().is_struct():
            found = {key: source[key] for key in self.keys or source.type().names if key in source.type()}
            missing = [key for key in self.keys if key not in found]
            if missing:
                raise OperatorError(
                    f"'{column}' has no key '{missing[0]}'",
                    f"Its keys: {', '.join(source.type().names)}.",
                    "keys",
                )
        elif source.type().is_string():
            found = self._of_json(frame, column, run)
        else:
            raise OperatorError(
                f"'{column}' is {source.type()}, which has no keys",
                "Use a column of JSON texts or of structs.",
                "input_column",
            )
        prefix = self.output(column, column)
        made = {frame.free(f"{prefix}_{key}", "output_column"): value for key, value in found.items()}
        return frame.replace(frame.table.mutate(**made))

    def _of_json(self, frame: Frame, column: str, run: Run) -> dict[str, Any]:
        """A column for each key, in the order in which they first appear, of the type all its values have."""
        from ..casting import cast
        from ..python_functions import python_column

        def kinds(text: str) -> list[str]:
            value = _read(text)
            items = value.items() if isinstance(value, dict) else ()
            return [f"{key}{_separator}{_kind(each)}" for key, each in items if each is not None]

        def names(text: str) -> list[str]:
            value = _read(text)
            return list(value) if isinstance(value, dict) else []

        def first(function: Any) -> list[str]:
            items = python_column(run, function, frame.table[column], "array<string>")
            listed = frame.table.select(*frame.order, items=items)
            each = listed.unnest("items", offset="place")
            ranked = each.order_by([*frame.order, "place"]).select("items", *frame.order, "place")
            seen = ranked.distinct(on="items", keep="first").order_by([*frame.order, "place"])
            return [row["items"] for row in run.rows(seen)]

        found: dict[str, set[str]] = {key: set() for key in self.keys or first(names)}
        for item in first(kinds):
            key, _, kind = item.rpartition(_separator)
            if key in found:
                found[key].add(kind)

        def of(key: str) -> Any:
            def value(text: str) -> str | None:
                held = _read(text)
                return _text(held.get(key)) if isinstance(held, dict) else None

            texts = python_column(run, value, frame.table[column], "string")
            kind = found[key]
            if kind == {"long", "float"}:
                kind = {"float"}
            return cast(texts, next(iter(kind))) if len(kind) == 1 else texts

        return {key: of(key) for key in found}


class ExplodeArray(Operator):
    """Explode an array into rows; rows without items go"""

    input_column: Columns
    output_column: str | None = None

    def describe(self) -> str:
        return f"Explode {listing(self.input_column)}"

    def apply(self, frames: Sequence[Frame], run: Run) -> Frame:
        from ..python_functions import python_column

        frame = frames[0]
        for column in frame.names(self.input_column, "input_column"):
            source = frame.table[column]
            if source.type().is_string():

                def items(text: str) -> list[str | None] | None:
                    value = _read(text)
                    return [_text(each) for each in value] if isinstance(value, list) else None

                source = python_column(run, items, source, "array<string>")
            elif not source.type().is_array():
                raise OperatorError(
                    f"'{column}' is {source.type()}, which has no items",
                    "Use a column of arrays, or of texts with a JSON array each.",
                    "input_column",
                )
            output = self.output_column or f"{column}_items"
            if self.output_column and len(self.input_column) > 1:
                output = f"{self.output_column}_{column}"
            remain = frame.select([name for name in frame.columns if name != column])
            remain.free(output, "output_column")
            taken = {*frame.table.columns}
            place = next(
                name for name in (f"{hidden_prefix}{count}" for count in range(1000)) if name not in taken
            )
            listed = frame.table.select(
                *[frame.table[name] for name in remain.table.columns], source.name(output)
            )
            rows = listed.unnest(output, offset=place)
            order = (*frame.order, place)
            frame = run.keep(Frame(rows.select([*remain.columns, output, *order]), order))
        return frame


for _id in _ids:
    operator(_id, "Flatten structured")(FlattenStructured)
    operator(_id, "Explode array")(ExplodeArray)
for _id in ("sagemaker.spark.flatten_structured_0.1", "sagemaker.spark.flatten_column_0.1"):
    operator(_id)(FlattenStructured)
operator("sagemaker.spark.explode_array_0.1")(ExplodeArray)
