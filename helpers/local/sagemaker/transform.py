"""Batch transform jobs."""

from __future__ import annotations

from helpers.local.protocol import validation_error
from helpers.local.sagemaker.families import TRANSFORM
from helpers.local.sagemaker.jobs import changed, create_job, failure, stop_job
from helpers.local.sagemaker.listing import resources
from helpers.local.sagemaker.models import containers_of
from helpers.local.sagemaker.plane import Plane
from helpers.local.sagemaker.records import JobRecord
from helpers.local.sagemaker.registry import Answer, Request, operation

LARGEST_IN_FLIGHT = 100  # MB: MaxConcurrentTransforms times MaxPayloadInMB
JOINABLE = ("text/csv", "application/json", "application/jsonlines")


@operation
def create_transform_job(plane: Plane, request: Request) -> Answer:
    """Start a batch transform job."""
    _check(request)
    containers = containers_of(plane.find("model", request["ModelName"]))
    extra = {"Containers": [{"Name": item.name, "Container": item.definition} for item in containers]}
    record = create_job(plane, TRANSFORM, request["TransformJobName"], request, extra=extra)
    return {"TransformJobArn": record.arn}


@operation
def describe_transform_job(plane: Plane, request: Request) -> Answer:
    """A transform job as it is now."""
    record: JobRecord = plane.find("transform-job", request["TransformJobName"])
    return {
        **record.request,
        "TransformJobArn": record.arn,
        "TransformJobStatus": record.status,
        "FailureReason": failure(record),
        "CreationTime": record.created,
        "TransformStartTime": record.started,
        "TransformEndTime": record.ended,
    }


@operation
def list_transform_jobs(plane: Plane, request: Request) -> Answer:
    """Transform jobs, a page at a time."""
    return resources(
        request,
        plane.transform.all(),
        lambda record: {
            "TransformJobName": record.name,
            "TransformJobArn": record.arn,
            "CreationTime": record.created,
            "TransformEndTime": record.ended,
            "LastModifiedTime": changed(plane, TRANSFORM, record),
            "TransformJobStatus": record.status,
            "FailureReason": failure(record),
        },
        kind="TransformJob",
        member="TransformJobSummaries",
    )


@operation
def stop_transform_job(plane: Plane, request: Request) -> Answer:
    """Ask a transform job to stop."""
    stop_job(plane, TRANSFORM, request["TransformJobName"])
    return {}


def _check(request: Request) -> None:
    source, output = request["TransformInput"], request["TransformOutput"]
    split, assemble = source.get("SplitType", "None"), output.get("AssembleWith", "None")
    if source["DataSource"]["S3DataSource"]["S3DataType"] == "AugmentedManifestFile":
        raise validation_error("S3DataType 'AugmentedManifestFile' is not supported for transform jobs.")
    if "DataCaptureConfig" in request:
        raise validation_error("Local SageMaker does not offer DataCaptureConfig yet: leave it out.")
    at_once, payload = request.get("MaxConcurrentTransforms", 1), request.get("MaxPayloadInMB", 6)
    if max(at_once, 1) * payload > LARGEST_IN_FLIGHT:
        raise validation_error(
            f"MaxConcurrentTransforms times MaxPayloadInMB must not be more than {LARGEST_IN_FLIGHT} MB: "
            f"it is {at_once} times {payload}."
        )
    if request.get("BatchStrategy") == "SingleRecord" and split == "None":
        raise validation_error(
            "BatchStrategy SingleRecord needs a SplitType: set it to Line, RecordIO or TFRecord."
        )
    processing = request.get("DataProcessing", {})
    joins = processing.get("JoinSource", "None") == "Input"
    filters = any(processing.get(member, "$") != "$" for member in ("InputFilter", "OutputFilter"))
    if joins or filters:
        kinds = {source.get("ContentType"), output.get("Accept", source.get("ContentType"))}
        if joins and (len(kinds) != 1 or not kinds <= set(JOINABLE)):
            raise validation_error(
                f"JoinSource needs the same ContentType and Accept, one of {', '.join(JOINABLE)}."
            )
        if joins and split != assemble:
            raise validation_error("JoinSource needs AssembleWith to be the same as SplitType.")
