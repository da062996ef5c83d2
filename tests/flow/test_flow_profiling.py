"""A look at any step: schema, first rows, row count, and a profile of each column."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from rich.console import Console
from typer.testing import CliRunner

from helpers import flow
from helpers.flow.commands import app
from helpers.flow.profiling import figures
from helpers.flow.showing import show

SCHEMA = {"n": "long", "x": "float", "t": "string", "d": "date", "b": "bool", "empty": "string"}
ROWS = [
    (3, "1.5", "red", "2024-01-31", "true", ""),
    (1, "NaN", " ", "2024-01-01", "false", ""),
    ("", "2.5", "blue", "2024-01-31", "true", ""),
    (3, "", "red", "", "", ""),
]


@pytest.fixture
def typed(builder: Any, write_csv: Any) -> tuple[flow.Flow, dict[str, Path]]:
    """A flow of one step over every kind of column."""
    path = write_csv("data.csv", list(SCHEMA), ROWS)
    builder.types(builder.source(), SCHEMA)
    return builder.read(), {"data.csv": path}


def test_a_profile_of_every_kind_of_column(typed: tuple[flow.Flow, dict[str, Path]]) -> None:
    table = flow.profile(typed[0], "types of data.csv", typed[1])
    assert list(table.columns) == list(figures) and list(table.index) == list(SCHEMA)
    day = pd.Timestamp
    rows = {name: [None if pd.isna(value) else value for value in table.loc[name]] for name in table.index}
    assert rows["n"] == ["long", 1, 2, 1, pytest.approx(7 / 3), 3, 3, 2]
    assert rows["x"] == ["float", 2, 2, 1.5, 2.0, 2.5, 1.5, 1]
    assert rows["t"] == ["string", 1, 2, None, None, None, "red", 2]
    first, last = day("2024-01-01").date(), day("2024-01-31").date()
    assert rows["d"] == ["date", 1, 2, first, None, last, last, 2]
    assert rows["b"] == ["bool", 1, 2, None, None, None, True, 2]
    assert rows["empty"] == ["string", 4, 0, None, None, None, None, 0]


def test_a_look_holds_rows_schema_and_head(typed: tuple[flow.Flow, dict[str, Path]]) -> None:
    seen = flow.look(typed[0], "types of data.csv", typed[1], rows=2)
    assert seen.rows == 4 and dict(seen.schema) == SCHEMA
    assert list(seen.head["n"]) == [3, 1]


def test_an_empty_table_has_a_profile(builder: Any, write_csv: Any) -> None:
    builder.types(builder.source(), SCHEMA)
    sources = {"data.csv": write_csv("data.csv", list(SCHEMA), [])}
    seen = flow.look(builder.read(), "types of data.csv", sources)
    assert seen.rows == 0 and len(seen.head) == 0
    assert (seen.profile["distinct"] == 0).all() and (seen.profile["missing"] == 0).all()


def test_a_column_may_have_any_name(builder: Any, write_csv: Any) -> None:
    builder.source()
    names = ['a "b"', "rowid", "order", "_"]
    sources = {"data.csv": write_csv("data.csv", names, [("1", "2", "3", "4")])}
    table = flow.profile(builder.read(), "data.csv", sources)
    assert list(table["most_frequent"]) == ["1", "2", "3", "4"] and list(table.index) == names


def test_the_command_is_plain_without_a_terminal(
    typed: tuple[flow.Flow, dict[str, Path]], tmp_path: Path
) -> None:
    path = typed[0].write(tmp_path / "a.flow")
    given = ["--node", "types of data.csv", "--source", f"data.csv={typed[1]['data.csv']}"]
    answer = CliRunner().invoke(app, ["preview", str(path), *given, "--rows", "1"])
    assert answer.exit_code == 0, answer.output
    lines = answer.stdout.splitlines()
    assert lines[0] == "types of data.csv: 4 rows, 6 columns"
    assert lines[2].split() == list(SCHEMA)
    assert lines[3].split() == ["3", "1.5", "red", "2024-01-31", "True"]
    assert next(line for line in lines if line.startswith("t ")).split() == [
        "t",
        "string",
        "1",
        "2",
        "red",
        "2",
    ]
    assert "\x1b" not in answer.stdout and "│" not in answer.stdout
    wrong = CliRunner().invoke(app, ["preview", str(path), "--node", "nowhere", "--source", "x"])
    assert wrong.exit_code == 2 and wrong.stderr.startswith("error: --source must be NAME=PATH")


def test_the_terminal_shows_wide_tables_column_by_column() -> None:
    names = [f"column_{place}" for place in range(30)]
    head = pd.DataFrame([[0.25] * 30, ["[red]text"] * 30], columns=names)
    profile = pd.DataFrame(
        [["float", 0, 1, 0.25, 0.25, 0.25, 0.25, 2]] * 30, columns=list(figures), index=names
    )
    screen = io.StringIO()
    seen = flow.Look(2, dict.fromkeys(names, "float"), head, profile)
    show(seen, "step [bold]", Console(file=screen, force_terminal=True, width=100))
    text = screen.getvalue()
    assert "│" in text and "column_29" in text and "[red]text" in text and "step [bold]" in text
