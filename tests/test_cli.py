"""The `workshop` command, as a person types it."""

from __future__ import annotations

import io
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from helpers import cli, reporter, runner, service

COMMAND = [str(Path(sys.executable).parent / "workshop")]


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "state"
    service.stop(tmp_path / "state")


def call(*words: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    return subprocess.run(
        [*COMMAND, *map(str, words)],
        env={**os.environ, "COLUMNS": "200", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_up_status_env_down_reset(state: Path) -> None:
    assert "does not run" in call("status", "--state", state).stdout
    up = call("up", "--state", state)
    address = re.search(r"http://127\.0\.0\.1:\d+", up.stdout)
    assert up.returncode == 0
    assert address
    assert address.group() in call("up", "--state", state).stdout  # the same server again
    status = call("status", "--state", state).stdout
    assert address.group() in status
    assert "No jobs and no endpoints yet." in status

    script = f'eval "$({shlex.join(COMMAND)} env --state {shlex.quote(str(state))})"; env'
    shell = subprocess.run(
        ["bash", "-c", script],
        env={**os.environ, "AWS_PROFILE": "mine"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"AWS_ENDPOINT_URL={address.group()}\n" in shell.stdout
    assert "AWS_PROFILE=" not in shell.stdout

    found = service.running(state)
    assert found
    service.client(found, "s3").put_object(Bucket=found.bucket, Key="kept", Body=b"1")
    assert "is stopped" in call("down", "--state", state).stdout
    assert "was not running" in call("down", "--state", state).stdout
    assert service.client(service.start(state), "s3").get_object(Bucket=found.bucket, Key="kept")
    assert "is empty" in call("reset", "--yes", "--state", state).stdout
    assert service.running(state) is None
    assert service.client(service.start(state), "s3").list_objects_v2(Bucket=found.bucket)["KeyCount"] == 0


def test_status_lists_jobs_and_endpoints(state: Path) -> None:
    found = service.start(state)
    service.client(found, "sagemaker").create_processing_job(
        ProcessingJobName="a-job",
        ProcessingResources={
            "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
        },
        AppSpecification={
            "ImageUri": "0.dkr.ecr.us-east-1.amazonaws.com/sagemaker-data-wrangler-container:3.x"
        },
        RoleArn=service.ROLE,
    )
    assert re.search(r"processing\s+a-job\s+\w+", call("status", "--state", state).stdout)


def test_reset_refuses_a_folder_that_is_no_state_directory(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    done = call("reset", "--yes", "--state", tmp_path)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert (tmp_path / "thesis.txt").exists()


def test_a_taken_port_is_an_error_that_says_so(state: Path, tmp_path: Path) -> None:
    found = service.start(state)
    port = found.address.rpartition(":")[2]
    done = call("up", "--port", port, "--state", tmp_path / "other")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert port in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-p", "lisener=3"], "No notebook has a parameter 'lisener'"),
        (["--scale", "huge"], "'huge' is not one of"),
        (["--platform", "aws"], "'aws' is not one of"),
        (["-p", "seed=one"], "seed must be a whole number"),
        (["--in-place", "--scale", "tiny"], "own defaults"),
    ],
)
def test_a_wrong_run_ends_before_anything_runs(words: list[str], message: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(cli, "_run", None)
    result = CliRunner().invoke(cli.app, ["run", *words])
    assert result.exit_code == cli.BAD_INPUT
    assert message in result.output


def test_a_run_passes_on_what_was_asked_for(monkeypatch: Any, tmp_path: Path) -> None:
    calls: list[Any] = []
    monkeypatch.setattr(cli, "_run", lambda *args, **options: calls.append((args, options)))
    words = [
        "run",
        "--scale",
        "tiny",
        "-p",
        "seed=2",
        "-p",
        "delete_objects=false",
        "--output",
        str(tmp_path),
    ]
    assert CliRunner().invoke(cli.app, words).exit_code == 0
    ((notebooks, given, folder), options) = calls[0]
    assert notebooks == runner.lessons()
    assert given == {"platform": "local", "scale": "tiny", "seed": 2, "delete_objects": False}
    assert (folder, options) == (tmp_path, {"in_place": False})


def test_a_failed_run_names_notebook_and_cell_keeps_a_report_and_stops_what_it_started(
    monkeypatch: Any, tmp_path: Path, capsys: Any
) -> None:
    import nbformat

    notebook = nbformat.v4.new_notebook()
    parameters = nbformat.v4.new_code_cell('platform = "local"', metadata={"tags": ["parameters"]})
    connect = "from helpers import workshop; ws = workshop.connect(platform); print('here')"
    notebook.cells = [parameters, nbformat.v4.new_code_cell(connect), nbformat.v4.new_code_cell("1 / 0")]
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, tmp_path / "01_a.ipynb")
    monkeypatch.setenv("WORKSHOP_STATE", str(tmp_path / "state"))
    with pytest.raises(cli.typer.Exit) as ended:
        cli._run([tmp_path / "01_a.ipynb"], {}, tmp_path / "out", in_place=False)
    assert ended.value.exit_code == cli.FAILED
    said = capsys.readouterr()
    assert "01_a.ipynb stopped in cell [3]" in said.err
    assert "ZeroDivisionError: division by zero" in said.err
    page = (tmp_path / "out" / "report.html").read_text()
    assert "ZeroDivisionError" in page
    assert "<pre>here\n</pre>" in page
    assert "not finished" in page
    assert service.running(tmp_path / "state") is None


def test_the_page_names_the_notebook_that_is_missing_(state: Path) -> None:
    done = call("playlist", "--state", state)
    assert done.returncode == cli.FAILED
    assert "please run 01_download_data.ipynb first" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_page_names_a_port_that_is_taken_before_anything_starts(state: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = call("playlist", "--port", str(taken.getsockname()[1]), "--state", state)
    assert done.returncode == cli.BAD_INPUT
    assert "Choose another with --port." in done.stderr
    assert "Traceback" not in done.stderr
    assert service.running(state) is None


@pytest.mark.parametrize(
    ("words", "message"),
    [(["--prefix", "Anna!"], "prefix is 'Anna!'"), (["--platform", "sagemaker"], "No AWS region is set")],
)
def test_the_page_says_why_it_cannot_connect(words: list[str], message: str, state: Path) -> None:
    done = call(
        "playlist", *words, "--state", state, AWS_EC2_METADATA_DISABLED="true", AWS_CONFIG_FILE=os.devnull
    )
    assert done.returncode != 0
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_flow_is_a_part_of_the_command() -> None:
    done = call("flow", "check", Path(__file__).parent.parent / "notebooks" / "flows" / "music.flow")
    assert done.returncode == 0, done.stderr
    assert "can run" in done.stdout


def test_an_interrupt_stops_kernel_and_server_and_leaves_a_report(tmp_path: Path) -> None:
    state, output = tmp_path / "state", tmp_path / "out"
    process = subprocess.Popen(
        [*COMMAND, "run", "--scale", "tiny", "--state", str(state), "--output", str(output)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout
        for line in process.stdout:
            if "Get the two tables" in line:  # connected: the server runs, a cell is at work
                break
        children = [int(name) for name in children_of(process.pid)]
        assert children
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
        service.stop(state)
    assert process.returncode == cli.INTERRUPTED, err
    assert "Interrupted" in err
    assert "Traceback" not in err
    assert "report.html" in out
    assert "Interrupted" in (output / "report.html").read_text()
    assert service.running(state) is None
    assert not [child for child in children if Path(f"/proc/{child}").exists()]


def children_of(pid: int) -> list[str]:
    """The processes that a process has started: here, the kernel."""
    listing = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=True
    )
    return listing.stdout.split()


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_names_notebook_and_section_with_and_without_a_terminal(terminal: bool) -> None:
    text = io.StringIO()
    console = Console(file=text, force_terminal=terminal, width=120)
    with reporter.Reporter(2, console) as listener:
        listener.notebook_started("01_a", 3)
        listener.cell_started(1, "Setup")
        listener.cell_started(2, "Setup")
        listener.cell_started(3, "The [end]")
        if terminal:
            assert listener.live
            listener.live.refresh()
        listener.notebook_finished("01_a", 4.2)
    said = text.getvalue()
    assert "1/2 01_a" in said
    assert "The [end]" in said
    assert "01_a (4 s)" in said
    if not terminal:
        assert said.count("Setup") == 1
        assert "\x1b" not in said
