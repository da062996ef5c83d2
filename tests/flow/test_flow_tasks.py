"""Looking, comparing and exporting run in a child process: limited, and ended with the command."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from helpers import flow
from helpers.flow import tasks
from helpers.flow.commands import app
from helpers.flow.listening import Listener, listening

PANDAS = "sagemaker.spark.custom_pandas_0.1"


def written(builder: Any, write_csv: Any, tmp_path: Path, code: str) -> list[str]:
    """A flow file with a step of Python, and its source, as a command's arguments."""
    builder.add("step", PANDAS, {"code": code}, [builder.types(builder.source(), {"a": "long"})])
    path = builder.read().write(tmp_path / "one.flow")
    return [f"{path}", "--source", f"data.csv={write_csv('data.csv', ['a'], [(1,), (2,)])}"]


def test_each_works_in_another_process(builder: Any, write_csv: Any, tmp_path: Path) -> None:
    marks = tmp_path / "pids"
    code = f"import os\nwith open({str(marks)!r}, 'a') as file:\n    file.write(f'{{os.getpid()}} ')"
    path, _, source = written(builder, write_csv, tmp_path, code)
    sources = dict([source.split("=", 1)])
    read = flow.read(path)
    seen = tasks.look(read, "step", sources)
    assert (seen.rows, seen.head["a"].tolist(), seen.schema) == (2, [1, 2], {"a": "long"})
    assert tasks.diff_outputs(read, read, sources) == []
    assert "read_csv" in tasks.export(read, "python", sources)
    pids = [int(pid) for pid in marks.read_text().split()]
    assert len(set(pids)) >= 3 and os.getpid() not in pids


@pytest.mark.parametrize("command", ["preview", "diff", "export"])
def test_a_step_that_does_not_end_is_stopped(
    command: str, builder: Any, write_csv: Any, tmp_path: Path
) -> None:
    path, *source = written(builder, write_csv, tmp_path, "while True:\n    pass")
    more = {"preview": ["--node", "step"], "diff": [path], "export": ["--to", "python"]}[command]
    done = CliRunner().invoke(app, [command, path, *more, *source, "--time-limit", "5"])
    assert done.exit_code == 2
    # On a busy machine the time may be up before the step is reached.
    assert re.search(r"The run was stopped( at step .*)?: it took longer than 5 seconds", done.output)


def test_an_interrupt_ends_the_child(builder: Any, write_csv: Any, tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    code = f"import os, time\nopen({str(mark)!r}, 'w').write(f'{{os.getpid()}}\\n')\ntime.sleep(600)"
    arguments = written(builder, write_csv, tmp_path, code)
    program = "from helpers.flow.commands import app; app()"
    command = [sys.executable, "-c", program, "preview", *arguments, "--node", "step"]
    process = subprocess.Popen(
        command, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        _wait(lambda: mark.exists() and mark.read_text().endswith("\n"))
        child = int(mark.read_text())
        os.kill(child, 0)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) != 0
        _wait(lambda: not Path(f"/proc/{child}").exists())
    finally:
        process.kill()
        process.communicate()


def _wait(holds: Any, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.05)


def test_who_listens_is_told_of_runs(builder: Any, write_csv: Any) -> None:
    builder.types(builder.source(), {"a": "long"})
    told: list[str] = []
    path = write_csv("data.csv", ["a"], [(1,)])
    with listening(Listener(started=lambda node: told.append(node.node_id))):
        flow.preview(builder.read(), "types of data.csv", {"data.csv": path})
    assert told == ["data.csv", "types of data.csv"]
    flow.preview(builder.read(), "types of data.csv", {"data.csv": path})
    assert len(told) == 2
