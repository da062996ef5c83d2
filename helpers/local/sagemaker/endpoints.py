"""Endpoints: brought up, updated without a gap, taken down."""

from __future__ import annotations

import time
from typing import Any

from helpers.local.protocol import validation_error
from helpers.local.sagemaker import endpoint_description
from helpers.local.sagemaker.endpoint_configs import variants_of
from helpers.local.sagemaker.endpoint_lifecycle import COMING, bring_up, take_down
from helpers.local.sagemaker.host import in_thread
from helpers.local.sagemaker.invocation_settings import asynchronous_of, capture_of
from helpers.local.sagemaker.listing import resources
from helpers.local.sagemaker.model_server import new_generation
from helpers.local.sagemaker.plane import Plane
from helpers.local.sagemaker.records import Deployment, EndpointConfigRecord, EndpointRecord
from helpers.local.sagemaker.registry import Answer, Request, operation
from helpers.local.sagemaker.rollout import rollout_of


@operation
def create_endpoint(plane: Plane, request: Request) -> Answer:
    """Bring an endpoint up."""
    deployment = _deployment(plane, request["EndpointConfigName"])
    config = request.get("DeploymentConfig")
    rollout_of(config, deployment)
    record = plane.new(
        plane.endpoints,
        EndpointRecord,
        "endpoint",
        request["EndpointName"],
        request,
        coming=deployment,
        deployment_config=config,
    )
    bring_up(plane, record.name, deployment)
    return {"EndpointArn": record.arn}


@operation
def update_endpoint(plane: Plane, request: Request) -> Answer:
    """Serve another configuration: the old one answers until the new one can."""
    record: EndpointRecord = plane.find("endpoint", request["EndpointName"])
    _refuse_unless_settled(record)
    deployment = _deployment(plane, request["EndpointConfigName"])
    if record.serving is not None:
        plane.find(
            "endpoint-config", record.serving.config_name
        )  # the service wants the present one still there
        _refuse_serverless(record.serving, deployment)
        if request.get("RetainAllVariantProperties"):
            _retain(record.serving, deployment, request.get("ExcludeRetainedVariantProperties", []))
    if request.get("RetainDeploymentConfig"):
        if "DeploymentConfig" in request:
            raise validation_error("Give either DeploymentConfig or RetainDeploymentConfig, not both.")
        config = record.deployment_config
    else:
        config = request.get("DeploymentConfig")
    rollout = rollout_of(config, deployment)

    def change(found: EndpointRecord) -> None:
        _refuse_unless_settled(found)
        found.status, found.coming, found.failure = "Updating", deployment, None
        found.deployment_config = config
        found.modified = found.begun = time.time()

    plane.endpoints.update(record.name, change)
    bring_up(plane, record.name, deployment, rollout)
    return {"EndpointArn": record.arn}


@operation
def describe_endpoint(plane: Plane, request: Request) -> Answer:
    """An endpoint as it is now."""
    record: EndpointRecord = plane.find("endpoint", request["EndpointName"])
    return endpoint_description.describe(record)


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
        _refuse_under_way(found)
        found.status = "Deleting"
        found.modified = time.time()

    plane.endpoints.update(record.name, change)
    in_thread(f"delete endpoint {record.name}", lambda: take_down(plane, record.name))
    return {}


def _deployment(plane: Plane, config_name: str) -> Deployment:
    config: EndpointConfigRecord = plane.find("endpoint-config", config_name)
    return Deployment(
        generation=new_generation(),
        config_name=config.name,
        variants=variants_of(plane, config),
        capture=capture_of(config.request),
        asynchronous=asynchronous_of(config.request),
    )


def _retain(before: Deployment, after: Deployment, excluded: list[dict[str, Any]]) -> None:
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


def _refuse_serverless(before: Deployment, after: Deployment) -> None:
    instances = [variant.name for variant in before.variants if variant.serverless is None]
    serverless = [variant.name for variant in after.variants if variant.serverless is not None]
    if instances and serverless:
        raise validation_error(
            f"An endpoint on instances cannot be updated to serverless: its variant '{instances[0]}' has "
            f"instances, '{serverless[0]}' of the new configuration has a ServerlessConfig. Create another "
            "endpoint."
        )


def _refuse_unless_settled(record: EndpointRecord) -> None:
    _refuse_under_way(record)
    if record.status == "Failed":
        raise validation_error(
            f'Cannot update failed endpoint "{record.arn}": delete it, and create it again.'
        )


def _refuse_under_way(record: EndpointRecord) -> None:
    if record.status in COMING:
        raise validation_error(f'Cannot update in-progress endpoint "{record.arn}".')
    if record.status == "Deleting":
        raise validation_error(f'Cannot update endpoint "{record.arn}": it is being deleted.')
