"""ModelDeployConfig: an AutoML job's best candidate becomes an endpoint when the job has ended well."""

import json
import signal
import uuid
from pathlib import Path
from typing import Any

import pytest
from control_harness import (
    Control,
    automl_ended,
    container,
    deploy,
    first_request,
    running_job,
    settled,
    wait_for,
)

CANDIDATE = {
    "CandidateName": "best",
    "ObjectiveStatus": "Succeeded",
    "CandidateStatus": "Completed",
    "CandidateSteps": [],
    "CreationTime": 1.0,
    "LastModifiedTime": 1.0,
}
BY_NAME = {"ModelDeployConfig": {"EndpointName": "mine"}}


def finish(progress: Path, *containers: dict[str, Any], **members: Any) -> None:
    """Have a job's process end well with a best candidate of these containers."""
    best = {**CANDIDATE, "InferenceContainers": list(containers) or [container(name="best ")]}
    progress.write_text(
        json.dumps({"AutoMLJobSecondaryStatus": "MaxCandidatesReached", "BestCandidate": best, **members})
    )
    (progress.parent / "go").write_text("")


def fresh(word: str) -> str:
    return f"{word}-{uuid.uuid4().hex[:8]}"


def secondary(client: Any, name: str) -> str:
    found: str = client.describe_auto_ml_job_v2(AutoMLJobName=name)["AutoMLJobSecondaryStatus"]
    return found


def left(client: Any, job: str = "") -> list[str]:
    """Every model, configuration and endpoint there is (whose name has the job's in it)."""
    named = {"NameContains": job} if job else {}
    return [
        *(item["ModelName"] for item in client.list_models(**named)["Models"]),
        *(item["EndpointConfigName"] for item in client.list_endpoint_configs(**named)["EndpointConfigs"]),
        *(item["EndpointName"] for item in client.list_endpoints(**named)["Endpoints"]),
    ]


def by_name(job: str) -> dict[str, Any]:
    """A ModelDeployConfig of an endpoint named after the job."""
    return {"ModelDeployConfig": {"EndpointName": f"{job}-endpoint"}}


def test_the_best_candidate_is_deployed_under_a_name_of_its_own(sagemaker: Any, control: Control) -> None:
    config = {"AutoGenerateEndpointName": True}
    progress = running_job(control, sagemaker, "job", ModelDeployConfig=config)
    running = sagemaker.describe_auto_ml_job_v2(AutoMLJobName="job")
    assert "ModelDeployResult" not in running
    finish(progress)
    done = automl_ended(sagemaker, "job")
    assert (done["AutoMLJobStatus"], done["AutoMLJobSecondaryStatus"]) == (
        "Completed",
        "MaxCandidatesReached",
    )
    assert done["ModelDeployConfig"] == config
    endpoint = done["ModelDeployResult"]["EndpointName"]
    assert endpoint.startswith("job-")
    assert "PartialFailureReasons" not in done
    found = sagemaker.describe_endpoint(EndpointName=endpoint)
    assert found["EndpointStatus"] == "InService"
    assert found["CreationTime"] < done["EndTime"]
    (shown,) = sagemaker.describe_endpoint_config(EndpointConfigName=found["EndpointConfigName"])[
        "ProductionVariants"
    ]
    assert (shown["InstanceType"], shown["InitialInstanceCount"]) == ("ml.m5.12xlarge", 1)
    assert sagemaker.describe_model(ModelName=shown["ModelName"])["Containers"][0]["Environment"] == {
        "name": "best "
    }
    answer = control.client("sagemaker-runtime").invoke_endpoint(EndpointName=endpoint, Body=b"x")
    assert answer["Body"].read() == b"best x"


def test_a_pipeline_is_deployed_under_the_name_given(sagemaker: Any, control: Control) -> None:
    """A job of the first version, whose best candidate has several containers."""
    sagemaker.create_auto_ml_job(**first_request("job", "hang graceful", **BY_NAME))
    directory = control.state / "jobs/automl/job"
    wait_for((directory / "graceful").exists)
    late = control.state / "late"
    finish(
        directory / "progress.json",
        container(name="a "),
        container(name="b ", **{"await": str(late)}),
        AutoMLJobSecondaryStatus="ExplainabilityError",
        PartialFailureReasons=[{"PartialFailureMessage": "no report"}],
    )
    wait_for(lambda: secondary(sagemaker, "job") == "DeployingModel")
    running = sagemaker.describe_auto_ml_job(AutoMLJobName="job")
    assert running["AutoMLJobStatus"] == "InProgress"
    assert not {"EndTime", "ModelDeployResult"} & set(running)
    assert running["BestCandidate"]["CandidateName"] == "best"
    (listed,) = sagemaker.list_auto_ml_jobs()["AutoMLJobSummaries"]
    assert listed["AutoMLJobSecondaryStatus"] == "DeployingModel"
    wait_for(lambda: sagemaker.list_endpoints()["Endpoints"], what="the endpoint is being made")
    assert sagemaker.describe_endpoint(EndpointName="mine")["EndpointStatus"] == "Creating"
    late.write_text("")
    automl_ended(sagemaker, "job")
    done = sagemaker.describe_auto_ml_job(AutoMLJobName="job")
    assert done["ModelDeployResult"] == {"EndpointName": "mine"}
    assert done["AutoMLJobSecondaryStatus"] == "ExplainabilityError"  # what the job itself says, stays
    assert done["PartialFailureReasons"] == [{"PartialFailureMessage": "no report"}]
    name = sagemaker.describe_endpoint(EndpointName="mine")["EndpointConfigName"]
    (shown,) = sagemaker.describe_endpoint_config(EndpointConfigName=name)["ProductionVariants"]
    assert (shown["InstanceType"], shown["InitialInstanceCount"]) == ("ml.m5.2xlarge", 2)
    answer = control.client("sagemaker-runtime").invoke_endpoint(EndpointName="mine", Body=b"x")
    assert answer["Body"].read() == b"b a x"


@pytest.mark.parametrize(
    ("members", "asked"),
    [
        ({}, False),
        ({"AutoMLJobSecondaryStatus": "MaxAutoMLJobRuntimeReached"}, True),
        ({"AutoMLJobSecondaryStatus": "CandidateDefinitionsGenerated", "BestCandidate": None}, True),
    ],
)
def test_what_is_not_deployed(
    shared: Any, shared_control: Control, members: dict[str, Any], asked: bool
) -> None:
    name = fresh("job")
    config = by_name(name) if asked else {"ModelDeployConfig": {"AutoGenerateEndpointName": False}}
    finish(running_job(shared_control, shared, name, **config), **members)
    done = automl_ended(shared, name)
    status = members.get("AutoMLJobSecondaryStatus", "MaxCandidatesReached")
    assert (done["AutoMLJobStatus"], done["AutoMLJobSecondaryStatus"]) == ("Completed", status)
    assert "ModelDeployResult" not in done
    assert left(shared, name) == []


@pytest.mark.parametrize(
    ("case", "text"),
    [
        ("broken", "the model cannot be loaded"),
        ("no data", "Could not find model data at s3://data/absent.tar.gz"),
        ("taken", "Cannot create already existing endpoint"),
        ("no container", "KeyError: 'InferenceContainers'"),
    ],
)
def test_a_deployment_that_fails_is_a_partial_failure(
    shared: Any, shared_control: Control, case: str, text: str
) -> None:
    name = fresh("job")
    endpoint = f"{name}-endpoint"
    if case == "taken":
        assert deploy(shared, endpoint, container(name="other ")) == "InService"
    before = left(shared, name)
    progress = running_job(shared_control, shared, name, **by_name(name))
    given = container(**({"behaviour": "broken"} if case == "broken" else {}))
    if case == "no data":
        given["ModelDataUrl"] = "s3://data/absent.tar.gz"
    best = {"BestCandidate": CANDIDATE} if case == "no container" else {}
    reasons = [{"PartialFailureMessage": f"reason {number}"} for number in range(5)]
    finish(progress, given, PartialFailureReasons=reasons, **best)
    done = automl_ended(shared, name)
    assert (done["AutoMLJobStatus"], done["AutoMLJobSecondaryStatus"]) == (
        "Completed",
        "ModelDeploymentError",
    )
    assert not {"ModelDeployResult", "FailureReason"} & set(done)
    assert done["BestCandidate"]["CandidateName"] == "best"
    texts = [item["PartialFailureMessage"] for item in done["PartialFailureReasons"]]
    assert texts[:4] == ["reason 0", "reason 1", "reason 2", "reason 3"]
    assert texts[4].startswith("The model was not deployed: ")
    assert text in texts[4]
    assert left(shared, name) == before
    if case == "taken":
        answer = shared_control.client("sagemaker-runtime").invoke_endpoint(EndpointName=endpoint, Body=b"x")
        assert answer["Body"].read() == b"other x"


def test_stopping_while_the_model_is_deployed(sagemaker: Any, control: Control) -> None:
    progress = running_job(control, sagemaker, "job", **BY_NAME)
    finish(progress, container(**{"await": str(control.state / "never")}))
    wait_for(lambda: sagemaker.list_endpoints()["Endpoints"], what="the endpoint comes up")
    sagemaker.stop_auto_ml_job(AutoMLJobName="job")
    done = automl_ended(sagemaker, "job")
    assert (done["AutoMLJobStatus"], done["AutoMLJobSecondaryStatus"]) == ("Stopped", "Stopped")
    assert "ModelDeployResult" not in done
    assert done["BestCandidate"]["CandidateName"] == "best"
    assert left(sagemaker) == []
    wait_for(lambda: not control.jobs())


def test_a_job_asked_to_stop_deploys_nothing(shared: Any, shared_control: Control) -> None:
    name = fresh("job")
    running_job(shared_control, shared, name, **by_name(name))
    shared.stop_auto_ml_job(AutoMLJobName=name)
    assert automl_ended(shared, name)["AutoMLJobStatus"] == "Stopped"
    assert left(shared, name) == []


@pytest.mark.parametrize(
    ("number", "asked"),
    [(signal.SIGKILL, "deploy"), (signal.SIGTERM, "deploy"), (signal.SIGKILL, "stop")],
)
def test_a_restart_while_the_model_is_deployed(control: Control, number: int, asked: str) -> None:
    client = control.client()
    progress = running_job(control, client, "job", **BY_NAME)
    late = control.state / "late"
    finish(progress, container(name="best ", **{"await": str(late)}))
    wait_for(lambda: client.list_endpoints()["Endpoints"])
    control.end(number)
    control.start()
    client = control.client()
    assert secondary(client, "job") == "DeployingModel"
    if asked == "stop":
        client.stop_auto_ml_job(AutoMLJobName="job")
        assert automl_ended(client, "job")["AutoMLJobStatus"] == "Stopped"
        assert left(client) == []
        return
    late.write_text("")
    done = automl_ended(client, "job")
    assert (done["AutoMLJobStatus"], done["AutoMLJobSecondaryStatus"]) == (
        "Completed",
        "MaxCandidatesReached",
    )
    assert done["ModelDeployResult"] == {"EndpointName": "mine"}
    assert settled(client, "mine") == "InService"
    assert len(left(client)) == 3
    answer = control.client("sagemaker-runtime").invoke_endpoint(EndpointName="mine", Body=b"x")
    assert answer["Body"].read() == b"best x"


@pytest.mark.parametrize("made", ["nothing", "model", "configuration"])
def test_a_deployment_goes_on_from_what_was_made(control: Control, made: str) -> None:
    """The server was killed between two of the deployment's steps."""
    client = control.client()
    progress = running_job(control, client, "job", **BY_NAME)
    finish(progress, container(**{"await": str(control.state / "late")}))
    wait_for(lambda: client.list_endpoints()["Endpoints"])
    control.end(signal.SIGKILL)
    records = control.state / "records"
    (records / "endpoint" / "mine.json").unlink()
    if made != "configuration":
        next((records / "endpoint-config").glob("job-*.json")).unlink()
    if made == "nothing":
        next((records / "model").glob("job-*.json")).unlink()
    (control.state / "late").write_text("")
    control.start()
    client = control.client()
    assert automl_ended(client, "job")["ModelDeployResult"] == {"EndpointName": "mine"}
    assert settled(client, "mine") == "InService"
    assert len(left(client)) == 3


def test_a_job_killed_by_a_restart_while_it_trained_deploys_nothing(control: Control) -> None:
    client = control.client()
    running_job(control, client, "job", **BY_NAME)
    control.end(signal.SIGKILL)
    control.start()
    client = control.client()
    assert automl_ended(client, "job")["AutoMLJobStatus"] == "Failed"
    assert left(client) == []


def test_the_name_may_be_in_use_until_the_model_is_there(shared: Any, shared_control: Control) -> None:
    name = fresh("job")
    endpoint = f"{name}-endpoint"
    assert deploy(shared, endpoint, container(name="old ")) == "InService"
    progress = running_job(shared_control, shared, name, **by_name(name))
    shared.delete_endpoint(EndpointName=endpoint)
    wait_for(lambda: not shared.list_endpoints(NameContains=name)["Endpoints"])
    finish(progress, container(name="new "))
    assert automl_ended(shared, name)["ModelDeployResult"] == {"EndpointName": endpoint}
    assert shared.describe_model(ModelName=endpoint)["Containers"] != []  # what is another's, stays
