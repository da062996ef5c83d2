"""Job and model processes: started, logged, limited, stopped, watched. None outlives the server.

Each child leads a session of its own. Its standard input is a pipe that only the server holds open: the child
sees end of file when the server dies in any way. What it prints goes to ``log`` in its directory, one line
``<epoch milliseconds> <text>`` each. When the child ends, whatever is left of its group is killed.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from helpers.local import processes

Cause = Literal["own", "stop", "limit", "close"]  # why a process ended: by itself, or by whose wish

LOG = "log"
LINE_LIMIT = 250_000  # bytes; CloudWatch's events end at 256 KiB
PRIVATE = ("AWS_", "SAGEMAKER_", "BOTO_")  # variables that jobs do not inherit


@dataclass(frozen=True)
class Exit:
    """How a process ended: ``code`` (negative for a signal) and the end of its log, without times."""

    code: int
    cause: Cause
    tail: str

    @property
    def sentence(self) -> str:
        """What happened, for a FailureReason."""
        if self.code >= 0:
            how = f"The process ended with exit code {self.code}."
        elif -self.code == signal.SIGKILL:
            how = "The process was killed (signal 9); the machine may have run out of memory."
        else:
            how = f"The process was ended by signal {-self.code}."
        return f"{how} Its log ends: {self.tail}" if self.tail else f"{how} Its log is empty."


class Child:
    """A running process. ``ended`` is set, and ``exit`` filled, once it is over and its log is complete."""

    def __init__(self, key: str, process: subprocess.Popen[bytes], directory: Path) -> None:
        self.key = key
        self.directory = directory
        self.process = process
        self.ended = threading.Event()
        self.exit: Exit | None = None
        self.lock = threading.Lock()
        self.cause: Cause = "own"
        self.gone = False  # reaped: its pid may be another's now
        self.timers: list[threading.Timer] = []

    @property
    def pid(self) -> int:
        """The process id, which is its group's and its session's too."""
        return self.process.pid

    def signal(self, number: int) -> None:
        """Send a signal to the process itself, if it still runs."""
        with self.lock:
            if not self.gone:
                os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL to the whole group, if the process still runs."""
        with self.lock:
            if not self.gone:
                processes.kill_group(self.pid)

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something after a while, unless the process ends before."""
        timer = threading.Timer(seconds, action)
        timer.daemon = True
        with self.lock:
            if not self.gone:
                self.timers.append(timer)
                timer.start()


class Supervisor:
    """The processes of this session of the server, by key. ``grace``: seconds between SIGTERM and SIGKILL."""

    def __init__(self, grace: float = 30.0) -> None:
        self.grace = grace
        self._children: dict[str, Child] = {}
        self._lock = threading.Lock()
        self._closed = False

    def start(
        self,
        key: str,
        arguments: Sequence[str],
        directory: Path,
        *,
        on_exit: Callable[[Exit], None] | None = None,
        limit: float | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Child:
        """Start a process in a directory, stopped after ``limit`` seconds. ``on_exit`` runs in a thread.

        Raises OSError when it cannot be started, RuntimeError when one of that key runs or after ``close``.
        """
        directory = directory.resolve()
        with self._lock:
            if self._closed:
                raise RuntimeError("the local service is shutting down")
            if key in self._children:
                raise RuntimeError(f"a process of {key} is running")
            process = subprocess.Popen(
                list(arguments),
                cwd=directory,
                env={**_inherited(), **(environment or {}), processes.MARK: str(directory)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            child = Child(key, process, directory)
            self._children[key] = child
        with contextlib.suppress(OSError):  # a full disk: the lifeline and the mark still find the process
            processes.remember(directory, child.pid)
        assert process.stdout is not None
        pump = threading.Thread(
            target=pump_log, args=(process.stdout, directory / LOG), name=f"log {key}", daemon=True
        )
        pump.start()
        threading.Thread(
            target=self._watch, args=(child, pump, on_exit), name=f"watch {key}", daemon=True
        ).start()
        if limit is not None:
            child.later(limit, lambda: self._end(child, "limit"))
        return child

    def running(self, key: str) -> Child | None:
        """The process of that key, if one runs."""
        with self._lock:
            return self._children.get(key)

    def stop(self, key: str) -> bool:
        """Ask a process to end (SIGTERM), kill its group after the grace time. False if none runs."""
        child = self.running(key)
        if child is None:
            return False
        self._end(child, "stop")
        return True

    def kill(self, key: str) -> None:
        """End a process and its group now, and wait until it is over."""
        child = self.running(key)
        if child is not None:
            self._mark(child, "stop")
            child.kill()
            child.ended.wait(10)

    def close(self, patience: float = 3.0) -> None:
        """End every process: SIGTERM, SIGKILL after ``patience`` seconds. Nothing starts afterwards."""
        with self._lock:
            self._closed = True
            children = list(self._children.values())
        for child in children:
            self._mark(child, "close")
            child.signal(signal.SIGTERM)
        deadline = time.monotonic() + patience
        for child in children:
            child.ended.wait(max(0.0, deadline - time.monotonic()))
        for child in children:
            child.kill()
        for child in children:
            child.ended.wait(10)

    def _mark(self, child: Child, cause: Cause) -> None:
        with child.lock:
            if child.cause == "own" or cause == "close":
                child.cause = cause

    def _end(self, child: Child, cause: Cause) -> None:
        self._mark(child, cause)
        child.signal(signal.SIGTERM)
        child.later(self.grace, child.kill)

    def _watch(self, child: Child, pump: threading.Thread, on_exit: Callable[[Exit], None] | None) -> None:
        if hasattr(
            os, "waitid"
        ):  # leaves the zombie, so that the pid, which is the group's id, cannot be another's
            os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        else:
            child.process.wait()
        with child.lock:
            processes.kill_group(child.pid)
            child.gone = True
            code = child.process.wait()
        processes.kill_marked(child.directory)
        for timer in child.timers:
            timer.cancel()
        pump.join(10)  # ends with the last holder of the pipe, and all of those were killed
        if child.process.stdin is not None:
            child.process.stdin.close()
        processes.forget(child.directory)
        child.exit = Exit(code, child.cause, log_tail(child.directory / LOG))
        with self._lock:
            del self._children[child.key]
        try:
            if on_exit is not None:
                on_exit(child.exit)
        finally:
            child.ended.set()


def module_command(kind: str, state: Path, directory: Path) -> list[str]:
    """The command of a job module of ``helpers.local.jobs``."""
    module = f"helpers.local.jobs.{kind}"
    return [sys.executable, "-m", module, "--state", str(state), "--job", str(directory)]


def pump_log(source: IO[bytes], path: Path) -> None:
    """Copy a process's output to its log until it ends, and close it. A carriage return ends a line too."""
    descriptor = source.fileno()
    rest = b""
    with source, path.open("ab", buffering=0) as log:
        while chunk := os.read(descriptor, 65536):
            *lines, rest = (rest + chunk).replace(b"\r", b"\n").split(b"\n")
            if len(rest) > LINE_LIMIT:
                lines.append(rest)
                rest = b""
            _write_lines(log, lines)
        _write_lines(log, [rest])


def write_line(path: Path, text: str) -> None:
    """Add a line of the service's own to a log."""
    with contextlib.suppress(OSError), path.open("ab", buffering=0) as log:
        _write_lines(log, [text.encode()])


def _write_lines(log: IO[bytes], lines: Sequence[bytes]) -> None:
    now = f"{time.time() * 1000:.0f} ".encode()
    text = b"".join(
        now + line[start : start + LINE_LIMIT] + b"\n"
        for line in lines
        if line.strip()
        for start in range(0, len(line), LINE_LIMIT)
    )
    if text:
        # A full disk loses lines; a pump that stopped would block the process.
        with contextlib.suppress(OSError):
            log.write(text)


def log_tail(path: Path, lines: int = 5, characters: int = 700) -> str:
    """The last lines of a log without their times, joined by ` | `, or an empty text."""
    try:
        with path.open("rb") as log:
            log.seek(0, os.SEEK_END)
            log.seek(max(0, log.tell() - 8192))
            text = log.read().decode("utf-8", errors="replace")
    except FileNotFoundError:
        return ""
    kept = [line.partition(" ")[2].strip() for line in text.splitlines() if line.strip()]
    return " | ".join(kept[-lines:])[-characters:]


def _inherited() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PRIVATE)}
    return {**kept, "PYTHONUNBUFFERED": "1"}
