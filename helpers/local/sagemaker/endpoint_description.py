"""An endpoint as DescribeEndpoint has it."""

from __future__ import annotations

from typing import Any

from helpers.local.sagemaker.invocation_settings import asynchronous_summary, capture_summary
from helpers.local.sagemaker.records import Deployment, EndpointRecord, Variant
from helpers.local.sagemaker.registry import Answer


def describe(record: EndpointRecord) -> Answer:
    """What the endpoint serves now, and what is coming up for it."""
    shown = record.serving or record.coming
    return {
        "EndpointName": record.name,
        "EndpointArn": record.arn,
        "EndpointConfigName": shown.config_name if shown else record.request["EndpointConfigName"],
        "ProductionVariants": [_summary(item, record.created) for item in record.serving.variants]
        if record.serving
        else None,
        "DataCaptureConfig": capture_summary(shown.capture) if shown else None,
        "AsyncInferenceConfig": asynchronous_summary(shown.asynchronous) if shown else None,
        "PendingDeploymentSummary": _pending(record, record.coming) if record.coming else None,
        "LastDeploymentConfig": record.deployment_config or None,
        "EndpointStatus": record.status,
        "FailureReason": record.failure,
        "CreationTime": record.created,
        "LastModifiedTime": record.modified,
    }


def _summary(variant: Variant, deployed: float) -> dict[str, Any]:
    wish = variant.wish
    return {
        "VariantName": variant.name,
        "DeployedImages": _images(variant, deployed),
        "CurrentWeight": variant.weight,
        "DesiredWeight": wish.weight if wish else variant.weight,
        "CurrentInstanceCount": variant.instances,
        "DesiredInstanceCount": wish.instances if wish else variant.instances,
        "CurrentServerlessConfig": variant.serverless,
        "DesiredServerlessConfig": wish.serverless if wish else None,
    }


def _pending(record: EndpointRecord, coming: Deployment) -> dict[str, Any]:
    begun = record.begun or record.created
    return {
        "EndpointConfigName": coming.config_name,
        "ProductionVariants": [
            {
                "VariantName": variant.name,
                "DeployedImages": _images(variant, begun),
                "DesiredWeight": variant.weight,
                "DesiredInstanceCount": variant.instances,
                "InstanceType": variant.instance_type,
                "DesiredServerlessConfig": variant.serverless,
                "VariantStatus": [{"Status": "Creating", "StartTime": begun}],
            }
            for variant in coming.variants
        ],
        "StartTime": begun,
    }


def _images(variant: Variant, resolved: float) -> list[dict[str, Any]]:
    images = [container.definition["Image"] for container in variant.containers]
    return [{"SpecifiedImage": image, "ResolvedImage": image, "ResolutionTime": resolved} for image in images]
