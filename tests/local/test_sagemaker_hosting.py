"""Models, endpoint configurations and endpoints through boto3 against a real server, with stand-in models."""

import threading
import time
import uuid
from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name
from control_harness import (
    MODEL_DATA,
    ROLE,
    Control,
    container,
    create_model,
    deploy,
    refused,
    settled,
    variant,
    wait_for,
)
from control_server import NoLogs
from control_server import launch as launch_fake_job

from helpers.local.processes import marked
from helpers.local.protocol import load_api
from helpers.local.sagemaker.host import Host
from helpers.local.sagemaker.model_server import ModelServer
from helpers.local.sagemaker.records import Container, Variant
from helpers.local.sagemaker.registry import offered

API = load_api("sagemaker")
ARN = "arn:aws:sagemaker:us-east-1:000000000000"
VARIANT = Variant(name="a", containers=[], patience=20.0)


def fresh(kind: str) -> str:
    return f"{kind}-{uuid.uuid4().hex[:8]}"


def test_a_model_of_one_container(shared: Any) -> None:
    name = fresh("Model")
    given = container(NAME="value")
    answer = shared.create_model(ModelName=name, PrimaryContainer=given, ExecutionRoleArn=ROLE)
    assert answer["ModelArn"] == f"{ARN}:model/{name.lower()}"
    model = shared.describe_model(ModelName=name)
    assert model["PrimaryContainer"] == {**given, "Mode": "SingleModel"}
    assert model["EnableNetworkIsolation"] is False
    assert model["ExecutionRoleArn"] == ROLE
    for absent in ("Containers", "VpcConfig", "InferenceExecutionConfig", "Tags"):
        assert absent not in model
    assert refused(shared.create_model, ModelName=name.upper(), PrimaryContainer=given) == (
        "ValidationException",
        f'Cannot create already existing model "{ARN}:model/{name.lower()}".',
    )
    shared.delete_model(ModelName=name)
    missing = ("ValidationException", f'Could not find model "{ARN}:model/{name.lower()}".')
    assert refused(shared.describe_model, ModelName=name) == missing
    assert refused(shared.delete_model, ModelName=name) == missing


@pytest.mark.parametrize(
    ("members", "text"),
    [
        ({}, "Exactly one of PrimaryContainer and Containers"),
        (
            {"PrimaryContainer": container(), "Containers": [container()]},
            "Exactly one of PrimaryContainer and",
        ),
        ({"Containers": []}, "Exactly one of PrimaryContainer and Containers"),
        ({"Containers": [container()] * 16}, "length less than or equal to 15"),
        ({"PrimaryContainer": {}}, "must have an Image"),
        (
            {"PrimaryContainer": {"Image": "i", "ModelDataUrl": "s3://data/no.tar.gz"}},
            "Could not find model data at",
        ),
        (
            {"PrimaryContainer": {"Image": "i", "ModelDataUrl": "s3://absent/no.tar.gz"}},
            "Could not find model data",
        ),
        (
            {"PrimaryContainer": {"Image": "i", "ModelDataUrl": "https://x/no.tar.gz"}},
            "Could not find model data at",
        ),
        ({"PrimaryContainer": {"ModelPackageName": "p"}}, "does not offer ModelPackageName"),
        ({"PrimaryContainer": {"Image": "i", "Mode": "MultiModel"}}, "use Mode SingleModel"),
        (
            {"Containers": [{**container(), "ContainerHostname": "a"}, container()]},
            "every container must have one",
        ),
        ({"Containers": [{**container(), "ContainerHostname": "a"}] * 2}, "must be unique within the model"),
        (
            {"PrimaryContainer": container(**{f"N{i}": "x" * 1000 for i in range(40)})},
            "not be larger than 32768",
        ),
        (
            {"PrimaryContainer": container(), "Tags": [{"Key": "aws:x", "Value": ""}]},
            "must not begin with aws:",
        ),
        ({"PrimaryContainer": container(), "Tags": [{"Key": "a", "Value": ""}] * 2}, "given more than once"),
        ({"PrimaryContainer": container(), "ExecutionRoleArn": "me"}, "at 'executionRoleArn'"),
    ],
)
def test_bad_models(shared: Any, members: dict[str, Any], text: str) -> None:
    code, message = refused(shared.create_model, ModelName="refused", **members)
    assert code == "ValidationException"
    assert text in message
    assert refused(shared.describe_model, ModelName="refused")[1].startswith("Could not find model")


def test_an_endpoint_configuration(shared: Any) -> None:
    name = fresh("Config")
    create_model(shared, name)
    variants = [variant(name, "a", InitialVariantWeight=3.0), variant(name, "b")]
    answer = shared.create_endpoint_config(EndpointConfigName=name, ProductionVariants=variants)
    assert answer["EndpointConfigArn"] == f"{ARN}:endpoint-config/{name.lower()}"
    config = shared.describe_endpoint_config(EndpointConfigName=name)
    assert config["ProductionVariants"] == [variants[0], {**variants[1], "InitialVariantWeight": 1.0}]
    for absent in ("DataCaptureConfig", "AsyncInferenceConfig", "KmsKeyId", "VpcConfig"):
        assert absent not in config
    assert refused(shared.create_endpoint_config, EndpointConfigName=name, ProductionVariants=variants) == (
        "ValidationException",
        f'Cannot create already existing endpoint configuration "{ARN}:endpoint-config/{name.lower()}".',
    )
    shared.delete_endpoint_config(EndpointConfigName=name)
    missing = (
        "ValidationException",
        f'Could not find endpoint configuration "{ARN}:endpoint-config/{name.lower()}".',
    )
    assert refused(shared.describe_endpoint_config, EndpointConfigName=name) == missing
    assert refused(shared.delete_endpoint_config, EndpointConfigName=name) == missing
    assert refused(shared.create_endpoint, EndpointName=name, EndpointConfigName=name) == missing


@pytest.mark.parametrize(
    ("members", "text"),
    [
        ({"ProductionVariants": []}, "length greater than or equal to 1"),
        ({"ProductionVariants": [variant("absent")]}, f'Could not find model "{ARN}:model/absent".'),
        (
            {"ProductionVariants": [variant("model"), variant("model")]},
            "VariantName of each production variant",
        ),
        ({"ProductionVariants": [{"VariantName": "a", "ModelName": "model"}]}, "one is missing"),
        ({"ProductionVariants": [{"VariantName": "a"}]}, "must have a ModelName"),
        (
            {
                "ProductionVariants": [
                    variant("model", ServerlessConfig={"MemorySizeInMB": 2048, "MaxConcurrency": 5})
                ]
            },
            "not both",
        ),
        (
            {"ProductionVariants": [variant("model", InitialVariantWeight=0.0)]},
            "InitialVariantWeight above 0",
        ),
        ({"ProductionVariants": [variant("model", InitialVariantWeight=-1)]}, "greater than or equal to 0"),
        (
            {"ProductionVariants": [variant("model", InstanceType="ml.huge")]},
            "enum value set: [ml.t2.medium, ",
        ),
    ],
)
def test_bad_configurations(shared: Any, members: dict[str, Any], text: str) -> None:
    if not shared.list_models(NameContains="model")["Models"]:
        create_model(shared, "model")
    code, message = refused(shared.create_endpoint_config, EndpointConfigName="refused", **members)
    assert code == "ValidationException"
    assert text in message


def test_an_endpoint_from_start_to_end(sagemaker: Any, control: Control) -> None:
    create_model(sagemaker, "model")
    sagemaker.create_endpoint_config(EndpointConfigName="config", ProductionVariants=[variant("model")])
    answer = sagemaker.create_endpoint(EndpointName="Music", EndpointConfigName="config")
    assert answer["EndpointArn"] == f"{ARN}:endpoint/music"
    creating = sagemaker.describe_endpoint(EndpointName="Music")
    assert creating["EndpointStatus"] == "Creating"
    assert creating["EndpointConfigName"] == "config"
    assert refused(sagemaker.delete_endpoint, EndpointName="Music") == (
        "ValidationException",
        f'Cannot update in-progress endpoint "{ARN}:endpoint/music".',
    )
    assert settled(sagemaker, "Music") == "InService"
    endpoint = sagemaker.describe_endpoint(EndpointName="Music")
    (summary,) = endpoint["ProductionVariants"]
    assert summary["VariantName"] == "AllTraffic"
    assert (summary["CurrentWeight"], summary["DesiredWeight"]) == (1.0, 1.0)
    assert (summary["CurrentInstanceCount"], summary["DesiredInstanceCount"]) == (1, 1)
    assert summary["DeployedImages"][0]["SpecifiedImage"] == container()["Image"]
    for absent in ("DataCaptureConfig", "FailureReason", "AsyncInferenceConfig"):
        assert absent not in endpoint
    assert refused(sagemaker.create_endpoint, EndpointName="MUSIC", EndpointConfigName="config") == (
        "ValidationException",
        f'Cannot create already existing endpoint "{ARN}:endpoint/music".',
    )
    assert len(control.jobs()) == 1

    sagemaker.delete_endpoint(EndpointName="Music")
    sagemaker.get_waiter("endpoint_deleted").wait(
        EndpointName="Music", WaiterConfig={"Delay": 0.1, "MaxAttempts": 100}
    )
    assert control.jobs() == []
    assert refused(sagemaker.delete_endpoint, EndpointName="Music") == (
        "ValidationException",
        f'Could not find endpoint "{ARN}:endpoint/music".',
    )
    assert deploy(sagemaker, "again") == "InService"


def test_an_endpoint_whose_model_does_not_load_says_why(shared: Any) -> None:
    name = fresh("broken")
    assert deploy(shared, name, container(), container(behaviour="broken")) == "Failed"
    reason = shared.describe_endpoint(EndpointName=name)["FailureReason"]
    assert reason.startswith(
        "The container-2 container for production variant AllTraffic did not pass the ping health check. "
        "Please check CloudWatch logs for this endpoint. The process ended with exit code 1."
    )
    assert reason.endswith("the model cannot be loaded")
    code, text = refused(shared.update_endpoint, EndpointName=name, EndpointConfigName=name)
    assert (code, "Cannot update failed endpoint" in text) == ("ValidationException", True)
    shared.delete_endpoint(EndpointName=name)
    wait_for(lambda: not shared.list_endpoints(NameContains=name)["Endpoints"])


def test_an_endpoint_serves_on_without_its_model_and_configuration(
    shared: Any, shared_control: Control
) -> None:
    name = fresh("endpoint")
    assert deploy(shared, name) == "InService"
    shared.delete_model(ModelName=name)
    shared.delete_endpoint_config(EndpointConfigName=name)
    runtime = shared_control.client("sagemaker-runtime")
    assert runtime.invoke_endpoint(EndpointName=name, Body=b"1,2")["Body"].read() == b"1,2"
    shared.delete_endpoint(EndpointName=name)


def test_an_update_replaces_the_model_without_a_gap(sagemaker: Any, control: Control) -> None:
    assert deploy(sagemaker, "e", container(name="old ")) == "InService"
    create_model(sagemaker, "new", container(name="new "))
    sagemaker.create_endpoint_config(EndpointConfigName="new", ProductionVariants=[variant("new")])
    runtime = control.client("sagemaker-runtime")

    def ask() -> str:
        body: bytes = runtime.invoke_endpoint(EndpointName="e", Body=b"x")["Body"].read()
        return body.decode()

    assert ask() == "old x"
    sagemaker.update_endpoint(EndpointName="e", EndpointConfigName="new")
    updating = sagemaker.describe_endpoint(EndpointName="e")
    assert (updating["EndpointStatus"], updating["EndpointConfigName"]) == ("Updating", "e")
    answers = [ask()]
    while sagemaker.describe_endpoint(EndpointName="e")["EndpointStatus"] == "Updating":
        answers.append(ask())
    answers.append(ask())
    assert answers[-1] == "new x"
    assert set(answers) <= {"old x", "new x"}
    assert sorted(answers, reverse=True) == answers  # never back
    assert sagemaker.describe_endpoint(EndpointName="e")["EndpointConfigName"] == "new"
    wait_for(lambda: len(control.jobs()) == 1, what="the old model's process ends")


def test_an_update_lets_requests_under_way_end(sagemaker: Any, control: Control) -> None:
    assert deploy(sagemaker, "e", container(name="old")) == "InService"
    create_model(sagemaker, "new", container(name="new"))
    sagemaker.create_endpoint_config(EndpointConfigName="new", ProductionVariants=[variant("new")])
    answers: list[bytes] = []

    def ask() -> None:
        answers.append(
            control.client("sagemaker-runtime").invoke_endpoint(EndpointName="e", Body=b"slow")["Body"].read()
        )

    thread = threading.Thread(target=ask)
    thread.start()
    time.sleep(0.3)  # the request, of one second, is with the old model now
    sagemaker.update_endpoint(EndpointName="e", EndpointConfigName="new")
    settled(sagemaker, "e")
    thread.join(20)
    assert answers == [b"old"]
    wait_for(lambda: len(control.jobs()) == 1, what="the old model's process ends")


def test_an_update_to_a_bad_model_leaves_the_old_one_serving(sagemaker: Any, control: Control) -> None:
    assert deploy(sagemaker, "e", container(name="old ")) == "InService"
    create_model(sagemaker, "bad", container(behaviour="broken"))
    sagemaker.create_endpoint_config(EndpointConfigName="bad", ProductionVariants=[variant("bad")])
    sagemaker.update_endpoint(EndpointName="e", EndpointConfigName="bad")
    assert settled(sagemaker, "e") == "InService"
    endpoint = sagemaker.describe_endpoint(EndpointName="e")
    assert endpoint["EndpointConfigName"] == "e"
    assert endpoint["FailureReason"].startswith("The update was not completed: ")
    runtime = control.client("sagemaker-runtime")
    assert runtime.invoke_endpoint(EndpointName="e", Body=b"x")["Body"].read() == b"old x"
    sagemaker.delete_endpoint_config(EndpointConfigName="e")
    code, text = refused(sagemaker.update_endpoint, EndpointName="e", EndpointConfigName="bad")
    assert (code, text) == (
        "ValidationException",
        f'Could not find endpoint configuration "{ARN}:endpoint-config/e".',
    )


def test_weights_change_and_may_be_kept(sagemaker: Any) -> None:
    create_model(sagemaker, "m")
    variants = [variant("m", "a"), variant("m", "b")]
    for name in ("one", "two"):
        sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=variants)
    sagemaker.create_endpoint(EndpointName="e", EndpointConfigName="one")
    settled(sagemaker, "e")

    def weights() -> list[float]:
        found = sagemaker.describe_endpoint(EndpointName="e")["ProductionVariants"]
        return [item["CurrentWeight"] for item in found]

    def change(*pairs: tuple[str, float]) -> dict[str, Any]:
        wishes = [{"VariantName": name, "DesiredWeight": weight} for name, weight in pairs]
        return {"EndpointName": "e", "DesiredWeightsAndCapacities": wishes}

    sagemaker.update_endpoint_weights_and_capacities(**change(("a", 0.0), ("b", 2.0)))
    settled(sagemaker, "e")
    assert weights() == [0.0, 2.0]
    call = sagemaker.update_endpoint_weights_and_capacities
    assert "no variant 'c'" in refused(call, **change(("c", 1.0)))[1]
    assert "must have a DesiredWeight above 0" in refused(call, **change(("b", 0.0)))[1]
    assert weights() == [0.0, 2.0]
    sagemaker.update_endpoint(EndpointName="e", EndpointConfigName="two", RetainAllVariantProperties=True)
    settled(sagemaker, "e")
    assert weights() == [0.0, 2.0]
    sagemaker.update_endpoint(EndpointName="e", EndpointConfigName="one")
    settled(sagemaker, "e")
    assert weights() == [1.0, 1.0]


def test_tags(shared: Any) -> None:
    name = fresh("tagged")
    tags = [{"Key": "team", "Value": "music"}]
    arn = shared.create_model(
        ModelName=name, PrimaryContainer={"Image": "i", "ModelDataUrl": MODEL_DATA}, Tags=tags
    )["ModelArn"]
    assert shared.list_tags(ResourceArn=arn)["Tags"] == tags
    added = shared.add_tags(ResourceArn=arn, Tags=[{"Key": "team", "Value": "x"}, {"Key": "a", "Value": ""}])
    assert added["Tags"] == [{"Key": "a", "Value": ""}, {"Key": "team", "Value": "x"}]
    shared.delete_tags(ResourceArn=arn, TagKeys=["team", "absent"])
    assert shared.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": ""}]
    many = [{"Key": f"k{number}", "Value": ""} for number in range(50)]
    assert "at most 50 tags" in refused(shared.add_tags, ResourceArn=arn, Tags=many)[1]
    for missing in (f"{ARN}:model/absent", f"{ARN}:domain/x", arn.replace("us-east-1", "eu-west-1")):
        code, text = refused(shared.list_tags, ResourceArn=missing)
        assert (code, missing in text) == ("ValidationException", True)


def test_lists_are_sorted_filtered_and_paged(shared: Any) -> None:
    prefix = fresh("listed")
    names = [f"{prefix}-{number:02}" for number in range(13)]
    for name in names:
        create_model(shared, name)

    def listed(**arguments: Any) -> list[str]:
        return [
            item["ModelName"]
            for item in shared.list_models(NameContains=prefix.upper(), **arguments)["Models"]
        ]

    newest_first = names[::-1]
    assert listed() == newest_first[:10]
    assert listed(SortBy="Name", SortOrder="Ascending", MaxResults=100) == names
    assert listed(CreationTimeAfter=4102444800, MaxResults=100) == []
    assert listed(CreationTimeBefore=4102444800, MaxResults=100) == newest_first
    first = shared.list_models(NameContains=prefix, MaxResults=5)
    shared.delete_model(ModelName=first["Models"][-1]["ModelName"])  # the page's last item goes
    create_model(shared, f"{prefix}-new")  # and a newer one comes
    rest = shared.list_models(NameContains=prefix, MaxResults=100, NextToken=first["NextToken"])
    assert [item["ModelName"] for item in rest["Models"]] == newest_first[5:]
    assert "NextToken" not in rest
    for token in ("x", "bm90IGpzb24=", first["NextToken"][:-6]):
        assert "Invalid NextToken" in refused(shared.list_models, NextToken=token)[1]
    assert "Invalid NextToken" in refused(shared.list_models, NextToken=first["NextToken"], SortBy="Name")[1]
    pages = shared.get_paginator("list_models").paginate(
        NameContains=prefix, PaginationConfig={"PageSize": 4}
    )
    assert [len(page["Models"]) for page in pages] == [4, 4, 4, 1]


def test_other_operations_are_answered_at_once(shared: Any) -> None:
    code, text = refused(shared.create_training_job, TrainingJobName="x")
    assert code == "UnknownOperationException"
    assert text.startswith("Local SageMaker does not offer CreateTrainingJob.")


@pytest.mark.parametrize(
    "operation",
    [name for name in API.model.operation_names if name in offered(API) and name.startswith("List")],
)
def test_every_sort_key_of_the_model_sorts(shared: Any, operation: str) -> None:
    create_model(shared, fresh("sorted"))
    shape = API.model.operation_model(operation).input_shape
    if "SortBy" not in shape.members:
        assert operation == "ListTags"
        return
    required = dict.fromkeys(shape.required_members, "absent")
    for sort_by in shape.members["SortBy"].enum:
        for order in ("Ascending", "Descending"):
            arguments = {**required, "SortBy": sort_by, "SortOrder": order}
            if required:
                assert refused(getattr(shared, xform_name(operation)), **arguments)[0] == "ResourceNotFound"
            else:
                getattr(shared, xform_name(operation))(**arguments)


@pytest.mark.parametrize("operation", offered(API))
def test_an_empty_request_is_answered_or_refused(shared: Any, operation: str) -> None:
    required = API.model.operation_model(operation).input_shape.required_members
    call = getattr(shared, xform_name(operation))
    if not required:
        call()
        return
    code, text = refused(call)
    assert code == "ValidationException"
    for name in required:
        assert (
            f"Value null at '{name[0].lower()}{name[1:]}' failed to satisfy constraint: Member must" in text
        )


def test_a_container_stopped_while_it_starts_again_stays_stopped(tmp_path: Path) -> None:
    """The stop may come between the decision to start a process and its start."""
    stops: list[threading.Thread] = []

    def launch(kind: str, state: Path, directory: Path) -> list[str]:
        stops.append(threading.Thread(target=server.stop))
        stops[-1].start()
        time.sleep(0.3)  # the stop has found no process
        return launch_fake_job(kind, state, directory)

    host = Host(tmp_path, "us-east-1", NoLogs(), launch)
    model = Container(name="c", definition={"Image": "image", "Environment": {}})
    server = ModelServer(
        host, "endpoint/e/1", tmp_path / "jobs/endpoint/e/1", model, "group", "stream", VARIANT
    )
    try:
        server.start()
        server.settled.wait(10)
        stops[0].join(20)
        assert host.supervisor.running("endpoint/e/1") is None
        assert list(marked(tmp_path)) == []
        assert len(stops) == 1
    finally:
        host.supervisor.close()


def test_nobody_waits_for_a_container_stopped_before_its_start(tmp_path: Path) -> None:
    host = Host(tmp_path, "us-east-1", NoLogs(), launch_fake_job)
    model = Container(name="c", definition={"Image": "image", "Environment": {}})
    server = ModelServer(
        host, "endpoint/e/1", tmp_path / "jobs/endpoint/e/1", model, "group", "stream", VARIANT
    )
    server.stop()
    server.start()
    assert server.settled.wait(5)
    assert server.problem == "The container c was stopped before it could start."
    assert list(marked(tmp_path)) == []
