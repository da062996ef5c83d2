"""Signatures: what is signed cannot be changed, whatever form the body has."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import botocore.auth
import pytest
from wire import SAGEMAKER, send, signed, signed_stream

from helpers.local.signature import signing_key
from helpers.service import Service

Aws = Callable[..., Any]


def test_what_is_signed_cannot_be_changed(shared_service: Service) -> None:
    path, body = f"/{shared_service.bucket}/key", b"signed body"
    meta = {"x-amz-meta-a": "1"}
    headers = signed(shared_service, "PUT", path, body, headers=meta)
    assert send(shared_service, "PUT", path, headers, body)[0] == 200
    status, answer = send(shared_service, "PUT", path, headers, b"other body!")
    assert (status, b"XAmzContentSHA256Mismatch" in answer) == (400, True)
    for changed in (
        ("PUT", path + "2", headers),
        ("DELETE", path, headers),
        ("PUT", path + "?acl", headers),
        ("PUT", path, headers | {"x-amz-meta-a": "2"}),
        ("PUT", path, headers | {"Host": "localhost"}),
        ("PUT", path, headers | {"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"}),
    ):
        status, answer = send(shared_service, changed[0], changed[1], changed[2], body)
        assert (status, b"SignatureDoesNotMatch" in answer) == (403, True), changed
    status, answer = send(shared_service, "PUT", path, headers | {"x-amz-meta-b": "2"}, body)
    assert (status, b"not signed" in answer) == (403, True)


def test_the_body_of_a_control_plane_call_cannot_be_changed(shared_service: Service) -> None:
    headers = signed(shared_service, "POST", "/", b"{}", "sagemaker", SAGEMAKER)
    assert send(shared_service, "POST", "/", headers, b"{}")[0] == 200
    assert send(shared_service, "POST", "/", headers, b'{"MaxResults":1}')[0] == 403


def test_old_requests_are_refused(shared_service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    now = botocore.auth.get_current_datetime()
    for minutes, status in ((-14, 200), (14, 200), (-16, 403), (16, 403)):
        moment = now + timedelta(minutes=minutes)
        monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda moment=moment: moment)
        answer = send(shared_service, "GET", "/", signed(shared_service, "GET", "/"))
        assert (answer[0], b"RequestTimeTooSkewed" in answer[1]) == (status, status == 403)


def chunked_body(chunks: list[bytes], trailer: str) -> bytes:
    parts = [f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n" for chunk in chunks]
    return b"".join(parts) + b"0\r\n" + trailer.encode() + b"\r\n\r\n"


@pytest.mark.parametrize(
    ("checksum", "status"), [("y/Q5Jg==", 200), ("AAAAAA==", 400)], ids=["right checksum", "wrong checksum"]
)
def test_chunked_bodies_with_a_trailer(shared_service: Service, s3: Any, checksum: str, status: int) -> None:
    path = f"/{shared_service.bucket}/chunked"
    body = chunked_body([b"12345", b"6789"], f"x-amz-checksum-crc32:{checksum}")
    sent = {
        "Content-Encoding": "aws-chunked",
        "x-amz-trailer": "x-amz-checksum-crc32",
        "x-amz-decoded-content-length": "9",
    }
    headers = signed_stream(shared_service, path, "STREAMING-UNSIGNED-PAYLOAD-TRAILER", sent)
    answer = send(shared_service, "PUT", path, headers, body)
    assert answer[0] == status, answer
    if status == 200:
        got = s3.get_object(Bucket=shared_service.bucket, Key="chunked", ChecksumMode="ENABLED")
        assert (got["Body"].read(), got["ChecksumCRC32"]) == (b"123456789", checksum)
        assert "ContentEncoding" not in got


@pytest.fixture
def s3(shared_aws: Aws) -> Any:
    return shared_aws("s3")


@pytest.mark.parametrize("spoiled", [False, True])
def test_chunks_signed_one_by_one(shared_service: Service, s3: Any, spoiled: bool) -> None:
    path, chunks = f"/{shared_service.bucket}/signed-chunks", [b"a" * 70_000, b"tail", b""]
    sent = {"Content-Encoding": "aws-chunked", "x-amz-decoded-content-length": str(sum(map(len, chunks)))}
    headers = signed_stream(shared_service, path, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", sent)
    date = headers["X-Amz-Date"]
    previous = headers["Authorization"].rpartition("Signature=")[2]
    key = signing_key(shared_service.key, date[:8], "us-east-1", "s3")
    body = b""
    for chunk in chunks:
        hashes = f"{hashlib.sha256(b'').hexdigest()}\n{hashlib.sha256(chunk).hexdigest()}"
        text = f"AWS4-HMAC-SHA256-PAYLOAD\n{date}\n{date[:8]}/us-east-1/s3/aws4_request\n{previous}\n{hashes}"
        previous = hmac.new(key, text.encode(), "sha256").hexdigest()
        data = chunk.replace(b"tail", b"evil") if spoiled else chunk
        body += f"{len(chunk):x};chunk-signature={previous}\r\n".encode() + data + b"\r\n"
    status, answer = send(shared_service, "PUT", path, headers, body)
    if spoiled:
        assert (status, b"SignatureDoesNotMatch" in answer) == (403, True)
    else:
        assert status == 200, answer
        got = s3.get_object(Bucket=shared_service.bucket, Key="signed-chunks")
        assert got["Body"].read() == b"".join(chunks)


@pytest.mark.parametrize("digest", ["\xe9", "x", "====", "AAAA"])
def test_a_content_md5_that_is_none(shared_service: Service, digest: str) -> None:
    path = f"/{shared_service.bucket}/key"
    headers = signed(shared_service, "PUT", path, b"body", headers={"Content-MD5": digest})
    status, answer = send(shared_service, "PUT", path, headers, b"body")
    assert (status, b"InvalidDigest" in answer) == (400, True)
