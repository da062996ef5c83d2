"""One container of an endpoint as a process: started, awaited, started again when it dies, asked."""

from __future__ import annotations

import json
import os
import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

from helpers.local.sagemaker.container_connection import (
    TOKEN,
    Address,
    Answer,
    Broken,
    Connection,
    IdleConnections,
    TimedOut,
    TooMuch,
)
from helpers.local.sagemaker.host import Host, in_thread
from helpers.local.sagemaker.loading import turn
from helpers.local.sagemaker.records import Container, Variant
from helpers.local.supervisor import LOG, Child, write_line

__all__ = ["Answer", "Broken", "ModelServer", "TimedOut", "TooMuch", "Unreachable", "new_generation"]

POLL = 0.1  # seconds between two looks at a container that is starting
DYING = 1.0  # seconds a process that broke a connection may take to end, if it crashed
STEADY = 60.0  # seconds of service after which a crash counts as the first again
LONGEST_PAUSE = 30.0  # seconds between two restarts of a container that keeps crashing
STARTS = 3  # of a container that is killed from outside while it loads, until it is given up
SUSPECT_PINGS = 3  # unanswered in a row, after an invocation timed out: the container is started again


class Unreachable(Exception):
    """The container cannot be asked now: it is starting again."""


class ModelServer:
    """The process of one container.

    ``settled`` is set when the first start has ended well or badly; then ``problem`` says what was wrong, if
    anything. ``ready`` is set while the container answers.
    """

    def __init__(
        self,
        host: Host,
        key: str,
        directory: Path,
        container: Container,
        group: str,
        stream: str,
        variant: Variant,
    ) -> None:
        self.name = container.name
        self.settled = threading.Event()
        self.ready = threading.Event()
        self.problem: str | None = None
        self._host = host
        self._key = key
        self._directory = directory
        self._patience = variant.patience
        self._called = f"The {container.name} container for production variant {variant.name}"
        self._address: Address | None = None
        self._child: Child | None = None  # the process that answers, while ready is set
        self._lock = threading.Lock()
        self._idle = IdleConnections()
        self._suspected = threading.Lock()  # held while it is found out whether the container hangs
        self._stopping = threading.Event()
        self._over = threading.Event()  # nothing keeps the process running: not yet, or not any more
        self._over.set()
        directory.mkdir(parents=True, exist_ok=True)
        request = {"Container": container.definition, "Name": container.name, "Region": host.region}
        (directory / "request.json").write_text(json.dumps(request), encoding="utf-8")
        host.logs.add(group, stream, directory / LOG)

    def start(self) -> None:
        """Start the process and keep it running, in a thread of its own."""
        self._over.clear()
        in_thread(f"keep {self._key}", self._keep_until_over)

    def ask_to_stop(self) -> None:
        """Tell the process to end (SIGTERM), and kill it if it has not after the supervisor's grace time."""
        if not self._stopping.is_set():
            self._stopping.set()
            self.ready.clear()
            self._host.supervisor.stop(self._key)

    def stop(self) -> None:
        """End the process, and wait until it has."""
        self.ask_to_stop()
        self._over.wait(self._host.supervisor.grace + 15)
        self._idle.close()

    @contextmanager
    def open(self, body: bytes | BinaryIO, headers: Mapping[str, str], deadline: float) -> Iterator[Answer]:
        """POST /invocations; ``deadline`` on the monotonic clock. Raises Unreachable, TimedOut, Broken.

        A body that is a file is read to its end from where it is.
        """
        child, address, connection = self._connection(deadline)
        size = len(body) if isinstance(body, bytes) else os.fstat(body.fileno()).st_size - body.tell()
        sent = {**headers, TOKEN: address.token, "Content-Length": str(size)}
        answer: Answer | None = None
        try:
            answer = connection.exchange("POST", "/invocations", body, sent, deadline)
            yield answer
        except TimedOut:
            in_thread(f"suspect {self._key}", partial(self._suspect, child, address))
            raise
        except Broken:
            if child.ended.wait(DYING):
                self._retire(child)  # so that no request after this one is sent to a dead process
            raise
        finally:
            if answer is not None and answer.is_whole and not answer.is_last:
                self._idle.put(connection)
            else:
                connection.close()

    def _connection(self, deadline: float) -> tuple[Child, Address, Connection]:
        """A connection to the process that answers now. Raises Unreachable."""
        while True:
            self._await_ready(deadline)
            child, address, connection = self._child, self._address, self._idle.take()
            if child is not None and address is not None:
                try:
                    return child, address, connection or Connection(address.port)
                except OSError:  # it has just died, and starts again: nothing was asked yet
                    if time.monotonic() > deadline:
                        raise Unreachable from None
            elif connection is not None:
                connection.close()
            time.sleep(POLL)

    def _await_ready(self, deadline: float) -> None:
        while not self.ready.wait(max(0.0, min(0.5, deadline - time.monotonic()))):
            if self._stopping.is_set() or time.monotonic() >= deadline:
                raise Unreachable

    def _suspect(self, child: Child, address: Address) -> None:
        """An invocation timed out: is the container at work, or does it hang as a whole? Then end it."""
        if not self._suspected.acquire(blocking=False):
            return  # somebody is finding out
        try:
            for _ in range(SUSPECT_PINGS):
                if child.ended.is_set() or self._stopping.is_set() or address.answers():
                    return
            write_line(
                self._directory / LOG,
                "The container let an invocation time out and answers no /ping: it is started again.",
            )
            child.kill()
        finally:
            self._suspected.release()

    def _keep_until_over(self) -> None:
        try:
            self._keep()
        except Exception as error:  # noqa: BLE001 - the boundary of the thread: somebody waits for its end
            self.problem = f"{self._called} could not be started. {type(error).__name__}: {error}"
        finally:
            if not self.settled.is_set():
                self.problem = self.problem or (
                    f"The container {self.name} was stopped before it could start."
                )
                self.settled.set()
            self._over.set()

    def _keep(self) -> None:
        crashes = starts = 0
        while not self._stopping.is_set() and not self._host.closing.is_set():
            began = time.monotonic()
            child, problem = self._start() if self.settled.is_set() else self._start_in_turn()
            if problem is None and child is not None:
                self.settled.set()
                self._serve(child)
            else:
                starts += 1
                hopeless = starts >= STARTS or not _was_killed(child)
                self._end(child)
                if hopeless and not self.settled.is_set():
                    self.problem = problem
                    self.settled.set()
                    return
            crashes = 1 if time.monotonic() - began > STEADY else crashes + 1
            self._stopping.wait(min(LONGEST_PAUSE, 0.25 * 2**crashes))

    def _start_in_turn(self) -> tuple[Child | None, str | None]:
        """The first start, beside those of other containers."""
        with turn(self._host, self._stopping) as reason:
            if reason is not None:
                return None, f"{self._called} was not started. {reason}"
            return self._start()

    def _start(self) -> tuple[Child | None, str | None]:
        """Start the process and wait until it answers: the process, and what went wrong, or None."""
        try:
            for name in ("server.json", "progress.json"):
                (self._directory / name).unlink(missing_ok=True)
            child = self._host.supervisor.start(
                self._key,
                self._host.launcher("model_server", self._host.state, self._directory),
                self._directory,
            )
        except (OSError, RuntimeError) as error:
            return None, f"{self._called} could not be started: {error}"
        if self._stopping.is_set():  # the stop came before there was a process to end
            self._host.supervisor.stop(self._key)
        return child, self._await(child)

    def _await(self, child: Child) -> str | None:
        """Wait until the container answers /ping; what went wrong, or None."""
        failed = (
            f"{self._called} did not pass the ping health check. Please check CloudWatch logs for this "
            "endpoint."
        )
        deadline = time.monotonic() + self._patience
        while time.monotonic() < deadline:
            if child.ended.wait(POLL):
                return f"{failed} {self._reason(child)}"
            address = self._address_of()
            if address is not None and address.answers() and not self._stopping.is_set():
                self._address = address
                return None
        return f"{failed} It did not answer within {self._patience:.0f} seconds."

    def _serve(self, child: Child) -> None:
        """The process answers: until it ends."""
        with self._lock:
            self._child = child
            if not self._stopping.is_set():
                self.ready.set()
        child.ended.wait()
        self._retire(child)

    def _end(self, child: Child | None) -> None:
        """A process that does not come to answer is ended; one that was asked to stop has its grace time."""
        if child is None:
            return
        if self._stopping.is_set():
            child.ended.wait(self._host.supervisor.grace + 5)
        child.kill()
        child.ended.wait(10)

    def _retire(self, child: Child) -> None:
        """The process has ended: nothing is asked of it any more."""
        with self._lock:
            if self._child is child:
                self.ready.clear()
                self._child = self._address = None
                self._idle.close()

    def _reason(self, child: Child) -> str:
        """Why the process ended: its own words, else its exit and the end of its log."""
        try:
            said = json.loads((self._directory / "progress.json").read_bytes()).get("FailureReason")
        except (OSError, ValueError, AttributeError):
            said = None
        return str(said) if said else child.exit.sentence if child.exit is not None else ""

    def _address_of(self) -> Address | None:
        try:
            written = json.loads((self._directory / "server.json").read_bytes())
            return Address(int(written["port"]), str(written["token"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None  # not yet, or not yet whole


def _was_killed(child: Child | None) -> bool:
    """Whether a process was ended by a signal that was not ours."""
    return child is not None and child.exit is not None and child.exit.code < 0 and child.exit.cause == "own"


def new_generation() -> str:
    """A name for one deployment of an endpoint, unlike any before."""
    return f"{time.time_ns() // 1_000_000}-{secrets.token_hex(3)}"
