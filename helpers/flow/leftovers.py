"""Ending the processes that a run's code has started and left behind, wherever they went."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

_processes = Path("/proc")


def end_leftovers(scratch: str) -> None:
    """Kill every process that works in this scratch directory: those of a run inherit it as their TMPDIR.

    A process group does not hold those that made a session of their own. Where the system does not list the
    environments of processes (it is not Linux), those stay.
    """
    for _ in range(5):  # One may start another while the list is read.
        found = list(_working_in(scratch))
        for process in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
        if not found:
            return


def _working_in(scratch: str) -> Iterator[int]:
    if not (_processes / "self" / "environ").exists():
        return
    mark = f"TMPDIR={scratch}".encode()
    for entry in _processes.iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            environment = (entry / "environ").read_bytes().split(b"\0")
        except OSError:  # Ended meanwhile, or another user's.
            continue
        if mark in environment:
            yield int(entry.name)
