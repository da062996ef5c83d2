"""What endpoint configurations say about invocations: data capture, asynchronous ones, direct ones."""

import json
import signal
from typing import Any

import pytest
from control_harness import (
    ROLE,
    Control,
    container,
    create_model,
    refused,
    settled,
    variant,
)

from helpers.local.sagemaker.records import EndpointRecord
from helpers.local.store import Store

CAPTURE = {
    "EnableCapture": True,
    "InitialSamplingPercentage": 30,
    "DestinationS3Uri": "s3://data/captured",
    "CaptureOptions": [{"CaptureMode": "Input"}],
    "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"], "JsonContentTypes": ["application/json"]},
}
ASYNCHRONOUS = {
    "ClientConfig": {"MaxConcurrentInvocationsPerInstance": 4},
    "OutputConfig": {"S3OutputPath": "s3://data/answers", "S3FailurePath": "s3://data/failures"},
}


@pytest.fixture(scope="module")
def model(shared: Any) -> str:
    """The name of a model that echoes."""
    create_model(shared, "echo")
    return "echo"


def test_an_endpoint_keeps_what_its_configuration_says_of_invocations(control: Control) -> None:
    client = control.client()
    create_model(client, "m")
    settings = {"DataCaptureConfig": CAPTURE, "AsyncInferenceConfig": ASYNCHRONOUS}
    client.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[variant("m")], **settings)
    config = client.describe_endpoint_config(EndpointConfigName="c")
    assert {name: config[name] for name in settings} == settings
    client.create_endpoint(EndpointName="e", EndpointConfigName="c")
    settled(client, "e")

    def check() -> None:
        endpoint = client.describe_endpoint(EndpointName="e")
        assert endpoint["DataCaptureConfig"] == {
            "EnableCapture": True,
            "CaptureStatus": "Started",
            "CurrentSamplingPercentage": 30,
            "DestinationS3Uri": "s3://data/captured",
            "KmsKeyId": "",
        }
        assert endpoint["AsyncInferenceConfig"] == ASYNCHRONOUS
        (record,) = Store(control.state / "records" / "endpoint", EndpointRecord).all()
        assert record.serving is not None
        capture, asynchronous = record.serving.capture, record.serving.asynchronous
        assert capture is not None
        assert (capture.input, capture.output, capture.percentage) == (True, False, 30)
        assert (capture.csv_types, capture.json_types) == (["text/csv"], ["application/json"])
        assert asynchronous is not None
        assert (asynchronous.output, asynchronous.failures) == ("s3://data/answers", "s3://data/failures")
        assert asynchronous.at_once == 4

    check()
    client.delete_endpoint_config(EndpointConfigName="c")
    control.end(signal.SIGKILL)
    control.start()
    client = control.client()
    settled(client, "e")
    check()


@pytest.mark.parametrize(
    ("change", "summary"),
    [
        ({}, {"EnableCapture": True, "CaptureStatus": "Started"}),
        ({"EnableCapture": False}, {"EnableCapture": False, "CaptureStatus": "Stopped"}),
        ({"EnableCapture": None}, {"EnableCapture": True, "CaptureStatus": "Started"}),
        ({"KmsKeyId": "alias/key"}, {"KmsKeyId": "alias/key"}),
    ],
)
def test_data_capture_is_on_unless_switched_off(
    shared: Any, model: str, change: dict[str, Any], summary: dict[str, Any], request: Any
) -> None:
    name = f"capture-{request.node.callspec.indices['change']}"
    config = {name: value for name, value in {**CAPTURE, **change}.items() if value is not None}
    shared.create_endpoint_config(
        EndpointConfigName=name, ProductionVariants=[variant(model)], DataCaptureConfig=config
    )
    shared.create_endpoint(EndpointName=name, EndpointConfigName=name)
    settled(shared, name)
    shown = shared.describe_endpoint(EndpointName=name)["DataCaptureConfig"]
    assert {member: shown[member] for member in summary} == summary
    shared.delete_endpoint(EndpointName=name)


@pytest.mark.parametrize(
    ("members", "text"),
    [
        ({"DataCaptureConfig": {**CAPTURE, "DestinationS3Uri": "https://x/y"}}, "as s3://bucket/prefix"),
        ({"DataCaptureConfig": {**CAPTURE, "InitialSamplingPercentage": 101}}, "less than or equal to 100"),
        ({"DataCaptureConfig": {**CAPTURE, "CaptureOptions": []}}, "length greater than or equal to 1"),
        ({"DataCaptureConfig": {**CAPTURE, "CaptureOptions": [{"CaptureMode": "All"}]}}, "enum value set"),
        (
            {"DataCaptureConfig": {"EnableCapture": True}},
            "Value null at 'dataCaptureConfig.destinationS3Uri'",
        ),
        (
            {
                "DataCaptureConfig": {
                    **CAPTURE,
                    "CaptureContentTypeHeader": {
                        "CsvContentTypes": ["text/csv"],
                        "JsonContentTypes": ["Text/CSV"],
                    },
                }
            },
            "'text/csv' is named in both",
        ),
        (
            {"AsyncInferenceConfig": {"OutputConfig": {}}},
            "Give 'asyncInferenceConfig.outputConfig.s3OutputPath'",
        ),
        (
            {"AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "https://a/b"}}},
            "Write 'asyncInferenceConfig.outputConfig.s3OutputPath' as s3://bucket/prefix",
        ),
        (
            {
                "AsyncInferenceConfig": {
                    "OutputConfig": {"S3OutputPath": "s3://a/b", "S3FailurePath": "https://a/b"}
                }
            },
            "s3FailurePath' as s3://bucket/prefix",
        ),
        (
            {
                "AsyncInferenceConfig": {
                    "OutputConfig": {
                        "S3OutputPath": "s3://a/b",
                        "NotificationConfig": {"SuccessTopic": "arn:aws:sns:us-east-1:000000000000:topic"},
                    }
                }
            },
            "Local SageMaker has no SNS",
        ),
        (
            {
                "AsyncInferenceConfig": {
                    "OutputConfig": {"S3OutputPath": "s3://a/b"},
                    "ClientConfig": {"MaxConcurrentInvocationsPerInstance": 0},
                }
            },
            "greater than or equal to 1",
        ),
    ],
)
def test_bad_settings_of_invocations(shared: Any, model: str, members: dict[str, Any], text: str) -> None:
    code, message = refused(
        shared.create_endpoint_config,
        EndpointConfigName="refused",
        ProductionVariants=[variant(model)],
        **members,
    )
    assert code == "ValidationException"
    assert text in message


def test_containers_that_are_called_by_their_names(shared: Any, shared_control: Control) -> None:
    containers = [{**container(), "ContainerHostname": name} for name in ("first", "second")]
    direct = {"Mode": "Direct"}
    shared.create_model(
        ModelName="direct", ExecutionRoleArn=ROLE, Containers=containers, InferenceExecutionConfig=direct
    )
    assert shared.describe_model(ModelName="direct")["InferenceExecutionConfig"] == direct
    shared.create_endpoint_config(EndpointConfigName="direct", ProductionVariants=[variant("direct")])
    shared.create_endpoint(EndpointName="direct", EndpointConfigName="direct")
    settled(shared, "direct")
    record = json.loads((shared_control.state / "records/endpoint/direct.json").read_bytes())
    (only,) = record["serving"]["variants"]
    assert only["mode"] == "Direct"
    assert [item["name"] for item in only["containers"]] == ["first", "second"]
    shared.delete_endpoint(EndpointName="direct")
    for members in (
        {"Containers": [container(), container()]},
        {"Containers": containers[:1]},
        {"PrimaryContainer": containers[0]},
    ):
        code, text = refused(
            shared.create_model, ModelName="refused", InferenceExecutionConfig=direct, **members
        )
        assert (code, "two at least" in text) == ("ValidationException", True)
