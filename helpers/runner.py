"""Runs the notebooks in order with papermill: typed parameters, progress, an honest stop at the first
failure.
"""

from __future__ import annotations

import ast
import logging
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, ClassVar, Protocol
from weakref import WeakSet

import nbformat
import papermill
import yaml
import zmq
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError

# One heading's worth of text, to say where in a notebook the run is.
_HEADING_LENGTH = 60


class ParameterError(ValueError):
    """A parameter the notebooks do not have, or a value of another type than theirs."""


class RunFailed(RuntimeError):
    """A cell raised: `notebook` (file name), `cell` (its execution count), `section`, and the error's
    text.
    """

    def __init__(self, notebook: str, cell: int, section: str, error: str) -> None:
        self.notebook, self.cell, self.section, self.error = notebook, cell, section, error
        super().__init__(f"{notebook} stopped in cell [{cell}], under “{section}”: {error}")


class Listener(Protocol):
    """Who is told how a run is doing."""

    def notebook_started(self, name: str, cells: int) -> None:
        """A notebook with this many code cells begins."""

    def cell_started(self, number: int, section: str) -> None:
        """Code cell `number` (from 1) begins, under the heading `section`."""

    def notebook_finished(self, name: str, seconds: float) -> None:
        """The notebook ran to its end."""


@dataclass(frozen=True)
class Parameter:
    """A parameter of a notebook: its name, default value and the comment that explains it."""

    name: str
    default: Any
    help: str


@dataclass(frozen=True)
class Result:
    """An executed notebook: where it lies and how long it took, in seconds (None: it did not reach its
    end).
    """

    notebook: str
    path: Path
    seconds: float | None


class EnvironmentKernel(AsyncKernelManager):
    """The IPython kernel of this very interpreter, whatever kernels the user has installed under any name."""

    started: ClassVar[WeakSet[EnvironmentKernel]] = WeakSet()
    # Where kernels write their stderr; with None, where this process does.
    complaints: ClassVar[IO[bytes] | None] = None

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.started.add(self)
        if self.has_trait("transport_encryption") and zmq.has("curve"):
            self.transport_encryption = (
                "auto"  # newer kernels warn when others on the machine could listen in
            )

    @property
    def kernel_spec(self) -> KernelSpec:
        """A specification that no file on this machine can change."""
        return KernelSpec(
            argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            display_name="Python 3 (ipykernel)",
            language="python",
            metadata={"debugger": True, "supported_encryption": ["curve"]},
        )

    async def start_kernel(self, **options: Any) -> None:  # type: ignore[override]
        """Start the kernel with its stderr in `complaints`; what cells write comes as output all the same."""
        apart = {"stderr": self.complaints} if self.complaints else {}
        await self._async_start_kernel(**apart, **options)

    @classmethod
    def kill_all(cls) -> None:
        """End every kernel of this process at once: after an interrupt nobody is left to ask them
        politely.
        """
        for manager in list(cls.started):
            process = getattr(manager.provisioner, "process", None)
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()


def notebooks_directory() -> Path:
    """`notebooks/` of the checkout this package lies in, else of the working directory."""
    beside = Path(__file__).resolve().parent.parent / "notebooks"
    return beside if beside.is_dir() else Path.cwd() / "notebooks"


def lessons(directory: Path | None = None) -> list[Path]:
    """The notebooks of the workshop in their order. Raises FileNotFoundError when there are none."""
    folder = directory or notebooks_directory()
    found = sorted(folder.glob("[0-9][0-9]_*.ipynb"))
    if not found:
        raise FileNotFoundError(f"There are no notebooks in {folder}: run this from the workshop's checkout.")
    return found


def parameters_of(notebook: Path) -> dict[str, Parameter]:
    """The parameters of a notebook, from the literals of its cell tagged `parameters`."""
    found = papermill.inspect_notebook(str(notebook))
    return {
        name: Parameter(name, ast.literal_eval(entry["default"]), entry["help"] or "")
        for name, entry in found.items()
    }


def parse_parameters(pairs: Sequence[str]) -> dict[str, Any]:
    """`["seed=1", "flag=false"]` with values read as YAML. Raises ParameterError for a pair without `=`."""
    parsed: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.isidentifier():
            raise ParameterError(f"{pair!r} is no parameter; write it as name=value, for example seed=1.")
        try:
            parsed[name] = yaml.safe_load(value) if value else ""
        except yaml.YAMLError as error:
            raise ParameterError(f"The value of {name} is not YAML: {value!r}. Put it in quotes.") from error
    return parsed


def share_out(given: Mapping[str, Any], notebooks: Sequence[Path]) -> dict[Path, dict[str, Any]]:
    """Each notebook's part of `given`: the parameters it has. Raises ParameterError, naming the known
    ones.
    """
    known = {notebook: parameters_of(notebook) for notebook in notebooks}
    everything = {name: parameter for parameters in known.values() for name, parameter in parameters.items()}
    unknown = [name for name in given if name not in everything]
    if unknown:
        raise ParameterError(
            f"No notebook has a parameter {', '.join(map(repr, unknown))}. "
            f"The known ones are {', '.join(sorted(everything))}."
        )
    checked = {name: _as_type_of(everything[name], value) for name, value in given.items()}
    return {
        notebook: {name: value for name, value in checked.items() if name in parameters}
        for notebook, parameters in known.items()
    }


def _as_type_of(parameter: Parameter, value: Any) -> Any:
    """`value`, when it has the type of the parameter's default (an int also serves as a float)."""
    expected = type(parameter.default)
    if parameter.default is None or type(value) is expected:
        return value
    if expected is float and type(value) is int:
        return float(value)
    raise ParameterError(
        f"{parameter.name} must be {_article(expected)}, like its default {parameter.default!r}; "
        f"{value!r} is {_article(type(value))}."
    )


def _article(kind: type) -> str:
    return {"int": "a whole number", "float": "a number", "str": "text", "bool": "true or false"}.get(
        kind.__name__, f"a {kind.__name__}"
    )


def run(
    notebooks: Sequence[Path], given: Mapping[str, Any], output: Path, listener: Listener
) -> Iterator[Result]:
    """Execute the notebooks one after another, into `output`; yields each as it is done.

    A notebook's working directory is its own folder. An executed notebook is kept even when it failed.
    Raises ParameterError before anything runs, RunFailed at the first cell that raises.
    """
    parts = share_out(given, notebooks)
    output.mkdir(parents=True, exist_ok=True)
    for notebook in notebooks:
        started = time.monotonic()
        target = output.resolve() / notebook.name
        execute(notebook, target, parts[notebook], listener)
        seconds = time.monotonic() - started
        listener.notebook_finished(notebook.stem, seconds)
        yield Result(notebook.stem, target, seconds)


def execute(notebook: Path, target: Path, parameters: Mapping[str, Any], listener: Listener) -> None:
    """Execute one notebook with the environment's own kernel, saving it to `target` cell by cell."""
    code_cells = sum(cell.cell_type == "code" for cell in nbformat.read(notebook, as_version=4).cells)  # type: ignore[no-untyped-call]
    listener.notebook_started(notebook.stem, code_cells)
    place = _Place()

    def cell_started(cell: Any, cell_index: int) -> None:
        del cell_index
        if place.enter(cell):
            listener.cell_started(place.number, place.section)

    with _quiet_kernels(target.with_suffix(".log")):
        try:
            papermill.execute_notebook(
                str(notebook.resolve()),
                str(target.resolve()),
                parameters=dict(parameters),
                kernel_name="python3",
                language="python",
                progress_bar=False,
                cwd=str(notebook.resolve().parent),
                kernel_manager_class=EnvironmentKernel,
                on_cell_start=cell_started,
            )
        except PapermillExecutionError as error:
            message = f"{error.ename}: {error.evalue}"
            raise RunFailed(notebook.name, error.exec_count or place.number, place.section, message) from None
        except DeadKernelError:
            message = "the kernel died. Was there too little memory? Try a smaller scale."
            raise RunFailed(notebook.name, place.number, place.section, message) from None
        except KeyboardInterrupt:
            # The cell that was at work ends with its kernel; asyncio would print that nobody asked how.
            logging.getLogger("asyncio").setLevel(logging.CRITICAL)
            EnvironmentKernel.kill_all()
            raise


class _Place:
    """Where in a notebook a run is: the number of the code cell and the heading above it."""

    def __init__(self) -> None:
        self.number, self.section = 0, "the beginning"

    def enter(self, cell: Any) -> bool:
        """Go to `cell`; says whether it is a code cell."""
        if cell.cell_type == "markdown":
            headings = [line.lstrip("# ") for line in cell.source.splitlines() if line.startswith("#")]
            self.section = headings[-1][:_HEADING_LENGTH] if headings else self.section
        elif cell.cell_type == "code":
            self.number += 1
            return True
        return False


@contextmanager
def _quiet_kernels(log: Path) -> Iterator[None]:
    """Kernels speak UTF-8, whatever the shell was set to, and complain into `log`; kept when anything is in
    it. They know the folder of the run, for what a notebook links to must lie beside its executed copy.
    """
    wanted = {
        "PYTHONUTF8": "1",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "WORKSHOP_RUN": str(log.parent.resolve()),
    }
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        with log.open("wb") as EnvironmentKernel.complaints:
            yield
    finally:
        EnvironmentKernel.complaints = None
        if log.stat().st_size == 0:
            log.unlink()
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
