"""kill -9 of the server at any moment: nothing confirmed is lost or orphaned, everything serves again."""

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from control_harness import (
    Control,
    automl_request,
    container,
    create_model,
    deploy,
    job_status,
    processing_request,
    refused,
    settled,
    transform_request,
    variant,
    wait_for,
)


def restart(control: Control, number: int = signal.SIGKILL) -> Any:
    control.end(number)
    control.start()
    return control.client()


def test_jobs_that_ran_have_failed_and_their_processes_are_gone(control: Control) -> None:
    client = control.client()
    create_model(client, "model")
    client.create_processing_job(**processing_request("done"))
    wait_for(lambda: job_status(client, "done") == "Completed")
    client.create_processing_job(**processing_request("running", "hang stubborn grandchild away"))
    client.create_processing_job(**processing_request("stopping", "hang stubborn grandchild"))
    client.create_auto_ml_job_v2(**automl_request("running", "hang grandchild"))
    client.create_transform_job(**transform_request("running", "model", Environment={"behaviour": "hang"}))
    for name in ("running", "stopping"):
        wait_for((control.state / "jobs/processing" / name / "stubborn").exists)
    client.stop_processing_job(ProcessingJobName="stopping")
    wait_for((control.state / "jobs/automl/running/grandchild").exists)
    assert len(control.jobs()) == 7

    client = restart(control)
    wait_for(lambda: not control.jobs(), what="no job outlives the server")
    assert job_status(client, "done") == "Completed"
    for name in ("running", "stopping"):
        job = client.describe_processing_job(ProcessingJobName=name)
        assert job["ProcessingJobStatus"] == "Failed"
        assert "was stopped while this job ran" in job["FailureReason"]
        assert "another name" in job["FailureReason"]
        assert job["ProcessingEndTime"] >= job["ProcessingStartTime"]
    automl = client.describe_auto_ml_job_v2(AutoMLJobName="running")
    assert (automl["AutoMLJobStatus"], automl["AutoMLJobSecondaryStatus"]) == ("Failed", "Failed")
    transform = client.describe_transform_job(TransformJobName="running")
    assert transform["TransformJobStatus"] == "Failed"
    assert refused(client.create_processing_job, **processing_request("running"))[0] == "ResourceInUse"
    client.create_processing_job(**processing_request("running-2"))
    wait_for(lambda: job_status(client, "running-2") == "Completed")


def test_endpoints_serve_again(control: Control) -> None:
    client = control.client()
    assert deploy(client, "e", container(name="a "), container(name="b ")) == "InService"
    assert deploy(client, "bad", container(behaviour="broken")) == "Failed"
    client.add_tags(
        ResourceArn=client.describe_endpoint(EndpointName="e")["EndpointArn"],
        Tags=[{"Key": "k", "Value": "v"}],
    )
    created = client.describe_endpoint(EndpointName="e")["CreationTime"]
    before = control.jobs()

    client = restart(control)
    # A request at once is not refused: it waits until the model is loaded.
    answer = control.client("sagemaker-runtime").invoke_endpoint(EndpointName="e", Body=b"x")
    assert answer["Body"].read() == b"b a x"
    assert settled(client, "e") == "InService"
    endpoint = client.describe_endpoint(EndpointName="e")
    assert endpoint["CreationTime"] == created
    assert "FailureReason" not in endpoint
    assert client.list_tags(ResourceArn=endpoint["EndpointArn"])["Tags"] == [{"Key": "k", "Value": "v"}]
    assert client.describe_endpoint(EndpointName="bad")["EndpointStatus"] == "Failed"
    assert len(control.jobs()) == 2
    assert not set(before) & set(control.jobs())
    files = [path.name for path in (control.state / "jobs/endpoint/e").glob("*/*/*/*")]
    assert files.count("process.json") == 2  # of the processes that run now
    assert files.count("log") == 4  # logs of the first start are kept

    client = restart(control, signal.SIGTERM)
    assert settled(client, "e") == "InService"
    client.delete_endpoint(EndpointName="e")
    wait_for(lambda: not client.list_endpoints(NameContains="e", StatusEquals="InService")["Endpoints"])


@pytest.mark.parametrize("status", ["Creating", "Updating", "Deleting"])
def test_what_was_under_way_with_an_endpoint(control: Control, status: str) -> None:
    client = control.client()
    assert deploy(client, "e", container(name="old ")) == "InService"
    create_model(client, "new", container(name="new "))
    client.create_endpoint_config(EndpointConfigName="new", ProductionVariants=[variant("new")])
    if status == "Creating":
        client.create_endpoint(EndpointName="n", EndpointConfigName="new")
    elif status == "Updating":
        client.update_endpoint(EndpointName="e", EndpointConfigName="new")
    else:
        client.delete_endpoint(EndpointName="e")
    client = restart(control)
    runtime = control.client("sagemaker-runtime")
    if status == "Deleting":
        assert refused(client.describe_endpoint, EndpointName="e")[0] == "ValidationException"
        wait_for(lambda: not control.jobs())
        return
    name = "n" if status == "Creating" else "e"
    assert settled(client, name) == "InService"
    answer = runtime.invoke_endpoint(EndpointName=name, Body=b"x")["Body"].read()
    endpoint = client.describe_endpoint(EndpointName=name)
    if status == "Creating":
        assert answer == b"new x"
    else:  # the update went on
        assert answer == b"new x"
        assert (endpoint["EndpointConfigName"], "FailureReason" in endpoint) == ("new", False)


def test_a_model_that_no_longer_loads_is_a_failed_endpoint(control: Control) -> None:
    client = control.client()
    assert deploy(client, "e") == "InService"
    control.end(signal.SIGKILL)
    record = control.state / "records" / "endpoint" / "e.json"
    record.write_text(
        record.read_text().replace('"Environment": {}', '"Environment": {"behaviour": "broken"}')
    )
    control.start()
    client = control.client()
    assert settled(client, "e") == "Failed"
    assert "the model cannot be loaded" in client.describe_endpoint(EndpointName="e")["FailureReason"]


def test_a_clean_end_leaves_nothing_and_is_as_good_as_a_crash(control: Control) -> None:
    client = control.client()
    assert deploy(client, "e") == "InService"
    client.create_processing_job(**processing_request("stubborn", "hang stubborn grandchild away"))
    wait_for((control.state / "jobs/processing/stubborn/stubborn").exists)
    began = time.monotonic()
    control.end(signal.SIGTERM)
    assert time.monotonic() - began < 10
    assert control.jobs() == []
    control.start()
    client = control.client()
    job = client.describe_processing_job(ProcessingJobName="stubborn")
    assert job["ProcessingJobStatus"] == "Failed"
    assert "was stopped while this job ran" in job["FailureReason"]
    assert settled(client, "e") == "InService"


def test_a_killed_job_fails_alone(control: Control) -> None:
    client = control.client()
    client.create_processing_job(**processing_request("job", "hang graceful"))
    wait_for((control.state / "jobs/processing/job/graceful").exists)
    (pid,) = control.jobs()
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: job_status(client, "job") == "Failed")
    assert "killed (signal 9)" in client.describe_processing_job(ProcessingJobName="job")["FailureReason"]


def test_kill_9_while_resources_are_being_made(control: Control) -> None:
    """Whatever was confirmed before a kill is there after it, through several kills at odd moments."""
    confirmed: list[str] = []
    for round_number in range(4):
        client = control.client()

        def make(client: Any = client, round_number: int = round_number) -> None:
            for number in range(500):
                name = f"m-{round_number}-{number}"
                try:
                    create_model(client, name)
                    client.create_processing_job(**processing_request(name, "hang"))
                except (BotoCoreError, ClientError):
                    return
                confirmed.append(name)

        thread = threading.Thread(target=make)
        thread.start()
        time.sleep(0.2 + 0.07 * round_number)
        control.end(signal.SIGKILL)
        thread.join(20)
        control.start()
    client = control.client()
    pages = client.get_paginator("list_models").paginate()
    models = {item["ModelName"] for page in pages for item in page["Models"]}
    pages = client.get_paginator("list_processing_jobs").paginate()
    jobs = {
        item["ProcessingJobName"]: item["ProcessingJobStatus"]
        for page in pages
        for item in page["ProcessingJobSummaries"]
    }
    assert confirmed
    assert set(confirmed) <= models
    assert set(confirmed) <= set(jobs)
    assert set(jobs.values()) == {"Failed"}
    wait_for(lambda: not control.jobs(), what="no job outlives its server")
    leftovers = [
        path for path in Path(control.state / "records").rglob("*") if path.name.endswith(".writing")
    ]
    assert leftovers == []
