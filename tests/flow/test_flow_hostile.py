"""Bad flows, bad data, bad code, and a system that gives out: one clear message, and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from helpers import flow
from helpers.flow.commands import app
from helpers.flow.outputs import outputs_of
from helpers.flow.unfinished import unfinished

# The document


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"metadata": {"version": ' + "9" * 5000 + '}, "nodes": []}', "digits"),
        ('{"metadata": {"version": NaN}, "nodes": []}', "NaN is no number that JSON knows"),
        ('{"metadata": {"version": 1, "x": -Infinity}, "nodes": []}', "-Infinity is no number"),
        ('{"metadata": {"version": true}, "nodes": []}', "version True"),
        ('{"metadata": {"version": 1}, "nodes": [], "nodes": []}', 'two members "nodes"'),
        ('{"metadata": {"version": 1, "x": "\\ud800"}, "nodes": []}', "half a character"),
        ('{"a": ' * 100_000, "nested too deeply"),
    ],
)
def test_json_that_means_nothing_certain_is_refused(text: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(flow.FlowError, match=says):
        flow.read(text)
    (tmp_path / "bad.flow").write_text(text)
    done = CliRunner().invoke(app, ["check", str(tmp_path / "bad.flow")])
    assert done.exit_code == 2 and len(done.output.strip().splitlines()) <= 3


def test_a_flow_file_that_is_no_file(builder: Any, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (str(tmp_path / "pipe"), "/dev/zero", "/dev/null"):
        done = CliRunner().invoke(app, ["check", path])
        assert done.exit_code == 2 and "is a device, a pipe or a socket" in done.output
    with pytest.raises(flow.FlowError, match="cannot be read"):
        flow.read(tmp_path / "x\0y")
    builder.source()
    done_well = subprocess.run(
        [sys.executable, "-m", "helpers.cli", "flow", "check", "/dev/stdin"],
        input=json.dumps(builder.document),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done_well.stdout == "/dev/stdin can run: 1 steps.\n", done_well.stderr


def test_a_flow_of_very_many_broken_steps_is_answered_soon(builder: Any, tmp_path: Path) -> None:
    for number in range(20_000):
        builder.add(f"n{number}", "sagemaker.spark.nothing_0.1")
    path = tmp_path / "many.flow"
    path.write_text(json.dumps(builder.document))
    began = time.process_time()
    done = CliRunner().invoke(app, ["check", str(path)])
    assert done.exit_code == 2 and "and 19,900 more" in done.output
    assert len(outputs_of(builder.read(), tmp_path)) == 20_000
    assert time.process_time() - began < 30  # Comparing each step with each took minutes.


def test_a_long_chain_of_steps_runs(builder: Any, write_csv: Any) -> None:
    before = builder.types(builder.source(), {"a": "long"})
    for number in range(350):
        formula = {"formula": "a + 1", "output_column": "a"}
        before = builder.add(f"n{number}", "sagemaker.spark.custom_formula_0.1", formula, [before])
    table = flow.preview(builder.read(), before, {"data.csv": write_csv("data.csv", ["a"], [(1,), (2,)])})
    assert table["a"].tolist() == [351, 352]


def test_folders_of_outputs_stay_in_the_output_folder_and_apart(builder: Any, tmp_path: Path) -> None:
    source = builder.source()
    for node_id in ("/../../evil", "-..-..-evil"):
        builder.destination(node_id, source)
        builder.nodes[-1]["name"] = ".."
    with pytest.raises(flow.FlowError, match=r"is called like another for a folder of its own"):
        outputs_of(builder.read(), tmp_path)
    builder.nodes.pop()
    [output] = outputs_of(builder.read(), tmp_path)
    assert output.directory == tmp_path / "..--..-..-evil"
    builder.nodes[-1]["name"] = "n" * 400
    with pytest.raises(flow.FlowError, match=r"too long a name.* Give it another name"):
        outputs_of(builder.read(), tmp_path)


@pytest.mark.parametrize(
    ("formula", "says"),
    [
        ("a; drop table x", "is not an expression"),
        ("9" * 39, "holds a number that no type can"),
        ("1e999", "holds a number that no type can"),
        ("(" * 2000 + "1" + ")" * 2000, "nested too deeply"),
        ("1" + "+1" * 5000, "nested too deeply"),
    ],
)
def test_formulas_that_are_none(formula: str, says: str, builder: Any, write_csv: Any) -> None:
    typed = builder.types(builder.source(), {"a": "long"})
    parameters = {"formula": formula, "output_column": "x"}
    builder.add("step", "sagemaker.spark.custom_formula_0.1", parameters, [typed])
    path = write_csv("data.csv", ["a"], [(1,)])
    with pytest.raises(flow.FlowError, match=says):
        flow.preview(builder.read(), "step", {"data.csv": path})


# Sources and output folders


def test_sources_that_are_no_files(builder: Any, tmp_path: Path) -> None:
    builder.destination("out", builder.source())
    (tmp_path / "around").symlink_to(tmp_path / "around")
    os.mkfifo(tmp_path / "pipe")
    for path, says in (
        (Path("/dev/zero"), "is no file: it is a device"),
        (tmp_path / "pipe", "is no file"),
        (tmp_path / "around", "cannot be read"),
        (tmp_path / "x\0y", "cannot be read"),
        (tmp_path / "missing", "does not exist. Look at its path"),
    ):
        with pytest.raises(flow.FlowError, match=says):
            flow.run(builder.read(), {"data.csv": path}, tmp_path / "out")


def test_results_that_cannot_be_put_in_place_leave_the_old_ones(
    builder: Any, write_csv: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = builder.source()
    for name in ("first", "second"):
        builder.destination(name, source)
        (tmp_path / "out" / name).mkdir(parents=True)
        (tmp_path / "out" / name / "old.csv").write_text(name)
    rename = Path.rename

    def full(self: Path, target: Path) -> Path:
        if target == tmp_path / "out" / "second" and self.name == "second":
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(flow.FlowError, match="cannot be put in place: No space left on device"):
        flow.run(builder.read(), {"data.csv": write_csv("data.csv", ["a"], [(1,)])}, tmp_path / "out")
    assert files(tmp_path / "out") == {"first/old.csv": "first", "second/old.csv": "second"}


@pytest.mark.parametrize("moment", range(5))
def test_the_next_run_sets_right_what_a_killed_one_left(moment: int, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for name in ("first", "second"):
        (out / name).mkdir(parents=True)
        (out / name / "old.csv").write_text(name)
    left = out / ".unfinished-x"
    for name in ("first", "second"):
        (left / name).mkdir(parents=True)
        (left / name / "new.csv").write_text(name)
    (left / "places.json").write_text('[["first", "first"], ["second", "second"]]')
    moves = [
        (out / "first", left / ".old-first"),
        (left / "first", out / "first"),
        (out / "second", left / ".old-second"),
        (left / "second", out / "second"),
    ]
    for was, now in moves[:moment]:  # Killed after so many of them.
        was.rename(now)
    with unfinished(out):
        assert not left.exists()
    assert files(out) == {"first/old.csv": "first", "second/old.csv": "second"}
    assert sorted(each.name for each in out.iterdir()) == ["first", "second"]


def test_a_run_leaves_alone_what_another_is_at_work_on(builder: Any, write_csv: Any, tmp_path: Path) -> None:
    builder.destination("out", builder.source())
    data = write_csv("data.csv", ["a"], [(1,)])
    (tmp_path / "out").mkdir()
    with unfinished(tmp_path / "out") as other:
        (other / "half.csv").write_text("a")
        flow.run(builder.read(), {"data.csv": data}, tmp_path / "out")
        assert (other / "half.csv").exists()
    assert [each.name for each in (tmp_path / "out").iterdir()] == ["out"]


# Code of people's own, in the child process


def files(folder: Path) -> dict[str, str]:
    return {str(each.relative_to(folder)): each.read_text() for each in folder.rglob("*") if each.is_file()}


def coded(builder: Any, code: str) -> flow.Flow:
    """A flow with a pandas step of this code, called `my step`."""
    step = builder.add(
        "code", "sagemaker.spark.custom_pandas_0.1", {"code": code}, [builder.source()], name="my step"
    )
    builder.destination("out", step)
    return builder.read()  # type: ignore[no-any-return]


def still_working(scratch: Path) -> list[int]:
    """Processes with a temporary folder under this one; those that only wait to be collected do not work."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if str(scratch).encode() in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


fails = [
    ("import os\nos._exit(7)", "broke off at step 'my step'.*exit code 7"),
    ("import os\nos._exit(0)", "broke off at step 'my step'.*exit code 0, without an answer"),
    ("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)", "ended by signal SIGSEGV"),
    ("raise KeyboardInterrupt", "my step .*was interrupted"),
    ("raise MemoryError", "my step .*raises MemoryError"),
    ("import sys\nsys.exit(3)", "my step .*raises SystemExit: 3"),
    ("class Odd(Exception):\n    def __str__(self): raise ValueError\nraise Odd", "raises Odd"),
    ("def again(): return again()\nagain()", "raises RecursionError"),
    ("import shutil, os\nshutil.rmtree(os.environ['TMPDIR'])\nos._exit(1)", "exit code 1"),
    ("import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\nimport pandas as pd\n"
     "df = pd.DataFrame({'a': range(9999)})", r"out .*fails: IO Error.*space on the disk"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "says"), fails)
def test_code_that_breaks_a_run_is_named(
    code: str, says: str, builder: Any, write_csv: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out" / "out").mkdir(parents=True)
    (tmp_path / "out" / "out" / "old.csv").write_text("kept")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    with pytest.raises(flow.FlowError, match=says):
        flow.run(coded(builder, code), {"data.csv": write_csv("data.csv", ["a"], [(1,)])}, tmp_path / "out")
    assert files(tmp_path / "out") == {"out/old.csv": "kept"} and not list(scratch.iterdir())
    assert [each.name for each in (tmp_path / "out").iterdir()] == ["out"]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not list the environments of processes")
def test_code_that_does_odd_things_leaves_no_process(
    builder: Any, write_csv: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = """
import atexit, os, subprocess, sys, threading, time
sys.stdout.close(); sys.__stdout__.close(); sys.stdin.close()
subprocess.Popen(["sleep", "600"], start_new_session=True)
threading.Thread(target=time.sleep, args=(600,)).start()
atexit.register(time.sleep, 600)
os.chdir("/")
os.environ.clear()
os.fork()
df["process"] = os.getpid()
"""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    told: list[str] = []
    path = write_csv("data.csv", ["a"], [(1,)])
    began = time.monotonic()
    [written] = flow.run(coded(builder, code), {"data.csv": path}, tmp_path / "out", progress=told.append)
    assert time.monotonic() - began < 300
    assert told.count("Wrote out: 1 rows") == 1 and written.paths[0].read_text().startswith("a,process\n1,")
    assert still_working(tmp_path) == []


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not list the environments of processes")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_run_that_is_ended_leaves_nothing(how: int, builder: Any, write_csv: Any, tmp_path: Path) -> None:
    if signal.getsignal(how) is signal.SIG_IGN:
        pytest.skip("the tests were started to ignore this signal (nohup), and commands keep to that")
    marker = tmp_path / "marker"
    code = (
        "import subprocess, time, pathlib\nsubprocess.Popen(['sleep', '600'], start_new_session=True)\n"
        f"pathlib.Path({str(marker)!r}).touch()\ntime.sleep(600)"
    )
    path = coded(builder, code).write(tmp_path / "x.flow")
    (tmp_path / "scratch").mkdir()
    (tmp_path / "out" / "out").mkdir(parents=True)
    (tmp_path / "out" / "out" / "old.csv").write_text("kept")
    data = write_csv("data.csv", ["a"], [(1,)])
    with subprocess.Popen(
        [sys.executable, "-m", "helpers.cli", "flow", "run", str(path), "--output", str(tmp_path / "out"),
         "--source", f"data.csv={data}"],
        env={**os.environ, "TMPDIR": str(tmp_path / "scratch")},
        stderr=subprocess.PIPE,
        text=True,
    ) as command:  # fmt: skip
        deadline = time.monotonic() + 120
        while not marker.exists() and command.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        command.send_signal(how)
        said = command.communicate(timeout=60)[1]
    assert marker.exists(), said
    assert command.returncode == (-how if how == signal.SIGKILL else 128 + how)
    assert "Traceback" not in said
    if how != signal.SIGKILL:  # It has put everything away before it ends.
        assert still_working(tmp_path) == [] and not list((tmp_path / "scratch").iterdir())
    while (still_working(tmp_path) or list((tmp_path / "scratch").iterdir())) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert still_working(tmp_path) == [] and not list((tmp_path / "scratch").iterdir())
    assert [str(each.relative_to(tmp_path / "out")) for each in sorted((tmp_path / "out").rglob("*"))] == [
        "out",
        "out/old.csv",
    ]


def test_the_database_leaves_memory_to_the_rest_of_the_process() -> None:
    from helpers.flow.duckdb_engine import for_database

    assert [for_database(each) for each in ("2GB", "1 gb", "700MB", "200MB", "2GiB", "lots")] == [
        *("1350.000MB", "600.000MB", "600.000MB", "200.000MB", "1497.484MB", "lots"),
    ]


@pytest.mark.parametrize("schema", [True, ["a"], {"a": ["long"]}])
def test_a_trained_schema_that_is_none(schema: Any, builder: Any, write_csv: Any) -> None:
    typed = builder.types(builder.source())
    builder.nodes[-1]["trained_parameters"] = {"schema": schema}
    with pytest.raises(flow.FlowError, match=r"types of data\.csv .*'schema': .*(object|unknown type)"):
        flow.preview(builder.read(), typed, {"data.csv": write_csv("data.csv", ["a"], [(1,)])})


def test_places_in_texts_are_numbers_of_32_bits(builder: Any) -> None:
    block = {"input_column": "a", "start_position": -(2**63), "length": 7, "replacement": "x"}
    parameters = {"operator": "Replace from position", "replace_from_position_parameters": block}
    builder.add("step", "sagemaker.spark.search_and_edit_0.1", parameters, [builder.source()])
    [problem] = flow.check(builder.read())
    assert problem.parameter == "start_position" and problem.remedy == "Give it another value."


@pytest.mark.parametrize("memory", ["-1GB", "lots", "0", "GB", "1e9"])
def test_memory_that_is_no_amount(memory: str, builder: Any, write_csv: Any, tmp_path: Path) -> None:
    builder.destination("out", builder.source())
    path, data = builder.read().write(tmp_path / "x.flow"), write_csv("data.csv", ["a"], [(1,)])
    asked = ["run", str(path), "--output", str(tmp_path / "out"), "--source", f"data.csv={data}"]
    done = CliRunner().invoke(app, [*asked, f"--memory={memory}"])
    assert done.exit_code == 2 and "is no amount of memory" in done.output.replace("\n", " ")
    assert not (tmp_path / "out").exists()


def test_tables_of_very_many_columns(builder: Any, tmp_path: Path) -> None:
    count = 1500
    path = tmp_path / "data.csv"
    path.write_text(",".join(f"c{place}" for place in range(count)) + "\n" + ",".join(["0.5"] * count) + "\n")
    typed = builder.types(builder.source())
    scaler = {"scaler": "Max absolute scaler", "max_absolute_scaler_parameters": {"input_column": ["c1"]}}
    parameters = {"operator": "Scale values", "scale_values_parameters": scaler}
    builder.add("scaled", "sagemaker.spark.process_numeric_0.1", parameters, [typed])
    table = flow.preview(builder.read(), "scaled", {"data.csv": path})
    assert table.shape == (1, count) and table["c1"][0] == 1.0 and table["c2"][0] == 0.5
