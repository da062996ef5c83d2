"""Files being written: invisible until they are whole, and swept away when their writer was killed."""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import shutil
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

CHUNK = 256 * 1024  # bytes read and written at once


class Staged:
    """A file being written, invisible until ``ObjectStore.commit`` gives it its name.

    The lock it holds tells ``ObjectStore.sweep`` that its writer is alive.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        while True:
            self.path = directory / f"{os.getpid()}-{secrets.token_hex(8)}"
            self.file: BinaryIO = self.path.open("x+b")
            fcntl.flock(self.file, fcntl.LOCK_EX)
            if os.fstat(self.file.fileno()).st_nlink:
                break
            self.file.close()  # swept away before it was locked
        self.size = 0
        self._md5 = hashlib.md5(usedforsecurity=False)

    def write(self, data: bytes) -> None:
        """Append bytes."""
        self.file.write(data)
        self._md5.update(data)
        self.size += len(data)

    @property
    def md5(self) -> str:
        """Hexadecimal MD5 of what was written so far."""
        return self._md5.hexdigest()

    def append_file(self, source: Path) -> None:
        """Append a whole file inside the kernel; its bytes do not count towards ``md5``."""
        self.file.flush()
        with source.open("rb") as opened:
            shutil.copyfileobj(opened, self.file, CHUNK)
        self.size += source.stat().st_size

    def discard(self) -> None:
        """Remove the file, unless it was committed."""
        try:
            self.file.close()  # writes what it still holds, which a full disk refuses
        finally:
            self.path.unlink(missing_ok=True)

    def __enter__(self) -> Staged:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.discard()


def sweep(directory: Path) -> int:
    """Remove the files of a directory that no living ``Staged`` holds, and directories; how many."""
    swept = 0
    for path in directory.iterdir() if directory.is_dir() else ():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
            swept += 1
            continue
        try:
            with path.open("r+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
                swept += 1
        except (BlockingIOError, FileNotFoundError):
            continue  # being written, or gone
    return swept
