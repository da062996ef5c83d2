"""HTTP to the process of a container, on the loopback address."""

from __future__ import annotations

import http.client
import queue
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass

CONNECT_LIMIT = 5.0  # seconds a connection on the loopback address may take
PING_LIMIT = 2.0  # seconds a /ping may take


@dataclass(frozen=True)
class Reply:
    """A container's answer."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes


@dataclass(frozen=True)
class Address:
    """Where a container listens, and the word that it knows local SageMaker by."""

    port: int
    token: str

    def connect(self) -> http.client.HTTPConnection:
        """A new connection. Raises OSError."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=CONNECT_LIMIT)
        connection.connect()
        return connection

    def answers(self) -> bool:
        """Whether the container answers GET /ping with 200, in time."""
        deadline = time.monotonic() + PING_LIMIT
        try:
            connection = self.connect()
        except OSError:
            return False
        try:
            headers = {"X-Workshop-Token": self.token}
            return exchange(connection, "GET", "/ping", b"", headers, deadline).status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


class IdleConnections:
    """Connections that wait for the next request, the last used first."""

    def __init__(self) -> None:
        self._idle: queue.LifoQueue[http.client.HTTPConnection] = queue.LifoQueue()

    def put(self, connection: http.client.HTTPConnection) -> None:
        """Keep a connection whose answer was read to its end."""
        self._idle.put(connection)

    def take(self) -> http.client.HTTPConnection | None:
        """A connection that is still open, if there is one."""
        while True:
            try:
                connection = self._idle.get_nowait()
            except queue.Empty:
                return None
            if _is_open(connection):
                return connection
            connection.close()

    def close(self) -> None:
        """Close them all."""
        while True:
            try:
                self._idle.get_nowait().close()
            except queue.Empty:
                return


def exchange(
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
