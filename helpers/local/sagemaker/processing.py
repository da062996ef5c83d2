"""Processing jobs."""

from __future__ import annotations

from typing import Any

from helpers.local.protocol import validation_error
from helpers.local.sagemaker.families import PROCESSING
from helpers.local.sagemaker.jobs import changed, create_job, failure, read_progress, stop_job
from helpers.local.sagemaker.listing import resources
from helpers.local.sagemaker.plane import Plane
from helpers.local.sagemaker.records import JobRecord
from helpers.local.sagemaker.registry import Answer, Request, operation

ROOT = "/opt/ml/processing"
DEFAULT_LIMIT = 86_400  # seconds


@operation
def create_processing_job(plane: Plane, request: Request) -> Answer:
    """Start a processing job."""
    for number, item in enumerate(request.get("ProcessingInputs", []), start=1):
        _check_input(item, f"processingInputs.{number}.member")
    _check_names(request.get("ProcessingInputs", []), "InputName")
    outputs = request.get("ProcessingOutputConfig", {}).get("Outputs", [])
    for number, item in enumerate(outputs, start=1):
        _check_output(item, f"processingOutputConfig.outputs.{number}.member")
    _check_names(outputs, "OutputName")
    limit = request.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", DEFAULT_LIMIT)
    record = create_job(plane, PROCESSING, request["ProcessingJobName"], request, limit=limit)
    return {"ProcessingJobArn": record.arn}


@operation
def describe_processing_job(plane: Plane, request: Request) -> Answer:
    """A processing job as it is now."""
    record: JobRecord = plane.find("processing-job", request["ProcessingJobName"])
    progress = read_progress(plane, PROCESSING, record.name)
    resources = record.request["ProcessingResources"]
    cluster = {"InstanceCount": 1, **resources["ClusterConfig"]}
    message = record.message or progress.get("ExitMessage")
    return {
        **record.request,
        "ProcessingResources": {**resources, "ClusterConfig": cluster},
        "StoppingCondition": {
            "MaxRuntimeInSeconds": DEFAULT_LIMIT,
            **record.request.get("StoppingCondition", {}),
        },
        "ProcessingJobArn": record.arn,
        "ProcessingJobStatus": record.status,
        "ExitMessage": str(message)[:1024] if message else None,
        "FailureReason": failure(record),
        "ProcessingStartTime": record.started,
        "ProcessingEndTime": record.ended,
        "CreationTime": record.created,
        "LastModifiedTime": changed(plane, PROCESSING, record),
    }


@operation
def list_processing_jobs(plane: Plane, request: Request) -> Answer:
    """Processing jobs, a page at a time."""
    return resources(
        request,
        plane.processing.all(),
        lambda record: {
            "ProcessingJobName": record.name,
            "ProcessingJobArn": record.arn,
            "CreationTime": record.created,
            "ProcessingEndTime": record.ended,
            "LastModifiedTime": record.modified,
            "ProcessingJobStatus": record.status,
            "FailureReason": failure(record),
            "ExitMessage": record.message,
        },
        kind="ProcessingJob",
        member="ProcessingJobSummaries",
        descending=False,
    )


@operation
def stop_processing_job(plane: Plane, request: Request) -> Answer:
    """Ask a processing job to stop."""
    stop_job(plane, PROCESSING, request["ProcessingJobName"])
    return {}


def _check_input(item: dict[str, Any], path: str) -> None:
    if ("S3Input" in item) == ("DatasetDefinition" in item):
        raise validation_error(f"Exactly one of S3Input and DatasetDefinition must be given at '{path}'.")
    if "DatasetDefinition" in item:
        raise validation_error(
            f"Local SageMaker does not offer DatasetDefinition (at '{path}'): copy the data "
            "to S3 and use S3Input."
        )
    _check_path(item["S3Input"], item.get("AppManaged", False), f"{path}.s3Input")


def _check_output(item: dict[str, Any], path: str) -> None:
    if ("S3Output" in item) == ("FeatureStoreOutput" in item):
        raise validation_error(f"Exactly one of S3Output and FeatureStoreOutput must be given at '{path}'.")
    if "S3Output" in item:
        _check_path(item["S3Output"], item.get("AppManaged", False), f"{path}.s3Output")
    elif not item.get("AppManaged", False):
        raise validation_error(f"AppManaged must be true for a FeatureStoreOutput, at '{path}'.")


def _check_path(location: dict[str, Any], managed: bool, path: str) -> None:
    local = location.get("LocalPath")
    if local is None and not managed:
        raise validation_error(f"LocalPath must be given at '{path}' unless AppManaged is true.")
    if local is not None and local != ROOT and not local.startswith(f"{ROOT}/"):
        raise validation_error(f"LocalPath '{local}' at '{path}' must be below {ROOT}/.")


def _check_names(items: list[dict[str, Any]], member: str) -> None:
    names = [item[member] for item in items]
    for name in names:
        if names.count(name) > 1:
            raise validation_error(f"{member} '{name}' is given more than once: the names must be unique.")
