"""ModelDeployConfig: the best candidate of an AutoML job is deployed when its training has ended well."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from helpers.local.errors import ServiceError
from helpers.local.sagemaker.endpoint_configs import create_endpoint_config
from helpers.local.sagemaker.endpoint_lifecycle import abandon
from helpers.local.sagemaker.endpoints import create_endpoint
from helpers.local.sagemaker.families import AUTOML
from helpers.local.sagemaker.host import in_thread
from helpers.local.sagemaker.jobs import afterwards, mark_stopped, read_progress, settle
from helpers.local.sagemaker.models import create_model
from helpers.local.sagemaker.plane import Plane
from helpers.local.sagemaker.records import JobRecord, ModelDeployment
from helpers.local.store import NoRecord

POLL = 0.1  # seconds between two looks at an endpoint that comes up
# What the service deploys on: an ensemble in its one container, or a pipeline of several.
ENSEMBLE = {"InstanceType": "ml.m5.12xlarge", "InitialInstanceCount": 1}
PIPELINE = {"InstanceType": "ml.m5.2xlarge", "InitialInstanceCount": 2}


@afterwards(AUTOML)
def begin(plane: Plane, name: str) -> bool:
    """Deploy the best candidate of a job if that is asked for, and the job's time has not run out."""
    record = plane.automl.get(name)
    config = record.request.get("ModelDeployConfig", {})
    progress = read_progress(plane, AUTOML, name)
    if (
        not (config.get("AutoGenerateEndpointName") or "EndpointName" in config)
        or record.status != "InProgress"  # asked to stop
        or not progress.get("BestCandidate")
        or progress.get("AutoMLJobSecondaryStatus") == "MaxAutoMLJobRuntimeReached"
    ):
        return False
    resources = f"{name}-{secrets.token_hex(4)}"
    planned = ModelDeployment(endpoint=config.get("EndpointName", resources), resources=resources)

    def change(found: JobRecord) -> None:
        found.deployment, found.modified = planned, time.time()

    noted = _note(plane, name, change)

    def work() -> None:
        while not (noted or _note(plane, name, change)):
            if plane.host.closing.wait(1.0):
                return
        _deploy(plane, name)

    in_thread(f"deploy the model of {name}", work)
    return True


def resume(plane: Plane) -> None:
    """After a restart of the service: go on with the deployments that were under way."""
    for record in plane.automl.all():
        if record.deployment is not None and record.ended is None:
            in_thread(f"deploy the model of {record.name}", partial(_deploy, plane, record.name))


def _deploy(plane: Plane, name: str) -> None:
    """Make what is not there yet, wait for the endpoint, and settle the job. Can be done over again."""
    record = plane.automl.get(name)
    deployment = record.deployment
    assert deployment is not None
    try:
        if record.status == "InProgress":
            _make(plane, record, deployment)
        problem = _await(plane, name, deployment)
    except ServiceError as error:
        problem = error.message
    except Exception as error:  # noqa: BLE001 - the boundary of the thread: the job must not deploy for ever
        problem = f"{type(error).__name__}: {error}"
    if plane.host.closing.is_set():
        return
    if problem is not None:
        _remove(plane, deployment)

    def change(found: JobRecord) -> None:
        found.deployment = ModelDeployment(
            endpoint=deployment.endpoint, resources=deployment.resources, problem=problem
        )
        if found.status == "Stopping":
            mark_stopped(found)
            found.deployment = None
        else:
            found.status = "Completed"
            found.ended = found.modified = time.time()

    settle(plane, AUTOML, name, change)
    if problem is None and plane.automl.get(name).status == "Stopped":  # it came up just before the wish
        _remove(plane, deployment)


def _make(plane: Plane, record: JobRecord, deployment: ModelDeployment) -> None:
    """The model, the configuration and the endpoint, as far as they are not there. Raises ServiceError."""
    best: Mapping[str, Any] = read_progress(plane, AUTOML, record.name)["BestCandidate"]
    containers = best["InferenceContainers"]
    name = deployment.resources
    if plane.models.find(name) is None:
        role = record.request["RoleArn"]
        create_model(plane, {"ModelName": name, "ExecutionRoleArn": role, "Containers": containers})
    if plane.endpoint_configs.find(name) is None:
        instances = ENSEMBLE if len(containers) == 1 else PIPELINE
        variant = {"VariantName": "AllTraffic", "ModelName": name, **instances}
        create_endpoint_config(plane, {"EndpointConfigName": name, "ProductionVariants": [variant]})
    if not _is_ours(plane, deployment):
        create_endpoint(plane, {"EndpointName": deployment.endpoint, "EndpointConfigName": name})


def _await(plane: Plane, name: str, deployment: ModelDeployment) -> str | None:
    """Wait for the endpoint: what went wrong, or None when it is in service (or the service ends)."""
    while not plane.host.closing.wait(POLL):
        if plane.automl.get(name).status == "Stopping":
            return "The job was stopped."
        endpoint = plane.endpoints.find(deployment.endpoint)
        if endpoint is None or endpoint.status == "Deleting":
            return f"The endpoint {deployment.endpoint} was deleted while it came up."
        if endpoint.status == "InService":
            return None
        if endpoint.status == "Failed":
            return endpoint.failure or f"The endpoint {deployment.endpoint} failed."
    return None


def _remove(plane: Plane, deployment: ModelDeployment) -> None:
    """Leave nothing of a deployment that did not come to its end."""
    if _is_ours(plane, deployment):
        abandon(plane, deployment.endpoint)
    for store in (plane.endpoint_configs, plane.models):
        with contextlib.suppress(NoRecord):
            store.delete(deployment.resources)


def _is_ours(plane: Plane, deployment: ModelDeployment) -> bool:
    """Whether the endpoint is there and is this deployment's, not another's of the same name."""
    found = plane.endpoints.find(deployment.endpoint)
    return found is not None and found.request["EndpointConfigName"] == deployment.resources


def _note(plane: Plane, name: str, change: Callable[[JobRecord], None]) -> bool:
    try:
        plane.automl.update(name, change)
    except OSError:  # a full disk
        return False
    return True
