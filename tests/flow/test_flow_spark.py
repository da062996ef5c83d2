"""The Spark engine itself: how it starts, how it keeps the order of rows, how it ends."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from helpers import flow
from helpers.flow.engine import engine_named
from helpers.flow.frame import Frame
from helpers.flow.outputs import Output

ROOT = Path(__file__).parents[2]


@pytest.fixture
def run(spark_session: Any) -> Iterator[Any]:  # noqa: ARG001
    from helpers.flow.spark.engine import SparkRun

    with SparkRun(lambda _: []) as run:
        yield run


@pytest.fixture
def large(run: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A run that holds every table for large: it stays in Spark's partitions."""
    from helpers.flow.spark import engine

    monkeypatch.setattr(engine, "small_files", -1)
    return run


def test_rows_are_numbered_through_all_partitions(large: Any) -> None:
    numbers = large.session.range(0, 1000, 1, 7)
    kept = large.store(numbers)
    rows = large.rows(kept.table)
    assert [row["id"] for row in rows] == [row[kept.order[0]] for row in rows] == list(range(1000))
    turned = Frame(kept.table.mutate(__flow_order_0=-kept.table.id), ("__flow_order_0",))
    again = large.keep(turned)
    assert [row["id"] for row in large.rows(again.table)] == list(range(999, -1, -1))
    assert [row["id"] for row in large.first_rows(again, 3)] == [999, 998, 997]
    odd = again.replace(again.table.filter(again.table.id % 2 == 1))
    assert [row["id"] for row in large.rows(large.keep(odd).table)] == list(range(999, 0, -2))


def test_empty_partitions_do_not_count(large: Any) -> None:
    from pyspark.sql import functions as F

    kept = large.store(large.session.range(0, 100, 1, 10).filter(F.col("id") % 20 >= 15))
    rows = large.rows(kept.table)
    assert [row[kept.order[0]] for row in rows] == list(range(25))
    assert [row["id"] for row in rows] == [each for each in range(100) if each % 20 >= 15]


def test_columns_of_values_go_to_their_rows(large: Any) -> None:
    import pyarrow as pa

    kept = large.store(large.session.range(0, 50, 1, 4))
    made = large.with_columns(
        kept, {"square": pa.array([each * each for each in range(50)]), "id": pa.array(["x"] * 50)}
    )
    assert made.columns == ["id", "square"]
    assert [(row["id"], row["square"]) for row in large.rows(made.visible)] == [
        ("x", each * each) for each in range(50)
    ]


def test_quantiles_are_exact_for_any_whole_number(run: Any) -> None:
    values = [2**62 - each for each in range(10)]
    table = run.from_pandas(pd.DataFrame({"x": values})).table
    assert run.quantiles(table, "x", [0.0, 0.1, 0.5, 0.55, 1.0]) == [
        2**62 - 9, 2**62 - 9, 2**62 - 5, 2**62 - 4, 2**62,
    ]  # fmt: skip


def test_null_and_nan_stay_two_things(run: Any) -> None:
    table = run.from_pandas(pd.DataFrame({"x": [1.0, None, float("nan")]}, dtype=object), nan=True)
    frame = run.from_pandas(pd.DataFrame({"x": [1.0, float("nan")]}), nan=True)
    assert table.columns == ["x"]
    [row] = run.rows(
        frame.table.aggregate(nulls=frame.table.x.isnull().sum(), nans=frame.table.x.isnan().sum())
    )
    assert row == {"nulls": 0, "nans": 1}


def test_hashes_are_those_of_duckdb(run: Any) -> None:
    from helpers.flow.duckdb_engine import DuckDBRun
    from helpers.flow.duckdb_functions import content_hash

    moments = pd.to_datetime(["2020-01-01 10:00:00.25", None, "1960-02-29", "2020-01-01"], format="ISO8601")
    texts = pd.DataFrame(
        {
            "a": ["x", None, "\u00e4\u00f6", ""],
            "b": [1, 2, 3, 4],
            "c": [True, None, False, True],
            "t": moments,
        }
    )
    with DuckDBRun(lambda _: []) as other:
        found = []
        for each in (run, other):
            table = each.from_pandas(texts).table
            found.append(each.rows(table.select(h=content_hash(table, ["a", "b", "c", "t"], "seed"))))
    assert found[0] == found[1]
    assert len({row["h"] for row in found[0]}) == 4


def test_hashes_of_numbers_are_those_of_duckdb_but_for_their_last_digits(run: Any) -> None:
    from helpers.flow.duckdb_engine import DuckDBRun
    from helpers.flow.duckdb_functions import content_hash

    sizes = [1e300, 1e19, 12345.678, 1.0, 0.3, 1e-7, 1e-30, 5e-324]
    numbers = [0.1 + 0.2, *sizes, *(-size for size in sizes), 0.0, -0.0, math.inf, -math.inf, math.nan]
    table = pd.DataFrame({"x": numbers})
    with DuckDBRun(lambda _: []) as other:
        found = []
        for each in (run, other):
            held = each.from_pandas(table, nan=True).table
            found.append([row["h"] for row in each.rows(held.select(h=content_hash(held, ["x"], "")))])
    assert found[0] == found[1]
    hashes = dict(zip(map(repr, numbers), found[0], strict=True))
    assert hashes[repr(0.1 + 0.2)] == hashes["0.3"] and hashes["-0.0"] == hashes["0.0"] == hashes["5e-324"]
    assert len(set(hashes.values())) == 13  # infinities and NaN count as the greatest numbers


def test_folders_of_any_name_are_written(run: Any, tmp_path: Path) -> None:
    folder = tmp_path / "my data 100% [\u00e4]"
    written = run.write(run.from_pandas(pd.DataFrame({"x": [1, 2]})), Output("node", "default", folder))
    assert [path.read_text() for path in written.paths] == ["x\n1\n2\n"]
    assert [each.name for each in tmp_path.iterdir()] == [folder.name]


@pytest.mark.usefixtures("spark_session")
def test_the_music_flow_writes_the_same_files(
    music: dict[str, Path],
    tmp_path: Path,
) -> None:
    workshop = flow.read(ROOT / "notebooks/flows/music.flow")
    texts = []
    for engine in ("duckdb", "spark"):
        outputs = [
            flow.Output(node.node_id, "default", tmp_path / engine / node.label)
            for node in workshop.destinations()
        ]
        written = flow.execute(workshop, lambda source: [music[source.dataset_name]], outputs, engine=engine)
        texts.append(
            {
                path.relative_to(tmp_path / engine): path.read_bytes()
                for each in written
                for path in each.paths
            }
        )
        assert {each.output.directory.name for each in written} >= {"train", "test"}
    assert texts[0] == texts[1]


def test_engines_that_cannot_be() -> None:
    with pytest.raises(flow.FlowError, match=r"no engine 'polars'\. Known: duckdb, spark"):
        engine_named("polars")
    with pytest.raises(flow.FlowError, match="add --engine spark"):
        engine_named("duckdb", "local[2]")


def test_without_pyspark_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from helpers.flow.spark.session import start

    monkeypatch.setitem(sys.modules, "pyspark", None)
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    with pytest.raises(flow.FlowError, match=r"needs PySpark.*pip install -e '\.\[spark\]'"):
        start(tmp_path, None, None, None)


@pytest.mark.usefixtures("spark_session")
def test_without_java_the_remedy_is_named(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    from helpers.flow.spark.session import start_spark

    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(flow.FlowError, match=r"needs Java.*JDK 17"):
        start_spark(tmp_path)


@pytest.mark.usefixtures("spark_session")
@pytest.mark.parametrize("master", ["spark://127.0.0.1:1", "spark://127.0.0.1:1,127.0.0.1:2", "spark://host"])
def test_a_master_that_cannot_be_reached(tmp_path: Path, master: str) -> None:
    from helpers.flow.spark.session import start_spark

    started = time.monotonic()
    with pytest.raises(flow.FlowError, match=r"cannot be reached.*without --master"):
        start_spark(tmp_path, master)
    assert time.monotonic() - started < 30


@pytest.mark.parametrize(
    ("memory", "expected"), [("2GB", "2097152k"), ("512 MB", "524288k"), ("1.5GiB", "1572864k")]
)
def test_memory_as_java_writes_it(memory: str, expected: str) -> None:
    from helpers.flow.spark.session import java_memory

    assert java_memory(memory) == expected


@pytest.mark.parametrize("memory", ["much", "2", "-1GB", "2GB; rm"])
def test_memory_that_is_none(memory: str) -> None:
    from helpers.flow.spark.session import java_memory

    with pytest.raises(flow.FlowError, match="no amount of memory"):
        java_memory(memory)


@pytest.mark.usefixtures("spark_session")
def test_a_run_that_is_killed_takes_java_with_it(
    builder: Any,
    write_csv: Any,
    tmp_path: Path,
) -> None:
    path = write_csv("data.csv", ["a"], [(1,)])
    code = "import time\nprint('asleep', flush=True)\ntime.sleep(300)"
    builder.add("step", "sagemaker.spark.custom_pyspark_0.1", {"code": code}, [builder.source()])
    (tmp_path / "x.flow").write_text(json.dumps(builder.document))
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    arguments = [str(tmp_path / "x.flow"), "--output", str(tmp_path / "out"), "--source", f"data.csv={path}"]
    program = "from helpers.cli import main; main()"
    command = [
        sys.executable,
        "-c",
        program,
        "flow",
        "run",
        *arguments,
        "--engine",
        "spark",
        "--threads",
        "1",
    ]
    environment = {**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as parent:
        assert parent.stderr is not None
        try:
            said = []
            for line in parent.stderr:
                said.append(line)
                if line.startswith("step:"):
                    break
            assert any("java" in each for each in _commands(temporary)), said
        finally:
            parent.send_signal(signal.SIGKILL)
    end = time.monotonic() + 30
    while _commands(temporary) and time.monotonic() < end:
        time.sleep(0.1)
    assert _commands(temporary) == []
    assert not any(temporary.rglob("*.class"))


def _commands(directory: Path) -> list[str]:
    """The command lines of processes that work in this directory."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environment = (process / "environ").read_bytes()
            command = (process / "cmdline").read_bytes()
        except OSError:
            continue
        if f"TMPDIR={directory}".encode() in environment and command:
            found.append(command.replace(b"\0", b" ").decode(errors="replace"))
    return found
