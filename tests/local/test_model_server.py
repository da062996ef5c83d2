"""The process of a container: does not answer, hangs, crashes and comes back, waits its turn, is ended."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from control_harness import Control, container, deploy, settled, wait_for
from control_server import NoLogs
from control_server import launch as launch_fake_job

from helpers.local import machine
from helpers.local.sagemaker import loading
from helpers.local.sagemaker.container_connection import TimedOut
from helpers.local.sagemaker.host import Host
from helpers.local.sagemaker.model_server import ModelServer, Unreachable
from helpers.local.sagemaker.records import Container, Variant
from helpers.local.supervisor import Supervisor

Make = Callable[..., ModelServer]


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    found = Host(tmp_path, "us-east-1", NoLogs(), launch_fake_job, Supervisor(grace=1.0))
    yield found
    found.closing.set()
    found.supervisor.close()


@pytest.fixture
def make(host: Host) -> Make:
    """Makes the process of a stand-in container that behaves as its environment says."""
    made: list[ModelServer] = []

    def build(patience: float = 20.0, **environment: str) -> ModelServer:
        number = len(made)
        container = Container(name="primary", definition={"Image": "i", "Environment": environment})
        variant = Variant(name="a", containers=[container], patience=patience)
        directory = host.directory("endpoint", "e") / str(number)
        server = ModelServer(host, f"endpoint/e/{number}", directory, container, "group", "stream", variant)
        made.append(server)
        return server

    return build


def started(server: ModelServer) -> ModelServer:
    """A server once its first start has ended well or badly."""
    server.start()
    assert server.settled.wait(20)
    return server


def ask(server: ModelServer, body: bytes = b"x", seconds: float = 10.0) -> bytes:
    with server.open(body, {}, time.monotonic() + seconds) as answer:
        return b"".join(iter(answer.read, b""))


@pytest.mark.parametrize("environment", [{"behaviour": "mute"}, {"ping": "503"}])
def test_a_container_that_never_answers_its_ping(make: Make, environment: dict[str, str], host: Host) -> None:
    server = started(make(patience=1.0, **environment))
    assert server.problem == (
        "The primary container for production variant a did not pass the ping health check. Please check "
        "CloudWatch logs for this endpoint. It did not answer within 1 seconds."
    )
    wait_for(lambda: host.supervisor.running("endpoint/e/0") is None)


def test_a_container_that_crashes_as_it_starts(make: Make) -> None:
    server = started(make(behaviour="broken"))
    assert server.problem is not None
    assert "did not pass the ping health check" in server.problem
    assert server.problem.endswith("exit code 1. Its log ends: the model cannot be loaded")


def test_a_container_that_is_killed_while_it_loads_gets_two_more_chances(
    make: Make, host: Host, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    for number, kills in enumerate((2, 3)):
        server = make(name="echo ", **{"await": str(go)})
        server.start()
        before = None
        for _ in range(kills):
            child = wait_for(
                lambda number=number, before=before: (
                    (found := host.supervisor.running(f"endpoint/e/{number}")) is not before and found
                )
            )
            os.kill(child.pid, signal.SIGKILL)
            before = child
        if kills == 2:
            go.write_text("")
        assert server.settled.wait(10)
        assert (server.problem is None) == (kills == 2)
        go.unlink(missing_ok=True)
    assert server.problem is not None
    assert "was killed (signal 9)" in server.problem


def test_a_container_that_is_killed_comes_back(make: Make, host: Host) -> None:
    server = started(make(name="echo "))
    child = host.supervisor.running("endpoint/e/0")
    assert child is not None
    os.kill(child.pid, signal.SIGKILL)
    child.ended.wait(5)
    assert ask(server) == b"echo x"  # the request waits
    again = host.supervisor.running("endpoint/e/0")
    assert again is not None
    assert again.pid != child.pid


def test_a_container_that_hangs_as_a_whole_is_started_again(
    make: Make, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("helpers.local.sagemaker.container_connection.PING_LIMIT", 0.2)
    server = started(make(name="echo "))
    before = host.supervisor.running("endpoint/e/0")
    with pytest.raises(TimedOut):
        ask(server, b"freeze", 0.5)
    assert before is not None
    assert before.ended.wait(10)
    assert ask(server) == b"echo x"
    assert host.supervisor.running("endpoint/e/0") is not before
    assert "it is started again" in (host.directory("endpoint", "e") / "0" / "log").read_text()


def test_a_container_with_one_slow_request_is_left_alone(make: Make, host: Host) -> None:
    server = started(make(name="echo "))
    before = host.supervisor.running("endpoint/e/0")
    with pytest.raises(TimedOut):
        ask(server, b"hang", 0.3)
    assert ask(server) == b"echo x"
    wait_for(lambda: not any(thread.name.startswith("suspect") for thread in threading.enumerate()))
    assert host.supervisor.running("endpoint/e/0") is before


def test_a_container_that_hangs_up_after_an_answer_is_asked_on_a_new_connection(make: Make) -> None:
    server = started(make())
    assert ask(server, b"last") == b"last"
    assert ask(server) == b"x"  # on the connection before, it would not be answered


def test_containers_are_asked_to_end_before_they_are_killed(make: Make, host: Host) -> None:
    log = host.directory("endpoint", "e")
    started(make(behaviour="polite")).stop()
    assert "goodbye" in (log / "0" / "log").read_text()
    stubborn = started(make())
    began = time.monotonic()
    stubborn.stop()
    assert time.monotonic() - began < 5
    assert host.supervisor.running("endpoint/e/1") is None


def test_who_waits_for_a_container_that_is_ended_is_told_at_once(make: Make) -> None:
    server = make()  # never started: nobody can be asked
    told: list[float] = []

    def wait() -> None:
        with pytest.raises(Unreachable):
            ask(server, seconds=60)
        told.append(time.monotonic())

    thread = threading.Thread(target=wait)
    thread.start()
    server.ask_to_stop()
    thread.join(5)
    assert told


def test_containers_load_one_after_the_other(make: Make, host: Host, tmp_path: Path) -> None:
    host.turns = threading.Semaphore(1)
    go = tmp_path / "go"
    first, second = make(**{"await": str(go)}), make()
    first.start()
    wait_for(lambda: host.supervisor.running("endpoint/e/0"))
    second.start()
    assert not second.settled.wait(1.0)
    assert host.supervisor.running("endpoint/e/1") is None
    go.write_text("")
    assert second.settled.wait(10)
    assert (first.problem, second.problem) == (None, None)


def test_a_container_that_loads_for_long_does_not_keep_the_others(
    make: Make, host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "TURN", 0.3)
    host.turns = threading.Semaphore(1)
    make(**{"await": str(tmp_path / "never")}).start()
    wait_for(lambda: host.supervisor.running("endpoint/e/0"))
    assert started(make()).problem is None


def test_no_container_is_started_without_memory(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "free_memory", lambda: 100 * 1024**2)
    monkeypatch.setattr(loading, "PATIENCE", 0.0)
    server = started(make())
    assert server.problem == (
        "The primary container for production variant a was not started. This machine has 0.1 GB of memory "
        "free, and a container needs 0.5 GB. Delete an endpoint that you do not need, or end other programs."
    )


def test_free_memory_is_within_all_memory() -> None:
    free = machine.free_memory()
    assert free is None or 0 < free <= machine.usable_memory()


def test_ten_endpoints_at_once(sagemaker: Any, control: Control) -> None:
    assert deploy(sagemaker, "e-0", container(name="echo ")) == "InService"
    for number in range(1, 10):
        sagemaker.create_endpoint(EndpointName=f"e-{number}", EndpointConfigName="e-0")
    for number in range(1, 10):
        assert settled(sagemaker, f"e-{number}") == "InService"
    assert len(control.jobs()) == 10
    runtime = control.client("sagemaker-runtime")
    for number in range(10):
        answer = runtime.invoke_endpoint(EndpointName=f"e-{number}", Body=b"x")
        assert answer["Body"].read() == b"echo x"
