"""Multipart uploads over HTTP."""

from __future__ import annotations

import hashlib
import io
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from boto3.s3.transfer import TransferConfig
from refusal import refused

from helpers.local.metadata import Attributes
from helpers.local.objects import ObjectStore
from helpers.local.uploads import Uploads
from helpers.service import Service

Aws = Callable[..., Any]
BUCKET = "multipart"
MIB = 1024 * 1024
BIG = bytes(range(256)) * (5 * MIB // 256)


@pytest.fixture(scope="module")
def s3(shared_aws: Aws) -> Any:
    client = shared_aws("s3")
    client.create_bucket(Bucket=BUCKET)
    return client


def begin(s3: Any, key: str, **more: Any) -> dict[str, str]:
    answer = s3.create_multipart_upload(Bucket=BUCKET, Key=key, **more)
    return {"Bucket": BUCKET, "Key": key, "UploadId": answer["UploadId"]}


def complete(s3: Any, upload: dict[str, str], parts: list[tuple[int, str]]) -> Any:
    listed = [{"PartNumber": number, "ETag": etag} for number, etag in parts]
    return s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": listed})


def test_parts_become_one_object(s3: Any, shared_service: Service) -> None:
    upload = begin(s3, "dir/whole.bin", ContentType="text/csv", Metadata={"a": "1"})
    second = s3.upload_part(**upload, PartNumber=7, Body=b"the end")["ETag"]
    s3.upload_part(**upload, PartNumber=2, Body=b"replaced below")
    first = s3.upload_part(**upload, PartNumber=2, Body=BIG)["ETag"]
    with refused("NoSuchKey", 404):
        s3.get_object(Bucket=BUCKET, Key="dir/whole.bin")
    answer = complete(s3, upload, [(2, first), (7, second)])
    digests = hashlib.md5(BIG).digest() + hashlib.md5(b"the end").digest()
    assert answer["ETag"] == f'"{hashlib.md5(digests).hexdigest()}-2"'
    got = s3.get_object(Bucket=BUCKET, Key="dir/whole.bin")
    assert got["Body"].read() == BIG + b"the end"
    assert (got["ETag"], got["ContentType"], got["Metadata"]) == (answer["ETag"], "text/csv", {"a": "1"})
    part = s3.get_object(Bucket=BUCKET, Key="dir/whole.bin", PartNumber=2)
    assert (part["Body"].read(), part["PartsCount"]) == (b"the end", 2)
    with refused("NoSuchUpload", 404):
        complete(s3, upload, [(2, first), (7, second)])
    assert list((shared_service.state / "s3" / ".uploads" / BUCKET).iterdir()) == []


def test_what_cannot_be_put_together(s3: Any) -> None:
    upload = begin(s3, "wrong")
    one = s3.upload_part(**upload, PartNumber=1, Body=b"small")["ETag"]
    two = s3.upload_part(**upload, PartNumber=2, Body=b"small too")["ETag"]
    with refused("EntityTooSmall", 400):
        complete(s3, upload, [(1, one), (2, two)])
    with refused("InvalidPartOrder", 400):
        complete(s3, upload, [(2, two), (1, one)])
    with refused("InvalidPart", 400):
        complete(s3, upload, [(1, two)])
    with refused("InvalidPart", 400):
        complete(s3, upload, [(3, one)])
    with refused("MalformedXML", 400):
        complete(s3, upload, [])
    with refused("InvalidArgument", 400):
        s3.upload_part(**upload, PartNumber=10_001, Body=b"")
    with refused("NoSuchUpload", 404):
        s3.upload_part(**{**upload, "Key": "another"}, PartNumber=1, Body=b"")
    with refused("NoSuchUpload", 404):
        s3.upload_part(**{**upload, "UploadId": "../../x"}, PartNumber=1, Body=b"")
    complete(s3, upload, [(2, two)])
    assert s3.get_object(Bucket=BUCKET, Key="wrong")["Body"].read() == b"small too"


def test_abort(s3: Any) -> None:
    upload = begin(s3, "aborted")
    s3.upload_part(**upload, PartNumber=1, Body=b"x")
    s3.abort_multipart_upload(**upload)
    with refused("NoSuchUpload", 404):
        s3.abort_multipart_upload(**upload)
    with refused("NoSuchUpload", 404):
        s3.list_parts(**upload)


def test_lists_of_parts_and_uploads(s3: Any) -> None:
    uploads = [begin(s3, key) for key in ("list/a", "list/b", "list/b", "list/c+ d")]
    for number in (1, 3, 5):
        s3.upload_part(**uploads[0], PartNumber=number, Body=b"x" * number)
    pages = s3.get_paginator("list_parts").paginate(**uploads[0], PaginationConfig={"PageSize": 2})
    parts = [part for page in pages for part in page["Parts"]]
    assert [(part["PartNumber"], part["Size"]) for part in parts] == [(1, 1), (3, 3), (5, 5)]
    pages = s3.get_paginator("list_multipart_uploads").paginate(
        Bucket=BUCKET, Prefix="list/", PaginationConfig={"PageSize": 1}
    )
    found = [(each["Key"], each["UploadId"]) for page in pages for each in page["Uploads"]]
    assert found == [(upload["Key"], upload["UploadId"]) for upload in uploads]
    for upload in uploads:
        s3.abort_multipart_upload(**upload)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=BUCKET, Prefix="list/")


def test_a_bucket_is_gone_with_its_uploads(s3: Any) -> None:
    s3.create_bucket(Bucket="short-lived")
    s3.create_multipart_upload(Bucket="short-lived", Key="x")
    s3.delete_bucket(Bucket="short-lived")
    s3.create_bucket(Bucket="short-lived")
    assert "Uploads" not in s3.list_multipart_uploads(Bucket="short-lived")


def test_parts_copied_from_objects(s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key="source", Body=BIG)
    upload = begin(s3, "copied")
    source = {"Bucket": BUCKET, "Key": "source"}
    one = s3.upload_part_copy(**upload, PartNumber=1, CopySource=source)["CopyPartResult"]["ETag"]
    two = s3.upload_part_copy(**upload, PartNumber=2, CopySource=source, CopySourceRange="bytes=5-9")
    complete(s3, upload, [(1, one), (2, two["CopyPartResult"]["ETag"])])
    assert s3.get_object(Bucket=BUCKET, Key="copied")["Body"].read() == BIG + BIG[5:10]
    with refused("InvalidArgument", 400):
        s3.upload_part_copy(
            **begin(s3, "x"), PartNumber=1, CopySource=source, CopySourceRange="bytes=0-99999999"
        )


def test_managed_transfers(s3: Any, tmp_path: Path) -> None:
    data = BIG * 5 + b"odd end"
    file = tmp_path / "data"
    file.write_bytes(data)
    config = TransferConfig(multipart_threshold=8 * MIB, multipart_chunksize=8 * MIB)
    s3.upload_file(str(file), BUCKET, "managed", Config=config, ExtraArgs={"Metadata": {"a": "1"}})
    head = s3.head_object(Bucket=BUCKET, Key="managed", ChecksumMode="ENABLED")
    assert head["ETag"].endswith('-4"')
    assert head["ChecksumCRC32"].endswith("-4")
    assert head["Metadata"] == {"a": "1"}
    s3.copy({"Bucket": BUCKET, "Key": "managed"}, BUCKET, "managed copy", Config=config)
    received = io.BytesIO()
    s3.download_fileobj(BUCKET, "managed copy", received, Config=config)
    assert received.getvalue() == data


@pytest.mark.parametrize("kind", ["COMPOSITE", "FULL_OBJECT"])
def test_checksums_of_parts(s3: Any, kind: str) -> None:
    upload = begin(s3, "sums", ChecksumAlgorithm="CRC32", ChecksumType=kind)
    parts = []
    for number, data in ((1, BIG), (2, b"end")):
        answer = s3.upload_part(**upload, PartNumber=number, Body=data, ChecksumAlgorithm="CRC32")
        parts.append({"PartNumber": number, "ETag": answer["ETag"], "ChecksumCRC32": answer["ChecksumCRC32"]})
    wrong = [{**parts[0], "ChecksumCRC32": parts[1]["ChecksumCRC32"]}, parts[1]]
    with refused("InvalidPart", 400):
        s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": wrong})
    answer = s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts}, ChecksumType=kind)
    whole = s3.put_object(Bucket=BUCKET, Key="whole", Body=BIG + b"end")["ChecksumCRC32"]
    assert answer["ChecksumType"] == kind
    assert (answer["ChecksumCRC32"] == whole) == (kind == "FULL_OBJECT")
    assert s3.get_object(Bucket=BUCKET, Key="sums")["Body"].read() == BIG + b"end"


def test_an_upload_is_forgotten_in_one_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server killed while it removes the parts leaves nothing that looks like an upload, or stays."""
    objects = ObjectStore(tmp_path)
    objects.create_bucket("bucket")
    uploads = Uploads(objects)
    upload = uploads.get("bucket", "key", uploads.create("bucket", "key", Attributes(), "", ""))
    with objects.stage() as staged:
        staged.write(b"part")
        uploads.add_part("bucket", upload, 1, staged, {})

    def killed(*_arguments: object, **_options: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(shutil, "rmtree", killed)
        uploads.remove("bucket", upload)
    assert uploads.all("bucket") == []
    assert list((tmp_path / ".uploads" / "bucket").iterdir()) == []
    objects.sweep()
    assert list((tmp_path / ".temporary").iterdir()) == []
