"""Vectors: assemble, flatten, principal components (the oracle is scikit-learn); concatenated texts."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from helpers import flow

pytestmark = pytest.mark.usefixtures("engine")

Apply = Callable[..., pd.DataFrame]
vectors = "sagemaker.spark.manage_vectors_0.1"
pca = "sagemaker.spark.dimensionality_reduction_0.1"
columns = "sagemaker.spark.manage_columns_0.1"
SCHEMA = {"n": "long", "x": "float", "b": "bool", "s": "string"}
ROWS = [(1, 0.5, "true", "p"), ("", "NaN", "false", "q"), (3, "", "", "r")]


def same(cells: Any, expected: list[list[float]]) -> None:
    for cell, row in zip(cells, expected, strict=True):
        assert list(cell) == pytest.approx(row, nan_ok=True)


def assemble(before: str, builder: Any, names: list[str], output: str) -> str:
    block = {"input_columns": names, "output_column": output}
    parameters = {"operator": "Assemble", "assemble_parameters": block}
    step: str = builder.add(f"{output} of {before}", vectors, parameters, [before])
    return step


def flatten(before: str, builder: Any, **block: Any) -> str:
    step: str = builder.add("flat", vectors, {"operator": "Flatten", "flatten_parameters": block}, [before])
    return step


@pytest.fixture
def typed(builder: Any, write_csv: Any) -> Any:
    """The step that has the rows above, and a function that looks at a step."""
    path = write_csv("data.csv", list(SCHEMA), ROWS)
    source = builder.types(builder.source(), SCHEMA)

    def look(step: str) -> pd.DataFrame:
        return flow.preview(builder.read(), step, {"data.csv": path}, rows=100, engine=builder.engine)

    return source, look


def test_assemble_numbers_and_vectors(builder: Any, typed: Any) -> None:
    source, look = typed
    table = look(assemble(assemble(source, builder, ["x", "n"], "v"), builder, ["v", "b", "v"], "w"))
    assert list(table.columns) == [*SCHEMA, "v", "w"]
    nan = math.nan
    same(table["v"], [[0.5, 1], [nan, nan], [nan, 3]])
    same(table["w"], [[0.5, 1, 1, 0.5, 1], [nan, nan, 0, nan, nan], [nan, 3, nan, nan, 3]])
    with pytest.raises(flow.FlowError, match="'s' is string, neither a number nor a vector"):
        look(assemble(source, builder, ["n", "s"], "bad"))


def test_null_vectors_are_assembled_and_flattened_as_nan(builder: Any, tmp_path: Any) -> None:
    path = tmp_path / "data.parquet"
    pd.DataFrame({"v": [None, [1.0, 2.0], [3.0], [4.0, 5.0, 6.0]], "k": [1, 2, 3, 4]}).to_parquet(path)
    source = builder.source("data.parquet", s3ContentType="Parquet")
    step = assemble(source, builder, ["v", "k"], "w")
    files = {"data.parquet": path}
    table = flow.preview(builder.read(), step, files, rows=9, engine=builder.engine)
    same(table["w"], [[math.nan, math.nan, 1], [1, 2, 2], [3, 3], [4, 5, 6, 4]])
    flat = flatten(source, builder, input_column="v")
    table = flow.preview(builder.read(), flat, files, rows=9, engine=builder.engine)
    assert list(table.columns) == ["v", "k", "v_0", "v_1"]
    assert list(table["v_0"]) == pytest.approx([math.nan, 1, 3, 4], nan_ok=True)
    assert list(table["v_1"]) == pytest.approx([math.nan, 2, math.nan, 5], nan_ok=True)


def test_flatten_options(builder: Any, typed: Any) -> None:
    source, look = typed
    step = assemble(source, builder, ["x", "n"], "v")
    wide = look(flatten(step, builder, input_column="v", output_prefix="o", number_of_outputs=3))
    assert list(wide.columns) == [*SCHEMA, "v", "o_0", "o_1", "o_2"] and wide["o_2"].isna().all()


@pytest.mark.parametrize(
    ("block", "says"),
    [
        ({"input_column": "n"}, "'n' is int64, not a vector"),
        ({"input_column": "v", "length": 2}, "not a parameter.*number_of_outputs"),
        ({"input_column": "s", "output_prefix": "n"}, "'s' is string, not a vector"),
    ],
)
def test_what_cannot_be_flattened(builder: Any, typed: Any, block: dict[str, Any], says: str) -> None:
    source, look = typed
    with pytest.raises(flow.FlowError, match=says):
        look(flatten(assemble(source, builder, ["x"], "v"), builder, **block))


# Principal components

NUMBERS = np.random.default_rng(5).normal(size=(80, 2)) @ np.array([[2.0, 1.0, 0.5], [0.0, 1.0, -3.0]])
NUMBERS = (NUMBERS + np.random.default_rng(6).normal(size=(80, 3)) * 0.1 + [10, 0, -4]).round(6)
NAMES = {"a": "float", "b": "float", "c": "float", "k": "long"}
DATA = [(*row, place) for place, row in enumerate(NUMBERS.tolist())]


def reduce(apply: Apply, rows: Any = None, **block: Any) -> pd.DataFrame:
    return apply(pca, {"input_columns": ["a", "b", "c"], **block}, NAMES, DATA if rows is None else rows)


def oracle(count: int, scaled: bool = True) -> Any:
    """The components by scikit-learn, with the sign that makes the largest coefficient positive."""
    deviations = NUMBERS.std(axis=0, ddof=1) if scaled else 1.0
    values = (NUMBERS - NUMBERS.mean(axis=0)) / deviations
    found = PCA(count, svd_solver="full").fit(values)
    largest = np.abs(found.components_).argmax(axis=1)
    return found.transform(values) * np.sign(found.components_[np.arange(count), largest])


def test_components_are_those_of_scikit_learn(apply: Apply) -> None:
    table = reduce(apply, number_of_components=2)
    assert list(table.columns) == ["k", "principal_component_0", "principal_component_1"]
    np.testing.assert_allclose(table.iloc[:, 1:], oracle(2), rtol=1e-9, atol=1e-9)
    table = reduce(apply, number_of_components=9, scale=False, output_column="p", keep_input_columns=True)
    assert list(table.columns) == ["a", "b", "c", "k", "p_0", "p_1", "p_2"]
    np.testing.assert_allclose(table.iloc[:, 4:], oracle(3, scaled=False), rtol=1e-9, atol=1e-9)


def test_as_many_components_as_explain_the_variance(apply: Apply) -> None:
    scaled = StandardScaler().fit_transform(NUMBERS)
    shares = 100 * np.cumsum(PCA().fit(scaled).explained_variance_ratio_)
    for threshold in (10, 70, 95, 99.99, 100):
        wanted = int(np.argmax(shares >= threshold - 1e-6)) + 1
        assert len(reduce(apply, variance_threshold=threshold).columns) == wanted + 1
    assert len(reduce(apply).columns) == 1 + int(np.argmax(shares >= 95)) + 1


def test_a_vector_in_and_a_vector_out(builder: Any, write_csv: Any) -> None:
    path = write_csv("data.csv", list(NAMES), DATA)
    step = assemble(builder.types(builder.source(), NAMES), builder, ["a", "b"], "v")
    block = {"input_columns": ["v", "c"], "output_format": "Vector", "output_column": "v"}
    parameters = {"operator": "PCA", "pca_parameters": {**block, "num_components": 2}}
    builder.add("reduced", pca, parameters, [step])
    table = flow.preview(builder.read(), "reduced", {"data.csv": path}, rows=100, engine=builder.engine)
    assert list(table.columns) == ["a", "b", "k", "v"]
    np.testing.assert_allclose(np.stack(table["v"]), oracle(2), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("rows", "block", "says"),
    [
        ([(1, 2, "", 0), (2, 3, 4, 1)], {}, "missing or infinite values in c"),
        ([(1, 2, "NaN", 0), (2, "inf", 4, 1)], {}, "missing or infinite values in b and c"),
        ([(1, 2, 3, 0)], {}, "at least two rows"),
        ([], {}, "at least two rows"),
        ([(1, 2, 3, 0), (1, 2, 3, 1)], {}, "a, b and c do not vary"),
        (None, {"number_of_components": 1, "variance_threshold": 5}, "not both"),
        (None, {"variance_threshold": 101}, "variance_threshold"),
        (None, {"components": 3}, "not a parameter.*number_of_components"),
        (None, {"output_column": "k", "output_format": "Vector"}, "already a column 'k'"),
    ],
)
def test_what_has_no_components(apply: Apply, rows: Any, block: dict[str, Any], says: str) -> None:
    with pytest.raises(flow.FlowError, match=says):
        reduce(apply, rows, **block)


# Concatenate columns


def concatenated(apply: Apply, **block: Any) -> pd.DataFrame:
    parameters = {"operator": "Concatenate columns", "concatenate_columns_parameters": block}
    return apply(
        columns, parameters, {"n": "long", "x": "float", "s": "string"}, [(1, 0.5, "p"), ("", "", "")]
    )


def test_concatenate_two_columns(apply: Apply) -> None:
    table = concatenated(apply, left_column="s", right_column="n")
    assert list(table.columns) == ["n", "x", "s", "s_n"] and list(table["s_n"]) == ["p_1", ""]
    table = concatenated(apply, left_column="x", right_column="s", delimiter=" / ", output_column="x")
    assert list(table.columns) == ["n", "x", "s"] and list(table["x"]) == ["0.5 / p", ""]
    with pytest.raises(flow.FlowError, match="needs 'left_column' and 'right_column'"):
        concatenated(apply, left_column="x")
