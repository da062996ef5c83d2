"""Scalers. The oracle is scikit-learn where it has Spark's formula, else the formula itself."""

from __future__ import annotations

import base64
import io
import json
import math
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from sklearn import preprocessing

from helpers import flow
from helpers.flow.spark_models import spark_model
from helpers.flow.trained import hash_of

pytestmark = pytest.mark.usefixtures("engine")

Apply = Callable[..., pd.DataFrame]
numeric = "sagemaker.spark.process_numeric_0.1"
SCHEMA = {"n": "long", "x": "float", "c": "long", "s": "string"}
ROWS: list[Any] = [
    (4, -1.5, 3, "a"),
    (-10, "", 3, "b"),
    ("", 2.0, 3, "c"),
    (1, "NaN", 3, "d"),
    (7, 8.25, 3, "e"),
]
N, X = np.array([[4.0], [-10.0], [1.0], [7.0]]), np.array([[-1.5], [2.0], [8.25]])


def block_of(scaler: str) -> str:
    return scaler.lower().replace(" ", "_").replace("-", "_") + "_parameters"


def scale(apply: Apply, scaler: str, rows: Any = None, schema: Any = None, **block: Any) -> pd.DataFrame:
    inner = {"scaler": scaler, "standard_scaler_parameters": {"scale": True}, block_of(scaler): block}
    parameters = {"operator": "Scale values", "scale_values_parameters": inner}
    return apply(numeric, parameters, schema or SCHEMA, ROWS if rows is None else rows)


def there(table: pd.DataFrame, name: str) -> list[float]:
    return [value for value in table[name] if not math.isnan(value)]


def sample_deviation(values: Any) -> float:
    return float(np.std(values, ddof=1))


@pytest.mark.parametrize(
    ("scaler", "block", "expected"),
    [
        ("Standard scaler", {}, lambda v: v / sample_deviation(v)),
        ("Standard scaler", {"center": True}, lambda v: (v - v.mean()) / sample_deviation(v)),
        ("Standard scaler", {"center": True, "scale": False}, lambda v: v - v.mean()),
        ("Min-max scaler", {}, preprocessing.minmax_scale),
        ("Min-max scaler", {"min": -1, "max": 3}, lambda v: preprocessing.minmax_scale(v, (-1, 3))),
        ("Max absolute scaler", {}, preprocessing.maxabs_scale),
    ],
)
def test_scalers(apply: Apply, scaler: str, block: dict[str, Any], expected: Any) -> None:
    table = scale(apply, scaler, input_column=["n", "x"], **block)
    assert list(table.columns) == list(SCHEMA)
    assert there(table, "n") == pytest.approx(expected(N).ravel(), rel=1e-12)
    assert there(table, "x") == pytest.approx(expected(X).ravel(), rel=1e-12)
    assert [bool(each) for each in table["x"].isna()] == [False, True, False, True, False]


def test_robust_scaler(apply: Apply) -> None:
    # Of -10, 1, 4, 7 the quartiles by Spark are the first and third value, the median is the second.
    table = scale(apply, "Robust scaler", input_column="n")
    assert there(table, "n") == pytest.approx([4 / 14, -10 / 14, 1 / 14, 7 / 14])
    table = scale(apply, "Robust scaler", input_column="n", center=True)
    assert there(table, "n") == pytest.approx([3 / 14, -11 / 14, 0, 6 / 14])
    block = {"lower_quantile": 0.0, "upper_quantile": 1.0, "center": True, "scale": True}
    assert there(scale(apply, "Robust scaler", input_column="n", **block), "n") == pytest.approx(
        [3 / 17, -11 / 17, 0, 6 / 17]
    )


def test_null_becomes_nan_not_null(apply: Apply) -> None:
    table = scale(apply, "Min-max scaler", input_column="n", output_column="o")
    assert list(table.columns) == [*SCHEMA, "o"] and pd.isna(table["n"][2])
    assert math.isnan(table["o"][2])


def test_what_does_not_vary(apply: Apply) -> None:
    assert list(scale(apply, "Standard scaler", input_column="c")["c"]) == [0.0] * 5
    assert list(scale(apply, "Robust scaler", input_column="c")["c"]) == [0.0] * 5
    assert list(scale(apply, "Min-max scaler", input_column="c", min=0, max=4)["c"]) == [2.0] * 5
    assert list(scale(apply, "Max absolute scaler", input_column="c")["c"]) == [1.0] * 5
    zeros = scale(apply, "Max absolute scaler", [(0,), ("",)], {"z": "long"}, input_column="z")
    assert zeros["z"][0] == 0.0 and math.isnan(zeros["z"][1])
    assert list(scale(apply, "Standard scaler", [(9,)], {"z": "long"}, input_column="z")["z"]) == [0.0]


def test_an_infinite_range_does_not_vary_either(apply: Apply) -> None:
    rows = [(1,), ("inf",), ("",), ("-inf",)]
    table = scale(apply, "Min-max scaler", rows, {"x": "float"}, input_column="x", max=3)
    assert list(table["x"]) == pytest.approx([1.5, 1.5, math.nan, 1.5], nan_ok=True)  # so does Spark


@pytest.mark.parametrize(
    ("scaler", "block", "says"),
    [
        ("Standard scaler", {"input_column": "s"}, "'s' is string, and only numbers can be scaled"),
        ("Min-max scaler", {"min": 1, "max": 1}, "'min' must be below 'max'"),
        ("Robust scaler", {"lower_quantile": 0.9}, "must be below 'upper_quantile'"),
        ("Standard scaler", {"centre": True}, "not a parameter of this operator.*center, scale"),
        ("Log scaler", {}, "Known here: Standard scaler, Robust scaler"),
    ],
)
def test_what_cannot_be_scaled(apply: Apply, scaler: str, block: dict[str, Any], says: str) -> None:
    with pytest.raises(flow.FlowError, match=says):
        scale(apply, scaler, **{"input_column": "x", **block})


@pytest.mark.parametrize(
    "scaler", ["Standard scaler", "Robust scaler", "Min-max scaler", "Max absolute scaler"]
)
def test_nothing_to_learn_from(apply: Apply, scaler: str) -> None:
    for rows in ([], [("",)], [("NaN",)]):
        with pytest.raises(flow.FlowError, match="'x' has no values to learn a scale from"):
            scale(apply, scaler, rows, {"x": "float"}, input_column="x")


def model_text(**vectors: float) -> str:
    """A scaler as Spark saves it, in the text form of flows."""
    rows = {
        name: [{"type": 1, "size": None, "indices": None, "values": [value]}]
        for name, value in vectors.items()
    }
    parquet, archive = io.BytesIO(), io.BytesIO()
    pyarrow.parquet.write_table(pa.table(rows), parquet)
    with zipfile.ZipFile(archive, "w") as held:
        held.writestr("metadata/part-00000", json.dumps({"class": "org.apache.spark.ml.feature.Model"}))
        held.writestr("data/part-00000-1-c000.snappy.parquet", parquet.getvalue())
        held.writestr("data/.part-00000-1-c000.snappy.parquet.crc", b"crc")
    return base64.b85encode(archive.getvalue()).decode()


def test_trained_scalers_count_when_their_hash_fits(builder: Any, write_csv: Any) -> None:
    path = write_csv("data.csv", list(SCHEMA), ROWS)
    entries = []
    for column, least, greatest in (("x", 0.0, 10.0), ("n", -10.0, 90.0)):
        mark = hash_of({"input_column": column, "min": 0, "max": 1})
        text = model_text(originalMin=least, originalMax=greatest)
        entries.append({"_hash": mark, "scaler_model": text, "input_column": column})

    def run(held: Any, columns: Any, **more: Any) -> pd.DataFrame:
        builder.nodes.clear()
        typed = builder.types(builder.source(), SCHEMA)
        block = {"input_column": columns, "min": 0, "max": 1, **more}
        inner = {"scaler": "Min-max scaler", "min_max_scaler_parameters": block}
        parameters = {"operator": "Scale values", "scale_values_parameters": inner}
        trained = {"scale_values_parameters": {"min_max_scaler_parameters": held}}
        builder.add("step", numeric, parameters, [typed], trained_parameters=trained)
        return flow.preview(builder.read(), "step", {"data.csv": path}, rows=9, engine=builder.engine)

    table = run(entries, ["n", "x"])
    assert there(table, "n") == pytest.approx([0.14, 0.0, 0.11, 0.17])
    assert there(table, "x") == pytest.approx([-0.15, 0.2, 0.825])
    assert there(run(entries[0], "x"), "x") == pytest.approx([-0.15, 0.2, 0.825])
    learned = pytest.approx(preprocessing.minmax_scale(X).ravel())
    assert there(run({**entries[0], "_hash": 4028590112906508000}, "x"), "x") == learned
    assert there(run(entries[0], ["n", "x"]), "x") == learned
    assert there(run({**entries[0], "scaler_model": "P)h>@broken"}, "x"), "x") == learned
    assert there(run(entries[0], "x", max=2), "x") == pytest.approx(2 * preprocessing.minmax_scale(X).ravel())


def test_sparse_vectors_in_models() -> None:
    text = model_text(std=2.0)
    assert spark_model(text) == {"std": [2.0]}
    assert spark_model(None) == spark_model("no model") == {}
