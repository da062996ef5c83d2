"""InvokeEndpoint: the door through which clients ask models."""

from __future__ import annotations

import json
import re
import threading
import time
import uuid
from dataclasses import dataclass
from urllib.parse import unquote

from werkzeug.wrappers import Request, Response

from helpers.local.errors import Protocol, ServiceError, error_response
from helpers.local.sagemaker import SageMaker
from helpers.local.sagemaker.fleet import RunningVariant
from helpers.local.sagemaker.model_server import Broken, Reply, TimedOut, Unreachable
from helpers.local.sagemaker.plane import ACCOUNT

LARGEST_BODY = 6_291_456  # bytes
LONGEST_HEADER = 1024  # characters of the custom attributes and the inference id
PATIENCE = 60.0  # seconds a model may take
AT_ONCE = 48  # invocations; each keeps one of the server's 64 threads, and some must be left for the rest
LONGEST_MESSAGE = 32_768  # characters of a container's error that are handed on

_PATH = re.compile(r"/endpoints/([^/]+)/(invocations|invocations-response-stream|async-invocations)")
_PREFIX = "X-Amzn-SageMaker-"
_PASSED_ON = ("Custom-Attributes", "Inference-Id")

_OPERATIONS = {
    "invocations-response-stream": "InvokeEndpointWithResponseStream",
    "async-invocations": "InvokeEndpointAsync",
}


@dataclass(eq=False)
class ModelError(Exception):
    """The model, not the service, failed. ``status`` is what the container answered, 0 if it did not."""

    endpoint: str
    container: str
    status: int
    text: str

    def response(self, region: str, request_id: str) -> Response:
        """The answer of the service: 424 with the container's own status and message inside."""
        side = "client" if 400 <= self.status < 500 else "server"
        group = f"/aws/sagemaker/Endpoints/{self.endpoint}"
        message = (
            f'Received {side} error ({self.status}) from {self.container} with message "{self.text}". '
            f"See https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}"
            f"#logEventViewer:group={group} in account {ACCOUNT} for more information."
        )
        body = {
            "ErrorCode": f"{'CLIENT_ERROR' if side == 'client' else 'INTERNAL_FAILURE'}_FROM_MODEL",
            "LogStreamArn": f"arn:aws:logs:{region}:{ACCOUNT}:log-group:{group}",
            "Message": message,
            "OriginalMessage": self.text,
            "OriginalStatusCode": self.status,
        }
        response = Response(json.dumps(body), 424, content_type="application/json")
        response.headers["x-amzn-ErrorType"] = "ModelError"
        response.headers["x-amzn-RequestId"] = request_id
        return response


class Runtime:
    """The runtime as a door of the server."""

    def __init__(self, sagemaker: SageMaker, patience: float = PATIENCE, at_once: int = AT_ONCE) -> None:
        self._plane = sagemaker.plane
        self._patience = patience
        self._places = threading.BoundedSemaphore(at_once)

    def __call__(self, request: Request) -> Response | None:
        """Answer an invocation of an endpoint; None for any other request."""
        match = _PATH.fullmatch(request.path)
        if match is None:
            return None
        request_id = str(uuid.uuid4())
        try:
            if request.method != "POST" or match.group(2) != "invocations":
                name = _OPERATIONS.get(match.group(2), f"{request.method} {request.path}")
                raise ServiceError(
                    "UnknownOperationException",
                    f"Local SageMaker does not offer {name}; the runtime offers InvokeEndpoint.",
                )
            if not self._places.acquire(blocking=False):
                raise ServiceError(
                    "ThrottlingException", "Rate exceeded: too many invocations at once. Try again."
                )
            try:
                return self._invoke(request, unquote(match.group(1)), request_id)
            finally:
                self._places.release()
        except ModelError as error:
            return error.response(self._plane.host.region, request_id)
        except ServiceError as error:
            return error_response(error, Protocol.REST_JSON, request_id)

    def _invoke(self, request: Request, endpoint: str, request_id: str) -> Response:
        _check_headers(request)
        if (request.content_length or 0) > LARGEST_BODY:
            raise _too_large()
        body = request.get_data(cache=False)
        if len(body) > LARGEST_BODY:
            raise _too_large()
        with self._plane.fleet.use(endpoint) as running:
            if running is None:
                raise _validation_error(f"Endpoint {endpoint} of account {ACCOUNT} not found.")
            target = request.headers.get(f"{_PREFIX}Target-Variant")
            variant = running.choose(target)
            if variant is None:
                raise _validation_error(f"Variant {target} of endpoint {endpoint} not found.")
            reply = self._ask(request, endpoint, variant, body)
        response = Response(reply.body, 200)
        response.headers["Content-Type"] = reply.headers.get("content-type", "application/octet-stream")
        response.headers["x-Amzn-Invoked-Production-Variant"] = variant.variant.name
        attributes = f"{_PREFIX}Custom-Attributes"
        if attributes.lower() in reply.headers:
            response.headers[attributes] = reply.headers[attributes.lower()]
        response.headers["x-amzn-RequestId"] = request_id
        return response

    def _ask(self, request: Request, endpoint: str, variant: RunningVariant, body: bytes) -> Reply:
        """Through every container in turn: one's answer is the next one's request."""
        deadline = time.monotonic() + self._patience
        reply = Reply(200, {"content-type": request.headers.get("Content-Type", "")}, body)
        accept = request.headers.get("Accept")
        passed_on = {
            _PREFIX + name: request.headers[_PREFIX + name]
            for name in _PASSED_ON
            if _PREFIX + name in request.headers
        }
        for number, server in enumerate(variant.servers, start=1):
            headers = dict(passed_on)
            if reply.headers.get("content-type"):
                headers["Content-Type"] = reply.headers["content-type"]
            if accept is not None and number == len(variant.servers):
                headers["Accept"] = accept
            try:
                reply = server.ask(reply.body, headers, deadline)
            except Unreachable:
                raise ServiceError(
                    "ServiceUnavailable",
                    f"The container {server.name} of endpoint {endpoint} is starting again: "
                    "try again in a while.",
                    503,
                ) from None
            except TimedOut:
                text = (
                    "Your invocation timed out while waiting for a response from container "
                    f"{server.name}. Review the latency metrics for each container in Amazon CloudWatch, "
                    "resolve the issue, and try again."
                )
                raise ModelError(endpoint, server.name, 0, text) from None
            except Broken:
                text = f"The container {server.name} closed the connection before it answered."
                raise ModelError(endpoint, server.name, 0, text) from None
            if not 200 <= reply.status < 300:
                text = reply.body.decode("utf-8", errors="replace")
                raise ModelError(endpoint, server.name, reply.status, text[:LONGEST_MESSAGE])
        return reply


def _check_headers(request: Request) -> None:
    for name in ("Target-Model", "Target-Container-Hostname"):
        if _PREFIX + name in request.headers:
            raise _validation_error(
                f"Local SageMaker does not offer {name.replace('-', '')}: it has no multi-model containers "
                "and no containers called one by one."
            )
    for name, member in (("Custom-Attributes", "customAttributes"), ("Inference-Id", "inferenceId")):
        value = request.headers.get(_PREFIX + name, "")
        if len(value) > LONGEST_HEADER:
            raise _validation_error(
                f"1 validation error detected: Value at '{member}' failed to satisfy constraint: "
                f"Member must have length less than or equal to {LONGEST_HEADER}"
            )


def _too_large() -> ServiceError:
    return _validation_error(
        "1 validation error detected: Value at 'body' failed to satisfy constraint: Member must have length "
        f"less than or equal to {LARGEST_BODY}"
    )


def _validation_error(message: str) -> ServiceError:
    return ServiceError("ValidationError", message)
