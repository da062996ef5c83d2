"""Texts as numbers by which similar texts are alike: min-hashes of their parts of three characters."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from .spark_hashing import hashed_index, min_hash_functions, min_hashes

if TYPE_CHECKING:
    from .engine import Run

_features = 1 << 18
_half = (2**31 - 1) / 2
# Spark draws the functions by a seed that differs from one Python process to the next; any other will do.
_seed = 838257247


def stored_functions(run: Run, column: str, dimension: int, several: bool) -> list[tuple[int, int]]:
    """The hash functions that the flow holds for this column, else new ones."""
    from .spark_models import model_text, spark_model
    from .trained import Place

    place = Place(("similarity_encode_parameters",), column, {"target_dimension": dimension}, several)
    numbers = spark_model(place.stored(run).get("minhash_model")).get("randCoefficients")
    if isinstance(numbers, list) and len(numbers) == 2 * dimension:
        return list(zip(numbers[::2], numbers[1::2], strict=True))
    drawn = min_hash_functions(dimension, _seed)
    settings = {"inputCol": "temp_col", "outputCol": "_temp_col_0", "numHashTables": dimension}
    numbers = [number for pair in drawn for number in pair]
    place.keep(run, {"minhash_model": model_text("MinHashLSHModel", {"randCoefficients": numbers}, settings)})
    return drawn


def grams(text: str) -> list[str]:
    """The parts of three characters of a text, as Spark 3.0, which Data Wrangler runs, cuts them.

    Splitting a text into its characters leaves an empty one at the end there.
    """
    cleaned = re.sub("[ \t\n\x0b\f\r]+", " ", text.lower()) or " "
    letters = [*f" {cleaned}", ""]
    return [" ".join(letters[place : place + 3]) for place in range(len(letters) - 2)]


def encoder(functions: Sequence[tuple[int, int]]) -> Callable[[str], list[float]]:
    """A function that gives a text's numbers, each from -1 to 1."""

    def encode(text: str) -> list[float]:
        places = {hashed_index(gram, _features) for gram in grams(text)}
        return [(number - _half) / _half for number in min_hashes(places, functions)]

    return encode
