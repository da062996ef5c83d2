"""AutoML (Autopilot) jobs of the second API version, on tabular data."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from helpers.local.sagemaker import automl_rules
from helpers.local.sagemaker.jobs import AUTOML, changed, create_job, failure, read_progress, stop_job
from helpers.local.sagemaker.listing import Item, page, resources
from helpers.local.sagemaker.plane import Plane
from helpers.local.sagemaker.records import JobRecord
from helpers.local.sagemaker.registry import Answer, Request, operation

PATIENCE = 120.0  # seconds beyond its MaxAutoMLJobRuntimeInSeconds until a job that keeps no limit is stopped
# What a job may say of itself; all else in Describe is the control plane's to say.
REPORTED = (
    "BestCandidate",
    "AutoMLJobArtifacts",
    "PartialFailureReasons",
    "ModelDeployResult",
)


@operation
def create_auto_ml_job_v2(plane: Plane, request: Request) -> Answer:
    """Start an AutoML job."""
    automl_rules.check(request)
    criteria = automl_rules.tabular(request).get("CompletionCriteria", {})
    longest = criteria.get("MaxAutoMLJobRuntimeInSeconds")
    limit = None if longest is None else longest + PATIENCE
    record = create_job(plane, AUTOML, request["AutoMLJobName"], request, limit=limit)
    return {"AutoMLJobArn": record.arn}


@operation
def describe_auto_ml_job_v2(plane: Plane, request: Request) -> Answer:
    """An AutoML job as it is now."""
    record: JobRecord = plane.find("automl-job", request["AutoMLJobName"])
    progress = read_progress(plane, AUTOML, record.name)
    return {
        **record.request,
        **{member: progress[member] for member in REPORTED if member in progress},
        "AutoMLJobArn": record.arn,
        "AutoMLProblemTypeConfigName": "Tabular",
        "CreationTime": record.created,
        "EndTime": record.ended,
        "LastModifiedTime": changed(plane, AUTOML, record),
        "FailureReason": failure(record),
        "AutoMLJobStatus": record.status,
        "AutoMLJobSecondaryStatus": _secondary(record, progress),
        "ResolvedAttributes": progress.get("ResolvedAttributes")
        or automl_rules.resolve(record.request, progress.get("ProblemType")),
    }


@operation
def list_auto_ml_jobs(plane: Plane, request: Request) -> Answer:
    """AutoML jobs, a page at a time."""
    return resources(
        request,
        plane.automl.all(),
        lambda record: _summary(plane, record),
        kind="AutoMLJob",
        member="AutoMLJobSummaries",
        sort_by="Name",
    )


@operation
def list_candidates_for_auto_ml_job(plane: Plane, request: Request) -> Answer:
    """The candidates of an AutoML job, newest first unless asked otherwise, a page at a time."""
    record: JobRecord = plane.find("automl-job", request["AutoMLJobName"])
    progress = read_progress(plane, AUTOML, record.name)
    candidates = [_settled(item, record) for item in progress.get("Candidates", [])]
    return page(
        request,
        [
            item
            for item in candidates
            if request.get("StatusEquals") in (None, item["CandidateStatus"])
            and request.get("CandidateNameEquals") in (None, item["CandidateName"])
        ],
        member="Candidates",
        keys={
            "CreationTime": lambda item: item["CreationTime"],
            "Status": lambda item: item["CandidateStatus"],
            "FinalObjectiveMetricValue": lambda item: item.get("FinalAutoMLJobObjectiveMetric", {}).get(
                "Value"
            ),
        },
        identity=lambda item: item["CandidateName"],
        sort_by="CreationTime",
        descending=True,
    )


@operation
def stop_auto_ml_job(plane: Plane, request: Request) -> Answer:
    """Ask an AutoML job to stop; what it has finished stays."""
    stop_job(plane, AUTOML, request["AutoMLJobName"])
    return {}


def _summary(plane: Plane, record: JobRecord) -> Item:
    progress = read_progress(plane, AUTOML, record.name)
    return {
        "AutoMLJobName": record.name,
        "AutoMLJobArn": record.arn,
        "AutoMLJobStatus": record.status,
        "AutoMLJobSecondaryStatus": _secondary(record, progress),
        "CreationTime": record.created,
        "EndTime": record.ended,
        "LastModifiedTime": changed(plane, AUTOML, record),
        "FailureReason": failure(record),
        "PartialFailureReasons": progress.get("PartialFailureReasons"),
    }


def _secondary(record: JobRecord, progress: Mapping[str, Any]) -> str:
    """The job's own secondary status while it runs or has completed; else it follows the status."""
    if record.status in ("Failed", "Stopping", "Stopped"):
        return record.status
    said = str(progress.get("AutoMLJobSecondaryStatus") or "")
    if record.status == "Completed":
        return said if said in automl_rules.FINAL_STATUSES else "Completed"
    return said or "Starting"


def _settled(candidate: Item, record: JobRecord) -> Item:
    """A candidate that was being trained when its job ended is not being trained any more."""
    if record.ended is None or candidate.get("CandidateStatus") not in ("InProgress", "Stopping"):
        return candidate
    status = "Failed" if record.status == "Failed" else "Stopped"
    objective = (
        "Failed" if candidate.get("ObjectiveStatus") == "Pending" else candidate.get("ObjectiveStatus")
    )
    end = candidate.get("EndTime") or record.ended or time.time()
    return {**candidate, "CandidateStatus": status, "ObjectiveStatus": objective, "EndTime": end}
