"""The formats that the images read and write where the user's code does not: JSON, CSV, NPY, LIBSVM.

Two libraries of SageMaker do this. The scikit-learn image and the answers of XGBoost use the older one
(``OLDER``), all others the newer (``NEWER``). They differ in CSV: the older one takes texts too.
Both make a single row an array of one dimension, as they do on AWS.
"""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

JSON, CSV, NPY = "application/json", "text/csv", "application/x-npy"
TEXTS = (JSON, CSV)  # such bodies reach the user's code as str
LIBSVM = ("text/libsvm", "text/x-libsvm")


class InferenceError(Exception):
    """An error with a status of its own, as the user's code may raise it."""

    def __init__(self, status_code: int, message: str, phrase: str = "") -> None:
        super().__init__(message)
        self.status_code = status_code
        self.message = message
        self.phrase = phrase or message


class UnsupportedFormatError(InferenceError):
    """A content type that cannot be read, or written."""

    def __init__(self, content_type: str) -> None:
        super().__init__(
            415,
            f"Content type {content_type} is not supported by this framework.\n\nPlease implement input_fn "
            "to deserialize the request data or an output_fn to serialize the response.",
        )


@dataclass(frozen=True)
class Formats:
    """The readers and the writers of one library, by content type."""

    readers: dict[str, Callable[[Any], Any]]
    writers: dict[str, Callable[[Any], Any]]

    def decode(self, data: Any, content_type: str) -> Any:
        """An array of the data. Raises UnsupportedFormatError for any type but exactly these three."""
        if content_type not in self.readers:
            raise UnsupportedFormatError(content_type)
        return self.readers[content_type](data)

    def encode(self, values: Any, content_type: str) -> Any:
        """The values as str, or as bytes of NPY. Raises UnsupportedFormatError for any type but the three."""
        if content_type not in self.writers:
            raise UnsupportedFormatError(content_type)
        return self.writers[content_type](values)


def _from_json(data: str | bytes) -> Any:
    return np.array(json.loads(data))


def _from_npy(data: bytes) -> Any:
    return np.load(io.BytesIO(data), allow_pickle=False)


def _from_csv_of_anything(data: str | bytes) -> Any:
    text = data.decode("utf-8") if isinstance(data, bytes) else data
    cells = np.array(list(csv.reader(io.StringIO(text), strict=True))).squeeze()
    try:
        return cells.astype(float)
    except ValueError:  # texts stay texts
        return cells


def _from_csv_of_numbers(data: str | bytes) -> Any:
    text = data.decode("utf-8") if isinstance(data, bytes) else data
    return np.genfromtxt(io.StringIO(text), dtype=None, delimiter=",", encoding="utf-8")


def _to_json(values: Any) -> str:
    def listed(value: Any) -> Any:
        if hasattr(value, "tolist"):
            return value.tolist()
        raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")

    return json.dumps(values, default=listed)


def _to_npy(values: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values, allow_pickle=False)
    return buffer.getvalue()


def _to_quoted_csv(values: Any) -> str:
    array = np.array(values)
    if array.ndim == 1:
        array = array.reshape(-1, 1)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(array)
    return text.getvalue()


def _to_plain_csv(values: Any) -> str:
    text = io.StringIO()
    np.savetxt(text, values, delimiter=",", fmt="%s")
    return text.getvalue()


OLDER = Formats(
    {JSON: _from_json, CSV: _from_csv_of_anything, NPY: _from_npy},
    {JSON: _to_json, CSV: _to_quoted_csv, NPY: _to_npy},
)
NEWER = Formats(
    {JSON: _from_json, CSV: _from_csv_of_numbers, NPY: _from_npy},
    {JSON: _to_json, CSV: _to_plain_csv, NPY: _to_npy},
)


def read_for_xgboost(data: str | bytes, content_type: str) -> Any:
    """A DMatrix of CSV (its delimiter is guessed, empty cells are missing) or LIBSVM.

    Raises UnsupportedFormatError for another content type.
    """
    import xgboost

    kind = content_type.split(";", maxsplit=1)[0].strip().lower()
    if kind == CSV:
        text = (data.decode("utf-8") if isinstance(data, bytes) else data).strip("\r\n")
        delimiter = csv.Sniffer().sniff(text.split("\n")[0][:512]).delimiter
        rows = [line.split("," if delimiter.isalnum() else delimiter) for line in text.splitlines()]
        return xgboost.DMatrix(np.array([[cell or "nan" for cell in row] for row in rows]).astype(float))
    if kind in LIBSVM:
        from sklearn.datasets import load_svmlight_file

        raw = data.encode() if isinstance(data, str) else data
        return xgboost.DMatrix(load_svmlight_file(io.BytesIO(raw), zero_based=True)[0])
    raise UnsupportedFormatError(kind)
