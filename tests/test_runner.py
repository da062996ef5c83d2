"""Running notebooks headless: parameters, kernels, failures, interrupts and the report."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

from helpers import report, runner

PARAMETERS = (
    'platform: str = "local"  # where\nseed: int = 0  # which data\nrate: float = 0.5\nkeep: bool = True'
)


class Silent:
    """A listener that only takes notes."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def notebook_started(self, name: str, cells: int) -> None:
        self.notes.append(f"{name}: {cells}")

    def cell_started(self, number: int, section: str) -> None:
        self.notes.append(f"{number} {section}")

    def notebook_finished(self, name: str, seconds: float) -> None:
        assert seconds > 0
        self.notes.append(f"{name} done")


def write(folder: Path, name: str, *cells: str, parameters: str = PARAMETERS) -> Path:
    """A notebook with a heading, a parameters cell and these code cells."""
    notebook = nbformat.v4.new_notebook()
    tagged = nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]})
    notebook.cells = [nbformat.v4.new_markdown_cell("# The lesson"), tagged]
    notebook.cells += [nbformat.v4.new_code_cell(cell) for cell in cells]
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    path = folder / name
    nbformat.write(notebook, path)
    return path


def outputs(path: Path) -> str:
    """Everything the notebook printed."""
    cells = nbformat.read(path, as_version=4).cells
    return "".join(output.get("text", "") for cell in cells for output in cell.get("outputs", []))


def test_parameters_are_typed_and_reach_the_notebook(tmp_path: Path) -> None:
    lesson = write(tmp_path, "01_a.ipynb", "print(repr(seed), repr(rate), repr(keep))")
    given = runner.parse_parameters(["seed=7", "keep=false", "rate=1"])
    (result,) = runner.run([lesson], given, tmp_path / "runs", Silent())
    assert outputs(result.path) == "7 1.0 False\n"


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        ("sed=1", r"No notebook has a parameter 'sed'.*keep, platform, rate, seed"),
        ("seed=lots", "seed must be a whole number.*'lots' is text"),
        ("keep=1", "keep must be true or false"),
        ("seed", "name=value"),
        ("seed=[", "not YAML"),
    ],
)
def test_a_wrong_parameter_is_an_error_before_anything_runs(tmp_path: Path, pair: str, message: str) -> None:
    lesson = write(tmp_path, "01_a.ipynb", "print(1)")
    with pytest.raises(runner.ParameterError, match=message):
        list(runner.run([lesson], runner.parse_parameters([pair]), tmp_path / "runs", Silent()))
    assert not (tmp_path / "runs").exists()


def test_a_parameter_goes_only_to_the_notebooks_that_have_it(tmp_path: Path) -> None:
    one = write(tmp_path, "01_a.ipynb")
    other = write(tmp_path, "02_b.ipynb", parameters='listener: int = 0\nplatform: str = "local"')
    shares = runner.share_out({"listener": 3, "seed": 1, "platform": "local"}, [one, other])
    assert shares == {
        one: {"seed": 1, "platform": "local"},
        other: {"listener": 3, "platform": "local"},
    }


def test_a_run_stops_at_the_first_failure_and_keeps_what_was_run(tmp_path: Path) -> None:
    first = write(tmp_path, "01_a.ipynb", "print('fine')", "1 / 0", "print('never')")
    second = write(tmp_path, "02_b.ipynb", "print('never')")
    listener = Silent()
    with pytest.raises(runner.RunFailed) as caught:
        list(runner.run([first, second], {}, tmp_path / "runs", listener))
    assert str(caught.value) == (
        "01_a.ipynb stopped in cell [3], under “The lesson”: ZeroDivisionError: division by zero"
    )
    assert outputs(tmp_path / "runs" / "01_a.ipynb") == "fine\n"
    assert not (tmp_path / "runs" / "02_b.ipynb").exists()
    assert listener.notes == ["01_a: 4", "1 The lesson", "2 The lesson", "3 The lesson"]


def test_a_kernel_that_dies_is_a_failure_with_a_way_on(tmp_path: Path) -> None:
    lesson = write(tmp_path, "01_a.ipynb", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    with pytest.raises(runner.RunFailed, match=r"01_a.ipynb stopped in cell \[2\].*the kernel died"):
        list(runner.run([lesson], {}, tmp_path / "runs", Silent()))


def test_lessons_come_in_order_and_none_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no notebooks"):
        runner.lessons(tmp_path)
    for name in ("99_z.ipynb", "02_b.ipynb", "01_a.ipynb", "scratch.ipynb"):
        write(tmp_path, name)
    assert [path.name for path in runner.lessons(tmp_path)] == ["01_a.ipynb", "02_b.ipynb", "99_z.ipynb"]


DRIVER = """
import sys
from pathlib import Path
from helpers import runner
from helpers.reporter import Reporter

with Reporter(1) as reporter:
    list(runner.run([Path(sys.argv[1])], {}, Path(sys.argv[2]), reporter))
"""


def drive(lesson: Path, target: Path, **environment: str) -> subprocess.Popen[str]:
    """Run a notebook in a process of its own, as the command does."""
    return subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(lesson), str(target)],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_the_kernel_is_this_interpreter_even_beside_a_broken_one_of_the_user(tmp_path: Path) -> None:
    home = tmp_path / "home"
    for data in (home / ".local" / "share" / "jupyter", home / "Library" / "Jupyter"):
        broken = data / "kernels" / "python3"
        broken.mkdir(parents=True)
        spec = {
            "argv": ["/nonexistent/python", "-f", "{connection_file}"],
            "display_name": "x",
            "language": "python",
        }
        (broken / "kernel.json").write_text(json.dumps(spec))
    lesson = write(tmp_path, "01_a.ipynb", "import sys; print(sys.executable)")
    process = drive(lesson, tmp_path / "runs", HOME=str(home), JUPYTER_PREFER_ENV_PATH="0")
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert outputs(tmp_path / "runs" / "01_a.ipynb").strip() == sys.executable
    assert "1/1 01_a: 2 cells" in out  # plain lines without a terminal
    assert "✔ 01_a" in out


def test_an_interrupt_ends_the_run_and_its_kernel(tmp_path: Path) -> None:
    mark = tmp_path / "kernel.pid"
    code = (
        f"import os, time, pathlib; pathlib.Path({str(mark)!r}).write_text(str(os.getpid())); time.sleep(300)"
    )
    process = drive(write(tmp_path, "01_a.ipynb", code), tmp_path / "runs")
    try:
        deadline = time.monotonic() + 60
        while not (mark.exists() and mark.read_text()):
            assert time.monotonic() < deadline, "the cell did not start"
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode != 0
    deadline = time.monotonic() + 10
    while Path(f"/proc/{mark.read_text()}").exists():
        assert time.monotonic() < deadline, "the kernel outlived the run"
        time.sleep(0.1)


def test_the_report_holds_every_notebook_and_its_pictures_and_calls_nobody(tmp_path: Path) -> None:
    code = (
        "import matplotlib\nmatplotlib.use('module://matplotlib_inline.backend_inline')\n"
        "from matplotlib.figure import Figure\nfigure = Figure(); figure.add_subplot().plot([1, 2]); figure"
    )
    lessons = [write(tmp_path, "01_a.ipynb", code), write(tmp_path, "02_b.ipynb", "print('second')")]
    results = list(runner.run(lessons, {}, tmp_path / "runs", Silent()))
    page = report.write_report(
        results, tmp_path / "runs" / "report.html", failure="It stopped <here>."
    ).read_text()
    assert page.count("data:image/png;base64") == 1
    assert "second" in page
    assert 'href="#02_b"' in page
    assert "It stopped" in page
    for tag in ('<script src="http', '<link rel="stylesheet" href="http', "import('http", 'from "http'):
        assert tag not in page
