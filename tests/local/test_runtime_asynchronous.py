"""InvokeEndpointAsync through boto3: the queue on disk, what it leaves in S3, and what it survives."""

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from control_harness import Control, container, create_model, deploy, refused, settled, variant, wait_for

CONFIG = {"S3OutputPath": "s3://data/answers/", "S3FailurePath": "s3://data/failures"}


def deploy_asynchronous(client: Any, name: str, *containers: dict[str, Any], **config: Any) -> None:
    """An endpoint that takes asynchronous invocations."""
    create_model(client, name, *containers)
    client.create_endpoint_config(
        EndpointConfigName=name,
        ProductionVariants=[variant(name)],
        AsyncInferenceConfig={"OutputConfig": CONFIG, **config},
    )
    client.create_endpoint(EndpointName=name, EndpointConfigName=name)
    assert settled(client, name) == "InService"


@pytest.fixture(scope="module")
def runtime(shared_control: Control, shared: Any) -> Iterator[Any]:
    """A runtime client; the endpoints `queue`, `headers` and (not asynchronous) `echo` are in service."""
    deploy_asynchronous(shared, "queue")
    deploy_asynchronous(shared, "headers", container(behaviour="headers"))
    assert deploy(shared, "echo") == "InService"
    yield shared_control.client("sagemaker-runtime")


def invoke(runtime: Any, **arguments: Any) -> dict[str, Any]:
    answer: dict[str, Any] = runtime.invoke_endpoint_async(**{"EndpointName": "queue", **arguments})
    return answer


def outcome(control: Control, answer: dict[str, Any], seconds: float = 10.0) -> tuple[str, bytes]:
    """Which of the two objects an invocation has left, and what it holds."""

    def look() -> tuple[str, bytes] | None:
        for member in ("OutputLocation", "FailureLocation"):
            bucket, _, key = answer[member].removeprefix("s3://").partition("/")
            if any(found.key == key for found in control.objects.list(bucket, key)):
                return member, control.objects.read(bucket, key)
        return None

    found: tuple[str, bytes] = wait_for(look, seconds, f"{answer} is answered")
    return found


def put(control: Control, name: str, body: bytes) -> str:
    control.objects.put("data", f"inputs/{name}", body)
    return f"s3://data/inputs/{name}"


def test_an_answer_in_s3(runtime: Any, shared_control: Control) -> None:
    place = put(shared_control, "one.csv", b"1,2\n")
    answer = invoke(runtime, InputLocation=place, ContentType="text/csv", InferenceId="mine")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert answer["InferenceId"] == "mine"
    assert answer["OutputLocation"].startswith("s3://data/answers/")
    assert answer["OutputLocation"].endswith(".out")
    assert answer["FailureLocation"].startswith("s3://data/failures/")
    assert answer["FailureLocation"].endswith("-error.out")
    assert outcome(shared_control, answer) == ("OutputLocation", b"1,2\n")
    key = answer["OutputLocation"].removeprefix("s3://data/")
    assert shared_control.objects.head("data", key).attributes.content_type == "text/csv; charset=utf-8"
    assert invoke(runtime, InputLocation=place)["InferenceId"]


def test_the_container_hears_what_the_caller_wishes(runtime: Any, shared_control: Control) -> None:
    answer = invoke(
        runtime,
        EndpointName="headers",
        InputLocation=put(shared_control, "two", b"x"),
        ContentType="application/x-test",
        Accept="application/json",
        CustomAttributes="a=b",
        InferenceId="42",
    )
    told = json.loads(outcome(shared_control, answer)[1])
    assert told["content-type"] == "application/x-test"
    assert told["accept"] == "application/json"
    assert told["x-amzn-sagemaker-custom-attributes"] == "a=b"
    assert told["x-amzn-sagemaker-inference-id"] == "42"


def test_a_body_of_its_own_and_a_name_for_the_output(runtime: Any, shared_control: Control) -> None:
    answer = invoke(runtime, Body=b"inline", S3OutputPathExtension="some/where", Filename="answer.csv")
    assert answer["OutputLocation"] == "s3://data/answers/some/where/answer.csv"
    assert outcome(shared_control, answer) == ("OutputLocation", b"inline")
    code, text = refused(runtime.invoke_endpoint_async, EndpointName="queue", Body=b"x" * 128_001)
    assert (code, "less than or equal to 128000" in text) == ("ValidationError", True)


def test_a_large_input_and_its_large_answer(runtime: Any, shared_control: Control) -> None:
    body = bytes(range(256)) * 40_000  # 10 MB, more than InvokeEndpoint takes
    answer = invoke(runtime, InputLocation=put(shared_control, "large", body))
    assert outcome(shared_control, answer, 20) == ("OutputLocation", body)


def test_failures_tell_what_was_wrong(runtime: Any, shared_control: Control) -> None:
    model = invoke(runtime, InputLocation=put(shared_control, "bad", b"error 400"))
    missing = invoke(runtime, InputLocation="s3://data/inputs/none")
    slow = invoke(runtime, InputLocation=put(shared_control, "hang", b"hang"), InvocationTimeoutSeconds=1)
    crash = invoke(runtime, InputLocation=put(shared_control, "crash", b"crash"))
    assert outcome(shared_control, model) == ("FailureLocation", b"cannot read row 3")
    member, text = outcome(shared_control, missing)
    assert (member, b"there is no object s3://data/inputs/none" in text) == ("FailureLocation", True)
    member, text = outcome(shared_control, slow)
    assert member == "FailureLocation"
    assert text.startswith(b"Your invocation timed out") or b"closed the connection" in text  # by the crash
    member, text = outcome(shared_control, crash)
    assert (member, b"closed the connection" in text) == ("FailureLocation", True)
    well = invoke(runtime, InputLocation=put(shared_control, "well", b"well"))
    assert outcome(shared_control, well) == ("OutputLocation", b"well")
    slow = invoke(runtime, InputLocation=put(shared_control, "hang", b"hang"), InvocationTimeoutSeconds=1)
    member, text = outcome(shared_control, slow)
    assert (member, text.startswith(b"Your invocation timed out")) == ("FailureLocation", True)


def test_requests_that_are_refused(runtime: Any) -> None:
    call = runtime.invoke_endpoint_async
    place = "s3://data/inputs/x"
    for arguments, words in (
        ({}, "either Body or InputLocation"),
        ({"Body": b"x", "InputLocation": place}, "either Body or InputLocation"),
        ({"InputLocation": "file://x"}, "'inputLocation' failed to satisfy constraint"),
        ({"InputLocation": "s3://data"}, "InputLocation is no place in S3"),
        ({"InputLocation": place, "RequestTTLSeconds": 59}, "'requestTTLSeconds' failed to satisfy"),
        ({"InputLocation": place, "RequestTTLSeconds": 21_601}, "'requestTTLSeconds' failed to satisfy"),
        ({"InputLocation": place, "InvocationTimeoutSeconds": 3601}, "'invocationTimeoutSeconds' failed"),
        ({"InputLocation": place, "Filename": "a/b"}, "'filename' failed to satisfy constraint"),
    ):
        code, text = refused(call, EndpointName="queue", **arguments)
        assert (code, words in text) == ("ValidationError", True), text
    code, text = refused(call, EndpointName="absent", InputLocation=place)
    assert (code, text) == ("ValidationError", "Endpoint absent of account 000000000000 not found.")


def test_each_kind_of_endpoint_is_invoked_its_own_way(runtime: Any) -> None:
    code, text = refused(runtime.invoke_endpoint, EndpointName="queue", Body=b"x")
    assert (code, "call InvokeEndpointAsync" in text) == ("ValidationError", True)
    code, text = refused(runtime.invoke_endpoint_with_response_stream, EndpointName="queue", Body=b"x")
    assert (code, "call InvokeEndpointAsync" in text) == ("ValidationError", True)
    code, text = refused(runtime.invoke_endpoint_async, EndpointName="echo", InputLocation="s3://data/x")
    assert (code, "call InvokeEndpoint." in text) == ("ValidationError", True)


def test_one_at_a_time_and_no_failure_path(shared: Any, runtime: Any, shared_control: Control) -> None:
    create_model(shared, "narrow")
    shared.create_endpoint_config(
        EndpointConfigName="narrow",
        ProductionVariants=[variant("narrow")],
        AsyncInferenceConfig={
            "OutputConfig": {"S3OutputPath": "s3://data/narrow"},
            "ClientConfig": {"MaxConcurrentInvocationsPerInstance": 1},
        },
    )
    shared.create_endpoint(EndpointName="narrow", EndpointConfigName="narrow")
    assert settled(shared, "narrow") == "InService"
    began = time.monotonic()
    answers = [
        invoke(runtime, EndpointName="narrow", InputLocation=put(shared_control, f"n{n}", b"slow"))
        for n in range(2)
    ]
    assert time.monotonic() - began < 0.9, "the answer does not wait for the model"
    assert "FailureLocation" not in answers[0]
    for answer in answers:
        outcome(shared_control, {**answer, "FailureLocation": "s3://data/none"})
    assert time.monotonic() - began > 1.9, "a second each, one after the other"


def test_what_waits_survives_the_server_and_not_the_endpoint(control: Control, sagemaker: Any) -> None:
    deploy_asynchronous(sagemaker, "queue", ClientConfig={"MaxConcurrentInvocationsPerInstance": 1})
    runtime = control.client("sagemaker-runtime")
    under_way = invoke(runtime, InputLocation=put(control, "hang", b"hang"), InvocationTimeoutSeconds=3600)
    waiting = invoke(runtime, InputLocation=put(control, "later", b"later"))
    inline = invoke(runtime, Body=b"mine")
    expired = invoke(runtime, InputLocation=put(control, "late", b"late"), RequestTTLSeconds=60)
    control.end(signal.SIGKILL)
    assert not list(control.objects.list("data", "answers/"))
    control.objects.put("data", "inputs/hang", b"well now")  # the model asked again does not hang
    (late,) = (
        path
        for path in (control.state / "invocations").glob("*.json")
        if json.loads(path.read_bytes())["time_to_live"] == 60
    )
    halves = [late.with_name("x.json.writing"), late.with_name("y.body")]  # of a server killed as it wrote
    for half in halves:
        half.write_bytes(b"{")
    late.write_text(json.dumps({**json.loads(late.read_bytes()), "accepted": time.time() - 61}))
    control.start()
    assert outcome(control, under_way) == ("OutputLocation", b"well now")
    assert outcome(control, waiting) == ("OutputLocation", b"later")
    assert outcome(control, inline) == ("OutputLocation", b"mine")
    member, text = outcome(control, expired)
    assert (member, b"waited for more than 60 seconds" in text) == ("FailureLocation", True)

    client, runtime = control.client(), control.client("sagemaker-runtime")
    settled(client, "queue")
    hanging = invoke(runtime, InputLocation=put(control, "hang", b"hang"))
    behind = invoke(runtime, InputLocation=put(control, "behind", b"behind"))
    client.delete_endpoint(EndpointName="queue")
    for answer in (hanging, behind):
        member, text = outcome(control, answer)
        assert (member, b"queue was deleted before" in text) == ("FailureLocation", True)
    wait_for(lambda: not list((control.state / "invocations").iterdir()), 10, "nothing is left of them")


def test_an_update_answers_what_waits(control: Control, sagemaker: Any, tmp_path: Path) -> None:
    deploy_asynchronous(sagemaker, "queue", ClientConfig={"MaxConcurrentInvocationsPerInstance": 1})
    runtime = control.client("sagemaker-runtime")
    go = tmp_path / "go"
    slow = invoke(runtime, InputLocation=put(control, "slow", f"chunks {go}".encode()))
    waiting = invoke(runtime, InputLocation=put(control, "later", b"later"))
    create_model(sagemaker, "second", container(name="second<"))
    sagemaker.create_endpoint_config(
        EndpointConfigName="second",
        ProductionVariants=[variant("second")],
        AsyncInferenceConfig={"OutputConfig": CONFIG},
    )
    sagemaker.update_endpoint(EndpointName="queue", EndpointConfigName="second")
    assert settled(sagemaker, "queue") == "InService"
    go.touch()
    assert outcome(control, slow) == ("OutputLocation", b"firstsecond")
    assert outcome(control, waiting) == ("OutputLocation", b"second<later")
