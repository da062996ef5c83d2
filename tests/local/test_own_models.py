"""Models of a user's own from boto3 to their processes: endpoint, pipeline, stream and batch transform."""

import io
from collections.abc import Callable, Iterator
from typing import Any

import joblib
import numpy as np
import pytest
from botocore.exceptions import ClientError
from control_harness import wait_for
from own_code import SKLEARN, XGBOOST, archive, container
from sklearn.linear_model import LinearRegression

ROLE = "arn:aws:iam::000000000000:role/workshop"
BUCKET = "own-models"
PREPARE = """
    import os, time

    def model_fn(model_dir):
        return None

    def transform_fn(model, data, content_type, accept):
        if "crash" in data:
            os._exit(9)
        if "fail" in data:
            raise ValueError("no such song")
        if "hang" in data:
            time.sleep(600)
        if "stream" in data:
            return (f"{number}\\n" for number in range(3)), "text/csv"
        return data.replace(";", ","), "text/csv"
"""
PREDICT = """
    import os, joblib, numpy

    def model_fn(model_dir):
        print("the model is in", model_dir)
        return joblib.load(os.path.join(model_dir, "model.joblib"))

    def input_fn(data, content_type):
        return numpy.loadtxt(data.splitlines(), delimiter=",", ndmin=2)
"""


@pytest.fixture(scope="module")
def client(shared_aws: Callable[..., Any]) -> Callable[[str], Any]:
    """A boto3 client of the module's local SageMaker; the bucket holds its models (y = 2a + 3b + 1)."""
    table = np.array([[0, 0], [1, 0], [0, 1], [2, 5]], dtype=float)
    buffer = io.BytesIO()
    joblib.dump(LinearRegression().fit(table, table @ [2, 3] + 1), buffer)
    s3 = shared_aws("s3")
    s3.create_bucket(Bucket=BUCKET)
    prepare = archive({"code/inference.py": PREPARE})
    predict = archive({"model.joblib": buffer.getvalue(), "code/inference.py": PREDICT})
    broken = archive({"code/inference.py": "def model_fn(model_dir):\n    raise OSError('no weights')\n"})
    for name, content in (("prepare", prepare), ("predict", predict), ("broken", broken)):
        s3.put_object(Bucket=BUCKET, Key=f"{name}.tar.gz", Body=content)
    sagemaker = shared_aws("sagemaker")
    settings = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_MODEL_SERVER_WORKERS": "1"}
    definitions = {
        name: container(image, f"s3://{BUCKET}/{name}.tar.gz", **settings)
        for name, image in (("prepare", XGBOOST), ("predict", SKLEARN), ("broken", XGBOOST))
    }
    for name, definition in definitions.items():
        sagemaker.create_model(ModelName=name, PrimaryContainer=definition, ExecutionRoleArn=ROLE)
    both = [definitions["prepare"], definitions["predict"]]
    sagemaker.create_model(ModelName="both", Containers=both, ExecutionRoleArn=ROLE)
    return shared_aws


def deploy(sagemaker: Any, model: str) -> None:
    """Begin an endpoint named as its model."""
    variant = {
        "VariantName": "all",
        "ModelName": model,
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    }
    sagemaker.create_endpoint_config(EndpointConfigName=model, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=model, EndpointConfigName=model)


@pytest.fixture(scope="module")
def runtime(client: Callable[[str], Any]) -> Iterator[Any]:
    """A runtime client; the endpoints `both` and `prepare` serve, `broken` has failed."""
    sagemaker = client("sagemaker")
    for name in ("both", "prepare", "broken"):
        deploy(sagemaker, name)
    for name in ("both", "prepare", "broken"):
        wait_for(
            lambda name=name: sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] != "Creating",
            60,
        )
    return client("sagemaker-runtime")


def ask(runtime: Any, endpoint: str, body: str) -> str:
    answer = runtime.invoke_endpoint(
        EndpointName=endpoint, Body=body, ContentType="text/csv", Accept="text/csv"
    )
    return str(answer["Body"].read().decode())


def failure(runtime: Any, endpoint: str, body: str) -> dict[str, Any]:
    with pytest.raises(ClientError) as caught:
        ask(runtime, endpoint, body)
    found: dict[str, Any] = caught.value.response
    assert found["Error"]["Code"] == "ModelError"
    return found


def test_a_pipeline_of_own_preparation_and_own_model(runtime: Any) -> None:
    lines = ask(runtime, "both", "1;1\n2;0\n").splitlines()
    assert [float(line) for line in lines] == pytest.approx([6, 5])


def test_exceptions_of_each_container_reach_the_caller(runtime: Any) -> None:
    found = failure(runtime, "both", "fail")
    assert found["OriginalStatusCode"] == 500
    assert found["OriginalMessage"].startswith("no such song\nTraceback")
    assert "from container-1" in found["Error"]["Message"]
    found = failure(runtime, "both", "a;b\n")
    assert found["OriginalStatusCode"] == 500
    assert "Internal Server Error" in found["OriginalMessage"]
    assert "from container-2" in found["Error"]["Message"]
    assert ask(runtime, "both", "1;1\n").strip()


def test_an_endpoint_serves_on_after_its_code_has_crashed(runtime: Any) -> None:
    found = failure(runtime, "prepare", "crash")
    assert found["OriginalStatusCode"] == 500
    assert "Worker died." in found["OriginalMessage"]
    assert ask(runtime, "prepare", "1;2") == "1,2"


def test_a_generator_streams(runtime: Any) -> None:
    answer = runtime.invoke_endpoint_with_response_stream(
        EndpointName="prepare", Body=b"stream", ContentType="text/csv"
    )
    parts = [event["PayloadPart"]["Bytes"] for event in answer["Body"]]
    assert b"".join(parts) == b"0\n1\n2\n"
    assert ask(runtime, "prepare", "stream") == "0\n1\n2\n"


def test_a_model_that_does_not_load_fails_the_endpoint_and_says_why(
    runtime: Any, client: Callable[[str], Any]
) -> None:
    del runtime
    found = client("sagemaker").describe_endpoint(EndpointName="broken")
    assert found["EndpointStatus"] == "Failed"
    assert "model_fn failed: OSError: no weights (inference.py, line 2)" in found["FailureReason"]
    assert "OSError: no weights" in " ".join(messages(client("logs"), "broken"))


def test_what_the_code_prints_is_in_the_endpoint_s_log(runtime: Any, client: Callable[[str], Any]) -> None:
    del runtime
    assert any(line.startswith("the model is in ") for line in messages(client("logs"), "both"))


def messages(logs: Any, endpoint: str) -> list[str]:
    """Every line that an endpoint's containers have printed."""
    events = logs.filter_log_events(logGroupName=f"/aws/sagemaker/Endpoints/{endpoint}")["events"]
    return [event["message"] for event in events]


def test_a_batch_transform_with_an_own_model(client: Callable[[str], Any]) -> None:
    s3, sagemaker = client("s3"), client("sagemaker")
    s3.put_object(Bucket=BUCKET, Key="in/rows.csv", Body=b"1,1\n2,0\n0,0\n")
    sagemaker.create_transform_job(
        TransformJobName="own",
        ModelName="predict",
        BatchStrategy="MultiRecord",
        TransformInput={
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/in/"}},
            "ContentType": "text/csv",
            "SplitType": "Line",
        },
        TransformOutput={
            "S3OutputPath": f"s3://{BUCKET}/out",
            "Accept": "text/csv",
            "AssembleWith": "Line",
        },
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
    )

    def ended() -> Any:
        found = sagemaker.describe_transform_job(TransformJobName="own")
        return found if found["TransformJobStatus"] != "InProgress" else None

    found = wait_for(ended, 60)
    assert found["TransformJobStatus"] == "Completed", found.get("FailureReason")
    lines = s3.get_object(Bucket=BUCKET, Key="out/rows.csv.out")["Body"].read().decode().splitlines()
    assert [float(line) for line in lines] == pytest.approx([6, 5, 1])
