"""One S3 call: what its address and headers name, checked before the operation looks at it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import unquote, unquote_to_bytes

from helpers.local.errors import ServiceError
from helpers.local.metadata import DEFAULT_CONTENT_TYPE, Attributes, ObjectInfo
from helpers.local.objects import ObjectStore
from helpers.local.rules import InvalidKey, check_key, is_bucket_name
from helpers.local.signature import Signature
from helpers.local.uploads import Uploads
from helpers.local.web import Request

ACCOUNT = "000000000000"
KEPT_HEADERS = ("Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Expires")
LARGEST_METADATA = 2048  # bytes of names and values together
META = "x-amz-meta-"


@dataclass(frozen=True)
class Call:
    """A request and what it is about. ``bucket`` and ``key`` are empty where the address names none."""

    request: Request
    signature: Signature
    objects: ObjectStore
    uploads: Uploads
    bucket: str
    key: str
    query: dict[str, str]

    @property
    def headers(self) -> dict[str, str]:
        """Headers by their name in lower case."""
        return {name.lower(): value for name, value in self.request.headers}

    def header(self, name: str) -> str | None:
        """One header, None when absent."""
        return self.request.headers.get(name)


def read_address(request: Request) -> tuple[str, str]:
    """The bucket and the key that a path names. Raises ServiceError."""
    bucket, _, rest = request.sent_path.removeprefix("/").partition("/")
    try:
        key = unquote_to_bytes(rest).decode()
    except UnicodeDecodeError:
        raise ServiceError("InvalidURI", "Couldn't parse the specified URI.") from None
    bucket = unquote(bucket)
    if bucket and not is_bucket_name(bucket) and (request.method == "PUT" and not key):
        raise ServiceError(
            "InvalidBucketName", "The specified bucket is not valid.", 400, {"BucketName": bucket}
        )
    if key:
        ensure_key(key)
    return bucket, key


def ensure_key(key: str) -> None:
    """Raise the S3 error for a key that S3 could not hold."""
    try:
        check_key(key)
    except InvalidKey as error:
        if key and len(key.encode(errors="replace")) > 1024:
            raise ServiceError(
                "KeyTooLongError",
                "Your key is too long",
                400,
                {"Size": str(len(key.encode())), "MaxSizeAllowed": "1024"},
            ) from None
        raise ServiceError("InvalidArgument", str(error)) from None


def read_attributes(call: Call) -> Attributes:
    """Content type, user metadata and the other headers that an object keeps. Raises ServiceError."""
    headers = call.headers
    metadata = {name.removeprefix(META): value for name, value in headers.items() if name.startswith(META)}
    if sum(len(name) + len(value.encode()) for name, value in metadata.items()) > LARGEST_METADATA:
        raise ServiceError(
            "MetadataTooLarge",
            "Your metadata headers exceed the maximum allowed metadata size",
            400,
            {"MaxSizeAllowed": str(LARGEST_METADATA)},
        )
    if "x-amz-server-side-encryption-customer-algorithm" in headers:
        raise ServiceError(
            "NotImplemented", "Local SageMaker keeps no customer-provided encryption keys.", 501
        )
    kept = {name: headers[name.lower()] for name in KEPT_HEADERS if name.lower() in headers}
    encodings = [each.strip() for each in kept.get("Content-Encoding", "").split(",")]
    encodings = [each for each in encodings if each and each != "aws-chunked"]
    if encodings:
        kept["Content-Encoding"] = ",".join(encodings)
    else:
        kept.pop("Content-Encoding", None)
    tags = read_tags(headers.get("x-amz-tagging", ""))
    return Attributes(headers.get("content-type") or DEFAULT_CONTENT_TYPE, metadata, kept, tags)


def read_tags(query: str) -> dict[str, str]:
    """Tags written like a query: ``a=1&b=2``."""
    pairs = (item.partition("=") for item in query.split("&") if item)
    return check_tags(
        [(unquote(name.replace("+", " ")), unquote(value.replace("+", " "))) for name, _, value in pairs]
    )


def check_tags(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """Tags held to the limits of S3. Raises ServiceError."""
    if len(pairs) > 10:
        raise ServiceError("BadRequest", "Object tags cannot be greater than 10")
    for name, value in pairs:
        if not 1 <= len(name) <= 128:
            raise ServiceError("InvalidTag", "The TagKey you have provided is invalid")
        if len(value) > 256:
            raise ServiceError("InvalidTag", "The TagValue you have provided is invalid")
    tags = dict(pairs)
    if len(tags) != len(pairs):
        raise ServiceError("InvalidTag", "Cannot provide multiple Tags with the same key")
    return tags


def check_conditions(call: Call, info: ObjectInfo, prefix: str = "") -> None:
    """Hold an object to If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since.

    ``prefix`` is ``x-amz-copy-source-`` for the source of a copy. Raises ServiceError (412, or 304).
    """
    match, none_match = call.header(prefix + "if-match"), call.header(prefix + "if-none-match")
    since, unmodified = call.header(prefix + "if-modified-since"), call.header(prefix + "if-unmodified-since")
    unchanged_status = 412 if prefix else 304
    if match is not None:
        if not matches(match, info.etag):
            raise precondition_failed("If-Match")
    elif unmodified and (limit := _date(unmodified)) and info.modified > limit:
        raise precondition_failed("If-Unmodified-Since")
    if none_match is not None:
        if matches(none_match, info.etag):
            raise precondition_failed("If-None-Match", unchanged_status, info)
    elif since and (limit := _date(since)) and info.modified <= limit:
        raise precondition_failed("If-Modified-Since", unchanged_status, info)


def check_write(call: Call, info: ObjectInfo | None) -> None:
    """Hold a write to If-Match and If-None-Match, given what is there now. Raises ServiceError."""
    match, none_match = call.header("if-match"), call.header("if-none-match")
    if none_match is not None:
        if none_match.strip() != "*":
            raise ServiceError("NotImplemented", "A write takes If-None-Match with the value * only.", 501)
        if info is not None:
            raise precondition_failed("If-None-Match")
    if match is not None:
        if info is None:
            raise no_such_key(call.key)
        if not matches(match, info.etag):
            raise precondition_failed("If-Match")


def matches(header: str, etag: str) -> bool:
    """Whether an ETag is among those of a header."""
    wanted = [each.strip().removeprefix("W/").strip('"') for each in header.split(",")]
    return "*" in wanted or etag in wanted


def precondition_failed(condition: str, status: int = 412, info: ObjectInfo | None = None) -> ServiceError:
    """The answer to a condition that does not hold."""
    if status == 304 and info is not None:
        headers = {"ETag": f'"{info.etag}"', "Last-Modified": http_date(info.modified)}
        return ServiceError("NotModified", "Not Modified", 304, headers=headers)
    message = "At least one of the pre-conditions you specified did not hold"
    return ServiceError("PreconditionFailed", message, 412, {"Condition": condition})


def no_such_key(key: str) -> ServiceError:
    """The error for an object that does not exist."""
    return ServiceError(
        "NoSuchKey", "The specified key does not exist.", 404, {"Key": re.sub(r"[\x00-\x1f]", "?", key)}
    )


def number(call: Call, name: str, default: int, largest: int) -> int:
    """A number of the query, between 0 and its largest. Raises ServiceError (InvalidArgument)."""
    given = call.query.get(name)
    if given is None or given == "":
        return default
    if not given.isdecimal():
        raise ServiceError(
            "InvalidArgument",
            f"Provided {name} not an integer or within integer range",
            400,
            {"ArgumentName": name, "ArgumentValue": given},
        )
    return min(int(given), largest)


def http_date(time: datetime) -> str:
    """A time as HTTP headers write it."""
    return time.astimezone(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")


def _date(header: str) -> datetime | None:
    try:
        return parsedate_to_datetime(header).astimezone(UTC)
    except ValueError:
        return None
