"""What is said of an AutoML job: by the record what became of it, by the job itself what it is at."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from helpers.local.sagemaker import automl_rules
from helpers.local.sagemaker.automl_versions import second_version
from helpers.local.sagemaker.families import AUTOML
from helpers.local.sagemaker.jobs import REASON_LIMIT, changed, failure, read_progress
from helpers.local.sagemaker.listing import Item
from helpers.local.sagemaker.plane import Plane
from helpers.local.sagemaker.records import JobRecord

MOST_REASONS = 5  # PartialFailureReasons of one job
# What a job may say of itself; all else in Describe is the control plane's to say.
REPORTED = ("BestCandidate", "AutoMLJobArtifacts")


def common(plane: Plane, record: JobRecord) -> Item:
    """What Describe of either version says beside the request, ResolvedAttributes in the second's form."""
    progress = read_progress(plane, AUTOML, record.name)
    return {
        **{member: progress[member] for member in REPORTED if member in progress},
        **_state(plane, record, progress),
        "ModelDeployResult": _deployed(record),
        "ResolvedAttributes": progress.get("ResolvedAttributes")
        or automl_rules.resolve(second_version(record), progress.get("ProblemType")),
    }


def summary(plane: Plane, record: JobRecord) -> Item:
    """An AutoML job as a list shows it."""
    progress = read_progress(plane, AUTOML, record.name)
    return {"AutoMLJobName": record.name, **_state(plane, record, progress)}


def candidates(plane: Plane, record: JobRecord) -> list[Item]:
    """The candidates of a job so far; none is being trained any more when the job has ended."""
    progress = read_progress(plane, AUTOML, record.name)
    return [_settled(item, record) for item in progress.get("Candidates", [])]


def _state(plane: Plane, record: JobRecord, progress: Mapping[str, Any]) -> Item:
    return {
        "AutoMLJobArn": record.arn,
        "AutoMLJobStatus": record.status,
        "AutoMLJobSecondaryStatus": _secondary(record, progress),
        "CreationTime": record.created,
        "EndTime": record.ended,
        "LastModifiedTime": changed(plane, AUTOML, record),
        "FailureReason": failure(record),
        "PartialFailureReasons": _partial_failures(record, progress),
    }


def _secondary(record: JobRecord, progress: Mapping[str, Any]) -> str:
    """The job's own secondary status while it runs or has completed; else it follows the status."""
    if record.status in ("Failed", "Stopping", "Stopped"):
        return record.status
    said = str(progress.get("AutoMLJobSecondaryStatus") or "")
    if record.deployment is not None and record.ended is None:
        return "DeployingModel"
    if record.deployment is not None and record.deployment.problem is not None:
        return "ModelDeploymentError"
    if record.status == "Completed":
        return said if said in automl_rules.FINAL_STATUSES else "Completed"
    return _last_stage(progress) if said in automl_rules.FINAL_STATUSES else said or "Starting"


def _last_stage(progress: Mapping[str, Any]) -> str:
    """The stage of a job that is through with its work, and whose process has not ended yet.

    A final status beside InProgress would tell clients that wait for it to go on too early.
    """
    best = progress.get("BestCandidate") or {}
    if "CandidateArtifactLocations" in best.get("CandidateProperties", {}) or _partial_reasons(progress):
        return "GeneratingModelInsightsReport"
    if not best:
        return "AnalyzingData"
    return "ModelTuning" if len(best.get("InferenceContainers", [])) > 1 else "TrainingModels"


def _partial_failures(record: JobRecord, progress: Mapping[str, Any]) -> list[Item] | None:
    """What went wrong although the job has a model, as many reasons and as long as the API allows."""
    problem = record.deployment.problem if record.deployment is not None else None
    reasons = _partial_reasons(progress)
    if problem is not None:
        reasons = [*reasons[: MOST_REASONS - 1], f"The model was not deployed: {problem}"]
    return [{"PartialFailureMessage": reason[:REASON_LIMIT]} for reason in reasons[:MOST_REASONS]] or None


def _partial_reasons(progress: Mapping[str, Any]) -> list[str]:
    said = [item.get("PartialFailureMessage") for item in progress.get("PartialFailureReasons") or []]
    return [str(reason) for reason in said if reason]


def _deployed(record: JobRecord) -> Item | None:
    """The endpoint of a job that has deployed its model."""
    deployment = record.deployment
    if deployment is None or deployment.problem is not None or record.status != "Completed":
        return None
    return {"EndpointName": deployment.endpoint}


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
