"""Asking the containers of a variant: one, several in turn, or one of several by its name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from helpers.local.errors import ServiceError
from helpers.local.runtime.errors import LONGEST_MESSAGE, ModelError, timed_out, validation_error
from helpers.local.runtime.headers import Wishes
from helpers.local.sagemaker.fleet import RunningVariant
from helpers.local.sagemaker.model_server import Broken, ModelServer, Reply, TimedOut, Unreachable


@dataclass(frozen=True)
class Question:
    """What a model is asked, and until when it may answer (on the monotonic clock)."""

    endpoint: str
    wishes: Wishes
    body: bytes
    deadline: float


def containers_for(endpoint: str, variant: RunningVariant, hostname: str | None) -> Sequence[ModelServer]:
    """The containers that a request goes through, in order. Raises ServiceError (ValidationError)."""
    if variant.variant.mode != "Direct":
        if hostname is not None:
            raise validation_error(
                f"Leave out TargetContainerHostname: the containers of endpoint {endpoint} are not called one "
                "by one (that is InferenceExecutionConfig.Mode Direct of the model)."
            )
        return variant.servers
    names = ", ".join(server.name for server in variant.servers)
    if hostname is None:
        raise validation_error(
            f"Give TargetContainerHostname: the containers of endpoint {endpoint} are called one by one. They "
            f"are [{names}]."
        )
    found = [server for server in variant.servers if server.name == hostname]
    if not found:
        raise validation_error(
            f"Container {hostname} of endpoint {endpoint} not found: its containers are [{names}]."
        )
    return found


def ask(question: Question, servers: Sequence[ModelServer], serverless: bool = False) -> Reply:
    """Through every container in turn: one's answer is the next one's request.

    Raises ModelError, or ServiceError when a container cannot be asked.
    """
    body, content_type = question.body, question.wishes.content_type
    reply: Reply | None = None
    for number, server in enumerate(servers, start=1):
        headers = question.wishes.passed_on
        if content_type:
            headers["Content-Type"] = content_type
        if question.wishes.accept is not None and number == len(servers):
            headers["Accept"] = question.wishes.accept
        try:
            reply = server.ask(body, headers, question.deadline)
        except (Unreachable, TimedOut, Broken) as error:
            raise failure(error, question.endpoint, server.name, serverless) from None
        if not 200 <= reply.status < 300:
            text = reply.body.decode("utf-8", errors="replace")
            raise ModelError(question.endpoint, server.name, reply.status, text[:LONGEST_MESSAGE])
        body, content_type = reply.body, reply.headers.get("content-type")
    assert reply is not None
    return reply


def failure(error: Exception, endpoint: str, container: str, serverless: bool) -> Exception:
    """What the caller is told of a container that gave no answer."""
    if isinstance(error, Unreachable):
        if serverless:
            return ServiceError(
                "ModelNotReadyException",
                f"The container {container} of endpoint {endpoint} is still being provisioned: try again in a "
                "while.",
                429,
            )
        return ServiceError(
            "ServiceUnavailable",
            f"The container {container} of endpoint {endpoint} is starting again: try again in a while.",
            503,
        )
    if isinstance(error, TimedOut):
        return ModelError(endpoint, container, 0, timed_out(container))
    text = f"The container {container} closed the connection before it answered."
    return ModelError(endpoint, container, 0, text)
