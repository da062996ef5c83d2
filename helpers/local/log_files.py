"""The log files of jobs and endpoints, and the names under which CloudWatch Logs serves them.

A log file has one line an event: ``<epoch milliseconds> <text>``. Which file belongs to which group and
stream is noted in records/logs/, one small file a stream, so that it outlives the server.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from helpers.local.metadata import write_json


@dataclass(frozen=True)
class Stream:
    """One log file under its CloudWatch names. ``created`` in epoch milliseconds."""

    group: str
    stream: str
    path: str
    created: int


@dataclass(frozen=True)
class Event:
    """One line of a log. ``position`` is the byte offset behind it."""

    timestamp: int
    message: str
    position: int


class LogIndex:
    """Which log file belongs to which log group and stream. Any number may be open on one state directory."""

    def __init__(self, state: Path) -> None:
        self._directory = Path(state) / "records" / "logs"

    def add(self, group: str, stream: str, path: Path) -> None:
        """Name a log file (it need not exist yet). A stream that exists points to the new file."""
        write_json(
            self._place(group, stream), asdict(Stream(group, stream, str(path), int(time.time() * 1000)))
        )

    def remove(self, group: str, stream: str) -> None:
        """Forget a stream; its file stays."""
        self._place(group, stream).unlink(missing_ok=True)

    def streams(self, group: str | None = None) -> list[Stream]:
        """All streams, or those of one group, by name."""
        found = []
        for path in self._directory.glob("*.json") if self._directory.is_dir() else ():
            try:
                stream = Stream(**json.loads(path.read_bytes()))
            except (FileNotFoundError, ValueError, TypeError):
                continue  # removed or being replaced
            if group is None or stream.group == group:
                found.append(stream)
        return sorted(found, key=lambda each: (each.group, each.stream))

    def find(self, group: str, stream: str) -> Stream | None:
        """One stream, or None."""
        try:
            return Stream(**json.loads(self._place(group, stream).read_bytes()))
        except FileNotFoundError:
            return None

    def _place(self, group: str, stream: str) -> Path:
        digest = hashlib.sha256(f"{group}\0{stream}".encode()).hexdigest()
        return self._directory / f"{digest[:40]}.json"


def read_events(path: Path, position: int = 0) -> Iterator[Event]:
    """The complete lines of a log file from a byte offset on; nothing if the file does not exist."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        file.seek(position)
        last = 0
        for line in file:
            if not line.endswith(b"\n"):
                return  # still being written
            position += len(line)
            stamp, _, text = line.rstrip(b"\r\n").partition(b" ")
            if not stamp.isdigit():
                stamp, text = str(last).encode(), line.rstrip(b"\r\n")
            last = int(stamp)
            yield Event(last, text.decode(errors="replace"), position)
