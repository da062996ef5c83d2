"""SageMaker's control plane: jobs, models, endpoints. The door for ``X-Amz-Target: SageMaker.…``."""

from __future__ import annotations

import uuid
from pathlib import Path

from werkzeug.wrappers import Request, Response

from helpers.local import machine
from helpers.local.errors import Protocol, ServiceError, error_response
from helpers.local.machine import Share
from helpers.local.objects import ObjectStore
from helpers.local.processes import sweep
from helpers.local.protocol import json_response, load_api, read_request
from helpers.local.sagemaker import (  # noqa: F401 - importing a family offers its operations
    automl,
    deployment,
    endpoint_configs,
    endpoint_weights,
    endpoints,
    models,
    processing,
    tags,
    transform,
)
from helpers.local.sagemaker.admission import Admission
from helpers.local.sagemaker.endpoint_lifecycle import recover_endpoints
from helpers.local.sagemaker.host import Host, Launcher, Logs
from helpers.local.sagemaker.jobs import recover_jobs
from helpers.local.sagemaker.plane import Plane
from helpers.local.sagemaker.registry import find_handler
from helpers.local.supervisor import Supervisor, module_command

TARGET = "SageMaker."


class SageMaker:
    """The control plane as a door of the server.

    ``launcher`` says which process a job is, ``budget`` what jobs may take together (default: the machine's).
    """

    def __init__(
        self,
        state: Path,
        objects: ObjectStore,
        region: str,
        logs: Logs | None = None,
        launcher: Launcher = module_command,
        supervisor: Supervisor | None = None,
        budget: Share | None = None,
    ) -> None:
        if logs is None:
            from helpers.local.logs import LogIndex

            logs = LogIndex(state)
        self.api = load_api("sagemaker")
        host = Host(state.resolve(), region, logs, launcher, supervisor or Supervisor())
        self.plane = Plane(host, objects, Admission(budget or machine.budget()))
        for store in self.plane.stores.values():
            for path in store.unreadable:
                print(f"{path} cannot be read as a record of local SageMaker; it is left alone", flush=True)

    def __call__(self, request: Request) -> Response | None:
        """Answer a request to the control plane; None for any other."""
        target = request.headers.get("X-Amz-Target", "")
        if not target.startswith(TARGET):
            return None
        operation = target.removeprefix(TARGET)
        request_id = str(uuid.uuid4())
        try:
            handler = find_handler(self.api, operation)
            asked = self.api.validate(operation, read_request(request))
            answer = self.api.shape(operation, handler(self.plane, asked))
        except ServiceError as error:
            return error_response(error, Protocol.JSON, request_id)
        return json_response(answer, request_id)

    def recover(self) -> None:
        """At the start: end what a dead server left running, fail its jobs, queue those that waited."""
        sweep(self.plane.host.state / "jobs")
        recover_jobs(self.plane)
        recover_endpoints(self.plane)
        deployment.resume(self.plane)

    def close(self) -> None:
        """End every job and model process; endpoints come back with the next start."""
        self.plane.host.closing.set()
        self.plane.admission.close()
        self.plane.host.supervisor.close()
