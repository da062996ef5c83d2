"""The model servers of a transform job: started as its children, asked one after the other."""

import http.client
import json
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpers.local.jobs.job import JobFailure

PATIENCE = 240.0  # seconds a container may take until it answers /ping, as on the service
CONTENT_TYPE = "Content-Type"


class ModelError(Exception):
    """A container answered with an error; the message holds its own."""


@dataclass
class Server:
    """One model server process."""

    name: str
    directory: Path
    process: subprocess.Popen[bytes]
    port: int = 0
    token: str = ""


class Pipeline:
    """The containers of a model in their order."""

    def __init__(self, state: Path, directory: Path, timeout: float, retries: int) -> None:
        self.state = state
        self.directory = directory
        self.timeout = timeout
        self.retries = retries
        self.servers: list[Server] = []
        self._connections = threading.local()

    def start(self, containers: Sequence[Mapping[str, Any]], environment: Mapping[str, str]) -> None:
        """Start a process for every container and wait until each can be asked."""
        for number, entry in enumerate(containers, start=1):
            container = dict(entry["Container"])
            container["Environment"] = {**container.get("Environment", {}), **environment}
            name = str(entry.get("Name") or f"container-{number}")
            directory = self.directory / f"container-{number}"
            directory.mkdir(parents=True, exist_ok=True)
            for stale in ("server.json", "progress.json"):
                (directory / stale).unlink(missing_ok=True)
            (directory / "request.json").write_text(json.dumps({"Container": container, "Name": name}))
            command = [sys.executable, "-m", "helpers.local.jobs.model_server"]
            command += ["--state", str(self.state), "--job", str(directory)]
            # The same process group, and a standard input only this process holds: it ends with this job.
            process = subprocess.Popen(command, stdin=subprocess.PIPE, cwd=directory)
            self.servers.append(Server(name, directory, process))
        deadline = time.monotonic() + PATIENCE
        for server in self.servers:
            self._await(server, deadline)

    def _await(self, server: Server, deadline: float) -> None:
        address = server.directory / "server.json"
        while not address.exists():
            if server.process.poll() is not None:
                raise JobFailure(f"The container '{server.name}' did not start. {_reason(server.directory)}")
            if time.monotonic() > deadline:
                raise JobFailure(f"The container '{server.name}' did not start within {PATIENCE:.0f} s.")
            time.sleep(0.05)
        content = json.loads(address.read_text(encoding="utf-8"))
        server.port, server.token = int(content["port"]), str(content["token"])

    def execution_parameters(self) -> dict[str, Any]:
        """What the first container says about requests it likes; nothing when it says nothing."""
        try:
            content = json.loads(self._exchange(self.servers[0], "GET", "/execution-parameters", b"", {})[1])
        except (ModelError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    def ask(self, body: bytes, content_type: str, accept: str) -> bytes:
        """The answer of the last container. Raises ModelError when one refuses or fails."""
        for server in self.servers:
            headers = {CONTENT_TYPE: content_type} if content_type else {}
            if accept and server is self.servers[-1]:
                headers["Accept"] = accept
            content_type, body = self._patiently(server, body, headers)
        return body

    def _patiently(self, server: Server, body: bytes, headers: dict[str, str]) -> tuple[str, bytes]:
        for attempt in range(self.retries + 1):
            try:
                return self._exchange(server, "POST", "/invocations", body, headers)
            except (OSError, http.client.HTTPException) as error:
                if attempt == self.retries:
                    raise ModelError(f"The container '{server.name}' does not answer: {error!r}") from None
                time.sleep(0.2 * 2**attempt)
        raise AssertionError("the last attempt returns or raises")

    def _exchange(
        self, server: Server, method: str, path: str, body: bytes, headers: dict[str, str]
    ) -> tuple[str, bytes]:
        known: dict[Any, http.client.HTTPConnection] = self._connections.__dict__
        connection = known.get(server.port) or http.client.HTTPConnection(
            "127.0.0.1", server.port, timeout=self.timeout
        )
        known[server.port] = connection
        try:
            connection.request(method, path, body or None, {**headers, "X-Workshop-Token": server.token})
            response = connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            raise
        if response.status != 200:
            text = content.decode("utf-8", errors="replace")
            raise ModelError(f"The container '{server.name}' answered {response.status}: {text}")
        return response.headers.get(CONTENT_TYPE, ""), content

    def close(self) -> None:
        """End the processes."""
        for server in self.servers:
            server.process.terminate()
        for server in self.servers:
            try:
                server.process.wait(5)
            except subprocess.TimeoutExpired:
                server.process.kill()
                server.process.wait()


def _reason(directory: Path) -> str:
    try:
        return str(json.loads((directory / "progress.json").read_text(encoding="utf-8"))["FailureReason"])
    except (OSError, ValueError, KeyError):
        return "Its messages are in the log."
