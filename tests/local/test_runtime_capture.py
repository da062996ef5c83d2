"""DataCaptureConfig through boto3: which invocations are kept in S3, and in which layout."""

import base64
import json
import re
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError
from control_harness import Control, container, create_model, settled, variant, wait_for

PATH = re.compile(r"captures/(\w+)/AllTraffic/(\d{4}/\d\d/\d\d/\d\d)/\d\d-\d\d-\d{3}-[0-9a-f-]{36}\.jsonl")
BOTH = ({"CaptureMode": "Input"}, {"CaptureMode": "Output"})


def deploy_capturing(client: Any, name: str, content: str = "text/csv; charset=utf-8", **config: Any) -> None:
    """An endpoint whose invocations are captured, and whose container answers with a content type."""
    create_model(client, name, container(type=content))
    capture = {
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": "s3://data/captures/",
        "CaptureOptions": list(BOTH),
        "CaptureContentTypeHeader": {
            "CsvContentTypes": ["text/csv"],
            "JsonContentTypes": ["application/json"],
        },
        **config,
    }
    client.create_endpoint_config(
        EndpointConfigName=name, ProductionVariants=[variant(name)], DataCaptureConfig=capture
    )
    client.create_endpoint(EndpointName=name, EndpointConfigName=name)
    assert settled(client, name) == "InService"


@pytest.fixture(scope="module")
def runtime(shared_control: Control, shared: Any) -> Iterator[Any]:
    """A runtime client; the endpoint `all` captures every invocation."""
    deploy_capturing(shared, "all")
    yield shared_control.client("sagemaker-runtime")


def captures(control: Control, endpoint: str) -> list[dict[str, Any]]:
    """Every line that is there now."""
    found = []
    for item in control.objects.list("data", f"captures/{endpoint}/"):
        assert PATH.fullmatch(item.key), item.key
        found += [json.loads(line) for line in control.objects.read("data", item.key).splitlines()]
    return found


def test_the_layout(runtime: Any, shared_control: Control) -> None:
    before = datetime.now(UTC)
    runtime.invoke_endpoint(EndpointName="all", Body=b"1,2\n", ContentType="text/csv", InferenceId="a 7")
    (line,) = wait_for(lambda: captures(shared_control, "all"), 5, "the capture can be read within seconds")
    moment = datetime.strptime(line["eventMetadata"]["inferenceTime"], "%Y-%m-%dT%H:%M:%SZ").replace(
        tzinfo=UTC
    )
    assert before.replace(microsecond=0) <= moment <= datetime.now(UTC)
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", line["eventMetadata"]["eventId"])
    (item,) = shared_control.objects.list("data", "captures/all/")
    place = PATH.fullmatch(item.key)
    assert place is not None
    assert place.group(2) == f"{moment:%Y/%m/%d/%H}"
    del line["eventMetadata"]["eventId"], line["eventMetadata"]["inferenceTime"]
    assert line == {
        "captureData": {
            "endpointInput": {
                "observedContentType": "text/csv",
                "mode": "INPUT",
                "data": "1,2\n",
                "encoding": "CSV",
            },
            "endpointOutput": {
                "observedContentType": "text/csv; charset=utf-8",
                "mode": "OUTPUT",
                "data": "1,2\n",
                "encoding": "CSV",
            },
        },
        "eventMetadata": {"inferenceId": "a 7"},
        "eventVersion": "0",
    }


def test_encodings_and_streams(shared: Any, runtime: Any, shared_control: Control) -> None:
    deploy_capturing(shared, "mixed", "application/json")
    bodies = {b'{"a": 1}': "application/json", b"\x00\xff": "application/x-parquet", b"\xff,1": "text/csv"}
    for body, content_type in bodies.items():
        runtime.invoke_endpoint(EndpointName="mixed", Body=body, ContentType=content_type)
    stream = runtime.invoke_endpoint_with_response_stream(
        EndpointName="mixed", Body=b"[2]", ContentType="x/y"
    )
    assert list(stream["Body"])
    wait_for(lambda: len(captures(shared_control, "mixed")) == 4, 5, "all are captured")
    found = {
        line["captureData"]["endpointInput"]["data"]: line["captureData"]
        for line in captures(shared_control, "mixed")
    }
    text = found['{"a": 1}']
    assert text["endpointInput"]["encoding"] == "JSON"
    assert text["endpointOutput"] == {**text["endpointInput"], "mode": "OUTPUT"}
    parquet = found[base64.b64encode(b"\x00\xff").decode()]
    assert parquet["endpointInput"]["encoding"] == "BASE64"
    assert parquet["endpointInput"]["observedContentType"] == "application/x-parquet"
    assert found[base64.b64encode(b"\xff,1").decode()]["endpointInput"]["encoding"] == "BASE64"  # is no text
    streamed = found[base64.b64encode(b"[2]").decode()]
    assert streamed["endpointOutput"]["data"] == "[2]"


def test_one_side_alone_and_nothing_at_all(shared: Any, runtime: Any, shared_control: Control) -> None:
    deploy_capturing(shared, "sent", CaptureOptions=[{"CaptureMode": "Input"}])
    deploy_capturing(shared, "off", EnableCapture=False)
    deploy_capturing(shared, "never", InitialSamplingPercentage=0)
    deploy_capturing(shared, "half", InitialSamplingPercentage=50)
    deploy_capturing(shared, "lost", DestinationS3Uri="s3://no-such-bucket/x")
    for name in ("off", "never", "lost", "sent"):
        assert runtime.invoke_endpoint(EndpointName=name, Body=b"1", ContentType="text/csv")["Body"].read()
    with pytest.raises(ClientError, match="cannot read row 3"):
        runtime.invoke_endpoint(EndpointName="sent", Body=b"error 400", ContentType="text/csv")
    for _ in range(60):
        runtime.invoke_endpoint(EndpointName="half", Body=b"1")
    before = len(captures(shared_control, "all"))
    runtime.invoke_endpoint(EndpointName="all", Body=b"1", ContentType="text/csv")
    wait_for(lambda: len(captures(shared_control, "all")) > before, 5, "what came before is written by now")
    (line,) = wait_for(lambda: captures(shared_control, "sent"), 5, "a capture")
    assert set(line["captureData"]) == {"endpointInput"}
    # 30 expected; so far away once in ten million runs
    wait_for(lambda: 10 < len(captures(shared_control, "half")) < 51, 5, "about half of them")
    assert captures(shared_control, "off") == captures(shared_control, "never") == []


def test_an_endpoint_that_goes_and_a_server_that_ends_leave_nothing_behind(
    control: Control, sagemaker: Any
) -> None:
    deploy_capturing(sagemaker, "gone")
    deploy_capturing(sagemaker, "stays")
    runtime = control.client("sagemaker-runtime")
    runtime.invoke_endpoint(EndpointName="gone", Body=b"1", ContentType="text/csv")
    sagemaker.delete_endpoint(EndpointName="gone")
    wait_for(lambda: captures(control, "gone"), 5, "written although the endpoint is deleted")
    began = time.monotonic()
    runtime.invoke_endpoint(EndpointName="stays", Body=b"2", ContentType="text/csv")
    control.end(signal.SIGTERM)
    assert time.monotonic() - began < 10
    (line,) = captures(control, "stays")
    assert line["captureData"]["endpointInput"]["data"] == "2"
