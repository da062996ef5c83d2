"""Real child processes: finishing, failing, hanging, ignoring SIGTERM, forking; a server that is killed."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from control_harness import alive, wait_for

from helpers.local import processes
from helpers.local.supervisor import LINE_LIMIT, LOG, Exit, Supervisor, module_command

GRANDCHILD = """
import subprocess, sys, time
child = subprocess.Popen(["sleep", "600"], start_new_session={away})
open("grandchild", "w").write(str(child.pid))
{then}
"""
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open("ready", "w").close()
time.sleep(600)
"""
SERVER = """
import sys, time
from pathlib import Path
from helpers.local.supervisor import Supervisor
supervisor = Supervisor()
for number, code in enumerate(sys.argv[2:]):
    directory = Path(sys.argv[1]) / "processing" / str(number)
    directory.mkdir(parents=True)
    child = supervisor.start(str(number), [sys.executable, "-c", code], directory)
    print(child.pid, flush=True)
time.sleep(600)
"""
LIFELINE = """
import os, signal
while os.read(0, 1024):
    pass
os.killpg(os.getpgrp(), signal.SIGKILL)
"""


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    found = Supervisor(grace=0.5)
    yield found
    found.close(patience=0.1)


def run(supervisor: Supervisor, directory: Path, code: str, **options: object) -> Exit:
    child = supervisor.start("job", [sys.executable, "-c", code], directory, **options)  # type: ignore[arg-type]
    assert child.ended.wait(20)
    assert child.exit is not None
    return child.exit


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def events(directory: Path) -> list[str]:
    return (directory / LOG).read_text().splitlines()


def test_a_job_that_finishes(supervisor: Supervisor, tmp_path: Path) -> None:
    ends: list[Exit] = []
    before = time.time() * 1000
    end = run(supervisor, tmp_path, "print('hello'); print('world')", on_exit=ends.append)
    assert end == Exit(0, "own", "hello | world")
    assert ends == [end]
    stamps, texts = zip(*(line.split(" ", 1) for line in events(tmp_path)), strict=True)
    assert texts == ("hello", "world")
    assert all(before - 1 <= int(stamp) <= time.time() * 1000 for stamp in stamps)
    assert supervisor.running("job") is None
    assert not (tmp_path / processes.FILE).exists()


def test_a_job_that_fails_tells_the_end_of_its_log(supervisor: Supervisor, tmp_path: Path) -> None:
    end = run(supervisor, tmp_path, "import sys; print('reading'); sys.exit('the column Rating is missing')")
    assert end.code == 1
    assert end.sentence.startswith("The process ended with exit code 1. Its log ends: ")
    assert "the column Rating is missing" in end.sentence


def test_a_job_killed_from_outside_says_so(supervisor: Supervisor, tmp_path: Path) -> None:
    end = run(supervisor, tmp_path, "import os; os.kill(os.getpid(), 9)")
    assert end == Exit(-9, "own", "")
    assert "signal 9" in end.sentence
    assert "memory" in end.sentence


def test_a_process_that_cannot_start_is_an_error(supervisor: Supervisor, tmp_path: Path) -> None:
    with pytest.raises(OSError):
        supervisor.start("job", [str(tmp_path / "absent")], tmp_path)
    assert supervisor.running("job") is None


def test_its_environment_has_no_keys_and_its_stdin_is_the_lifeline(
    supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("SAGEMAKER_USER_CONFIG_OVERRIDE", "x")
    code = (
        "import json, os, stat\n"
        "print(json.dumps([dict(os.environ), stat.S_ISFIFO(os.fstat(0).st_mode), os.getcwd(), "
        "os.getpid() == os.getpgrp() == os.getsid(0)]))"
    )
    run(supervisor, tmp_path, code)
    environment, fifo, directory, leads = json.loads(events(tmp_path)[0].split(" ", 1)[1])
    assert not [name for name in environment if name.startswith(("AWS_", "SAGEMAKER_"))]
    assert environment["PYTHONUNBUFFERED"] == "1"
    assert environment[processes.MARK] == str(tmp_path.resolve())
    assert (fifo, directory, leads) == (True, str(tmp_path.resolve()), True)


def test_the_log_is_there_while_the_job_runs(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start("job", python("import time; print('now', flush=True); time.sleep(600)"), tmp_path)
    wait_for(lambda: (tmp_path / LOG).exists() and "now" in (tmp_path / LOG).read_text(), what="a line")


def test_progress_bars_long_lines_and_binary_output_are_lines(supervisor: Supervisor, tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "sys.stdout.buffer.write(b' 10%\\r 20%\\r\\n\\n\\xff\\xfe\\n' + b'x' * 600_000 + b'\\nlast')\n"
    )
    run(supervisor, tmp_path, code)
    lines = (tmp_path / LOG).read_bytes().splitlines()
    texts = [line.split(b" ", 1)[1] for line in lines]
    assert texts[:3] == [b" 10%", b" 20%", b"\xff\xfe"]
    assert texts[-1] == b"last"
    assert b"".join(texts[3:-1]) == b"x" * 600_000
    assert max(map(len, texts)) <= LINE_LIMIT


def test_two_processes_of_one_key_are_refused(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start("job", python("import time; time.sleep(600)"), tmp_path)
    with pytest.raises(RuntimeError, match="is running"):
        supervisor.start("job", python(""), tmp_path)


def test_stop_lets_a_job_end_in_its_own_way(supervisor: Supervisor, tmp_path: Path) -> None:
    code = (
        "import signal, sys, time\n"
        "def leave(*_):\n    print('kept what was finished'); sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, leave)\nopen('ready', 'w').close()\ntime.sleep(600)"
    )
    child = supervisor.start("job", python(code), tmp_path)
    wait_for((tmp_path / "ready").exists)
    assert supervisor.stop("job")
    assert child.ended.wait(5)
    assert child.exit == Exit(0, "stop", "kept what was finished")
    assert not supervisor.stop("job")


def test_a_job_that_ignores_sigterm_is_killed_after_the_grace_time(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    child = supervisor.start("job", python(STUBBORN), tmp_path)
    wait_for((tmp_path / "ready").exists)
    began = time.monotonic()
    supervisor.stop("job")
    assert child.ended.wait(5)
    assert time.monotonic() - began > 0.4
    assert child.exit == Exit(-signal.SIGKILL, "stop", "")


def test_the_time_limit_ends_a_job(supervisor: Supervisor, tmp_path: Path) -> None:
    began = time.monotonic()
    end = run(supervisor, tmp_path, "import time; time.sleep(600)", limit=0.5)
    assert (end.code, end.cause) == (-signal.SIGTERM, "limit")
    assert 0.4 < time.monotonic() - began < 10


@pytest.mark.parametrize("away", [False, True])
def test_what_a_job_leaves_behind_ends_with_it(supervisor: Supervisor, tmp_path: Path, away: bool) -> None:
    if away and not sys.platform.startswith("linux"):
        pytest.skip("only Linux shows the environment of processes that left their session")
    end = run(supervisor, tmp_path, GRANDCHILD.format(away=away, then=""))
    assert end.code == 0
    grandchild = int((tmp_path / "grandchild").read_text())
    wait_for(lambda: not alive(grandchild), what="the grandchild is gone")


def test_where_there_is_no_proc_groups_and_start_times_still_tell(
    supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("ps") is None:
        pytest.skip("neither /proc nor ps tells when a process started")
    monkeypatch.setattr(processes, "PROC", tmp_path / "absent")
    run(supervisor, tmp_path, GRANDCHILD.format(away=False, then=""))
    grandchild = int((tmp_path / "grandchild").read_text())
    wait_for(lambda: not alive(grandchild), what="the grandchild is gone")

    directory = tmp_path / "jobs" / "processing" / "job"
    directory.mkdir(parents=True)
    orphan = subprocess.Popen(["sleep", "600"], start_new_session=True)
    try:
        processes.remember(directory, orphan.pid)
        known = json.loads((directory / processes.FILE).read_text())
        (directory / processes.FILE).write_text(json.dumps({**known, "started": "Thu Jan  1 00:00:00 1970"}))
        processes.sweep(tmp_path / "jobs")
        assert orphan.poll() is None
        (directory / processes.FILE).write_text(json.dumps(known))
        processes.sweep(tmp_path / "jobs")
        assert orphan.wait(5) == -signal.SIGKILL
    finally:
        orphan.kill()
        orphan.wait()


def test_close_ends_everything_and_lets_nothing_start(tmp_path: Path) -> None:
    supervisor = Supervisor()
    causes: list[str] = []
    children = []
    for number, code in enumerate(["import time; time.sleep(600)", STUBBORN]):
        directory = tmp_path / str(number)
        directory.mkdir()
        children.append(
            supervisor.start(
                str(number), python(code), directory, on_exit=lambda end: causes.append(end.cause), limit=60
            )
        )
    wait_for((tmp_path / "1" / "ready").exists)
    supervisor.close(patience=0.3)
    assert causes == ["close", "close"]
    assert not any(alive(child.pid) for child in children)
    with pytest.raises(RuntimeError, match="shutting down"):
        supervisor.start("more", python(""), tmp_path)


def test_many_processes_at_once_leave_no_thread_and_no_descriptor(tmp_path: Path) -> None:
    supervisor = Supervisor()
    descriptors = open_files()
    threads = set(threading.enumerate())  # others of this process may end meanwhile
    children = []
    for number in range(12):
        directory = tmp_path / str(number)
        directory.mkdir()
        children.append(supervisor.start(str(number), ["true"], directory, limit=60))
    assert all(child.ended.wait(20) for child in children)
    wait_for(lambda: threads.issuperset(threading.enumerate()), what="the threads end")
    assert open_files() == descriptors


def test_kill_9_of_the_server_ends_its_jobs_through_the_lifeline(tmp_path: Path) -> None:
    server, pids = start_server(tmp_path, LIFELINE, GRANDCHILD.format(away=False, then=LIFELINE))
    grandchild = int(wait_for(lambda: read(tmp_path / "processing" / "1" / "grandchild")))
    server.send_signal(signal.SIGKILL)
    server.wait()
    wait_for(lambda: not any(alive(pid) for pid in [*pids, grandchild]), what="the jobs end with the server")


def test_the_next_server_ends_what_has_no_lifeline(tmp_path: Path) -> None:
    away = GRANDCHILD.format(away=True, then="time.sleep(600)")
    server, pids = start_server(
        tmp_path, STUBBORN, GRANDCHILD.format(away=False, then="time.sleep(600)"), away
    )
    grandchildren = [int(wait_for(lambda n=n: read(tmp_path / f"processing/{n}/grandchild"))) for n in "12"]
    server.send_signal(signal.SIGKILL)
    server.wait()
    assert all(alive(pid) for pid in [*pids, *grandchildren])
    processes.sweep(tmp_path)
    left = pids + (grandchildren if sys.platform.startswith("linux") else grandchildren[:1])
    wait_for(lambda: not any(alive(pid) for pid in left), what="the orphans are gone")
    assert not list(tmp_path.glob(f"*/*/{processes.FILE}"))


def test_a_pid_that_is_anothers_by_now_is_left_alone(tmp_path: Path) -> None:
    stranger = subprocess.Popen(["sleep", "600"], start_new_session=True)
    try:
        directory = tmp_path / "processing" / "job"
        directory.mkdir(parents=True)
        for started in ("1", None):
            (directory / processes.FILE).write_text(json.dumps({"pid": stranger.pid, "started": started}))
            processes.sweep(tmp_path)
        for text in ("", '{"pid": "x"}', "[]"):
            (directory / processes.FILE).write_text(text)
            processes.sweep(tmp_path)
        time.sleep(0.1)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_process_is_known_by_when_it_started() -> None:
    assert processes.start_time(os.getpid()) == processes.start_time(os.getpid()) is not None
    child = subprocess.Popen(["true"])
    wait_for(lambda: processes.start_time(child.pid) is None, what="a zombie does not count")
    child.wait()
    assert processes.start_time(child.pid) is None


def test_marks_of_other_directories_do_not_count(supervisor: Supervisor, tmp_path: Path) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("only Linux shows the environment of processes")
    for name in ("job", "job-2"):
        (tmp_path / name).mkdir()
    first = supervisor.start("1", ["sleep", "600"], tmp_path / "job")
    second = supervisor.start("2", ["sleep", "600"], tmp_path / "job-2")
    wait_for(lambda: len(list(processes.marked(tmp_path.resolve()))) == 2)
    assert list(processes.marked((tmp_path / "job").resolve())) == [first.pid]
    processes.kill_marked((tmp_path / "job").resolve())
    assert first.ended.wait(5)
    assert alive(second.pid)


def test_the_command_of_a_job_module(tmp_path: Path) -> None:
    assert module_command("automl", tmp_path, tmp_path / "job") == [
        sys.executable,
        "-m",
        "helpers.local.jobs.automl",
        "--state",
        str(tmp_path),
        "--job",
        str(tmp_path / "job"),
    ]


def start_server(jobs: Path, *codes: str) -> tuple[subprocess.Popen[str], list[int]]:
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(jobs), *codes], stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    pids = [int(server.stdout.readline()) for _ in codes]
    server.stdout.close()
    for number, code in enumerate(codes):
        if "ready" in code:
            wait_for((jobs / "processing" / str(number) / "ready").exists)
    return server, pids


def open_files() -> int:
    """How many files this process has open, where the system tells."""
    listed = Path("/proc/self/fd")
    return len(list(listed.iterdir())) if listed.exists() else 0


def read(path: Path) -> str:
    return path.read_text() if path.exists() else ""
