"""Running a flow in a process of its own: it can be stopped at any moment and leaves nothing half-written.

The child (`python -m helpers.flow`) gets one JSON request on its standard input and answers with one JSON
object a line. It ends when its input closes: no child outlives the process that asked for it.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .checking import check, plan
from .errors import FlowError, Problem
from .model import Flow, Node, SourceNode
from .operators import resolve
from .operators.destinations import OutputConfig, S3Destination
from .outputs import Output, Written
from .parameters import with_parameters
from .time_limits import default_seconds, late, patience


def outputs_of(flow: Flow, directory: Path, node: str | None = None) -> list[Output]:
    """What a run writes: one node's output when asked for, else every destination, else every leaf."""
    nodes = [flow.node(node)] if node is not None else [*flow.destinations()] or flow.leaves()
    folders: dict[str, Output] = {}
    for each in nodes:
        for name in _written_outputs(each):
            folder = re.sub(
                r"[^a-zA-Z0-9!.*'_-]", "-", each.label if name == "default" else f"{each.label}-{name}"
            )
            if folder in folders or folder.strip(".") == "":
                folder = f"{folder}-{each.node_id}"
            operator, _ = resolve(each)
            config = operator.output_config if isinstance(operator, S3Destination) else OutputConfig()
            folders[folder] = Output(
                each.node_id,
                name,
                directory / folder,
                config.output_content_type,
                config.delimiter,
                config.compression,
                config.partitions,
                config.folders,
            )
    return list(folders.values())


def _written_outputs(node: Node) -> list[str]:
    operator, _ = resolve(node)
    names = list(operator.outputs()) if operator else ["default"]
    return [name for name in names if name != "default"] or ["default"]


def match_sources(
    flow: Flow, wanted: Sequence[str], sources: Mapping[str, str | os.PathLike[str]]
) -> dict[str, Path]:
    """{node id: path} of the sources these nodes need. Raises FlowError for names that do not fit."""
    paths: dict[str, Path] = {}
    problems = []
    for name, path in sources.items():
        found = [
            node.node_id
            for node in flow.sources()
            if name in (node.node_id, node.name, node.dataset_name, node.uri)
        ]
        if not found:
            known = ", ".join(node.label for node in flow.sources()) or "none"
            problems.append(Problem(f"The flow has no source '{name}'", f"Its sources: {known}."))
        elif not Path(path).exists():
            problems.append(Problem(f"The file {path} of source '{name}' does not exist"))
        paths |= {node_id: Path(path) for node_id in found}
    for node in plan(flow, wanted):
        if isinstance(node, SourceNode) and node.node_id not in paths and not problems:
            given = f"--source {node.dataset_name}=PATH"
            problems.append(Problem(f"Source '{node.label}' has no file", f"Name one: {given}."))
    if problems:
        raise FlowError(problems)
    return paths


def run(
    flow: Flow,
    sources: Mapping[str, str | os.PathLike[str]],
    output: str | os.PathLike[str],
    *,
    node: str | None = None,
    threads: int | None = None,
    memory: str | None = None,
    time_limit: float | None = None,
    progress: Callable[[str], None] | None = None,
    parameters: Mapping[str, Any] | None = None,
    node_time_limit: float | None = default_seconds,
    sample: bool = False,
) -> list[Written]:
    """Run a flow in a child process and write its outputs to folders of `output`.

    `sources` maps names of data sets (or node ids) to files or folders. With destinations each is written to
    `output/<destination name>/`; without, or with `node`, to `output/<node name or id>/`.
    `time_limit` is in seconds, `memory` like "2GB". `parameters` gives values to the flow's own
    parameters; `node_time_limit` (seconds) holds for the code of each custom step.
    `sample` takes of each source the sample that the flow's editor works on.
    Raises FlowError; then nothing in `output` has changed.
    """
    directory = Path(output).absolute()
    flow = with_parameters(flow, parameters)
    outputs = outputs_of(flow, directory, node)
    wanted = [each.node_id for each in outputs]
    problems = check(flow, wanted)
    if problems:
        raise FlowError(problems)
    if not outputs:
        raise FlowError("The flow has nothing to write: no destination and no step with data.")
    paths = match_sources(flow, wanted, sources)
    with (
        _new_directory(directory),
        tempfile.TemporaryDirectory(prefix="workshop-flow-") as scratch,
        tempfile.TemporaryDirectory(prefix=".unfinished-", dir=directory) as unfinished,
    ):
        moved = [
            Output(**{**asdict(each), "directory": Path(unfinished) / each.directory.name})
            for each in outputs
        ]
        request = {
            "flow": flow.document,
            "sources": {node_id: str(path.absolute()) for node_id, path in paths.items()},
            "outputs": [{**asdict(each), "directory": str(each.directory)} for each in moved],
            "threads": threads,
            "memory": memory,
            "node_time_limit": node_time_limit,
            "sample": sample,
        }
        answers = converse(request, scratch, time_limit, progress)
        for each, final in zip(moved, outputs, strict=True):
            _swap(each.directory, final.directory, Path(unfinished))
    return [
        Written(
            final,
            tuple(final.directory / name for name in answer["names"]),
            answer["rows"],
            tuple(answer["columns"]),
        )
        for final, answer in zip(outputs, answers, strict=True)
    ]


@contextlib.contextmanager
def _new_directory(directory: Path) -> Iterator[None]:
    """Make a directory; when the work fails, take away what was made."""
    made = [each for each in (directory, *directory.parents) if not each.exists()]
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FlowError(f"The output folder {directory} cannot be made: {error.strerror or error}.") from None
    try:
        yield
    except BaseException:
        for each in made:
            with contextlib.suppress(OSError):
                each.rmdir()
        raise


def _swap(new: Path, final: Path, bin_: Path) -> None:
    if final.exists() or final.is_symlink():
        final.rename(bin_ / f"old-{final.name}")
    new.rename(final)


@dataclass
class _Child:
    """What the child has said so far."""

    at: str = ""
    written: list[dict[str, Any]] | None = None
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
    request: Mapping[str, Any], scratch: str, time_limit: float | None, progress: Callable[[str], None] | None
) -> list[dict[str, Any]]:
    """Ask a child process for a run or for analyses, and give its answers back. Raises FlowError."""
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
            process.stdin.write(json.dumps(request).encode() + b"\n")
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
    if said.written is not None:
        return said.written
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
    elif "written" in answer:
        said.written = answer["written"]
    else:
        said.crash = str(answer.get("crash"))


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def child() -> int:
    """The child's side: read the request, run, answer. Exit code 0, or 2 for a FlowError."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # What a snippet prints past Python's own streams must not break the conversation.
    request = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_die_with_parent, daemon=True).start()

    def say(**answer: Any) -> None:
        answers.write(json.dumps(answer) + "\n")
        answers.flush()

    import traceback

    from .engine import execute

    at: list[Node] = []

    def started(node: Node) -> None:
        at[:] = [node]
        say(at=node.label)

    def guard(seconds: float | None) -> None:
        node = at[0]
        problem = late(seconds).at(node.label, node.operator) if seconds else None
        say(limit=seconds, problem=asdict(problem) if problem else None)

    from .reading import from_document

    try:
        if "analyses" in request:
            from .analyses.making import answer

            say(written=answer(request, lambda text: say(progress=text), started, guard))
            return 0
        written = execute(
            from_document(request["flow"]),
            lambda source: [Path(request["sources"][source.node_id])],
            [_output(each) for each in request["outputs"]],
            threads=request["threads"],
            memory=request["memory"],
            progress=lambda text: say(progress=text),
            started=started,
            node_time_limit=request["node_time_limit"],
            guard=guard,
            sample=request["sample"],
        )
    except FlowError as error:
        say(problems=[asdict(problem) for problem in error.problems])
        return 2
    except Exception:  # noqa: BLE001  (whatever breaks is reported by the parent)
        say(crash=traceback.format_exc())
        return 1
    say(
        written=[
            {
                "names": [path.relative_to(each.output.directory).as_posix() for path in each.paths],
                "rows": each.rows,
                "columns": each.columns,
            }
            for each in written
        ]
    )
    return 0


def _output(asked: Mapping[str, Any]) -> Output:
    listed = tuple(asked["partition_by"])
    return Output(**{**asked, "directory": Path(asked["directory"]), "partition_by": listed})


def _die_with_parent() -> None:
    sys.stdin.buffer.read()
    with contextlib.suppress(OSError):
        shutil.rmtree(os.environ["TMPDIR"], ignore_errors=True)
    os.killpg(os.getpgrp(), signal.SIGKILL)
