"""The control plane's records on disk: one JSON file a resource, replaced whole: kill -9 loses nothing.

Names are unique without regard to case, as the service's are (its ARNs are lower case); a resource is found
by the name it was given.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Callable
from copy import deepcopy
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from helpers.local.decoding import decode

TEMPORARY = ".writing"  # suffix of a file that is not yet a record


@dataclass(kw_only=True)
class Record:
    """What every resource has: its name and ARN, when it was made and changed (epoch seconds), its tags."""

    name: str
    arn: str
    created: float
    modified: float
    tags: dict[str, str] = field(default_factory=dict)
    request: dict[str, Any] = field(default_factory=dict)  # the validated Create request, API member names


R = TypeVar("R", bound=Record)


class NameTaken(Exception):
    """A record of that name exists; ``args[0]`` is it."""


class NoRecord(Exception):
    """There is no record of that name."""


class Store(Generic[R]):
    """The records of one kind, in memory and in ``directory`` as ``<name>.json``. For threads of one process.

    Records handed out are copies: change one through ``update``.
    """

    def __init__(self, directory: Path, kind: type[R]) -> None:
        self.directory = directory
        self._kind = kind
        self._lock = threading.RLock()
        self._records: dict[str, R] = {}  # by lower-case name
        self.unreadable: list[Path] = []  # files here that hold no record
        directory.mkdir(parents=True, exist_ok=True)
        for path in sorted(directory.iterdir()):
            self._load(path)

    def create(self, record: R) -> None:
        """Add a record. Raises NameTaken."""
        with self._lock:
            taken = self._records.get(record.name.lower())
            if taken is not None:
                raise NameTaken(deepcopy(taken))
            self._write(record)

    def get(self, name: str) -> R:
        """The record of exactly this name. Raises NoRecord."""
        with self._lock:
            record = self._records.get(name.lower())
            if record is None or record.name != name:
                raise NoRecord(name)
            return deepcopy(record)

    def find(self, name: str) -> R | None:
        """The record of this name in any case (as ARNs have it), or None."""
        with self._lock:
            record = self._records.get(name.lower())
            return deepcopy(record)

    def update(self, name: str, change: Callable[[R], None]) -> R:
        """Change a record in one step and return it. Raises NoRecord."""
        with self._lock:
            record = self.get(name)
            change(record)
            self._write(record)
            return deepcopy(record)

    def delete(self, name: str) -> R:
        """Remove a record and return it. Raises NoRecord."""
        with self._lock:
            record = self.get(name)
            self._path(record).unlink(missing_ok=True)
            del self._records[name.lower()]
            return record

    def all(self) -> list[R]:
        """Every record, in the order of their names."""
        with self._lock:
            return [deepcopy(self._records[name]) for name in sorted(self._records)]

    def _path(self, record: R) -> Path:
        return self.directory / f"{record.name}.json"

    def _write(self, record: R) -> None:
        path = self._path(record)
        temporary = path.with_name(path.name + TEMPORARY)
        with temporary.open("w", encoding="utf-8") as file:
            json.dump(asdict(record), file, indent=1)
            file.flush()
            os.fsync(file.fileno())  # the rename below must not reach the disk before the text does
        temporary.replace(path)
        self._records[record.name.lower()] = deepcopy(record)

    def _load(self, path: Path) -> None:
        if path.name.endswith(TEMPORARY):  # a writer died before its rename: the record is what it was before
            with contextlib.suppress(FileNotFoundError):
                path.unlink()
            return
        if path.suffix != ".json":
            return
        try:
            record = decode(self._kind, json.loads(path.read_bytes()))
        except (OSError, ValueError):
            self.unreadable.append(path)
            return
        if path.name != f"{record.name}.json":
            self.unreadable.append(path)
            return
        self._records[record.name.lower()] = record
