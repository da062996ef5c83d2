"""Batch transform jobs."""

from __future__ import annotations

from helpers.local.json_path import JsonPathError, read_path
from helpers.local.protocol import validation_error
from helpers.local.sagemaker.families import TRANSFORM
from helpers.local.sagemaker.jobs import changed, create_job, failure, stop_job
from helpers.local.sagemaker.listing import resources
from helpers.local.sagemaker.models import containers_of
from helpers.local.sagemaker.plane import Plane
from helpers.local.sagemaker.records import JobRecord
from helpers.local.sagemaker.registry import Answer, Request, operation

LARGEST_IN_FLIGHT = 100  # MB: MaxConcurrentTransforms times MaxPayloadInMB
MOST_INSTANCES = 100
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
        "TransformInput": {
            "CompressionType": "None",
            "SplitType": "None",
            **record.request["TransformInput"],
        },
        "TransformOutput": {"AssembleWith": "None", "KmsKeyId": "", **record.request["TransformOutput"]},
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
    """Refuse what the service refuses when a job is created."""
    source, output = request["TransformInput"], request["TransformOutput"]
    kind = source["DataSource"]["S3DataSource"]["S3DataType"]
    if kind not in ("S3Prefix", "ManifestFile"):
        raise validation_error(
            f"S3DataType '{kind}' is not supported for transform jobs: use S3Prefix or ManifestFile."
        )
    if request["TransformResources"]["InstanceCount"] > MOST_INSTANCES:
        raise validation_error(f"InstanceCount must not be more than {MOST_INSTANCES}.")
    _check_payload(request)
    _check_processing(request.get("DataProcessing", {}), source, output)
    if request.get("DataCaptureConfig", {}).get("GenerateInferenceId"):
        written = _base(output.get("Accept"))
        if written not in JOINABLE:
            raise validation_error(
                f"GenerateInferenceId needs an Accept that is one of {', '.join(JOINABLE)}: it is "
                f"'{written}'."
            )


def _check_payload(request: Request) -> None:
    at_once, payload = request.get("MaxConcurrentTransforms", 1), request.get("MaxPayloadInMB", 6)
    if payload > LARGEST_IN_FLIGHT:
        raise validation_error(f"MaxPayloadInMB must not be more than {LARGEST_IN_FLIGHT}: it is {payload}.")
    if max(at_once, 1) * payload > LARGEST_IN_FLIGHT:
        raise validation_error(
            f"MaxConcurrentTransforms times MaxPayloadInMB must not be more than {LARGEST_IN_FLIGHT} MB: "
            f"it is {at_once} times {payload}."
        )


def _check_processing(processing: Request, source: Request, output: Request) -> None:
    """The rules of filters and joins; none holds where nothing is filtered or joined."""
    filters = {member: processing.get(member, "$").strip() for member in ("InputFilter", "OutputFilter")}
    if processing.get("JoinSource", "None") == "None" and set(filters.values()) <= {"$", ""}:
        return
    given, wanted = _base(source.get("ContentType")), _base(output.get("Accept"))
    if given != wanted or given not in JOINABLE:
        raise validation_error(
            f"DataProcessing needs the same ContentType and Accept, one of {', '.join(JOINABLE)}: they are "
            f"'{given}' and '{wanted}'."
        )
    split, assemble = source.get("SplitType", "None"), output.get("AssembleWith", "None")
    if split != assemble:
        raise validation_error(
            f"DataProcessing needs AssembleWith to be the same as SplitType: they are '{assemble}' and "
            f"'{split}'."
        )
    if given == "text/csv" and split != "Line":
        raise validation_error("DataProcessing of text/csv needs SplitType and AssembleWith to be Line.")
    for member, text in filters.items():
        try:
            read_path(text, given)
        except JsonPathError as error:
            raise validation_error(f'Invalid {member}: "{text}". {error}') from None


def _base(content_type: str | None) -> str:
    """A content type without its parameters."""
    return (content_type or "").split(";", maxsplit=1)[0].strip().lower()
