"""`workshop flow`: run, analyze, check and draw Data Wrangler flows; `tools` adds the other commands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import tools
from .checking import check as find_problems
from .errors import FlowError
from .parameters import read_parameter
from .terminal import Engine, FlowFile, Master, Memory, Quiet, Sources, Threads, TimeLimit, progress, said
from .terminal import fail as _fail
from .terminal import pairs as _pairs
from .terminal import read_flow as _read
from .time_limits import default_seconds

app = typer.Typer(
    help="Run, check, draw, compare and export Data Wrangler flows.",
    no_args_is_help=True,
    add_completion=False,
)
tools.register(app)


@app.command()
def run(
    flow: FlowFile,
    output: Annotated[Path, typer.Option(help="Folder for the results.", show_default=False)],
    source: Sources = None,
    node: Annotated[str | None, typer.Option(help="Write the output of this node (name or id) only.")] = None,
    threads: Threads = None,
    memory: Memory = None,
    time_limit: TimeLimit = None,
    parameter: Annotated[
        list[str] | None, typer.Option(help="NAME=VALUE: a value for a parameter of the flow. Repeat it.")
    ] = None,
    node_time_limit: Annotated[
        float, typer.Option(min=0, help="Stop the code of a custom step after this many seconds (0: never).")
    ] = default_seconds,
    sample: Annotated[
        bool, typer.Option("--sample", help="Read only the sample that the flow's editor works on.")
    ] = False,
    refit: Annotated[
        bool, typer.Option("--refit", help="Learn anew instead of using the flow's trained parameters.")
    ] = False,
    output_flow: Annotated[
        Path | None, typer.Option(help="Also write the flow with what its steps have learned to this file.")
    ] = None,
    engine: Engine = "duckdb",
    master: Master = None,
    quiet: Quiet = False,
) -> None:
    """Run a flow: each destination (without any: each last step) becomes a folder with a file in it."""
    from .running import run as run_flow

    read_flow = _read(flow)
    with said():
        sources = _pairs(source)
        written = run_flow(
            read_flow,
            sources,
            output,
            node=node,
            threads=threads,
            memory=memory,
            time_limit=time_limit,
            parameters=dict(read_parameter(each) for each in parameter or []),
            node_time_limit=node_time_limit or None,
            sample=sample,
            refit=refit,
            output_flow=output_flow,
            engine=engine,
            master=master,
            progress=progress(quiet),
        )
    for each in written:
        for path in each.paths:
            typer.echo(f"{path}  {each.rows:,} rows, {len(each.columns)} columns")
    if output_flow:
        typer.echo(f"{output_flow}")


@app.command()
def analyze(
    flow: FlowFile,
    output: Annotated[Path, typer.Option(help="Folder for the pictures and numbers.", show_default=False)],
    source: Sources = None,
    node: Annotated[str | None, typer.Option(help="Make this analysis (name or id) only.")] = None,
    threads: Threads = None,
    memory: Memory = None,
    time_limit: TimeLimit = None,
    quiet: Quiet = False,
) -> None:
    """Make a flow's analyses: a picture (PNG, SVG) and numbers (JSON) each, a report's page (HTML)."""
    from .analyzing import analyze_to

    read_flow = _read(flow)
    with said():
        made = analyze_to(
            read_flow,
            _pairs(source),
            output,
            node=node,
            threads=threads,
            memory=memory,
            time_limit=time_limit,
            progress=progress(quiet),
        )
    for path in made.paths:
        typer.echo(f"{path}")
    if made.problems:
        raise _fail(FlowError(made.problems))


@app.command()
def check(flow: FlowFile) -> None:
    """Say what is wrong with a flow, without running it."""
    found = _read(flow)
    problems = find_problems(found)
    if problems:
        raise _fail(FlowError(problems))
    skipped = sum(node.type == "VISUALIZATION" for node in found.nodes)
    note = f" (and {skipped} analys{'es' if skipped > 1 else 'is'}, which a run skips)" if skipped else ""
    typer.echo(f"{flow} can run: {len(found.nodes) - skipped} steps{note}.")


@app.command()
def draw(
    flow: FlowFile,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Picture: .svg or .png.")] = None,
) -> None:
    """Draw a flow as a picture, SVG or PNG by the file's ending (default: beside the flow, as SVG)."""
    from .drawing import draw as draw_flow

    target = output or flow.with_suffix(".svg")
    try:
        draw_flow(_read(flow), target)
    except FlowError as error:
        raise _fail(error) from None
    typer.echo(f"{target}")
