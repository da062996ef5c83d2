"""What is made once in small tables, what is not stored at all, and what is let go, changes no result."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from helpers import flow
from helpers.flow.duckdb_engine import DuckDBRun
from helpers.flow.engine import evaluate, execute

spark = "sagemaker.spark."
numbers = ["0.1", "NaN", "Infinity", "-Infinity", "", "123.456", "-2.0"]
"""Floating numbers as texts, which stay the same when they are read and written again."""


@pytest.fixture
def sources(write_csv: Callable[..., Path]) -> Callable[..., Callable[[Any], Sequence[Path]]]:
    """The files of a table of so many rows and of the small one beside it."""

    def write(rows: int) -> Callable[[Any], Sequence[Path]]:
        large = write_csv(
            "large.csv", ["row", "key", "own"], [(row, f"{row % 8}.0", row / 8) for row in range(rows)]
        )
        small = write_csv(
            "small.csv", ["key", "value", "other"], [(f"{n}.0", text, n) for n, text in enumerate(numbers)]
        )
        files = {"large.csv": large, "small.csv": small}
        return lambda source: [files[source.dataset_name]]

    return write


def joined(builder: Any, kind: str = "leftouter") -> str:
    """The large table beside the small one; the key is a floating number."""
    types = {"row": "long", "key": "float", "own": "float"}
    large = builder.types(builder.source("large.csv"), types)
    small = builder.types(builder.source("small.csv"), {"key": "float", "value": "float", "other": "float"})
    # Used by two steps, so it is stored.
    builder.columns("unused", small, "Drop column", column_to_drop=["other"])
    builder.destination("small", "unused")
    keys = {"left_column": "key", "right_column": "key", "join_type": kind}
    step: str = builder.add("joined", spark + "join_tables_0.1", keys, [large, small])
    return step


def written(
    document: flow.Flow, sources: Callable[[Any], Sequence[Path]], folder: Path, **options: Any
) -> list[list[str]]:
    """The lines of the destination `out`, split at its delimiter."""
    outputs = [
        flow.Output(node.node_id, "default", folder / node.label, **options)
        for node in document.destinations()
    ]
    for each in execute(document, sources, outputs):
        if each.output.node_id == "out":
            with each.paths[0].open(newline="") as file:
                return list(csv.reader(file, delimiter=each.output.delimiter))
    raise AssertionError("nothing was written")


@pytest.mark.parametrize("rows", [1_000, 100_000])
def test_numbers_of_a_small_table_are_written_as_they_are(
    builder: Any, sources: Any, tmp_path: Path, rows: int
) -> None:
    builder.columns("renamed", joined(builder), "Rename column", input_column="value", new_name="again")
    builder.columns("twice", "renamed", "Duplicate column", input_column="again", new_name="copy")
    builder.destination("out", "twice")
    header, *found = written(builder.read(), sources(rows), tmp_path / "out")
    assert header == ["row", "key_0", "own", "key_1", "again", "other", "copy"]
    assert len(found) == rows
    for row, cells in enumerate(found):
        n = row % 8
        value, other, key = (numbers[n], f"{n}.0", f"{n}.0") if n < 7 else ("", "", "")
        assert cells == [str(row), f"{n}.0", str(row / 8), key, value, other, value]


@pytest.mark.parametrize("delimiter", [".", "-", "1", "a"])
def test_numbers_that_hold_the_delimiter_are_quoted(
    builder: Any, sources: Any, tmp_path: Path, delimiter: str
) -> None:
    builder.destination("out", joined(builder))
    header, *found = written(builder.read(), sources(100_000), tmp_path / "out", delimiter=delimiter)
    assert header == ["row", "key_0", "own", "key_1", "value", "other"]
    for row in (0, 1, 2, 3, 4, 5, 6, 13, 99_999):
        n = row % 8
        expected = [f"{n}.0", numbers[n], f"{n}.0"] if n < 7 else ["", "", ""]
        assert found[row] == [str(row), f"{n}.0", str(row / 8), *expected]


def test_a_column_that_rows_are_chosen_by_stays_a_number(builder: Any, sources: Any, tmp_path: Path) -> None:
    schema = {"key": "float", "value": "float", "other": "float"}
    parts = {"splits": [{"name": "low", "percentage": 0.5}, {"name": "high", "percentage": 0.5}]}
    block = {**parts, "input_column": "other"}
    small = builder.types(builder.source("small.csv"), schema)
    parameters = {"operator": "Ordered split", "ordered_split_parameters": block}
    builder.add("split", spark + "split_0.1", parameters, [small], outputs=["low", "high"])
    large = builder.types(builder.source("large.csv"), {"row": "long", "key": "float", "own": "float"})
    keys = {"left_column": "key", "right_column": "key", "join_type": "inner"}
    builder.add("joined", spark + "join_tables_0.1", keys, [large, "split:high"])
    builder.destination("out", "joined")
    header, *found = written(builder.read(), sources(100_000), tmp_path / "out")
    # Half of seven and more: the four least are low.
    expected = [row % 8 for row in range(100_000) if row % 8 in (4, 5, 6)]
    assert header == ["row", "key_0", "own", "key_1", "value", "other"]
    assert [cells[4:] for cells in found] == [[numbers[n], f"{n}.0"] for n in expected]


def test_tables_are_let_go_when_no_step_needs_them(builder: Any, sources: Any) -> None:
    builder.columns("end", joined(builder), "Drop column", column_to_drop=["own"])
    document = builder.read()
    with DuckDBRun(sources(1_000)) as run:
        earlier = run.store("SELECT 1 AS a", ["a"])
        frames = evaluate(document, run, [("end", "default")])
        assert len(run.rows(frames["end", "default"].table)) == 1_000
        assert held(run) == 3  # the one before, and the two files
        run.release([earlier])
        assert held(run) == 1 and run.rows(earlier.visible) == [{"a": 1}]


def held(run: DuckDBRun) -> int:
    """How many tables are stored."""
    counted: int = run.connection.execute("SELECT count(*) FROM duckdb_tables()").fetchall()[0][0]
    return counted


@pytest.mark.parametrize(("uses", "columns"), [("ab", [3]), ("abc", [6])])
def test_a_join_of_two_uses_is_made_twice_and_one_of_three_stored(
    builder: Any, sources: Any, uses: str, columns: list[int]
) -> None:
    large = builder.types(builder.source("large.csv"), {"row": "long", "key": "float", "own": "float"})
    parts = {"splits": [{"name": "low", "percentage": 0.5}, {"name": "high", "percentage": 0.5}]}
    parameters = {"operator": "Ordered split", "ordered_split_parameters": parts}
    builder.add("split", spark + "split_0.1", parameters, [large], outputs=["low", "high"])
    keys = {"left_column": "own", "right_column": "own", "join_type": "outer"}
    builder.add("joined", spark + "join_tables_0.1", keys, ["split:low", "split:high"])
    for name in uses:
        builder.columns(name, "joined", "Drop column", column_to_drop=["key_0"])
    with DuckDBRun(sources(1_000)) as run:
        frames = evaluate(builder.read(), run, [(name, "default") for name in uses])
        # The split table alone, or the joined table alone.
        found = run.connection.execute("SELECT column_count FROM duckdb_tables()").fetchall()
        assert [row[0] for row in found] == columns
        for frame in frames.values():
            rows = run.rows(frame.ordered)
            assert [row["row_0"] for row in rows[:500]] == list(range(500))
            assert [row["row_1"] for row in rows[500:]] == list(range(500, 1_000))


def test_rows_repeat_when_keys_do(builder: Any, write_csv: Any, tmp_path: Path) -> None:
    large = write_csv("large.csv", ["row", "key"], [(row, row % 2) for row in range(100_000)])
    small = write_csv("small.csv", ["key", "value"], [(1, 0.5), (1, 0.25), (0, 4)])
    files = {"large.csv": large, "small.csv": small}
    first = builder.types(builder.source("large.csv"), {"row": "long", "key": "long"})
    second = builder.types(builder.source("small.csv"), {"key": "long", "value": "float"})
    keys = {"left_column": "key", "right_column": "key", "join_type": "inner"}
    builder.destination("out", builder.add("joined", spark + "join_tables_0.1", keys, [first, second]))
    _, *found = written(builder.read(), lambda source: [files[source.dataset_name]], tmp_path / "out")
    expected = []
    for row in range(100_000):
        values: Mapping[int, list[str]] = {0: ["4.0"], 1: ["0.5", "0.25"]}
        expected += [[str(row), str(row % 2), str(row % 2), value] for value in values[row % 2]]
    assert found == expected


def test_quantiles_of_many_values_are_those_of_few(monkeypatch: pytest.MonkeyPatch) -> None:
    from helpers.flow import duckdb_engine

    values = [None, math.nan, -math.inf, math.inf, 3.0, 1.0, 2.0, 2.0, None, 0.5, 7.0]
    ordered = [-math.inf, 0.5, 1.0, 2.0, 2.0, 3.0, 7.0, math.inf, math.nan]
    shares = [0.0001, 0.1, 1 / 3, 0.5, 0.7, 0.7 + 0.2, 8 / 9, 1.0]
    expected = [ordered[max(1, math.ceil(Fraction(str(share)) * 9)) - 1] for share in shares]
    with DuckDBRun(lambda _: []) as run:
        held = pa.table({"x": pa.array(values)})
        table = run.with_columns(run.store("SELECT range AS n FROM range(11)", ["n"]), {"x": held["x"]}).table
        few = run.quantiles(table, "x", shares)
        monkeypatch.setattr(duckdb_engine, "_most_in_memory", 0)
        many = run.quantiles(table, "x", shares)
        assert str(few) == str(many) == str(expected)
        assert run.quantiles(table.filter(table.n > 99), "x", [0.5]) == [None]


def test_a_formula_that_leaves_the_finite_numbers(builder: Any, sources: Any, tmp_path: Path) -> None:
    typed = builder.types(builder.source("large.csv"), {"row": "long", "key": "float", "own": "float"})
    # Used twice, so stored; then a column of it is computed anew under its name.
    builder.destination("small", typed)
    formula = {"formula": "key * 1e308 * 10", "output_column": "key"}
    builder.add("great", spark + "custom_formula_0.1", formula, [typed])
    builder.columns("named", "great", "Rename column", input_column="own", new_name="mine")
    builder.destination("out", "named")
    header, *found = written(builder.read(), sources(8), tmp_path / "out")
    assert header == ["row", "key", "mine"]
    assert found == [[str(n), "Infinity" if n else "0.0", str(n / 8)] for n in range(8)]
