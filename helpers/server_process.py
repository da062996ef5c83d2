"""The server's process as others see it: started, told apart from strangers, ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO

import helpers

SERVER = "helpers.local"  # the module that is the server

_started: set[int] = set()  # servers this process started, to be waited for


def spawn(state: Path, port: int | None, output: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start the server of a state directory in a session of its own."""
    command = [sys.executable, "-m", SERVER, "--state", str(state)]
    command += ["--port", str(port)] if port is not None else []
    variables = {name: value for name, value in os.environ.items() if name != "AWS_ENDPOINT_URL"}
    variables["PYTHONPATH"] = os.pathsep.join(
        part
        for part in (str(Path(helpers.__file__).resolve().parents[1]), os.environ.get("PYTHONPATH", ""))
        if part
    )
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        cwd=state,
        env=variables,
        start_new_session=True,  # Ctrl-C in the terminal or the notebook is not for the server
    )


def let_live(process: subprocess.Popen[bytes]) -> None:
    """The server runs: it may outlive us, which Popen would complain about."""
    _started.add(process.pid)
    process.returncode = 0


def end(pid: int) -> None:
    """Ask a server to end."""
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        return  # it left by itself


def alive(pid: int) -> bool:
    """Whether a process runs; one that ended and was not waited for does not."""
    try:
        if pid in _started:
            return os.waitpid(pid, os.WNOHANG)[0] == 0
        os.kill(pid, 0)
    except (ChildProcessError, ProcessLookupError, PermissionError):
        return False
    try:
        found = _ps("stat", pid)
    except FileNotFoundError:
        stat = Path(f"/proc/{pid}/stat")
        found = stat.read_text().rpartition(")")[2].strip() if stat.exists() else ""
    return bool(found) and not found.startswith("Z")


def is_server(pid: int) -> bool:
    """Whether the process is a server, not a stranger with the pid of one that was killed."""
    try:
        found = _ps("args", pid)
    except FileNotFoundError:
        command = Path(f"/proc/{pid}/cmdline")
        found = command.read_text(errors="replace").replace("\0", " ") if command.exists() else ""
    return SERVER in found


def _ps(column: str, pid: int) -> str:
    command = ["ps", "-ww", "-o", f"{column}=", "-p", str(pid)]
    return subprocess.run(
        command, capture_output=True, text=True, errors="replace", check=False
    ).stdout.strip()
