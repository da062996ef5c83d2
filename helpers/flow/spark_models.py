"""Small models of Spark as texts: the form in which Data Wrangler keeps what a step has learned.

The text is a zip archive in base 85 of what Spark's own `model.save` writes: a line of JSON under metadata/,
and under data/ one row of Parquet. Spark loads what is written here; the same numbers are the same text.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

_spark_version = "3.3.1"
_when = (1980, 1, 1, 0, 0, 0)  # The least that a zip archive can say.
_parquet_part = re.compile(r"(^|/)data/part-[^/]*\.parquet$")


def spark_model(text: object) -> dict[str, Any]:
    """The numbers of a small Spark model that is stored as text: {name: value}, vectors as lists of floats.

    Empty when it cannot be read; then the step learns anew.
    """
    import pyarrow as pa
    import pyarrow.parquet

    if not isinstance(text, str):
        return {}
    read_table: Any = pyarrow.parquet.read_table
    try:
        with zipfile.ZipFile(io.BytesIO(base64.b85decode(text))) as held:
            parts = [name for name in held.namelist() if _parquet_part.search(name)]
            tables = [read_table(io.BytesIO(held.read(name))) for name in sorted(parts)]
    except (ValueError, zipfile.BadZipFile, pa.ArrowException, NotImplementedError):
        return {}
    rows = [row for table in tables for row in table.to_pylist()]
    return {name: _plain(value) for name, value in rows[0].items()} if len(rows) == 1 else {}


def _plain(value: Any) -> Any:
    """A Spark vector as a list; type 0 is sparse, 1 is dense."""
    if not (isinstance(value, Mapping) and {"type", "values"} <= set(value)):
        return value
    values = list(value["values"] or [])
    if value["type"] == 1:
        return values
    filled = [0.0] * int(value.get("size") or 0)
    for index, number in zip(value.get("indices") or [], values, strict=True):
        filled[index] = number
    return filled


@dataclass(frozen=True)
class _Type:
    """A type of a column of a model: in Spark's words, in Arrow's, and how a value is put."""

    spark: Any
    arrow: Callable[[], pa.DataType]
    put: Callable[[Any], Any] = lambda value: value


def _spark_list(element: Any, null: bool) -> dict[str, Any]:
    return {"type": "array", "elementType": element, "containsNull": null}


def _spark_field(name: str, kind: Any, null: bool) -> dict[str, Any]:
    return {"name": name, "type": kind, "nullable": null, "metadata": {}}


_vector_fields = [
    _spark_field("type", "byte", False),
    _spark_field("size", "integer", True),
    _spark_field("indices", _spark_list("integer", False), True),
    _spark_field("values", _spark_list("double", False), True),
]
_spark_vector = {
    "type": "udt",
    "class": "org.apache.spark.ml.linalg.VectorUDT",
    "pyClass": "pyspark.ml.linalg.VectorUDT",
    "sqlType": {"type": "struct", "fields": _vector_fields},
}


def _arrow_vector() -> pa.DataType:
    import pyarrow as pa

    return pa.struct(
        [
            pa.field("type", pa.int8(), nullable=False),
            pa.field("size", pa.int32()),
            pa.field("indices", _arrow_list("int32")),
            pa.field("values", _arrow_list("float64")),
        ]
    )


def _arrow_list(name: str, null: bool = False) -> pa.DataType:
    import pyarrow as pa

    return pa.list_(pa.field("element", pa.type_for_alias(name), nullable=null))


def _arrow_lists_of_texts() -> pa.DataType:
    import pyarrow as pa

    return pa.list_(pa.field("element", _arrow_list("string", True)))


def _arrow(name: str) -> Callable[[], pa.DataType]:
    def made() -> pa.DataType:
        import pyarrow as pa

        return pa.type_for_alias(name)

    return made


def _dense(values: Sequence[float]) -> dict[str, Any]:
    return {"type": 1, "size": None, "indices": None, "values": [float(value) for value in values]}


_number = _Type("double", _arrow("float64"), float)
_whole = _Type("long", _arrow("int64"), int)
_vector = _Type(_spark_vector, _arrow_vector, _dense)
_whole_numbers = _Type(_spark_list("long", False), lambda: _arrow_list("int64"))
_small_numbers = _Type(_spark_list("integer", False), lambda: _arrow_list("int32"))
_texts = _Type(_spark_list("string", True), lambda: _arrow_list("string", True))
_lists_of_texts = _Type(_spark_list(_spark_list("string", True), True), _arrow_lists_of_texts)

_columns: dict[str, dict[str, _Type]] = {
    "StringIndexerModel": {"labelsArray": _lists_of_texts},
    "OneHotEncoderModel": {"categorySizes": _small_numbers},
    "StandardScalerModel": {"std": _vector, "mean": _vector},
    "RobustScalerModel": {"range": _vector, "median": _vector},
    "MinMaxScalerModel": {"originalMin": _vector, "originalMax": _vector},
    "MaxAbsScalerModel": {"maxAbs": _vector},
    "CountVectorizerModel": {"vocabulary": _texts},
    "IDFModel": {"idf": _vector, "docFreq": _whole_numbers, "numDocs": _whole},
    "MinHashLSHModel": {"randCoefficients": _small_numbers},
}


def model_text(kind: str, values: Mapping[str, Any], parameters: Mapping[str, Any]) -> str:
    """A model as text: `kind` is Spark's class, `values` its one row, `parameters` what it was fitted with.

    An ImputerModel has a float for each column; the other kinds have the columns that Spark names.
    """
    row = _parquet(values, _columns.get(kind) or dict.fromkeys(values, _number))
    unique = hashlib.sha1(row + json.dumps([kind, parameters], sort_keys=True).encode()).hexdigest()
    estimator = kind.removesuffix("Model")
    metadata = {
        "class": f"org.apache.spark.ml.feature.{kind}",
        "timestamp": 0,
        "sparkVersion": _spark_version,
        "uid": f"{estimator}_{unique[:12]}",
        "paramMap": dict(parameters),
        "defaultParamMap": {},
    }
    files = {
        "metadata/part-00000": json.dumps(metadata).encode() + b"\n",
        f"data/part-00000-{unique[:32]}-c000.snappy.parquet": row,
    }
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as held:
        for name, content in files.items():
            held.writestr(zipfile.ZipInfo(name, _when), content, zipfile.ZIP_DEFLATED)
    return base64.b85encode(archive.getvalue()).decode()


def _parquet(values: Mapping[str, Any], columns: Mapping[str, _Type]) -> bytes:
    """One row of Parquet with Spark's words on its types, without which Spark would see no vectors."""
    import pyarrow as pa
    import pyarrow.parquet

    schema = pa.schema([(name, column.arrow()) for name, column in columns.items()])
    fields = [_spark_field(name, column.spark, True) for name, column in columns.items()]
    known = {
        "org.apache.spark.version": _spark_version,
        "org.apache.spark.sql.parquet.row.metadata": json.dumps({"type": "struct", "fields": fields}),
    }
    row = {name: column.put(values[name]) for name, column in columns.items()}
    written = io.BytesIO()
    writer: Any = pyarrow.parquet.ParquetWriter
    with writer(written, schema, compression="snappy", store_schema=False) as file:
        file.write_table(pa.Table.from_pylist([row], schema))
        file.add_key_value_metadata(known)
    return written.getvalue()
