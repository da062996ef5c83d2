"""Operations that write and delete objects, and their tags."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import unquote_to_bytes

from werkzeug.wrappers import Response

from helpers.local.errors import ServiceError
from helpers.local.metadata import Attributes, ObjectInfo
from helpers.local.payload import read_small, receive
from helpers.local.rules import is_bucket_name
from helpers.local.s3.call import (
    Call,
    check_conditions,
    check_tags,
    check_write,
    ensure_key,
    read_attributes,
)
from helpers.local.s3.xml import answer, element, malformed, moment, parse, text
from helpers.local.staging import CHUNK

COPY_SOURCE = "x-amz-copy-source"
LARGEST_OBJECT = 5 * 1024**3  # bytes in one request


def put_object(call: Call) -> Response:
    """PutObject."""
    call.objects.directory(call.bucket)
    attributes = read_attributes(call)
    if (call.request.content_length or 0) > LARGEST_OBJECT + CHUNK:
        raise too_large()
    with call.objects.stage() as staged:
        wanted = (call.header("x-amz-sdk-checksum-algorithm") or "").upper()
        checksums = receive(call.request, call.signature, staged, wanted)
        attributes = replace(attributes, checksums=checksums)
        info = call.objects.commit(
            call.bucket, call.key, staged, attributes, check=lambda now: check_write(call, now)
        )
    return written(info)


def copy_object(call: Call) -> Response:
    """CopyObject."""
    source_bucket, source_key = copy_source(call)
    directive = (call.header("x-amz-metadata-directive") or "COPY").upper()
    tag_directive = (call.header("x-amz-tagging-directive") or "COPY").upper()
    if directive not in ("COPY", "REPLACE") or tag_directive not in ("COPY", "REPLACE"):
        raise ServiceError("InvalidArgument", "Unknown metadata directive.")
    same = (source_bucket, source_key) == (call.bucket, call.key)
    if same and directive == "COPY" and tag_directive == "COPY":
        raise ServiceError(
            "InvalidRequest",
            "This copy request is illegal because it is trying to copy an object to itself without changing "
            "the object's metadata, storage class, website redirect location or encryption attributes.",
        )
    call.objects.directory(call.bucket)
    source, file = call.objects.open(source_bucket, source_key)
    with file, call.objects.stage() as staged:
        check_conditions(call, source, "x-amz-copy-source-")
        while chunk := file.read(CHUNK):
            staged.write(chunk)
        given = read_attributes(call)
        kept = source.attributes
        attributes = Attributes(
            content_type=(given if directive == "REPLACE" else kept).content_type,
            metadata=(given if directive == "REPLACE" else kept).metadata,
            headers=(given if directive == "REPLACE" else kept).headers,
            tags=(given if tag_directive == "REPLACE" else kept).tags,
            checksums=kept.checksums if kept.checksum_type == "FULL_OBJECT" else {},
        )
        info = call.objects.commit(
            call.bucket, call.key, staged, attributes, check=lambda now: check_write(call, now)
        )
    return answer(
        "CopyObjectResult", text("LastModified", moment(info.modified)), text("ETag", f'"{info.etag}"')
    )


def delete_object(call: Call) -> Response:
    """DeleteObject."""
    call.objects.delete(call.bucket, call.key, check=lambda now: _check_delete(call, now))
    return Response("", 204)


def delete_objects(call: Call) -> Response:
    """DeleteObjects: up to 1,000 keys."""
    root = parse(read_small(call.request, call.signature), "Delete")
    items = root.findall("Object")
    if not 1 <= len(items) <= 1000:
        raise malformed()
    quiet = root.findtext("Quiet", "false").strip().lower() == "true"
    call.objects.directory(call.bucket)
    done = []
    for item in items:
        key = item.findtext("Key")
        if not key:
            raise malformed()
        try:
            ensure_key(key)
            call.objects.delete(call.bucket, key)
        except ServiceError as error:
            done.append(
                element("Error", text("Key", key), text("Code", error.code), text("Message", error.message))
            )
            continue
        if not quiet:
            done.append(element("Deleted", text("Key", key)))
    return answer("DeleteResult", *done)


def get_object_tagging(call: Call) -> Response:
    """GetObjectTagging."""
    tags = call.objects.head(call.bucket, call.key).attributes.tags
    pairs = (element("Tag", text("Key", name), text("Value", value)) for name, value in tags.items())
    return answer("Tagging", element("TagSet", *pairs))


def put_object_tagging(call: Call) -> Response:
    """PutObjectTagging."""
    root = parse(read_small(call.request, call.signature), "Tagging")
    tags = check_tags([(each.findtext("Key", ""), each.findtext("Value", "")) for each in root.iter("Tag")])
    call.objects.set_attributes(call.bucket, call.key, lambda now: replace(now, tags=tags))
    return Response("", 200)


def delete_object_tagging(call: Call) -> Response:
    """DeleteObjectTagging."""
    call.objects.set_attributes(call.bucket, call.key, lambda now: replace(now, tags={}))
    return Response("", 204)


def written(info: ObjectInfo) -> Response:
    """The answer to a write: ETag and checksums."""
    response = Response("", 200, headers={"ETag": f'"{info.etag}"'})
    for algorithm, checksum in info.attributes.checksums.items():
        response.headers[f"x-amz-checksum-{algorithm.lower()}"] = checksum
    if info.attributes.checksums:
        response.headers["x-amz-checksum-type"] = info.attributes.checksum_type
    return response


def copy_source(call: Call) -> tuple[str, str]:
    """The bucket and key that a copy reads. Raises ServiceError."""
    given = call.header(COPY_SOURCE) or ""
    path, _, version = given.partition("?versionId=")
    try:
        bucket, _, key = unquote_to_bytes(path).decode().removeprefix("/").partition("/")
    except UnicodeDecodeError:
        bucket = key = ""
    if not is_bucket_name(bucket) or not key:
        raise ServiceError(
            "InvalidArgument",
            "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
            400,
            {"ArgumentName": COPY_SOURCE, "ArgumentValue": given},
        )
    if version not in ("", "null"):
        raise ServiceError("NoSuchVersion", "The specified version does not exist.", 404)
    return bucket, key


def too_large() -> ServiceError:
    """The error for more bytes than one request may carry."""
    return ServiceError("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")


def _check_delete(call: Call, info: ObjectInfo | None) -> None:
    if call.header("if-match") is not None and info is not None:
        check_write(call, info)
