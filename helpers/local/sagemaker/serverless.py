"""What a serverless variant may be, and what the service does not offer on one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from helpers.local.protocol import validation_error
from helpers.local.sagemaker.plane import Plane
from helpers.local.sagemaker.records import ModelRecord
from helpers.local.sagemaker.registry import Request

MEMORY_SIZES = tuple(range(1024, 6145, 1024))  # MB
# What a serverless variant does not get, and the members of a configuration or a model that ask for it.
EXCLUDED_CONFIGS = ("DataCaptureConfig", "AsyncInferenceConfig", "KmsKeyId", "VpcConfig")
EXCLUDED_VARIANTS = ("AcceleratorType", "VolumeSizeInGB", "RoutingConfig")


def check_serverless(plane: Plane, request: Request) -> None:
    """Check the serverless variants of a configuration. Raises ServiceError."""
    variants = request["ProductionVariants"]
    for number, variant in enumerate(variants, start=1):
        if "ServerlessConfig" not in variant:
            continue
        where = f"of variant '{variant['VariantName']}'"
        config = variant["ServerlessConfig"]
        if config["MemorySizeInMB"] not in MEMORY_SIZES:
            sizes = ", ".join(str(size) for size in MEMORY_SIZES)
            raise validation_error(
                f"1 validation error detected: Value '{config['MemorySizeInMB']}' at "
                f"'productionVariants.{number}.member.serverlessConfig.memorySizeInMB' failed to satisfy "
                f"constraint: Member must be one of [{sizes}]"
            )
        check_concurrency(config, where)
        if len(variants) > 1:
            raise validation_error(
                f"A serverless endpoint has one production variant: this configuration has {len(variants)}."
            )
        refused = [member for member in EXCLUDED_CONFIGS if request.get(member)]
        refused += [member for member in EXCLUDED_VARIANTS if member in variant]
        refused += _excluded_of_model(plane.find("model", variant["ModelName"]))
        if request.get("EnableNetworkIsolation"):
            refused.append("EnableNetworkIsolation")
        if refused:
            raise validation_error(
                f"Serverless inference does not support {refused[0]}: leave it out {where}."
            )


def check_concurrency(config: Mapping[str, Any], where: str) -> None:
    """Raises ServiceError when more concurrency is provisioned than there may be."""
    provisioned = config.get("ProvisionedConcurrency", 0)
    if provisioned > config["MaxConcurrency"]:
        raise validation_error(
            f"The ProvisionedConcurrency {where} must not be above its MaxConcurrency: it is {provisioned}, "
            f"and MaxConcurrency is {config['MaxConcurrency']}."
        )


def _excluded_of_model(model: ModelRecord) -> list[str]:
    containers = model.request.get("Containers", [])
    refused = [member for member in ("VpcConfig", "EnableNetworkIsolation") if model.request.get(member)]
    if len(containers) > 1:
        refused.append(f"an inference pipeline (model '{model.name}' has {len(containers)} containers)")
    if any("ModelDataSource" in item for item in [*containers, model.request.get("PrimaryContainer", {})]):
        refused.append("ModelDataSource")
    return refused
