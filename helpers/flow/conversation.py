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

    def watch(self, limit: float | None, problem: dict[str, Any] | None, end: Callable[[], None]) -> None:
        """From now on the code of a step is at work, for at most `limit` seconds; or no longer (None)."""
        if self.guard:
            self.guard.cancel()
        self.guard = None
        if limit and problem:

            def give_up() -> None:
                self.problems = [Problem(**problem)]
                end()

            self.guard = threading.Timer(limit + patience, give_up)
            self.guard.start()


def converse(
    request: Request, scratch: str, time_limit: float | None, progress: Callable[[str], None] | None
) -> Any:
    """Ask a child process for a run or for analyses, and give its answer back. Raises FlowError."""
    errors = Path(scratch) / "stderr"
    with errors.open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "helpers.flow"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,
            env={**os.environ, "TMPDIR": scratch, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
    said, late = _Child(), threading.Event()

    def stop() -> None:
        late.set()
        _kill(process)

    timer = threading.Timer(time_limit, stop) if time_limit else None
    try:
        if timer:
            timer.start()
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
        code = process.wait()
    finally:
        if timer:
            timer.cancel()
        said.watch(None, None, lambda: None)
        _kill(process)
        process.wait()
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
    if code == -signal.SIGKILL:
        remedy = "Perhaps memory ran out: set a limit (--memory 2GB), and it uses the disk instead"
        raise FlowError(f"The run was killed{where}. {remedy}.")
    detail = said.crash or errors.read_text(errors="replace")[-2000:]
    raise RuntimeError(f"The flow engine broke{where} (exit code {code}).\n{detail}")


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
