"""S3: the operations that boto3, the SageMaker SDK, the aws CLI, s3fs and DuckDB use, over plain files."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from werkzeug.wrappers import Request as AnyRequest
from werkzeug.wrappers import Response

from helpers.local.errors import ServiceError
from helpers.local.objects import NoSuchBucket, NoSuchKey, ObjectStore
from helpers.local.rules import InvalidBucketName
from helpers.local.s3 import buckets, listing, multipart, reading, writing
from helpers.local.s3.call import ACCOUNT, Call, no_such_key, read_address
from helpers.local.signature import Signature
from helpers.local.uploads import NoSuchUpload, Uploads
from helpers.local.web import Request

Operation = Callable[[Call], Response]


@dataclass(frozen=True)
class Route:
    """How an operation is recognised: a method, what the address names, a name in the query or headers."""

    method: str
    level: str  # service, bucket or object
    mark: str = ""  # a name in the query, or a header when it begins with x-amz-


ROUTES: dict[Route, Operation] = {
    Route("GET", "service"): buckets.list_buckets,
    Route("PUT", "bucket"): buckets.create_bucket,
    Route("HEAD", "bucket"): buckets.head_bucket,
    Route("DELETE", "bucket"): buckets.delete_bucket,
    Route("GET", "bucket", "location"): buckets.get_bucket_location,
    Route("GET", "bucket", "versioning"): buckets.get_bucket_versioning,
    Route("GET", "bucket", "tagging"): buckets.get_bucket_tagging,
    Route("GET", "bucket", "acl"): buckets.get_bucket_acl,
    Route("GET", "bucket"): listing.list_objects,
    Route("GET", "bucket", "list-type"): listing.list_objects_v2,
    Route("GET", "bucket", "versions"): listing.list_object_versions,
    Route("GET", "bucket", "uploads"): multipart.list_multipart_uploads,
    Route("POST", "bucket", "delete"): writing.delete_objects,
    Route("GET", "object"): reading.get_object,
    Route("HEAD", "object"): reading.head_object,
    Route("GET", "object", "attributes"): reading.get_object_attributes,
    Route("GET", "object", "tagging"): writing.get_object_tagging,
    Route("PUT", "object", "tagging"): writing.put_object_tagging,
    Route("DELETE", "object", "tagging"): writing.delete_object_tagging,
    Route("GET", "object", "uploadId"): multipart.list_parts,
    Route("PUT", "object"): writing.put_object,
    Route("PUT", "object", "x-amz-copy-source"): writing.copy_object,
    Route("DELETE", "object"): writing.delete_object,
    Route("POST", "object", "uploads"): multipart.create_multipart_upload,
    Route("POST", "object", "uploadId"): multipart.complete_multipart_upload,
    Route("PUT", "object", "uploadId"): multipart.upload_part,
    Route("PUT", "object", "uploadId x-amz-copy-source"): multipart.upload_part_copy,
    Route("DELETE", "object", "uploadId"): multipart.abort_multipart_upload,
}

# Names in the query that choose another operation. Those without a route are operations S3 has and we lack.
SUBRESOURCES = frozenset(
    [
        "accelerate",
        "acl",
        "analytics",
        "attributes",
        "cors",
        "delete",
        "encryption",
        "intelligent-tiering",
        "inventory",
        "legal-hold",
        "lifecycle",
        "list-type",
        "location",
        "logging",
        "metadataConfiguration",
        "metadataTable",
        "metrics",
        "notification",
        "object-lock",
        "ownershipControls",
        "policy",
        "policyStatus",
        "publicAccessBlock",
        "replication",
        "requestPayment",
        "restore",
        "retention",
        "select",
        "session",
        "tagging",
        "torrent",
        "uploadId",
        "uploads",
        "versioning",
        "versions",
        "website",
    ]
)


class S3:
    """The door to the objects."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects
        self._uploads = Uploads(objects)

    def __call__(self, request: AnyRequest) -> Response:
        """Answer one signed request. Raises ServiceError."""
        if not isinstance(request, Request):
            raise TypeError("the S3 door needs the request as it was sent (helpers.local.web.Request)")
        signed: Signature = request.environ["workshop.signature"]
        bucket, key = read_address(request)
        call = Call(request, signed, self._objects, self._uploads, bucket, key, dict(request.sent_query))
        owner = call.header("x-amz-expected-bucket-owner")
        if owner not in (None, ACCOUNT):
            raise ServiceError("AccessDenied", "Access Denied: another account owns the bucket.", 403)
        resource = {"Resource": quote(f"/{bucket}/{key}" if key else f"/{bucket}")}
        try:
            return find_operation(call)(call)
        except NoSuchBucket as error:
            details = {"BucketName": error.bucket, **resource}
            raise ServiceError("NoSuchBucket", "The specified bucket does not exist", 404, details) from None
        except NoSuchKey as error:
            raise no_such_key(error.key) from None
        except NoSuchUpload:
            raise ServiceError(
                "NoSuchUpload",
                "The specified upload does not exist. The upload ID may be invalid, or the upload may have "
                "been aborted or completed.",
                404,
                resource,
            ) from None
        except OSError as error:
            if error.errno != errno.ENAMETOOLONG:
                raise
            raise ServiceError("KeyTooLongError", "Your key is too long for the state directory.") from None
        except InvalidBucketName:
            details = {"BucketName": bucket}
            raise ServiceError(
                "InvalidBucketName", "The specified bucket is not valid.", 400, details
            ) from None


def find_operation(call: Call) -> Operation:
    """The operation a request asks for. Raises ServiceError (NotImplemented, MethodNotAllowed)."""
    level = "object" if call.key else "bucket" if call.bucket else "service"
    marks = [name for name in call.query if name in SUBRESOURCES]
    if call.request.method == "PUT" and call.header("x-amz-copy-source") is not None:
        marks.append("x-amz-copy-source")
    mark = " ".join(marks)
    operation = ROUTES.get(Route(call.request.method, level, mark))
    if operation is None:
        asked = f"{call.request.method} of {'an object' if level == 'object' else f'a {level}'}"
        asked += f" with ?{mark}" if mark else ""
        raise ServiceError(
            "NotImplemented",
            "A header or parameter you provided implies functionality that local SageMaker does not have: "
            f"{asked}.",
            501,
        )
    return operation
