"""AutoML (Autopilot) jobs on tabular data, created by either version of the API."""

from __future__ import annotations

from helpers.local.protocol import validation_error
from helpers.local.sagemaker import automl_rules
from helpers.local.sagemaker.automl_demand import demand
from helpers.local.sagemaker.automl_description import candidates, common, summary
from helpers.local.sagemaker.automl_versions import (
    first_attributes,
    is_first_version,
    second_version,
    translate,
)
from helpers.local.sagemaker.families import AUTOML
from helpers.local.sagemaker.jobs import create_job, stop_job
from helpers.local.sagemaker.listing import page, resources
from helpers.local.sagemaker.plane import Plane
from helpers.local.sagemaker.records import JobRecord
from helpers.local.sagemaker.registry import Answer, Request, operation

PATIENCE = 120.0  # seconds beyond its MaxAutoMLJobRuntimeInSeconds until a job that keeps no limit is stopped


@operation
def create_auto_ml_job_v2(plane: Plane, request: Request) -> Answer:
    """Start an AutoML job."""
    automl_rules.check(request)
    automl_rules.check_pair(request)
    return _start(plane, request, request)


@operation
def create_auto_ml_job(plane: Plane, request: Request) -> Answer:
    """Start an AutoML job by a request of the first version."""
    translated = translate(request)
    automl_rules.check(translated)
    return _start(plane, request, translated)


@operation
def describe_auto_ml_job_v2(plane: Plane, request: Request) -> Answer:
    """An AutoML job of either version as it is now."""
    record: JobRecord = plane.find("automl-job", request["AutoMLJobName"])
    return {
        **second_version(record),
        **common(plane, record),
        "AutoMLProblemTypeConfigName": "Tabular",
    }


@operation
def describe_auto_ml_job(plane: Plane, request: Request) -> Answer:
    """An AutoML job of the first version as it is now. Raises ServiceError for one of the second."""
    record: JobRecord = plane.find("automl-job", request["AutoMLJobName"])
    if not is_first_version(record):
        raise validation_error(
            f"The AutoML job '{record.name}' was created by CreateAutoMLJobV2, and DescribeAutoMLJob cannot "
            "describe it: use DescribeAutoMLJobV2."
        )
    found = common(plane, record)
    return {
        **record.request,
        **found,
        "ResolvedAttributes": first_attributes(found["ResolvedAttributes"]),
    }


@operation
def list_auto_ml_jobs(plane: Plane, request: Request) -> Answer:
    """AutoML jobs of both versions, a page at a time."""
    return resources(
        request,
        plane.automl.all(),
        lambda record: summary(plane, record),
        kind="AutoMLJob",
        member="AutoMLJobSummaries",
        sort_by="Name",
    )


@operation
def list_candidates_for_auto_ml_job(plane: Plane, request: Request) -> Answer:
    """The candidates of an AutoML job, newest first unless asked otherwise, a page at a time."""
    record: JobRecord = plane.find("automl-job", request["AutoMLJobName"])
    return page(
        request,
        [
            item
            for item in candidates(plane, record)
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


def _start(plane: Plane, request: Request, asked: Request) -> Answer:
    """Start the job of a request; ``asked`` is the request in the second version's form."""
    criteria = automl_rules.tabular(asked).get("CompletionCriteria", {})
    longest = criteria.get("MaxAutoMLJobRuntimeInSeconds")
    limit = None if longest is None else longest + PATIENCE
    record = create_job(
        plane,
        AUTOML,
        request["AutoMLJobName"],
        request,
        demand=demand(plane.objects, asked),
        asked=asked,
        limit=limit,
    )
    return {"AutoMLJobArn": record.arn}
