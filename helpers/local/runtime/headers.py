"""What the headers of an invocation ask for, held to botocore's description of the runtime."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from werkzeug.wrappers import Request

from helpers.local.errors import ServiceError
from helpers.local.protocol import load_api
from helpers.local.runtime.errors import validation_error

Operation = Literal["InvokeEndpoint", "InvokeEndpointWithResponseStream", "InvokeEndpointAsync"]
PREFIX = "X-Amzn-SageMaker-"

# Members that name something which no endpoint of local SageMaker has, and what that is.
_ABSENT = {
    "TargetModel": "no multi-model containers",
    "EnableExplanations": "no Clarify explainers",
    "InferenceComponentName": "no inference components",
    "SessionId": "no stateful sessions",
}


@dataclass(frozen=True)
class Wishes:
    """The members of an invocation that travel in headers; None where the caller left one out."""

    content_type: str | None = None
    accept: str | None = None
    custom_attributes: str | None = None
    inference_id: str | None = None
    target_variant: str | None = None
    target_container: str | None = None
    input_location: str | None = None
    output_extension: str | None = None
    file_name: str | None = None
    time_to_live: int | None = None  # seconds an asynchronous invocation may wait
    timeout: int | None = None  # seconds it may then take

    @property
    def passed_on(self) -> dict[str, str]:
        """The headers a container is given beside the content type and what is accepted."""
        named = {"Custom-Attributes": self.custom_attributes, "Inference-Id": self.inference_id}
        return {PREFIX + name: value for name, value in named.items() if value is not None}


def read_wishes(request: Request, operation: Operation, endpoint: str) -> Wishes:
    """The checked members of an invocation. Raises ServiceError (ValidationError)."""
    sent = {name.lower(): value for name, value in request.headers}
    members: dict[str, Any] = {
        member: sent[header] for member, header in _headers(operation).items() if header in sent
    }
    for member, what in _ABSENT.items():
        if member in members:
            raise validation_error(f"Leave out {member}: local SageMaker has {what}.")
    _check(operation, endpoint, members)
    return Wishes(
        content_type=members.get("ContentType"),
        accept=members.get("Accept"),
        custom_attributes=members.get("CustomAttributes"),
        inference_id=members.get("InferenceId"),
        target_variant=members.get("TargetVariant"),
        target_container=members.get("TargetContainerHostname"),
        input_location=members.get("InputLocation"),
        output_extension=members.get("S3OutputPathExtension"),
        file_name=members.get("Filename"),
        time_to_live=members.get("RequestTTLSeconds"),
        timeout=members.get("InvocationTimeoutSeconds"),
    )


def _check(operation: Operation, endpoint: str, members: dict[str, Any]) -> None:
    for member in ("RequestTTLSeconds", "InvocationTimeoutSeconds"):
        text = members.get(member)
        if text is None:
            continue
        if not (text.isascii() and text.isdigit()):
            raise validation_error(f"{member} is a whole number of seconds: it is '{text}'.")
        members[member] = int(text)
    if not members.keys() - {"ContentType", "Accept"} and all(len(text) <= 1024 for text in members.values()):
        return  # nothing to check in what nearly every request is
    body = {"Body": ""} if operation != "InvokeEndpointAsync" else {}
    try:
        load_api("sagemaker-runtime").validate(operation, {"EndpointName": endpoint, **body, **members})
    except ServiceError as error:
        raise validation_error(error.message) from None


@lru_cache(maxsize=4)
def _headers(operation: Operation) -> Mapping[str, str]:
    """The header in lower case that each member of an operation travels in."""
    shape = load_api("sagemaker-runtime").model.operation_model(operation).input_shape
    return {
        name: member.serialization["name"].lower()
        for name, member in shape.members.items()
        if member.serialization.get("location") == "header"
    }
