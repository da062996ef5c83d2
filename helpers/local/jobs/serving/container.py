"""What every kind of container is to the model server."""

from collections.abc import Mapping
from typing import Protocol

from werkzeug.wrappers import Request, Response

CSV, JSON, JSON_LINES, RECORDIO = (
    "text/csv",
    "application/json",
    "application/jsonlines",
    "application/x-recordio-protobuf",
)
ACCEPT = "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT"
INPUT, OUTPUT, SUPPORTED = (
    "SAGEMAKER_INFERENCE_INPUT",
    "SAGEMAKER_INFERENCE_OUTPUT",
    "SAGEMAKER_INFERENCE_SUPPORTED",
)
KEYS = ("predicted_label", "probability", "probabilities", "labels")

Environment = Mapping[str, str]


class BadRequest(ValueError):
    """The body cannot be used; the message is the answer to the caller (400)."""


class UnsupportedContent(ValueError):
    """The content type is none that the container takes (415)."""


class NotAcceptable(ValueError):
    """The Accept type is none the container writes (406)."""


class BadEnvironment(ValueError):
    """The container's Environment asks for what it cannot do: it does not start."""


class Container(Protocol):
    """A loaded model of one image."""

    @property
    def summary(self) -> str:
        """What was loaded, for the log."""

    def answer(self, body: bytes, content_type: str, accept: str) -> tuple[bytes, str]:
        """The answer to a request and its content type.

        Raises BadRequest, UnsupportedContent and NotAcceptable.
        """


class Served(Protocol):
    """A container as the model server asks it: what a request is answered with."""

    @property
    def threads(self) -> int:
        """How many requests may be under way here, those that wait included."""

    @property
    def summary(self) -> str:
        """What was loaded, for the log."""

    def respond(self, request: Request) -> Response:
        """The answer to POST /invocations; an error is a response too."""

    def parameters(self) -> Response:
        """The answer to GET /execution-parameters."""

    def close(self) -> None:
        """End what runs beside the model server."""


def accepted(accept: str, default: str, written: tuple[str, ...]) -> str:
    """The content type to answer with, of those that are written.

    Raises NotAcceptable when no part of the Accept header is one of them.
    """
    wanted = [part.split(";")[0].strip().lower() for part in accept.split(",") if part.strip()]
    if not wanted or any(part in ("*/*", "text/*") for part in wanted):
        return default
    for part in wanted:
        if part in written:
            return part
    raise NotAcceptable(f"Accept type '{accept}' is not supported: ask for one of {', '.join(written)}.")


def default_accept(environment: Environment, written: tuple[str, ...]) -> str:
    """The content type of answers to who asks for none. Raises BadEnvironment for one that is not written."""
    try:
        return accepted(environment.get(ACCEPT, ""), written[0], written)
    except NotAcceptable as error:
        raise BadEnvironment(f"{ACCEPT}: {error}") from None


def keys(environment: Environment, name: str, possible: tuple[str, ...] = KEYS) -> list[str]:
    """The inference keys of a variable in their order; predicted_label alone when it is not set.

    Raises BadEnvironment for a key that does not exist, is not among SAGEMAKER_INFERENCE_SUPPORTED, or is
    named twice.
    """
    found = _listed(environment.get(name, "")) or [KEYS[0]]
    stated = _listed(environment.get(SUPPORTED, ""))
    supported = [key for key in possible if not stated or key in stated]
    for key in found:
        if key not in supported:
            raise BadEnvironment(f"{name} names '{key}': this container supports {', '.join(supported)}.")
        if found.count(key) > 1:
            raise BadEnvironment(f"{name} names '{key}' twice.")
    return found


def _listed(text: str) -> list[str]:
    return [key.strip() for key in text.split(",") if key.strip()]
