"""One container of an endpoint as a process: started, awaited, started again when it dies, asked."""

from __future__ import annotations

import http.client
import json
import queue
import secrets
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from helpers.local.sagemaker.host import Host, in_thread
from helpers.local.sagemaker.records import Container
from helpers.local.supervisor import LOG, Child

POLL = 0.1  # seconds between two looks at a container that is starting
PING_LIMIT = 2.0  # seconds a /ping may take
DYING = 1.0  # seconds a process that broke a connection may take to end, if it crashed
CONNECT_LIMIT = 5.0  # seconds a connection on the loopback address may take
STEADY = 60.0  # seconds of service after which a crash counts as the first again
LONGEST_PAUSE = 30.0  # seconds between two restarts of a container that keeps crashing


class Unreachable(Exception):
    """The container cannot be asked now: it is starting again."""


class TimedOut(Exception):
    """The container did not answer in time."""


class Broken(Exception):
    """The container ended the connection without an answer: it crashed."""


@dataclass(frozen=True)
class Reply:
    """A container's answer."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes


@dataclass(frozen=True)
class _Address:
    port: int
    token: str


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
        patience: float,
    ) -> None:
        self.name = container.name
        self.settled = threading.Event()
        self.ready = threading.Event()
        self.problem: str | None = None
        self._host = host
        self._key = key
        self._directory = directory
        self._patience = patience
        self._address: _Address | None = None
        self._child: Child | None = None  # the process that answers, while ready is set
        self._lock = threading.Lock()
        self._idle: queue.LifoQueue[http.client.HTTPConnection] = queue.LifoQueue()
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

    def stop(self) -> None:
        """End the process, and wait until it has."""
        self._stopping.set()
        self.ready.clear()
        self._host.supervisor.kill(self._key)
        self._over.wait(15)
        self._forget_connections()

    def ask(self, body: bytes, headers: Mapping[str, str], deadline: float) -> Reply:
        """POST /invocations; ``deadline`` on the monotonic clock. Raises Unreachable, TimedOut, Broken."""
        while True:
            if not self.ready.wait(max(0.0, deadline - time.monotonic())):
                raise Unreachable
            child, address, connection = self._child, self._address, self._idle_connection()
            try:
                if connection is None:
                    if address is None:
                        raise ConnectionRefusedError
                    connection = _connect(address)
            except ConnectionError:  # it has just died, and starts again: nothing was asked yet
                if time.monotonic() > deadline:
                    raise Unreachable from None
                time.sleep(POLL)
                continue
            token = address.token if address is not None else ""
            sent = {**headers, "X-Workshop-Token": token, "Content-Length": str(len(body))}
            try:
                reply = _exchange(connection, "POST", "/invocations", body, sent, deadline)
            except TimeoutError:
                connection.close()
                raise TimedOut from None
            except (OSError, http.client.HTTPException):
                connection.close()
                if child is not None and child.ended.wait(DYING):
                    self._retire(child)  # so that no request after this one is sent to a dead process
                raise Broken from None
            self._idle.put(connection)
            return reply

    def _idle_connection(self) -> http.client.HTTPConnection | None:
        """A connection that lay idle and is still open, if there is one."""
        while True:
            try:
                connection = self._idle.get_nowait()
            except queue.Empty:
                return None
            if _is_open(connection):
                return connection
            connection.close()

    def _keep_until_over(self) -> None:
        try:
            self._keep()
        finally:
            if not self.settled.is_set():
                self.problem = f"The container {self.name} was stopped before it could start."
                self.settled.set()
            self._over.set()

    def _keep(self) -> None:
        crashes = 0
        while not self._stopping.is_set() and not self._host.closing.is_set():
            for name in ("server.json", "progress.json"):
                (self._directory / name).unlink(missing_ok=True)
            began = time.monotonic()
            try:
                child = self._host.supervisor.start(
                    self._key,
                    self._host.launcher("model_server", self._host.state, self._directory),
                    self._directory,
                )
                if self._stopping.is_set():  # the stop came before there was a process to end
                    self._host.supervisor.kill(self._key)
                problem = self._await(child)
            except (OSError, RuntimeError) as error:
                child, problem = None, f"The container {self.name} could not be started: {error}"
            if problem is None and child is not None:
                self.settled.set()
                with self._lock:
                    self._child = child
                    self.ready.set()
                child.ended.wait()
                self._retire(child)
            elif not self.settled.is_set():
                self.problem = problem
                self._host.supervisor.kill(self._key)
                self.settled.set()
                return
            else:
                self._host.supervisor.kill(self._key)
            crashes = 1 if time.monotonic() - began > STEADY else crashes + 1
            self._stopping.wait(min(LONGEST_PAUSE, 0.25 * 2**crashes))

    def _await(self, child: Child) -> str | None:
        """Wait until the container answers /ping; what went wrong, or None."""
        deadline = time.monotonic() + self._patience
        while time.monotonic() < deadline:
            if child.ended.wait(POLL):
                return f"The container {self.name} did not start. {self._reason(child)}"
            self._address = self._address_of()
            if self._address is not None and _answers(self._address):
                return None
        return (
            f"The {self.name} container did not pass the ping health check within {self._patience:.0f} "
            "seconds. Please check the logs of this endpoint."
        )

    def _retire(self, child: Child) -> None:
        """The process has ended: nothing is asked of it any more."""
        with self._lock:
            if self._child is child:
                self.ready.clear()
                self._child = self._address = None
                self._forget_connections()

    def _reason(self, child: Child) -> str:
        """Why the process ended: its own words, else its exit and the end of its log."""
        try:
            said = json.loads((self._directory / "progress.json").read_bytes()).get("FailureReason")
        except (OSError, ValueError, AttributeError):
            said = None
        return str(said) if said else child.exit.sentence if child.exit is not None else ""

    def _address_of(self) -> _Address | None:
        try:
            written = json.loads((self._directory / "server.json").read_bytes())
            return _Address(int(written["port"]), str(written["token"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None  # not yet, or not yet whole

    def _forget_connections(self) -> None:
        while not self._idle.empty():
            try:
                self._idle.get_nowait().close()
            except queue.Empty:
                return


def new_generation() -> str:
    """A name for one deployment of an endpoint, unlike any before."""
    return f"{time.time_ns() // 1_000_000}-{secrets.token_hex(3)}"


def _connect(address: _Address) -> http.client.HTTPConnection:
    connection = http.client.HTTPConnection("127.0.0.1", address.port, timeout=CONNECT_LIMIT)
    connection.connect()
    return connection


def _is_open(connection: http.client.HTTPConnection) -> bool:
    """Whether the container still holds its end: there is nothing to read, not even an end of file."""
    if connection.sock is None:
        return False
    try:
        connection.sock.setblocking(False)
        connection.sock.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _answers(address: _Address) -> bool:
    try:
        connection = _connect(address)
    except OSError:
        return False
    try:
        deadline = time.monotonic() + PING_LIMIT
        headers = {"X-Workshop-Token": address.token}
        return _exchange(connection, "GET", "/ping", b"", headers, deadline).status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _exchange(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: bytes,
    headers: Mapping[str, str],
    deadline: float,
) -> Reply:
    """One request; raises TimeoutError when the deadline passes between two pieces of the answer."""
    connection.sock.settimeout(max(0.05, deadline - time.monotonic()))
    connection.request(method, path, body=body, headers=dict(headers))
    response = connection.getresponse()
    pieces = []
    while piece := response.read(1 << 20):
        pieces.append(piece)
        if time.monotonic() > deadline:
            raise TimeoutError
    found = {name.lower(): value for name, value in response.getheaders()}
    return Reply(response.status, found, b"".join(pieces))
