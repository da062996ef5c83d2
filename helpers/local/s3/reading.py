"""Operations that read objects."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import BinaryIO

from werkzeug.wrappers import Response

from helpers.local.errors import ServiceError
from helpers.local.metadata import ObjectInfo
from helpers.local.s3.call import META, Call, check_conditions, http_date
from helpers.local.s3.xml import answer, element, text

_OVERRIDES = {
    "response-content-type": "Content-Type",
    "response-content-language": "Content-Language",
    "response-expires": "Expires",
    "response-cache-control": "Cache-Control",
    "response-content-disposition": "Content-Disposition",
    "response-content-encoding": "Content-Encoding",
}
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


@dataclass(frozen=True)
class Span:
    """The bytes of an object that an answer carries."""

    first: int
    length: int
    partial: bool


def get_object(call: Call) -> Response:
    """GetObject."""
    _check_version(call)
    info, file = call.objects.open(call.bucket, call.key)
    try:
        span, response = _describe(call, info)
        file.seek(span.first)
        wrap = call.request.environ["wsgi.file_wrapper"]
    except BaseException:
        file.close()
        raise
    response.response = wrap(file) if span.length else _nothing(file)
    response.direct_passthrough = True
    return response


def head_object(call: Call) -> Response:
    """HeadObject."""
    _check_version(call)
    return _describe(call, call.objects.head(call.bucket, call.key))[1]


def get_object_attributes(call: Call) -> Response:
    """GetObjectAttributes."""
    wanted = {each.strip() for each in (call.header("x-amz-object-attributes") or "").split(",")}
    info = call.objects.head(call.bucket, call.key)
    attributes = info.attributes
    children = []
    if "ETag" in wanted:
        children.append(text("ETag", info.etag))
    if "Checksum" in wanted and attributes.checksums:
        sums = (text(f"Checksum{name}", value) for name, value in attributes.checksums.items())
        children.append(element("Checksum", *sums, text("ChecksumType", attributes.checksum_type)))
    if "ObjectParts" in wanted and attributes.parts:
        children.append(element("ObjectParts", text("TotalPartsCount", len(attributes.parts))))
    if "StorageClass" in wanted:
        children.append(text("StorageClass", "STANDARD"))
    if "ObjectSize" in wanted:
        children.append(text("ObjectSize", info.size))
    response = answer("GetObjectAttributesResponse", *children)
    response.headers["Last-Modified"] = http_date(info.modified)
    return response


def _describe(call: Call, info: ObjectInfo) -> tuple[Span, Response]:
    """The bytes to send, and the response with everything but them."""
    check_conditions(call, info)
    span = _span(call, info)
    response = Response(status=206 if span.partial else 200, content_type=info.content_type)
    headers = response.headers
    headers["ETag"] = f'"{info.etag}"'
    headers["Last-Modified"] = http_date(info.modified)
    headers["Accept-Ranges"] = "bytes"
    headers["Content-Length"] = str(span.length)
    if span.partial:
        headers["Content-Range"] = f"bytes {span.first}-{span.first + span.length - 1}/{info.size}"
    attributes = info.attributes
    for name, value in attributes.headers.items():
        headers[name] = value
    for name, value in info.metadata.items():
        headers[META + name] = value
    if attributes.tags:
        headers["x-amz-tagging-count"] = str(len(attributes.tags))
    if "partNumber" in call.query and attributes.parts:
        headers["x-amz-mp-parts-count"] = str(len(attributes.parts))
    if (call.header("x-amz-checksum-mode") or "").upper() == "ENABLED" and not span.partial:
        for algorithm, checksum in attributes.checksums.items():
            headers[f"x-amz-checksum-{algorithm.lower()}"] = checksum
        if attributes.checksums:
            headers["x-amz-checksum-type"] = attributes.checksum_type
    for name, header in _OVERRIDES.items():
        if name in call.query:
            headers[header] = call.query[name]
    return span, response


def _span(call: Call, info: ObjectInfo) -> Span:
    if "partNumber" in call.query:
        return _part_span(call.query["partNumber"], info)
    given = _RANGE.fullmatch((call.header("Range") or "").strip())
    if given is None or given.groups() == ("", ""):
        return Span(0, info.size, False)  # a range that cannot be read is ignored, several ranges too
    first, last = given.groups()
    if not first:
        length = min(int(last), info.size)
        if length == 0:
            raise _invalid_range(given.string, info.size)
        return Span(info.size - length, length, True)
    end = min(int(last), info.size - 1) if last else info.size - 1
    if last and int(last) < int(first):
        return Span(0, info.size, False)
    if int(first) >= info.size:
        raise _invalid_range(given.string, info.size)
    return Span(int(first), end - int(first) + 1, True)


def _part_span(given: str, info: ObjectInfo) -> Span:
    if not given.isdecimal() or not 1 <= int(given) <= 10_000:
        raise ServiceError("InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive")
    sizes = info.attributes.parts or (info.size,)
    wanted = int(given)
    if wanted > len(sizes):
        raise ServiceError("InvalidPartNumber", "The requested partnumber is not satisfiable", 416)
    return Span(sum(sizes[: wanted - 1]), sizes[wanted - 1], info.size > 0)


def _invalid_range(given: str, size: int) -> ServiceError:
    details = {"RangeRequested": given, "ActualObjectSize": str(size)}
    headers = {"Content-Range": f"bytes */{size}"}
    return ServiceError("InvalidRange", "The requested range is not satisfiable", 416, details, headers)


def _check_version(call: Call) -> None:
    if call.query.get("versionId", "null") != "null":
        raise ServiceError(
            "NoSuchVersion",
            "The specified version does not exist.",
            404,
            {"VersionId": call.query["versionId"]},
        )


def _nothing(file: BinaryIO) -> tuple[bytes, ...]:
    file.close()
    return ()
