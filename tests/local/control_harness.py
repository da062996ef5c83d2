"""The control plane as a server of its own with stand-in jobs, killed and started again at will."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from helpers.local.objects import ObjectStore
from helpers.local.processes import marked

SERVER = Path(__file__).with_name("control_server.py")
ROLE = "arn:aws:iam::000000000000:role/workshop"
MODEL_DATA = "s3://data/model.tar.gz"


class Control:
    """One state directory and the server on it; jobs may take so many cores and gigabytes together."""

    def __init__(self, state: Path, cores: int = 1000, gigabytes: float = 10_000) -> None:
        self.state = state
        self.budget = (str(cores), str(gigabytes))
        self.objects = ObjectStore(state / "s3")
        self.objects.create_bucket("data")
        self.objects.put("data", "model.tar.gz", b"model")
        self.process: subprocess.Popen[str] | None = None
        self.address = ""

    def start(self) -> None:
        """Start the server and wait until it listens."""
        self.process = subprocess.Popen(
            [sys.executable, str(SERVER), str(self.state), *self.budget], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().strip()
        assert self.address.startswith("http://127.0.0.1:")

    def end(self, number: int) -> None:
        """Send the server a signal and wait until it is gone."""
        assert self.process is not None
        self.process.send_signal(number)
        self.process.wait(20)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def client(self, service: str = "sagemaker") -> Any:
        """A boto3 client of this server."""
        return boto3.client(
            service,
            endpoint_url=self.address,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}, read_timeout=30, parameter_validation=False),
        )

    def jobs(self) -> list[int]:
        """The job and model processes that run, grandchildren included."""
        return [pid for pid in marked(self.state.resolve() / "jobs") if _runs(pid)]


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_for(condition: Callable[[], Any], seconds: float = 10.0, what: str = "") -> Any:
    """Poll until the condition is truthy and return it; fail after some seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.03)
    raise AssertionError(f"not within {seconds} seconds: {what}")


def alive(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return _runs(pid)


def refused(call: Callable[..., Any], **arguments: Any) -> tuple[str, str]:
    """The code and the message of the error that a call is answered with."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def processing_request(name: str, behaviour: str = "finish", **members: Any) -> dict[str, Any]:
    """A CreateProcessingJob request; the stand-in job behaves as told."""
    return {
        "ProcessingJobName": name,
        "RoleArn": ROLE,
        "AppSpecification": {"ImageUri": "000000000000.dkr.ecr.us-east-1.amazonaws.com/stand-in:1"},
        "ProcessingResources": {
            "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 10}
        },
        "Environment": {"behaviour": behaviour},
        **members,
    }


def automl_request(name: str, behaviour: str = "automl", **members: Any) -> dict[str, Any]:
    """A CreateAutoMLJobV2 request; the target's name tells the stand-in job what to do."""
    return {
        "AutoMLJobName": name,
        "RoleArn": ROLE,
        "AutoMLJobInputDataConfig": [channel("training")],
        "OutputDataConfig": {"S3OutputPath": "s3://data/output"},
        "AutoMLProblemTypeConfig": {"TabularJobConfig": {"TargetAttributeName": behaviour}},
        **members,
    }


def first_request(name: str, behaviour: str = "automl", **members: Any) -> dict[str, Any]:
    """A CreateAutoMLJob request (the first version); the target's name tells the stand-in job what to do."""
    return {
        "AutoMLJobName": name,
        "RoleArn": ROLE,
        "InputDataConfig": [channel("training", TargetAttributeName=behaviour)],
        "OutputDataConfig": {"S3OutputPath": "s3://data/output"},
        **members,
    }


def automl_ended(client: Any, name: str) -> dict[str, Any]:
    """DescribeAutoMLJobV2 of a job once it has ended."""

    def look() -> dict[str, Any] | None:
        found: dict[str, Any] = client.describe_auto_ml_job_v2(AutoMLJobName=name)
        return found if found["AutoMLJobStatus"] in ("Completed", "Failed", "Stopped") else None

    found: dict[str, Any] = wait_for(look, 20, f"AutoML job {name} ends")
    return found


def running_job(control: Control, client: Any, name: str, **members: Any) -> Path:
    """A job whose process waits: the path of its progress.json, for the test to write."""
    client.create_auto_ml_job_v2(**automl_request(name, "hang graceful", **members))
    directory = control.state / "jobs" / "automl" / name
    wait_for((directory / "graceful").exists)
    return directory / "progress.json"


def channel(kind: str, **members: Any) -> dict[str, Any]:
    """An input channel of an AutoML job."""
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://data/{kind}/"}}
    return {"ChannelType": kind, "DataSource": source, **members}


def transform_request(name: str, model: str, **members: Any) -> dict[str, Any]:
    """A CreateTransformJob request."""
    return {
        "TransformJobName": name,
        "ModelName": model,
        "TransformInput": {
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://data/in/"}}
        },
        "TransformOutput": {"S3OutputPath": "s3://data/out"},
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
        **members,
    }


def container(**environment: str) -> dict[str, Any]:
    """A container whose stand-in model server behaves as its environment says."""
    return {
        "Image": "763104351884.dkr.ecr.us-east-1.amazonaws.com/autogluon-inference:1.5-cpu",
        "ModelDataUrl": MODEL_DATA,
        "Environment": environment,
    }


def variant(model: str, name: str = "AllTraffic", **members: Any) -> dict[str, Any]:
    """A production variant on one instance."""
    return {
        "VariantName": name,
        "ModelName": model,
        "InitialInstanceCount": 1,
        "InstanceType": "ml.m5.large",
        **members,
    }


def create_model(client: Any, name: str, *containers: dict[str, Any]) -> None:
    """A model of these containers, or of one that echoes."""
    client.create_model(ModelName=name, ExecutionRoleArn=ROLE, Containers=list(containers) or [container()])


def deploy(client: Any, name: str, *containers: dict[str, Any]) -> str:
    """Model, configuration and endpoint of one name; the status the endpoint settles in."""
    create_model(client, name, *containers)
    client.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant(name)])
    client.create_endpoint(EndpointName=name, EndpointConfigName=name)
    return settled(client, name)


def settled(client: Any, name: str) -> str:
    """The status of an endpoint once it stays."""

    def look() -> str | None:
        status = client.describe_endpoint(EndpointName=name)["EndpointStatus"]
        return None if status.endswith("ing") else str(status)

    return str(wait_for(look, 20, f"endpoint {name} settles"))


def job_status(client: Any, name: str) -> str:
    """The status of a processing job."""
    return str(client.describe_processing_job(ProcessingJobName=name)["ProcessingJobStatus"])
