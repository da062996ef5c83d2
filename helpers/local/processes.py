"""Processes of other sessions of the server: told apart from strangers with the same pid, and ended for good.

A pid alone names nobody once its process has ended. A process is known here by its pid together with the
moment it started; on Linux also by a mark in its environment, which its descendants inherit wherever they go.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

MARK = "WORKSHOP_JOB"  # environment variable of every job process: its job directory
FILE = "process.json"  # in the job directory while the process runs
PROC = Path("/proc")


def start_time(pid: int) -> str | None:
    """When the process started, in the system's own words; None if it is no more (or a zombie)."""
    stat = PROC / str(pid) / "stat"
    if PROC.joinpath("self", "stat").exists():
        try:
            fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        return None if fields[0] == "Z" else fields[19]
    listed = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    state, _, started = listed.stdout.strip().partition(" ")
    return started.strip() or None if listed.returncode == 0 and not state.startswith("Z") else None


def remember(directory: Path, pid: int) -> None:
    """Write the process of a job directory down for the next session of the server."""
    path = directory / FILE
    temporary = path.with_name(FILE + ".writing")
    temporary.write_text(json.dumps({"pid": pid, "started": start_time(pid)}), encoding="utf-8")
    temporary.replace(path)


def forget(directory: Path) -> None:
    """The process of this job directory has ended."""
    (directory / FILE).unlink(missing_ok=True)


def kill_group(leader: int) -> None:
    """SIGKILL to a process group, if any of it is left."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def marked(directory: Path) -> Iterator[int]:
    """The processes of this user that carry the mark of a job directory, or of one below it. Linux only."""
    if not PROC.joinpath("self", "environ").exists():
        return
    name = f"{MARK}={directory}".encode()
    for entry in PROC.iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            environment = (entry / "environ").read_bytes().split(b"\0")
        except OSError:  # ended meanwhile, or another user's
            continue
        if any(item == name or item.startswith(name + b"/") for item in environment):
            yield int(entry.name)


def kill_marked(directory: Path) -> int:
    """SIGKILL to every process that carries the mark of this directory; how many there were."""
    count = 0
    for _ in range(5):  # a process may fork while the list is read
        found = list(marked(directory))
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        count += len(found)
        if not found:
            break
    return count


def sweep(jobs: Path) -> None:
    """End what a dead session of the server left running below its ``jobs`` directory.

    For the start of a session, before it starts any process of its own.
    """
    for pattern in (f"*/*/{FILE}", f"endpoint/*/*/*/*/{FILE}"):
        for path in jobs.glob(pattern):
            try:
                known = json.loads(path.read_text(encoding="utf-8"))
                pid, started = int(known["pid"]), known["started"]
            except (OSError, ValueError, KeyError, TypeError):
                continue  # half a file: the lifeline and the mark still find the process
            if started is not None and start_time(pid) == started:
                kill_group(pid)
            path.unlink(missing_ok=True)
    kill_marked(jobs)
