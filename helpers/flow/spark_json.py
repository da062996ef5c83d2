"""JSON files as Spark reads them: columns in the order of their names, types merged over all records.

Whole numbers are longs, others doubles; values of several types are texts; an object is a struct, a list an
array. What is no JSON object is kept as text in the column `_corrupt_record`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from .errors import OperatorError

_corrupt = "_corrupt_record"


def read(files: Sequence[Path], whole: bool) -> Any:
    """An Arrow table of the records: of one JSON value a file (`whole`), or of one a line."""
    import pyarrow as pa

    records = [record for file in files for record in _records(file, whole)]
    kind = pa.null()
    for record in records:
        kind = _merged(kind, _kind(record))
    kind = _settled(kind)
    if kind is None or not pa.types.is_struct(kind) or not kind.num_fields:
        raise OperatorError("holds no JSON objects", "Look at the type of this source.", "s3ContentType")
    columns = {
        field.name: pa.array([_fitting(record.get(field.name), field.type) for record in records], field.type)
        for field in kind
    }
    return pa.table(columns)


def _records(file: Path, whole: bool) -> Iterator[dict[str, Any]]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise OperatorError(f"the file {file.name} is not UTF-8", "Write it as UTF-8.") from None
    for part in [text] if whole else text.split("\n"):
        if not part.strip():
            continue
        try:
            value = json.loads(part)
        except (ValueError, RecursionError):
            value = part.rstrip("\r")
        for each in value if isinstance(value, list) else [value]:
            yield each if isinstance(each, dict) else {_corrupt: each if isinstance(each, str) else part}


def _kind(value: Any) -> Any:
    """The type of a value; of an empty list or object the elements are still open."""
    import pyarrow as pa

    if value is None:
        return pa.null()
    if isinstance(value, bool):
        return pa.bool_()
    if isinstance(value, int):
        if -(2**63) <= value < 2**63:
            return pa.int64()
        digits = len(str(abs(value)))
        return pa.decimal128(digits, 0) if digits <= 38 else pa.float64()
    if isinstance(value, float):
        return pa.float64()
    if isinstance(value, str):
        return pa.string()
    if isinstance(value, list):
        kind = pa.null()
        for each in value:
            kind = _merged(kind, _kind(each))
        return pa.list_(kind)
    return pa.struct([(name, _kind(value[name])) for name in sorted(value)])


def _merged(first: Any, second: Any) -> Any:
    import pyarrow as pa

    kinds = pa.types
    if first.equals(second) or kinds.is_null(second):
        return first
    if kinds.is_null(first):
        return second
    if kinds.is_struct(first) and kinds.is_struct(second):
        fields = {field.name: field.type for field in first}
        for field in second:
            known = fields.get(field.name)
            fields[field.name] = field.type if known is None else _merged(known, field.type)
        return pa.struct([(name, fields[name]) for name in sorted(fields)])
    if kinds.is_list(first) and kinds.is_list(second):
        return pa.list_(_merged(first.value_type, second.value_type))
    numbers = [
        kinds.is_int64(kind) or kinds.is_float64(kind) or kinds.is_decimal(kind) for kind in (first, second)
    ]
    if all(numbers):
        if kinds.is_float64(first) or kinds.is_float64(second):
            return pa.float64()
        digits = max(kind.precision if kinds.is_decimal(kind) else 20 for kind in (first, second))
        return pa.decimal128(digits, 0)
    return pa.string()


def _settled(kind: Any) -> Any:
    """The type with texts where nothing is known; an object without fields is no column (None)."""
    import pyarrow as pa

    if pa.types.is_null(kind):
        return pa.string()
    if pa.types.is_list(kind):
        inner = _settled(kind.value_type)
        return None if inner is None else pa.list_(inner)
    if pa.types.is_struct(kind):
        fields = [(field.name, _settled(field.type)) for field in kind]
        there = [field for field in fields if field[1] is not None]
        return pa.struct(there) if there else None
    return kind


def _fitting(value: Any, kind: Any) -> Any:
    """A value in the merged type of its column."""
    import pyarrow as pa

    if value is None:
        return None
    if pa.types.is_string(kind):
        return (
            value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        )
    if pa.types.is_float64(kind):
        return float(value)
    if pa.types.is_decimal(kind):
        return Decimal(value)
    if pa.types.is_list(kind):
        return [_fitting(each, kind.value_type) for each in value]
    if pa.types.is_struct(kind):
        return {field.name: _fitting(value.get(field.name), field.type) for field in kind}
    return value
