"""A local SageMaker for tests: a real server process on a real socket, its state in a temporary directory."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from helpers import service as services

Aws = Callable[..., Any]

# Started in the background the tests would ignore interrupts, and so would every process they start.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Which engines the tests of operators run on."""
    parser.addoption("--engine", choices=["duckdb", "spark", "both"], default="both", help="of the flows")


def _alive(pid: int) -> bool:
    command = ["ps", "-o", "stat=", "-p", str(pid)]
    found = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    return bool(found) and not found.startswith("Z")


@contextmanager
def running_service(state: Path) -> Iterator[services.Service]:
    """A server for a state directory; afterwards its process is gone, whatever the test did."""
    service = services.start(state)
    pids = {service.pid}
    try:
        yield service
    finally:
        last = services.running(state)
        if last is not None:
            pids.add(last.pid)
        services.stop(state)
        end = time.monotonic() + 10
        while any(_alive(pid) for pid in pids) and time.monotonic() < end:
            time.sleep(0.02)
        left = [pid for pid in pids if _alive(pid)]
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        assert not left, f"server processes outlived their stop: {left}"


@pytest.fixture(autouse=True, scope="session")
def _no_other_aws() -> Iterator[None]:
    """No test sees the AWS configuration of whoever runs it, or the default state directory."""
    saved = {
        name: value
        for name, value in os.environ.items()
        if name.startswith(("AWS_", "SAGEMAKER_", "WORKSHOP_"))
    }
    for name in saved:
        del os.environ[name]
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
    os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
    yield
    for name in ("AWS_EC2_METADATA_DISABLED", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        os.environ.pop(name, None)
    os.environ.update(saved)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[services.Service]:
    """A server of the test's own."""
    with running_service(tmp_path / "state") as found:
        yield found


@pytest.fixture(scope="module")
def shared_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[services.Service]:
    """One server for all tests of a module: use names of your own in it."""
    with running_service(tmp_path_factory.mktemp("shared") / "state") as found:
        yield found


@pytest.fixture
def aws(service: services.Service) -> Aws:
    """``aws("s3")``: a boto3 client of the test's own server."""
    return lambda name, **options: services.client(service, name, **options)


@pytest.fixture(scope="module")
def shared_aws(shared_service: services.Service) -> Aws:
    """``shared_aws("s3")``: a boto3 client of the module's server."""
    return lambda name, **options: services.client(shared_service, name, **options)
