"""`workshop flow`: start flows, look into their steps, compare them, export them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .errors import FlowError
from .terminal import fail


def register(app: typer.Typer) -> None:
    """Add these commands to the app."""
    for command in (new,):
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
