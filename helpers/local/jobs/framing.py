"""Records in the framings of RecordIO (MXNet) and TFRecord (TensorFlow), read strictly."""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO

RECORDIO_MAGIC = 0xCED7230A
_LENGTH = (1 << 29) - 1  # the three bits above tell the pieces of a record
_WHOLE, _FIRST, _MIDDLE, _LAST = range(4)


class BadFraming(ValueError):
    """The bytes are not what the SplitType says; the message names the record and its place."""


@dataclass(frozen=True)
class Frame:
    """One record: all its bytes in the file, and what they wrap."""

    raw: bytes
    payload: bytes


Reader = Callable[[IO[bytes], int], Iterator[Frame]]


def read_recordio(stream: IO[bytes], limit: int = 0) -> Iterator[Frame]:
    """The records of a RecordIO file; a record in pieces is one record.

    Raises BadFraming, also for a record above `limit` bytes (0: none) before it is read.
    """
    number, place = 1, 0
    raw = payload = b""
    begun = False
    while head := stream.read(8):
        where = f"record {number}, byte {place}"
        if len(head) < 8:
            raise BadFraming(f"{where}: the file ends within the head of a record")
        magic, word = struct.unpack("<II", head)
        if magic != RECORDIO_MAGIC:
            raise BadFraming(
                f"{where}: RecordIO begins a record with {RECORDIO_MAGIC:#010x}, here stands {magic:#010x}"
            )
        kind, length = word >> 29, word & _LENGTH
        if kind > _LAST or (kind in (_MIDDLE, _LAST)) != begun:
            raise BadFraming(f"{where}: the pieces of a record do not follow each other")
        _check_limit(where, len(raw) + 8 + length, limit)
        body = stream.read(length + -length % 4)
        if len(body) < length + -length % 4:
            raise BadFraming(
                f"{where}: {length:,} bytes are announced, and the file ends after {len(body):,}"
            )
        # A record is cut where its own bytes are the magic word, which is left out there.
        payload += (head[:4] if begun else b"") + body[:length]
        raw += head + body
        place += 8 + len(body)
        begun = kind in (_FIRST, _MIDDLE)
        if not begun:
            yield Frame(raw, payload)
            raw = payload = b""
            number += 1
    if begun:
        raise BadFraming(f"record {number}: the file ends before the last piece of a record")


def read_tfrecord(stream: IO[bytes], limit: int = 0) -> Iterator[Frame]:
    """The records of a TFRecord file, both checksums of each compared.

    Raises BadFraming, also for a record above `limit` bytes (0: none) before it is read.
    """
    from helpers.local.jobs.castagnoli import masked

    number, place = 1, 0
    while head := stream.read(12):
        where = f"record {number}, byte {place}"
        if len(head) < 12:
            raise BadFraming(f"{where}: the file ends within the head of a record")
        length, stated = struct.unpack("<QI", head)
        if masked(head[:8]) != stated:
            raise BadFraming(
                f"{where}: the checksum of the length is wrong; the file is no TFRecord, or is damaged"
            )
        _check_limit(where, length + 16, limit)
        body = stream.read(length + 4)
        if len(body) < length + 4:
            raise BadFraming(
                f"{where}: {length:,} bytes are announced, and the file ends after {len(body):,}"
            )
        payload = body[:-4]
        if masked(payload) != struct.unpack("<I", body[-4:])[0]:
            raise BadFraming(f"{where}: the checksum of the data is wrong; the file is damaged")
        yield Frame(head + body, payload)
        place += len(head) + len(body)
        number += 1


def _check_limit(where: str, size: int, limit: int) -> None:
    if limit and size > limit:
        raise BadFraming(
            f"{where}: the record has {size:,} bytes, above the {limit:,} of one request: raise "
            "MaxPayloadInMB"
        )


READERS: dict[str, Reader] = {"RecordIO": read_recordio, "TFRecord": read_tfrecord}
