"""Steps through Model, EndpointConfig and Endpoint of SageMaker SDK v3; sdk_steps.py runs them too."""

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from control_harness import MODEL_DATA, ROLE
from sagemaker.core import resources as sdk
from sagemaker.core import shapes
from sagemaker.core.utils.exceptions import FailedStatusError

IMAGE = "763104351884.dkr.ecr.us-east-1.amazonaws.com/autogluon-inference:1.5-cpu"


def container(**environment: str) -> Any:
    return shapes.ContainerDefinition(image=IMAGE, model_data_url=MODEL_DATA, environment=environment)


def model(name: str, /, **environment: str) -> Any:
    return sdk.Model.create(
        model_name=name, primary_container=container(**environment), execution_role_arn=ROLE
    )


def variant(model_name: str, name: str = "AllTraffic", weight: float = 1.0) -> Any:
    return shapes.ProductionVariant(
        variant_name=name,
        model_name=model_name,
        initial_instance_count=1,
        instance_type="ml.m5.large",
        initial_variant_weight=weight,
        container_startup_health_check_timeout_in_seconds=120,
    )


def answer(endpoint: Any, **members: Any) -> str:
    told = endpoint.invoke(body=b"1,2", content_type="text/csv", **members)
    return str(told.body.read().decode())


def models_of_every_kind() -> None:
    network = shapes.VpcConfig(security_group_ids=["sg-1"], subnets=["subnet-1"])
    isolated = sdk.Model.create(
        model_name="sdk-isolated",
        primary_container=container(),
        execution_role_arn=ROLE,
        vpc_config=network,
        enable_network_isolation=True,
    )
    assert isolated.vpc_config == network
    assert isolated.enable_network_isolation
    first, second = container(name="a "), container(name="b ")
    first.container_hostname, second.container_hostname = "first", "second"
    direct = sdk.Model.create(
        model_name="sdk-direct",
        containers=[first, second],
        execution_role_arn=ROLE,
        inference_execution_config=shapes.InferenceExecutionConfig(mode="Direct"),
    )
    assert direct.inference_execution_config.mode == "Direct"
    archive = shapes.S3ModelDataSource(s3_uri=MODEL_DATA, s3_data_type="S3Object", compression_type="Gzip")
    sourced = sdk.Model.create(
        model_name="sdk-sourced",
        primary_container=shapes.ContainerDefinition(
            image=IMAGE, model_data_source=shapes.ModelDataSource(s3_data_source=archive)
        ),
    )
    assert sourced.primary_container.model_data_source.s3_data_source.s3_uri == MODEL_DATA
    listed = {item.model_name for item in sdk.Model.get_all(name_contains="sdk-", sort_by="Name")}
    assert {"sdk-isolated", "sdk-direct", "sdk-sourced"} <= listed
    for found in (isolated, direct, sourced):
        found.delete()
    with pytest.raises(ClientError, match="Could not find model"):
        sdk.Model.get("sdk-direct")


def an_endpoint_with_capture_and_variants_is_updated() -> None:
    made = [
        model("sdk-old", name="old "),
        model("sdk-new", name="new "),
        model("sdk-bad", behaviour="broken"),
    ]
    capture = shapes.DataCaptureConfig(
        enable_capture=True,
        initial_sampling_percentage=100,
        destination_s3_uri="s3://data/capture",
        capture_options=[shapes.CaptureOption(capture_mode="InputAndOutput")],
    )
    config = sdk.EndpointConfig.create(
        endpoint_config_name="sdk-old",
        production_variants=[variant("sdk-old", "a", 1.0), variant("sdk-old", "b", 0.0)],
        data_capture_config=capture,
    )
    assert config.data_capture_config.destination_s3_uri == "s3://data/capture"
    for name in ("sdk-new", "sdk-bad"):
        made.append(sdk.EndpointConfig.create(endpoint_config_name=name, production_variants=[variant(name)]))
    endpoint = sdk.Endpoint.create(endpoint_name="sdk-updated", endpoint_config_name="sdk-old")
    endpoint.wait_for_status("InService", poll=1, timeout=40)
    assert endpoint.data_capture_config.capture_status == "Started"
    assert answer(endpoint, target_variant="b") == "old 1,2"
    endpoint.update_weights_and_capacities(
        desired_weights_and_capacities=[
            shapes.DesiredWeightAndCapacity(variant_name="b", desired_weight=3.0, desired_instance_count=2)
        ]
    )
    endpoint.wait_for_status("InService", poll=1, timeout=40)
    assert [item.current_weight for item in endpoint.production_variants] == [1.0, 3.0]
    assert [item.current_instance_count for item in endpoint.production_variants] == [1, 2]

    endpoint.endpoint_config_name = "sdk-bad"
    endpoint.update()
    endpoint.wait_for_status("InService", poll=1, timeout=40)
    assert endpoint.endpoint_config_name == "sdk-old"
    assert "did not pass the ping health check" in endpoint.failure_reason
    assert answer(endpoint) == "old 1,2"

    endpoint.endpoint_config_name = "sdk-new"
    routing = shapes.TrafficRoutingConfig(type="ALL_AT_ONCE", wait_interval_in_seconds=1)  # it drops a 0
    policy = shapes.BlueGreenUpdatePolicy(traffic_routing_configuration=routing)
    endpoint.update(deployment_config=shapes.DeploymentConfig(blue_green_update_policy=policy))
    endpoint.wait_for_status("InService", poll=1, timeout=40)
    assert answer(endpoint) == "new 1,2"
    assert endpoint.endpoint_config_name == "sdk-new"
    again = sdk.Endpoint.get("sdk-updated")
    assert again.last_deployment_config.blue_green_update_policy == policy
    (listed,) = sdk.Endpoint.get_all(name_contains="sdk-updated", status_equals="InService")
    assert listed.endpoint_name == "sdk-updated"
    endpoint.delete()
    endpoint.wait_for_delete(poll=1, timeout=40)
    for found in (*made, config):
        found.delete()


def asynchronous_and_serverless_endpoints() -> None:
    made = model("sdk-echo", name="echo ")
    output = shapes.AsyncInferenceOutputConfig(s3_output_path="s3://data/answers")
    asynchronous = sdk.EndpointConfig.create(
        endpoint_config_name="sdk-asynchronous",
        production_variants=[variant("sdk-echo")],
        async_inference_config=shapes.AsyncInferenceConfig(output_config=output),
    )
    # The SDK writes MemorySizeInMb, which botocore refuses: boto3 makes this one.
    config = {"MemorySizeInMB": 2048, "MaxConcurrency": 5}
    serverless_variant = {"VariantName": "AllTraffic", "ModelName": "sdk-echo", "ServerlessConfig": config}
    boto3.client("sagemaker").create_endpoint_config(
        EndpointConfigName="sdk-serverless", ProductionVariants=[serverless_variant]
    )
    serverless = sdk.EndpointConfig.get("sdk-serverless")
    assert serverless.production_variants[0].serverless_config.max_concurrency == 5
    endpoints = [
        sdk.Endpoint.create(endpoint_name=name, endpoint_config_name=name)
        for name in ("sdk-asynchronous", "sdk-serverless")
    ]
    for endpoint in endpoints:
        endpoint.wait_for_status("InService", poll=1, timeout=40)
    assert endpoints[0].async_inference_config.output_config.s3_output_path == "s3://data/answers"
    (summary,) = endpoints[1].production_variants
    assert summary.current_serverless_config.max_concurrency == 5
    assert answer(endpoints[1]) == "echo 1,2"
    for endpoint in endpoints:
        endpoint.delete()
        endpoint.wait_for_delete(poll=1, timeout=40)
    for found in (asynchronous, serverless, made):
        found.delete()


def a_failed_endpoint() -> None:
    made = model("sdk-failed", behaviour="broken")
    config = sdk.EndpointConfig.create(
        endpoint_config_name="sdk-failed", production_variants=[variant("sdk-failed")]
    )
    endpoint = sdk.Endpoint.create(endpoint_name="sdk-failed", endpoint_config_name="sdk-failed")
    with pytest.raises(FailedStatusError, match="the model cannot be loaded"):
        endpoint.wait_for_status("InService", poll=1, timeout=40)
    with pytest.raises(ClientError, match="Cannot update failed endpoint"):
        endpoint.update()
    endpoint.delete()
    endpoint.wait_for_delete(poll=1, timeout=40)
    with pytest.raises(ClientError, match="Could not find endpoint"):
        sdk.Endpoint.get("sdk-failed")
    config.delete()
    made.delete()


STEPS = (
    models_of_every_kind,
    an_endpoint_with_capture_and_variants_is_updated,
    asynchronous_and_serverless_endpoints,
    a_failed_endpoint,
)
