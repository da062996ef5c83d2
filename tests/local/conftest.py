"""Fixtures of the control plane's tests."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from control_harness import Control, wait_for


@contextmanager
def running_control(found: Control) -> Iterator[Control]:
    """A running control plane with stand-in jobs; everything it started is gone afterwards."""
    found.start()
    try:
        yield found
    finally:
        assert found.process is not None
        if found.process.poll() is None:
            found.end(signal.SIGTERM)
        wait_for(lambda: not found.jobs(), 10, "every job process ends with its server")


@pytest.fixture
def control(tmp_path: Path) -> Iterator[Control]:
    """A control plane of the test's own."""
    with running_control(Control(tmp_path / "state")) as found:
        yield found


@pytest.fixture
def narrow(tmp_path: Path) -> Iterator[Control]:
    """A control plane with room for one heavy job and two light ones at a time."""
    with running_control(Control(tmp_path / "state", cores=2, gigabytes=6)) as found:
        yield found


@pytest.fixture
def sagemaker(control: Control) -> Any:
    """A boto3 client of the test's own control plane."""
    return control.client()


@pytest.fixture(scope="module")
def shared_control(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Control]:
    """A control plane for all tests of a module that leave nothing behind or use names of their own."""
    with running_control(Control(tmp_path_factory.mktemp("control") / "state")) as found:
        yield found


@pytest.fixture(scope="module")
def shared(shared_control: Control) -> Any:
    """A boto3 client of the module's control plane."""
    return shared_control.client()
