"""The front of local SageMaker: who may come in, and to which door.

Requests can start code on this machine, so only programs of its user that hold the key come in: the
connection and the Host name must be loopback, no web page may call (no Origin header), and every request is
signed.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol

from werkzeug.wrappers import Request as AnyRequest
from werkzeug.wrappers import Response

from helpers.local import signature
from helpers.local.errors import NO_ROOM, ServiceError, error_response, no_room
from helpers.local.errors import Protocol as Form
from helpers.local.identity import Identity
from helpers.local.logs import LogIndex, Logs
from helpers.local.machine import Share
from helpers.local.objects import ObjectStore
from helpers.local.payload import check_payload
from helpers.local.runtime import Runtime, is_too_large
from helpers.local.s3 import S3
from helpers.local.sagemaker import SageMaker
from helpers.local.web import Request

ACCOUNT = "000000000000"
LOOPBACK = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:\d+)?", re.IGNORECASE)
RUNTIME_PATH = re.compile(r"/endpoints/[^/]+/(invocations|invocations-response-stream|async-invocations)")


class Door(Protocol):
    """One AWS API: answers a request, or None when it has no such operation."""

    def __call__(self, request: AnyRequest) -> Response | None: ...


class Application:
    """All doors behind one WSGI callable."""

    def __init__(self, state: Path, region: str, budget: Share | None = None) -> None:
        self.state = state
        self.key = secret_key(state)
        self.objects = ObjectStore(state / "s3")
        self.objects.sweep()
        self.objects.create_bucket(f"sagemaker-{region}-{ACCOUNT}")
        self._s3 = S3(self.objects)
        self._identity = Identity(signature.ACCESS_KEY, self.key)
        self._logs = Logs(LogIndex(state), region)
        self._sagemaker = SageMaker(state, self.objects, region, budget=budget)
        self._runtime = Runtime(self._sagemaker)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        request = Request(environ)
        number = secrets.token_hex(8).upper()
        response = self._answer(request, number)
        response.headers.setdefault("x-amz-request-id", number)
        response.headers.setdefault("x-amzn-RequestId", number)
        return response(environ, start_response)

    def recover(self) -> None:
        """Take up what an earlier server left: fail its jobs, start its endpoints again."""
        self._sagemaker.recover()
        self._runtime.recover()

    def close(self) -> None:
        """Stop every process that was started."""
        self._runtime.close()
        self._sagemaker.close()

    def _answer(self, request: Request, number: str) -> Response:
        form = _form(request)
        try:
            _check_loopback(request)
            if request.path == "/_workshop/ping" and request.method == "GET":
                return Response(
                    json.dumps({"pid": os.getpid(), "state": str(self.state)}),
                    content_type="application/json",
                )
            signed = signature.verify(request, self.key)
            request.environ["workshop.signature"] = signed
            door = self._door(request, signed.service)
            if signed.service != "s3" and not (door is self._runtime and is_too_large(request)):
                check_payload(request, signed)  # (the runtime has its own words for what is too large)
            response = door(request)
            if response is None:
                raise _unknown(request)
            return response
        except ServiceError as error:
            return error_response(error, form, number)
        except Exception as error:  # noqa: BLE001 - the client gets an AWS error, the log the trace
            with contextlib.suppress(OSError):  # the log may be what the disk is full of
                traceback.print_exc()
            if isinstance(error, OSError) and error.errno in NO_ROOM:
                return error_response(no_room(error), form, number)
            failure = ServiceError(
                "InternalError", f"local SageMaker failed: {type(error).__name__}: {error}", 500
            )
            return error_response(failure, form, number)

    def _door(self, request: Request, service: str) -> Door:
        target = request.headers.get("X-Amz-Target", "")
        if target.startswith("SageMaker."):
            return self._sagemaker
        if target.startswith("Logs_20140328."):
            return self._logs
        if target:
            raise _unknown(request)
        if service == "sagemaker" and RUNTIME_PATH.fullmatch(request.path):
            return self._runtime
        if service in ("sts", "iam"):
            return self._identity
        if service == "s3":
            return self._s3
        raise _unknown(request)


def make_app(state: Path, region: str, budget: Share | None = None) -> Application:
    """The WSGI application that serves a state directory, which is made if needed.

    ``budget`` is what its jobs may take together, by default what the machine has to give.
    """
    state = Path(state).resolve()
    state.mkdir(parents=True, exist_ok=True)
    return Application(state, region, budget)


def secret_key(state: Path) -> str:
    """The secret access key of a state directory, made on first use, readable by its owner only."""
    path = state / "key"
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        temporary = path.with_name(f".key-{secrets.token_hex(8)}")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(30))
        try:
            os.link(temporary, path)
        except FileExistsError:
            pass  # another process was faster: its key counts
        finally:
            temporary.unlink()
        return path.read_text().strip()


def _form(request: Request) -> Form:
    service = signature.claimed_service(request)
    if "X-Amz-Target" in request.headers:
        return Form.JSON
    if service == "sagemaker":
        return Form.REST_JSON
    return Form.QUERY if service in ("sts", "iam") else Form.S3


def _check_loopback(request: Request) -> None:
    host = request.headers.get("Host", "")
    if not LOOPBACK.fullmatch(host):
        raise ServiceError(
            "AccessDenied",
            f"Access Denied: {host!r} is not a name of this machine. Call 127.0.0.1, and name S3 buckets in "
            "the path (path style), not in the host name.",
            403,
        )
    if "Origin" in request.headers:
        raise ServiceError("AccessDenied", "Access Denied: web pages may not call local SageMaker.", 403)


def _unknown(request: Request) -> ServiceError:
    name = request.headers.get("X-Amz-Target") or f"{request.method} {request.path}"
    return ServiceError("UnknownOperationException", f"Local SageMaker does not know the operation {name}.")
