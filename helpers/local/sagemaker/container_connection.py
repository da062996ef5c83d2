"""HTTP to the process of a container, on the loopback address."""

from __future__ import annotations

import http.client
import math
import queue
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, BinaryIO

CONNECT_LIMIT = 5.0  # seconds a connection on the loopback address may take
PING_LIMIT = 2.0  # seconds a /ping may take
LARGEST_PING = 64 * 1024  # bytes of an answer to it
PIECE = 64 * 1024  # bytes of an answer read at once
TOKEN = "X-Workshop-Token"
_ALWAYS = {"Host": "127.0.0.1", "Accept-Encoding": "identity"}


class TimedOut(Exception):
    """The container did not answer in time."""


class Broken(Exception):
    """The container ended the connection without an answer, or in the middle of it: it crashed."""


class TooMuch(Exception):
    """The container's answer is larger than it may be."""


class _Socket(socket.socket):
    """A socket that gives up at one moment, however slowly bytes come or go."""

    deadline = math.inf  # on the monotonic clock

    def recv_into(self, *arguments: Any) -> int:
        self._limit()
        return super().recv_into(*arguments)

    def sendall(self, *arguments: Any) -> None:
        self._limit()
        super().sendall(*arguments)

    def _limit(self) -> None:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self.settimeout(left)


class Connection:
    """A connection to a container. Raises OSError when there is nobody."""

    def __init__(self, port: int) -> None:
        self._socket = _Socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.settimeout(CONNECT_LIMIT)
        try:
            self._socket.connect(("127.0.0.1", port))
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    @property
    def is_open(self) -> bool:
        """Whether the container still holds its end: there is nothing to read, not even an end of file."""
        try:
            self._socket.setblocking(False)
            self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def exchange(
        self, method: str, path: str, body: bytes | BinaryIO, headers: Mapping[str, str], deadline: float
    ) -> Answer:
        """Send a request and read the head of its answer. Raises TimedOut, Broken.

        ``headers`` must have the Content-Length of the body.
        """
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in _ALWAYS.items())]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        self._socket.deadline = deadline
        try:
            with suppress(ConnectionError):  # a container that refuses a body need not read it to its end
                self._send(head, body)
            response = http.client.HTTPResponse(self._socket, method=method)
            response.begin()
        except TimeoutError:
            raise TimedOut from None
        except (OSError, http.client.HTTPException):
            raise Broken from None
        return Answer(response, self._socket)

    def _send(self, head: bytes, body: bytes | BinaryIO) -> None:
        if not isinstance(body, bytes):
            self._socket.sendall(head)
            while piece := body.read(4 * PIECE):
                self._socket.sendall(piece)
        elif len(body) <= PIECE:  # in one piece: the container wakes up once
            self._socket.sendall(head + body)
        else:
            self._socket.sendall(head)
            self._socket.sendall(body)


class Answer:
    """A container's answer, read piece by piece."""

    def __init__(self, response: http.client.HTTPResponse, wire: _Socket) -> None:
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.is_whole = False  # read to its end
        self.is_last = response.will_close  # the container said that it hangs up after it
        self._response = response
        self._socket = wire

    def allow(self, deadline: float) -> None:
        """Until when the next bytes may come, on the monotonic clock."""
        self._socket.deadline = deadline

    def read(self) -> bytes:
        """The next bytes as they come, none at the end. Raises TimedOut, Broken."""
        try:
            piece = self._response.read1(PIECE)
            left = self._response.length
        except TimeoutError:
            raise TimedOut from None
        except (OSError, http.client.HTTPException):
            raise Broken from None
        if not piece:
            if left:
                raise Broken
            self.is_whole = True
            self._response.close()
        return piece

    def read_all(self, most: int) -> bytes:
        """The rest of it. Raises TooMuch when that is more than ``most`` bytes, TimedOut, Broken."""
        length = self._response.length
        if length is not None and length > most:
            raise TooMuch
        pieces: list[bytes] = []
        size = 0
        while piece := self.read():
            size += len(piece)
            if size > most:
                raise TooMuch
            pieces.append(piece)
        return b"".join(pieces)


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

    def answers(self) -> bool:
        """Whether the container answers GET /ping with 200, in time."""
        try:
            connection = Connection(self.port)
        except OSError:
            return False
        try:
            headers = {TOKEN: self.token}
            answer = connection.exchange("GET", "/ping", b"", headers, time.monotonic() + PING_LIMIT)
            answer.read_all(LARGEST_PING)
            return answer.status == 200
        except (TimedOut, Broken, TooMuch):
            return False
        finally:
            connection.close()


class IdleConnections:
    """Connections that wait for the next request, the last used first."""

    def __init__(self) -> None:
        self._idle: queue.LifoQueue[Connection] = queue.LifoQueue()

    def put(self, connection: Connection) -> None:
        """Keep a connection whose answer was read to its end."""
        self._idle.put(connection)

    def take(self) -> Connection | None:
        """A connection that is still open, if there is one."""
        while True:
            try:
                connection = self._idle.get_nowait()
            except queue.Empty:
                return None
            if connection.is_open:
                return connection
            connection.close()

    def close(self) -> None:
        """Close them all."""
        while True:
            try:
                self._idle.get_nowait().close()
            except queue.Empty:
                return
