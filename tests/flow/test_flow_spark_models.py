"""Models as texts: Spark's own `load` reads what is written, and sees the same numbers."""

from __future__ import annotations

import base64
import io
import os
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from helpers.flow.spark_models import model_text, spark_model

COLUMNS = {"inputCol": "a", "outputCol": "b"}
MODELS: dict[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {
    "StringIndexerModel": ({"labelsArray": [["é", 'a"b', ""]]}, {**COLUMNS, "handleInvalid": "keep"}),
    "OneHotEncoderModel": ({"categorySizes": [3]}, {**COLUMNS, "dropLast": False, "handleInvalid": "error"}),
    "StandardScalerModel": (
        {"std": [1.5], "mean": [0.1]},
        {**COLUMNS, "withMean": True, "withStd": False},
    ),
    "RobustScalerModel": (
        {"range": [1.5], "median": [0.1]},
        {**COLUMNS, "lower": 0.1, "upper": 0.8, "withCentering": True, "withScaling": True},
    ),
    "MinMaxScalerModel": (
        {"originalMin": [-1e300], "originalMax": [1 / 3]},
        {**COLUMNS, "min": -1.0, "max": 2.0},
    ),
    "MaxAbsScalerModel": ({"maxAbs": [7.25]}, COLUMNS),
    "CountVectorizerModel": (
        {"vocabulary": ["sun", "", "Meer"]},
        {**COLUMNS, "minTF": 1.0, "minDF": 2.0, "maxDF": 0.9, "vocabSize": 10, "binary": True},
    ),
    "IDFModel": ({"idf": [1.5, 0.0], "docFreq": [2, 0], "numDocs": 5}, {**COLUMNS, "minDocFreq": 1}),
    "MinHashLSHModel": ({"randCoefficients": [1, 2, 3, 2**31 - 1]}, {**COLUMNS, "numHashTables": 2}),
    "ImputerModel": (
        {"x": 1.5, "y z": -2.0},
        {"inputCols": ["x", "y z"], "outputCols": ["p", "q"], "strategy": "median", "relativeError": 0.001},
    ),
}


@pytest.mark.parametrize("kind", MODELS)
def test_what_is_written_is_read(kind: str) -> None:
    values, parameters = MODELS[kind]
    text = model_text(kind, values, parameters)
    assert spark_model(text) == values
    assert model_text(kind, values, parameters) == text, "the same numbers must be the same text"


@pytest.fixture(scope="module")
def loads() -> Iterator[Any]:
    """Spark, in a process of its own that ends with the tests."""
    feature = pytest.importorskip("pyspark.ml.feature")
    if not (os.environ.get("JAVA_HOME") or shutil.which("java")):
        pytest.skip("no Java here")
    from pyspark.sql import SparkSession

    options = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false"}
    session = SparkSession.builder.master("local[1]").config(map=options).getOrCreate()
    yield feature
    session.stop()


def test_spark_loads_every_kind(loads: Any, tmp_path: Path) -> None:
    for kind, (values, parameters) in MODELS.items():
        archive = io.BytesIO(base64.b85decode(model_text(kind, values, parameters)))
        zipfile.ZipFile(archive).extractall(tmp_path / kind)
        model = getattr(loads, kind).load(str(tmp_path / kind))
        known = {param.name: value for param, value in model.extractParamMap().items()}
        assert {name: known[name] for name in parameters} == parameters, kind
        if kind == "ImputerModel":
            assert model.surrogateDF.first().asDict() == values
        elif kind != "MinHashLSHModel":  # Its coefficients are private to Spark.
            for name, value in values.items():
                assert _numbers(getattr(model, name)) == value, (kind, name)


def _numbers(found: Any) -> Any:
    """A property or method of a Spark model as plain Python."""
    found = found() if callable(found) else found
    if isinstance(found, int):
        return found
    return [_numbers(each) if not isinstance(each, str | float) else each for each in found]
