"""Local SageMaker from outside: start it, find it, stop it, and what a shell or an SDK needs to reach it.

The server is a process of its own that outlives whoever started it. Nothing here imports it.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, build_opener

import helpers
from helpers.connection import (
    ACCESS_KEY,
    ACCOUNT,
    ROLE,
    UNSET,
    Service,
    client,
    environment,
    unset,
)

__all__ = [
    "ACCESS_KEY",
    "ACCOUNT",
    "ROLE",
    "UNSET",
    "Service",
    "ServiceError",
    "Status",
    "client",
    "default_state",
    "environment",
    "reset",
    "running",
    "start",
    "status",
    "stop",
    "unset",
]

START_SECONDS = 60  # a cold disk may make Python slow; usually a second or two
STOP_SECONDS = 45
MARKER = "server.lock"  # every state directory has one
STARTING = "start.lock"


_children: set[int] = set()  # servers this process started, to be waited for


class ServiceError(RuntimeError):
    """Local SageMaker could not be started, stopped or reset; the message says why and what to do."""


@dataclass(frozen=True)
class Status:
    """What runs. ``jobs`` (by kind) and ``endpoints`` are pairs of a name and a status."""

    state: Path
    address: str | None
    jobs: Mapping[str, list[tuple[str, str]]] = field(default_factory=dict)
    endpoints: list[tuple[str, str]] = field(default_factory=list)


def default_state() -> Path:
    """$WORKSHOP_STATE, else .workshop in the checkout that holds this file, else .workshop here."""
    chosen = os.environ.get("WORKSHOP_STATE")
    if chosen:
        return Path(chosen).expanduser().absolute()
    root = Path(helpers.__file__).resolve().parents[1]
    return (root if (root / "pyproject.toml").is_file() else Path.cwd()) / ".workshop"


def start(state: Path | None = None, port: int | None = None) -> Service:
    """Start local SageMaker, or find the one that serves the state directory; returns when it answers.

    A new server takes a free port when ``port`` is None. Any number of processes may call this at once.
    Raises ServiceError.
    """
    state = _chosen(state)
    found = running(state)
    if found is None:
        _make_state(state)
        with _starting(state):
            found = running(state) or _launch(state, port)
    if port is not None and found.address != f"http://127.0.0.1:{port}":
        raise ServiceError(
            f"local SageMaker already serves {state} at {found.address}, not on port {port}: "
            "use that address, or stop it first (workshop down)"
        )
    return found


def running(state: Path | None = None) -> Service | None:
    """The server of a state directory if it answers, else None."""
    state = _chosen(state)
    try:
        content = json.loads((state / "server.json").read_text())
        key = (state / "key").read_text().strip()
        address, pid = str(content["address"]), int(content["pid"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    answer = _ping(address)
    if answer is None or answer.get("pid") != pid or answer.get("state") != str(state):
        return None  # killed, and perhaps another program has its port now
    return Service(address, state, key, pid, str(content.get("region", "us-east-1")))


def stop(state: Path | None = None) -> bool:
    """Stop the server and everything it started; False if none was running. Raises ServiceError."""
    state = _chosen(state)
    if not _locked(state):
        return False
    end = time.monotonic() + STOP_SECONDS
    pid: int | None = None
    while _locked(state) or (pid is not None and _alive(pid)):
        if pid is None and (pid := _server_pid(state)) is not None:
            _signal(pid, signal.SIGTERM)
        if time.monotonic() > end:
            raise ServiceError(
                f"the server of {state} (process {pid}) does not stop; see {state / 'server.log'}"
            )
        time.sleep(0.05)
    return True


def reset(state: Path | None = None) -> None:
    """Stop the server and empty its state directory. Raises ServiceError if it is no state directory."""
    state = _chosen(state)
    if not state.exists():
        return
    if not (state / MARKER).exists():
        if any(state.iterdir()):
            raise ServiceError(
                f"{state} is no state directory of local SageMaker: it has no {MARKER}. Nothing removed."
            )
        return
    stop(state)
    with _starting(state):
        for item in state.iterdir():
            if item.name in (MARKER, STARTING):
                continue
            if item.is_dir() and not item.is_symlink():
                shutil.rmtree(item)
            else:
                item.unlink()


def status(state: Path | None = None) -> Status:
    """Address, jobs and endpoints of a state directory's server; no address when none runs."""
    state = _chosen(state)
    service = running(state)
    if service is None:
        return Status(state, None)
    sagemaker = client(service, "sagemaker")
    jobs = {
        "processing": _named(sagemaker, "list_processing_jobs", "ProcessingJob"),
        "automl": _named(sagemaker, "list_auto_ml_jobs", "AutoMLJob", answer="AutoMLJobSummaries"),
        "transform": _named(sagemaker, "list_transform_jobs", "TransformJob"),
    }
    endpoints = _named(sagemaker, "list_endpoints", "Endpoint", answer="Endpoints")
    return Status(state, service.address, jobs, endpoints)


def _chosen(state: Path | None) -> Path:
    return default_state() if state is None else Path(state).expanduser().absolute()


def _make_state(state: Path) -> None:
    try:
        state.mkdir(parents=True, exist_ok=True)
        if not (state / MARKER).exists() and any(state.iterdir()):
            raise ServiceError(f"{state} is not empty and no state directory: choose another with --state")
        (state / MARKER).touch()
    except OSError as error:
        raise ServiceError(
            f"cannot keep state in {state}: {error.strerror}; choose another with --state"
        ) from error


@contextmanager
def _starting(state: Path) -> Iterator[None]:
    """One starter at a time; the others wait and then find the server."""
    with (state / STARTING).open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _launch(state: Path, port: int | None) -> Service:
    command = [sys.executable, "-m", "helpers.local", "--state", str(state)]
    command += ["--port", str(port)] if port is not None else []
    variables = {name: value for name, value in os.environ.items() if name != "AWS_ENDPOINT_URL"}
    variables["PYTHONPATH"] = os.pathsep.join(
        part
        for part in (str(Path(helpers.__file__).resolve().parents[1]), os.environ.get("PYTHONPATH", ""))
        if part
    )
    log = state / "server.log"
    begin = log.stat().st_size if log.exists() else 0
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=state,
            env=variables,
            start_new_session=True,  # Ctrl-C in the terminal or the notebook is not for the server
        )
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        found = running(state)
        if found is not None:
            if process.poll() is None:
                _children.add(process.pid)
                process.returncode = 0  # it may outlive us, which Popen would complain about
            return found
        if process.poll() is not None and process.returncode != 3:  # 3: somebody else's server is coming up
            break
        time.sleep(0.02)
    else:
        process.kill()
        process.wait()
    written = log.read_bytes()[begin:].decode(errors="replace").strip().splitlines()
    reason = "\n  ".join(written[-15:]) or "it printed nothing"
    raise ServiceError(f"local SageMaker did not start; the end of {log}:\n  {reason}")


def _alive(pid: int) -> bool:
    """Whether a process runs; one that ended and was not waited for does not."""
    try:
        if pid in _children:
            return os.waitpid(pid, os.WNOHANG)[0] == 0
        os.kill(pid, 0)
    except (ChildProcessError, ProcessLookupError, PermissionError):
        return False
    command = ["ps", "-o", "stat=", "-p", str(pid)]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except FileNotFoundError:
        stat = Path(f"/proc/{pid}/stat")
        found = stat.read_text().rpartition(")")[2].strip() if stat.exists() else ""
    return bool(found) and not found.startswith("Z")


def _ping(address: str) -> dict[str, Any] | None:
    opener = build_opener(ProxyHandler({}))  # never through a proxy
    try:
        with opener.open(f"{address}/_workshop/ping", timeout=5) as response:
            answer = json.loads(response.read())
    except (OSError, ValueError):
        return None
    return answer if isinstance(answer, dict) else None


def _locked(state: Path) -> bool:
    """Whether a server holds the state directory."""
    try:
        with (state / MARKER).open("r") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _server_pid(state: Path) -> int | None:
    try:
        return int(json.loads((state / "server.json").read_text())["pid"])
    except (OSError, ValueError, KeyError, TypeError):
        return None  # still coming up


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return  # it left by itself


def _named(sagemaker: Any, operation: str, kind: str, answer: str = "") -> list[tuple[str, str]]:
    summaries = getattr(sagemaker, operation)(MaxResults=100)[answer or f"{kind}Summaries"]
    return [(each[f"{kind}Name"], each[f"{kind}Status"]) for each in summaries]
