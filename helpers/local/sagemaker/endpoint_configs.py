"""Endpoint configurations: which models serve, and with what weights."""

from __future__ import annotations

from typing import Any

from helpers.local.protocol import validation_error
from helpers.local.sagemaker.invocation_settings import asynchronous_of, capture_of
from helpers.local.sagemaker.listing import resources
from helpers.local.sagemaker.models import containers_of, mode_of
from helpers.local.sagemaker.plane import Plane
from helpers.local.sagemaker.records import EndpointConfigRecord, ModelRecord, Variant
from helpers.local.sagemaker.registry import Answer, Request, operation
from helpers.local.sagemaker.serverless import check_serverless

NOT_OFFERED = ("ExplainerConfig", "ShadowProductionVariants")
NOT_OFFERED_OF_VARIANTS = ("InstancePools", "CoreDumpConfig", "ManagedInstanceScaling")
DEFAULT_PATIENCE = 240.0  # seconds until a container must answer /ping, as the service has it


@operation
def create_endpoint_config(plane: Plane, request: Request) -> Answer:
    """Make an endpoint configuration."""
    for member in NOT_OFFERED:
        if request.get(member):
            raise validation_error(f"Local SageMaker does not offer {member} yet: leave it out.")
    capture_of(request)
    asynchronous_of(request)
    variants = request["ProductionVariants"]
    names = [variant["VariantName"] for variant in variants]
    if len(set(names)) != len(names):
        raise validation_error(
            f"The VariantName of each production variant must be unique: {', '.join(names)}."
        )
    for number, variant in enumerate(variants, start=1):
        _check_variant(plane, variant, f"productionVariants.{number}.member")
    check_serverless(plane, request)
    if sum(_weight(variant) for variant in variants) <= 0:
        raise validation_error("At least one production variant must have an InitialVariantWeight above 0.")
    record = plane.new(
        plane.endpoint_configs,
        EndpointConfigRecord,
        "endpoint-config",
        request["EndpointConfigName"],
        request,
    )
    return {"EndpointConfigArn": record.arn}


@operation
def describe_endpoint_config(plane: Plane, request: Request) -> Answer:
    """An endpoint configuration."""
    record: EndpointConfigRecord = plane.find("endpoint-config", request["EndpointConfigName"])
    return {
        "EnableNetworkIsolation": False,
        **record.request,
        "ProductionVariants": [
            {"InitialVariantWeight": 1.0, **variant} for variant in record.request["ProductionVariants"]
        ],
        "EndpointConfigArn": record.arn,
        "CreationTime": record.created,
    }


@operation
def list_endpoint_configs(plane: Plane, request: Request) -> Answer:
    """Endpoint configurations, a page at a time."""
    return resources(
        request,
        plane.endpoint_configs.all(),
        lambda record: {
            "EndpointConfigName": record.name,
            "EndpointConfigArn": record.arn,
            "CreationTime": record.created,
        },
        kind="EndpointConfig",
        member="EndpointConfigs",
    )


@operation
def delete_endpoint_config(plane: Plane, request: Request) -> Answer:
    """Forget an endpoint configuration; endpoints made from it go on."""
    plane.find("endpoint-config", request["EndpointConfigName"])
    plane.endpoint_configs.delete(request["EndpointConfigName"])
    return {}


def variants_of(plane: Plane, record: EndpointConfigRecord) -> list[Variant]:
    """The variants of a configuration with the models they name, as these are now. Raises ServiceError."""
    variants = record.request["ProductionVariants"]
    models: list[ModelRecord] = [plane.find("model", variant["ModelName"]) for variant in variants]
    return [
        Variant(
            name=variant["VariantName"],
            containers=containers_of(model),
            weight=_weight(variant),
            instances=None if "ServerlessConfig" in variant else variant["InitialInstanceCount"],
            instance_type=variant.get("InstanceType"),
            serverless=variant.get("ServerlessConfig"),
            patience=variant.get("ContainerStartupHealthCheckTimeoutInSeconds", DEFAULT_PATIENCE),
            mode=mode_of(model),
        )
        for variant, model in zip(variants, models, strict=True)
    ]


def _weight(variant: dict[str, Any]) -> float:
    return float(variant.get("InitialVariantWeight", 1.0))


def _check_variant(plane: Plane, variant: dict[str, Any], path: str) -> None:
    for member in NOT_OFFERED_OF_VARIANTS:
        if member in variant:
            raise validation_error(f"Local SageMaker does not offer {member}: leave it out at '{path}'.")
    if "ModelName" not in variant:
        raise validation_error(f"Every production variant must have a ModelName: '{path}' has none.")
    plane.find("model", variant["ModelName"])
    serverless = "ServerlessConfig" in variant
    if serverless and ("InstanceType" in variant or "InitialInstanceCount" in variant):
        raise validation_error(
            f"Give either ServerlessConfig or InstanceType with InitialInstanceCount at '{path}', not both."
        )
    if not serverless and ("InstanceType" not in variant or "InitialInstanceCount" not in variant):
        raise validation_error(
            f"Give InstanceType and InitialInstanceCount, or ServerlessConfig, at '{path}': one is missing."
        )
