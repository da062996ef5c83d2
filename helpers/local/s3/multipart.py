"""Multipart uploads."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

from werkzeug.wrappers import Response

from helpers.local.checksums import ALGORITHMS, composite, digest, encoded
from helpers.local.errors import ServiceError
from helpers.local.payload import read_small, receive
from helpers.local.s3.buckets import OWNER
from helpers.local.s3.call import Call, check_conditions, check_write, number, read_attributes
from helpers.local.s3.listing import key_writer
from helpers.local.s3.writing import COPY_SOURCE, copy_source
from helpers.local.s3.xml import answer, element, malformed, moment, parse, text
from helpers.local.staging import CHUNK, Staged
from helpers.local.uploads import Part, Upload, combined_etag

LEAST_PART = 5 * 1024**2  # bytes of every part but the last
MOST_PARTS = 10_000
_RANGE = re.compile(r"bytes=(\d+)-(\d+)")


def create_multipart_upload(call: Call) -> Response:
    """CreateMultipartUpload."""
    algorithm = (call.header("x-amz-checksum-algorithm") or "").upper()
    if algorithm and algorithm not in ALGORITHMS:
        raise ServiceError("InvalidRequest", "Checksum algorithm provided is unsupported.")
    default = "FULL_OBJECT" if algorithm == "CRC64NVME" else "COMPOSITE"
    kind = (call.header("x-amz-checksum-type") or default).upper()
    attributes = read_attributes(call)
    identifier = call.uploads.create(call.bucket, call.key, attributes, algorithm, kind)
    response = answer(
        "InitiateMultipartUploadResult",
        text("Bucket", call.bucket),
        text("Key", call.key),
        text("UploadId", identifier),
    )
    if algorithm:
        response.headers["x-amz-checksum-algorithm"] = algorithm
        response.headers["x-amz-checksum-type"] = kind
    return response


def upload_part(call: Call) -> Response:
    """UploadPart."""
    upload, wanted = _upload(call), _part_number(call)
    with call.objects.stage() as staged:
        checksums = receive(call.request, call.signature, staged, upload.algorithm)
        part = call.uploads.add_part(call.bucket, upload, wanted, staged, checksums)
    response = Response("", 200, headers={"ETag": f'"{part.etag}"'})
    for algorithm, checksum in part.checksums.items():
        response.headers[f"x-amz-checksum-{algorithm.lower()}"] = checksum
    return response


def upload_part_copy(call: Call) -> Response:
    """UploadPartCopy."""
    upload, wanted = _upload(call), _part_number(call)
    source, file = call.objects.open(*copy_source(call))
    with file, call.objects.stage() as staged:
        check_conditions(call, source, f"{COPY_SOURCE}-")
        first, length = _copied(call.header(f"{COPY_SOURCE}-range"), source.size)
        file.seek(first)
        checksum = digest(upload.algorithm) if upload.algorithm else None
        while length and (chunk := file.read(min(CHUNK, length))):
            staged.write(chunk)
            length -= len(chunk)
            if checksum is not None:
                checksum.update(chunk)
        value = checksum.value() if checksum is not None else None
        checksums = {upload.algorithm: encoded(value)} if value is not None else {}
        part = call.uploads.add_part(call.bucket, upload, wanted, staged, checksums)
    return answer(
        "CopyPartResult",
        text("LastModified", moment(source.modified)),
        text("ETag", f'"{part.etag}"'),
        *(text(f"Checksum{name}", value) for name, value in checksums.items()),
    )


def complete_multipart_upload(call: Call) -> Response:
    """CompleteMultipartUpload."""
    root = parse(read_small(call.request, call.signature), "CompleteMultipartUpload")
    upload = _upload(call)
    with call.uploads.assembling(call.bucket, upload) as arrived, call.objects.stage() as staged:
        parts = _chosen(root, arrived)
        for part in parts:
            call.uploads.append(call.bucket, upload, part, staged)
        size = call.header("x-amz-mp-object-size")
        if size is not None and size != str(staged.size):
            raise ServiceError(
                "InvalidRequest", "The size of the parts is not the x-amz-mp-object-size given."
            )
        attributes = replace(
            upload.attributes,
            parts=tuple(part.size for part in parts),
            checksums=_checksums(call, upload, parts, staged),
            checksum_type=upload.checksum_type,
        )
        info = call.objects.commit(
            call.bucket,
            call.key,
            staged,
            attributes,
            etag=combined_etag(parts),
            check=lambda now: check_write(call, now),
        )
        call.uploads.remove(call.bucket, upload)
    return answer(
        "CompleteMultipartUploadResult",
        text("Location", f"{call.request.host_url}{call.bucket}/{call.key}"),
        text("Bucket", call.bucket),
        text("Key", call.key),
        text("ETag", f'"{info.etag}"'),
        *(text(f"Checksum{name}", value) for name, value in attributes.checksums.items()),
        text("ChecksumType", upload.checksum_type if attributes.checksums else None),
    )


def abort_multipart_upload(call: Call) -> Response:
    """AbortMultipartUpload."""
    call.uploads.remove(call.bucket, _upload(call))
    return Response("", 204)


def list_parts(call: Call) -> Response:
    """ListParts."""
    upload = _upload(call)
    most, marker = number(call, "max-parts", 1000, 1000), number(call, "part-number-marker", 0, MOST_PARTS)
    rest = [part for part in call.uploads.parts(call.bucket, upload) if part.number > marker]
    shown = rest[:most]
    return answer(
        "ListPartsResult",
        text("Bucket", call.bucket),
        text("Key", key_writer(call)(call.key)),
        text("UploadId", upload.identifier),
        OWNER.replace("Owner", "Initiator"),
        OWNER,
        text("StorageClass", "STANDARD"),
        text("PartNumberMarker", marker),
        text("NextPartNumberMarker", shown[-1].number if shown else 0),
        text("MaxParts", most),
        text("IsTruncated", len(rest) > len(shown)),
        text("ChecksumAlgorithm", upload.algorithm or None),
        text("ChecksumType", upload.checksum_type if upload.algorithm else None),
        *(
            element(
                "Part",
                text("PartNumber", part.number),
                text("LastModified", moment(part.time)),
                text("ETag", f'"{part.etag}"'),
                text("Size", part.size),
                *(text(f"Checksum{name}", value) for name, value in part.checksums.items()),
            )
            for part in shown
        ),
    )


def list_multipart_uploads(call: Call) -> Response:
    """ListMultipartUploads, without delimiters."""
    if call.query.get("delimiter"):
        raise ServiceError("NotImplemented", "ListMultipartUploads with a delimiter is not implemented.", 501)
    prefix, most = call.query.get("prefix", ""), number(call, "max-uploads", 1000, 1000)
    marker, after = call.query.get("key-marker", ""), call.query.get("upload-id-marker", "")
    uploads = [upload for upload in call.uploads.all(call.bucket) if upload.key.startswith(prefix)]
    if after:
        identifiers = [upload.identifier for upload in uploads]
        uploads = uploads[identifiers.index(after) + 1 :] if after in identifiers else []
    elif marker:
        uploads = [upload for upload in uploads if upload.key.encode() > marker.encode()]
    shown = uploads[:most]
    truncated = len(uploads) > len(shown)
    write = key_writer(call)
    return answer(
        "ListMultipartUploadsResult",
        text("Bucket", call.bucket),
        text("KeyMarker", write(marker)),
        text("UploadIdMarker", after),
        text("NextKeyMarker", write(shown[-1].key) if truncated and shown else None),
        text("NextUploadIdMarker", shown[-1].identifier if truncated and shown else None),
        text("Prefix", write(prefix)),
        text("MaxUploads", most),
        text("EncodingType", call.query.get("encoding-type")),
        text("IsTruncated", truncated),
        *(
            element(
                "Upload",
                text("Key", write(upload.key)),
                text("UploadId", upload.identifier),
                OWNER.replace("Owner", "Initiator"),
                OWNER,
                text("StorageClass", "STANDARD"),
                text("Initiated", moment(upload.initiated)),
            )
            for upload in shown
        ),
    )


def _upload(call: Call) -> Upload:
    call.objects.directory(call.bucket)
    return call.uploads.get(call.bucket, call.key, call.query.get("uploadId", ""))


def _part_number(call: Call) -> int:
    given = call.query.get("partNumber", "")
    if not given.isdecimal() or not 1 <= int(given) <= MOST_PARTS:
        raise ServiceError(
            "InvalidArgument",
            "Part number must be an integer between 1 and 10000, inclusive",
            400,
            {"ArgumentName": "partNumber", "ArgumentValue": given},
        )
    return int(given)


def _copied(given: str | None, size: int) -> tuple[int, int]:
    if given is None:
        return 0, size
    match = _RANGE.fullmatch(given)
    if match is None or int(match.group(1)) > int(match.group(2)) or int(match.group(2)) >= size:
        raise ServiceError(
            "InvalidArgument", f"Range specified is not valid for source object of size: {size}"
        )
    first, last = int(match.group(1)), int(match.group(2))
    return first, last - first + 1


def _chosen(root: ElementTree.Element, arrived: list[Part]) -> list[Part]:
    """The parts that the request names, in its order, checked."""
    by_number = {part.number: part for part in arrived}
    chosen: list[Part] = []
    for item in root.findall("Part"):
        given, etag = item.findtext("PartNumber", ""), item.findtext("ETag", "").strip().strip('"')
        if not given.strip().isdecimal():
            raise malformed()
        part = by_number.get(int(given))
        if part is None or part.etag != etag:
            raise ServiceError(
                "InvalidPart",
                "One or more of the specified parts could not be found. The part may not have been uploaded, "
                "or the specified entity tag may not match the part's entity tag.",
                400,
                {"PartNumber": given, "ETag": etag},
            )
        for name, checksum in part.checksums.items():
            claimed = item.findtext(f"Checksum{name}")
            if claimed is not None and claimed != checksum:
                raise ServiceError(
                    "InvalidPart", f"The {name} of part {given} does not match the part's checksum."
                )
        if chosen and chosen[-1].number >= part.number:
            raise ServiceError("InvalidPartOrder", "The list of parts was not in ascending order.")
        chosen.append(part)
    if not chosen:
        raise malformed()
    for part in chosen[:-1]:
        if part.size < LEAST_PART:
            raise ServiceError(
                "EntityTooSmall",
                "Your proposed upload is smaller than the minimum allowed size",
                400,
                {
                    "ProposedSize": str(part.size),
                    "MinSizeAllowed": str(LEAST_PART),
                    "PartNumber": str(part.number),
                },
            )
    return chosen


def _checksums(call: Call, upload: Upload, parts: list[Part], staged: Staged) -> dict[str, str]:
    """The checksum of the whole object, held to the one the request may carry."""
    name = upload.algorithm
    if not name:
        return {}
    claimed = call.header(f"x-amz-checksum-{name.lower()}")
    if upload.checksum_type == "COMPOSITE":
        sums = [part.checksums.get(name, "") for part in parts]
        if not all(sums):
            return {}
        actual: str | None = composite(name, sums)
        if claimed is not None and "-" not in claimed:
            claimed = f"{claimed}-{len(parts)}"
    else:
        whole = digest(name)
        staged.file.seek(0)
        while chunk := staged.file.read(CHUNK):
            whole.update(chunk)
        value = whole.value()
        actual = encoded(value) if value is not None else claimed
    if claimed is not None and actual is not None and claimed != actual:
        raise ServiceError("BadDigest", f"The {name} you specified did not match the calculated checksum.")
    return {name: actual} if actual else {}
