"""The resource classes of SageMaker Python SDK v3 against a real server: they validate every answer."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from control_harness import Control

STEPS = Path(__file__).with_name("sdk_steps.py")


@pytest.fixture(scope="module")
def report(shared_control: Control) -> str:
    """What the steps printed, all run in one process."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SAGEMAKER_"))
    }
    environment |= {
        "AWS_ENDPOINT_URL": shared_control.address,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(STEPS)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    "step",
    [
        "processing_job",
        "automl_job_and_its_candidates",
        "automl_job_that_is_stopped_or_fails",
        "automl_job_of_the_first_version",
        "automl_job_that_deploys",
        "model_configuration_endpoint_and_transform",
        "duplicates_and_missing_names",
        "models_of_every_kind",
        "an_endpoint_with_capture_and_variants_is_updated",
        "asynchronous_and_serverless_endpoints",
        "a_failed_endpoint",
    ],
)
def test_resource_classes(report: str, step: str) -> None:
    assert f"ok {step}\n" in report, report
