"""What the model server and its workers say to each other: frames over a socket, JSON and bytes, no pickles.

The worker runs code that is not ours, so nothing it sends may run any in the model server.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from multiprocessing.connection import Connection
from typing import Any

END = b""  # ends the body of an answer


@dataclass(frozen=True)
class Settings:
    """What a worker needs to know to load a model."""

    image: str  # the name of the image's repository
    program: str  # the module with the user's functions
    code: str  # the directory it lies in
    model: str  # the directory of the unpacked model data


@dataclass(frozen=True)
class Ready:
    """The model is loaded, or could not be."""

    problem: str = ""
    parameters: bool = False  # the code has an execution_parameters_fn


@dataclass(frozen=True)
class Call:
    """One request: to /invocations, or to /execution-parameters."""

    content_type: str
    accept: str
    headers: dict[str, str] = field(default_factory=dict)
    parameters: bool = False
    body: bytes = b""


@dataclass(frozen=True)
class Answer:
    """The status and the headers of an answer; its body follows in frames, the last of them empty."""

    status: int
    headers: list[tuple[str, str]]
    whole: bool  # one frame is all of the body


def send(connection: "Connection[Any, Any]", message: Settings | Ready | Answer) -> None:
    """Send one message."""
    connection.send_bytes(json.dumps(asdict(message)).encode())


def send_call(connection: "Connection[Any, Any]", call: Call) -> None:
    """Send a request: what is said about it, then its body."""
    connection.send_bytes(json.dumps({**asdict(call), "body": None}).encode())
    connection.send_bytes(call.body)


def receive(connection: "Connection[Any, Any]") -> dict[str, Any]:
    """The content of one message. Raises EOFError when the other side is gone."""
    content: dict[str, Any] = json.loads(connection.recv_bytes())
    return content


def receive_call(connection: "Connection[Any, Any]") -> Call:
    """One request. Raises EOFError when the model server is gone."""
    return Call(**{**receive(connection), "body": connection.recv_bytes()})


def send_body(connection: "Connection[Any, Any]", chunks: Iterator[bytes]) -> None:
    """Send the chunks of a body as they come, and its end."""
    for chunk in chunks:
        if chunk:
            connection.send_bytes(chunk)
    connection.send_bytes(END)
