"""InvokeEndpointWithResponseStream through boto3, whose parser of event streams is the judge."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.eventstream import EventStreamBuffer
from botocore.exceptions import ClientError, EventStreamError
from control_harness import Control, container, deploy, wait_for

from helpers.local.runtime.stream import payload_part, stream_error


@pytest.fixture(scope="module")
def runtime(shared_control: Control, shared: Any) -> Iterator[Any]:
    """A runtime client; the endpoints `echo` and `chain` are in service."""
    assert deploy(shared, "echo") == "InService"
    assert deploy(shared, "chain", container(name="first<"), container(name="second<")) == "InService"
    yield shared_control.client("sagemaker-runtime")


def stream(runtime: Any, **arguments: Any) -> dict[str, Any]:
    answer: dict[str, Any] = runtime.invoke_endpoint_with_response_stream(**arguments)
    return answer


def parts(answer: dict[str, Any]) -> Iterator[bytes]:
    for event in answer["Body"]:
        yield event["PayloadPart"]["Bytes"]


def test_a_model_that_does_not_stream(runtime: Any) -> None:
    answer = stream(runtime, EndpointName="echo", Body=b"1,\xff\n", ContentType="text/csv", Accept="text/csv")
    assert answer["ContentType"] == "text/csv; charset=utf-8"
    assert answer["InvokedProductionVariant"] == "AllTraffic"
    assert answer["CustomAttributes"] == "trace=1"
    assert list(parts(answer)) == [b"1,\xff\n"]


def test_a_large_answer_comes_whole(runtime: Any) -> None:
    body = bytes(range(256)) * 4096
    assert b"".join(parts(stream(runtime, EndpointName="echo", Body=body))) == body


def test_an_empty_answer_is_a_stream_of_nothing(runtime: Any) -> None:
    assert list(parts(stream(runtime, EndpointName="echo", Body=b""))) == []


def test_pieces_come_as_the_model_sends_them(runtime: Any, tmp_path: Path) -> None:
    path = tmp_path / "go"
    answer = stream(runtime, EndpointName="echo", Body=f"chunks {path}".encode())
    assert answer["ContentType"] == "text/event-stream"
    found = parts(answer)
    assert next(found) == b"first"
    path.touch()
    assert list(found) == [b"second"]


def test_a_pipeline_streams_its_last_container(runtime: Any) -> None:
    assert b"".join(parts(stream(runtime, EndpointName="chain", Body=b"x"))) == b"second<first<x"


@pytest.mark.parametrize(
    ("body", "words"), [(b"break off", "closed the connection"), (b"stall", "Your invocation timed out")]
)
def test_a_stream_that_is_not_completed(runtime: Any, body: bytes, words: str) -> None:
    found = parts(stream(runtime, EndpointName="echo", Body=body))
    assert next(found) == b"first"
    with pytest.raises(EventStreamError) as caught:
        next(found)
    assert caught.value.response["Error"]["Code"] == "ModelStreamError"
    assert words in caught.value.response["Error"]["Message"]
    assert list(parts(stream(runtime, EndpointName="echo", Body=b"x"))) == [b"x"]


def test_errors_before_the_first_piece_are_those_of_an_invocation(runtime: Any) -> None:
    for body, status in ((b"error 503", 503), (b"hang", 0)):
        with pytest.raises(ClientError) as caught:
            stream(runtime, EndpointName="echo", Body=body)
        assert caught.value.response["Error"]["Code"] == "ModelError"
        assert caught.value.response["OriginalStatusCode"] == status
    with pytest.raises(ClientError, match="Endpoint absent of account 000000000000 not found"):
        stream(runtime, EndpointName="absent", Body=b"x")
    with pytest.raises(ClientError, match="'body' failed to satisfy constraint"):
        stream(runtime, EndpointName="echo", Body=b"x" * 6_291_457)


def test_a_client_that_leaves_gives_its_place_back(runtime: Any, tmp_path: Path) -> None:
    def left() -> bool:
        try:
            answer = stream(runtime, EndpointName="echo", Body=f"chunks {tmp_path / 'go'}".encode())
        except ClientError as error:
            assert error.response["Error"]["Code"] == "ThrottlingException"
            return False
        assert next(parts(answer)) == b"first"
        answer["Body"].close()
        return True

    while left():  # each keeps a place while the model is silent
        continue
    (tmp_path / "go").touch()
    wait_for(left, 5, "there is room again")


def test_the_event_of_an_error_has_its_code() -> None:
    buffer = EventStreamBuffer()  # which checks every length and checksum
    buffer.add_data(stream_error("StreamBroken", "gone") + payload_part(b"x"))
    error, part = list(buffer)
    assert error.headers[":exception-type"] == "ModelStreamError"
    assert error.headers[":message-type"] == "exception"
    assert json.loads(error.payload) == {"Message": "gone", "ErrorCode": "StreamBroken"}
    assert (part.headers[":event-type"], part.payload) == ("PayloadPart", b"x")
