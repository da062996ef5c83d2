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


def serverless(model: str, memory: int = 2048, concurrency: int = 5, **members: Any) -> dict[str, Any]:
    """A serverless variant; ``members`` are its configuration's."""
    config = {"MemorySizeInMB": memory, "MaxConcurrency": concurrency, **members}
    return {"VariantName": "AllTraffic", "ModelName": model, "ServerlessConfig": config}


@pytest.mark.parametrize("memory", range(1024, 6145, 1024))
def test_memory_of_serverless_variants(shared: Any, model: str, memory: int) -> None:
    name = f"serverless-{memory}"
    shared.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[serverless(model, memory)])
    (shown,) = shared.describe_endpoint_config(EndpointConfigName=name)["ProductionVariants"]
    assert shown == {**serverless(model, memory), "InitialVariantWeight": 1.0}


NETWORK = {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]}


@pytest.mark.parametrize(
    ("given", "members", "text"),
    [
        (serverless("echo", 1000), {}, "greater than or equal to 1024"),
        (serverless("echo", 1500), {}, "must be one of [1024, 2048, 3072, 4096, 5120, 6144]"),
        (serverless("echo", 7168), {}, "less than or equal to 6144"),
        (serverless("echo", concurrency=0), {}, "greater than or equal to 1"),
        (serverless("echo", concurrency=201), {}, "less than or equal to 200"),
        (serverless("echo", ProvisionedConcurrency=6), {}, "must not be above its MaxConcurrency"),
        (serverless("echo"), {"DataCaptureConfig": CAPTURE}, "not support DataCaptureConfig"),
        (serverless("echo"), {"AsyncInferenceConfig": ASYNCHRONOUS}, "not support AsyncInferenceConfig"),
        (serverless("echo"), {"EnableNetworkIsolation": True}, "not support EnableNetworkIsolation"),
        (serverless("pipeline"), {}, "not support an inference pipeline (model 'pipeline' has 2 containers)"),
        (serverless("network"), {}, "not support VpcConfig"),
    ],
)
def test_what_is_not_serverless(
    shared: Any, model: str, given: dict[str, Any], members: dict[str, Any], text: str
) -> None:
    del model
    if not shared.list_models(NameContains="network")["Models"]:
        create_model(shared, "pipeline", container(), container())
        shared.create_model(ModelName="network", PrimaryContainer=container(), VpcConfig=NETWORK)
    code, message = refused(
        shared.create_endpoint_config, EndpointConfigName="refused", ProductionVariants=[given], **members
    )
    assert (code, text in message) == ("ValidationException", True), message


def test_a_serverless_endpoint_has_one_variant(shared: Any, model: str) -> None:
    variants = [serverless(model), variant(model, "b")]
    code, text = refused(
        shared.create_endpoint_config, EndpointConfigName="refused", ProductionVariants=variants
    )
    assert (code, "has one production variant" in text) == ("ValidationException", True)


def test_one_to_ten_variants(shared: Any, model: str) -> None:
    variants = [variant(model, f"v{number}", InitialVariantWeight=number / 2) for number in range(11)]
    code, text = refused(
        shared.create_endpoint_config, EndpointConfigName="eleven", ProductionVariants=variants
    )
    assert (code, "length less than or equal to 10" in text) == ("ValidationException", True)
    shared.create_endpoint_config(EndpointConfigName="ten", ProductionVariants=variants[:10])
    assert shared.describe_endpoint_config(EndpointConfigName="ten")["ProductionVariants"] == variants[:10]


@pytest.mark.parametrize(
    ("members", "text"),
    [
        ({"ContainerStartupHealthCheckTimeoutInSeconds": 59}, "greater than or equal to 60"),
        ({"ContainerStartupHealthCheckTimeoutInSeconds": 3601}, "less than or equal to 3600"),
        ({"ModelDataDownloadTimeoutInSeconds": 59}, "greater than or equal to 60"),
        ({"ModelDataDownloadTimeoutInSeconds": 3601}, "less than or equal to 3600"),
        ({"InitialInstanceCount": 0}, "greater than or equal to 1"),
        ({"CoreDumpConfig": {"DestinationS3Uri": "s3://a/b"}}, "does not offer CoreDumpConfig"),
    ],
)
def test_limits_of_a_variant(shared: Any, model: str, members: dict[str, Any], text: str) -> None:
    code, message = refused(
        shared.create_endpoint_config,
        EndpointConfigName="refused",
        ProductionVariants=[variant(model, **members)],
    )
    assert (code, text in message) == ("ValidationException", True), message


def test_the_timeouts_of_a_variant_are_kept(shared: Any, model: str) -> None:
    times = {"ContainerStartupHealthCheckTimeoutInSeconds": 60, "ModelDataDownloadTimeoutInSeconds": 3600}
    shared.create_endpoint_config(
        EndpointConfigName="times",
        ProductionVariants=[variant(model, **times)],
        Tags=[{"Key": "team", "Value": "music"}],
    )
    config = shared.describe_endpoint_config(EndpointConfigName="times")
    (shown,) = config["ProductionVariants"]
    assert {name: shown[name] for name in times} == times
    tags = shared.list_tags(ResourceArn=config["EndpointConfigArn"])["Tags"]
    assert tags == [{"Key": "team", "Value": "music"}]


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("ShadowProductionVariants", [variant("echo", "shadow")]),
        (
            "ExplainerConfig",
            {"ClarifyExplainerConfig": {"ShapConfig": {"ShapBaselineConfig": {"ShapBaseline": "1,2"}}}},
        ),
    ],
)
def test_what_is_not_offered(shared: Any, model: str, member: str, value: Any) -> None:
    code, text = refused(
        shared.create_endpoint_config,
        EndpointConfigName="refused",
        ProductionVariants=[variant(model)],
        **{member: value},
    )
    assert (code, f"does not offer {member}" in text) == ("ValidationException", True), text
