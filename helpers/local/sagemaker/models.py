"""Models: one container, or an inference pipeline of several."""

from __future__ import annotations

from typing import Any

from helpers.local.errors import ServiceError
from helpers.local.objects import NoSuchBucket, NoSuchKey, split_uri
from helpers.local.protocol import validation_error
from helpers.local.sagemaker.listing import resources
from helpers.local.sagemaker.plane import Plane
from helpers.local.sagemaker.records import Container, ExecutionMode, ModelRecord
from helpers.local.sagemaker.registry import Answer, Request, operation

LARGEST_ENVIRONMENT = 32 * 1024  # bytes, all names and values of all containers of a model
LONGEST_VARIABLE = 1024  # bytes of a name, and of a value
NOT_OFFERED = (
    "ModelPackageName",
    "InferenceSpecificationName",
    "MultiModelConfig",
    "AdditionalModelDataSources",
)


@operation
def create_model(plane: Plane, request: Request) -> Answer:
    """Make a model from containers."""
    if ("PrimaryContainer" in request) == bool(request.get("Containers")):
        raise validation_error("Exactly one of PrimaryContainer and Containers must be given.")
    definitions = _definitions(request)
    _check_host_names(definitions, _mode(request))
    _check_environments(definitions)
    for definition in definitions:
        _check_container(plane, definition)
    record = plane.new(plane.models, ModelRecord, "model", request["ModelName"], request)
    return {"ModelArn": record.arn}


@operation
def describe_model(plane: Plane, request: Request) -> Answer:
    """A model."""
    record: ModelRecord = plane.find("model", request["ModelName"])
    answer: Answer = {
        "EnableNetworkIsolation": False,
        **record.request,
        "CreationTime": record.created,
        "ModelArn": record.arn,
    }
    if "PrimaryContainer" in answer:
        answer["PrimaryContainer"] = _described(answer["PrimaryContainer"])
    if "Containers" in answer:
        answer["Containers"] = [_described(definition) for definition in answer["Containers"]]
    return answer


@operation
def list_models(plane: Plane, request: Request) -> Answer:
    """Models, a page at a time."""
    return resources(
        request,
        plane.models.all(),
        lambda record: {"ModelName": record.name, "ModelArn": record.arn, "CreationTime": record.created},
        kind="Model",
        member="Models",
    )


@operation
def delete_model(plane: Plane, request: Request) -> Answer:
    """Forget a model; endpoints that serve it go on, and its data in S3 stays."""
    plane.find("model", request["ModelName"])
    plane.models.delete(request["ModelName"])
    return {}


def containers_of(record: ModelRecord) -> list[Container]:
    """The containers of a model in their order, named as the service names them in messages and logs."""
    definitions = [_with_archive(definition) for definition in _definitions(record.request)]
    if len(definitions) == 1:
        return [Container(name="primary", definition=definitions[0])]
    return [
        Container(name=definition.get("ContainerHostname", f"container-{number}"), definition=definition)
        for number, definition in enumerate(definitions, start=1)
    ]


def _with_archive(definition: dict[str, Any]) -> dict[str, Any]:
    """The definition with its ModelDataUrl, where its ModelDataSource is an archive."""
    source = definition.get("ModelDataSource", {}).get("S3DataSource", {})
    if source.get("CompressionType") != "Gzip":
        return definition
    others = {member: value for member, value in definition.items() if member != "ModelDataSource"}
    return {**others, "ModelDataUrl": source["S3Uri"]}


def mode_of(record: ModelRecord) -> ExecutionMode:
    """How the containers of a model are called: one after the other, or each by its name."""
    return _mode(record.request)


def _mode(request: Request) -> ExecutionMode:
    mode: ExecutionMode = request.get("InferenceExecutionConfig", {}).get("Mode", "Serial")
    return mode


def _definitions(request: Request) -> list[dict[str, Any]]:
    if "PrimaryContainer" in request:
        return [request["PrimaryContainer"]]
    definitions: list[dict[str, Any]] = request["Containers"]
    return definitions


def _described(definition: dict[str, Any]) -> dict[str, Any]:
    return {"Mode": "SingleModel", "Environment": {}, **definition}


def _check_host_names(definitions: list[dict[str, Any]], mode: ExecutionMode) -> None:
    names = [
        definition["ContainerHostname"] for definition in definitions if "ContainerHostname" in definition
    ]
    if names and len(definitions) > 1 and len(names) != len(definitions):
        raise validation_error("If one container has a ContainerHostname, every container must have one.")
    if len(set(names)) != len(names):
        raise validation_error("The ContainerHostname of each container must be unique within the model.")
    if mode == "Direct" and (len(definitions) < 2 or not names):
        raise validation_error(
            "InferenceExecutionConfig.Mode Direct needs Containers, two at least, each with the "
            "ContainerHostname it is called by."
        )


def _check_environments(definitions: list[dict[str, Any]]) -> None:
    environments: list[dict[str, str]] = [item.get("Environment", {}) for item in definitions]
    size = 0
    for environment in environments:
        for name, value in environment.items():
            for what, length in (("name", len(name.encode())), ("value", len(value.encode()))):
                if length > LONGEST_VARIABLE:
                    raise validation_error(
                        f"The Environment of a container has a {what} of {length} bytes ('{name:.50}'): at "
                        f"most {LONGEST_VARIABLE} are allowed."
                    )
                size += length
    if size > LARGEST_ENVIRONMENT:
        raise validation_error(
            "The Environment of a model's containers, names and values together, must not be larger than "
            f"{LARGEST_ENVIRONMENT} bytes: it has {size}."
        )


def _check_container(plane: Plane, definition: dict[str, Any]) -> None:
    for member in NOT_OFFERED:
        if member in definition:
            raise validation_error(f"Local SageMaker does not offer {member}: give Image and ModelDataUrl.")
    if definition.get("Mode", "SingleModel") != "SingleModel":
        raise validation_error("Local SageMaker does not offer multi-model containers: use Mode SingleModel.")
    if "Image" not in definition:
        raise validation_error("Every container must have an Image.")
    if "ModelDataUrl" in definition and "ModelDataSource" in definition:
        raise validation_error("Give either ModelDataUrl or ModelDataSource of a container, not both.")
    if "ModelDataUrl" in definition:
        _check_object(plane, definition["ModelDataUrl"])
    if "ModelDataSource" in definition:
        _check_source(plane, definition["ModelDataSource"].get("S3DataSource", {}))


def _check_source(plane: Plane, source: dict[str, Any]) -> None:
    if not source:
        raise validation_error("Give the S3DataSource of ModelDataSource.")
    for member in ("HubAccessConfig", "ManifestS3Uri", "ManifestEtag"):
        if member in source:
            raise validation_error(
                f"Local SageMaker does not offer {member} of ModelDataSource: leave it out."
            )
    uri = source["S3Uri"]
    if source["S3DataType"] == "S3Object":
        _check_object(plane, uri)
        return
    if source["CompressionType"] != "None":
        raise validation_error(
            "An S3DataType S3Prefix of ModelDataSource is uncompressed: set CompressionType to None."
        )
    if not uri.endswith("/"):
        raise validation_error(f"An S3Uri of S3DataType S3Prefix must end with a slash: it is {uri}.")
    try:
        found = next(plane.objects.list(*split_uri(uri)), None)
    except (NoSuchBucket, ValueError):
        found = None
    if found is None:
        raise _no_data(uri)


def _check_object(plane: Plane, uri: str) -> None:
    try:
        plane.objects.head(*split_uri(uri))
    except (NoSuchBucket, NoSuchKey, ValueError):
        raise _no_data(uri) from None


def _no_data(uri: str) -> ServiceError:
    return validation_error(
        f"Could not find model data at {uri}. Write it as s3://bucket/key of an object that exists."
    )
