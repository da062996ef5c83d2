"""What the runtime answers when there is no prediction."""

from __future__ import annotations

import json
from dataclasses import dataclass

from werkzeug.wrappers import Response

from helpers.local.errors import ServiceError
from helpers.local.sagemaker.plane import ACCOUNT

LONGEST_MESSAGE = 32_768  # characters of a container's error that are handed on


def validation_error(message: str) -> ServiceError:
    """The error for a request that the runtime refuses; its code is not the control plane's."""
    return ServiceError("ValidationError", message)


def not_found(endpoint: str) -> ServiceError:
    """The error for an endpoint that is not there."""
    return validation_error(f"Endpoint {endpoint} of account {ACCOUNT} not found.")


def throttled(why: str) -> ServiceError:
    """The error for an invocation that there is no room for; clients try again by themselves."""
    return ServiceError("ThrottlingException", f"Rate exceeded: {why} Try again.")


def timed_out(container: str) -> str:
    """The service's words for a container that did not answer in time."""
    return (
        f"Your invocation timed out while waiting for a response from container {container}. Review the "
        "latency metrics for each container in Amazon CloudWatch, resolve the issue, and try again."
    )


@dataclass(eq=False)
class ModelError(Exception):
    """The model, not the service, failed. ``status`` is what the container answered, 0 if it did not."""

    endpoint: str
    container: str
    status: int
    text: str

    def message(self, region: str) -> str:
        """The service's sentence around the container's own words."""
        side = "client" if self.is_client_error else "server"
        return (
            f'Received {side} error ({self.status}) from {self.container} with message "{self.text}". '
            f"See https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}"
            f"#logEventViewer:group={self.log_group} in account {ACCOUNT} for more information."
        )

    @property
    def is_client_error(self) -> bool:
        """Whether the container blames the request."""
        return 400 <= self.status < 500

    @property
    def log_group(self) -> str:
        """Where the containers of the endpoint write to."""
        return f"/aws/sagemaker/Endpoints/{self.endpoint}"

    def response(self, region: str, request_id: str) -> Response:
        """The answer of the service: 424 with the container's own status and message inside."""
        body = {
            "ErrorCode": f"{'CLIENT_ERROR' if self.is_client_error else 'INTERNAL_FAILURE'}_FROM_MODEL",
            "LogStreamArn": f"arn:aws:logs:{region}:{ACCOUNT}:log-group:{self.log_group}",
            "Message": self.message(region),
            "OriginalMessage": self.text,
            "OriginalStatusCode": self.status,
        }
        response = Response(json.dumps(body), 424, content_type="application/json")
        response.headers["x-amzn-ErrorType"] = "ModelError"
        response.headers["x-amzn-RequestId"] = request_id
        return response
