"""Running a flow in a process of its own: it leaves nothing half-written."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from .checking import check
from .conversation import converse
from .engine import engine_named
from .errors import FlowError
from .model import Flow
from .outputs import Written, outputs_of
from .parameters import with_parameters
from .requests import Request, Settings
from .source_files import match_sources
from .time_limits import default_seconds
from .unfinished import swap, unfinished


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
    refit: bool = False,
    output_flow: str | os.PathLike[str] | None = None,
    engine: str = "duckdb",
    master: str | None = None,
) -> list[Written]:
    """Run a flow in a child process and write its outputs to folders of `output`.

    `sources` maps names of data sets (or node ids) to files or folders. With destinations each is written to
    `output/<destination name>/`; without, or with `node`, to `output/<node name or id>/`.
    `time_limit` is in seconds, `memory` like "2GB". `parameters` gives values to the flow's own
    parameters; `node_time_limit` (seconds) holds for the code of each custom step.
    `sample` takes of each source the sample that the flow's editor works on.
    Steps use what the flow's trained parameters hold for them; with `refit` they learn anew. `output_flow` is
    a .flow file to write: the flow with what its steps have used or learned.
    `engine` is "duckdb" or "spark", which runs on this machine (then `threads` are its cores and `memory` is
    its driver's) or at `master`, an address such as spark://host:7077.
    Raises FlowError; then nothing in `output` has changed.
    """
    if output_flow is not None:
        _check_writable(Path(output_flow))
    engine_named(engine, master)
    directory, given = Path(output).absolute(), flow
    flow = with_parameters(flow, parameters)
    outputs = outputs_of(flow, directory, node)
    wanted = [each.node_id for each in outputs]
    problems = check(flow, wanted)
    if problems:
        raise FlowError(problems)
    if not outputs:
        raise FlowError("The flow has nothing to write: no destination and no step with data.")
    paths = match_sources(flow, wanted, sources)
    with _new_directory(directory), _temporary() as scratch, unfinished(directory) as folder:
        moved = [replace(each, directory=folder / each.directory.name) for each in outputs]
        settings = Settings(threads, memory, node_time_limit, sample, refit)
        request = Request(flow.document, paths, settings, tuple(moved), (), engine, master, unfinished=folder)
        answer = converse(request, scratch, time_limit, progress)
        if output_flow is not None:
            _write(given.with_trained(answer["trained"]), Path(output_flow))
        swap(folder, {each.directory: final.directory for each, final in zip(moved, outputs, strict=True)})
    return [
        Written(
            final,
            tuple(final.directory / name for name in each["names"]),
            each["rows"],
            tuple(each["columns"]),
        )
        for final, each in zip(outputs, answer["written"], strict=True)
    ]


def _check_writable(target: Path) -> None:
    """Say before the work that a refitted flow cannot be written. Raises FlowError."""
    if target.suffix != ".flow" or target.is_dir():
        raise FlowError(f"The refitted flow cannot be written to {target}: name a file that ends in .flow.")
    if not os.access(target.parent, os.W_OK):
        raise FlowError(
            f"The refitted flow {target} cannot be written: {target.parent} cannot be written to."
        )


def _write(flow: Flow, target: Path) -> None:
    try:
        flow.write(target)
    except OSError as error:
        reason = error.strerror or error
        raise FlowError(f"The refitted flow {target} cannot be written: {reason}.") from None


@contextlib.contextmanager
def _new_directory(directory: Path) -> Iterator[None]:
    """Make a directory; when the work fails, take away what was made."""
    made: list[Path] = []
    try:
        made += [each for each in (directory, *directory.parents) if not each.exists()]
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


def _temporary() -> tempfile.TemporaryDirectory[str]:
    """A folder for this run's scratch files."""
    try:
        return tempfile.TemporaryDirectory(prefix="workshop-flow-", ignore_cleanup_errors=True)
    except OSError as error:
        where = "folder for temporary files (TMPDIR)"
        raise FlowError(f"The {where} cannot be written: {error.strerror or error}.") from None
