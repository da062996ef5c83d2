"""InvokeEndpoint through boto3 against a real server, with stand-ins that echo, fail, hang and crash."""

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from control_harness import (
    ROLE,
    Control,
    container,
    create_model,
    deploy,
    settled,
    variant,
    wait_for,
)

LARGEST = 6_291_456


@pytest.fixture(scope="module")
def runtime(shared_control: Control, shared: Any) -> Iterator[Any]:
    """A runtime client; the endpoints `echo`, `headers`, `chain` and `variants` are in service."""
    assert deploy(shared, "echo") == "InService"
    assert deploy(shared, "headers", container(behaviour="headers")) == "InService"
    named = {**container(name="third<", behaviour="echo"), "ContainerHostname": "third"}
    hosts = [
        {**container(name="first<", type="application/x-recordio-protobuf"), "ContainerHostname": "first"},
        {**container(name="second<"), "ContainerHostname": "second"},
        named,
    ]
    assert deploy(shared, "chain", *hosts) == "InService"
    for name in ("a", "b"):
        create_model(shared, name, container(name=name))
    variants = [variant(name, name, InitialVariantWeight=weight) for name, weight in (("a", 9.0), ("b", 1.0))]
    shared.create_endpoint_config(EndpointConfigName="variants", ProductionVariants=variants)
    shared.create_endpoint(EndpointName="variants", EndpointConfigName="variants")
    assert settled(shared, "variants") == "InService"
    yield shared_control.client("sagemaker-runtime")


def failure(runtime: Any, **arguments: Any) -> dict[str, Any]:
    with pytest.raises(ClientError) as caught:
        runtime.invoke_endpoint(**arguments)
    found: dict[str, Any] = caught.value.response
    return found


def test_an_answer_with_its_headers(runtime: Any) -> None:
    answer = runtime.invoke_endpoint(EndpointName="echo", Body=b"1,\xff\n", ContentType="text/csv")
    assert answer["Body"].read() == b"1,\xff\n"
    assert answer["ContentType"] == "text/csv; charset=utf-8"
    assert answer["InvokedProductionVariant"] == "AllTraffic"
    assert answer["CustomAttributes"] == "trace=1"


def test_what_the_container_is_told(runtime: Any) -> None:
    answer = runtime.invoke_endpoint(
        EndpointName="headers",
        Body=b"",
        ContentType="application/jsonlines",
        Accept="text/csv",
        CustomAttributes="a=b",
        InferenceId="42",
    )
    told = json.loads(answer["Body"].read())
    assert told["content-type"] == "application/jsonlines"
    assert told["accept"] == "text/csv"
    assert told["x-amzn-sagemaker-custom-attributes"] == "a=b"
    assert told["x-amzn-sagemaker-inference-id"] == "42"
    for private in ("authorization", "x-amz-date", "user-agent", "amz-sdk-invocation-id"):
        assert private not in told


def test_a_pipeline_feeds_each_container_the_answer_before(runtime: Any) -> None:
    answer = runtime.invoke_endpoint(
        EndpointName="chain", Body=b"x", ContentType="text/csv", Accept="text/csv"
    )
    assert answer["Body"].read() == b"third<second<first<x"
    error = failure(runtime, EndpointName="chain", Body=b"error 400")
    assert "from first with message" in error["Error"]["Message"]


def test_a_pipeline_hands_on_the_content_type(shared: Any, runtime: Any) -> None:
    assert (
        deploy(shared, "typed", container(type="application/x-a"), container(behaviour="headers"))
        == "InService"
    )
    answer = runtime.invoke_endpoint(EndpointName="typed", Body=b"x", ContentType="text/csv")
    assert json.loads(answer["Body"].read())["content-type"] == "application/x-a"


def test_variants_are_chosen_by_name_or_by_weight(runtime: Any) -> None:
    def ask(**arguments: Any) -> str:
        answer = runtime.invoke_endpoint(EndpointName="variants", Body=b"", **arguments)
        name: str = answer["InvokedProductionVariant"]
        assert answer["Body"].read().decode() == name
        return name

    assert {ask(TargetVariant="b") for _ in range(5)} == {"b"}
    counts = Counter(ask() for _ in range(100))
    assert counts["a"] > counts["b"]
    assert counts["a"] > 70  # 90 expected; below 71 once in ten million runs
    error = failure(runtime, EndpointName="variants", Body=b"", TargetVariant="c")["Error"]
    assert (error["Code"], error["Message"]) == (
        "ValidationError",
        "Variant c of endpoint variants not found.",
    )


@pytest.mark.parametrize("name", ["absent", "ECHO"])
def test_a_missing_endpoint(runtime: Any, name: str) -> None:
    response = failure(runtime, EndpointName=name, Body=b"")
    assert response["Error"]["Code"] == "ValidationError"
    assert response["Error"]["Message"] == f"Endpoint {name} of account 000000000000 not found."
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 400


@pytest.mark.parametrize(
    ("status", "side"), [(400, "client"), (406, "client"), (500, "server"), (503, "server")]
)
def test_an_error_of_the_model(runtime: Any, status: int, side: str) -> None:
    response = failure(runtime, EndpointName="echo", Body=f"error {status}".encode())
    group = "/aws/sagemaker/Endpoints/echo"
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert response["Error"] == {
        "Code": "ModelError",
        "Message": (
            f'Received {side} error ({status}) from primary with message "cannot read row 3". See '
            f"https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1#logEventViewer:group="
            f"{group} in account 000000000000 for more information."
        ),
    }
    assert response["OriginalStatusCode"] == status
    assert response["OriginalMessage"] == "cannot read row 3"
    assert response["LogStreamArn"] == f"arn:aws:logs:us-east-1:000000000000:log-group:{group}"
    assert runtime.invoke_endpoint(EndpointName="echo", Body=b"x")["Body"].read() == b"x"


def test_the_largest_body_and_one_byte_more(runtime: Any) -> None:
    answer = runtime.invoke_endpoint(EndpointName="echo", Body=b"x" * LARGEST)
    assert len(answer["Body"].read()) == LARGEST
    error = failure(runtime, EndpointName="echo", Body=b"x" * (LARGEST + 1))["Error"]
    assert error["Code"] == "ValidationError"
    assert error["Message"].endswith(
        "at 'body' failed to satisfy constraint: Member must have length less than or equal to 6291456"
    )


def test_an_empty_body_reaches_the_model(runtime: Any) -> None:
    assert runtime.invoke_endpoint(EndpointName="echo", Body=b"")["Body"].read() == b""


def test_headers_that_cannot_be_honoured_are_refused(runtime: Any) -> None:
    error = failure(runtime, EndpointName="echo", Body=b"", CustomAttributes="x" * 1025)["Error"]
    assert error["Code"] == "ValidationError"
    assert "at 'customAttributes' failed to satisfy constraint" in error["Message"]
    error = failure(runtime, EndpointName="echo", Body=b"", InferenceId="x" * 65)["Error"]
    assert "at 'inferenceId' failed to satisfy constraint" in error["Message"]
    error = failure(runtime, EndpointName="echo", Body=b"", TargetContainerHostname="x")["Error"]
    assert error["Code"] == "ValidationError"
    assert "InferenceExecutionConfig.Mode Direct" in error["Message"]
    for member in ("TargetModel", "EnableExplanations", "InferenceComponentName", "SessionId"):
        error = failure(runtime, EndpointName="echo", Body=b"", **{member: "x"})["Error"]
        assert error["Code"] == "ValidationError"
        assert error["Message"].startswith(f"Leave out {member}: local SageMaker has no ")


def test_containers_called_one_by_one(runtime: Any, shared: Any) -> None:
    hosts = [{**container(name=f"{name}<"), "ContainerHostname": name} for name in ("left", "right")]
    shared.create_model(
        ModelName="direct",
        ExecutionRoleArn=ROLE,
        Containers=hosts,
        InferenceExecutionConfig={"Mode": "Direct"},
    )
    shared.create_endpoint_config(EndpointConfigName="direct", ProductionVariants=[variant("direct")])
    shared.create_endpoint(EndpointName="direct", EndpointConfigName="direct")
    assert settled(shared, "direct") == "InService"

    def ask(**arguments: Any) -> bytes:
        answer: bytes = runtime.invoke_endpoint(EndpointName="direct", Body=b"x", **arguments)["Body"].read()
        return answer

    assert ask(TargetContainerHostname="left") == b"left<x"
    assert ask(TargetContainerHostname="right") == b"right<x"
    error = failure(runtime, EndpointName="direct", Body=b"x")["Error"]
    assert (error["Code"], "[left, right]" in error["Message"]) == ("ValidationError", True)
    error = failure(runtime, EndpointName="direct", Body=b"x", TargetContainerHostname="middle")["Error"]
    assert (error["Code"], "middle" in error["Message"]) == ("ValidationError", True)
    response = failure(runtime, EndpointName="direct", Body=b"error 400", TargetContainerHostname="right")
    assert "from right with message" in response["Error"]["Message"]


def test_a_serverless_variant_takes_no_more_than_its_concurrency(runtime: Any, shared: Any) -> None:
    create_model(shared, "serverless")
    config = {"MemorySizeInMB": 1024, "MaxConcurrency": 2}
    shared.create_endpoint_config(
        EndpointConfigName="serverless",
        ProductionVariants=[{"VariantName": "v", "ModelName": "serverless", "ServerlessConfig": config}],
    )
    shared.create_endpoint(EndpointName="serverless", EndpointConfigName="serverless")
    assert settled(shared, "serverless") == "InService"
    outcomes: list[str] = []

    def ask() -> None:
        try:
            runtime.invoke_endpoint(EndpointName="serverless", Body=b"slow")
            outcomes.append("answered")
        except ClientError as error:
            outcomes.append(f"{error.response['Error']['Code']}: {error.response['Error']['Message']}")

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    throttled = (
        "ThrottlingException: Rate exceeded: endpoint serverless has a MaxConcurrency of 2. Try again."
    )
    assert Counter(outcomes) == {"answered": 2, throttled: 2}
    assert runtime.invoke_endpoint(EndpointName="serverless", Body=b"x")["Body"].read() == b"x"


def test_a_container_that_is_not_ready_in_time(runtime: Any, shared: Any, tmp_path: Path) -> None:
    loaded = tmp_path / "loaded"
    loaded.touch()
    serverless = {"ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 2}}
    kinds = {"cold": {"VariantName": "v", "ModelName": "cold", **serverless}, "late": variant("late")}
    for name, chosen in kinds.items():
        create_model(shared, name, container(**{"await": str(loaded)}))
        shared.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[chosen])
        shared.create_endpoint(EndpointName=name, EndpointConfigName=name)
        assert settled(shared, name) == "InService"
    loaded.unlink()
    found: dict[str, dict[str, Any]] = {}

    def ask(name: str) -> None:
        failure(runtime, EndpointName=name, Body=b"crash")
        found[name] = failure(runtime, EndpointName=name, Body=b"x")

    threads = [threading.Thread(target=ask, args=(name,)) for name in kinds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    loaded.touch()
    assert {name: response["Error"]["Code"] for name, response in found.items()} == {
        "cold": "ModelNotReadyException",
        "late": "ServiceUnavailable",
    }
    assert found["cold"]["ResponseMetadata"]["HTTPStatusCode"] == 429
    assert found["late"]["ResponseMetadata"]["HTTPStatusCode"] == 503
    for name in kinds:
        assert runtime.invoke_endpoint(EndpointName=name, Body=b"x")["Body"].read() == b"x"


def test_a_model_that_floods_or_drips_costs_an_error_and_no_more(runtime: Any, shared: Any) -> None:
    began = time.monotonic()
    response = failure(runtime, EndpointName="echo", Body=b"flood")
    assert response["Error"]["Code"] == "ModelError"
    assert "larger than a response may be" in response["OriginalMessage"]
    assert time.monotonic() - began < 3
    response = failure(runtime, EndpointName="echo", Body=b"drip")
    assert "Your invocation timed out" in response["OriginalMessage"]
    assert 2.5 < time.monotonic() - began < 8
    assert runtime.invoke_endpoint(EndpointName="echo", Body=b"x")["Body"].read() == b"x"
    assert shared.describe_endpoint(EndpointName="echo")["EndpointStatus"] == "InService"


def test_a_model_that_hangs_times_out_and_the_others_serve(runtime: Any, shared: Any) -> None:
    failures: list[dict[str, Any]] = []
    threads = [
        threading.Thread(target=lambda: failures.append(failure(runtime, EndpointName="echo", Body=b"hang")))
        for _ in range(3)
    ]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    assert runtime.invoke_endpoint(EndpointName="echo", Body=b"x")["Body"].read() == b"x"
    assert shared.describe_endpoint(EndpointName="echo")["EndpointStatus"] == "InService"
    assert time.monotonic() - began < 3
    for thread in threads:
        thread.join(20)
    for response in failures:
        assert response["OriginalStatusCode"] == 0
        assert response["Error"]["Message"].startswith(
            'Received server error (0) from primary with message "Your invocation timed out while waiting '
            "for a response from container primary. "
        )
    assert len(failures) == 3


def test_hanging_models_never_take_all_threads(runtime: Any, shared: Any) -> None:
    failures: list[dict[str, Any]] = []
    threads = [
        threading.Thread(target=lambda: failures.append(failure(runtime, EndpointName="echo", Body=b"hang")))
        for _ in range(9)
    ]
    for thread in threads:
        thread.start()
    wait_for(lambda: len(failures) >= 3, 3, "the surplus is turned away at once")
    assert shared.describe_endpoint(EndpointName="echo")["EndpointStatus"] == "InService"
    assert runtime.invoke_endpoint(EndpointName="headers", Body=b"x")["ContentType"]  # nor all of the places
    for thread in threads:
        thread.join(20)
    codes = Counter(response["Error"]["Code"] for response in failures)
    assert codes == {"ModelError": 6, "ThrottlingException": 3}


def test_a_model_that_crashes_comes_back(runtime: Any, shared: Any) -> None:
    for _ in range(2):
        # Several requests at once leave several connections to the container, which die with it.
        threads = [
            threading.Thread(target=runtime.invoke_endpoint, kwargs={"EndpointName": "echo", "Body": b"slow"})
            for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        response = failure(runtime, EndpointName="echo", Body=b"crash")
        assert response["Error"]["Code"] == "ModelError"
        assert response["OriginalStatusCode"] == 0
        assert runtime.invoke_endpoint(EndpointName="echo", Body=b"x")["Body"].read() == b"x"  # waits for it
    assert shared.describe_endpoint(EndpointName="echo")["EndpointStatus"] == "InService"


@pytest.mark.usefixtures("runtime")
def test_many_clients_at_once(shared_control: Control) -> None:
    answers: list[bytes] = []

    def ask(number: int) -> None:
        client = shared_control.client("sagemaker-runtime")
        for turn in range(10):
            body = f"{number} {turn}".encode()
            assert client.invoke_endpoint(EndpointName="echo", Body=body)["Body"].read() == body
            answers.append(body)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(answers) == 60


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/endpoints/echo/invocations"), ("POST", "/endpoints/echo/x")]
)
@pytest.mark.usefixtures("runtime")
def test_other_paths(shared_control: Control, method: str, path: str) -> None:
    connection = http.client.HTTPConnection(shared_control.address.removeprefix("http://"), timeout=10)
    try:
        connection.request(method, path)
        assert 400 <= connection.getresponse().status < 500
    finally:
        connection.close()


def test_an_endpoint_that_is_being_deleted_or_created_is_not_found(sagemaker: Any, control: Control) -> None:
    client = control.client("sagemaker-runtime")
    create_model(sagemaker, "m")
    sagemaker.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[variant("m")])
    sagemaker.create_endpoint(EndpointName="e", EndpointConfigName="c")
    if sagemaker.describe_endpoint(EndpointName="e")["EndpointStatus"] == "Creating":
        with pytest.raises(ClientError, match="not found"):
            client.invoke_endpoint(EndpointName="e", Body=b"")
    settled(sagemaker, "e")
    sagemaker.delete_endpoint(EndpointName="e")
    wait_for(lambda: not sagemaker.list_endpoints()["Endpoints"])
    assert failure(client, EndpointName="e", Body=b"")["Error"]["Code"] == "ValidationError"
