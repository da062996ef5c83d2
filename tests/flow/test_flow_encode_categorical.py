"""Encoding categories: expected values are those of Spark 3.5 and of Data Wrangler's exported code."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import math
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

from helpers import flow
from helpers.flow.min_hash import grams
from helpers.flow.operators.base import block_name
from helpers.flow.spark_hashing import (
    hashed_index,
    java_number,
    min_hash_functions,
    min_hashes,
    vector_text,
)

pytestmark = pytest.mark.usefixtures("engine")

encode = "sagemaker.spark.encode_categorical_0.1"
Apply = Callable[..., pd.DataFrame]
GENRES = ["jazz", "rap", "", "rap", "folk"]


@pytest.fixture
def encoded(builder: Any, write_csv: Callable[..., Path]) -> Callable[..., pd.DataFrame]:
    """Encode the column g of a table n, g, z."""

    def run(
        choice: str,
        values: Sequence[Any],
        kind: str = "string",
        trained: Any = None,
        **block: Any,
    ) -> pd.DataFrame:
        builder.nodes.clear()
        path = write_csv("data.csv", ["n", "g", "z"], [(n, value, 0) for n, value in enumerate(values)])
        typed = builder.types(builder.source(), {"n": "long", "g": kind, "z": "long"})
        key = block_name(choice)
        parameters = {"operator": choice, key: {"input_column": "g", **block}}
        more = {"trained_parameters": {key: trained}} if trained else {}
        builder.add("step", encode, parameters, [typed], **more)
        return flow.preview(builder.read(), "step", {"data.csv": path}, rows=1000, engine=builder.engine)

    return run


def stored_model(**row: Any) -> str:
    """A Spark model as Data Wrangler stores it: zip of Parquet, as text."""
    held, packed = io.BytesIO(), io.BytesIO()
    pa.parquet.write_table(pa.Table.from_pylist([row]), held)
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("metadata/part-00000", "{}")
        archive.writestr("data/part-00000-x-c000.snappy.parquet", held.getvalue())
    return base64.b85encode(packed.getvalue()).decode()


def hash_of(parameters: Any) -> str:
    return hashlib.sha1(json.dumps(parameters, sort_keys=True).encode()).hexdigest()


def cells(table: pd.DataFrame, name: str) -> list[Any]:
    return [None if isinstance(value, float) and math.isnan(value) else value for value in table[name]]


@pytest.mark.parametrize(
    ("strategy", "kept", "expected"),
    [
        ("Keep", [0, 1, 2, 3, 4], [2.0, 0.0, 3.0, 0.0, 1.0]),
        ("Replace with NaN", [0, 1, 2, 3, 4], [2.0, 0.0, None, 0.0, 1.0]),
        ("Skip", [0, 1, 3, 4], [2.0, 0.0, 0.0, 1.0]),
    ],
)
def test_ordinals_by_frequency_then_alphabet(
    encoded: Any, strategy: str, kept: list[int], expected: list[Any]
) -> None:
    table = encoded("Ordinal encode", GENRES, invalid_handling_strategy=strategy)
    assert list(table.columns) == ["n", "g", "z"]
    assert list(table["n"]) == kept
    assert cells(table, "g") == expected
    other = encoded("Ordinal encode", GENRES, invalid_handling_strategy=strategy, output_column="o")
    assert list(other.columns) == ["n", "g", "z", "o"]
    assert cells(other, "o") == expected


def test_ordinals_of_missing_values_are_an_error_unless_said_otherwise(encoded: Any) -> None:
    with pytest.raises(flow.FlowError, match="1 rows have no value in 'g'"):
        encoded("Ordinal encode", GENRES)
    assert cells(encoded("Ordinal encode", ["b", "a", "b"]), "g") == [0.0, 1.0, 0.0]
    assert cells(encoded("Ordinal encode", [], invalid_handling_strategy="Keep"), "g") == []
    with pytest.raises(flow.FlowError, match="parameter 'invalid_handling_strategy'"):
        encoded("Ordinal encode", GENRES, invalid_handling_strategy="Drop")


def test_ordinals_of_numbers_are_sorted_as_texts(encoded: Any) -> None:
    table = encoded("Ordinal encode", [10, 9, 10, 100, 9], "long", invalid_handling_strategy="Keep")
    assert cells(table, "g") == [0.0, 1.0, 0.0, 2.0, 1.0]  # "10" before "9": equally frequent
    floats = encoded("Ordinal encode", ["2e7", "NaN", "3"], "float", invalid_handling_strategy="Keep")
    assert cells(floats, "g") == [0.0, 2.0, 1.0]  # "2.0E7", "3.0", "NaN"


def test_ordinals_of_a_stored_model_are_used_when_its_hash_fits(encoded: Any) -> None:
    parameters = {"invalid_handling_strategy": "Keep"}
    model = stored_model(labelsArray=[["folk", "rap", "soul"]])
    trained = {"_hash": hash_of(parameters), "string_indexer_model": model}
    table = encoded("Ordinal encode", GENRES, trained=trained, **parameters)
    assert cells(table, "g") == [3.0, 1.0, 3.0, 1.0, 0.0]  # jazz was not there then
    for change in ({"_hash": "x"}, {"string_indexer_model": "nonsense"}):
        table = encoded("Ordinal encode", GENRES, trained={**trained, **change}, **parameters)
        assert cells(table, "g") == [2.0, 0.0, 3.0, 0.0, 1.0]


@pytest.mark.parametrize(
    ("strategy", "drop_last", "vectors", "last"),
    [  # what Spark's StringIndexer, OneHotEncoder and vector_to_array give
        (
            "Keep",
            True,
            ["(3,[2],[1.0])", "(3,[0],[1.0])", "(3,[],[])", "(3,[0],[1.0])", "(3,[1],[1.0])"],
            1.0,
        ),
        (
            "Keep",
            False,
            ["(4,[2],[1.0])", "(4,[0],[1.0])", "(4,[3],[1.0])", "(4,[0],[1.0])", "(4,[1],[1.0])"],
            1.0,
        ),
        ("Skip", True, ["(2,[],[])", "(2,[0],[1.0])", "(2,[0],[1.0])", "(2,[1],[1.0])"], None),
        ("Skip", False, ["(3,[2],[1.0])", "(3,[0],[1.0])", "(3,[0],[1.0])", "(3,[1],[1.0])"], 1.0),
    ],
)
def test_one_hot_vectors_and_columns(
    encoded: Any, strategy: str, drop_last: bool, vectors: list[str], last: float | None
) -> None:
    block = {"invalid_handling_strategy": strategy, "drop_last": drop_last}
    table = encoded("One-hot encode", GENRES, **block)
    assert list(table.columns) == ["n", "g", "z"]
    assert list(table["g"]) == vectors
    wide = encoded("One-hot encode", GENRES, output_style="Columns", **block)
    assert list(wide.columns) == ["n", "z", "g_rap", "g_folk", "g_jazz"]
    assert cells(wide, "g_rap")[:2] == [0.0, 1.0]
    assert cells(wide, "g_jazz")[0] == last


def test_one_hot_of_a_stored_model(encoded: Any) -> None:
    parameters = {"invalid_handling_strategy": "Skip", "drop_last": False}
    model = stored_model(labelsArray=[["folk", "rap", "soul"]])
    trained = [{"_hash": hash_of(parameters), "string_indexer_model": model, "input_column": "g"}]
    table = encoded("One-hot encode", GENRES, trained=trained, output_style="Columns", **parameters)
    assert list(table.columns) == ["n", "z", "g_folk", "g_rap", "g_soul"]
    assert list(table["n"]) == [1, 3, 4]
    assert cells(table, "g_soul") == [0.0, 0.0, 0.0]


def test_one_hot_of_ordinals(encoded: Any) -> None:
    block = {"input_already_ordinal_encoded": True, "drop_last": False}
    table = encoded("One-hot encode", [2, 0, 2], "long", output_style="Columns", output_column="o", **block)
    assert list(table.columns) == ["n", "g", "z", "o_0", "o_1", "o_2"]
    assert cells(table, "o_2") == [1.0, 0.0, 1.0]
    assert list(
        encoded("One-hot encode", [2, 0], "float", invalid_handling_strategy="Keep", **block)["g"]
    ) == [
        "(4,[2],[1.0])",
        "(4,[0],[1.0])",
    ]
    with pytest.raises(flow.FlowError, match="1 rows of 'g' hold no ordinal number"):
        encoded("One-hot encode", [1, ""], "long", **block)
    with pytest.raises(flow.FlowError, match="not an ordinal number"):
        encoded("One-hot encode", ["a"], **block)


# Similarity


def test_hashes_are_those_of_spark() -> None:
    """HashingTF with 50 and 2^18 features, MinHashLSH with seed 123 and four tables, of Spark 3.5."""
    assert [hashed_index(term, 50) for term in ("hi", "", "there")] == [18, 22, 14]
    assert [hashed_index(term, 1 << 18) for term in ("hi", "", "there", "a\xa0b")] == [
        33808,
        249180,
        228250,
        40354,
    ]
    found = min_hashes([33808, 228250, 249180], min_hash_functions(4, 123))
    assert found == [352483048, 1053503856, 249172809, 355657067]


def test_numbers_and_vectors_are_written_as_in_java() -> None:
    numbers = [
        1e7,
        1.5e-7,
        123456789012.5,
        0.001,
        5e-4,
        1e20,
        -0.0,
        math.nan,
        -math.inf,
        0.1,
        -25e6,
        -0.00031,
    ]
    assert " ".join(map(java_number, numbers)) == (
        "1.0E7 1.5E-7 1.234567890125E11 0.001 5.0E-4 1.0E20 -0.0 NaN -Infinity 0.1 -2.5E7 -3.1E-4"
    )
    assert vector_text([1, 2, 3, 4]) == "[1.0,2.0,3.0,4.0]"
    assert vector_text([0, 0, 0, 5]) == "(4,[3],[5.0])"
    assert vector_text([None, 0, 0, 0]) == "(4,[0],[NaN])"


def test_parts_of_three() -> None:
    assert grams("A \t b") == ["  a  ", "a   b", "  b "]
    assert grams("abc") == ["  a b", "a b c", "b c "]
    assert grams("") == grams(" ") == ["    "]


def test_similar_texts_get_similar_numbers(encoded: Any) -> None:
    texts = ["California", "Califronia", "CALIFORNIA", "Massachusetts", "", " "]
    table = encoded("Similarity encode", texts)
    assert list(table.columns) == ["n", "z", "g"]
    vectors = [list(value) for value in table["g"]]
    assert all(len(vector) == 30 and all(-1 <= number <= 1 for number in vector) for vector in vectors)

    def alike(one: int, other: int) -> int:
        return sum(left == right for left, right in zip(vectors[one], vectors[other], strict=True))

    assert alike(0, 2) == 30  # letters are made small
    assert alike(4, 5) == 30  # what is missing is a blank
    assert alike(0, 1) > 2 + alike(0, 3)
    assert encoded("Similarity encode", texts)["g"].map(list).tolist() == vectors


def test_similarity_columns_and_stored_functions(encoded: Any) -> None:
    functions = [3, 5, 7, 11]
    trained = {
        "_hash": hash_of({"target_dimension": 2}),
        "minhash_model": stored_model(randCoefficients=functions),
    }
    block = {"target_dimension": 2, "output_style": "Columns", "output_column": "o"}
    table = encoded("Similarity encode", ["ab", ""], trained=trained, **block)
    assert list(table.columns) == ["n", "g", "z", "o_0", "o_1"]
    assert list(table["g"]) == ["ab", " "]
    places = [hashed_index(gram, 1 << 18) for gram in ("  a b", "a b ")]
    half = (2**31 - 1) / 2
    for name, a, b in (("o_0", 3, 5), ("o_1", 7, 11)):
        least = min(((1 + place) * a + b) % 2038074743 for place in places)
        assert table[name][0] == pytest.approx((least - half) / half, rel=1e-12)
    with pytest.raises(flow.FlowError, match="similarity is that of texts"):
        encoded("Similarity encode", [1], "long")
    with pytest.raises(flow.FlowError, match="parameter 'target_dimension'"):
        encoded("Similarity encode", ["a"], target_dimension=0)
    assert len(encoded("Similarity encode", [])) == 0


def test_one_hot_columns_hold_doubles(builder: Any, write_csv: Callable[..., Path], tmp_path: Path) -> None:
    path = write_csv("data.csv", ["n", "g"], enumerate(GENRES))
    typed = builder.types(builder.source(), {"n": "long", "g": "string"})
    block = {"input_column": "g", "invalid_handling_strategy": "Keep", "output_style": "Columns"}
    step = builder.add(
        "step", encode, {"operator": "One-hot encode", "one_hot_encode_parameters": block}, [typed]
    )
    output = flow.Output(step, "default", tmp_path / "out", "Parquet", ",", "none")
    written = flow.execute(builder.read(), lambda _: [path], [output])
    table = pa.parquet.read_table(written[0].paths[0])
    assert {name: str(table.schema.field(name).type) for name in table.column_names} == {
        "n": "int64",
        "g_rap": "double",
        "g_folk": "double",
        "g_jazz": "double",
    }
    assert table["g_rap"].to_pylist() == [0.0, 1.0, 0.0, 1.0, 0.0]
