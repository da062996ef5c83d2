"""The parent's side of work in a child process: it can be stopped at any moment.

The child (`python -m helpers.flow`) gets one request on its standard input and answers with one JSON
object a line. It ends when its input closes: no child outlives the process that asked for it.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import FlowError, Problem
from .leftovers import end_leftovers
from .requests import Request
from .time_limits import patience


@dataclass
class _Child:
    """What the child has said so far."""

    at: str = ""
    done: Any = None
    problems: list[Problem] | None = None
    crash: str = ""
    guard: threading.Timer | None = None
    """Ends the child when the code of the step at work does not hear that its time is up."""

    @property
    def complete(self) -> bool:
        """Whether its last word is said."""
        return self.done is not None or self.problems is not None or bool(self.crash)

    def watch(self, limit: float | None, problem: dict[str, Any] | None, end: Callable[[], None]) -> None:
        """From now on the code of a step is at work, for at most `limit` seconds; or no longer (None)."""
        if self.guard:
            self.guard.cancel()
        self.guard = None
        if limit and problem:

            def give_up() -> None:
                self.problems = [Problem(**problem)]
                end()

            self.guard = threading.Timer(min(limit + patience, threading.TIMEOUT_MAX), give_up)
            self.guard.daemon = True
            self.guard.start()


def converse(
    request: Request, scratch: str, time_limit: float | None, progress: Callable[[str], None] | None
) -> Any:
    """Ask a child process for a run or for analyses, and give its answer back. Raises FlowError."""
    errors = Path(scratch) / "stderr"
    process = _started(scratch, errors)
    said, late = _Child(), threading.Event()

    def stop() -> None:
        late.set()
        _kill(process)

    timer = threading.Timer(min(time_limit, threading.TIMEOUT_MAX), stop) if time_limit else None
    try:
        if timer:
            timer.start()
        _talk(process, request, said, progress)
        code = None if said.complete else _end_of(process)
    finally:
        if timer:
            timer.cancel()
        said.watch(None, None, lambda: None)
        _kill(process)
        process.wait()
        end_leftovers(scratch)
        for pipe in (process.stdin, process.stdout):
            if pipe:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
    if said.done is not None:
        return said.done
    if said.problems:
        raise FlowError(said.problems)
    where = f" at step '{said.at}'" if said.at else ""
    if late.is_set():
        remedy = "Give it more time (--time-limit), or look at what the step does"
        raise FlowError(f"The run was stopped{where}: it took longer than {time_limit:g} seconds. {remedy}.")
    if _no_memory(said.crash):
        raise FlowError(f"The run broke off{where}: {_memory_remedy}.")
    if said.crash:
        raise RuntimeError(f"The flow engine broke{where}.\n{said.crash}")
    raise FlowError(_unsaid(where, code, errors))


def _started(scratch: str, errors: Path) -> subprocess.Popen[bytes]:
    with errors.open("wb") as stderr:
        return subprocess.Popen(
            [sys.executable, "-m", "helpers.flow"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,
            env={**os.environ, "TMPDIR": scratch, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )


def _talk(
    process: subprocess.Popen[bytes],
    request: Request,
    said: _Child,
    progress: Callable[[str], None] | None,
) -> None:
    """Ask, and listen until the answer is complete or nothing more can come.

    The child is not waited for: threads and exit handlers of a step's code have no say in when a run ends.
    """
    assert process.stdin and process.stdout
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(request.to_line())
        process.stdin.flush()
    for line in process.stdout:
        answer = json.loads(line)
        if "limit" in answer:
            said.watch(answer["limit"], answer["problem"], lambda: _kill(process))
        else:
            _hear(answer, said, progress)
        if said.complete:
            return


def _end_of(process: subprocess.Popen[bytes]) -> int | None:
    """The exit code of a child that says no more; None when it does not end by itself."""
    try:
        return process.wait(patience)
    except subprocess.TimeoutExpired:
        return None


_memory_remedy = (
    "the system gave it no more memory. Give it more (look at `ulimit -v` and the container's limit), set "
    "--memory to what there is, or give it less data"
)
_memory_signs = (
    "MemoryError",
    "bad_alloc",
    "Cannot allocate memory",
    "failed to map segment",
    "Memory allocation failed",
    "can't start new thread",
)


def _no_memory(text: str) -> bool:
    """Whether the last words of a process say that the system gave it no memory."""
    last = "\n".join(text.strip().splitlines()[-3:])
    return any(sign in last for sign in _memory_signs)


def _unsaid(where: str, code: int | None, errors: Path) -> str:
    """What to say when a child ended without an answer, as only people's own code or the system makes it."""
    if code == -signal.SIGKILL:
        remedy = "Perhaps memory ran out: set a limit (--memory 2GB), and it uses the disk instead"
        return f"The run was killed{where}. {remedy}."
    if code is None:
        how = "its process closed the pipe it answers through"
    elif code < 0:
        how = f"its process ended by signal {signal.Signals(-code).name}"
    else:
        how = f"its process ended with exit code {code}, without an answer"
    try:
        lines = errors.read_text(errors="replace")[-2000:].strip().splitlines()
    except OSError:
        lines = []
    if _no_memory("\n".join(lines)):
        return f"The run broke off{where}: {_memory_remedy}."
    detail = f" ({lines[-1].strip()})" if lines else ""
    remedy = "Look for code that ends its process (os._exit), or closes or removes what it did not open"
    return f"The run broke off{where}: {how}{detail}. {remedy}; perhaps memory or disk ran out."


def _hear(answer: dict[str, Any], said: _Child, progress: Callable[[str], None] | None) -> None:
    if "at" in answer:
        said.at = answer["at"]
    elif "progress" in answer:
        if progress:
            progress(answer["progress"])
    elif "problems" in answer:
        said.problems = [Problem(**each) for each in answer["problems"]]
    elif "done" in answer:
        said.done = answer["done"]
    else:
        said.crash = str(answer.get("crash"))


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
