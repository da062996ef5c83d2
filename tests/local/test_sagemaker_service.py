"""The control plane inside the whole server: signed requests, real job modules, their logs, kill -9."""

import io
import os
import signal
import tarfile
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from control_harness import ROLE, processing_request, refused, transform_request, wait_for

from helpers import service as services
from helpers.local.processes import marked

Aws = Callable[..., Any]


def ended(client: Any, name: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        job: dict[str, Any] = client.describe_processing_job(ProcessingJobName=name)
        return job if job["ProcessingJobStatus"] in ("Completed", "Failed", "Stopped") else None

    found: dict[str, Any] = wait_for(look, 60, f"{name} ends")
    return found


def test_an_image_that_cannot_run_here_is_a_failed_job_with_a_log(shared_aws: Aws) -> None:
    client = shared_aws("sagemaker")
    client.create_processing_job(**processing_request("unknown-image"))
    job = ended(client, "unknown-image")
    assert job["ProcessingJobStatus"] == "Failed"
    assert "stand-in:1" in job["FailureReason"]
    logs = shared_aws("logs")
    group = "/aws/sagemaker/ProcessingJobs"
    (stream,) = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix="unknown-image/")[
        "logStreams"
    ]
    name = stream["logStreamName"]
    assert name == f"unknown-image/algo-1-{job['CreationTime'].timestamp():.0f}"
    events = logs.get_log_events(logGroupName=group, logStreamName=name, startFromHead=True)["events"]
    assert any("stand-in:1" in event["message"] for event in events)


def test_a_transform_tells_its_log_why_it_failed(shared_aws: Aws) -> None:
    client = shared_aws("sagemaker")
    shared_aws("s3").create_bucket(Bucket="transformed")
    shared_aws("s3").put_object(Bucket="transformed", Key="in/a.csv", Body=b"1,2\n")
    client.create_model(ModelName="t", ExecutionRoleArn=ROLE, PrimaryContainer={"Image": "x/stand-in:1"})
    request = transform_request("transform", "t")
    request["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"] = "s3://transformed/in/"
    request["TransformOutput"]["S3OutputPath"] = "s3://transformed/out/"
    client.create_transform_job(**request)

    def look() -> dict[str, Any] | None:
        job: dict[str, Any] = client.describe_transform_job(TransformJobName="transform")
        return job if job["TransformJobStatus"] == "Failed" else None

    job = wait_for(look, 60, "the transform fails")
    assert job["FailureReason"].startswith("The container 'primary' did not start. ")
    assert "stand-in:1" in job["FailureReason"]
    group = "/aws/sagemaker/TransformJobs"
    events = shared_aws("logs").filter_log_events(logGroupName=group, logStreamNamePrefix="transform/")[
        "events"
    ]
    assert any(job["FailureReason"] in event["message"] for event in events)
    assert "Contents" not in shared_aws("s3").list_objects_v2(Bucket="transformed", Prefix="out/")


CODE = """
import os


def model_fn(directory):
    return float(open(os.path.join(directory, "factor.txt")).read())


def input_fn(body, content_type):
    assert content_type == "text/csv" and os.environ["SAGEMAKER_BATCH"] == "true"
    text = body.decode() if isinstance(body, bytes) else body
    return [[float(cell) for cell in line.split(",")] for line in text.split()]


def predict_fn(rows, factor):
    print("asked for", len(rows), "rows", flush=True)
    return [factor * sum(row) for row in rows]


def output_fn(values, accept):
    return "".join(f"{value:g}\\n" for value in values), accept
"""


def test_code_of_ones_own_transforms_objects(shared_aws: Aws) -> None:
    client, s3 = shared_aws("sagemaker"), shared_aws("s3")
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in (("factor.txt", b"10"), ("code/inference.py", CODE.encode())):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    s3.create_bucket(Bucket="own")
    s3.put_object(Bucket="own", Key="model.tar.gz", Body=packed.getvalue())
    for key, text in (("a.csv", "7,1,2\n8,3,4\n"), ("deep/b.csv", "9,1,1\n"), ("bad.csv", "1,2,x\n")):
        s3.put_object(Bucket="own", Key=f"in/{key}", Body=text.encode())
    image = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
    container = {"Image": image, "ModelDataUrl": "s3://own/model.tar.gz"}
    client.create_model(ModelName="own", ExecutionRoleArn=ROLE, PrimaryContainer=container)
    request = transform_request("own", "own", ModelClientConfig={"InvocationsMaxRetries": 0})
    request["TransformInput"] = {
        "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://own/in/"}},
        "ContentType": "text/csv",
        "SplitType": "Line",
    }
    request["TransformOutput"] = {
        "S3OutputPath": "s3://own/out",
        "Accept": "text/csv",
        "AssembleWith": "Line",
    }
    request["DataProcessing"] = {"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-1]"}
    client.create_transform_job(**request)

    def look() -> dict[str, Any] | None:
        job: dict[str, Any] = client.describe_transform_job(TransformJobName="own")
        return job if job["TransformJobStatus"] in ("Completed", "Failed") else None

    job = wait_for(look, 60, "the transform ends")
    assert "1 of 3 objects could not be transformed" in job["FailureReason"]
    assert "s3://own/in/bad.csv" in job["FailureReason"]
    listed = s3.list_objects_v2(Bucket="own", Prefix="out/")["Contents"]
    found = {each["Key"]: s3.get_object(Bucket="own", Key=each["Key"])["Body"].read() for each in listed}
    assert found == {"out/a.csv.out": b"7,30\n8,70\n", "out/deep/b.csv.out": b"9,20\n"}
    group = "/aws/sagemaker/TransformJobs"
    events = shared_aws("logs").filter_log_events(logGroupName=group, logStreamNamePrefix="own/")["events"]
    told = "\n".join(event["message"] for event in events)
    assert "asked for 2 rows" in told
    assert "s3://own/in/a.csv: 2 records; 1 of 3 objects" in told


def test_an_endpoint_whose_image_cannot_run_here_says_why(shared_aws: Aws) -> None:
    client = shared_aws("sagemaker")
    client.create_model(ModelName="m", ExecutionRoleArn=ROLE, PrimaryContainer={"Image": "x/stand-in:1"})
    variant = {"VariantName": "a", "ModelName": "m", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    client.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[variant])
    client.create_endpoint(EndpointName="e", EndpointConfigName="c")
    wait_for(lambda: client.describe_endpoint(EndpointName="e")["EndpointStatus"] == "Failed", 60)
    assert "stand-in:1" in client.describe_endpoint(EndpointName="e")["FailureReason"]
    groups = shared_aws("logs").describe_log_groups(logGroupNamePrefix="/aws/sagemaker/Endpoints/")[
        "logGroups"
    ]
    assert [group["logGroupName"] for group in groups] == ["/aws/sagemaker/Endpoints/e"]
    client.delete_endpoint(EndpointName="e")


def test_errors_come_through_the_front(shared_aws: Aws) -> None:
    client = shared_aws("sagemaker")
    assert refused(client.create_training_job, **{
        "TrainingJobName": "x",
        "AlgorithmSpecification": {"TrainingInputMode": "File"},
        "RoleArn": ROLE,
        "OutputDataConfig": {"S3OutputPath": "s3://b"},
        "ResourceConfig": {"VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 1},
    })[0] == "UnknownOperationException"  # fmt: skip
    code, text = refused(client.describe_model, ModelName="-")
    assert (code, text.startswith("1 validation error detected: ")) == ("ValidationException", True)
    with pytest.raises(ClientError) as caught:
        shared_aws("sagemaker-runtime").invoke_endpoint(EndpointName="absent", Body=b"")
    assert caught.value.response["Error"]["Code"] == "ValidationError"


def test_kill_9_in_the_middle_of_a_job(service: services.Service) -> None:
    client = services.client(service, "sagemaker")
    client.create_processing_job(**processing_request("job", Tags=[{"Key": "a", "Value": "b"}]))
    jobs = service.state.resolve() / "jobs"
    os.kill(service.pid, signal.SIGKILL)
    time.sleep(0.1)
    again = services.start(service.state)
    client = services.client(again, "sagemaker")
    wait_for(lambda: not list(marked(jobs)), 10, "no job outlives its server")
    job = client.describe_processing_job(ProcessingJobName="job")
    assert job["ProcessingJobStatus"] == "Failed"
    assert "was stopped while this job ran" in job["FailureReason"]
    assert client.list_tags(ResourceArn=job["ProcessingJobArn"])["Tags"] == [{"Key": "a", "Value": "b"}]
