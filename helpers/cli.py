"""The `workshop` command: local SageMaker, and the notebooks without a browser."""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from helpers.endings import INTERRUPTED, leave_when_asked, quietly

with quietly():
    import typer
    from rich.console import Console
    from rich.table import Table

    from helpers import service

if TYPE_CHECKING:
    from helpers.page.settings import Settings

app = typer.Typer(
    help="Music recommendation with Amazon SageMaker, on AWS or on this machine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


class Platform(StrEnum):
    """Where SageMaker runs."""

    local = "local"
    sagemaker = "sagemaker"


class Scale(StrEnum):
    """How much data is generated."""

    tiny = "tiny"
    small = "small"
    full = "full"


State = Annotated[Path | None, typer.Option(help="State directory of local SageMaker (default: .workshop).")]
BAD_INPUT, FAILED = 2, 1


def _fail(message: str, code: int) -> typer.Exit:
    typer.echo(message, err=True)
    return typer.Exit(code)


@app.command()
def up(
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port (default: a free one).")] = None,
    state: State = None,
) -> None:
    """Start local SageMaker in the background; returns when it is ready."""
    running = service.start(_state(state), port)
    typer.echo(f"Local SageMaker is ready at {running.address} (state in {_shown(running.state)}).")


@app.command()
def down(state: State = None) -> None:
    """Stop local SageMaker, its jobs and its endpoints; what it stores stays."""
    was_running = service.stop(_state(state))
    typer.echo("Local SageMaker is stopped." if was_running else "Local SageMaker was not running.")


@app.command()
def status(state: State = None) -> None:
    """Show address, state directory, jobs and endpoints."""
    found = service.status(state)
    if found.address is None:
        typer.echo(f"Local SageMaker does not run (state in {_shown(found.state)}). Start it: workshop up")
        return
    typer.echo(f"Local SageMaker runs at {found.address} (state in {_shown(found.state)}).")
    table = Table("kind", "name", "status", box=None, header_style="bold")
    for kind, entries in {**found.jobs, "endpoint": found.endpoints}.items():
        for name, condition in entries:
            table.add_row(kind, name, condition)
    if table.row_count:
        Console().print(table)
    else:
        typer.echo("No jobs and no endpoints yet.")


@app.command()
def env(state: State = None) -> None:
    """Print the lines that point a shell here: eval "$(workshop env)"."""
    found = service.running(_state(state)) or service.start(_state(state))
    variables = service.environment(found)
    for name in service.unset():
        typer.echo(f"unset {name}")
    for name, value in sorted(variables.items()):
        typer.echo(f"export {name}={shlex.quote(value)}")


@app.command()
def reset(
    state: State = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Stop local SageMaker and delete everything it stores."""
    where = _state(state)
    if where.exists() and not yes and sys.stdin.isatty():
        typer.confirm(f"Delete every object, job and model in {_shown(where)}?", abort=True)
    service.reset(where)
    typer.echo("Local SageMaker is empty.")


@app.command()
def run(
    platform: Annotated[Platform, typer.Option(help="Where SageMaker runs.")] = Platform.local,
    scale: Annotated[Scale | None, typer.Option(help="How much data is generated.")] = None,
    parameter: Annotated[
        list[str] | None, typer.Option("-p", "--parameter", help="A notebook parameter, name=value (YAML).")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Where results go (default: runs/<time>).")] = None,
    state: State = None,
    in_place: Annotated[
        bool, typer.Option("--in-place", help="Refresh the notebooks themselves, with their defaults.")
    ] = False,
) -> None:
    """Run every notebook in order; keeps the executed notebooks and one HTML report."""
    from helpers import runner

    try:
        given = runner.parse_parameters(parameter or [])
        if in_place and (given or scale or platform != Platform.local or output):
            raise runner.ParameterError(
                "--in-place runs the notebooks' own defaults: give no parameters with it."
            )
        given |= {} if in_place else {"platform": platform.value} | ({"scale": scale.value} if scale else {})
        notebooks = runner.lessons()
        runner.share_out(given, notebooks)
    except (runner.ParameterError, FileNotFoundError) as error:
        raise _fail(str(error), BAD_INPUT) from error
    if state:
        os.environ["WORKSHOP_STATE"] = str(state.resolve())
    if in_place:
        # A fresh state, so that outputs do not depend on what was run before.
        with tempfile.TemporaryDirectory(prefix="workshop-") as temporary:
            os.environ["WORKSHOP_STATE"] = str(Path(temporary) / "state")
            _run(notebooks, given, Path(temporary) / "notebooks", in_place=True)
    else:
        folder = output or runner.notebooks_directory().parent / "runs" / f"{datetime.now():%Y%m%d-%H%M%S}"
        _run(notebooks, given, folder, in_place=False)


@app.command()
def playlist(
    platform: Annotated[Platform, typer.Option(help="Where SageMaker runs.")] = Platform.local,
    prefix: Annotated[str, typer.Option(help="The prefix of the notebooks.")] = "music",
    listener: Annotated[
        int | None, typer.Option(help="The userId to begin with (default: the first).")
    ] = None,
    endpoint: Annotated[str | None, typer.Option(help="The endpoint to ask (default: notebook 4's).")] = None,
    state: State = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port (default: a free one).")] = None,
    open_browser: Annotated[bool, typer.Option("--open", help="Open it in a browser.")] = False,
) -> None:
    """Open the playlist page on this machine; Ctrl-C ends it. Needs notebooks 1 to 4 to have been run."""
    from helpers.page.settings import Settings

    settings = Settings(
        platform=platform.value, prefix=prefix, listener=listener, endpoint=endpoint, state=state
    )
    _open_page(settings, port, open_browser)


def _open_page(settings: Settings, port: int | None, open_browser: bool) -> None:
    from helpers import workshop
    from helpers.page import server

    try:
        chosen = server.choose_port(port)
        connected = workshop.connect(settings.platform, settings.prefix, settings.state)
        for step in workshop.NOTEBOOK_OF_STEP:
            connected.recall(step)
    except (server.PortTaken, ValueError) as error:
        raise _fail(str(error), BAD_INPUT) from error
    except workshop.ShortError as error:
        raise _fail(str(error), FAILED) from error
    settings.hand_over()
    server.serve(
        chosen,
        lambda address: typer.echo(f"The playlist page is at {address} (Ctrl-C ends it)."),
        open_browser=open_browser,
    )


def _run(notebooks: list[Path], given: dict[str, Any], folder: Path, *, in_place: bool) -> None:
    from helpers import refresh, report, reporter, runner

    local = given.get("platform", "local") == "local"
    started_here = local and service.running(_state(None)) is None
    listener = reporter.Reporter(len(notebooks))
    results: list[runner.Result] = []
    failure: str | None = None
    code = 0
    try:
        with listener:
            results.extend(runner.run(notebooks, given, folder, listener))
        if in_place:
            refresh.refresh([result.path for result in results], notebooks)
            typer.echo("The notebooks hold the outputs of this run.")
    except (runner.RunFailed, refresh.NotFit) as error:
        failure, code = str(error), FAILED
    except KeyboardInterrupt:
        rest = (
            "Local SageMaker and its jobs are stopped."
            if started_here
            else "Jobs that run go on: workshop status"
        )
        failure, code = f"Interrupted. {rest}", INTERRUPTED
    finally:
        if started_here:
            service.stop(_state(None))
    unfinished = folder / f"{listener.name}.ipynb"
    if failure and unfinished.exists() and unfinished not in [result.path for result in results]:
        results.append(runner.Result(listener.name, unfinished, None))
    if not in_place:
        page = report.write_report(results, folder / "report.html", failure=failure)
        typer.echo(f"Notebooks and report: {_shown(page)}")
    if failure:
        raise _fail(failure, code)


def _state(state: Path | None) -> Path:
    return state if state else service.default_state()


def _shown(path: Path) -> str:
    """A path as short as it can be said from here."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def main() -> None:
    """Entry point of the `workshop` command."""
    try:
        with quietly():
            from helpers.flow.commands import app as flow_app
        leave_when_asked()
        app.add_typer(flow_app, name="flow", help="Read, check, run and draw Data Wrangler flows.")
        app()
    except KeyboardInterrupt:
        typer.echo("Interrupted.", err=True)
        sys.exit(INTERRUPTED)
    except MemoryError:
        typer.echo("error: the system gives no more memory. Look at `ulimit -v` and free memory.", err=True)
        sys.exit(BAD_INPUT)
    except service.ServiceError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(FAILED)


if __name__ == "__main__":
    main()
