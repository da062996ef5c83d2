"""The child's side of work in a process of its own: read the request, do it, answer."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import threading
import traceback
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO

from .errors import FlowError, Problem
from .leftovers import end_leftovers
from .listening import Listener, listening
from .model import Node
from .reading import from_document
from .requests import Request
from .tasks import perform
from .time_limits import late


@dataclass
class _Answers:
    """What the child says, each answer one JSON object in one line."""

    to: TextIO
    at: Node | None = None

    def say(self, **answer: Any) -> None:
        self.to.write(json.dumps(answer) + "\n")
        self.to.flush()

    def progress(self, text: str) -> None:
        self.say(progress=text)

    def started(self, node: Node) -> None:
        self.at = node
        self.say(at=node.label)

    def interrupted(self) -> Problem:
        """The step at work interrupted itself."""
        label, operator = (self.at.label, self.at.operator) if self.at else ("", "")
        return Problem("was interrupted (KeyboardInterrupt)", "Look at its code.", label, operator)

    def guard(self, seconds: float | None) -> None:
        """The code of the step at work starts and may take so many seconds, or has ended (None)."""
        problem = late(seconds).at(self.at.label, self.at.operator) if seconds and self.at else None
        self.say(limit=seconds, problem=asdict(problem) if problem else None)


def main() -> int:
    """Read one request, do it, answer. Exit code 0, 2 for a FlowError, or 1 when the engine itself breaks."""
    answers = _Answers(os.fdopen(os.dup(1), "w", encoding="utf-8"))
    os.dup2(2, 1)  # What a snippet prints past Python's own streams must not break the conversation.
    questions = os.dup(0)
    with Path(os.devnull).open() as nothing, os.fdopen(os.dup(questions), "rb") as asked:
        os.dup2(nothing.fileno(), 0)  # A snippet that reads finds nothing, and closes nothing that matters.
        request = Request.of_line(asked.readline())
    lifeline = (questions, os.environ["TMPDIR"], request.unfinished)
    threading.Thread(target=_die_with_parent, args=lifeline, daemon=True).start()
    try:
        answers.say(done=_work(request, answers))
    except FlowError as error:
        answers.say(problems=[asdict(problem) for problem in error.problems])
        return 2
    except KeyboardInterrupt:
        # Nobody at a keyboard reaches this process: the code of the step did it.
        answers.say(problems=[asdict(answers.interrupted())])
        return 2
    except Exception:  # noqa: BLE001  (whatever breaks is reported by the parent)
        answers.say(crash=traceback.format_exc())
        return 1
    return 0


def _work(request: Request, answers: _Answers) -> Any:
    if request.task:
        with listening(Listener(answers.progress, answers.started, answers.guard)):
            perform(request)
        return True
    return _analyses(request, answers) if request.analyses else _outputs(request, answers)


def _analyses(request: Request, answers: _Answers) -> list[dict[str, Any]]:
    from .analyses.making import answer

    return answer(request, answers.progress, answers.started, answers.guard)


def _outputs(request: Request, answers: _Answers) -> dict[str, Any]:
    from .engine import engine_named, execute

    trained: dict[str, dict[str, Any]] = {}
    written = execute(
        from_document(request.document),
        lambda source: [request.sources[source.node_id]],
        request.outputs,
        progress=answers.progress,
        started=answers.started,
        guard=answers.guard,
        fitted=trained.update,
        engine=engine_named(request.engine, request.master),
        **asdict(request.settings),
    )
    listed = [
        {
            "names": [path.relative_to(each.output.directory).as_posix() for path in each.paths],
            "rows": each.rows,
            "columns": each.columns,
        }
        for each in written
    ]
    return {"written": listed, "trained": trained}


def _die_with_parent(lifeline: int, scratch: str, unfinished: Path | None) -> None:
    """When the parent is no more: take away what it cannot, and end this process and all it started."""
    with contextlib.suppress(OSError):  # A snippet may close it: then nothing holds the child.
        while os.read(lifeline, 1 << 16):
            pass
    end_leftovers(scratch)
    shutil.rmtree(scratch, ignore_errors=True)
    if unfinished:
        shutil.rmtree(unfinished, ignore_errors=True)
    os.killpg(os.getpgrp(), signal.SIGKILL)
