"""Results on their way: in a folder of their own until all are whole, then put in place all at once.

A run that is killed leaves its folder behind. The next run that writes beside it takes it away, and brings
back the old results should the run have been killed in the moment between old and new.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from .errors import FlowError

_prefix, _journal = ".unfinished-", "places.json"


@contextlib.contextmanager
def unfinished(directory: Path) -> Iterator[Path]:
    """A folder in an output folder for results on their way, gone in the end. Raises FlowError."""
    try:
        with _locked(directory):
            _sweep(directory)
            temporary = tempfile.TemporaryDirectory(prefix=_prefix, dir=directory, ignore_cleanup_errors=True)
            held = _lock(Path(temporary.name))
    except OSError as error:
        raise FlowError(
            f"The output folder {directory} cannot be written: {error.strerror or error}."
        ) from None
    try:
        with temporary as name:
            yield Path(name)
    finally:
        if held is not None:
            os.close(held)


def swap(folder: Path, places: Mapping[Path, Path]) -> None:
    """Put new folders (in `folder`) in the places of old ones: all of them, or when that fails none."""
    journal = folder / _journal
    try:
        journal.write_text(json.dumps([[new.name, final.name] for new, final in places.items()]))
        for new, final in places.items():
            if final.exists() or final.is_symlink():
                final.rename(_old(folder, final.name))
            new.rename(final)
        journal.unlink()
    except BaseException as error:
        _bring_back(folder)
        if isinstance(error, OSError):
            raise FlowError(f"The results cannot be put in place: {error.strerror or error}.") from None
        raise


def _old(folder: Path, name: str) -> Path:
    return folder / f".old-{name}"


def _bring_back(folder: Path) -> None:
    """Undo what a swap that did not end has done; what it wanted to do is in its journal."""
    try:
        places = json.loads((folder / _journal).read_text())
    except (OSError, ValueError):
        return  # Killed before it moved anything, or after all was in place.
    for new, name in reversed(places):
        final, old = folder.parent / name, _old(folder, name)
        if final.exists() and not (folder / new).exists():
            final.rename(folder / new)
        if old.exists() or old.is_symlink():
            old.rename(final)
    (folder / _journal).unlink()


def _sweep(directory: Path) -> None:
    """Take away what killed runs have left; a folder that is locked belongs to a run at work."""
    for each in directory.glob(f"{_prefix}*"):
        with contextlib.suppress(OSError):
            held = _lock(each)
            if held is None:
                continue
            try:
                _bring_back(each)
                shutil.rmtree(each, ignore_errors=True)
            finally:
                os.close(held)


def _lock(folder: Path) -> int | None:
    """Hold a folder while this process lives or until the number is closed; None if another does."""
    held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # Another holds it, or this file system has no locks: then nobody can tell.
        os.close(held)
        return None
    return held


@contextlib.contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Within, no other run sweeps the output folder: a new folder is not locked at once."""
    held = os.open(directory, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # A file system without locks.
            fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)
