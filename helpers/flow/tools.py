"""`workshop flow`: start flows, look into their steps, compare them, export them."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from .errors import FlowError
from .terminal import FlowFile, Sources, TimeLimit, fail, pairs, read_flow, said


def register(app: typer.Typer) -> None:
    """Add these commands to the app."""
    for command in (new, preview, diff, export):
        app.command()(command)


def new(
    name: Annotated[str, typer.Argument(help="Name of the flow: NAME.flow is written.", show_default=False)],
    data: Annotated[str, typer.Option(help="Name of the file it reads.")] = "data.csv",
    code: Annotated[
        bool, typer.Option("--code", help="Also write the Python program that builds it.")
    ] = False,
) -> None:
    """Write a flow to start from: a source, its types, a destination."""
    from .starting import write_new

    try:
        written = write_new(Path(name), data, code)
    except FlowError as error:
        raise fail(error) from None
    for path in written:
        typer.echo(f"{path}")


def preview(
    flow: FlowFile,
    node: Annotated[str, typer.Option(help="The step: its name or id.", show_default=False)],
    source: Sources = None,
    rows: Annotated[int, typer.Option(min=0, help="First rows to show.")] = 5,
    output_name: Annotated[
        str, typer.Option(help="One of several outputs, such as the Train of a split.")
    ] = "default",
    time_limit: TimeLimit = None,
) -> None:
    """Look at the table behind a step: how many rows, the first of them, and a profile of each column."""
    from .showing import show
    from .tasks import look

    found = read_flow(flow)
    with said():
        seen = look(found, node, pairs(source), rows, output_name, time_limit)
    show(seen, found.node(node).label)


def diff(
    first: FlowFile,
    second: FlowFile,
    source: Sources = None,
    cells: Annotated[int, typer.Option(min=1, help="Differing cells to name for each output.")] = 5,
    time_limit: TimeLimit = None,
) -> None:
    """Say what differs between two flows, and with data where their outputs differ.

    Exit code 0: equal; 1: different; 2: an error.
    """
    from .comparing import diff as compare
    from .tasks import diff_outputs

    flows = read_flow(first), read_flow(second)
    with said(broken=2):
        steps = compare(*flows)
        outputs = diff_outputs(*flows, pairs(source), cells, time_limit) if source else []
    for difference in steps:
        typer.echo(str(difference))
    if source:
        typer.echo("Their outputs on these data are " + ("different:" if outputs else "equal."))
    for difference in outputs:
        typer.echo(str(difference))
    if not steps and not outputs:
        typer.echo("The flows are equal.")
    if steps or outputs:
        raise typer.Exit(1)


class Form(StrEnum):
    """What a flow can be exported to."""

    python = "python"
    sql = "sql"
    notebook = "notebook"
    pipeline = "pipeline"


def export(
    flow: FlowFile,
    to: Annotated[Form, typer.Option(help="The form.", show_default=False)],
    source: Sources = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file to write (default: print it).")
    ] = None,
    time_limit: TimeLimit = None,
) -> None:
    """Write a flow as a Python script, as DuckDB SQL, as a notebook or as a pipeline that run it as a job.

    python and sql learn from data, as a run does, and need a --source for each of the flow's sources.
    """
    from .tasks import export as write

    found = read_flow(flow)
    with said():
        text = write(found, to.value, pairs(source), name=flow.stem, time_limit=time_limit)
    try:
        if output is not None:
            output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise fail(FlowError(f"{output} cannot be written: {error.strerror or error}.")) from None
    typer.echo(f"{output}" if output is not None else text, nl=output is not None)
