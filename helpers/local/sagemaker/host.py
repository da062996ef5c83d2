"""Where processes run: the state directory, the supervisor, the command of each job, the logs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from helpers.local import machine
from helpers.local.supervisor import Supervisor


class Logs(Protocol):
    """Where a log stream's file is made known (helpers.local.logs.LogIndex)."""

    def add(self, group: str, stream: str, path: Path) -> None:
        """Serve this file as the events of a stream."""


class Launcher(Protocol):
    """The command of a job: ``kind`` is a job module, ``directory`` the job's own."""

    def __call__(self, kind: str, state: Path, directory: Path) -> Sequence[str]:
        """The arguments of the process."""


@dataclass
class Host:
    """What starts processes needs. ``closing`` is set when the server ends: nothing is started again then.

    ``turns``: so many containers load their models at the same time; the others wait for theirs.
    """

    state: Path
    region: str
    logs: Logs
    launcher: Launcher
    supervisor: Supervisor = field(default_factory=Supervisor)
    closing: threading.Event = field(default_factory=threading.Event)
    turns: threading.Semaphore = field(
        default_factory=lambda: threading.Semaphore(max(2, machine.usable_cores()))
    )

    def directory(self, kind: str, name: str) -> Path:
        """The directory of a job or an endpoint."""
        return self.state / "jobs" / kind / name


def in_thread(name: str, work: Callable[[], None]) -> threading.Thread:
    """Run something beside the request that asked for it."""
    thread = threading.Thread(target=work, name=name, daemon=True)
    thread.start()
    return thread
