"""What the commands of `workshop flow` share: reading a flow, naming sources, saying what is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from .errors import FlowError
from .model import Flow
from .reading import read

FlowFile = Annotated[Path, typer.Argument(help="A .flow file.", show_default=False)]
Sources = Annotated[
    list[str] | None,
    typer.Option(
        "--source", help="NAME=PATH: the file or folder of a source, by data set name or node id. Repeat it."
    ),
]
Threads = Annotated[int | None, typer.Option(min=1, help="Threads (default: one a core).")]


def _memory(text: str | None) -> str | None:
    if text is not None and not re.fullmatch(r"\s*\d+(\.\d+)?\s*([KMGT]i?B?|B)\s*", text, re.IGNORECASE):
        raise typer.BadParameter(f"{text!r} is no amount of memory. Give one such as 2GB.")
    return text


Memory = Annotated[
    str | None,
    typer.Option(help="Memory limit such as 2GB; beyond it the disk is used.", callback=_memory),
]
Engine = Annotated[
    str, typer.Option(help="duckdb, or spark: for data that outgrow this machine (needs the extra [spark]).")
]
Master = Annotated[
    str | None, typer.Option(help="Spark's master, such as spark://host:7077 (default: this machine).")
]
TimeLimit = Annotated[float | None, typer.Option(min=0, help="Stop the work after this many seconds.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Do not name each step.")]


_most_problems = 100


def fail(error: FlowError) -> typer.Exit:
    """Say every problem on stderr; the exit code of bad input."""
    for problem in error.problems[:_most_problems]:
        typer.echo(f"error: {problem}", err=True)
    if len(error.problems) > _most_problems:
        typer.echo(f"error: ... and {len(error.problems) - _most_problems:,} more", err=True)
    return typer.Exit(2)


@contextmanager
def said(broken: int = 1) -> Iterator[None]:
    """What is wrong is said, and the command ends: with 2 for bad input, `broken` for a broken engine."""
    try:
        yield
    except FlowError as error:
        raise fail(error) from None
    except RuntimeError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(broken) from None


def read_flow(path: Path) -> Flow:
    """The flow in a file; what is wrong with it is said, and the command ends."""
    try:
        return read(path)
    except FlowError as error:
        raise fail(error) from None


def pairs(texts: Sequence[str] | None) -> dict[str, str]:
    """{name: path} of NAME=PATH texts. Raises FlowError."""
    found = {}
    for text in texts or []:
        name, equals, path = text.partition("=")
        if not (name and equals and path):
            example = "--source tracks.csv=data/tracks.csv"
            raise FlowError(f"--source must be NAME=PATH, not {text!r}. Example: {example}")
        found[name] = path
    return found


def progress(quiet: bool) -> Callable[[str], None] | None:
    """What tells each step on standard error, or nothing when it should be quiet."""
    return None if quiet else lambda text: typer.echo(text, err=True)
