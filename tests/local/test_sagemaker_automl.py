"""AutoML jobs of both API versions through boto3 against a real server, with stand-in job processes."""

import json
import time
import uuid
from datetime import timedelta
from typing import Any

import pytest
from control_harness import (
    ROLE,
    Control,
    automl_ended,
    automl_request,
    channel,
    first_request,
    refused,
    running_job,
    wait_for,
)

ARN = "arn:aws:sagemaker:us-east-1:000000000000"
STEP = {
    "CandidateStepType": "AWS::SageMaker::TrainingJob",
    "CandidateStepArn": f"{ARN}:training-job/one",
    "CandidateStepName": "one",
}
SECURITY = {
    "EnableInterContainerTrafficEncryption": True,
    "VpcConfig": {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]},
}


def fresh(word: str) -> str:
    return f"{word}-{uuid.uuid4().hex[:8]}"


def everything_of_the_first_version(name: str) -> dict[str, Any]:
    """A CreateAutoMLJob request with every member but the channel's validation and the deployment."""
    return first_request(
        name,
        InputDataConfig=[
            channel(
                "training",
                TargetAttributeName="automl",
                SampleWeightAttributeName="weight",
                ContentType="text/csv;header=present",
                CompressionType="Gzip",
            )
        ],
        ProblemType="Regression",
        AutoMLJobObjective={"MetricName": "RMSE"},
        GenerateCandidateDefinitionsOnly=False,
        AutoMLJobConfig={
            "Mode": "ENSEMBLING",
            "CompletionCriteria": {
                "MaxCandidates": 12,
                "MaxRuntimePerTrainingJobInSeconds": 50,
                "MaxAutoMLJobRuntimeInSeconds": 500,
            },
            "SecurityConfig": SECURITY,
            "DataSplitConfig": {"ValidationFraction": 0.25},
            "CandidateGenerationConfig": {
                "FeatureSpecificationS3Uri": "s3://data/features.json",
                "AlgorithmsConfig": [{"AutoMLAlgorithms": ["lightgbm", "xgboost"]}],
            },
        },
    )


def candidate(name: str, status: str = "Completed", value: float | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "CandidateName": name,
        "ObjectiveStatus": "Succeeded" if status == "Completed" else "Pending",
        "CandidateStatus": status,
        "CandidateSteps": [STEP],
        "CreationTime": 1.0,
        "LastModifiedTime": 2.0,
    }
    if value is not None:
        metric = {"MetricName": "validation:mse", "StandardMetricName": "MSE", "Type": "Minimize"}
        found["FinalAutoMLJobObjectiveMetric"] = {**metric, "Value": value}
    return found


# The first version ------------------------------------------------------------------------------------


def test_a_job_of_the_first_version_is_echoed(shared: Any) -> None:
    name = fresh("First")
    request = everything_of_the_first_version(name)
    answer = shared.create_auto_ml_job(**request, Tags=[{"Key": "team", "Value": "music"}])
    assert answer["AutoMLJobArn"] == f"{ARN}:automl-job/{name.lower()}"
    automl_ended(shared, name)
    done = shared.describe_auto_ml_job(AutoMLJobName=name)
    assert {member: done[member] for member in request} == request
    assert done["ResolvedAttributes"] == {
        "AutoMLJobObjective": {"MetricName": "RMSE"},
        "ProblemType": "Regression",
        "CompletionCriteria": request["AutoMLJobConfig"]["CompletionCriteria"],
    }
    assert (done["AutoMLJobStatus"], done["AutoMLJobSecondaryStatus"]) == (
        "Completed",
        "MaxCandidatesReached",
    )
    assert done["BestCandidate"]["CandidateName"] == f"{name[:10]}-candidate-12"
    assert done["EndTime"] >= done["CreationTime"]
    for absent in ("AutoMLJobInputDataConfig", "AutoMLProblemTypeConfig", "Tags", "FailureReason"):
        assert absent not in done
    assert shared.list_tags(ResourceArn=done["AutoMLJobArn"])["Tags"] == [{"Key": "team", "Value": "music"}]


def test_the_second_version_describes_jobs_of_the_first(shared: Any, shared_control: Control) -> None:
    name = fresh("first")
    request = everything_of_the_first_version(name)
    shared.create_auto_ml_job(**request)
    described = automl_ended(shared, name)
    in_second_form = {
        "AutoMLJobName": name,
        "RoleArn": ROLE,
        "AutoMLJobInputDataConfig": [
            channel("training", ContentType="text/csv;header=present", CompressionType="Gzip")
        ],
        "OutputDataConfig": {"S3OutputPath": "s3://data/output"},
        "AutoMLJobObjective": {"MetricName": "RMSE"},
        "DataSplitConfig": {"ValidationFraction": 0.25},
        "SecurityConfig": SECURITY,
        "AutoMLProblemTypeConfig": {
            "TabularJobConfig": {
                "TargetAttributeName": "automl",
                "SampleWeightAttributeName": "weight",
                "ProblemType": "Regression",
                "Mode": "ENSEMBLING",
                "GenerateCandidateDefinitionsOnly": False,
                "FeatureSpecificationS3Uri": "s3://data/features.json",
                "CompletionCriteria": request["AutoMLJobConfig"]["CompletionCriteria"],
                "CandidateGenerationConfig": {
                    "AlgorithmsConfig": [{"AutoMLAlgorithms": ["lightgbm", "xgboost"]}]
                },
            }
        },
    }
    assert {member: described[member] for member in in_second_form} == in_second_form
    assert described["AutoMLProblemTypeConfigName"] == "Tabular"
    assert described["ResolvedAttributes"]["AutoMLProblemTypeResolvedAttributes"] == {
        "TabularResolvedAttributes": {"ProblemType": "Regression"}
    }
    assert "InputDataConfig" not in described
    # The process of the job reads the second form, whichever version was asked.
    written = json.loads((shared_control.state / "jobs/automl" / name / "request.json").read_text())
    assert {member: written[member] for member in in_second_form} == in_second_form
    assert "InputDataConfig" not in written


def test_the_first_version_cannot_describe_jobs_of_the_second(shared: Any) -> None:
    name = fresh("second")
    shared.create_auto_ml_job_v2(**automl_request(name))
    code, text = refused(shared.describe_auto_ml_job, AutoMLJobName=name)
    assert code == "ValidationException"
    assert "created by CreateAutoMLJobV2" in text
    assert "use DescribeAutoMLJobV2" in text


def test_a_missing_job_of_the_first_version(shared: Any) -> None:
    code, text = refused(shared.describe_auto_ml_job, AutoMLJobName="absent")
    assert (code, text) == ("ResourceNotFound", "Could not find an AutoML job with name 'absent'.")


def test_names_are_shared_by_both_versions(shared: Any) -> None:
    name = fresh("once")
    shared.create_auto_ml_job(**first_request(name))
    code, text = refused(shared.create_auto_ml_job_v2, **automl_request(name.upper()))
    assert code == "ResourceInUse"
    assert f"{ARN}:automl-job/{name}" in text


def test_lists_candidates_and_stop_serve_both_versions(sagemaker: Any, control: Control) -> None:
    sagemaker.create_auto_ml_job(**first_request("one"))
    sagemaker.create_auto_ml_job_v2(**automl_request("two"))
    for name in ("one", "two"):
        automl_ended(sagemaker, name)
        listed = sagemaker.list_candidates_for_auto_ml_job(AutoMLJobName=name, MaxResults=300)["Candidates"]
        assert len(listed) == 12
        assert listed[0]["CandidateName"] == f"{name}-candidate-12"
    sagemaker.create_auto_ml_job(**first_request("three", "hang graceful"))
    wait_for((control.state / "jobs/automl/three/graceful").exists)
    assert sagemaker.stop_auto_ml_job(AutoMLJobName="three")["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert automl_ended(sagemaker, "three")["AutoMLJobStatus"] == "Stopped"
    summaries = sagemaker.list_auto_ml_jobs()["AutoMLJobSummaries"]
    assert [item["AutoMLJobName"] for item in summaries] == ["two", "three", "one"]


def test_the_first_version_takes_objective_and_problem_type_apart(shared: Any) -> None:
    name = fresh("apart")
    shared.create_auto_ml_job(**first_request(name, "hang graceful", ProblemType="MulticlassClassification"))
    described = shared.describe_auto_ml_job(AutoMLJobName=name)
    assert described["ResolvedAttributes"] == {
        "AutoMLJobObjective": {"MetricName": "Accuracy"},
        "ProblemType": "MulticlassClassification",
    }
    shared.stop_auto_ml_job(AutoMLJobName=name)
    name = fresh("apart")
    shared.create_auto_ml_job(**first_request(name, AutoMLJobObjective={"MetricName": "RMSE"}))
    automl_ended(shared, name)  # the stand-in job finds that this is a regression
    described = shared.describe_auto_ml_job(AutoMLJobName=name)
    assert described["ResolvedAttributes"] == {
        "AutoMLJobObjective": {"MetricName": "RMSE"},
        "ProblemType": "Regression",
    }
    assert "ProblemType" not in described


def first_channels(*changes: dict[str, Any]) -> dict[str, Any]:
    kinds = ("training", "validation")
    return {
        "InputDataConfig": [
            channel(kind, **{"TargetAttributeName": "t", **change})
            for kind, change in zip(kinds, changes, strict=False)
        ]
    }


@pytest.mark.parametrize(
    ("members", "text"),
    [
        (first_channels({}, {"TargetAttributeName": "u"}), "must have the same TargetAttributeName: they"),
        (
            first_channels({"SampleWeightAttributeName": "v"}, {"SampleWeightAttributeName": "w"}),
            "must have the same SampleWeightAttributeName: they have 'v' and 'w'",
        ),
        (
            first_channels({}, {"ContentType": "x-application/vnd.amazon+parquet"}),
            "must have the same ContentType",
        ),
        (first_channels({"ChannelType": "validation"}), "must have ChannelType 'training'"),
        ({"InputDataConfig": [channel("training")]}, "at 'inputDataConfig.1.member.targetAttributeName'"),
        ({"InputDataConfig": []}, "length greater than or equal to 1"),
        (
            {"ProblemType": "Regression", "AutoMLJobObjective": {"MetricName": "F1"}},
            "The metric 'F1' is not supported for ProblemType Regression",
        ),
        ({"AutoMLJobObjective": {"MetricName": "MASE"}}, "'MASE' is not supported for tabular data"),
        (
            {"AutoMLJobConfig": {"CompletionCriteria": {"MaxCandidates": 0}}},
            "at 'autoMLJobConfig.completionCriteria.maxCandidates'",
        ),
        (
            {
                **first_channels({}, {}),
                "AutoMLJobConfig": {"DataSplitConfig": {"ValidationFraction": 0.2}},
            },
            "ValidationFraction must not be set when a validation channel is given",
        ),
        (
            {
                "AutoMLJobConfig": {
                    "CandidateGenerationConfig": {"AlgorithmsConfig": [{"AutoMLAlgorithms": ["mlp"]}]}
                }
            },
            "AlgorithmsConfig is not supported with Mode AUTO",
        ),
        (first_channels({"SampleWeightAttributeName": "w"}), "with Mode ENSEMBLING only"),
    ],
)
def test_bad_requests_of_the_first_version(shared: Any, members: dict[str, Any], text: str) -> None:
    code, message = refused(shared.create_auto_ml_job, **first_request("refused", **members))
    assert code == "ValidationException"
    assert text in message
    assert shared.list_auto_ml_jobs(NameContains="refused")["AutoMLJobSummaries"] == []


# What is told of a job --------------------------------------------------------------------------------

REQUIRED = (
    "AutoMLJobName",
    "AutoMLJobArn",
    "AutoMLJobInputDataConfig",
    "OutputDataConfig",
    "RoleArn",
    "CreationTime",
    "LastModifiedTime",
    "AutoMLJobStatus",
    "AutoMLJobSecondaryStatus",
)


def test_describe_works_right_after_create_with_every_required_member(shared: Any) -> None:
    name = fresh("now")
    request = automl_request(
        name, "hang graceful", DataSplitConfig={"ValidationFraction": 0.5}, SecurityConfig=SECURITY
    )
    shared.create_auto_ml_job_v2(**request)
    found = shared.describe_auto_ml_job_v2(AutoMLJobName=name)
    assert set(REQUIRED) <= set(found)
    assert {member: found[member] for member in request} == request
    assert (found["AutoMLJobStatus"], found["AutoMLJobSecondaryStatus"]) == ("InProgress", "Starting")
    for absent in ("EndTime", "FailureReason", "PartialFailureReasons", "BestCandidate", "ModelDeployResult"):
        assert absent not in found
    shared.stop_auto_ml_job(AutoMLJobName=name)
    assert automl_ended(shared, name)["EndTime"] >= found["CreationTime"]


def test_a_job_tells_of_itself_while_it_runs(shared: Any, shared_control: Control) -> None:
    name = fresh("job")
    progress = running_job(shared_control, shared, name)
    artifacts = {
        "DataExplorationNotebookLocation": "s3://data/output/job/exploration.ipynb",
        "CandidateDefinitionNotebookLocation": "s3://data/output/job/candidates.ipynb",
    }
    resolved = {
        "AutoMLJobObjective": {"MetricName": "MSE"},
        "CompletionCriteria": {"MaxCandidates": 7},
        "AutoMLProblemTypeResolvedAttributes": {"TabularResolvedAttributes": {"ProblemType": "Regression"}},
    }
    members: dict[str, Any] = {
        "AutoMLJobSecondaryStatus": "ModelTuning",
        "AutoMLJobArtifacts": artifacts,
        "ResolvedAttributes": resolved,
        "Candidates": [candidate("a", value=0.5)],
        "BestCandidate": candidate("a", value=0.5),
        "AutoMLJobStatus": "Failed",  # not the job's to say, as are the next two
        "EndTime": 5.0,
        "ModelDeployResult": {"EndpointName": "invented"},
    }
    progress.write_text(json.dumps(members))
    found = shared.describe_auto_ml_job_v2(AutoMLJobName=name)
    assert (found["AutoMLJobStatus"], found["AutoMLJobSecondaryStatus"]) == ("InProgress", "ModelTuning")
    assert found["AutoMLJobArtifacts"] == artifacts
    assert found["ResolvedAttributes"] == resolved
    assert found["BestCandidate"]["CandidateName"] == "a"
    assert not {"EndTime", "ModelDeployResult"} & set(found)
    members["BestCandidate"] = candidate("b", value=0.25)
    progress.write_text(json.dumps(members))
    best = shared.describe_auto_ml_job_v2(AutoMLJobName=name)["BestCandidate"]
    assert best["CandidateName"] == "b"
    assert best["FinalAutoMLJobObjectiveMetric"] == {
        "MetricName": "validation:mse",  # as tuning mode names it, outside the documented enumeration
        "StandardMetricName": "MSE",
        "Type": "Minimize",
        "Value": 0.25,
    }


def test_partial_failures_are_as_many_and_as_long_as_the_api_allows(
    shared: Any, shared_control: Control
) -> None:
    name = fresh("job")
    progress = running_job(shared_control, shared, name)
    reasons = [{"PartialFailureMessage": f"{number}{'x' * 2000}"} for number in range(7)]
    progress.write_text(json.dumps({"PartialFailureReasons": reasons}))
    for found in (
        shared.describe_auto_ml_job_v2(AutoMLJobName=name),
        shared.list_auto_ml_jobs(NameContains=name)["AutoMLJobSummaries"][0],
    ):
        shown = [item["PartialFailureMessage"] for item in found["PartialFailureReasons"]]
        assert [text[0] for text in shown] == ["0", "1", "2", "3", "4"]
        assert {len(text) for text in shown} == {1024}
    progress.write_text(json.dumps({"PartialFailureReasons": []}))
    assert "PartialFailureReasons" not in shared.describe_auto_ml_job_v2(AutoMLJobName=name)


@pytest.mark.parametrize(
    "status",
    [
        "Completed",
        "MaxCandidatesReached",
        "MaxAutoMLJobRuntimeReached",
        "CandidateDefinitionsGenerated",
        "ExplainabilityError",
        "ModelInsightsError",
    ],
)
def test_how_a_completed_job_says_it_ended(shared: Any, shared_control: Control, status: str) -> None:
    name = fresh("job")
    progress = running_job(shared_control, shared, name)
    progress.write_text(json.dumps({"AutoMLJobSecondaryStatus": status}))
    running = shared.describe_auto_ml_job_v2(AutoMLJobName=name)
    assert (running["AutoMLJobStatus"], running["AutoMLJobSecondaryStatus"]) == (
        "InProgress",
        "AnalyzingData",
    )
    (progress.parent / "go").write_text("")
    done = automl_ended(shared, name)
    assert (done["AutoMLJobStatus"], done["AutoMLJobSecondaryStatus"]) == ("Completed", status)


@pytest.mark.parametrize(
    ("best", "reasons", "stage"),
    [
        ({"InferenceContainers": [{}]}, [], "TrainingModels"),
        ({"InferenceContainers": [{}, {}]}, [], "ModelTuning"),
        ({"InferenceContainers": [{}]}, [{"PartialFailureMessage": "x"}], "GeneratingModelInsightsReport"),
        (
            {"CandidateProperties": {"CandidateArtifactLocations": {"Explainability": "s3://data/e"}}},
            [],
            "GeneratingModelInsightsReport",
        ),
    ],
)
def test_a_final_status_is_shown_when_the_job_has_ended(
    shared: Any,
    shared_control: Control,
    best: dict[str, Any],
    reasons: list[dict[str, str]],
    stage: str,
) -> None:
    name = fresh("job")
    progress = running_job(shared_control, shared, name)
    members = {"BestCandidate": {**candidate("a"), **best}, "PartialFailureReasons": reasons}
    progress.write_text(json.dumps({"AutoMLJobSecondaryStatus": "MaxCandidatesReached", **members}))
    found = shared.describe_auto_ml_job_v2(AutoMLJobName=name)
    assert (found["AutoMLJobStatus"], found["AutoMLJobSecondaryStatus"]) == ("InProgress", stage)
    (progress.parent / "go").write_text("")
    assert automl_ended(shared, name)["AutoMLJobSecondaryStatus"] == "MaxCandidatesReached"


@pytest.mark.parametrize("ending", ["fail", "stop"])
def test_candidates_of_a_job_that_ended_early(shared: Any, shared_control: Control, ending: str) -> None:
    name = fresh("job")
    progress = running_job(shared_control, shared, name)
    listed = [candidate("done", value=1.0), candidate("half", "InProgress")]
    progress.write_text(json.dumps({"Candidates": listed, "BestCandidate": listed[0]}))

    def statuses() -> dict[str, tuple[str, str]]:
        found = shared.list_candidates_for_auto_ml_job(AutoMLJobName=name)["Candidates"]
        return {item["CandidateName"]: (item["CandidateStatus"], item["ObjectiveStatus"]) for item in found}

    assert statuses() == {"done": ("Completed", "Succeeded"), "half": ("InProgress", "Pending")}
    if ending == "stop":
        shared.stop_auto_ml_job(AutoMLJobName=name)
    else:
        (progress.parent / "break").write_text("")
    done = automl_ended(shared, name)
    settled = "Stopped" if ending == "stop" else "Failed"
    assert done["AutoMLJobStatus"] == done["AutoMLJobSecondaryStatus"] == settled
    assert statuses() == {"done": ("Completed", "Succeeded"), "half": (settled, "Failed")}
    assert done["BestCandidate"]["CandidateName"] == "done"  # what was finished stays


def test_a_job_goes_from_stopping_to_stopped(shared: Any, shared_control: Control) -> None:
    name = fresh("job")
    shared.create_auto_ml_job_v2(**automl_request(name, "hang stubborn"))
    wait_for((shared_control.state / "jobs/automl" / name / "stubborn").exists)
    shared.stop_auto_ml_job(AutoMLJobName=name)
    found = shared.describe_auto_ml_job_v2(AutoMLJobName=name)
    assert (found["AutoMLJobStatus"], found["AutoMLJobSecondaryStatus"]) == ("Stopping", "Stopping")
    assert "EndTime" not in found
    assert automl_ended(shared, name)["AutoMLJobSecondaryStatus"] == "Stopped"
    code, text = refused(shared.stop_auto_ml_job, AutoMLJobName=name)
    assert code == "ValidationException"
    assert "status Stopped" in text


def test_jobs_are_filtered_sorted_and_paged(sagemaker: Any, control: Control) -> None:
    for name in ("alpha", "beta", "gamma"):
        sagemaker.create_auto_ml_job_v2(**automl_request(name, "fail" if name == "beta" else "automl"))
        automl_ended(sagemaker, name)
    progress = running_job(control, sagemaker, "delta")

    def names(**arguments: Any) -> list[str]:
        found = sagemaker.list_auto_ml_jobs(**arguments)["AutoMLJobSummaries"]
        return [item["AutoMLJobName"] for item in found]

    assert names() == ["gamma", "delta", "beta", "alpha"]  # by name, descending
    assert names(SortOrder="Ascending") == ["alpha", "beta", "delta", "gamma"]
    assert names(SortBy="CreationTime", SortOrder="Ascending") == ["alpha", "beta", "gamma", "delta"]
    assert names(SortBy="Status", SortOrder="Ascending")[-2:] == ["beta", "delta"]
    assert names(StatusEquals="Failed") == ["beta"]
    assert names(NameContains="ET") == ["beta"]
    created = sagemaker.describe_auto_ml_job_v2(AutoMLJobName="gamma")["CreationTime"]
    moment = timedelta(milliseconds=1)  # boto3's times are cut to microseconds
    assert names(CreationTimeAfter=created + moment) == ["delta"]
    assert names(CreationTimeBefore=created - moment) == ["beta", "alpha"]
    before = time.time()
    progress.write_text(json.dumps({"AutoMLJobSecondaryStatus": "AnalyzingData"}))
    assert names(LastModifiedTimeAfter=before - 0.01) == ["delta"]
    assert names(LastModifiedTimeBefore=before - 0.01) == ["gamma", "beta", "alpha"]
    pages = sagemaker.get_paginator("list_auto_ml_jobs").paginate(PaginationConfig={"PageSize": 3})
    assert [len(page["AutoMLJobSummaries"]) for page in pages] == [3, 1]
    failed = sagemaker.list_auto_ml_jobs(StatusEquals="Failed")["AutoMLJobSummaries"][0]
    assert "the data is no good" in failed["FailureReason"]
    assert failed["EndTime"] >= failed["CreationTime"]
    for size in (0, 101):
        code, text = refused(sagemaker.list_auto_ml_jobs, MaxResults=size)
        assert (code, "at 'maxResults'" in text) == ("ValidationException", True)


@pytest.mark.parametrize("size", [0, 301])
def test_the_size_of_a_page_of_candidates(shared: Any, size: int) -> None:
    code, text = refused(shared.list_candidates_for_auto_ml_job, AutoMLJobName="any", MaxResults=size)
    assert (code, "at 'maxResults'" in text) == ("ValidationException", True)


def test_candidates_by_status_and_a_metric_some_lack(shared: Any, shared_control: Control) -> None:
    name = fresh("job")
    progress = running_job(shared_control, shared, name)
    listed = [
        candidate("a", value=3.0),
        candidate("b", "Failed"),
        candidate("c", value=1.0),
        candidate("d", "InProgress"),
    ]
    progress.write_text(json.dumps({"Candidates": listed}))

    def names(**arguments: Any) -> list[str]:
        answer = shared.list_candidates_for_auto_ml_job(AutoMLJobName=name, **arguments)
        return [item["CandidateName"] for item in answer["Candidates"]]

    assert names(StatusEquals="Completed", SortBy="FinalObjectiveMetricValue") == ["a", "c"]
    assert names(SortBy="FinalObjectiveMetricValue", SortOrder="Ascending") == ["b", "d", "c", "a"]
    assert names(SortBy="Status", SortOrder="Ascending") == ["a", "c", "b", "d"]
    assert names(StatusEquals="Failed") == ["b"]
    assert names(CandidateNameEquals="c") == ["c"]
