"""Processing, AutoML and transform jobs through boto3 against a real server, with stand-in job processes."""

import json
import os
import resource
import signal
import time
import uuid
from typing import Any

import pytest
from control_harness import (
    Control,
    automl_ended,
    automl_request,
    channel,
    container,
    create_model,
    job_status,
    processing_request,
    refused,
    transform_request,
    wait_for,
)

ARN = "arn:aws:sagemaker:us-east-1:000000000000"


def finished(client: Any, name: str) -> dict[str, Any]:
    wait_for(lambda: job_status(client, name) in ("Completed", "Failed", "Stopped"), what=f"{name} ends")
    found: dict[str, Any] = client.describe_processing_job(ProcessingJobName=name)
    return found


def test_a_processing_job_from_start_to_end(sagemaker: Any, control: Control) -> None:
    request = processing_request("Flow-1", "hang graceful", Tags=[{"Key": "team", "Value": "music"}])
    del request["ProcessingResources"]["ClusterConfig"]["InstanceCount"]
    assert sagemaker.create_processing_job(**request)["ProcessingJobArn"] == f"{ARN}:processing-job/flow-1"
    running = sagemaker.describe_processing_job(ProcessingJobName="Flow-1")
    assert running["ProcessingJobStatus"] == "InProgress"
    assert running["ProcessingResources"]["ClusterConfig"]["InstanceCount"] == 1
    assert running["AppSpecification"] == request["AppSpecification"]
    assert running["CreationTime"] <= running["ProcessingStartTime"]
    for absent in (
        "ProcessingEndTime",
        "FailureReason",
        "ExitMessage",
        "NetworkConfig",
        "ExperimentConfig",
        "Tags",
    ):
        assert absent not in running
    directory = control.state / "jobs" / "processing" / "Flow-1"
    wait_for((directory / "graceful").exists)
    written = json.loads((directory / "request.json").read_text())
    assert written == {
        "Region": "us-east-1",
        "Resources": {"Cores": 1, "MemoryInBytes": 1024**3},
        **{name: request[name] for name in request if name != "Tags"},
    }
    assert len(control.jobs()) == 1

    sagemaker.stop_processing_job(ProcessingJobName="Flow-1")
    stopped = finished(sagemaker, "Flow-1")
    assert stopped["ProcessingJobStatus"] == "Stopped"
    assert stopped["ProcessingEndTime"] >= stopped["ProcessingStartTime"]
    assert control.jobs() == []
    assert refused(sagemaker.stop_processing_job, ProcessingJobName="Flow-1") == (
        "ValidationException",
        "The request was rejected because the processing job is in status Stopped.",
    )


def test_what_a_processing_job_reports(shared: Any) -> None:
    progress = {"ExitMessage": "wrote 3 files", "ProcessingJobStatus": "Failed", "Invented": 1}
    environment = {"behaviour": "finish", "progress": json.dumps(progress)}
    shared.create_processing_job(**processing_request("reports", Environment=environment))
    done = finished(shared, "reports")
    assert (done["ProcessingJobStatus"], done["ExitMessage"]) == ("Completed", "wrote 3 files")
    assert "Invented" not in done


def test_a_job_that_fails_says_why(shared: Any) -> None:
    shared.create_processing_job(**processing_request("silent", "fail"))
    reason = finished(shared, "silent")["FailureReason"]
    assert reason.startswith("The process ended with exit code 1.")
    assert reason.endswith("Traceback: the data is no good")
    environment = {"behaviour": "fail", "progress": json.dumps({"FailureReason": "y" * 30})}
    shared.create_processing_job(**processing_request("told", Environment=environment))
    assert finished(shared, "told")["FailureReason"] == "y" * 30
    summary = shared.list_processing_jobs(NameContains="told")["ProcessingJobSummaries"][0]
    assert (summary["ProcessingJobStatus"], summary["FailureReason"][:3]) == ("Failed", "yyy")


def test_a_stubborn_job_is_stopped_by_force(sagemaker: Any, control: Control) -> None:
    sagemaker.create_processing_job(**processing_request("job", "hang stubborn grandchild away"))
    wait_for((control.state / "jobs/processing/job/stubborn").exists)
    sagemaker.stop_processing_job(ProcessingJobName="job")
    assert job_status(sagemaker, "job") == "Stopping"
    sagemaker.stop_processing_job(ProcessingJobName="job")  # asking twice is no error
    assert finished(sagemaker, "job")["ProcessingJobStatus"] == "Stopped"
    wait_for(lambda: not control.jobs(), what="the grandchild is gone too")


def test_the_time_limit_of_a_processing_job(shared: Any) -> None:
    shared.create_processing_job(
        **processing_request("limited", "hang", StoppingCondition={"MaxRuntimeInSeconds": 1})
    )
    done = finished(shared, "limited")
    assert done["ProcessingJobStatus"] == "Stopped"
    assert "MaxRuntimeInSeconds" in done["ExitMessage"]


def test_names_are_used_once_and_asked_for_as_given(shared: Any) -> None:
    shared.create_processing_job(**processing_request("job-1"))
    code, text = refused(shared.create_processing_job, **processing_request("JOB-1"))
    assert code == "ResourceInUse"
    assert "already exists" in text
    assert f"{ARN}:processing-job/job-1" in text
    for call in (shared.describe_processing_job, shared.stop_processing_job):
        assert refused(call, ProcessingJobName="absent") == (
            "ValidationException",
            "Could not find requested job with name: absent",
        )


@pytest.mark.parametrize(
    ("members", "text"),
    [
        ({"ProcessingInputs": [{"InputName": "flow"}]}, "Exactly one of S3Input and DatasetDefinition"),
        (
            {"ProcessingInputs": [{"InputName": "d", "DatasetDefinition": {}}]},
            "does not offer DatasetDefinition",
        ),
        (
            {
                "ProcessingInputs": [
                    {"InputName": "a", "S3Input": {"S3Uri": "s3://b/k", "S3DataType": "S3Prefix"}}
                ]
            },
            "LocalPath must be given at 'processingInputs.1.member.s3Input'",
        ),
        (
            {
                "ProcessingInputs": [
                    {
                        "InputName": "a",
                        "S3Input": {"S3Uri": "s3://b/k", "S3DataType": "S3Prefix", "LocalPath": "/etc"},
                    }
                ]
            },
            "LocalPath '/etc' at 'processingInputs.1.member.s3Input' must be below /opt/ml/processing/",
        ),
        (
            {
                "ProcessingInputs": [
                    {
                        "InputName": "a",
                        "S3Input": {
                            "S3Uri": "s3://b/k",
                            "S3DataType": "S3Prefix",
                            "LocalPath": "/opt/ml/processing/a",
                        },
                    }
                ]
                * 2
            },
            "InputName 'a' is given more than once",
        ),
        (
            {"ProcessingOutputConfig": {"Outputs": [{"OutputName": "a"}]}},
            "Exactly one of S3Output and FeatureStoreOutput",
        ),
        (
            {
                "ProcessingOutputConfig": {
                    "Outputs": [{"OutputName": "a", "FeatureStoreOutput": {"FeatureGroupName": "g"}}]
                }
            },
            "AppManaged must be true",
        ),
        (
            {"ProcessingOutputConfig": {"Outputs": [{"OutputName": "a", "S3Output": {"S3Uri": "b"}}]}},
            "2 validation errors detected: ",
        ),
        ({"RoleArn": "arn:aws:iam::1:role/x"}, "at 'roleArn' failed to satisfy constraint"),
        (
            {"AppSpecification": {"ImageUri": "i", "ContainerArguments": ["x" * 257]}},
            "at 'appSpecification.containerArguments.1.member' failed to satisfy constraint: Member must "
            "have length less than or equal to 256",
        ),
    ],
)
def test_bad_processing_requests(shared: Any, members: dict[str, Any], text: str) -> None:
    code, message = refused(shared.create_processing_job, **processing_request("refused", **members))
    assert code == "ValidationException"
    assert text in message
    assert shared.list_processing_jobs(NameContains="refused")["ProcessingJobSummaries"] == []


def test_an_automl_job_from_start_to_end(sagemaker: Any) -> None:
    request = automl_request("Music", ModelDeployConfig={"AutoGenerateEndpointName": False})
    assert sagemaker.create_auto_ml_job_v2(**request)["AutoMLJobArn"] == f"{ARN}:automl-job/music"
    done = automl_ended(sagemaker, "Music")
    assert done["AutoMLJobStatus"] == "Completed"
    assert done["AutoMLJobSecondaryStatus"] == "MaxCandidatesReached"
    assert done["BestCandidate"]["CandidateName"] == "Music-candidate-12"
    assert done["AutoMLProblemTypeConfigName"] == "Tabular"
    assert done["AutoMLProblemTypeConfig"] == request["AutoMLProblemTypeConfig"]
    assert done["ResolvedAttributes"] == {
        "AutoMLJobObjective": {"MetricName": "MSE"},
        "AutoMLProblemTypeResolvedAttributes": {"TabularResolvedAttributes": {"ProblemType": "Regression"}},
    }
    assert done["EndTime"] >= done["CreationTime"]
    for absent in (
        "FailureReason",
        "PartialFailureReasons",
        "AutoMLJobArtifacts",
        "SecurityConfig",
        "Candidates",
    ):
        assert absent not in done
    summary = sagemaker.list_auto_ml_jobs()["AutoMLJobSummaries"]
    assert [(item["AutoMLJobName"], item["AutoMLJobSecondaryStatus"]) for item in summary] == [
        ("Music", "MaxCandidatesReached")
    ]


def test_the_statuses_of_an_automl_job(sagemaker: Any, control: Control) -> None:
    sagemaker.create_auto_ml_job_v2(**automl_request("job", "hang graceful"))
    running = sagemaker.describe_auto_ml_job_v2(AutoMLJobName="job")
    assert (running["AutoMLJobStatus"], running["AutoMLJobSecondaryStatus"]) == ("InProgress", "Starting")
    assert "ResolvedAttributes" not in running
    directory = control.state / "jobs" / "automl" / "job"
    wait_for((directory / "graceful").exists)
    candidate = {
        "CandidateName": "a",
        "ObjectiveStatus": "Pending",
        "CandidateStatus": "InProgress",
        "CandidateSteps": [],
        "CreationTime": 1.0,
        "LastModifiedTime": 1.0,
    }
    progress = {"AutoMLJobSecondaryStatus": "TrainingModels", "Candidates": [candidate]}
    (directory / "progress.json").write_text(json.dumps(progress))
    running = sagemaker.describe_auto_ml_job_v2(AutoMLJobName="job")
    assert running["AutoMLJobSecondaryStatus"] == "TrainingModels"
    assert running["LastModifiedTime"] > running["CreationTime"]
    (directory / "progress.json").write_text('{"half a fi')
    assert sagemaker.describe_auto_ml_job_v2(AutoMLJobName="job")["AutoMLJobSecondaryStatus"] == "Starting"
    (directory / "progress.json").write_text(json.dumps(progress))
    sagemaker.stop_auto_ml_job(AutoMLJobName="job")
    stopped = automl_ended(sagemaker, "job")
    assert (stopped["AutoMLJobStatus"], stopped["AutoMLJobSecondaryStatus"]) == ("Stopped", "Stopped")
    found = sagemaker.list_candidates_for_auto_ml_job(AutoMLJobName="job")["Candidates"][0]
    assert (found["CandidateStatus"], found["ObjectiveStatus"]) == ("Stopped", "Failed")
    sagemaker.create_auto_ml_job_v2(**automl_request("bad", "fail"))
    failed = automl_ended(sagemaker, "bad")
    assert (failed["AutoMLJobStatus"], failed["AutoMLJobSecondaryStatus"]) == ("Failed", "Failed")
    assert "the data is no good" in failed["FailureReason"]


def test_candidates_are_filtered_sorted_and_paged(shared: Any) -> None:
    shared.create_auto_ml_job_v2(**automl_request("cands"))
    automl_ended(shared, "cands")

    def names(**arguments: Any) -> list[str]:
        answer = shared.list_candidates_for_auto_ml_job(AutoMLJobName="cands", **arguments)
        return [item["CandidateName"].removeprefix("cands-candidate-") for item in answer["Candidates"]]

    assert names() == ["12", "11", "10", "09", "08", "07", "06", "05", "04", "03"]
    assert names(SortBy="FinalObjectiveMetricValue", SortOrder="Ascending", MaxResults=2) == ["12", "11"]
    assert names(SortOrder="Ascending", MaxResults=300)[0] == "01"
    assert names(CandidateNameEquals="cands-candidate-07") == ["07"]
    assert names(StatusEquals="Failed") == []
    pages = shared.get_paginator("list_candidates_for_auto_ml_job").paginate(
        AutoMLJobName="cands", PaginationConfig={"PageSize": 5}
    )
    assert [len(page["Candidates"]) for page in pages] == [5, 5, 2]


@pytest.mark.parametrize(
    "call", ["describe_auto_ml_job_v2", "stop_auto_ml_job", "list_candidates_for_auto_ml_job"]
)
def test_a_missing_automl_job(shared: Any, call: str) -> None:
    code, text = refused(getattr(shared, call), AutoMLJobName="absent")
    assert code == "ResourceNotFound"
    assert "'absent'" in text


def test_an_automl_name_is_used_once_in_any_case(shared: Any) -> None:
    shared.create_auto_ml_job_v2(**automl_request("music"))
    code, text = refused(shared.create_auto_ml_job_v2, **automl_request("MUSIC"))
    assert code == "ResourceInUse"
    assert "already exists" in text


def tabular(**members: Any) -> dict[str, Any]:
    return {"AutoMLProblemTypeConfig": {"TabularJobConfig": {"TargetAttributeName": "Rating", **members}}}


REGRESSION = {"AutoMLJobObjective": {"MetricName": "RMSE"}}


@pytest.mark.parametrize(
    ("members", "text"),
    [
        ({"AutoMLJobInputDataConfig": [channel("validation")]}, "must have ChannelType 'training'"),
        ({"AutoMLJobInputDataConfig": [channel("training")] * 2}, "Two input channels must be one of"),
        (
            {
                "AutoMLJobInputDataConfig": [channel("training"), channel("validation")],
                "DataSplitConfig": {"ValidationFraction": 0.2},
            },
            "ValidationFraction must not be set when a validation channel is given",
        ),
        ({"DataSplitConfig": {"ValidationFraction": 0}}, "between 0 and 1"),
        ({"DataSplitConfig": {"ValidationFraction": 1.0}}, "between 0 and 1"),
        ({"DataSplitConfig": {"ValidationFraction": 1.5}}, "value less than or equal to 1"),
        (
            {
                "AutoMLJobInputDataConfig": [
                    channel("training"),
                    channel("validation", ContentType="x-application/vnd.amazon+parquet"),
                ]
            },
            "must have the same ContentType",
        ),
        (
            {"AutoMLJobInputDataConfig": [channel("training", ContentType="text/plain")]},
            "ContentType 'text/plain' is not supported",
        ),
        ({"AutoMLJobInputDataConfig": [{"ChannelType": "training"}]}, "must have a DataSource"),
        (REGRESSION, "AutoMLJobObjective is given, ProblemType is not"),
        (tabular(ProblemType="Regression"), "ProblemType is given, AutoMLJobObjective is not"),
        (
            {**REGRESSION, **tabular(ProblemType="MulticlassClassification")},
            "The metric 'RMSE' is not supported for ProblemType MulticlassClassification: use one of",
        ),
        (
            tabular(CandidateGenerationConfig={"AlgorithmsConfig": [{"AutoMLAlgorithms": ["xgboost"]}]}),
            "AlgorithmsConfig is not supported with Mode AUTO",
        ),
        (
            tabular(
                Mode="HYPERPARAMETER_TUNING",
                CandidateGenerationConfig={"AlgorithmsConfig": [{"AutoMLAlgorithms": ["lightgbm"]}]},
            ),
            "The algorithms lightgbm are not supported with Mode HYPERPARAMETER_TUNING",
        ),
        (tabular(SampleWeightAttributeName="w"), "with Mode ENSEMBLING only"),
        (tabular(SampleWeightAttributeName="Rating", Mode="ENSEMBLING"), "must be different columns"),
        (
            {"ModelDeployConfig": {"AutoGenerateEndpointName": True, "EndpointName": "e"}},
            "EndpointName must not be given",
        ),
        ({"AutoMLProblemTypeConfig": {"TextClassificationJobConfig": {
            "ContentColumn": "a", "TargetLabelColumn": "b"}}}, "does not offer TextClassificationJobConfig"),
        ({"AutoMLJobName": "a" * 33}, "length less than or equal to 32"),
        ({"OutputDataConfig": {"S3OutputPath": "bucket/x"}}, "at 'outputDataConfig.s3OutputPath'"),
        (tabular(CompletionCriteria={"MaxCandidates": 751}), "value less than or equal to 750"),
    ],
)  # fmt: skip
def test_bad_automl_requests(shared: Any, members: dict[str, Any], text: str) -> None:
    code, message = refused(shared.create_auto_ml_job_v2, **automl_request("job", **members))
    assert code == "ValidationException"
    assert text in message


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"AutoMLJobInputDataConfig": [channel("validation"), channel("training")]},
        {**REGRESSION, **tabular(ProblemType="Regression")},
        tabular(
            Mode="ENSEMBLING",
            CandidateGenerationConfig={"AlgorithmsConfig": [{"AutoMLAlgorithms": ["lightgbm"]}]},
            CompletionCriteria={"MaxCandidates": 5, "MaxAutoMLJobRuntimeInSeconds": 60},
        ),
        {"DataSplitConfig": {"ValidationFraction": 0.3}},
        {"AutoMLJobInputDataConfig": [channel("training", ContentType="text/csv; header=present")]},
    ],
)
def test_good_automl_requests_are_echoed(shared: Any, members: dict[str, Any]) -> None:
    name = f"good-{uuid.uuid4().hex[:8]}"
    request = automl_request(name, **members)
    shared.create_auto_ml_job_v2(**request)
    described = shared.describe_auto_ml_job_v2(AutoMLJobName=name)
    assert {member: described[member] for member in request} == request
    criteria = request["AutoMLProblemTypeConfig"]["TabularJobConfig"].get("CompletionCriteria")
    assert described.get("ResolvedAttributes", {}).get("CompletionCriteria") == criteria


def test_a_transform_job_is_given_its_containers(sagemaker: Any, control: Control) -> None:
    code, text = refused(sagemaker.create_transform_job, **transform_request("job", "absent"))
    assert (code, text) == ("ValidationException", f'Could not find model "{ARN}:model/absent".')
    create_model(sagemaker, "model", container(name="a"), container(name="b"))
    request = transform_request("Job", "model", Environment={"behaviour": "hang graceful"}, MaxPayloadInMB=1)
    request["TransformInput"].update(CompressionType="None", SplitType="Line")
    request["TransformOutput"].update(AssembleWith="Line", KmsKeyId="alias/a")
    assert sagemaker.create_transform_job(**request)["TransformJobArn"] == f"{ARN}:transform-job/job"
    directory = control.state / "jobs" / "transform" / "Job"
    wait_for((directory / "graceful").exists)
    written = json.loads((directory / "request.json").read_text())
    assert [item["Name"] for item in written["Containers"]] == ["container-1", "container-2"]
    assert written["Containers"][1]["Container"] == container(name="b")
    described = sagemaker.describe_transform_job(TransformJobName="Job")
    assert described["TransformJobStatus"] == "InProgress"
    assert {name: described[name] for name in request} == request
    assert "TransformEndTime" not in described
    sagemaker.delete_model(ModelName="model")
    sagemaker.stop_transform_job(TransformJobName="Job")
    wait_for(
        lambda: sagemaker.describe_transform_job(TransformJobName="Job")["TransformJobStatus"] == "Stopped"
    )
    assert refused(sagemaker.stop_transform_job, TransformJobName="Job")[0] == "ValidationException"
    assert refused(sagemaker.describe_transform_job, TransformJobName="job")[0] == "ValidationException"
    create_model(sagemaker, "model")
    assert refused(sagemaker.create_transform_job, **transform_request("JOB", "model"))[0] == "ResourceInUse"


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux limits another process")
def test_how_a_job_ended_is_noted_once_the_disk_has_room_again(control: Control) -> None:
    client = control.client()
    client.create_processing_job(**processing_request("job", "hang graceful"))
    wait_for((control.state / "jobs/processing/job/graceful").exists)
    (job,) = control.jobs()
    assert control.process is not None
    limits = resource.prlimit(control.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(control.process.pid, resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        os.kill(job, signal.SIGKILL)
        wait_for(lambda: not control.jobs())
        time.sleep(0.5)
    finally:
        resource.prlimit(control.process.pid, resource.RLIMIT_FSIZE, limits)
    wait_for(lambda: job_status(client, "job") == "Failed")
