"""Scores that have been asked for, kept in memory and in files, so that a question is asked once."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet
from pyarrow.lib import ArrowException

Floats = npt.NDArray[np.float64]

IN_MEMORY = 64  # lists of scores
IN_FILES = 500
_KEY = b"workshop.scores"


class KeptScores:
    """Scores by key, a hexadecimal digest of all they depend on. Threads and processes may share a folder."""

    def __init__(self, folder: Path | None, in_memory: int = IN_MEMORY, in_files: int = IN_FILES) -> None:
        """`folder` is made when it is needed; None keeps nothing in files."""
        self._folder, self._in_memory, self._in_files = folder, in_memory, in_files
        self._memory: OrderedDict[str, Floats] = OrderedDict()
        self._lock = threading.Lock()
        self._making: dict[str, threading.Lock] = {}

    def get(self, key: str, rows: int, make: Callable[[], Floats]) -> Floats:
        """The scores of this key, made by `make` where neither memory nor a file has `rows` of them.

        Threads that ask for the same key at once wait for the first. Files that are broken, or were written
        by something else, are made again. The array must not be changed.
        """
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
        with making:
            found = self._remembered(key)
            if found is None:
                found = self._read(key, rows)
                if found is None:
                    found = make()
                    self._write(key, found)
                found.flags.writeable = False
        with self._lock:
            self._memory[key] = found
            self._memory.move_to_end(key)
            while len(self._memory) > self._in_memory:
                self._memory.popitem(last=False)
            self._making.pop(key, None)
        return found

    def _remembered(self, key: str) -> Floats | None:
        with self._lock:
            return self._memory.get(key)

    def _path(self, key: str) -> Path | None:
        return None if self._folder is None else self._folder / f"{key}.parquet"

    def _read(self, key: str, rows: int) -> Floats | None:
        path = self._path(key)
        if path is None:
            return None
        try:
            table = pa.parquet.read_table(path)  # type: ignore[no-untyped-call]
            os.utime(path)  # the files used longest ago go first
        except (OSError, ArrowException):
            return None
        ours = (table.schema.metadata or {}).get(_KEY) == key.encode()
        if not ours or table.column_names != ["predicted"] or table.num_rows != rows:
            return None
        scores: Floats = np.array(table.column("predicted"), dtype=np.float64)
        return scores if np.isfinite(scores).all() else None

    def _write(self, key: str, scores: Floats) -> None:
        """By atomic rename: nobody reads half a file. A full or read-only disk costs speed only."""
        path = self._path(key)
        if path is None:
            return
        table = pa.table({"predicted": scores}).replace_schema_metadata({_KEY: key.encode()})
        unfinished = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}.tmp")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                pa.parquet.write_table(table, unfinished)  # type: ignore[no-untyped-call]
                unfinished.replace(path)
            finally:
                unfinished.unlink(missing_ok=True)
            self._prune(path.parent)
        except OSError:
            return

    def _prune(self, folder: Path) -> None:
        """Delete the files used longest ago beyond the number to keep."""
        files = []
        for path in folder.glob("*.parquet"):
            try:
                files.append((path.stat().st_mtime, path))
            except FileNotFoundError:  # another process was first
                continue
        for _, path in sorted(files)[: -self._in_files]:
            path.unlink(missing_ok=True)
