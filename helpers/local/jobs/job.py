"""What every job has in common: its arguments, its request, how it ends."""

import argparse
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from helpers.local.jobs import lifeline
from helpers.local.jobs.progress import Progress, shorten
from helpers.local.objects import ObjectStore


class JobFailure(Exception):
    """The job cannot go on. The message becomes its FailureReason: what is wrong, where, and what to do."""


class StopRequested(BaseException):
    """SIGTERM reached the job: keep what is finished and end.

    No `except Exception` on the way holds it up.
    """


@dataclass
class Stop:
    """Whether the job was asked to stop. While `interrupting` the request also breaks into running work."""

    requested: bool = False
    interrupting: bool = False

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Work that a stop request may break into. Raises StopRequested, at once if it came before."""
        if self.requested:
            raise StopRequested
        self.interrupting = True
        try:
            yield
        finally:
            self.interrupting = False

    def handle(self, _number: int, _frame: FrameType | None) -> None:
        """The SIGTERM handler."""
        first, self.requested = not self.requested, True
        if first and self.interrupting:
            raise StopRequested


@dataclass
class Job:
    """One job: where its state directory and its own directory are, and what was asked of it."""

    state: Path
    directory: Path
    request: dict[str, Any]
    objects: ObjectStore
    progress: Progress
    stop: Stop = field(default_factory=Stop)


def run(name: str, work: Callable[[Job], None]) -> None:
    """The `main` of a job module: runs `work` and ends the process with 0, or 1 and a FailureReason."""
    lifeline.watch()
    # Threads of OpenMP wait for each other spinning, which on a busy machine costs many times the work itself
    # (20 times was measured). The libraries read this when they are loaded, and no import above loads them.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    job = _open(name)
    signal.signal(signal.SIGTERM, job.stop.handle)
    try:
        work(job)
    except StopRequested:
        print("Stopped on request.", flush=True)
    except JobFailure as failure:
        reason = shorten(str(failure))
        print(f"Failed: {reason}", flush=True)
        job.progress.update(FailureReason=reason)
        _leave(1)
    except Exception as error:  # noqa: BLE001 - the boundary of the process
        traceback.print_exc()
        job.progress.update(FailureReason=shorten(f"Internal error: {type(error).__name__}: {error}"))
        _leave(1)
    _leave(0)


def _leave(code: int) -> NoReturn:
    """End the process at once: to unload the libraries takes seconds, and their threads may abort it."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _open(name: str) -> Job:
    parser = argparse.ArgumentParser(prog=f"python -m helpers.local.jobs.{name}")
    parser.add_argument("--state", type=Path, required=True, help="the state directory of local SageMaker")
    parser.add_argument(
        "--job", type=Path, required=True, help="this job's directory: request.json is read from it"
    )
    arguments = parser.parse_args()
    state, directory = arguments.state.absolute(), arguments.job.absolute()
    request = json.loads((directory / "request.json").read_text(encoding="utf-8"))
    return Job(state, directory, request, ObjectStore(state / "s3"), Progress(directory))
