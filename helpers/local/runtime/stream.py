"""Answers in pieces: AWS event streams, one PayloadPart for each piece that the container sends."""

from __future__ import annotations

import json
import struct
import time
from binascii import crc32
from collections.abc import Callable, Iterator
from contextlib import ExitStack

from helpers.local.runtime.errors import ModelError
from helpers.local.sagemaker.model_server import Answer, Broken, TimedOut

CONTENT_TYPE = "application/vnd.amazon.eventstream"
_TEXT = 7  # the type of a header whose value is a string


def message(headers: dict[str, str], payload: bytes) -> bytes:
    """A message of an event stream.

    Its length, that of its headers, the checksum of these two; the headers, the payload, the checksum of all.
    """
    block = b"".join(_header(name, value) for name, value in headers.items())
    prelude = struct.pack("!II", 16 + len(block) + len(payload), len(block))
    beginning = prelude + struct.pack("!I", crc32(prelude)) + block + payload
    return beginning + struct.pack("!I", crc32(beginning))


def payload_part(piece: bytes) -> bytes:
    """A piece of the answer as an event."""
    return message(
        {
            ":event-type": "PayloadPart",
            ":content-type": "application/octet-stream",
            ":message-type": "event",
        },
        piece,
    )


def stream_error(code: str, text: str) -> bytes:
    """The last event of an answer that was not completed."""
    return message(
        {
            ":exception-type": "ModelStreamError",
            ":content-type": "application/json",
            ":message-type": "exception",
        },
        json.dumps({"Message": text, "ErrorCode": code}).encode(),
    )


class Parts(Iterator[bytes]):
    """The events of a container's answer; ``held`` is let go of at the end, or by ``close``.

    ``limit``: when all of it must have come, on the monotonic clock; ``pause``: seconds until the next piece.
    """

    def __init__(
        self,
        answer: Answer,
        held: ExitStack,
        limit: float,
        pause: float,
        whole: Callable[[bytes], None] | None = None,
    ) -> None:
        self._answer = answer
        self._held = held
        self._limit = limit
        self._pause = pause
        self._whole = whole
        self._pieces: list[bytes] = []
        self._over = False

    def __next__(self) -> bytes:
        if self._over:
            raise StopIteration
        self._answer.allow(min(self._limit, time.monotonic() + self._pause))
        try:
            piece = self._answer.read()
        except (TimedOut, Broken) as error:
            return self._break_off(error)
        if piece:
            if self._whole is not None:
                self._pieces.append(piece)
            return payload_part(piece)
        self.close()
        if self._whole is not None:
            self._whole(b"".join(self._pieces))
        raise StopIteration

    def close(self) -> None:
        """Let the container go; called by the server too, when the client has gone."""
        self._over = True
        self._held.close()

    def _break_off(self, error: Exception) -> bytes:
        self._over = True
        try:
            self._held.__exit__(type(error), error, error.__traceback__)
        except ModelError as failure:
            code = "ModelInvocationTimeExceeded" if isinstance(error, TimedOut) else "StreamBroken"
            return stream_error(code, failure.text)
        raise AssertionError("whoever holds the container tells what was wrong with it")


def _header(name: str, value: str) -> bytes:
    key, text = name.encode(), value.encode()
    return struct.pack("!B", len(key)) + key + struct.pack("!BH", _TEXT, len(text)) + text
