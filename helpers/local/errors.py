"""Errors as AWS words them: a code, a sentence, an HTTP status; and how each protocol writes them down."""

from __future__ import annotations

import errno
import json
from collections.abc import Mapping
from enum import Enum
from xml.sax.saxutils import escape

from werkzeug.wrappers import Response


class Protocol(Enum):
    """How an API writes its answers."""

    S3 = "rest-xml"
    QUERY = "query"
    JSON = "json"
    REST_JSON = "rest-json"


class ServiceError(Exception):
    """An answer other than success: ``code`` as AWS names it, a message for people, the HTTP status."""

    def __init__(
        self,
        code: str,
        message: str,
        status: int = 400,
        details: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.details = dict(details or {})  # further elements of an S3 error
        self.headers = dict(headers or {})


NO_ROOM = frozenset([errno.ENOSPC, errno.EDQUOT, errno.EFBIG])  # errors of a full disk, however it is limited


def no_room(error: OSError) -> ServiceError:
    """The answer when the state directory cannot grow. A status that clients do not try again at once."""
    return ServiceError(
        "InsufficientStorage",
        f"Local SageMaker cannot write to its state directory: {error.strerror}. Make room there, then try "
        "again.",
        507,
    )


def error_response(error: ServiceError, protocol: Protocol, request_id: str) -> Response:
    """The HTTP response for an error in a protocol's own form."""
    if protocol is Protocol.S3:
        details = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in error.details.items())
        body = (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f"<Error><Code>{error.code}</Code><Message>{escape(error.message)}</Message>{details}"
            f"<RequestId>{request_id}</RequestId></Error>"
        )
        response = Response(body, error.status, content_type="application/xml")
    elif protocol is Protocol.QUERY:
        body = (
            f"<ErrorResponse><Error><Type>Sender</Type><Code>{error.code}</Code>"
            f"<Message>{escape(error.message)}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
        )
        response = Response(body, error.status, content_type="text/xml")
    elif protocol is Protocol.JSON:
        body = json.dumps({"__type": error.code, "message": error.message})
        response = Response(body, error.status, content_type="application/x-amz-json-1.1")
    else:
        body = json.dumps({"Message": error.message})
        response = Response(body, error.status, content_type="application/json")
    if protocol in (Protocol.JSON, Protocol.REST_JSON):
        response.headers["x-amzn-ErrorType"] = error.code
    for name, text in error.headers.items():
        response.headers[name] = text
    return response
