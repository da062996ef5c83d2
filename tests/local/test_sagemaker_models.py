"""What a model may be: its containers, their names, their environments and their data."""

import json
from typing import Any

import pytest
from control_harness import (
    MODEL_DATA,
    ROLE,
    Control,
    container,
    deploy,
    refused,
    settled,
    variant,
)

NETWORK = {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1", "subnet-2"]}


def prefix(control: Control, *names: str) -> str:
    """Objects below a prefix: its address."""
    for name in names:
        control.objects.put("data", f"files/{name}", b"x")
    return "s3://data/files/"


def source(uri: str, kind: str = "S3Prefix", compression: str = "None", **members: Any) -> dict[str, Any]:
    """A container with a ModelDataSource."""
    data = {"S3Uri": uri, "S3DataType": kind, "CompressionType": compression, **members}
    return {"Image": container()["Image"], "ModelDataSource": {"S3DataSource": data}}


def test_network_and_role_are_echoed(shared: Any) -> None:
    shared.create_model(
        ModelName="network",
        PrimaryContainer=container(),
        ExecutionRoleArn=ROLE,
        VpcConfig=NETWORK,
        EnableNetworkIsolation=True,
        InferenceExecutionConfig={"Mode": "Serial"},
    )
    model = shared.describe_model(ModelName="network")
    assert model["VpcConfig"] == NETWORK
    assert model["EnableNetworkIsolation"] is True
    assert model["ExecutionRoleArn"] == ROLE
    assert model["InferenceExecutionConfig"] == {"Mode": "Serial"}
    for members in ({"Subnets": []}, {"SecurityGroupIds": ["s"] * 6}):
        code, _ = refused(
            shared.create_model,
            ModelName="refused",
            PrimaryContainer=container(),
            VpcConfig={**NETWORK, **members},
        )
        assert code == "ValidationException"


@pytest.mark.parametrize("name", ["-a", "a-", "a_b", "a.b", "", "a" * 64])
def test_names_of_models(shared: Any, name: str) -> None:
    code, text = refused(shared.create_model, ModelName=name, PrimaryContainer=container())
    assert code == "ValidationException"
    assert "at 'modelName' failed to satisfy constraint" in text


@pytest.mark.parametrize("name", ["a", "a--b", "A" * 63, "0-9"])
def test_names_that_models_may_have(shared: Any, name: str) -> None:
    arn = shared.create_model(ModelName=name, PrimaryContainer=container())["ModelArn"]
    assert arn.endswith(f":model/{name.lower()}")
    shared.delete_model(ModelName=name)


def test_up_to_fifteen_containers_one_included(shared: Any) -> None:
    for count in (1, 15):
        name = f"of-{count}"
        shared.create_model(ModelName=name, Containers=[container()] * count)
        assert len(shared.describe_model(ModelName=name)["Containers"]) == count


@pytest.mark.parametrize(
    ("environments", "text"),
    [
        ([{f"N{number}": "" for number in range(101)}], "length less than or equal to 100"),
        ([{"n": "x" * 1025}], "length less than or equal to 1024"),
        ([{"n": "ß" * 513}], "a value of 1026 bytes ('n')"),
        ([{"n-m": ""}], "regular expression pattern"),
        ([{"n": 1}], "Member must be a string"),
        ([{f"N{number}": "x" * 1000 for number in range(20)}] * 2, "must not be larger than 32768 bytes"),
    ],
)
def test_environments_have_limits(shared: Any, environments: list[dict[str, Any]], text: str) -> None:
    containers = [{**container(), "Environment": environment} for environment in environments]
    code, message = refused(shared.create_model, ModelName="refused", Containers=containers)
    assert (code, text in message) == ("ValidationException", True), message


def test_environments_up_to_the_limits(shared: Any) -> None:
    environment = {f"N{number:02}": "x" * 1020 for number in range(32)}  # 32 * 1023 bytes
    shared.create_model(ModelName="large", PrimaryContainer=container(**environment))
    assert shared.describe_model(ModelName="large")["PrimaryContainer"]["Environment"] == environment
    many = {f"N{number}": "x" for number in range(100)}
    shared.create_model(ModelName="many", PrimaryContainer=container(**many))


def test_containers_are_named_by_position_or_by_host_name(shared: Any, shared_control: Control) -> None:
    named = [{**container(), "ContainerHostname": name} for name in ("before", "after")]
    for name, containers, expected in (
        ("single", [{**container(), "ContainerHostname": "ignored"}], ["primary"]),
        ("placed", [container(), container()], ["container-1", "container-2"]),
        ("named", named, ["before", "after"]),
    ):
        assert deploy(shared, name, *containers) == "InService"
        record = json.loads((shared_control.state / f"records/endpoint/{name}.json").read_bytes())
        (only,) = record["serving"]["variants"]
        assert [item["name"] for item in only["containers"]] == expected
        shared.delete_endpoint(EndpointName=name)


def test_an_archive_as_a_data_source_is_as_good_as_its_address(shared: Any, shared_control: Control) -> None:
    given = source(MODEL_DATA, "S3Object", "Gzip")
    shared.create_model(ModelName="archive", PrimaryContainer=given)
    assert (
        shared.describe_model(ModelName="archive")["PrimaryContainer"]["ModelDataSource"]
        == (given["ModelDataSource"])
    )
    shared.create_endpoint_config(EndpointConfigName="archive", ProductionVariants=[variant("archive")])
    shared.create_endpoint(EndpointName="archive", EndpointConfigName="archive")
    assert settled(shared, "archive") == "InService"
    (request,) = (shared_control.state / "jobs/endpoint/archive").glob("*/*/*/request.json")
    assert json.loads(request.read_bytes())["Container"]["ModelDataUrl"] == MODEL_DATA
    shared.delete_endpoint(EndpointName="archive")


def test_files_as_a_data_source(shared: Any, shared_control: Control) -> None:
    uri = prefix(shared_control, "a.json", "code/inference.py")
    for name, given in (("files", source(uri)), ("file", source(f"{uri}a.json", "S3Object"))):
        shared.create_model(ModelName=name, PrimaryContainer=given)
        described = shared.describe_model(ModelName=name)["PrimaryContainer"]
        assert described["ModelDataSource"] == given["ModelDataSource"]


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (source("s3://data/none/"), "Could not find model data at s3://data/none/"),
        (source("s3://absent/x/"), "Could not find model data at s3://absent/x/"),
        (source("s3://data/model.tar.gz", "S3Object", "Gzip") | {"ModelDataUrl": MODEL_DATA}, "not both"),
        (source("s3://data/files"), "must end with a slash"),
        (source("s3://data/files/", compression="Gzip"), "set CompressionType to None"),
        (source("s3://data/absent", "S3Object"), "Could not find model data"),
        (source("s3://data/files/", ManifestS3Uri="s3://data/manifest"), "does not offer ManifestS3Uri"),
        ({"Image": "i", "ModelDataSource": {}}, "Give the S3DataSource"),
        ({"Image": "i", "MultiModelConfig": {"ModelCacheSetting": "Enabled"}}, "does not offer MultiModel"),
    ],
)
def test_bad_data_sources(shared: Any, given: dict[str, Any], text: str) -> None:
    code, message = refused(shared.create_model, ModelName="refused", PrimaryContainer=given)
    assert (code, text in message) == ("ValidationException", True), message
