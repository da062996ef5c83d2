"""Steps through the resource classes of SageMaker SDK v3; test_sagemaker_sdk.py runs this as a process.

The SDK keeps one client for the whole process, and its import takes seconds: so it has a process of its own,
which prints ``ok <step>`` for each step that went well.
"""

import traceback
from typing import Any

import pytest
import sdk_automl_steps
import sdk_hosting_steps
from botocore.exceptions import ClientError
from control_harness import MODEL_DATA, ROLE
from sagemaker.core import resources as sdk
from sagemaker.core import shapes
from sagemaker.core.utils.exceptions import FailedStatusError

IMAGE = "763104351884.dkr.ecr.us-east-1.amazonaws.com/autogluon-inference:1.5-cpu"


def processing(name: str, behaviour: str) -> Any:
    return sdk.ProcessingJob.create(
        processing_job_name=name,
        role_arn=ROLE,
        app_specification=shapes.AppSpecification(image_uri="x/stand-in:1"),
        processing_resources=shapes.ProcessingResources(
            cluster_config=shapes.ProcessingClusterConfig(
                instance_count=1, instance_type="ml.m5.xlarge", volume_size_in_gb=10
            )
        ),
        environment={"behaviour": behaviour},
    )


def processing_job() -> None:
    job = processing("sdk-job", "finish")
    assert job.processing_job_status in ("InProgress", "Completed")
    job.wait(poll=1, timeout=40)
    assert job.processing_job_status == "Completed"
    assert sdk.ProcessingJob.get("sdk-job").processing_resources.cluster_config.instance_count == 1
    hanging = processing("sdk-hang", "hang")
    hanging.stop()
    hanging.wait(poll=1, timeout=40)
    assert hanging.processing_job_status == "Stopped"
    with pytest.raises(FailedStatusError, match=r"Failure Reason: .*the data is no good"):
        processing("sdk-fail", "fail").wait(poll=1, timeout=40)
    listed = {item.processing_job_name for item in sdk.ProcessingJob.get_all(name_contains="sdk-")}
    assert listed == {"sdk-job", "sdk-hang", "sdk-fail"}


def model_configuration_endpoint_and_transform() -> None:
    model = sdk.Model.create(
        model_name="sdk-model",
        execution_role_arn=ROLE,
        containers=[
            shapes.ContainerDefinition(image=IMAGE, model_data_url=MODEL_DATA, environment={"name": "echo "})
        ],
    )
    assert model.containers[0].image == IMAGE
    config = sdk.EndpointConfig.create(
        endpoint_config_name="sdk-config",
        production_variants=[
            shapes.ProductionVariant(
                variant_name="AllTraffic",
                model_name="sdk-model",
                initial_instance_count=1,
                instance_type="ml.m5.large",
            )
        ],
    )
    endpoint = sdk.Endpoint.create(endpoint_name="sdk-endpoint", endpoint_config_name="sdk-config")
    endpoint.wait_for_status("InService", poll=1, timeout=40)
    answer = endpoint.invoke(body=b"1,2", content_type="text/csv", accept="text/csv")
    assert answer.body.read() == b"echo 1,2"
    assert answer.content_type == "text/csv; charset=utf-8"
    assert answer.invoked_production_variant == "AllTraffic"

    transform_jobs()

    endpoint.delete()
    endpoint.wait_for_delete(poll=1, timeout=40)
    config.delete()
    model.delete()
    assert list(sdk.Endpoint.get_all(name_contains="sdk-")) == []
    assert list(sdk.EndpointConfig.get_all(name_contains="sdk-")) == []
    assert list(sdk.Model.get_all(name_contains="sdk-")) == []


def transform(name: str, **environment: str) -> Any:
    return sdk.TransformJob.create(
        transform_job_name=name,
        model_name="sdk-model",
        environment=environment,
        max_concurrent_transforms=2,
        max_payload_in_mb=6,
        batch_strategy="MultiRecord",
        model_client_config=shapes.ModelClientConfig(
            invocations_timeout_in_seconds=60, invocations_max_retries=1
        ),
        data_processing=shapes.DataProcessing(
            input_filter="$[1:]", output_filter="$[0,-1]", join_source="Input"
        ),
        data_capture_config=shapes.BatchDataCaptureConfig(
            destination_s3_uri="s3://data/captured", generate_inference_id=True
        ),
        transform_input=shapes.TransformInput(
            data_source=shapes.TransformDataSource(
                s3_data_source=shapes.TransformS3DataSource(s3_data_type="S3Prefix", s3_uri="s3://data/in/")
            ),
            content_type="text/csv",
            split_type="Line",
        ),
        transform_output=shapes.TransformOutput(
            s3_output_path="s3://data/out", assemble_with="Line", accept="text/csv"
        ),
        transform_resources=shapes.TransformResources(instance_type="ml.m5.large", instance_count=1),
    )


def transform_jobs() -> None:
    job = transform("sdk-transform")
    job.wait(poll=1, timeout=40)
    assert job.transform_job_status == "Completed"
    found = sdk.TransformJob.get("sdk-transform")
    assert found.data_processing.join_source == "Input"
    assert found.data_capture_config.generate_inference_id is True
    assert found.model_client_config.invocations_max_retries == 1
    assert found.transform_input.data_source.s3_data_source.s3_uri == "s3://data/in/"
    hanging = transform("sdk-transform-hang", behaviour="hang")
    hanging.stop()
    hanging.wait(poll=1, timeout=40)
    assert hanging.transform_job_status == "Stopped"
    with pytest.raises(FailedStatusError, match=r"Failure Reason: .*the data is no good"):
        transform("sdk-transform-fail", behaviour="fail").wait(poll=1, timeout=40)
    listed = {each.transform_job_name for each in sdk.TransformJob.get_all(name_contains="sdk-transform")}
    assert listed == {"sdk-transform", "sdk-transform-hang", "sdk-transform-fail"}


def duplicates_and_missing_names() -> None:
    container = shapes.ContainerDefinition(image=IMAGE)
    arguments = {"model_name": "sdk-twice", "primary_container": container, "execution_role_arn": ROLE}
    model = sdk.Model.create(**arguments)
    with pytest.raises(ClientError, match="Cannot create already existing model") as caught:
        sdk.Model.create(**arguments)
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    model.delete()
    with pytest.raises(ClientError, match="ResourceNotFound"):
        sdk.AutoMLJobV2.get("sdk-absent")


STEPS = (
    processing_job,
    model_configuration_endpoint_and_transform,
    duplicates_and_missing_names,
    *sdk_hosting_steps.STEPS,
    *sdk_automl_steps.STEPS,
)

if __name__ == "__main__":
    for step in STEPS:
        try:
            step()
            print(f"ok {step.__name__}", flush=True)
        except Exception:  # noqa: BLE001 - the test shows it
            print(f"failed {step.__name__}\n{traceback.format_exc()}", flush=True)
