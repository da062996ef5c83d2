"""Encode categorical: categories as numbers, by frequency, by indicators or by similarity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from ..errors import OperatorError
from .base import listing, operator
from .per_column import PerColumn, put

if TYPE_CHECKING:
    from ..engine import Run
    from ..frame import Frame
    from ..trained import Place

_id = "sagemaker.spark.encode_categorical_0.1"


def labels_by_frequency(frame: Frame, column: str, run: Run, empty: bool = False) -> list[str]:
    """The categories of a column, most frequent first, equally frequent ones as Java sorts texts.

    With `empty` an empty text is a category, else it counts as missing.
    """
    from ..casting import cast

    text = cast(frame.table[column], "string")
    text = text if empty else text.nullif("")
    counts = frame.table.select(label=text).filter(lambda t: t.label.notnull()).group_by("label")
    rows = run.rows(counts.aggregate(count=lambda t: t.count()))
    ranked = sorted(rows, key=lambda row: (-row["count"], row["label"].encode("utf-16-be", "surrogatepass")))
    return [row["label"] for row in ranked]


def _filled(default: Any) -> BeforeValidator:
    return BeforeValidator(lambda value: default if value is None or value == "" else value)


class Encoder(PerColumn):
    """Learns the categories of a column, or uses those that the flow holds and that were learned alike."""

    def place(self, column: str) -> Place:
        """Where the flow holds what this step learned of a column."""
        raise NotImplementedError


def _stored_labels(held: Mapping[str, Any]) -> list[str] | None:
    """The categories that a flow holds, in the order of their indices."""
    from ..spark_models import spark_model

    model = spark_model(held.get("string_indexer_model"))
    labels = (model.get("labelsArray") or [model.get("labels")])[0]
    return [str(label) for label in labels] if labels is not None else None


def _indexer_text(labels: list[str], column: str, output: str, invalid: str) -> str:
    from ..spark_models import model_text

    settings = {"inputCol": column, "outputCol": output, "handleInvalid": invalid}
    return model_text("StringIndexerModel", {"labelsArray": [labels]}, settings)


def _refuse(frame: Frame, invalid: Any, column: str, run: Run) -> None:
    count = run.row(frame.table.aggregate(missing=invalid.sum()))["missing"]
    if count:
        raise OperatorError(
            f"{count} rows have no value in '{column}', or one that was not there when the step learned",
            "Fill them first, or choose another invalid_handling_strategy.",
            "invalid_handling_strategy",
        )


@operator(_id, "Ordinal encode")
class OrdinalEncode(Encoder):
    """Ordinal encode"""

    invalid_handling_strategy: Annotated[
        Literal["Skip", "Error", "Keep", "Replace with NaN"], _filled("Error")
    ] = "Error"

    def place(self, column: str) -> Place:
        from ..trained import Place

        hashed = {"invalid_handling_strategy": self.invalid_handling_strategy}
        return Place(("ordinal_encode_parameters",), column, hashed, several=len(self.input_column) > 1)

    def learned(self, frame: Frame, column: str, run: Run) -> list[str]:
        """The categories in the order of their indices."""
        place = self.place(column)
        labels = _stored_labels(place.stored(run))
        if labels is None:
            labels = labels_by_frequency(frame, column, run, empty=True)
            strategy = self.invalid_handling_strategy
            invalid = "keep" if strategy == "Replace with NaN" else strategy.lower()
            output = self.output(column, column)
            place.keep(run, {"string_indexer_model": _indexer_text(labels, column, output, invalid)})
        return labels

    def one(self, frame: Frame, column: str, run: Run) -> Frame:
        import ibis

        from ..casting import cast
        from ..python_functions import python_column

        labels = self.learned(frame, column, run)
        places = {label: float(place) for place, label in enumerate(labels)}
        index = python_column(run, places.get, cast(frame.table[column], "string"), "float64")
        output = self.output(column, column)
        if self.invalid_handling_strategy in ("Keep", "Replace with NaN"):
            keep = self.invalid_handling_strategy == "Keep"
            unknown = ibis.literal(float(len(labels)) if keep else float("nan"))
            return put(frame, output, index.fill_null(unknown))
        if self.invalid_handling_strategy == "Error":
            _refuse(frame, index.isnull(), column, run)
            return put(frame, output, index)
        known = frame.replace(frame.table.filter(index.notnull()))
        index = python_column(run, places.get, cast(known.table[column], "string"), "float64")
        return put(known, output, index)


@operator(_id, "One-hot encode")
class OneHotEncode(Encoder):
    """One-hot encode"""

    input_already_ordinal_encoded: Annotated[bool, _filled(False)] = False
    invalid_handling_strategy: Annotated[Literal["Keep", "Skip", "Error"], _filled("Error")] = "Error"
    drop_last: Annotated[bool, _filled(True)] = True
    output_style: Annotated[Literal["Columns", "Vector"], _filled("Vector")] = "Vector"

    def describe(self) -> str:
        return f"One-hot encode {listing(self.input_column)}"

    def apply(self, frames: Sequence[Frame], run: Run) -> Frame:
        return super().apply([run.keep(frames[0])], run)

    def place(self, column: str) -> Place:
        from ..trained import Place

        hashed = {"invalid_handling_strategy": self.invalid_handling_strategy, "drop_last": self.drop_last}
        return Place(("one_hot_encode_parameters",), column, hashed, several=len(self.input_column) > 1)

    def learned(self, frame: Frame, column: str, run: Run) -> list[str]:
        """The categories in the order of their indices."""
        place = self.place(column)
        labels = _stored_labels(place.stored(run))
        if labels is None:
            labels = labels_by_frequency(frame, column, run)
            invalid = self.invalid_handling_strategy.lower()
            indexer = _indexer_text(labels, column, "temp_col", invalid)
            models = {"string_indexer_model": indexer, **self._encoder(len(labels) + self.keep, "error")}
            place.keep(run, models)
        return labels

    def _encoder(self, size: int, invalid: str) -> dict[str, str]:
        from ..spark_models import model_text

        settings = {"inputCol": "temp_col", "outputCol": "_temp_col_0", "handleInvalid": invalid}
        model = {"categorySizes": [size]}
        text = model_text("OneHotEncoderModel", model, {**settings, "dropLast": self.drop_last})
        return {"one_hot_encoder_model": text}

    @property
    def keep(self) -> bool:
        """Whether there is a slot for rows without a known category; numbers get it for skipping too."""
        strategy = self.invalid_handling_strategy
        return strategy == "Keep" or (strategy == "Skip" and self.input_already_ordinal_encoded)

    def one(self, frame: Frame, column: str, run: Run) -> Frame:
        if self.input_already_ordinal_encoded:
            labels, rows = self._numbers(frame, column, run), frame
        else:
            labels = self.learned(frame, column, run)
            rows = self._without_invalid(frame, column, labels, run)
        output = self.output(column, column)
        matches = self._matches(rows, column, labels)
        if self.output_style == "Vector":
            return put(rows, output, self._vector(matches))
        return self._columns(rows, column, output, labels, matches)

    def _numbers(self, frame: Frame, column: str, run: Run) -> list[str]:
        from ..casting import cast

        place, source = self.place(column), frame.table[column]
        if not source.type().is_numeric():
            raise OperatorError(f"'{column}' is {source.type()}, not an ordinal number", "", "input_column")
        number = cast(source, "long")
        invalid = (number.isnull() | (number < 0)).sum()
        found = run.row(frame.table.aggregate(top=number.max(), invalid=invalid))
        if found["invalid"]:
            raise OperatorError(
                f"{found['invalid']} rows of '{column}' hold no ordinal number from 0",
                "Encode the column as ordinals first.",
                "input_column",
            )
        size = self._stored_size(place.stored(run))
        if size is None:
            size = 0 if found["top"] is None else found["top"] + 1
            place.keep(run, self._encoder(size, "keep" if self.keep else "error"))
        elif not self.keep:
            _refuse(frame, number >= size, column, run)
        return [str(index) for index in range(size)]

    def _stored_size(self, held: Mapping[str, Any]) -> int | None:
        from ..spark_models import spark_model

        sizes = spark_model(held.get("one_hot_encoder_model")).get("categorySizes")
        return int(sizes[0]) if isinstance(sizes, list) and len(sizes) == 1 else None

    def _without_invalid(self, frame: Frame, column: str, labels: list[str], run: Run) -> Frame:
        from ..casting import cast

        if self.keep:
            return frame
        known = cast(frame.table[column], "string").isin(labels).fill_null(False) if labels else None
        if self.invalid_handling_strategy == "Error":
            _refuse(frame, frame.table[column].isnull() if known is None else ~known, column, run)
            return frame
        return frame.replace(frame.table.filter(False if known is None else known))

    def _matches(self, rows: Frame, column: str, labels: list[str]) -> list[Any]:
        from ..casting import cast

        if self.input_already_ordinal_encoded:
            number = cast(rows.table[column], "long")
            return [number == int(label) for label in labels]
        text = cast(rows.table[column], "string")
        return [text == label for label in labels]

    def _columns(self, rows: Frame, column: str, output: str, labels: list[str], matches: list[Any]) -> Frame:
        import ibis

        places = {f"{output}_{label}": place for place, label in enumerate(labels)}
        remain = [name for name in rows.columns if name != column or output != column]
        taken = [name.lower() for name in remain]
        for name in places:
            if name.lower() in taken:
                raise OperatorError(
                    f"there is already a column '{name}'", "Set another output_column.", "output_column"
                )
            taken.append(name.lower())
        # A cast, as DuckDB reads the constants 1.0 and 0.0 as decimals, and Parquet files would hold those.
        ones = {name: matches[place].fill_null(False).cast("float64") for name, place in places.items()}
        if ones and self.drop_last and not self.keep:
            # The vector has no slot for the last category; Data Wrangler still names a column for it.
            ones[list(ones)[-1]] = ibis.null("float64")
        return rows.replace(rows.table.mutate(**ones).select([*remain, *ones, *rows.order]))

    def _vector(self, matches: list[Any]) -> Any:
        """Spark's text of a sparse vector; `Keep` adds a slot for rows without a known category."""
        import ibis

        size = len(matches) + self.keep - self.drop_last
        empty = f"({size},[],[])"
        slots = [f"({size},[{index}],[1.0])" if index < size else empty for index in range(len(matches) + 1)]
        other = slots[-1] if self.keep else empty
        pairs = list(zip(matches, slots, strict=False))
        return ibis.cases(*pairs, else_=other) if pairs else ibis.literal(other)


@operator(_id, "Similarity encode")
class SimilarityEncode(PerColumn):
    """Similarity encode: texts with many three-letter parts in common get many equal numbers"""

    target_dimension: Annotated[int, Field(ge=1), _filled(30)] = 30
    output_style: Annotated[Literal["Columns", "Vector"], _filled("Vector")] = "Vector"

    def one(self, frame: Frame, column: str, run: Run) -> Frame:
        from ..min_hash import encoder, stored_functions
        from ..python_functions import python_column

        source = frame.table[column]
        if not source.type().is_string():
            raise OperatorError(
                f"'{column}' is {source.type()}; similarity is that of texts",
                "Cast it to string first.",
                "input_column",
            )
        functions = stored_functions(run, column, self.target_dimension, len(self.input_column) > 1)
        output = self.output(column, column)
        # With an output column missing texts are a blank in the input from here on, as in Data Wrangler.
        base = frame if output == column else put(frame, column, source.fill_null(" "))
        numbers = python_column(run, encoder(functions), base.table[column].fill_null(" "), "array<float64>")
        made = {output: numbers}
        if self.output_style == "Columns":
            made = {f"{output}_{place}": numbers[place] for place in range(len(functions))}
        remain = base.select([name for name in base.columns if name != column or output != column])
        for name in made:
            remain.free(name, "output_column")
        return base.replace(base.table.mutate(**made).select([*remain.columns, *made, *base.order]))
