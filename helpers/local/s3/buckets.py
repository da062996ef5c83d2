"""Operations on buckets."""

from __future__ import annotations

from werkzeug.wrappers import Response

from helpers.local.errors import ServiceError
from helpers.local.payload import read_small
from helpers.local.rules import BucketNotEmpty
from helpers.local.s3.call import ACCOUNT, Call
from helpers.local.s3.xml import answer, element, moment, parse, text

OWNER = element("Owner", text("ID", ACCOUNT), text("DisplayName", "workshop"))
FIRST_REGION = "us-east-1"


def list_buckets(call: Call) -> Response:
    """ListBuckets."""
    prefix = call.query.get("prefix", "")
    found = [
        element("Bucket", text("Name", name), text("CreationDate", moment(created)))
        for name, created in call.objects.buckets().items()
        if name.startswith(prefix)
    ]
    return answer("ListAllMyBucketsResult", OWNER, element("Buckets", *found))


def create_bucket(call: Call) -> Response:
    """CreateBucket. As on AWS, making one's own bucket again succeeds in us-east-1 and nowhere else."""
    body = read_small(call.request, call.signature)
    wanted = None
    if body.strip():
        wanted = parse(body, "CreateBucketConfiguration").findtext("LocationConstraint")
    region = call.signature.region
    if region == FIRST_REGION and wanted == FIRST_REGION:
        raise ServiceError(
            "InvalidLocationConstraint",
            "The specified location-constraint is not valid",
            400,
            {"LocationConstraint": wanted},
        )
    if region != FIRST_REGION and wanted != region:
        raise ServiceError(
            "IllegalLocationConstraintException",
            f"The {wanted or 'unspecified'} location constraint is incompatible for the region specific "
            "endpoint this request was sent to.",
        )
    if not call.objects.create_bucket(call.bucket) and region != FIRST_REGION:
        raise ServiceError(
            "BucketAlreadyOwnedByYou",
            "Your previous request to create the named bucket succeeded and you already own it.",
            409,
            {"BucketName": call.bucket},
        )
    return Response("", 200, headers={"Location": f"/{call.bucket}"})


def head_bucket(call: Call) -> Response:
    """HeadBucket."""
    call.objects.directory(call.bucket)
    return Response(
        "", 200, headers={"x-amz-bucket-region": call.signature.region}, content_type="application/xml"
    )


def delete_bucket(call: Call) -> Response:
    """DeleteBucket."""
    try:
        call.objects.delete_bucket(call.bucket)
    except BucketNotEmpty:
        raise ServiceError(
            "BucketNotEmpty", "The bucket you tried to delete is not empty", 409, {"BucketName": call.bucket}
        ) from None
    return Response("", 204)


def get_bucket_location(call: Call) -> Response:
    """GetBucketLocation: the caller's own region, which us-east-1 writes as nothing."""
    call.objects.directory(call.bucket)
    region = call.signature.region
    return answer("LocationConstraint", "" if region == FIRST_REGION else region)


def get_bucket_versioning(call: Call) -> Response:
    """GetBucketVersioning: never switched on."""
    call.objects.directory(call.bucket)
    return answer("VersioningConfiguration")


def get_bucket_tagging(call: Call) -> Response:
    """GetBucketTagging: there are none."""
    call.objects.directory(call.bucket)
    raise ServiceError("NoSuchTagSet", "The TagSet does not exist", 404, {"BucketName": call.bucket})


def get_bucket_acl(call: Call) -> Response:
    """GetBucketAcl: the owner may do everything, nobody else anything."""
    call.objects.directory(call.bucket)
    grantee = (
        '<Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser">'
        f"{text('ID', ACCOUNT)}{text('DisplayName', 'workshop')}</Grantee>"
    )
    grant = element("Grant", grantee, text("Permission", "FULL_CONTROL"))
    return answer("AccessControlPolicy", OWNER, element("AccessControlList", grant))
