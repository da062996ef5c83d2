"""What an endpoint configuration says about invocations: what is kept of them, and asynchronous ones."""

from __future__ import annotations

import re
from typing import Any

from helpers.local.protocol import validation_error
from helpers.local.sagemaker.records import AsynchronousInference, DataCapture
from helpers.local.sagemaker.registry import Answer, Request

_S3_FOLDER = re.compile(r"s3://[^/]+(/.*)?", re.DOTALL)


def capture_of(request: Request) -> DataCapture | None:
    """The DataCaptureConfig of a configuration, if it has one. Raises ServiceError."""
    config: dict[str, Any] | None = request.get("DataCaptureConfig")
    if config is None:
        return None
    modes = {option["CaptureMode"] for option in config["CaptureOptions"]}
    types: dict[str, list[str]] = config.get("CaptureContentTypeHeader", {})
    csv_types, json_types = types.get("CsvContentTypes", []), types.get("JsonContentTypes", [])
    both = sorted({name.lower() for name in csv_types} & {name.lower() for name in json_types})
    if both:
        raise validation_error(
            f"A content type is captured either as CSV or as JSON: '{both[0]}' is named in both "
            "CsvContentTypes and JsonContentTypes."
        )
    return DataCapture(
        destination=_folder(config["DestinationS3Uri"], "dataCaptureConfig.destinationS3Uri"),
        percentage=config["InitialSamplingPercentage"],
        enabled=config.get("EnableCapture", True),
        input=bool(modes & {"Input", "InputAndOutput"}),
        output=bool(modes & {"Output", "InputAndOutput"}),
        csv_types=list(csv_types),
        json_types=list(json_types),
        key=config.get("KmsKeyId"),
    )


def asynchronous_of(request: Request) -> AsynchronousInference | None:
    """The AsyncInferenceConfig of a configuration, if it has one. Raises ServiceError."""
    config: dict[str, Any] | None = request.get("AsyncInferenceConfig")
    if config is None:
        return None
    output = config["OutputConfig"]
    path = "asyncInferenceConfig.outputConfig"
    if output.get("NotificationConfig"):
        raise validation_error(
            f"Local SageMaker has no SNS: leave out '{path}.notificationConfig', and look for the object at "
            "the OutputLocation or the FailureLocation of an invocation."
        )
    if "S3OutputPath" not in output:
        raise validation_error(f"Give '{path}.s3OutputPath': the folder in S3 for the answers.")
    failures = output.get("S3FailurePath")
    return AsynchronousInference(
        output=_folder(output["S3OutputPath"], f"{path}.s3OutputPath"),
        failures=_folder(failures, f"{path}.s3FailurePath") if failures is not None else None,
        at_once=config.get("ClientConfig", {}).get("MaxConcurrentInvocationsPerInstance"),
        key=output.get("KmsKeyId"),
    )


def capture_summary(capture: DataCapture | None) -> Answer | None:
    """DataCaptureConfig as DescribeEndpoint has it; the service marks every member as required."""
    if capture is None:
        return None
    return {
        "EnableCapture": capture.enabled,
        "CaptureStatus": "Started" if capture.enabled else "Stopped",
        "CurrentSamplingPercentage": capture.percentage,
        "DestinationS3Uri": capture.destination,
        "KmsKeyId": capture.key or "",
    }


def asynchronous_summary(asynchronous: AsynchronousInference | None) -> Answer | None:
    """AsyncInferenceConfig as DescribeEndpoint has it."""
    if asynchronous is None:
        return None
    return {
        "ClientConfig": {"MaxConcurrentInvocationsPerInstance": asynchronous.at_once},
        "OutputConfig": {
            "S3OutputPath": asynchronous.output,
            "S3FailurePath": asynchronous.failures,
            "KmsKeyId": asynchronous.key,
        },
    }


def _folder(uri: str, path: str) -> str:
    if not _S3_FOLDER.fullmatch(uri):
        raise validation_error(f"Write '{path}' as s3://bucket/prefix: it is '{uri}'.")
    return uri
