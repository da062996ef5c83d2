"""The model servers of a transform job: started as its children, asked one after the other."""

import http.client
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any, TypeAlias, cast

from helpers.local.jobs.job import JobFailure

PATIENCE = 240.0  # seconds a container may take until it answers /ping, as on the service
CONTENT_TYPE = "Content-Type"
BLOCK = 1024 * 1024  # bytes read of an answer at a time
COMMAND = (sys.executable, "-m", "helpers.local.jobs.model_server")
GONE = (BrokenPipeError, ConnectionResetError, http.client.RemoteDisconnected)

# A request's body: bytes, or a function that gives its chunks (anew for each attempt).
Body: TypeAlias = bytes | Callable[[], Iterator[bytes]]
Answer: TypeAlias = IO[bytes]


class ModelError(Exception):
    """A container answered with an error, or not at all; the message holds its own.

    `by_client` tells that it refused the request (a status of 4xx).
    """

    def __init__(self, message: str, *, by_client: bool = False) -> None:
        super().__init__(message)
        self.by_client = by_client


@dataclass
class Server:
    """One model server process."""

    name: str
    directory: Path
    process: subprocess.Popen[bytes]
    port: int = 0
    token: str = ""


class Pipeline:
    """The containers of a model in their order. Any number of threads may ask."""

    def __init__(
        self, state: Path, directory: Path, timeout: float, retries: int, region: str = "us-east-1"
    ) -> None:
        self.state = state
        self.directory = directory
        self.timeout = timeout
        self.retries = retries
        self.region = region
        self.servers: list[Server] = []
        self._local = threading.local()
        self._closed = threading.Event()

    def start(self, containers: Sequence[Mapping[str, Any]], environment: Mapping[str, str]) -> None:
        """Start a process for every container and wait until each can be asked."""
        self.launch(containers, environment)
        self.wait()

    def launch(self, containers: Sequence[Mapping[str, Any]], environment: Mapping[str, str]) -> None:
        """Start a process for every container; they load side by side."""
        for number, entry in enumerate(containers, start=1):
            container = dict(entry["Container"])
            container["Environment"] = {**container.get("Environment", {}), **environment}
            name = str(entry.get("Name") or f"container-{number}")
            directory = self.directory / f"container-{number}"
            directory.mkdir(parents=True, exist_ok=True)
            for stale in ("server.json", "progress.json"):
                (directory / stale).unlink(missing_ok=True)
            asked = {"Container": container, "Name": name, "Region": self.region}
            (directory / "request.json").write_text(json.dumps(asked))
            command = [*COMMAND, "--state", str(self.state), "--job", str(directory)]
            # The same process group, and a standard input only this process holds: it ends with this job.
            process = subprocess.Popen(command, stdin=subprocess.PIPE, cwd=directory)
            self.servers.append(Server(name, directory, process))

    def wait(self) -> None:
        """Wait until every container can be asked. Raises JobFailure when one ends before, or takes long."""
        deadline = time.monotonic() + PATIENCE
        for server in self.servers:
            address = server.directory / "server.json"
            while not address.exists():
                if server.process.poll() is not None:
                    raise JobFailure(
                        f"The container '{server.name}' did not start. {_reason(server.directory)}"
                    )
                if time.monotonic() > deadline:
                    raise JobFailure(f"The container '{server.name}' did not start within {PATIENCE:.0f} s.")
                time.sleep(0.02)
            content = json.loads(address.read_text(encoding="utf-8"))
            server.port, server.token = int(content["port"]), str(content["token"])

    def execution_parameters(self) -> dict[str, Any]:
        """What the first container says about requests it likes; nothing when it says nothing."""
        try:
            found = self._exchange(self.servers[0], "GET", "/execution-parameters", b"", {})[1]
            with found:
                content = json.loads(found.read())
        except (ModelError, ValueError, OSError, http.client.HTTPException):
            return {}
        return content if isinstance(content, dict) else {}

    def ask(self, body: bytes, content_type: str, accept: str) -> bytes:
        """The answer of the last container. Raises ModelError when one refuses or fails."""
        for server in self.servers:
            content_type, answer = self._patiently(server, body, self._headers(server, content_type, accept))
            with answer:
                body = answer.read()
        return body

    def stream(self, chunks: Callable[[], Iterator[bytes]], content_type: str, accept: str) -> Answer:
        """As `ask`, with a body sent in chunks and an answer in a file, to be closed.

        `chunks` gives them anew for each attempt; what it raises passes through, but for an OSError.
        """
        answer: Answer | None = None
        for server in self.servers:
            before = answer
            headers = self._headers(server, content_type, accept)
            content_type, answer = self._patiently(server, chunks, headers)
            if before is not None:
                before.close()
            chunks = partial(_chunks_of, answer)
        assert answer is not None
        return answer

    def _headers(self, server: Server, content_type: str, accept: str) -> dict[str, str]:
        headers = {CONTENT_TYPE: content_type} if content_type else {}
        if accept and server is self.servers[-1]:
            headers["Accept"] = accept
        return headers

    def _patiently(self, server: Server, body: Body, headers: dict[str, str]) -> tuple[str, Answer]:
        for attempt in range(self.retries + 1):
            try:
                return self._exchange(server, "POST", "/invocations", body, headers)
            except ModelError as error:
                if error.by_client or attempt == self.retries or self._closed.is_set():
                    raise
            except (OSError, http.client.HTTPException) as error:
                if (code := server.process.poll()) is not None:
                    raise ModelError(f"The container '{server.name}' ended with exit code {code}.") from None
                if attempt == self.retries or self._closed.is_set():
                    raise ModelError(self._silence(server, error)) from None
            self._closed.wait(0.2 * 2**attempt)
        raise AssertionError("the last attempt returns or raises")

    def _silence(self, server: Server, error: Exception) -> str:
        asked = f" It was asked {self.retries + 1} times." if self.retries else ""
        if isinstance(error, TimeoutError):
            return f"The container '{server.name}' did not answer within {self.timeout:.0f} s.{asked}"
        return f"The container '{server.name}' does not answer: {error!r}.{asked}"

    def _exchange(
        self, server: Server, method: str, path: str, body: Body, headers: dict[str, str]
    ) -> tuple[str, Answer]:
        known: dict[int, http.client.HTTPConnection] = self._local.__dict__.setdefault("connections", {})
        used = server.port in known
        try:
            return self._attempt(known, server, method, path, body, headers)
        except GONE:
            if not used or server.process.poll() is not None:
                raise
            # An idle connection was closed meanwhile: that is no answer of the container's.
            return self._attempt(known, server, method, path, body, headers)

    def _attempt(
        self,
        known: dict[int, http.client.HTTPConnection],
        server: Server,
        method: str,
        path: str,
        body: Body,
        headers: dict[str, str],
    ) -> tuple[str, Answer]:
        connection = known.pop(server.port, None) or http.client.HTTPConnection(
            "127.0.0.1", server.port, timeout=self.timeout
        )
        try:
            sent = (body or None) if isinstance(body, bytes) else body()
            response = _answered(
                connection, method, path, sent, {**headers, "X-Workshop-Token": server.token}
            )
            content = _kept(response, self.directory)
        except BaseException:
            connection.close()
            raise
        known[server.port] = connection
        if response.status != 200:
            with content:
                text = content.read(4096).decode("utf-8", errors="replace")
            raise ModelError(
                f"The container '{server.name}' answered {response.status}: {text}",
                by_client=400 <= response.status < 500 and response.status != 429,
            )
        return response.headers.get(CONTENT_TYPE, ""), content

    def close(self) -> None:
        """End the processes; nobody is asked again."""
        self._closed.set()
        for server in self.servers:
            server.process.terminate()
        for server in self.servers:
            try:
                server.process.wait(5)
            except subprocess.TimeoutExpired:
                server.process.kill()
                server.process.wait()


def _answered(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: bytes | Iterator[bytes] | None,
    headers: dict[str, str],
) -> http.client.HTTPResponse:
    """The response to a request, also of a server that answered and closed before it had the whole body."""
    try:
        connection.request(method, path, body, headers)
    except GONE as error:
        try:
            return connection.getresponse()
        except (OSError, http.client.HTTPException):
            raise error from None
    return connection.getresponse()


def _kept(response: http.client.HTTPResponse, directory: Path) -> Answer:
    """The body of a response, in memory or, where it is large, in a file."""
    content = tempfile.SpooledTemporaryFile(max_size=8 * BLOCK, dir=str(directory))  # noqa: SIM115 - it is given
    try:
        while block := response.read(BLOCK):
            content.write(block)
    except BaseException:
        content.close()
        raise
    content.seek(0)
    return cast(Answer, content)


def _chunks_of(answer: Answer) -> Iterator[bytes]:
    answer.seek(0)
    while block := answer.read(BLOCK):
        yield block


def _reason(directory: Path) -> str:
    try:
        return str(json.loads((directory / "progress.json").read_text(encoding="utf-8"))["FailureReason"])
    except (OSError, ValueError, KeyError):
        return "Its messages are in the log."
