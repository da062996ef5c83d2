"""The door through which clients ask models: InvokeEndpoint, its asynchronous form, and the streamed one."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from urllib.parse import unquote

from werkzeug.wrappers import Request, Response

from helpers.local.errors import Protocol, ServiceError, error_response
from helpers.local.runtime.asynchronous import Asynchronous
from helpers.local.runtime.capture import DELAY, Captured, Recorder
from helpers.local.runtime.containers import Question, ask, containers_for, opened
from helpers.local.runtime.errors import ModelError, not_found, throttled, validation_error
from helpers.local.runtime.headers import PREFIX, Operation, Wishes, read_wishes
from helpers.local.runtime.places import Places
from helpers.local.runtime.stream import CONTENT_TYPE as EVENT_STREAM
from helpers.local.runtime.stream import Parts
from helpers.local.sagemaker import SageMaker
from helpers.local.sagemaker.container_connection import Reply
from helpers.local.sagemaker.fleet import RunningDeployment, RunningVariant

LARGEST_BODY = 6_291_456  # bytes
PATIENCE = 60.0  # seconds a model may take
STREAM_PATIENCE = 480.0  # seconds it may take to send an answer in pieces
DEFAULT_TYPE = "application/octet-stream"
AT_ONCE = 48  # invocations; each keeps one of the server's 64 threads, and some must be left for the rest

_PATH = re.compile(r"/endpoints/([^/]+)/(invocations|invocations-response-stream|async-invocations)")
_OPERATIONS: dict[str, Operation] = {
    "invocations": "InvokeEndpoint",
    "invocations-response-stream": "InvokeEndpointWithResponseStream",
    "async-invocations": "InvokeEndpointAsync",
}


@dataclass(frozen=True)
class Call:
    """One request to the runtime."""

    request: Request
    endpoint: str
    operation: Operation
    wishes: Wishes
    id: str


class Runtime:
    """The runtime as a door of the server.

    ``patience``: seconds a model may take, ``stream_patience``: to send an answer in pieces. ``at_once``:
    invocations that wait for models at a time; no endpoint may have more than five sixths of them, so that
    one that hangs leaves room for the others. ``capture_delay``: seconds until captures are written.
    """

    def __init__(
        self,
        sagemaker: SageMaker,
        patience: float = PATIENCE,
        at_once: int = AT_ONCE,
        stream_patience: float = STREAM_PATIENCE,
        capture_delay: float = DELAY,
    ) -> None:
        self._plane = sagemaker.plane
        self._patience = patience
        self._stream_patience = stream_patience
        self._at_once = at_once
        self._at_once_each = max(1, at_once * 5 // 6)
        self._places = Places()
        self._recorder = Recorder(self._plane.objects, capture_delay)
        self._asynchronous = Asynchronous(self._plane)

    def __call__(self, request: Request) -> Response | None:
        """Answer an invocation of an endpoint; None for any other request."""
        match = _PATH.fullmatch(request.path)
        if match is None:
            return None
        request_id = str(uuid.uuid4())
        try:
            if request.method != "POST":
                raise ServiceError(
                    "UnknownOperationException",
                    f"The runtime has no {request.method} {request.path}: an endpoint is invoked with POST.",
                )
            endpoint, operation = unquote(match.group(1)), _OPERATIONS[match.group(2)]
            call = Call(request, endpoint, operation, read_wishes(request, operation, endpoint), request_id)
            response = self._answer(call)
        except ModelError as error:
            return error.response(self._plane.host.region, request_id)
        except ServiceError as error:
            return error_response(error, Protocol.REST_JSON, request_id)
        response.headers["x-amzn-RequestId"] = request_id
        return response

    def recover(self) -> None:
        """Go on with the asynchronous invocations that an earlier server took in."""
        self._asynchronous.recover()

    def close(self) -> None:
        """Write what was captured; asynchronous invocations go on with the next start."""
        self._asynchronous.close()
        self._recorder.close()

    def _answer(self, call: Call) -> Response:
        if call.operation == "InvokeEndpointAsync":
            return self._asynchronous.accept(call.request, call.endpoint, call.wishes)
        body = read_body(call.request)
        with ExitStack() as stack:
            running = stack.enter_context(self._plane.fleet.use(call.endpoint))
            if running is None:
                raise not_found(call.endpoint)
            if running.deployment.asynchronous is not None:
                raise validation_error(
                    f"Endpoint {call.endpoint} takes asynchronous invocations only: call InvokeEndpointAsync."
                )
            variant = _choose(call, running)
            self._enter(stack, call.endpoint, running, variant)
            servers = containers_for(call.endpoint, variant, call.wishes.target_container)
            serverless = variant.variant.serverless is not None
            note = self._note(call, running, variant, body)
            now = time.monotonic()
            question = Question(call.endpoint, call.wishes, body, now + self._patience)
            if call.operation == "InvokeEndpointWithResponseStream":
                answer = stack.enter_context(opened(question, servers, serverless))
                whole = partial(note, answer.headers) if note is not None else None
                limit = now + self._stream_patience
                parts = Parts(answer, stack.pop_all(), limit, self._patience, whole)
                return _stream_response(parts, answer.headers, variant)
            reply = ask(question, servers, serverless, LARGEST_BODY)
        if note is not None:
            note(reply.headers, reply.body)
        return _response(reply, variant)

    def _enter(
        self, stack: ExitStack, endpoint: str, running: RunningDeployment, variant: RunningVariant
    ) -> None:
        """Take the places of an invocation, left with the stack. Raises ServiceError when there are none."""
        wanted = [
            ("", self._at_once, "too many invocations at once."),
            (endpoint, self._at_once_each, f"too many invocations of endpoint {endpoint} at once."),
        ]
        if variant.variant.serverless is not None:
            most = int(variant.variant.serverless["MaxConcurrency"])
            name = f"{endpoint}/{running.deployment.generation}/{variant.variant.name}"
            wanted.append((name, most, f"endpoint {endpoint} has a MaxConcurrency of {most}."))
        for key, most, why in wanted:
            if not self._places.enter(key, most):
                raise throttled(why)
            stack.callback(self._places.leave, key)

    def _note(
        self, call: Call, running: RunningDeployment, variant: RunningVariant, body: bytes
    ) -> Callable[[Mapping[str, str], bytes], None] | None:
        """What captures the headers and the body of the answer; None where nothing is captured."""
        capture = running.deployment.capture
        if capture is None or not capture.enabled:
            return None

        def note(headers: Mapping[str, str], received: bytes) -> None:
            captured = Captured(
                endpoint=call.endpoint,
                variant=variant.variant.name,
                moment=time.time(),
                sent=body,
                sent_type=call.wishes.content_type or "",
                received=received,
                received_type=headers.get("content-type", ""),
                inference_id=call.wishes.inference_id,
            )
            self._recorder.note(capture, captured)

        return note


def is_too_large(request: Request) -> bool:
    """Whether the body is larger than any invocation's may be; it need not be read to be refused."""
    return int(request.environ.get("CONTENT_LENGTH") or 0) > LARGEST_BODY


def read_body(request: Request) -> bytes:
    """The body of an invocation. Raises ServiceError (ValidationError) when it is too large."""
    if is_too_large(request):
        raise validation_error(
            "1 validation error detected: Value at 'body' failed to satisfy constraint: Member must have "
            f"length less than or equal to {LARGEST_BODY}"
        )
    return request.get_data()


def _choose(call: Call, running: RunningDeployment) -> RunningVariant:
    variant = running.choose(call.wishes.target_variant)
    if variant is None:
        raise validation_error(f"Variant {call.wishes.target_variant} of endpoint {call.endpoint} not found.")
    return variant


def _response(reply: Reply, variant: RunningVariant) -> Response:
    response = Response(reply.body, 200)
    response.headers["Content-Type"] = reply.headers.get("content-type", DEFAULT_TYPE)
    _describe(response, reply.headers, variant)
    return response


def _stream_response(parts: Parts, headers: Mapping[str, str], variant: RunningVariant) -> Response:
    response = Response(parts, 200, content_type=EVENT_STREAM, direct_passthrough=True)
    response.headers[f"{PREFIX}Content-Type"] = headers.get("content-type", DEFAULT_TYPE)
    _describe(response, headers, variant)
    return response


def _describe(response: Response, headers: Mapping[str, str], variant: RunningVariant) -> None:
    """What every answer says of the model that gave it."""
    response.headers["x-Amzn-Invoked-Production-Variant"] = variant.variant.name
    attributes = f"{PREFIX}Custom-Attributes"
    if attributes.lower() in headers:
        response.headers[attributes] = headers[attributes.lower()]
