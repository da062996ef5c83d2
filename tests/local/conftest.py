"""The control plane as a server of its own, killed and started again at will."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from helpers.local.objects import ObjectStore
from helpers.local.processes import marked

SERVER = Path(__file__).with_name("control_server.py")
ROLE = "arn:aws:iam::000000000000:role/workshop"


class Control:
    """One state directory and the server on it."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.objects = ObjectStore(state / "s3")
        self.objects.create_bucket("data")
        self.objects.put("data", "model.tar.gz", b"model")
        self.process: subprocess.Popen[str] | None = None
        self.address = ""

    def start(self) -> None:
        """Start the server and wait until it listens."""
        self.process = subprocess.Popen(
            [sys.executable, str(SERVER), str(self.state)], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().strip()
        assert self.address.startswith("http://127.0.0.1:")

    def end(self, number: int) -> None:
        """Send the server a signal and wait until it is gone."""
        assert self.process is not None
        self.process.send_signal(number)
        self.process.wait(20)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def client(self, service: str = "sagemaker") -> Any:
        """A boto3 client of this server."""
        return boto3.client(
            service,
            endpoint_url=self.address,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}, read_timeout=30, parameter_validation=False),
        )

    def jobs(self) -> list[int]:
        """The job and model processes that run, grandchildren included."""
        return [pid for pid in marked(self.state.resolve() / "jobs") if _runs(pid)]


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def control(tmp_path: Path) -> Iterator[Control]:
    """A running control plane with stand-in jobs; everything it started is gone afterwards."""
    found = Control(tmp_path / "state")
    found.start()
    yield found
    assert found.process is not None
    if found.process.poll() is None:
        found.end(signal.SIGTERM)
    wait_for(lambda: not found.jobs(), 10, "every job process ends with its server")


@pytest.fixture
def sagemaker(control: Control) -> Any:
    """A boto3 client of the control plane."""
    return control.client()


def wait_for(condition: Callable[[], Any], seconds: float = 10.0, what: str = "") -> Any:
    """Poll until the condition is truthy and return it; fail after some seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.03)
    raise AssertionError(f"not within {seconds} seconds: {what}")


def alive(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return _runs(pid)
