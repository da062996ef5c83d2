"""Rows as `application/x-recordio-protobuf`: records in the framing of RecordIO, each a protobuf message.

The message is SageMaker's `aialgs.data.Record`; a row is its feature `values`, dense or with the places of
what is not zero, and its label `values` where there is one.
"""

import struct
from collections.abc import Iterator
from functools import cache
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from google.protobuf import descriptor_pb2, descriptor_pool, message, message_factory
from scipy import sparse

from helpers.local.jobs.serving.container import BadRequest

MAGIC = 0xCED7230A
LENGTH = (1 << 29) - 1  # the bits above tell pieces of a record, which these records never are
VALUES = "values"

Matrix: TypeAlias = Any  # npt.NDArray[np.float32] or scipy.sparse.csr_matrix


def encode(features: Matrix, labels: npt.NDArray[np.float64] | None = None, *, places: bool = False) -> bytes:
    """Rows as records, in single precision; with `places`, or where they are sparse, without their zeros."""
    pieces = []
    thin = sparse.issparse(features)
    rows = sparse.csr_matrix(features, dtype=np.float32) if places and not thin else features
    if sparse.issparse(rows):
        rows.sort_indices()
    for number in range(rows.shape[0]):
        record = _record_class()()
        tensor = record.features[VALUES].float32_tensor
        if sparse.issparse(rows):
            start, end = rows.indptr[number], rows.indptr[number + 1]
            tensor.values.extend(rows.data[start:end].tolist())
            tensor.keys.extend(rows.indices[start:end].tolist())
            tensor.shape.append(rows.shape[1])
        else:
            tensor.values.extend(np.asarray(rows[number]).tolist())
        if labels is not None:
            record.label[VALUES].float32_tensor.values.append(float(labels[number]))
        pieces.append(_framed(record.SerializeToString()))
    return b"".join(pieces)


def decode(body: bytes, width: int) -> sparse.csr_matrix:
    """The rows of records, (rows, width), labels left out.

    Raises BadRequest when the bytes are no such records, or rows are of another width.
    """
    data: list[npt.NDArray[np.float32]] = []
    places: list[npt.NDArray[np.int64]] = []
    starts = [0]
    for number, piece in enumerate(_pieces(body), start=1):
        tensor = _tensor(piece, number)
        values = np.array(tensor.values, dtype=np.float32)
        stated = int(tensor.shape[0]) if len(tensor.shape) else len(values)
        if tensor.keys:
            where = np.array(tensor.keys, dtype=np.int64)
            if len(where) != len(values) or (len(where) and where.max() >= width):
                raise BadRequest(
                    f"Record {number}: its keys do not fit its values, or are not below {width}."
                )
        else:
            where = np.arange(len(values))
        if stated != width or len(values) > width:
            raise BadRequest(f"Record {number} has {stated} values, the model takes {width}.")
        data.append(values)
        places.append(where)
        starts.append(starts[-1] + len(values))
    if not data:
        raise BadRequest("The body is empty: send at least one record.")
    parts = (np.concatenate(data), np.concatenate(places), np.array(starts))
    return sparse.csr_matrix(parts, shape=(len(data), width))


def _tensor(piece: bytes, number: int) -> Any:
    record = _record_class()()
    try:
        record.ParseFromString(piece)
    except message.DecodeError as error:
        raise BadRequest(f"Record {number} is no message of the kind aialgs.data.Record: {error}.") from None
    if VALUES not in record.features:
        raise BadRequest(f"Record {number} has no feature '{VALUES}'.")
    value = record.features[VALUES]
    kind = value.WhichOneof("value")
    if kind not in ("float32_tensor", "float64_tensor", "int32_tensor"):
        raise BadRequest(f"Record {number} has no numbers in its feature '{VALUES}'.")
    return getattr(value, kind)


def _framed(piece: bytes) -> bytes:
    return struct.pack("<II", MAGIC, len(piece)) + piece + b"\0" * (-len(piece) % 4)


def _pieces(body: bytes) -> Iterator[bytes]:
    place = 0
    while place < len(body):
        if len(body) - place < 8:
            raise BadRequest("The body ends within a record: it is no whole RecordIO.")
        magic, length = struct.unpack_from("<II", body, place)
        length &= LENGTH
        if magic != MAGIC:
            raise BadRequest(f"At byte {place} no record begins: the body is no RecordIO.")
        place += 8
        if len(body) - place < length:
            raise BadRequest("The body ends within a record: it is no whole RecordIO.")
        yield body[place : place + length]
        place += length + -length % 4


@cache
def _record_class() -> Any:
    """The message class, defined here: generated code would be bound to one version of protobuf."""
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(
        name="workshop/record.proto", package="aialgs.data", syntax="proto2"
    )
    for name, kind in (
        ("Float32Tensor", field.TYPE_FLOAT),
        ("Float64Tensor", field.TYPE_DOUBLE),
        ("Int32Tensor", field.TYPE_INT32),
    ):
        tensor = file.message_type.add(name=name)
        for number, (member, type_) in enumerate(
            ((VALUES, kind), ("keys", field.TYPE_UINT64), ("shape", field.TYPE_UINT64)), start=1
        ):
            added = tensor.field.add(name=member, number=number, type=type_, label=field.LABEL_REPEATED)
            added.options.packed = True
    content = file.message_type.add(name="Bytes")
    content.field.add(name="value", number=1, type=field.TYPE_BYTES, label=field.LABEL_REPEATED)
    content.field.add(name="content_type", number=2, type=field.TYPE_STRING, label=field.LABEL_OPTIONAL)
    value = file.message_type.add(name="Value")
    value.oneof_decl.add(name="value")
    for member, number, type_name in (
        ("float32_tensor", 2, "Float32Tensor"),
        ("float64_tensor", 3, "Float64Tensor"),
        ("int32_tensor", 7, "Int32Tensor"),
        ("bytes", 9, "Bytes"),
    ):
        value.field.add(
            name=member,
            number=number,
            type=field.TYPE_MESSAGE,
            label=field.LABEL_OPTIONAL,
            type_name=f".aialgs.data.{type_name}",
            oneof_index=0,
        )
    record = file.message_type.add(name="Record")
    for member, number in (("features", 1), ("label", 2)):
        entry = record.nested_type.add(name=f"{member.capitalize()}Entry")
        entry.options.map_entry = True
        entry.field.add(name="key", number=1, type=field.TYPE_STRING, label=field.LABEL_OPTIONAL)
        entry.field.add(
            name="value",
            number=2,
            type=field.TYPE_MESSAGE,
            label=field.LABEL_OPTIONAL,
            type_name=".aialgs.data.Value",
        )
        record.field.add(
            name=member,
            number=number,
            type=field.TYPE_MESSAGE,
            label=field.LABEL_REPEATED,
            type_name=f".aialgs.data.Record.{entry.name}",
        )
    for member, number in (("uid", 3), ("metadata", 4), ("configuration", 5)):
        record.field.add(name=member, number=number, type=field.TYPE_STRING, label=field.LABEL_OPTIONAL)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("aialgs.data.Record"))
