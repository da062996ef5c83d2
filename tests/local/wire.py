"""Requests over a plain socket, signed or not, with nothing added."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from helpers.service import ACCESS_KEY, Service

SAGEMAKER = {"X-Amz-Target": "SageMaker.ListModels", "Content-Type": "application/x-amz-json-1.1"}


def send(
    service: Service, method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b""
) -> tuple[int, bytes]:
    """One request as it is, with nothing added."""
    connection = http.client.HTTPConnection("127.0.0.1", urlsplit(service.address).port, timeout=30)
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    given = {"Host": urlsplit(service.address).netloc, "Content-Length": str(len(body))} | (headers or {})
    for name, value in given.items():
        connection.putheader(name, value)
    connection.endheaders(body)
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    return answer.status, data


def signed(
    service: Service,
    method: str,
    path: str,
    body: bytes = b"",
    name: str = "s3",
    headers: dict[str, str] | None = None,
    key: str | None = None,
) -> dict[str, str]:
    """The headers that botocore signs a request with."""
    request = AWSRequest(method, service.address + path, headers=headers or {}, data=body)
    signer = S3SigV4Auth if name == "s3" else SigV4Auth
    signer(Credentials(ACCESS_KEY, key or service.key), name, "us-east-1").add_auth(request)
    return dict(request.headers.items())


def signed_stream(service: Service, path: str, word: str, headers: dict[str, str]) -> dict[str, str]:
    """The headers of a PUT whose body is announced by a word instead of its hash."""
    request = AWSRequest("PUT", service.address + path, headers=headers)

    class Signer(S3SigV4Auth):  # type: ignore[misc]
        def payload(self, _: AWSRequest) -> str:
            return word

    Signer(Credentials(ACCESS_KEY, service.key), "s3", "us-east-1").add_auth(request)
    return dict(request.headers.items())
