"""Endpoints: brought up, updated without a gap, taken down."""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from typing import Any

from helpers.local.protocol import validation_error
from helpers.local.sagemaker.endpoint_configs import variants_of
from helpers.local.sagemaker.fleet import keep_log
from helpers.local.sagemaker.host import in_thread
from helpers.local.sagemaker.invocation_settings import (
    asynchronous_of,
    asynchronous_summary,
    capture_of,
    capture_summary,
)
from helpers.local.sagemaker.listing import resources
from helpers.local.sagemaker.model_server import new_generation
from helpers.local.sagemaker.plane import Plane
from helpers.local.sagemaker.records import Deployment, EndpointConfigRecord, EndpointRecord, Variant
from helpers.local.sagemaker.registry import Answer, Request, operation
from helpers.local.store import NoRecord

COMING = ("Creating", "Updating", "SystemUpdating")
INTERRUPTED = (
    "The local SageMaker service was stopped during an update of this endpoint; it serves what it "
    "served before. Update it again."
)


@operation
def create_endpoint(plane: Plane, request: Request) -> Answer:
    """Bring an endpoint up."""
    deployment = _deployment(plane, request["EndpointConfigName"])
    name = request["EndpointName"]
    record = plane.new(plane.endpoints, EndpointRecord, "endpoint", name, request, coming=deployment)
    bring_up(plane, record.name, deployment, at_once=False)
    return {"EndpointArn": record.arn}


@operation
def update_endpoint(plane: Plane, request: Request) -> Answer:
    """Serve another configuration: the old one answers until the new one can."""
    record: EndpointRecord = plane.find("endpoint", request["EndpointName"])
    deployment = _deployment(plane, request["EndpointConfigName"])
    if record.serving is not None:
        plane.find(
            "endpoint-config", record.serving.config_name
        )  # the service wants the present one still there
        if request.get("RetainAllVariantProperties"):
            _retain(record.serving, deployment, request.get("ExcludeRetainedVariantProperties", []))

    def change(found: EndpointRecord) -> None:
        _refuse_unless_settled(found)
        if found.status == "Failed":
            raise validation_error(
                f'Cannot update failed endpoint "{found.arn}": delete it, and create it again.'
            )
        found.status, found.coming, found.failure = "Updating", deployment, None
        found.modified = time.time()

    plane.endpoints.update(record.name, change)
    bring_up(plane, record.name, deployment, at_once=False)
    return {"EndpointArn": record.arn}


@operation
def update_endpoint_weights_and_capacities(plane: Plane, request: Request) -> Answer:
    """Change how requests are shared out between the variants."""
    record: EndpointRecord = plane.find("endpoint", request["EndpointName"])

    def change(found: EndpointRecord) -> None:
        if found.status != "InService" or found.serving is None:
            raise validation_error(f'Cannot update endpoint "{found.arn}" in status {found.status}.')
        variants = {variant.name: variant for variant in found.serving.variants}
        for wish in request["DesiredWeightsAndCapacities"]:
            if wish["VariantName"] not in variants:
                raise validation_error(f"The endpoint has no variant '{wish['VariantName']}'.")
            variant = variants[wish["VariantName"]]
            variant.weight = float(wish.get("DesiredWeight", variant.weight))
            if variant.instances is not None:
                variant.instances = int(wish.get("DesiredInstanceCount", variant.instances))
        if sum(variant.weight for variant in variants.values()) <= 0:
            raise validation_error("At least one production variant must have a DesiredWeight above 0.")
        found.modified = time.time()

    changed = plane.endpoints.update(record.name, change)
    running = plane.fleet.serving(record.name)
    if running is not None and changed.serving is not None:
        running.weights = {variant.name: variant.weight for variant in changed.serving.variants}
    return {"EndpointArn": record.arn}


@operation
def describe_endpoint(plane: Plane, request: Request) -> Answer:
    """An endpoint as it is now."""
    record: EndpointRecord = plane.find("endpoint", request["EndpointName"])
    shown = record.serving or record.coming
    serves = record.serving is not None
    return {
        "EndpointName": record.name,
        "EndpointArn": record.arn,
        "EndpointConfigName": shown.config_name if shown else record.request["EndpointConfigName"],
        "ProductionVariants": [_summary(item, record.created) for item in shown.variants]
        if shown and serves
        else None,
        "DataCaptureConfig": capture_summary(shown.capture) if shown else None,
        "AsyncInferenceConfig": asynchronous_summary(shown.asynchronous) if shown else None,
        "EndpointStatus": record.status,
        "FailureReason": record.failure,
        "CreationTime": record.created,
        "LastModifiedTime": record.modified,
    }


@operation
def list_endpoints(plane: Plane, request: Request) -> Answer:
    """Endpoints, a page at a time."""
    return resources(
        request,
        plane.endpoints.all(),
        lambda record: {
            "EndpointName": record.name,
            "EndpointArn": record.arn,
            "CreationTime": record.created,
            "LastModifiedTime": record.modified,
            "EndpointStatus": record.status,
        },
        kind="Endpoint",
        member="Endpoints",
    )


@operation
def delete_endpoint(plane: Plane, request: Request) -> Answer:
    """Take an endpoint down."""
    record: EndpointRecord = plane.find("endpoint", request["EndpointName"])

    def change(found: EndpointRecord) -> None:
        _refuse_unless_settled(found)
        found.status = "Deleting"
        found.modified = time.time()

    plane.endpoints.update(record.name, change)
    in_thread(f"delete endpoint {record.name}", lambda: _take_down(plane, record.name))
    return {}


def bring_up(
    plane: Plane, name: str, deployment: Deployment, *, at_once: bool, remark: str | None = None
) -> None:
    """Start a deployment of an endpoint in a thread, and note in its record how that ends.

    ``remark`` is the FailureReason of an endpoint that serves all the same.
    """

    def settle(problem: str | None) -> None:
        def change(record: EndpointRecord) -> None:
            record.modified = time.time()
            record.coming = None
            if problem is None:
                record.status, record.serving, record.failure = "InService", deployment, remark
            elif record.serving is not None and record.serving.generation != deployment.generation:
                # The configuration before this one serves on.
                record.status = "InService"
                record.failure = f"The update was not completed: {problem}"[:1024]
            else:
                record.status, record.serving, record.failure = "Failed", None, problem[:1024]

        try:
            plane.endpoints.update(name, change)
        except NoRecord:
            return  # deleted meanwhile

    in_thread(
        f"deploy {name}",
        lambda: plane.fleet.bring_up(plane.host, name, deployment, at_once=at_once, settle=settle),
    )


def recover_endpoints(plane: Plane) -> None:
    """After a restart of the service: endpoints serve again, what was under way is done again."""
    for directory in (plane.host.state / "jobs" / "endpoint").glob("*/*/*/*"):
        keep_log(directory)  # of model servers that are no more
    for record in plane.endpoints.all():
        if record.status == "Deleting":
            _take_down(plane, record.name)
        elif record.status != "Failed":
            _start_again(plane, record)


def _start_again(plane: Plane, record: EndpointRecord) -> None:
    """What served, serves (requests wait while it starts); what had yet to serve, comes up."""
    deployment = record.serving or record.coming
    if deployment is None:
        return  # nothing of this server's making
    fresh = replace(deployment, generation=new_generation())
    served = record.serving is not None
    interrupted = served and record.coming is not None

    def change(found: EndpointRecord) -> None:
        found.modified = time.time()
        if found.serving is not None:
            found.status, found.serving, found.coming = "SystemUpdating", fresh, None
        else:
            found.coming = fresh

    plane.endpoints.update(record.name, change)
    bring_up(plane, record.name, fresh, at_once=served, remark=INTERRUPTED if interrupted else None)


def abandon(plane: Plane, name: str) -> None:
    """Take an endpoint down at whatever it is, coming up included; returns when it is gone."""
    while (record := plane.endpoints.find(name)) is not None and record.status in COMING:
        plane.fleet.take_down(name)
        if plane.host.closing.wait(0.1):
            return
    if record is not None:
        _take_down(plane, record.name)


def _take_down(plane: Plane, name: str) -> None:
    plane.fleet.take_down(name)
    with contextlib.suppress(NoRecord):  # somebody else was faster
        plane.endpoints.delete(name)


def _deployment(plane: Plane, config_name: str) -> Deployment:
    config: EndpointConfigRecord = plane.find("endpoint-config", config_name)
    return Deployment(
        generation=new_generation(),
        config_name=config.name,
        variants=variants_of(plane, config),
        capture=capture_of(config.request),
        asynchronous=asynchronous_of(config.request),
    )


def _retain(before: Deployment, after: Deployment, excluded: list[dict[str, str]]) -> None:
    """Variants of both deployments keep the weights and instance counts they have now."""
    left_out = {item["VariantPropertyType"] for item in excluded}
    known = {variant.name: variant for variant in before.variants}
    for variant in after.variants:
        if variant.name not in known:
            continue
        if "DesiredWeight" not in left_out:
            variant.weight = known[variant.name].weight
        if "DesiredInstanceCount" not in left_out and variant.instances is not None:
            variant.instances = known[variant.name].instances


def _refuse_unless_settled(record: EndpointRecord) -> None:
    if record.status in COMING:
        raise validation_error(f'Cannot update in-progress endpoint "{record.arn}".')
    if record.status == "Deleting":
        raise validation_error(f'Cannot update endpoint "{record.arn}": it is being deleted.')


def _summary(variant: Variant, deployed: float) -> dict[str, Any]:
    images = [container.definition["Image"] for container in variant.containers]
    return {
        "VariantName": variant.name,
        "DeployedImages": [
            {"SpecifiedImage": image, "ResolvedImage": image, "ResolutionTime": deployed} for image in images
        ],
        "CurrentWeight": variant.weight,
        "DesiredWeight": variant.weight,
        "CurrentInstanceCount": variant.instances,
        "DesiredInstanceCount": variant.instances,
        "CurrentServerlessConfig": variant.serverless,
    }
