"""Featurize text: counts of characters, or vectors of words."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    model_validator,
)

from ..errors import OperatorError
from .base import Columns, Operator, listing, operator
from .per_column import PerColumn, put
from .search_and_edit import Checked

if TYPE_CHECKING:
    from ..engine import Run
    from ..frame import Frame
    from ..text_vectors import Tokenizer, Vectorizer

_id = "sagemaker.spark.featurize_text_0.1"


def _share(text: str, test: Callable[[str], bool]) -> float:
    seen = re.sub(r"\s+", "", text)
    return sum(map(test, seen)) / len(seen) if seen else 0.0


statistics: dict[str, Callable[[str], float]] = {
    "word_count": lambda text: float(len(text.split())),
    "char_count": lambda text: float(len(text)),
    "special_ratio": lambda text: _share(text, lambda each: not re.match(r"\w", each)),
    "digit_ratio": lambda text: _share(text, str.isdigit),
    "lower_ratio": lambda text: _share(text, str.islower),
    "capital_ratio": lambda text: _share(text, str.isupper),
}


@operator(_id, "Character statistics")
class CharacterStatistics(Operator):
    """Character statistics; a missing text has none"""

    input_column: Columns
    output_column_prefix: str | None = None

    def describe(self) -> str:
        return f"Character statistics of {listing(self.input_column)}"

    def apply(self, frames: Sequence[Frame], run: Run) -> Frame:
        from ..casting import cast
        from ..python_functions import python_column

        frame = frames[0]
        for column in frame.names(self.input_column, "input_column"):
            # Data Wrangler puts an underscore behind the prefix, also behind the one it makes up with one.
            prefix = self.output_column_prefix or f"{column}_"
            if self.output_column_prefix and len(self.input_column) > 1:
                prefix = f"{prefix}_{column}"
            text = cast(frame.table[column], "string")
            found = python_column(
                run, lambda text: [count(text) for count in statistics.values()], text, "array<float64>"
            )
            for place, name in enumerate(statistics):
                frame = put(frame, f"{prefix}_{name}", found[place])
        return frame


def _or(default: Any) -> BeforeValidator:
    return BeforeValidator(lambda value: default if value is None or value == "" else value)


class Block(BaseModel):
    """Parameters of one choice."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class CustomTokenizer(Block):
    """A tokenizer by a regular expression of Java."""

    minimum_token_length: Annotated[int, Field(ge=0), _or(1)] = 1
    gaps: Annotated[bool, _or(True)] = True
    pattern: Checked
    lowercase_before_tokenization: Annotated[bool, _or(True)] = True


class CountVectorizer(Block):
    """What is counted, and how."""

    minimum_term_frequency: Annotated[float, Field(ge=0), _or(1.0)] = 1.0
    minimum_document_frequency: Annotated[float, Field(ge=0), _or(1.0)] = 1.0
    maximum_document_frequency: Annotated[float, Field(ge=0), _or(1.0)] = 1.0
    maximum_vocabulary_size: Annotated[int, Field(ge=1), _or(10_000)] = 10_000
    binarize_count: Annotated[bool, _or(False)] = False


class HashingVectorizer(Block):
    """How many places there are."""

    number_of_features: Annotated[int, Field(ge=1), _or(262_144)] = 262_144


class InverseDocumentFrequency(Block):
    """What is too rare to count."""

    minimum_document_frequency: Annotated[int, Field(ge=0), _or(1)] = 1


_hashed = (
    "tokenizer",
    "tokenizer_standard_parameters",
    "tokenizer_custom_parameters",
    "vectorizer",
    "vectorizer_count_vectorizer_parameters",
    "vectorizer_hashing_parameters",
    "apply_idf",
    "apply_idf_yes_parameters",
    "apply_idf_no_parameters",
)
_models = ("vectorizer_model", "idf_model")


@operator(_id, "Vectorize")
class Vectorize(PerColumn):
    """Vectorize words"""

    tokenizer: Literal["Standard", "Custom"]
    tokenizer_standard_parameters: dict[str, Any] | None = None
    tokenizer_custom_parameters: CustomTokenizer | None = None
    vectorizer: Literal["Count Vectorizer", "Hashing"]
    vectorizer_count_vectorizer_parameters: CountVectorizer | None = None
    vectorizer_hashing_parameters: HashingVectorizer | None = None
    apply_idf: Literal["Yes", "No"]
    apply_idf_yes_parameters: InverseDocumentFrequency | None = None
    apply_idf_no_parameters: dict[str, Any] | None = None
    output_format: Annotated[
        Literal["Vector", "Columns"],
        BeforeValidator(lambda value: "Columns" if value == "Flattened" else value),
    ]
    _given: list[Any] = PrivateAttr(default_factory=list)

    @model_validator(mode="wrap")
    @classmethod
    def _only_chosen(cls, values: Any, handler: ModelWrapValidatorHandler[Vectorize]) -> Vectorize:
        """Blocks that were not chosen may be stale; only the hash of what was learned counts them."""
        stale = {
            "tokenizer_custom_parameters": values.get("tokenizer") != "Custom",
            "vectorizer_count_vectorizer_parameters": values.get("vectorizer") != "Count Vectorizer",
            "vectorizer_hashing_parameters": values.get("vectorizer") != "Hashing",
            "apply_idf_yes_parameters": values.get("apply_idf") != "Yes",
        }
        made = handler({name: value for name, value in values.items() if not stale.get(name)})
        made._given = [values.get(name) for name in _hashed]
        return made

    @model_validator(mode="after")
    def _complete(self) -> Vectorize:
        if self.tokenizer == "Custom" and self.tokenizer_custom_parameters is None:
            raise ValueError("'tokenizer_custom_parameters' is missing")
        if self.vectorizer == "Hashing" and self.output_format == "Columns":
            raise ValueError("columns come of a Count Vectorizer only; choose it, or the format Vector")
        return self

    def one(self, frame: Frame, column: str, run: Run) -> Frame:
        from ..python_functions import python_column
        from ..text_vectors import as_list, as_text, weighted
        from ..trained import Place

        source = frame.table[column]
        if not source.type().is_string():
            raise OperatorError(
                f"'{column}' is {source.type()}, not text", "Cast it to string first.", "input_column"
            )
        frame = run.keep(put(frame, column, source.fill_null("")))
        text = frame.table[column]
        held = Place(("vectorize_parameters",), column, self._given, several=len(self.input_column) > 1)
        models = dict(held.stored(run))
        before = dict(models)
        vectorizer = self._vectorizer(frame, column, run, models)
        weights, unseen = self._weights(frame, column, run, vectorizer, models)
        if models != before:
            held.keep(run, {name: models[name] for name in _models if name in models})
        vector = weighted(vectorizer.counter(), weights, unseen)
        output = self.output(column, f"{column}_features")
        if self.output_format == "Vector":
            made = python_column(run, as_text(vectorizer.size, vector), text, "string")
            if self.apply_idf == "No":
                return put(frame, output, made)
            return put(frame, frame.free(output, "output_column"), made)
        numbers = python_column(run, as_list(vectorizer.size, vector), text, "array<float64>")
        columns: dict[str, Any] = {}
        taken = {name.lower() for name in frame.columns}
        for place, word in enumerate(getattr(vectorizer, "vocabulary", ())):
            name = f"{output}_{word}"
            if name.lower() in taken:
                raise OperatorError(
                    f"there are two columns '{name}'", "Set another output_column.", "output_column"
                )
            taken.add(name.lower())
            columns[name] = numbers[place]
        return frame.replace(frame.table.mutate(**columns))

    def _tokens(self) -> Tokenizer:
        from ..java_regex import java_regex
        from ..text_vectors import custom_tokenizer, standard_tokens

        custom = self.tokenizer_custom_parameters
        if custom is None:
            return standard_tokens
        regex = java_regex(custom.pattern)
        lowercase = custom.lowercase_before_tokenization
        return custom_tokenizer(regex, custom.gaps, custom.minimum_token_length, lowercase)

    def _vectorizer(self, frame: Frame, column: str, run: Run, models: dict[str, Any]) -> Vectorizer:
        """The counter of words, by the models that the flow holds; a model that is learned is put there."""
        from ..python_functions import python_column
        from ..spark_models import spark_model
        from ..text_vectors import Counting, Hashing, chosen_vocabulary

        tokens = self._tokens()
        if self.vectorizer == "Hashing":
            hashing = self.vectorizer_hashing_parameters or HashingVectorizer()
            return Hashing(tokens, hashing.number_of_features)
        block = self.vectorizer_count_vectorizer_parameters or CountVectorizer()
        vocabulary = spark_model(models.get("vectorizer_model")).get("vocabulary")
        if not isinstance(vocabulary, list):
            words = python_column(run, tokens, frame.table[column], "array<string>")
            listed = frame.table.select(row=frame.table[frame.order[0]], words=words)
            each = listed.select(listed.row, word=listed.words.unnest())
            grouped = each.group_by("word").aggregate(count=each.count(), texts=each.row.nunique())
            counts = {row["word"]: (row["count"], row["texts"]) for row in run.rows(grouped)}
            documents = run.row(frame.table.aggregate(count=frame.table.count()))["count"]
            vocabulary = chosen_vocabulary(
                counts,
                documents,
                block.minimum_document_frequency,
                block.maximum_document_frequency,
                block.maximum_vocabulary_size,
            )
            models["vectorizer_model"] = _vectorizer_text(vocabulary, block)
        return Counting(tokens, vocabulary, block.minimum_term_frequency, block.binarize_count)

    def _weights(
        self, frame: Frame, column: str, run: Run, vectorizer: Vectorizer, models: dict[str, Any]
    ) -> tuple[dict[int, float] | None, float]:
        """The IDF of the places, and that of a place not among them; what is learned is put to the models."""
        from ..python_functions import python_column
        from ..spark_models import spark_model
        from ..text_vectors import inverse_document_frequencies, unseen_frequency

        if self.apply_idf == "No":
            return None, 0.0
        numbers = spark_model(models.get("idf_model")).get("idf")
        if isinstance(numbers, list) and len(numbers) == vectorizer.size:
            return dict(enumerate(numbers)), 0.0
        least = (self.apply_idf_yes_parameters or InverseDocumentFrequency()).minimum_document_frequency
        count = vectorizer.counter()
        places = python_column(run, lambda text: list(count(text)), frame.table[column], "array<int64>")
        each = frame.table.select(place=places.unnest())
        texts = {
            row["place"]: row["texts"]
            for row in run.rows(each.group_by("place").aggregate(texts=each.count()))
        }
        documents = run.row(frame.table.aggregate(count=frame.table.count()))["count"]
        if not documents:
            raise OperatorError("there are no texts to learn from", "Give this step rows.", "input_column")
        weights = inverse_document_frequencies(texts, documents, least)
        unseen = unseen_frequency(documents, least)
        every = range(vectorizer.size)
        frequencies = {
            "idf": [weights.get(place, unseen) for place in every],
            "docFreq": [texts.get(place, 0) for place in every],
            "numDocs": documents,
        }
        models["idf_model"] = _frequencies_text(frequencies, least, self.output(column, f"{column}_features"))
        return weights, unseen


def _vectorizer_text(vocabulary: list[str], block: CountVectorizer) -> str:
    from ..spark_models import model_text

    settings = {
        "inputCol": "temp_col",
        "outputCol": "_temp_col_0",
        "minTF": block.minimum_term_frequency,
        "minDF": block.minimum_document_frequency,
        "maxDF": block.maximum_document_frequency,
        "vocabSize": block.maximum_vocabulary_size,
        "binary": block.binarize_count,
    }
    return model_text("CountVectorizerModel", {"vocabulary": vocabulary}, settings)


def _frequencies_text(frequencies: Mapping[str, Any], least: int, output: str) -> str:
    from ..spark_models import model_text

    settings = {"inputCol": "_temp_col_0", "outputCol": output, "minDocFreq": least}
    return model_text("IDFModel", frequencies, settings)
