"""Asking the containers of a variant: one, several in turn, or one of several by its name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from helpers.local.errors import ServiceError
from helpers.local.runtime.errors import LONGEST_MESSAGE, ModelError, timed_out, validation_error
from helpers.local.runtime.headers import Wishes
from helpers.local.sagemaker.container_connection import Reply
from helpers.local.sagemaker.fleet import RunningVariant
from helpers.local.sagemaker.model_server import (
    Answer,
    Broken,
    ModelServer,
    TimedOut,
    TooMuch,
    Unreachable,
)

LARGEST_BETWEEN = 100 * 1024**2  # bytes of what one container hands to the next


@dataclass(frozen=True)
class Question:
    """What a model is asked, and until when it may answer (on the monotonic clock)."""

    endpoint: str
    wishes: Wishes
    body: bytes | BinaryIO
    deadline: float


def containers_for(endpoint: str, variant: RunningVariant, hostname: str | None) -> Sequence[ModelServer]:
    """The containers that a request goes through, in order. Raises ServiceError (ValidationError)."""
    if variant.variant.mode != "Direct":
        if hostname is not None:
            raise validation_error(
                f"Leave out TargetContainerHostname: the containers of endpoint {endpoint} are not called "
                "one by one (that is InferenceExecutionConfig.Mode Direct of the model)."
            )
        return variant.servers
    names = ", ".join(server.name for server in variant.servers)
    if hostname is None:
        raise validation_error(
            f"Give TargetContainerHostname: the containers of endpoint {endpoint} are called one by one. "
            f"They are [{names}]."
        )
    found = [server for server in variant.servers if server.name == hostname]
    if not found:
        raise validation_error(
            f"Container {hostname} of endpoint {endpoint} not found: its containers are [{names}]."
        )
    return found


@contextmanager
def opened(question: Question, servers: Sequence[ModelServer], serverless: bool = False) -> Iterator[Answer]:
    """Through every container in turn, each one's answer being the next one's request: the last one's.

    Raises ModelError, or ServiceError when a container cannot be asked; from inside the ``with`` statement
    too, where the answer is read.
    """
    body, content_type = question.body, question.wishes.content_type
    for server in servers[:-1]:
        with _asked(question, server, serverless, body, content_type, None) as answer:
            body = answer.read_all(LARGEST_BETWEEN)
            content_type = answer.headers.get("content-type")
    last = servers[-1]
    with _asked(question, last, serverless, body, content_type, question.wishes.accept) as answer:
        yield answer


def ask(
    question: Question, servers: Sequence[ModelServer], serverless: bool = False, most: int = LARGEST_BETWEEN
) -> Reply:
    """The whole answer of ``opened``, of at most so many bytes."""
    with opened(question, servers, serverless) as answer:
        return Reply(answer.status, answer.headers, answer.read_all(most))


@contextmanager
def _asked(
    question: Question,
    server: ModelServer,
    serverless: bool,
    body: bytes | BinaryIO,
    content_type: str | None,
    accept: str | None,
) -> Iterator[Answer]:
    """One container's good answer; everything else is an error in the service's words."""
    headers = question.wishes.passed_on
    if content_type:
        headers["Content-Type"] = content_type
    if accept is not None:
        headers["Accept"] = accept
    try:
        with server.open(body, headers, question.deadline) as answer:
            if not 200 <= answer.status < 300:
                text = _beginning(answer).decode("utf-8", errors="replace")
                raise ModelError(question.endpoint, server.name, answer.status, text[:LONGEST_MESSAGE])
            yield answer
    except (Unreachable, TimedOut, Broken, TooMuch) as error:
        raise _failure(error, question.endpoint, server.name, serverless) from None


def _beginning(answer: Answer) -> bytes:
    """As much of an answer as an error message may have."""
    text = b""
    while len(text) < 4 * LONGEST_MESSAGE and (piece := answer.read()):
        text += piece
    return text


def _failure(error: Exception, endpoint: str, container: str, serverless: bool) -> Exception:
    """What the caller is told of a container that gave no answer."""
    if isinstance(error, Unreachable) and serverless:
        return ServiceError(
            "ModelNotReadyException",
            f"The container {container} of endpoint {endpoint} is still being provisioned: try again "
            "in a while.",
            429,
        )
    if isinstance(error, Unreachable):
        return ServiceError(
            "ServiceUnavailable",
            f"The container {container} of endpoint {endpoint} is starting again: try again in a while.",
            503,
        )
    if isinstance(error, TimedOut):
        return ModelError(endpoint, container, 0, timed_out(container))
    if isinstance(error, TooMuch):
        text = f"The response of container {container} is larger than a response may be."
        return ModelError(endpoint, container, 0, text)
    text = f"The container {container} closed the connection before it answered."
    return ModelError(endpoint, container, 0, text)
