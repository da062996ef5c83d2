"""What every operation works with: the records, the processes, the objects, the names of things."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from helpers.local.errors import ServiceError
from helpers.local.objects import ObjectStore
from helpers.local.protocol import validation_error
from helpers.local.sagemaker.admission import Admission
from helpers.local.sagemaker.fleet import Fleet
from helpers.local.sagemaker.host import Host
from helpers.local.sagemaker.records import EndpointConfigRecord, EndpointRecord, JobRecord, ModelRecord
from helpers.local.store import NameTaken, NoRecord, Record, Store

ACCOUNT = "000000000000"

Resource = Literal["processing-job", "automl-job", "transform-job", "model", "endpoint-config", "endpoint"]
R = TypeVar("R", bound=Record)


@dataclass
class Plane:
    """The control plane's parts. Records are in ``state/records``, job directories in ``state/jobs``."""

    host: Host
    objects: ObjectStore
    admission: Admission
    fleet: Fleet = field(default_factory=Fleet)

    def __post_init__(self) -> None:
        records = self.host.state / "records"
        self.processing = Store(records / "processing", JobRecord)
        self.automl = Store(records / "automl", JobRecord)
        self.transform = Store(records / "transform", JobRecord)
        self.models = Store(records / "model", ModelRecord)
        self.endpoint_configs = Store(records / "endpoint-config", EndpointConfigRecord)
        self.endpoints = Store(records / "endpoint", EndpointRecord)

    @property
    def stores(self) -> dict[Resource, Store[Any]]:
        """Every store by the resource type that its ARNs name."""
        return {
            "processing-job": self.processing,
            "automl-job": self.automl,
            "transform-job": self.transform,
            "model": self.models,
            "endpoint-config": self.endpoint_configs,
            "endpoint": self.endpoints,
        }

    def arn(self, resource: Resource, name: str) -> str:
        """The ARN of a resource; its name is in lower case there, as the service has it."""
        return f"arn:aws:sagemaker:{self.host.region}:{ACCOUNT}:{resource}/{name.lower()}"

    def new(
        self,
        store: Store[R],
        kind: type[R],
        resource: Resource,
        name: str,
        request: Mapping[str, Any],
        **members: Any,
    ) -> R:
        """Create a record from a Create request; ``members`` are its kind's own.

        Raises ServiceError when the name is taken.
        """
        now = time.time()
        record = kind(
            name=name,
            arn=self.arn(resource, name),
            created=now,
            modified=now,
            tags=read_tags(request.get("Tags", [])),
            request=without_tags(request),
            **members,
        )
        try:
            store.create(record)
        except NameTaken as taken:
            raise _name_taken(resource, taken.args[0]) from None
        return record

    def find(self, resource: Resource, name: str) -> Any:
        """The record of a resource by its name. Raises ServiceError worded as the service words it."""
        try:
            return self.stores[resource].get(name)
        except NoRecord:
            raise self.missing(resource, name) from None

    def missing(self, resource: Resource, name: str) -> ServiceError:
        """The error for a resource that does not exist."""
        if resource == "automl-job":
            return ServiceError("ResourceNotFound", f"Could not find an AutoML job with name '{name}'.")
        if resource in ("processing-job", "transform-job"):
            return validation_error(f"Could not find requested job with name: {name}")
        return validation_error(f'Could not find {_NOUNS[resource]} "{self.arn(resource, name)}".')


_NOUNS: dict[Resource, str] = {
    "processing-job": "processing job",
    "automl-job": "AutoML job",
    "transform-job": "transform job",
    "model": "model",
    "endpoint-config": "endpoint configuration",
    "endpoint": "endpoint",
}


def _name_taken(resource: Resource, existing: Record) -> ServiceError:
    noun = _NOUNS[resource]
    if resource in ("model", "endpoint-config", "endpoint"):
        return validation_error(f'Cannot create already existing {noun} "{existing.arn}".')
    return ServiceError(
        "ResourceInUse",
        "Job name must be unique within an AWS account and region, and a job with this name already exists "
        f"({existing.arn})",
    )


def without_tags(request: Mapping[str, Any]) -> dict[str, Any]:
    """The members of a Create request but its tags, which are kept and told apart from it."""
    return {member: value for member, value in request.items() if member != "Tags"}


def read_tags(tags: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Tags by key. Raises ServiceError for a key given twice or reserved by AWS."""
    found: dict[str, str] = {}
    for tag in tags:
        if tag["Key"].lower().startswith("aws:"):
            raise validation_error(f"The tag key '{tag['Key']}' is reserved: keys must not begin with aws:.")
        if tag["Key"] in found:
            raise validation_error(f"Duplicate tag keys found: '{tag['Key']}' is given more than once.")
        found[tag["Key"]] = tag["Value"]
    return found
