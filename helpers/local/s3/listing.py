"""Listings: ListObjects in both versions, and ListObjectVersions of buckets that keep no versions."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import quote

from werkzeug.wrappers import Response

from helpers.local import names
from helpers.local.errors import ServiceError
from helpers.local.metadata import ObjectInfo
from helpers.local.objects import NoSuchKey
from helpers.local.s3.buckets import OWNER
from helpers.local.s3.call import Call, number
from helpers.local.s3.xml import answer, element, moment, text

MOST = 1000  # keys and common prefixes in one answer


@dataclass
class Page:
    """One answer's worth of a listing. ``next`` is where the following page starts, None on the last."""

    contents: list[ObjectInfo] = field(default_factory=list)
    prefixes: list[str] = field(default_factory=list)
    next: bytes | None = None
    last: str = ""


def read_page(call: Call, prefix: str, delimiter: str, start: bytes, most: int) -> Page:
    """Up to ``most`` keys and common prefixes, in order, not before ``start`` (UTF-8)."""
    page = Page()
    position: bytes | None = start
    while position is not None:
        skip_to: bytes | None = None
        for found in call.objects.walk(call.bucket, prefix, position):
            if len(page.contents) + len(page.prefixes) >= most:
                page.next = found.key.encode() if most else None
                return page
            rest = found.key[len(prefix) :]
            if delimiter and delimiter in rest:
                common = prefix + rest[: rest.index(delimiter) + len(delimiter)]
                page.prefixes.append(common)
                page.last = common
                skip_to = names.successor(common.encode())
                break
            try:
                page.contents.append(call.objects.describe(call.bucket, found))
                page.last = found.key
            except NoSuchKey:
                continue  # deleted meanwhile
        position = skip_to
    return page


def list_objects_v2(call: Call) -> Response:
    """ListObjectsV2."""
    query = call.query
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    most = number(call, "max-keys", MOST, MOST)
    token, after = query.get("continuation-token"), query.get("start-after", "")
    start = _after(after) if token is None else _read_token(token)
    page = read_page(call, prefix, delimiter, start, most)
    write = key_writer(call)
    owner = OWNER if query.get("fetch-owner", "").lower() == "true" else ""
    return answer(
        "ListBucketResult",
        text("Name", call.bucket),
        text("Prefix", write(prefix)),
        text("Delimiter", write(delimiter) if delimiter else None),
        text("StartAfter", write(after) if after else None),
        text("MaxKeys", most),
        text("KeyCount", len(page.contents) + len(page.prefixes)),
        text("EncodingType", query.get("encoding-type")),
        text("IsTruncated", page.next is not None),
        text("ContinuationToken", token),
        text("NextContinuationToken", None if page.next is None else _token(page.next)),
        *(_contents(info, write(info.key), owner) for info in page.contents),
        *(element("CommonPrefixes", text("Prefix", write(each))) for each in page.prefixes),
    )


def list_objects(call: Call) -> Response:
    """ListObjects, the first version."""
    query = call.query
    prefix, delimiter, marker = query.get("prefix", ""), query.get("delimiter", ""), query.get("marker", "")
    most = number(call, "max-keys", MOST, MOST)
    start = _after(marker)
    if delimiter and marker.endswith(delimiter) and marker.startswith(prefix) and marker != prefix:
        start = names.successor(marker.encode()) or start  # the marker is a common prefix: go on behind it
    page = read_page(call, prefix, delimiter, start, most)
    write = key_writer(call)
    return answer(
        "ListBucketResult",
        text("Name", call.bucket),
        text("Prefix", write(prefix)),
        text("Marker", write(marker)),
        text("NextMarker", write(page.last) if page.next is not None and delimiter else None),
        text("MaxKeys", most),
        text("Delimiter", write(delimiter) if delimiter else None),
        text("EncodingType", query.get("encoding-type")),
        text("IsTruncated", page.next is not None),
        *(_contents(info, write(info.key), OWNER) for info in page.contents),
        *(element("CommonPrefixes", text("Prefix", write(each))) for each in page.prefixes),
    )


def list_object_versions(call: Call) -> Response:
    """ListObjectVersions: every object is its only version, named null."""
    query = call.query
    prefix, delimiter, marker = (
        query.get("prefix", ""),
        query.get("delimiter", ""),
        query.get("key-marker", ""),
    )
    most = number(call, "max-keys", MOST, MOST)
    page = read_page(call, prefix, delimiter, _after(marker), most)
    write = key_writer(call)
    return answer(
        "ListVersionsResult",
        text("Name", call.bucket),
        text("Prefix", write(prefix)),
        text("KeyMarker", write(marker)),
        text("VersionIdMarker", query.get("version-id-marker", "")),
        text("NextKeyMarker", write(page.last) if page.next is not None else None),
        text("NextVersionIdMarker", "null" if page.next is not None else None),
        text("MaxKeys", most),
        text("Delimiter", write(delimiter) if delimiter else None),
        text("EncodingType", query.get("encoding-type")),
        text("IsTruncated", page.next is not None),
        *(_contents(info, write(info.key), OWNER, "Version") for info in page.contents),
        *(element("CommonPrefixes", text("Prefix", write(each))) for each in page.prefixes),
    )


def _contents(info: ObjectInfo, key: str, owner: str, name: str = "Contents") -> str:
    version = text("VersionId", "null") + text("IsLatest", True) if name == "Version" else ""
    algorithms = (text("ChecksumAlgorithm", each) for each in info.attributes.checksums)
    return element(
        name,
        text("Key", key),
        version,
        text("LastModified", moment(info.modified)),
        text("ETag", f'"{info.etag}"'),
        *algorithms,
        text("Size", info.size),
        owner,
        text("StorageClass", "STANDARD"),
    )


def key_writer(call: Call) -> Callable[[str], str]:
    """How keys stand in an answer: percent-encoded if the request asks for it."""
    given = call.query.get("encoding-type")
    if given not in (None, "url"):
        raise ServiceError("InvalidArgument", "Invalid Encoding Method specified in Request")
    return (lambda key: quote(key, safe="/*-._")) if given == "url" else str


def _after(key: str) -> bytes:
    return key.encode() + b"\0" if key else b""


def _token(start: bytes) -> str:
    return base64.urlsafe_b64encode(start).decode()


def _read_token(token: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(token.encode())
    except (binascii.Error, ValueError):
        raise ServiceError(
            "InvalidArgument",
            "The continuation token provided is incorrect",
            400,
            {"ArgumentName": "continuation-token"},
        ) from None
