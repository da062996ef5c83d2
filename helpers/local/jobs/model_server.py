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
import socket
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType
from typing import Any

from werkzeug.wrappers import Request, Response

from helpers.local.jobs.job import Job, JobFailure, run
from helpers.local.jobs.serving import images, model_data
from helpers.local.jobs.serving.archives import unpack
from helpers.local.jobs.serving.built_in import error
from helpers.local.jobs.serving.container import BadEnvironment, Served

LIMIT = 100 * 1024 * 1024  # bytes of a body: the largest payload of a batch transform
IN_MEMORY = 8 * 1024 * 1024  # bytes of a body that wait in memory while they arrive: every InvokeEndpoint's
TOKEN_HEADER = "X-Workshop-Token"


class ModelApp:
    """The WSGI application of one container."""

    def __init__(self, served: Served, token: str) -> None:
        self.served = served
        self.token = token

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        request = Request(environ)
        return self.answer(request)(environ, start_response)

    def answer(self, request: Request) -> Response:
        """The answer to one request."""
        if not hmac.compare_digest(request.headers.get(TOKEN_HEADER, "").encode(), self.token.encode()):
            return error(403, "This model server answers local SageMaker only.")
        route = (request.method, request.path)
        if route == ("GET", "/ping"):
            return Response(status=200)
        if route == ("GET", "/execution-parameters"):
            return self.served.parameters()
        if route == ("POST", "/invocations"):
            return self.served.respond(request)
        return error(404, f"There is no {request.method} {request.path}.")


def work(job: Job) -> None:
    """Load the model, listen, serve until SIGTERM."""
    import waitress

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise SystemExit(0)

    begun = time.monotonic()
    signal.signal(signal.SIGTERM, stop)
    door = socket.create_server(("127.0.0.1", 0), backlog=128)
    served = _load(job, int(door.getsockname()[1]))
    try:
        app = ModelApp(served, secrets.token_urlsafe(32))
        server = waitress.create_server(
            app,
            sockets=[door],
            threads=served.threads,
            max_request_body_size=LIMIT,
            recv_bytes=256 * 1024,
            inbuf_overflow=IN_MEMORY,
            ident=None,
            channel_timeout=120,
        )
        _announce(job.directory, server.effective_port, app.token)
        print(f"{served.summary}. Loaded in {time.monotonic() - begun:.1f} s.", flush=True)
        server.run()
    finally:
        served.close()


def _load(job: Job, port: int) -> Served:
    """What is to be served. Raises JobFailure when it cannot be."""
    container = job.request["Container"]
    environment = {
        **container.get("Environment", {}),
        **({"AWS_REGION": job.request["Region"]} if "Region" in job.request else {}),
        "SAGEMAKER_BIND_TO_PORT": str(port),
    }
    image = str(container["Image"])
    images.check(image)
    directory = job.directory / "model"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    uri, source = container.get("ModelDataUrl"), container.get("ModelDataSource")
    if source:
        model_data.copy(job.objects, source["S3DataSource"], directory)
    elif uri:
        unpack(job.objects, uri, directory)
    elif not images.takes_code(image):
        raise JobFailure("The container has no ModelDataUrl: give it the model.tar.gz of a candidate.")
    try:
        return images.load(image, job.objects, directory, environment)
    except BadEnvironment as problem:
        raise JobFailure(f"The Environment of container '{job.request['Name']}': {problem}") from None


def _announce(directory: Path, port: int, token: str) -> None:
    temporary = directory / ".server.json"
    temporary.touch(mode=0o600)
    temporary.write_text(json.dumps({"port": port, "token": token}), encoding="utf-8")
    temporary.replace(directory / "server.json")


if __name__ == "__main__":
    run("model_server", work)
