"""Asynchronous invocations on disk, from the answer 202 to the object in S3: kill -9 loses none.

``state/invocations/<id>.json`` each, and ``<id>.body`` beside it where the request brought its input along.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from helpers.local.decoding import decode

TEMPORARY = ".writing"  # suffix of a file that is not yet whole


@dataclass(kw_only=True)
class Invocation:
    """One asynchronous invocation. Times in epoch seconds, durations in seconds, locations as s3://…."""

    id: str
    endpoint: str
    made: float  # when that endpoint was created: one of the same name made later is another
    accepted: float
    time_to_live: int  # in the queue
    timeout: int  # with the model
    input: str | None  # None: the body came with the request
    output: str
    failure: str | None
    inference_id: str
    content_type: str | None = None
    accept: str | None = None
    custom_attributes: str | None = None


class Spool:
    """The invocations that are waiting or under way."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def add(self, invocation: Invocation, body: bytes | None) -> None:
        """Keep an invocation. Raises OSError when the disk is full."""
        self._directory.mkdir(parents=True, exist_ok=True)
        if body is not None:
            _write(self.body(invocation), body)
        _write(self._path(invocation), json.dumps(asdict(invocation)).encode())

    def body(self, invocation: Invocation) -> Path:
        """Where the body is that came with the request."""
        return self._directory / f"{invocation.id}.body"

    def remove(self, invocation: Invocation) -> None:
        """Forget an invocation that has ended."""
        self._path(invocation).unlink(missing_ok=True)
        self.body(invocation).unlink(missing_ok=True)

    def all(self) -> list[Invocation]:
        """What an earlier server left, the oldest first; files that cannot be read are left alone."""
        found: list[Invocation] = []
        if not self._directory.is_dir():
            return found
        for path in self._directory.iterdir():
            if path.suffix == TEMPORARY or (
                path.suffix == ".body" and not path.with_suffix(".json").exists()
            ):
                path.unlink()  # its writer died before anybody was told of it
        for path in self._directory.glob("*.json"):
            try:
                found.append(decode(Invocation, json.loads(path.read_bytes())))
            except (OSError, ValueError) as error:
                print(f"{path} cannot be read as an asynchronous invocation: {error}", flush=True)
        return sorted(found, key=lambda invocation: invocation.accepted)

    def _path(self, invocation: Invocation) -> Path:
        return self._directory / f"{invocation.id}.json"


def _write(path: Path, content: bytes) -> None:
    temporary = path.with_name(path.name + TEMPORARY)
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())  # the rename below must not reach the disk before the text does
    temporary.replace(path)
