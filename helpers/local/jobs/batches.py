"""Objects as the mini-batches of a batch transform."""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast


@dataclass(frozen=True)
class Batch:
    """One request: the records without their newlines, and the line (from 1) the first of them stands on."""

    records: list[bytes]
    line: int


class TooLarge(ValueError):
    """A record, or an object that is not split, does not fit into one request."""


def batches(path: Path, *, compressed: bool, lines: bool, single: bool, limit: int) -> Iterator[Batch]:
    """The batches of one object; `limit` is the largest request in bytes, 0 for none.

    Without `lines` the whole object is one record; with `single` every line is a request of its own.
    """
    with _open(path, compressed) as stream:
        if not lines:
            content = stream.read()
            _check(len(content), limit, "the object", "set SplitType Line, or raise MaxPayloadInMB")
            yield Batch([content], 1)
            return
        records: list[bytes] = []
        size, first = 0, 1
        for number, line in enumerate(stream, start=1):
            record = line.rstrip(b"\r\n")
            if not record:
                continue
            _check(len(record) + 1, limit, f"line {number}", "raise MaxPayloadInMB")
            if records and (single or (limit and size + len(record) + 1 > limit)):
                yield Batch(records, first)
                records, size = [], 0
            if not records:
                first = number
            records.append(record)
            size += len(record) + 1
        if records:
            yield Batch(records, first)


def _check(size: int, limit: int, what: str, remedy: str) -> None:
    if limit and size > limit:
        raise TooLarge(f"{what} has {size:,} bytes, above the {limit:,} of one request: {remedy}")


def _open(path: Path, compressed: bool) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(path, "rb")) if compressed else path.open("rb")
