"""Local SageMaker from outside: start it, find it, stop it, and what a shell or an SDK needs to reach it.

The server is a process of its own that outlives whoever started it. Nothing here imports it.
"""

from __future__ import annotations

import fcntl
import http.client
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from urllib.request import ProxyHandler, build_opener

import helpers
from helpers import server_process
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
ALREADY_SERVED = 3  # its exit status when another one holds the state directory


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
        return Path(chosen).expanduser().resolve()
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
    while _locked(state) or (pid is not None and server_process.alive(pid)):
        found = _server_pid(state)
        if found is not None and found != pid and server_process.is_server(found):
            pid = found
            server_process.end(pid)
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
    if not state.is_dir() or not (state / MARKER).exists():
        if not state.is_dir() or any(state.iterdir()):
            raise ServiceError(
                f"{state} is no state directory of local SageMaker: it has no {MARKER}. Nothing removed."
            )
        return
    with _starting(state):  # nobody starts a server between its stop and the end of its state
        stop(state)
        try:
            _empty(state)
        except OSError as error:
            raise ServiceError(
                f"cannot remove {error.filename} of {state}: {error.strerror}; remove it by hand"
            ) from error


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
    # One directory has one name here, whatever links or dots led to it: servers are told apart by it.
    return default_state() if state is None else Path(state).expanduser().resolve()


def _empty(state: Path) -> None:
    for item in state.iterdir():
        if item.name in (MARKER, STARTING):
            continue
        if item.is_dir() and not item.is_symlink():
            shutil.rmtree(item)
        else:
            item.unlink()


def _make_state(state: Path) -> None:
    try:
        state.mkdir(parents=True, exist_ok=True)
        # In this order: whoever makes the directory at the same time puts the marker there first.
        if any(state.iterdir()) and not (state / MARKER).exists():
            raise ServiceError(f"{state} is not empty and no state directory: choose another with --state")
        (state / MARKER).touch()
    except OSError as error:
        raise ServiceError(
            f"cannot keep state in {state}: {error.strerror}; choose another with --state"
        ) from error


@contextmanager
def _starting(state: Path) -> Iterator[None]:
    """One starter at a time; the others wait and then find the server."""
    with _opened(state / STARTING) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _opened(path: Path) -> IO[bytes]:
    try:
        return path.open("ab")
    except OSError as error:
        raise ServiceError(
            f"cannot write {path}: {error.strerror}; choose another state directory with --state"
        ) from error


def _launch(state: Path, port: int | None) -> Service:
    log = state / "server.log"
    begin = log.stat().st_size if log.exists() else 0
    process = _spawn(state, port)
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        found = running(state)
        if found is not None:
            if process.poll() is None:
                server_process.let_live(process)
            return found
        if process.poll() is not None:
            if process.returncode != ALREADY_SERVED:
                break
            if not _locked(state):  # the other server was on its way out, not coming up
                process = _spawn(state, port)
        time.sleep(0.02)
    else:
        process.kill()
        process.wait()
    written = log.read_bytes()[begin:].decode(errors="replace").strip().splitlines()
    reason = "\n  ".join(written[-15:]) or "it printed nothing"
    raise ServiceError(f"local SageMaker did not start; the end of {log}:\n  {reason}")


def _spawn(state: Path, port: int | None) -> subprocess.Popen[bytes]:
    with _opened(state / "server.log") as output:
        return server_process.spawn(state, port, output)


def _ping(address: str) -> dict[str, Any] | None:
    opener = build_opener(ProxyHandler({}))  # never through a proxy
    try:
        with opener.open(f"{address}/_workshop/ping", timeout=5) as response:
            answer = json.loads(response.read())
    except (OSError, ValueError, http.client.HTTPException):
        return None  # nobody there, or a server of another kind
    return answer if isinstance(answer, dict) else None


def _locked(state: Path) -> bool:
    """Whether a server holds the state directory."""
    try:
        with (state / MARKER).open("r") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except BlockingIOError:
        return True
    except OSError as error:
        raise ServiceError(f"cannot read {state / MARKER}: {error.strerror}") from error
    return False


def _server_pid(state: Path) -> int | None:
    try:
        return int(json.loads((state / "server.json").read_text())["pid"])
    except (OSError, ValueError, KeyError, TypeError):
        return None  # still coming up


def _named(sagemaker: Any, operation: str, kind: str, answer: str = "") -> list[tuple[str, str]]:
    summaries = getattr(sagemaker, operation)(MaxResults=100)[answer or f"{kind}Summaries"]
    return [(each[f"{kind}Name"], each[f"{kind}Status"]) for each in summaries]
