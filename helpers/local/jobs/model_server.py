"""Serves one model container: `/ping`, `/invocations` and `/execution-parameters` on a free loopback port.

`python -m helpers.local.jobs.model_server --state STATE --job JOBDIR`; request.json is
`{"Container": {"Image", "ModelDataUrl", "Environment"}, "Name": "primary"}`. Once it listens, server.json
in the job directory says where, and which token every request must carry.
"""

import hmac
import json
import secrets
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType
from typing import Any

from werkzeug.wrappers import Request, Response

from helpers.local.jobs.job import Job, JobFailure, run
from helpers.local.jobs.serving import images, model_data
from helpers.local.jobs.serving.archives import unpack
from helpers.local.jobs.serving.container import (
    BadEnvironment,
    BadRequest,
    Container,
    NotAcceptable,
    UnsupportedContent,
)

LIMIT = 100 * 1024 * 1024  # bytes of a body: the largest payload of a batch transform
TOKEN_HEADER = "X-Workshop-Token"


class ModelApp:
    """The WSGI application of one container."""

    def __init__(self, container: Container, token: str) -> None:
        self.container = container
        self.token = token

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        request = Request(environ)
        return self.answer(request)(environ, start_response)

    def answer(self, request: Request) -> Response:
        """The answer to one request; every error has a sentence as its body."""
        if not hmac.compare_digest(request.headers.get(TOKEN_HEADER, "").encode(), self.token.encode()):
            return _error(403, "This model server answers local SageMaker only.")
        route = (request.method, request.path)
        if route == ("GET", "/ping"):
            return Response(status=200)
        if route == ("GET", "/execution-parameters"):
            return Response(
                json.dumps(
                    {"MaxConcurrentTransforms": 1, "BatchStrategy": "MULTI_RECORD", "MaxPayloadInMB": 6}
                ),
                content_type="application/json",
            )
        if route != ("POST", "/invocations"):
            return _error(404, f"There is no {request.method} {request.path}.")
        try:
            body, content_type = self.container.answer(
                request.get_data(cache=False),
                request.headers.get("Content-Type", ""),
                request.headers.get("Accept", ""),
            )
            return Response(body, content_type=content_type)
        except BadRequest as error:
            return _error(400, str(error))
        except NotAcceptable as error:
            return _error(406, str(error))
        except UnsupportedContent as error:
            return _error(415, str(error))
        except Exception as error:  # noqa: BLE001 - a model that fails on one request must keep serving
            print(f"Invocation failed: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
            return _error(500, f"The model failed on this request: {type(error).__name__}: {error}")


def _error(status: int, message: str) -> Response:
    return Response(message, status=status, content_type="text/plain; charset=utf-8")


def work(job: Job) -> None:
    """Load the model, listen, serve until SIGTERM."""
    import waitress

    begun = time.monotonic()
    container = job.request["Container"]
    load = images.loader(str(container["Image"]))
    uri, source = container.get("ModelDataUrl"), container.get("ModelDataSource")
    if not uri and not source:
        raise JobFailure("The container has no ModelDataUrl: give it the model.tar.gz of a candidate.")
    directory = job.directory / "model"
    shutil.rmtree(directory, ignore_errors=True)
    if source:
        model_data.copy(job.objects, source["S3DataSource"], directory)
    else:
        unpack(job.objects, uri, directory)
    try:
        app = ModelApp(load(directory, container.get("Environment", {})), secrets.token_urlsafe(32))
    except BadEnvironment as error:
        raise JobFailure(f"The Environment of container '{job.request['Name']}': {error}") from None
    server = waitress.create_server(
        app, host="127.0.0.1", port=0, threads=4, max_request_body_size=LIMIT, ident=None, channel_timeout=120
    )

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, stop)
    port = server.effective_port
    _announce(job.directory, port, app.token)
    print(f"{app.container.summary}. Loaded in {time.monotonic() - begun:.1f} s.", flush=True)
    server.run()


def _announce(directory: Path, port: int, token: str) -> None:
    temporary = directory / ".server.json"
    temporary.touch(mode=0o600)
    temporary.write_text(json.dumps({"port": port, "token": token}), encoding="utf-8")
    temporary.replace(directory / "server.json")


if __name__ == "__main__":
    run("model_server", work)
