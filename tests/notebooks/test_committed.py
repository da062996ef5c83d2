"""The notebooks as they are committed: run, clean, linked, and built the same way."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbconvert.exporters import HTMLExporter

from helpers import refresh, runner, service

HERE = Path(__file__).resolve().parent
LESSONS = runner.lessons()
ALL = pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)


def read(lesson: Path) -> Any:
    return nbformat.read(lesson, as_version=4)


@ALL
def test_outputs_and_counts_are_there_in_order(lesson: Path) -> None:
    cells = [cell for cell in read(lesson).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert sum(bool(cell.outputs) for cell in cells) >= 2
    assert not [output for cell in cells for output in cell.outputs if output.output_type == "error"]


@ALL
def test_nothing_private_or_passing_is_in_an_output(lesson: Path) -> None:
    assert refresh.offences(read(lesson)) == []
    outputs = [output for cell in read(lesson).cells for output in cell.get("outputs", [])]
    assert not [output for output in outputs if output.get("name") == "stderr"]
    assert " at 0x" not in lesson.read_text()
    assert "papermill" not in lesson.read_text()


@ALL
def test_a_lesson_has_its_parts(lesson: Path) -> None:
    notebook = read(lesson)
    title = notebook.cells[1].source
    assert title.startswith(f"# {int(lesson.name[:2])}. ")
    for part in ("You will learn", "Reads", "Writes", "Minutes", "Cost on AWS", "Runs locally"):
        assert f"| **{part}** |" in title
    markdown = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    assert "\n## What you learned\n" in "\n" + markdown
    ends = (notebook.cells[0], notebook.cells[-1])
    position = LESSONS.index(lesson)
    assert {cell.source for cell in ends} == {refresh.navigation(position, LESSONS)}
    for target in re.findall(r"\]\(([^)#]+)", ends[0].source):
        assert (lesson.parent / target).exists()


@ALL
def test_parameters_are_typed_literals_with_help(lesson: Path) -> None:
    parameters = runner.parameters_of(lesson)
    assert {"platform", "prefix"} <= set(parameters)
    assert all(parameter.help for parameter in parameters.values())
    assert parameters["platform"].default == "local"


@ALL
def test_cells_are_short_and_none_asks_where_it_runs(lesson: Path) -> None:
    for cell in read(lesson).cells:
        if cell.cell_type != "code":
            continue
        assert len(cell.source.splitlines()) <= 30
        if "parameters" not in cell.metadata.get("tags", []):
            uses = re.findall(r"\bplatform\b", cell.source)
            assert not uses or "workshop.connect(platform, prefix)" in cell.source
        if "nbval-ignore-output" in cell.metadata.get("tags", []):
            assert cell.source.startswith("# The output is not compared: ")


@ALL
def test_nbconvert_shows_it(lesson: Path) -> None:
    body, _ = HTMLExporter().from_notebook_node(read(lesson))
    assert "What you learned" in body


def nbval(*arguments: str | Path, state: Path) -> subprocess.CompletedProcess[str]:
    """Run nbval with our settings in a process of its own."""
    environment = {**os.environ, "WORKSHOP_STATE": str(state), "PYTHONPATH": str(HERE)}
    return subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-c", str(HERE / "nbval.ini"), "-q"),
            *("--nbval-sanitize-with", str(HERE / "sanitize.cfg")),
            *map(str, arguments),
        ],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_nbval_compares_text_and_forgives_what_it_should(tmp_path: Path) -> None:
    """A wrong text fails; other HTML, another picture or a warning does not."""
    code = (
        "import sys; print('said'); print('warned', file=sys.stderr)\n"
        "from IPython.display import HTML; HTML('<b>x</b>')"
    )
    for name, said in (("right", "said\n"), ("wrong", "unsaid\n")):
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code, execution_count=1)])
        shown = {"text/plain": "<IPython.core.display.HTML object>", "text/html": "<b>other</b>"}
        notebook.cells[0].outputs = [
            nbformat.v4.new_output("stream", name="stdout", text=said),
            nbformat.v4.new_output("execute_result", data=shown, execution_count=1),
        ]
        nbformat.write(notebook, tmp_path / f"{name}.ipynb")
    right = nbval(tmp_path / "right.ipynb", state=tmp_path / "state")
    assert right.returncode == 0, right.stdout
    wrong = nbval(tmp_path / "wrong.ipynb", state=tmp_path / "state")
    assert wrong.returncode == 1
    assert "unsaid" in wrong.stdout


@pytest.mark.notebooks
def test_running_the_notebooks_again_gives_the_committed_outputs(tmp_path: Path) -> None:
    folder = tmp_path / "workshop" / "notebooks"
    shutil.copytree(runner.notebooks_directory(), folder, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    state = tmp_path / "state"
    try:
        done = nbval(*sorted(folder.glob("*.ipynb")), state=state)
    finally:
        service.stop(state)
    assert done.returncode == 0, done.stdout[-8000:]
    cells = sum(cell.cell_type == "code" for lesson in LESSONS for cell in read(lesson).cells)
    assert f"{cells} passed" in done.stdout
