"""Objects as the mini-batches of a batch transform; at most two requests' worth of bytes is held."""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from helpers.local.jobs.framing import READERS

BLOCK = 1024 * 1024  # bytes of a chunk of a request that is streamed


class TooLarge(ValueError):
    """A record, or an object that is not split, does not fit into one request."""


@dataclass(frozen=True)
class Source:
    """How one object is read."""

    path: Path
    compressed: bool
    split: str  # a SplitType

    def open(self) -> IO[bytes]:
        """The object's bytes, decompressed."""
        if self.compressed:
            return cast(IO[bytes], gzip.open(self.path, "rb"))
        return self.path.open("rb")

    def blocks(self) -> Iterator[bytes]:
        """The whole object in blocks; no line and no record stands in two of them."""
        with self.open() as stream:
            if self.split == "Line":
                yield from (body for body, _ in _whole_lines(stream, BLOCK, longer=True))
            elif self.split in READERS:
                yield from (frame.raw for frame in READERS[self.split](stream, 0))
            else:
                while block := stream.read(BLOCK):
                    yield block


@dataclass(frozen=True)
class Batch:
    """One request: its body, and where in the object it begins (a line or a record, from 1).

    With a `stream` it is the whole of an object that is read when it is sent.
    """

    body: bytes
    begin: int = 1
    records: int = 1
    stream: Source | None = None


def batches(source: Source, *, single: bool, limit: int) -> Iterator[Batch]:
    """The batches of one object; `limit` is the largest request in bytes, 0 for none.

    With `single` every record is a request of its own. Raises TooLarge, BadFraming, and OSError or EOFError
    for an object that cannot be decompressed.
    """
    with source.open() as stream:
        if source.split == "None":
            body = stream.read(limit + 1 if limit else -1)
            if limit and len(body) > limit:
                raise TooLarge(
                    f"the object has more than the {limit:,} bytes of one request: set SplitType Line, or "
                    f"raise MaxPayloadInMB"
                )
            yield Batch(body)
        elif source.split == "Line":
            yield from _single_lines(stream, limit) if single else _batched_lines(stream, limit)
        else:
            yield from _frames(stream, source.split, single, limit)


def lines_of(body: bytes) -> list[bytes]:
    """The records of a body by lines, without their ends; empty lines are none."""
    lines = body.split(b"\n")
    if b"\r" in body:
        lines = [line.removesuffix(b"\r") for line in lines]
    return [line for line in lines if line]


def _batched_lines(stream: IO[bytes], limit: int) -> Iterator[Batch]:
    for body, number in _whole_lines(stream, limit or BLOCK, longer=not limit):
        records = len(lines_of(body))
        if records:
            yield Batch(body, number, records)


def _whole_lines(stream: IO[bytes], size: int, *, longer: bool) -> Iterator[tuple[bytes, int]]:
    """Blocks of at most `size` bytes that end with a line, and the number of their first line.

    A longer line raises TooLarge or, where it may be `longer`, is a block of its own.
    """
    rest, number = b"", 1
    while block := stream.read(max(size - len(rest), 1)):
        body = rest + block
        cut = body.rfind(b"\n") + 1
        if len(body) < size:  # the end, or a line that may be longer
            rest = body
            continue
        if not cut:
            if not longer:
                raise TooLarge(
                    f"line {number} has more than the {size:,} bytes of one request: raise MaxPayloadInMB"
                )
            body += stream.readline()
            cut = len(body)
        yield body[:cut], number
        number += body.count(b"\n", 0, cut)
        rest = body[cut:]
    if rest:
        yield rest, number


def _single_lines(stream: IO[bytes], limit: int) -> Iterator[Batch]:
    number = 0
    while line := stream.readline(limit + 2 if limit else -1):
        number += 1
        record = line.rstrip(b"\r\n")
        if limit and len(record) > limit:
            raise TooLarge(
                f"line {number} has more than the {limit:,} bytes of one request: raise MaxPayloadInMB"
            )
        if record:
            yield Batch(record, number)


def _frames(stream: IO[bytes], split: str, single: bool, limit: int) -> Iterator[Batch]:
    """What wraps a record is taken off where it is alone, and stays where it tells records apart."""
    kept: list[bytes] = []
    size, begin = 0, 1
    for number, frame in enumerate(READERS[split](stream, limit), start=1):
        if single:
            yield Batch(frame.payload, number)
            continue
        if kept and limit and size + len(frame.raw) > limit:
            yield Batch(b"".join(kept), begin, len(kept))
            kept, size, begin = [], 0, number
        kept.append(frame.raw)
        size += len(frame.raw)
    if kept:
        yield Batch(b"".join(kept), begin, len(kept))
