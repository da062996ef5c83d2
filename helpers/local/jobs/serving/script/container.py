"""A container that runs the user's own code, as the model server sees it."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from werkzeug.exceptions import BadGateway, GatewayTimeout, NotFound, ServiceUnavailable
from werkzeug.wrappers import Request, Response

from helpers.local.jobs.job import JobFailure
from helpers.local.jobs.serving.container import BadEnvironment, Environment
from helpers.local.jobs.serving.script import source, wire
from helpers.local.jobs.serving.script.frameworks import FRAMEWORKS
from helpers.local.jobs.serving.script.pool import NoWorker, Pool, WorkerDied, WorkerHung
from helpers.local.objects import ObjectStore

WORKERS, TIMEOUT = "SAGEMAKER_MODEL_SERVER_WORKERS", "SAGEMAKER_MODEL_SERVER_TIMEOUT"
MOST_BY_DEFAULT = 4  # workers; the images take one a core, and every one holds the model in memory
SECONDS = 60  # a worker may take for a request
NOT_OURS = ("connection", "content-length", "date", "server", "transfer-encoding", "keep-alive")


class ScriptContainer:
    """The user's code in its workers."""

    threads = 64  # they only wait for workers; the door lets 48 invocations in at a time

    def __init__(self, image: str, found: source.Source, model: Path, environment: Environment) -> None:
        self.image = image
        self.framework = FRAMEWORKS[image]
        settings = wire.Settings(image, found.program, str(found.code), str(model))
        count = _number(environment, WORKERS, min(MOST_BY_DEFAULT, os.cpu_count() or 1))
        self.pool = Pool(
            settings,
            {**environment, **_variables(found, model)},
            count,
            _number(environment, TIMEOUT, SECONDS),
        )
        self.pool.start()
        self.summary = f"Code {found.program}.py with {self.framework.name}; workers: {count}"

    def respond(self, request: Request) -> Response:
        """The answer to POST /invocations."""
        sent = {name: value for name, value in request.headers.items() if name.lower() != "x-workshop-token"}
        return self._ask(
            wire.Call(
                content_type=request.headers.get("Content-Type", ""),
                accept=request.headers.get("Accept", ""),
                headers=sent,
                body=request.get_data(cache=False),
            )
        )

    def parameters(self) -> Response:
        """The answer to GET /execution-parameters: the code's own, or none."""
        if not self.pool.parameters:
            return NotFound().get_response()
        return self._ask(wire.Call("", "", parameters=True))

    def close(self) -> None:
        """End the workers."""
        self.pool.close()

    def _ask(self, call: wire.Call) -> Response:
        try:
            reply = self.pool.ask(call)
        except WorkerDied:
            return self._lost(BadGateway("The worker process ended before it had answered."))
        except WorkerHung:
            text = f"The worker did not answer within {self.pool.seconds:g} seconds and was ended."
            return self._lost(GatewayTimeout(text))
        except NoWorker:
            return self._lost(ServiceUnavailable("Every worker of the model is busy."))
        headers = [(name, value) for name, value in reply.headers if name.lower() not in NOT_OURS]
        body = reply.body if isinstance(reply.body, bytes) else _Chunks(reply.body)
        return Response(body, status=reply.status, headers=headers)

    def _lost(self, error: BadGateway | GatewayTimeout | ServiceUnavailable) -> Response:
        """No worker has answered: the proxy before Flask says so in a page, the newer server in JSON."""
        print(f"Invocation failed: {error.description}", flush=True)
        if self.framework.flask:
            return error.get_response()
        status, kind, message = 500, "InternalServerException", "Worker died."
        if isinstance(error, ServiceUnavailable):
            status, kind, message = 503, "ServiceUnavailableException", "No worker is free."
        content = {"code": status, "type": kind, "message": message}
        return Response(json.dumps(content), status=status, content_type="application/json")


class _Chunks:
    """The chunks of a streamed answer; ends its worker's work when the caller goes."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        return self._chunks

    def close(self) -> None:
        """The caller has all of it, or is gone."""
        close = getattr(self._chunks, "close", None)
        if close is not None:
            close()


def load(image: str, objects: ObjectStore, model: Path, environment: Environment) -> ScriptContainer:
    """Start the user's code.

    Raises JobFailure when its library is not installed, or when it does not load; BadEnvironment for a
    number that is none.
    """
    missing = FRAMEWORKS[image].missing()
    if missing:
        raise JobFailure(
            f"The image {image} needs {missing}, which is not installed on this machine: install it into the "
            "environment that local SageMaker runs in, or serve this model on AWS."
        )
    return ScriptContainer(image, source.find(objects, model, environment), model, environment)


def _variables(found: source.Source, model: Path) -> Mapping[str, str]:
    """What the service and its images tell the code, true for this machine."""
    return {
        "SM_MODEL_DIR": str(model),
        source.PROGRAM: f"{found.program}.py",
        source.SUBMIT: str(found.code),
    }


def _number(environment: Environment, name: str, default: int) -> int:
    text = environment.get(name, "").strip() or str(default)
    if not text.isdigit() or int(text) < 1:
        raise BadEnvironment(f"{name} is '{text}': it must be a whole number from 1.")
    return int(text)
