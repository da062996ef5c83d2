"""What the control plane keeps of each resource, beside the request that made it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from helpers.local.store import Record

JobStatus = Literal["InProgress", "Completed", "Failed", "Stopping", "Stopped"]
EndpointStatus = Literal["Creating", "Updating", "SystemUpdating", "InService", "Deleting", "Failed"]
ExecutionMode = Literal["Serial", "Direct"]


@dataclass(kw_only=True)
class ModelDeployment:
    """What an AutoML job's ModelDeployConfig makes: an endpoint, its model and configuration of one name."""

    endpoint: str
    resources: str
    problem: str | None = None  # why there is no such endpoint


@dataclass(kw_only=True)
class JobRecord(Record):
    """A processing, AutoML or transform job. Times in epoch seconds."""

    status: JobStatus = "InProgress"
    cores: int = 1  # what it asks of the machine, as is the next
    memory: int = 0  # bytes
    limit: float | None = None  # seconds its process may run
    queued: bool = False  # it waits for its turn: there is no process yet
    started: float | None = None
    ended: float | None = None
    failure: str | None = None
    deployment: ModelDeployment | None = None  # begun when the process had ended well
    message: str | None = None  # the ExitMessage when the service has something to say, not the job


@dataclass(kw_only=True)
class ModelRecord(Record):
    """A model: one container, or an inference pipeline of several."""


@dataclass(kw_only=True)
class EndpointConfigRecord(Record):
    """An endpoint configuration."""


@dataclass(kw_only=True)
class Container:
    """A container to run: its name in messages and logs, and its API definition."""

    name: str
    definition: dict[str, Any]


@dataclass(kw_only=True)
class Wish:
    """What UpdateEndpointWeightsAndCapacities asks of a variant."""

    weight: float
    instances: int | None = None
    serverless: dict[str, Any] | None = None


@dataclass(kw_only=True)
class Variant:
    """A production variant as deployed: the model as it was, so that deleting it harms nothing."""

    name: str
    containers: list[Container]
    weight: float = 1.0
    instances: int | None = None  # None for a serverless variant
    instance_type: str | None = None
    serverless: dict[str, Any] | None = None  # MemorySizeInMB and MaxConcurrency
    wish: Wish | None = None  # what weight and capacity are being changed to
    patience: float = 240.0  # seconds a container may take until it answers /ping
    mode: ExecutionMode = "Serial"  # one after the other, or each called by its name


@dataclass(kw_only=True)
class DataCapture:
    """Which invocations are kept in S3, and how."""

    destination: str  # s3://bucket/prefix
    percentage: int = 100  # of the invocations, 0 to 100
    enabled: bool = True
    input: bool = True  # the bodies of requests are kept
    output: bool = True  # those of answers are
    csv_types: list[str] = field(default_factory=list)  # content types kept as text; all others in base64
    json_types: list[str] = field(default_factory=list)
    key: str | None = None  # KmsKeyId


@dataclass(kw_only=True)
class AsynchronousInference:
    """Where the answers to asynchronous invocations go."""

    output: str  # s3://bucket/prefix
    failures: str | None = None  # s3://bucket/prefix of what went wrong; nowhere when there is none
    at_once: int | None = None  # invocations that a container is asked at a time; None leaves it to us
    key: str | None = None  # KmsKeyId


@dataclass(kw_only=True)
class Deployment:
    """One generation of an endpoint: the variants of one configuration, and what else it asks for."""

    generation: str
    config_name: str
    variants: list[Variant]
    capture: DataCapture | None = None
    asynchronous: AsynchronousInference | None = (
        None  # the endpoint takes asynchronous invocations, no others
    )


@dataclass(kw_only=True)
class EndpointRecord(Record):
    """An endpoint: what serves now, and what an update is bringing up."""

    status: EndpointStatus = "Creating"
    failure: str | None = None
    serving: Deployment | None = None
    coming: Deployment | None = None
    begun: float | None = None  # when that update was asked for
    deployment_config: dict[str, Any] | None = None  # the last DeploymentConfig: how traffic moves over
