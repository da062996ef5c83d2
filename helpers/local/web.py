"""Between the socket and the doors: waitress, with what signed AWS requests need of an HTTP server.

Waitress drops headers whose names have an underscore (``x-amz-meta-track_id`` is one), and WSGI decodes the
path, while a signature covers both exactly as they were sent; so the parser here keeps them.
Bodies above half a megabyte wait in unnamed temporary files, never in memory, but for those that models are
sent.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import werkzeug.wrappers
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, get_header_lines
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher, WSGITask
from waitress.utilities import Error
from werkzeug.datastructures import Headers

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

HOST = "127.0.0.1"
LARGEST_BODY = (
    5 * 1024**3 + 1024**2
)  # bytes: the 5 GiB S3 takes in one request, and room for chunk signatures
LARGEST_BODY_IN_MEMORY = 512 * 1024  # bytes
LARGEST_INVOCATION = 6 * 1024**2  # bytes of a body for a model, which is as large as the service takes
LARGEST_GATHERED = 64 * 1024  # bytes of a body that is sent in one piece with its head
THREADS = 64  # requests answered at once; an InvokeEndpoint keeps its thread while the model computes
RAW_HEADERS = "workshop.headers"


class Request(werkzeug.wrappers.Request):
    """A request with its headers and path as they were sent."""

    max_form_memory_size = 10 * 1024**2

    def __init__(self, environ: dict[str, Any]) -> None:
        super().__init__(environ)
        if RAW_HEADERS in environ:
            self.headers = Headers(environ[RAW_HEADERS])

    @property
    def sent_path(self) -> str:
        """The path without its query, still percent-encoded."""
        uri: str = self.environ.get("REQUEST_URI", "/")
        path = uri.partition("#")[0].partition("?")[0]
        if not path.startswith("/"):  # a whole address, as proxies are sent
            path = "/" + path.partition("://")[2].partition("/")[2]
        return path

    @property
    def sent_query(self) -> list[tuple[str, str]]:
        """The query's names and values in the order they were sent; ``+`` stands for itself, as signed."""
        query: str = self.environ.get("QUERY_STRING", "")
        pairs = (item.partition("=") for item in query.split("&") if item)
        return [(unquote(name), unquote(value)) for name, _, value in pairs]


class _NoRoom(Error):  # type: ignore[misc]
    code = 507
    reason = "Insufficient Storage"


class _Nowhere:
    """Where the rest of a body goes that there is no room for: its sender hears of it at the end."""

    def append(self, data: bytes) -> None:
        """Forget it."""

    def close(self) -> None:
        """Nothing is open."""

    def __len__(self) -> int:
        return 0


class _Parser(HTTPRequestParser):  # type: ignore[misc]
    def __init__(self, adjustments: object) -> None:
        super().__init__(adjustments)
        self.sent_headers: list[tuple[str, str]] = []

    def received(self, data: bytes) -> int:
        try:
            return int(super().received(data))
        except OSError as error:  # the disk is full
            self.error = _NoRoom(f"no room for the body of the request: {error.strerror}")
            self.body_rcv.getbuf().close()
            self.body_rcv.buf = _Nowhere()
            return int(super().received(data))

    def parse_header(self, header_plus: bytes) -> None:
        super().parse_header(header_plus)
        if not self.chunked and not self.content_length:
            self.expect_continue = False  # waitress would wait for ever for a body of no bytes
        if self.path.startswith("/endpoints/") and 0 < self.content_length <= LARGEST_INVOCATION:
            self.body_rcv.getbuf().overflow = LARGEST_INVOCATION  # it is read into memory in any case
        for line in get_header_lines(header_plus.partition(b"\r\n")[2]):
            name, _, value = line.partition(b":")
            self.sent_headers.append((name.decode("latin-1"), value.strip(b" \t").decode("latin-1")))


class _Gathered:
    """Stands in for a channel while the head of an answer and its body are made one piece."""

    def __init__(self, channel: HTTPChannel) -> None:
        self.server = channel.server
        self.pieces: list[bytes] = []

    def write_soon(self, data: bytes) -> int:
        """Keep it."""
        self.pieces.append(data)
        return len(data)


class _Task(WSGITask):  # type: ignore[misc]
    channel: Any

    def write(self, data: bytes) -> None:
        if self.wrote_header or not data or len(data) > LARGEST_GATHERED:
            super().write(data)
            return
        channel, gathered = self.channel, _Gathered(self.channel)
        self.channel = gathered
        try:
            super().write(data)
        finally:
            self.channel = channel
        channel.write_soon(b"".join(gathered.pieces))  # one packet: the client wakes up once

    def get_environment(self) -> dict[str, Any]:
        environment: dict[str, Any] = super().get_environment()
        environment[RAW_HEADERS] = self.request.sent_headers
        return environment

    def build_response_header(self) -> bytes:
        # Waitress capitalizes names; the names of user metadata are data, in lower case.
        first, *lines = super().build_response_header().split(b"\r\n")
        lowered = (_in_lower_case(line) if line.startswith(b"X-Amz-") else line for line in lines)
        return b"\r\n".join([first, *lowered])


def _in_lower_case(line: bytes) -> bytes:
    name, colon, value = line.partition(b":")
    return name.lower() + colon + value


class _Channel(HTTPChannel):  # type: ignore[misc]
    parser_class = _Parser
    task_class = _Task


class _Server(TcpWSGIServer):  # type: ignore[misc]
    channel_class = _Channel


def listen(application: Application, port: int, temporary: Path) -> Any:
    """A waitress server bound to 127.0.0.1 (``effective_port`` tells where; ``run()`` serves).

    ``temporary`` holds large bodies while they arrive. Raises OSError when the port is taken.
    """
    temporary.mkdir(parents=True, exist_ok=True)
    tempfile.tempdir = str(temporary)  # where waitress spools: beside the objects, never a /tmp in memory
    settings = Adjustments(
        host=HOST,
        port=port,
        threads=THREADS,
        connection_limit=1000,
        asyncore_use_poll=True,
        recv_bytes=256 * 1024,
        inbuf_overflow=LARGEST_BODY_IN_MEMORY,
        max_request_body_size=LARGEST_BODY,
        clear_untrusted_proxy_headers=False,
        ident="local-sagemaker",
        server_name=HOST,
    )
    dispatcher = ThreadedTaskDispatcher()
    dispatcher.set_thread_count(settings.threads)
    return _Server(application, {}, dispatcher=dispatcher, adj=settings)
