"""When the server dies, its jobs and everything they started die with it."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

JOB = """
import subprocess, sys, time
from helpers.local.jobs import lifeline
lifeline.watch()
child = subprocess.Popen(
    [sys.executable, "-c", "import time; time.sleep(60)"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
)
print(child.pid, flush=True)
time.sleep(60)
"""

SERVER = """
import subprocess, sys, time
job = subprocess.Popen(
    [sys.executable, "-c", sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
)
print(job.pid, int(job.stdout.readline()), flush=True)
time.sleep(60)
"""


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_killed_server_takes_the_whole_group_along() -> None:
    server = subprocess.Popen([sys.executable, "-c", SERVER, JOB], stdout=subprocess.PIPE)
    assert server.stdout is not None
    job, child = (int(word) for word in server.stdout.readline().split())
    try:
        assert alive(job)
        assert alive(child)
        server.kill()
        server.wait(5)
        end = time.monotonic() + 5
        while (alive(job) or alive(child)) and time.monotonic() < end:
            time.sleep(0.02)
        assert not alive(job)
        assert not alive(child)
    finally:
        server.stdout.close()
        for pid in (job, child):
            if alive(pid):
                os.kill(pid, signal.SIGKILL)


def test_a_follower_of_another_group_ends_only_itself() -> None:
    """Started by hand without a pipe a job must not take its caller's group with it."""
    leader = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import subprocess, sys, time\n"
            "job = subprocess.Popen([sys.executable, '-c', sys.argv[1]], stdin=subprocess.DEVNULL)\n"
            "print(job.wait(), flush=True)\n",
            JOB,
        ],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert leader.stdout is not None
    try:
        printed = [line for line in iter(leader.stdout.readline, b"") if line == b"-9\n"]
        assert printed, "the job was not killed, or took its leader along"
        assert leader.wait(10) == 0
    finally:
        leader.stdout.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(leader.pid, signal.SIGKILL)  # the sleeping child of the job
