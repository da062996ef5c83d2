"""README's commands do what it says: each is run for real, or checked as far as a test reasonably can."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from helpers import cli, dataset, refresh, runner

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"(<!-- run -->\n)?```bash\n(.*?)```", re.DOTALL)
BLOCKS = [(bool(marked), text) for marked, text in BLOCK.findall(README)]
REAL = [text for marked, text in BLOCKS if marked]
OTHERS = [line for marked, text in BLOCKS if not marked for line in text.splitlines() if line.strip()]


@pytest.mark.parametrize("script", REAL)
def test_marked_blocks_run(script: str, tmp_path: Path) -> None:
    # The commands of this environment, wherever it lies; files that a command writes go to a copy.
    shutil.copytree(ROOT / "notebooks" / "flows", tmp_path / "notebooks" / "flows")
    script = script.replace(".venv/bin/workshop", shlex.quote(str(workshop_command())))
    environment = {**os.environ, "WORKSHOP_STATE": str(tmp_path / "state")}
    try:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        if "workshop up" in script or " up " in script:
            assert "ready at http://127.0.0.1:" in done.stdout
            assert done.stdout.rstrip().endswith("Local SageMaker is empty.")
        if "flow.svg" in script:
            assert (tmp_path / "flow.svg").read_text().count("<rect") > 10
    finally:
        subprocess.run([workshop_command(), "down"], env=environment, capture_output=True, check=True)


def workshop_command() -> Path:
    """The `workshop` command of the interpreter that runs the tests."""
    return Path(sys.executable).parent / "workshop"


@pytest.mark.parametrize("line", OTHERS)
def test_every_other_command_is_right(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    words = shlex.split(line, comments=True)
    if words[0] == "make":
        done = subprocess.run(
            ["make", "-n", *words[1:]], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    elif words[0] == ".venv/bin/workshop":
        calls: list[Any] = []
        for work in ("_run", "_open_page"):
            monkeypatch.setattr(cli, work, lambda *args, **options: calls.append((args, options)))
        result = CliRunner().invoke(cli.app, words[1:])
        assert result.exit_code == 0, result.output
        assert calls
    elif words[0] == ".venv/bin/jupyter":
        assert (Path(workshop_command()).parent / "jupyter").exists()
        assert (ROOT / words[-1]).exists()
    elif words[:2] == ["pip", "install"]:
        assert words[2:] == ["-e", "."]
    elif words[0] == "conda":
        environment = (ROOT / "environment.yml").read_text()
        assert words[-1] == "environment.yml" or f"name: {words[-1]}\n" in environment
    else:
        assert words[0] in {"git", "cd"}, f"no test for this command of README: {line}"


def test_every_column_of_both_tables_is_described(tmp_path: Path) -> None:
    described = set(re.findall(r"^\| `(\w+)` \|", README, re.MULTILINE))
    data = dataset.load(scale="tiny", directory=tmp_path, progress=False)
    columns = {*dataset.read_tracks(data.tracks).columns, *dataset.read_ratings(data.ratings).columns}
    assert described == columns


def test_every_notebook_is_in_the_table_with_its_minutes_and_cost() -> None:
    for lesson in runner.lessons():
        (row,) = re.findall(
            rf"^\| \[{lesson.stem}\]\(notebooks/{lesson.name}\) \|(.*)\|$", README, re.MULTILINE
        )
        cells = [cell.strip() for cell in row.split("|")]
        assert len(cells) == 5
        assert all(cells)


def test_links_and_pictures_lead_somewhere_and_pictures_say_what_they_show() -> None:
    for text, target in re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", README):
        assert len(text) > 40, f"{target} needs a text for those who cannot see it"
        assert (ROOT / target).stat().st_size < 300_000
    anchors = {
        re.sub(r"[^\w -]", "", title).lower().replace(" ", "-")
        for title in re.findall(r"^#+ (.*)$", README, re.M)
    }
    for target in re.findall(r"(?<!!)\[[^\]]+\]\(([^)]+)\)", README):
        if target.startswith("#"):
            assert target[1:] in anchors
        elif not target.startswith("https://"):
            assert (ROOT / target).exists(), target


def test_the_notebooks_lead_back_to_the_table_of_contents() -> None:
    assert "README.md#the-notebooks" in refresh.navigation(0, runner.lessons())
    assert "\n## The notebooks\n" in README
