"""Objects over HTTP, as boto3 sees them: reading, writing, copying, deleting, conditions, checksums."""

from __future__ import annotations

import base64
import hashlib
import time
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import urllib3
from botocore.config import Config
from refusal import refused

from helpers.service import Service

Aws = Callable[..., Any]
BUCKET = "objects"
ONCE = Config(retries={"total_max_attempts": 1})


@pytest.fixture(scope="module")
def s3(shared_aws: Aws) -> Any:
    client = shared_aws("s3", config=ONCE)
    client.create_bucket(Bucket=BUCKET)
    return client


def body(s3: Any, key: str, **more: Any) -> bytes:
    data: bytes = s3.get_object(Bucket=BUCKET, Key=key, **more)["Body"].read()
    return data


def test_what_is_put_comes_back(s3: Any) -> None:
    sent = {
        "ContentType": "text/csv; charset=utf-8",
        "Metadata": {"rows": "2", "under_score": "kept", "dash-ed": "a  b"},
        "CacheControl": "max-age=60",
        "ContentDisposition": 'attachment; filename="a.csv"',
        "ContentLanguage": "en",
        "ContentEncoding": "identity",
    }
    put = s3.put_object(
        Bucket=BUCKET, Key="a/table.csv", Body=b"x\n1\n2\n", Tagging="kind=train&x=y%20z", **sent
    )
    got = s3.get_object(Bucket=BUCKET, Key="a/table.csv")
    assert got["Body"].read() == b"x\n1\n2\n"
    digest = hashlib.md5(b"x\n1\n2\n").hexdigest()
    assert got["ETag"] == put["ETag"] == f'"{digest}"'
    assert {name: got[name] for name in sent} == sent
    assert got["TagCount"] == 2
    assert got["ContentLength"] == 6
    assert abs(got["LastModified"] - datetime.now(UTC)) < timedelta(seconds=60)
    head = s3.head_object(Bucket=BUCKET, Key="a/table.csv")
    assert {name: head[name] for name in sent} == {name: got[name] for name in sent}


def test_an_object_is_a_file_and_a_file_is_an_object(s3: Any, shared_service: Service) -> None:
    s3.put_object(Bucket=BUCKET, Key="plain/file.txt", Body=b"hello")
    directory = shared_service.state / "s3" / BUCKET / "plain"
    assert (directory / "file.txt").read_bytes() == b"hello"
    (directory / "by hand.csv").write_text("a,b\n")
    got = s3.get_object(Bucket=BUCKET, Key="plain/by hand.csv")
    assert (got["Body"].read(), got["ContentType"]) == (b"a,b\n", "text/csv")


@pytest.mark.parametrize(
    "key", ["x/", "a b+c&d=e?f#g%20.txt", "ünï/😀", "a//b", "/lead", "../../up", "tab\tnew\nline"]
)
def test_odd_keys(s3: Any, key: str) -> None:
    s3.put_object(Bucket=BUCKET, Key=key, Body=key.encode())
    assert body(s3, key) == key.encode()
    assert s3.head_object(Bucket=BUCKET, Key=key)["ContentLength"] == len(key.encode())
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET, Prefix=key)["Contents"]] == [key]
    s3.delete_object(Bucket=BUCKET, Key=key)
    with refused("NoSuchKey", 404):
        s3.get_object(Bucket=BUCKET, Key=key)


def test_missing_and_impossible_keys(s3: Any) -> None:
    with refused("NoSuchKey", 404):
        s3.get_object(Bucket=BUCKET, Key="none")
    with refused("404", 404):
        s3.head_object(Bucket=BUCKET, Key="none")
    with refused("NoSuchBucket", 404):
        s3.get_object(Bucket="no-such-bucket", Key="none")
    with refused("NoSuchBucket", 404):
        s3.put_object(Bucket="no-such-bucket", Key="none", Body=b"")
    with refused("KeyTooLongError", 400):
        s3.put_object(Bucket=BUCKET, Key="k" * 1025, Body=b"")
    with refused("NoSuchVersion", 404):
        s3.get_object(Bucket=BUCKET, Key="none", VersionId="abc")
    assert s3.delete_object(Bucket=BUCKET, Key="none")["ResponseMetadata"]["HTTPStatusCode"] == 204
    with refused("AccessDenied", 403):
        s3.list_objects_v2(Bucket=BUCKET, ExpectedBucketOwner="111111111111")
    s3.list_objects_v2(Bucket=BUCKET, ExpectedBucketOwner="000000000000")
    with refused("MetadataTooLarge", 400):
        s3.put_object(Bucket=BUCKET, Key="big", Body=b"", Metadata={"a": "x" * 2100})


def test_empty_object(s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key="empty", Body=b"")
    assert body(s3, "empty") == b""
    with refused("InvalidRange", 416):
        s3.get_object(Bucket=BUCKET, Key="empty", Range="bytes=0-0")


@pytest.mark.parametrize(
    ("given", "expected", "content_range"),
    [
        ("bytes=0-0", b"0", "bytes 0-0/10"),
        ("bytes=2-4", b"234", "bytes 2-4/10"),
        ("bytes=7-", b"789", "bytes 7-9/10"),
        ("bytes=-3", b"789", "bytes 7-9/10"),
        ("bytes=-30", b"0123456789", "bytes 0-9/10"),
        ("bytes=5-100", b"56789", "bytes 5-9/10"),
        ("bytes=5-2", b"0123456789", None),
        ("lines=1-2", b"0123456789", None),
    ],
)
def test_ranges(s3: Any, given: str, expected: bytes, content_range: str | None) -> None:
    s3.put_object(Bucket=BUCKET, Key="digits", Body=b"0123456789")
    got = s3.get_object(Bucket=BUCKET, Key="digits", Range=given)
    assert got["Body"].read() == expected
    assert got.get("ContentRange") == content_range
    assert got["ResponseMetadata"]["HTTPStatusCode"] == (206 if content_range else 200)
    assert s3.head_object(Bucket=BUCKET, Key="digits", Range=given)["ContentLength"] == len(expected)


@pytest.mark.parametrize("given", ["bytes=10-", "bytes=99-100", "bytes=-0"])
def test_ranges_outside_the_object(s3: Any, given: str) -> None:
    s3.put_object(Bucket=BUCKET, Key="digits", Body=b"0123456789")
    with refused("InvalidRange", 416):
        s3.get_object(Bucket=BUCKET, Key="digits", Range=given)


def test_conditions_on_reading(s3: Any) -> None:
    etag = s3.put_object(Bucket=BUCKET, Key="conditional", Body=b"1")["ETag"]
    modified = s3.head_object(Bucket=BUCKET, Key="conditional")["LastModified"]
    earlier, later = modified - timedelta(hours=1), modified + timedelta(hours=1)
    for fine in (
        {"IfMatch": etag},
        {"IfMatch": "*"},
        {"IfNoneMatch": '"other"'},
        {"IfModifiedSince": earlier},
        {"IfUnmodifiedSince": later},
        {"IfMatch": etag, "IfUnmodifiedSince": earlier},
    ):
        assert body(s3, "conditional", **fine) == b"1"
    for failing in ({"IfMatch": '"other"'}, {"IfUnmodifiedSince": earlier}):
        with refused("PreconditionFailed", 412):
            s3.get_object(Bucket=BUCKET, Key="conditional", **failing)
        with refused("412", 412):
            s3.head_object(Bucket=BUCKET, Key="conditional", **failing)
    for unchanged in ({"IfNoneMatch": etag}, {"IfModifiedSince": later}, {"IfModifiedSince": modified}):
        with refused("304", 304):
            s3.get_object(Bucket=BUCKET, Key="conditional", **unchanged)


def test_conditions_on_writing(s3: Any) -> None:
    s3.delete_object(Bucket=BUCKET, Key="once")
    with refused("NoSuchKey", 404):
        s3.put_object(Bucket=BUCKET, Key="once", Body=b"0", IfMatch='"x"')
    etag = s3.put_object(Bucket=BUCKET, Key="once", Body=b"1", IfNoneMatch="*")["ETag"]
    with refused("PreconditionFailed", 412):
        s3.put_object(Bucket=BUCKET, Key="once", Body=b"2", IfNoneMatch="*")
    s3.put_object(Bucket=BUCKET, Key="once", Body=b"3", IfMatch=etag)
    with refused("PreconditionFailed", 412):
        s3.put_object(Bucket=BUCKET, Key="once", Body=b"4", IfMatch=etag)
    assert body(s3, "once") == b"3"


def test_copies(s3: Any) -> None:
    source = {"Bucket": BUCKET, "Key": "copy/söurce +1.csv"}
    s3.put_object(**source, Body=b"copied", ContentType="text/csv", Metadata={"a": "1"}, Tagging="t=1")
    answer = s3.copy_object(Bucket=BUCKET, Key="copy/one", CopySource=source)
    one = s3.get_object(Bucket=BUCKET, Key="copy/one")
    assert one["Body"].read() == b"copied"
    assert (one["ContentType"], one["Metadata"], one["TagCount"]) == ("text/csv", {"a": "1"}, 1)
    assert answer["CopyObjectResult"]["ETag"] == one["ETag"]
    s3.copy_object(
        Bucket=BUCKET, Key="copy/two", CopySource=source, MetadataDirective="REPLACE", Metadata={"b": "2"}
    )
    two = s3.head_object(Bucket=BUCKET, Key="copy/two")
    assert (two["ContentType"], two["Metadata"]) == ("binary/octet-stream", {"b": "2"})
    with refused("InvalidRequest", 400):
        s3.copy_object(Bucket=BUCKET, Key=source["Key"], CopySource=source)
    s3.copy_object(
        Bucket=BUCKET, Key=source["Key"], CopySource=source, MetadataDirective="REPLACE", Metadata={"c": "3"}
    )
    assert s3.head_object(**source)["Metadata"] == {"c": "3"}
    with refused("NoSuchKey", 404):
        s3.copy_object(Bucket=BUCKET, Key="x", CopySource={"Bucket": BUCKET, "Key": "none"})
    with refused("PreconditionFailed", 412):
        s3.copy_object(Bucket=BUCKET, Key="x", CopySource=source, CopySourceIfMatch='"other"')


def test_delete_many(s3: Any) -> None:
    keys = [f"many/{number}" for number in range(5)] + ["many/&<>"]
    for key in keys:
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"")
    answer = s3.delete_objects(
        Bucket=BUCKET, Delete={"Objects": [{"Key": key} for key in [*keys, "many/none"]]}
    )
    assert [each["Key"] for each in answer["Deleted"]] == [*keys, "many/none"]
    assert "Contents" not in s3.list_objects_v2(Bucket=BUCKET, Prefix="many/")
    quiet = s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": "many/none"}], "Quiet": True})
    assert "Deleted" not in quiet
    with refused("MalformedXML", 400):
        s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": str(n)} for n in range(1001)]})


def test_tags(s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key="tagged", Body=b"x", Metadata={"kept": "yes"})
    tags = [{"Key": "kind", "Value": "train"}, {"Key": "n", "Value": "1"}]
    s3.put_object_tagging(Bucket=BUCKET, Key="tagged", Tagging={"TagSet": tags})
    assert s3.get_object_tagging(Bucket=BUCKET, Key="tagged")["TagSet"] == tags
    assert s3.head_object(Bucket=BUCKET, Key="tagged")["Metadata"] == {"kept": "yes"}
    s3.delete_object_tagging(Bucket=BUCKET, Key="tagged")
    assert s3.get_object_tagging(Bucket=BUCKET, Key="tagged")["TagSet"] == []
    with refused("NoSuchTagSet", 404):
        s3.get_bucket_tagging(Bucket=BUCKET)


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA1", "SHA256"])
def test_checksums_are_verified_and_given_back(s3: Any, algorithm: str) -> None:
    put = s3.put_object(Bucket=BUCKET, Key="sum", Body=b"123456789", ChecksumAlgorithm=algorithm)
    name = f"Checksum{algorithm}"
    got = s3.head_object(Bucket=BUCKET, Key="sum", ChecksumMode="ENABLED")
    assert put[name] == got[name]
    attributes = s3.get_object_attributes(
        Bucket=BUCKET, Key="sum", ObjectAttributes=["Checksum", "ObjectSize", "ETag"]
    )
    assert attributes["Checksum"][name] == got[name]
    assert attributes["ObjectSize"] == 9
    with refused("BadDigest", 400):
        s3.put_object(Bucket=BUCKET, Key="sum", Body=b"12345678", **{name: got[name]})
    assert body(s3, "sum") == b"123456789"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-amz-checksum-crc32", base64.b64encode(zlib.crc32(b"123456789").to_bytes(4, "big")).decode()),
        ("x-amz-checksum-crc32c", base64.b64encode(bytes.fromhex("e3069283")).decode()),
        ("x-amz-checksum-crc64nvme", base64.b64encode(bytes.fromhex("ae8b14860a799888")).decode()),
    ],
)
def test_published_check_values(shared_aws: Aws, s3: Any, name: str, value: str) -> None:
    def add(request: Any, **_: Any) -> None:
        request.headers[name] = value

    client = shared_aws("s3", config=ONCE.merge(Config(request_checksum_calculation="when_required")))
    client.meta.events.register("before-sign.s3.PutObject", add)
    answer = client.put_object(Bucket=BUCKET, Key="check", Body=b"123456789")
    assert answer["ResponseMetadata"]["HTTPHeaders"][name] == value
    with refused("BadDigest", 400):
        client.put_object(Bucket=BUCKET, Key="check", Body=b"something else")
    assert body(s3, "check") == b"123456789"


def test_content_md5(s3: Any) -> None:
    right = base64.b64encode(hashlib.md5(b"data").digest()).decode()
    s3.put_object(Bucket=BUCKET, Key="md5", Body=b"data", ContentMD5=right)
    with refused("BadDigest", 400):
        s3.put_object(Bucket=BUCKET, Key="md5", Body=b"datA", ContentMD5=right)
    with refused("InvalidDigest", 400):
        s3.put_object(Bucket=BUCKET, Key="md5", Body=b"data", ContentMD5="short")


@pytest.mark.parametrize("version", ["s3v4", "s3", None])
def test_presigned_addresses(s3: Any, shared_aws: Aws, version: str | None) -> None:
    client = shared_aws("s3", config=Config(signature_version=version)) if version else s3
    key = f"presigned/a b {version}.txt"
    put = client.generate_presigned_url("put_object", Params={"Bucket": BUCKET, "Key": key})
    assert urllib3.request("PUT", put, body=b"through the address").status == 200
    parameters = {"Bucket": BUCKET, "Key": key, "ResponseContentType": "text/plain"}
    get = client.generate_presigned_url("get_object", Params=parameters)
    answer = urllib3.request("GET", get)
    assert answer.data == b"through the address"
    assert answer.headers["Content-Type"] == "text/plain"
    changed = urllib3.request("GET", get.replace("presigned", "presigneD"))
    assert (changed.status, b"SignatureDoesNotMatch" in changed.data) == (403, True)
    assert urllib3.request("PUT", get, body=b"not what was signed").status == 403
    soon_over = client.generate_presigned_url("get_object", Params=parameters, ExpiresIn=1)
    time.sleep(2.1)
    late = urllib3.request("GET", soon_over)
    assert (late.status, b"Request has expired" in late.data) == (403, True)


def test_large_bodies_pass_in_pieces(s3: Any, tmp_path: Path) -> None:
    data = bytes(range(256)) * 40_000
    file = tmp_path / "large"
    file.write_bytes(data)
    with file.open("rb") as opened:
        s3.put_object(Bucket=BUCKET, Key="large", Body=opened)
    assert body(s3, "large") == data
    assert body(s3, "large", Range="bytes=5000000-5000009") == data[5_000_000:5_000_010]


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("get_bucket_policy", {}),
        ("get_bucket_website", {}),
        ("get_bucket_lifecycle_configuration", {}),
        ("get_object_acl", {"Key": "x"}),
        ("select_object_content", {"Key": "x", "Expression": "SELECT 1", "ExpressionType": "SQL"}),
        ("put_bucket_versioning", {"VersioningConfiguration": {"Status": "Enabled"}}),
    ],
)
def test_what_is_not_there_says_so(s3: Any, operation: str, parameters: dict[str, Any]) -> None:
    if operation == "select_object_content":
        parameters |= {"InputSerialization": {"CSV": {}}, "OutputSerialization": {"CSV": {}}}
    with refused("NotImplemented", 501):
        getattr(s3, operation)(Bucket=BUCKET, **parameters)
