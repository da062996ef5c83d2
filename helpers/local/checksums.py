"""The checksums S3 knows beside the ETag: CRC32 (boto3's default), CRC32C, CRC64NVME, SHA-1, SHA-256.

CRC32C and CRC64NVME exist in Python only as loops over bytes. They are verified up to one mebibyte; above
that, the value the client sent is kept as it is, and the payload's signed SHA-256 guards the bytes.
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Callable
from functools import cache
from typing import Protocol

ALGORITHMS = ("CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256")
HEADER = "x-amz-checksum-"
LARGEST_LOOP = 1024 * 1024  # bytes that a checksum without a fast implementation is computed over


class Digest(Protocol):
    """A checksum being computed."""

    def update(self, data: bytes) -> None:
        """Take more bytes."""

    def value(self) -> bytes | None:
        """The checksum, big-endian; None when there were too many bytes to compute it."""


class _Crc32:
    def __init__(self) -> None:
        self._state = 0

    def update(self, data: bytes) -> None:
        self._state = zlib.crc32(data, self._state)

    def value(self) -> bytes:
        return self._state.to_bytes(4, "big")


class _Sha:
    def __init__(self, name: str) -> None:
        self._hash = hashlib.new(name, usedforsecurity=False)

    def update(self, data: bytes) -> None:
        self._hash.update(data)

    def value(self) -> bytes:
        return self._hash.digest()


class _Loop:
    """A reflected CRC with all bits set at the start and inverted at the end."""

    def __init__(self, polynomial: int, width: int) -> None:
        self._table = _table(polynomial)
        self._width = width
        self._mask = self._state = (1 << 8 * width) - 1
        self._length = 0

    def update(self, data: bytes) -> None:
        self._length += len(data)
        if self._length > LARGEST_LOOP:
            return
        table, state = self._table, self._state
        for byte in data:
            state = table[(state ^ byte) & 0xFF] ^ (state >> 8)
        self._state = state

    def value(self) -> bytes | None:
        if self._length > LARGEST_LOOP:
            return None
        return (self._state ^ self._mask).to_bytes(self._width, "big")


@cache
def _table(polynomial: int) -> tuple[int, ...]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ polynomial if value & 1 else value >> 1
        table.append(value)
    return tuple(table)


_MAKERS: dict[str, Callable[[], Digest]] = {
    "CRC32": _Crc32,
    "CRC32C": lambda: _Loop(0x82F63B78, 4),
    "CRC64NVME": lambda: _Loop(0x9A6C9329AC4BC9B5, 8),
    "SHA1": lambda: _Sha("sha1"),
    "SHA256": lambda: _Sha("sha256"),
}


def digest(algorithm: str) -> Digest:
    """A new checksum of one of ``ALGORITHMS``."""
    return _MAKERS[algorithm]()


def encoded(value: bytes) -> str:
    """A checksum as it stands in headers: base64."""
    return base64.b64encode(value).decode()


def composite(algorithm: str, parts: list[str]) -> str:
    """The checksum of a multipart upload over its parts' checksums, with ``-<number of parts>``."""
    combined = digest(algorithm)
    for part in parts:
        combined.update(base64.b64decode(part))
    value = combined.value()
    return f"{encoded(value or b'')}-{len(parts)}"
