"""The door is shut to everybody else: wrong hosts, web pages, strangers. And the server stays small."""

from __future__ import annotations

import http.client
import json
import os
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.exceptions import ClientError
from refusal import refused
from wire import SAGEMAKER, send, signed

from helpers import service as services
from helpers.service import ACCESS_KEY, Service

Aws = Callable[..., Any]


def test_ping_needs_no_signature(shared_service: Service) -> None:
    status, body = send(shared_service, "GET", "/_workshop/ping")
    assert status == 200
    assert json.loads(body) == {"pid": shared_service.pid, "state": str(shared_service.state)}


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:1", "localhost", "LOCALHOST:80", "[::1]", "[::1]:80"]
)
def test_names_of_this_machine(shared_service: Service, host: str) -> None:
    assert send(shared_service, "GET", "/_workshop/ping", {"Host": host})[0] == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example:80",
        "bucket.localhost",
        "0.0.0.0",
        "",
        "127.0.0.1@x",
    ],
)
def test_other_host_names(shared_service: Service, host: str) -> None:
    status, body = send(shared_service, "GET", "/_workshop/ping", {"Host": host})
    assert (status, b"<Code>AccessDenied</Code>" in body) == (403, True)


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:8888"])
def test_web_pages(shared_service: Service, origin: str) -> None:
    assert send(shared_service, "GET", "/_workshop/ping", {"Origin": origin})[0] == 403
    headers = signed(shared_service, "GET", "/") | {"Origin": origin}
    status, body = send(shared_service, "GET", "/", headers)
    assert (status, b"web pages" in body) == (403, True)


def test_it_listens_on_loopback_only(shared_service: Service) -> None:
    with pytest.raises(OSError):  # a server on 0.0.0.0 would answer here
        socket.create_connection(("127.0.0.2", urlsplit(shared_service.address).port or 0), timeout=5)


ANONYMOUS = [
    ("GET", "/", {}, b"", b"<Error><Code>AccessDenied</Code>"),
    ("POST", "/", SAGEMAKER, b"{}", b'{"__type": "AccessDenied"'),
    ("GET", "/bucket/key", {"Authorization": "Basic abc"}, b"", b"<Code>InvalidRequest</Code>"),
    (
        "GET",
        "/bucket/key",
        {"Authorization": "AWS4-HMAC-SHA256 nonsense"},
        b"",
        b"<Code>AuthorizationHeaderMalformed",
    ),
]


@pytest.mark.parametrize(("method", "path", "headers", "body", "expected"), ANONYMOUS)
def test_strangers(
    shared_service: Service, method: str, path: str, headers: dict[str, str], body: bytes, expected: bytes
) -> None:
    status, answer = send(shared_service, method, path, headers, body)
    assert 400 <= status < 500
    assert expected in answer


@pytest.mark.parametrize("name", ["s3", "sagemaker", "sts", "iam", "logs"])
def test_another_key_is_refused_in_the_form_of_each_protocol(shared_service: Service, name: str) -> None:
    calls: dict[str, Callable[[Any], Any]] = {
        "s3": lambda client: client.list_buckets(),
        "sagemaker": lambda client: client.list_models(),
        "sts": lambda client: client.get_caller_identity(),
        "iam": lambda client: client.list_roles(),
        "logs": lambda client: client.describe_log_groups(),
    }
    for access_key, secret, code in (
        (ACCESS_KEY, "another secret", "SignatureDoesNotMatch"),
        ("SOMEBODYELSE00000000", shared_service.key, "InvalidAccessKeyId"),
    ):
        session = boto3.session.Session(access_key, secret, region_name="us-east-1")
        with refused(code, 403):
            calls[name](session.client(name, endpoint_url=shared_service.address))


@pytest.mark.parametrize(
    ("name", "headers", "body"),
    [
        ("sagemaker", {"X-Amz-Target": "SageMaker.CreateSpaceship"}, b"{}"),
        ("logs", {"X-Amz-Target": "Logs_20140328.PutLogEvents"}, b"{}"),
        ("dynamodb", {"X-Amz-Target": "DynamoDB_20120810.ListTables"}, b"{}"),
        ("glue", {}, b""),
    ],
)
def test_unknown_operations_name_themselves(
    shared_service: Service, name: str, headers: dict[str, str], body: bytes
) -> None:
    sent = signed(shared_service, "POST", "/some/path", body, name, headers)
    status, answer = send(shared_service, "POST", "/some/path", sent, body)
    assert 400 <= status < 500
    wanted = headers.get("X-Amz-Target", "POST /some/path").rpartition(".")[2]
    assert wanted in answer.decode()


def test_bodies_wait_for_100_continue(shared_service: Service) -> None:
    for body in (b"", b"sent after the server said so"):
        path = f"/{shared_service.bucket}/continued"
        headers = signed(shared_service, "PUT", path, body)
        lines = [
            f"PUT {path} HTTP/1.1",
            f"Host: {urlsplit(shared_service.address).netloc}",
            "Expect: 100-continue",
        ]
        lines += [f"Content-Length: {len(body)}", *(f"{name}: {value}" for name, value in headers.items())]
        port = urlsplit(shared_service.address).port or 0
        with socket.create_connection(("127.0.0.1", port), timeout=10) as wire:
            wire.sendall("\r\n".join([*lines, "", ""]).encode())
            if body:
                assert wire.recv(4096).startswith(b"HTTP/1.1 100 Continue")
                wire.sendall(body)
            assert wire.recv(4096).startswith(b"HTTP/1.1 200")


def test_connections_are_kept(shared_service: Service) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", urlsplit(shared_service.address).port)
    sockets = set()
    for _ in range(3):
        connection.request("GET", "/_workshop/ping")
        assert connection.getresponse().read()
        sockets.add(connection.sock)
    connection.close()
    assert len(sockets) == 1


def test_one_slow_request_does_not_hold_up_others(shared_service: Service) -> None:
    path = f"/{shared_service.bucket}/slow"
    headers = signed(shared_service, "PUT", path, b"x" * 10)
    slow = http.client.HTTPConnection("127.0.0.1", urlsplit(shared_service.address).port)
    slow.putrequest("PUT", path)
    for name, value in ({"Content-Length": "10"} | headers).items():
        slow.putheader(name, value)
    slow.endheaders()
    slow.send(b"xxxxx")
    assert send(shared_service, "GET", "/_workshop/ping")[0] == 200
    slow.send(b"xxxxx")
    assert slow.getresponse().status == 200
    slow.close()


def memory(pid: int, name: str = "VmRSS") -> float:
    """Memory of a process in megabytes."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        pytest.skip("memory is read from /proc")
    line = next(line for line in status.read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) / 1000


def test_it_starts_soon_and_stays_small(tmp_path: Path) -> None:
    begin = time.monotonic()
    service = services.start(tmp_path / "state")
    seconds = time.monotonic() - begin
    try:
        services.client(service, "sagemaker").list_endpoints()
        idle = memory(service.pid)
        s3 = services.client(service, "s3")
        file = tmp_path / "large"
        with file.open("wb") as output:
            output.truncate(300_000_000)
        with file.open("rb") as opened:
            s3.put_object(Bucket=service.bucket, Key="large", Body=opened)
        for _ in s3.get_object(Bucket=service.bucket, Key="large")["Body"].iter_chunks(1024 * 1024):
            pass
        peak = memory(service.pid, "VmHWM")
    finally:
        services.stop(tmp_path / "state")
    assert seconds < 6  # the aim is 2; a busy machine may need longer
    assert idle < 120
    assert peak < idle + 60


def test_the_server_imports_nothing_heavy() -> None:
    script = (
        "import sys, helpers.local.server, helpers.local.__main__\n"
        "heavy = {'autogluon', 'sagemaker', 'pandas', 'numpy', 'ibis', 'duckdb', 'boto3'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    found = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=os.environ
    )
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "query",
    [
        "AWSAccessKeyId=WORKSHOPLOCAL0000000&Signature=abc&Expires=99999999999999999999",
        "AWSAccessKeyId=WORKSHOPLOCAL0000000&Signature=%C3%A9&Expires=9999999999",
        "AWSAccessKeyId=WORKSHOPLOCAL0000000&Signature=abc&Expires=%C2%B2",
        "X-Amz-Signature=%C3%A9&X-Amz-Expires=99",
        "X-Amz-Signature=a&X-Amz-Expires=%C2%B2",
    ],
)
def test_odd_signatures_are_refused_without_a_fuss(shared_service: Service, query: str) -> None:
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    credential = f"{ACCESS_KEY}/{moment[:8]}/us-east-1/s3/aws4_request"
    if query.startswith("X-Amz"):
        query += f"&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={credential}&X-Amz-Date={moment}"
        query += "&X-Amz-SignedHeaders=host"
    assert send(shared_service, "GET", f"/bucket/key?{query}")[0] in (400, 403)
    headers = {
        "Authorization": f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=\xe9"
    }
    assert send(shared_service, "GET", "/", headers | {"Date": moment})[0] in (400, 403)
    assert "Traceback" not in (shared_service.state / "server.log").read_text()


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux limits another process")
def test_a_full_disk_is_told_and_survived(service: Service, aws: Aws) -> None:
    s3, sagemaker = aws("s3"), aws("sagemaker")
    s3.put_object(Bucket=service.bucket, Key="kept", Body=b"old")
    limits = resource.prlimit(service.pid, resource.RLIMIT_FSIZE)  # stands in for a full disk
    calls: list[tuple[Callable[..., Any], dict[str, Any]]] = [
        (s3.put_object, {"Bucket": service.bucket, "Key": "kept", "Body": bytes(100)}),
        (s3.put_object, {"Bucket": service.bucket, "Key": "kept", "Body": bytes(8_000_000)}),
        (
            sagemaker.create_model,
            {"ModelName": "m", "ExecutionRoleArn": services.ROLE, "PrimaryContainer": {"Image": "image"}},
        ),
    ]
    resource.prlimit(service.pid, resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        for call, arguments in calls:
            with pytest.raises(ClientError, match=r"507|InsufficientStorage") as caught:
                call(**arguments)
            assert caught.value.response["ResponseMetadata"]["RetryAttempts"] == 0
        assert s3.get_object(Bucket=service.bucket, Key="kept")["Body"].read() == b"old"
    finally:
        resource.prlimit(service.pid, resource.RLIMIT_FSIZE, limits)
    for call, arguments in calls:
        call(**arguments)
    assert s3.head_object(Bucket=service.bucket, Key="kept")["ContentLength"] == 8_000_000
    assert list((service.state / "s3" / ".temporary").iterdir()) == []


def test_a_large_body_that_is_no_object_is_refused_unread(shared_service: Service) -> None:
    body = b"x" * 70_000_000
    path = "/endpoints/e/invocations"
    headers = signed(shared_service, "POST", path, body, "sagemaker")
    status, answer = send(shared_service, "POST", path, headers, body)
    assert (status, b"less than or equal to 6291456" in answer) == (400, True)
    headers = signed(shared_service, "POST", "/", body, "sagemaker", SAGEMAKER)
    status, answer = send(shared_service, "POST", "/", headers, body)
    assert (status, b"Your request was too large" in answer) == (413, True)


def test_a_body_that_was_changed_on_its_way_is_refused(shared_service: Service) -> None:
    path = "/endpoints/e/invocations"
    headers = signed(shared_service, "POST", path, b"1,2", "sagemaker")
    status, answer = send(shared_service, "POST", path, headers, b"1,3")
    assert (status, b"signature we calculated does not match" in answer) == (403, True)
    for body in (b"1,2", b"x" * 6_291_455, b"x" * 6_291_456):
        headers = signed(shared_service, "POST", path, body, "sagemaker")
        status, answer = send(shared_service, "POST", path, headers, body)
        assert (status, b"not found" in answer) == (400, True)
