"""InvokeEndpointAsync: taken in at once, answered with the place in S3 where the answer will be."""

from __future__ import annotations

import json
import time
import uuid

from werkzeug.wrappers import Request, Response

from helpers.local.objects import split_uri
from helpers.local.rules import check_key
from helpers.local.runtime.errors import not_found, validation_error
from helpers.local.runtime.headers import PREFIX, Wishes
from helpers.local.runtime.spool import Invocation, Spool
from helpers.local.runtime.workers import Workers
from helpers.local.sagemaker.plane import Plane
from helpers.local.sagemaker.records import AsynchronousInference

LARGEST_BODY = 128_000  # bytes of an input that comes with the request
TIME_TO_LIVE = 21_600  # seconds an invocation may wait, unless it says otherwise
TIMEOUT = 900  # seconds a model may take, unless the invocation says otherwise


class Asynchronous:
    """The asynchronous half of the runtime."""

    def __init__(self, plane: Plane) -> None:
        self._plane = plane
        self._spool = Spool(plane.host.state / "invocations")
        self._workers = Workers(plane, self._spool)

    def accept(self, request: Request, endpoint: str, wishes: Wishes) -> Response:
        """Take an invocation in: 202 once it is safely on disk. Raises ServiceError."""
        with self._plane.fleet.use(endpoint) as running:
            record = self._plane.endpoints.find(endpoint)
            if running is None or record is None or record.name != endpoint:
                raise not_found(endpoint)
            config = running.deployment.asynchronous
        if config is None:
            raise validation_error(
                f"Endpoint {endpoint} has no AsyncInferenceConfig, so it takes no asynchronous invocations: "
                "call InvokeEndpoint."
            )
        body = _body(request, wishes)
        invocation = _invocation(endpoint, record.created, wishes, config)
        _check_location(invocation.output, "The OutputLocation")
        self._spool.add(invocation, body)
        self._workers.put(invocation)
        response = Response(
            json.dumps({"InferenceId": invocation.inference_id}), 202, content_type="application/json"
        )
        response.headers[f"{PREFIX}OutputLocation"] = invocation.output
        if invocation.failure is not None:
            response.headers[f"{PREFIX}FailureLocation"] = invocation.failure
        return response

    def recover(self) -> None:
        """Go on with what an earlier server took in."""
        for invocation in self._spool.all():
            self._workers.put(invocation)

    def close(self) -> None:
        """Begin nothing any more; what is not done stays on disk."""
        self._workers.close()


def _body(request: Request, wishes: Wishes) -> bytes | None:
    """The input that came with the request, None when it is in S3. Raises ServiceError."""
    length = int(request.environ.get("CONTENT_LENGTH") or 0)
    if length > LARGEST_BODY:
        raise validation_error(
            "1 validation error detected: Value at 'body' failed to satisfy constraint: Member must have "
            f"length less than or equal to {LARGEST_BODY}. A larger input goes into S3, as InputLocation."
        )
    if (length > 0) == (wishes.input_location is not None):
        given = "both" if length else "neither"
        raise validation_error(f"Give either Body or InputLocation: there are {given}.")
    if wishes.input_location is None:
        return request.get_data()
    _check_location(wishes.input_location, "InputLocation")
    return None


def _check_location(location: str, what: str) -> None:
    try:
        check_key(split_uri(location)[1])
    except ValueError as error:
        raise validation_error(f"{what} is no place in S3 (s3://bucket/key): {error}.") from None


def _invocation(endpoint: str, made: float, wishes: Wishes, config: AsynchronousInference) -> Invocation:
    name = str(uuid.uuid4())
    folder = config.output.rstrip("/")
    if wishes.output_extension is not None:
        folder = f"{folder}/{wishes.output_extension.strip('/')}"
    return Invocation(
        id=name,
        endpoint=endpoint,
        made=made,
        accepted=time.time(),
        time_to_live=wishes.time_to_live or TIME_TO_LIVE,
        timeout=wishes.timeout or TIMEOUT,
        input=wishes.input_location,
        output=f"{folder}/{wishes.file_name or f'{name}.out'}",
        failure=f"{config.failures.rstrip('/')}/{name}-error.out" if config.failures else None,
        inference_id=wishes.inference_id or name,
        content_type=wishes.content_type,
        accept=wishes.accept,
        custom_attributes=wishes.custom_attributes,
    )
