"""Buckets and listings over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from refusal import refused

from helpers.service import Service

Aws = Callable[..., Any]
BUCKET = "listing"
KEYS = [
    "a",
    "a/1",
    "a/2",
    "a/b/3",
    "a0",
    "b c",
    "b+c",
    "b&c",
    "data/",
    "data/2024/x.csv",
    "data/2025/y.csv",
    "dir//double",
    "z\n",
    "é",
    "😀/1",
    "😀/2",
]


@pytest.fixture(scope="module")
def s3(shared_aws: Aws) -> Any:
    client = shared_aws("s3")
    client.create_bucket(Bucket=BUCKET)
    for key in KEYS:
        client.put_object(Bucket=BUCKET, Key=key, Body=key.encode())
    return client


def expected(prefix: str, delimiter: str) -> tuple[list[str], list[str]]:
    """The keys and common prefixes of KEYS, worked out the simple way."""
    keys, prefixes = [], []
    for key in sorted(KEYS, key=str.encode):
        if not key.startswith(prefix):
            continue
        head, found, _ = key[len(prefix) :].partition(delimiter) if delimiter else (key, "", "")
        if found and prefix + head + delimiter not in prefixes:
            prefixes.append(prefix + head + delimiter)
        elif not found:
            keys.append(key)
    return keys, prefixes


def listed(s3: Any, version: str, size: int, **query: Any) -> tuple[list[str], list[str]]:
    """All keys and common prefixes, page by page."""
    pages = s3.get_paginator(version).paginate(Bucket=BUCKET, PaginationConfig={"PageSize": size}, **query)
    keys, prefixes = [], []
    for page in pages:
        assert len(page.get("Contents", [])) + len(page.get("CommonPrefixes", [])) <= size
        keys += [each["Key"] for each in page.get("Contents", [])]
        prefixes += [each["Prefix"] for each in page.get("CommonPrefixes", [])]
    return keys, prefixes


@pytest.mark.parametrize("version", ["list_objects_v2", "list_objects"])
@pytest.mark.parametrize("prefix", ["", "a", "a/", "data/", "data/20", "none", "dir/", "😀"])
@pytest.mark.parametrize("delimiter", ["", "/", "c", "20"])
def test_every_page_size_gives_the_same_listing(s3: Any, version: str, prefix: str, delimiter: str) -> None:
    for size in (1, 2, 5, 1000):
        assert listed(s3, version, size, Prefix=prefix, Delimiter=delimiter) == expected(prefix, delimiter)


@given(st.sampled_from([*KEYS, "", "a/", "data/3", "zz"]))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_start_after(s3: Any, start: str) -> None:
    wanted = [key for key in sorted(KEYS, key=str.encode) if key.encode() > start.encode()]
    assert listed(s3, "list_objects_v2", 3, StartAfter=start) == (wanted, [])


def test_the_parts_of_an_answer(s3: Any) -> None:
    answer = s3.list_objects_v2(Bucket=BUCKET, MaxKeys=1, FetchOwner=True, Prefix="a")
    assert (answer["KeyCount"], answer["MaxKeys"], answer["IsTruncated"]) == (1, 1, True)
    only = answer["Contents"][0]
    assert (only["Key"], only["Size"], only["StorageClass"]) == ("a", 1, "STANDARD")
    assert only["Owner"]["ID"]
    assert only["ETag"] == s3.head_object(Bucket=BUCKET, Key="a")["ETag"]
    assert only["LastModified"] == s3.head_object(Bucket=BUCKET, Key="a")["LastModified"]
    none = s3.list_objects_v2(Bucket=BUCKET, MaxKeys=0)
    assert (none["KeyCount"], none["IsTruncated"]) == (0, False)
    with refused("InvalidArgument", 400):
        s3.list_objects_v2(Bucket=BUCKET, ContinuationToken="no token!")


def test_every_object_is_its_only_version(s3: Any) -> None:
    answer = s3.list_object_versions(Bucket=BUCKET)
    assert [each["Key"] for each in answer["Versions"]] == sorted(KEYS, key=str.encode)
    assert {each["VersionId"] for each in answer["Versions"]} == {"null"}


def test_more_than_a_thousand_keys(s3: Any, shared_service: Service) -> None:
    s3.create_bucket(Bucket="many-keys")
    directory = shared_service.state / "s3" / "many-keys" / "part"
    directory.mkdir()
    for number in range(2345):
        (directory / f"{number:05d}").write_text("")
    first = s3.list_objects_v2(Bucket="many-keys")
    assert (len(first["Contents"]), first["IsTruncated"]) == (1000, True)
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="many-keys")
    assert [each["Key"] for page in pages for each in page["Contents"]] == [
        f"part/{n:05d}" for n in range(2345)
    ]


def test_buckets(shared_aws: Aws) -> None:
    s3 = shared_aws("s3")
    s3.create_bucket(Bucket="first-bucket")
    s3.create_bucket(Bucket="first-bucket")  # us-east-1 lets its owner do this
    assert "first-bucket" in [each["Name"] for each in s3.list_buckets()["Buckets"]]
    assert s3.head_bucket(Bucket="first-bucket")["BucketRegion"] == "us-east-1"
    assert s3.get_bucket_location(Bucket="first-bucket")["LocationConstraint"] is None
    assert "Status" not in s3.get_bucket_versioning(Bucket="first-bucket")
    s3.put_object(Bucket="first-bucket", Key="x", Body=b"")
    with refused("BucketNotEmpty", 409):
        s3.delete_bucket(Bucket="first-bucket")
    s3.delete_object(Bucket="first-bucket", Key="x")
    s3.delete_bucket(Bucket="first-bucket")
    with refused("404", 404):
        s3.head_bucket(Bucket="first-bucket")
    for operation in (s3.list_objects_v2, s3.list_objects, s3.delete_bucket, s3.get_bucket_location):
        with refused("NoSuchBucket", 404):
            operation(Bucket="first-bucket")
    with refused("InvalidBucketName", 400):
        s3.create_bucket(Bucket="UPPER.case")


def test_buckets_of_other_regions(shared_service: Service) -> None:
    import boto3

    from helpers.service import ACCESS_KEY

    session = boto3.session.Session(ACCESS_KEY, shared_service.key, region_name="eu-west-1")
    s3 = session.client("s3", endpoint_url=shared_service.address)
    with refused("IllegalLocationConstraintException", 400):
        s3.create_bucket(Bucket="in-europe")
    where = {"LocationConstraint": "eu-west-1"}
    s3.create_bucket(Bucket="in-europe", CreateBucketConfiguration=where)
    assert s3.get_bucket_location(Bucket="in-europe")["LocationConstraint"] == "eu-west-1"
    with refused("BucketAlreadyOwnedByYou", 409):
        s3.create_bucket(Bucket="in-europe", CreateBucketConfiguration=where)


def test_the_default_bucket_is_there(shared_service: Service, shared_aws: Aws) -> None:
    assert (
        shared_aws("s3").head_bucket(Bucket=shared_service.bucket)["ResponseMetadata"]["HTTPStatusCode"]
        == 200
    )
