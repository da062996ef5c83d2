"""The lock of the door: AWS signatures, checked against the one secret key of the state directory.

Signature version 4 in the Authorization header or in the query (presigned addresses), and version 2 in the
query, which boto3 still uses when it presigns S3 addresses.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from urllib.parse import quote, urlsplit

from botocore.auth import HmacV1QueryAuth
from botocore.awsrequest import HeadersDict
from botocore.credentials import Credentials

from helpers.local.errors import ServiceError
from helpers.local.web import Request

ACCESS_KEY = "WORKSHOPLOCAL0000000"
ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED = "UNSIGNED-PAYLOAD"
SKEW = timedelta(minutes=15)
LONGEST_VALIDITY = 7 * 24 * 3600  # seconds of a presigned address
TIME_FORM = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True)
class Signature:
    """A signature that was checked: who may go on, and what it says about the body."""

    service: str  # of the credential scope: s3, sagemaker, logs, sts, iam
    region: str
    payload: str  # SHA-256 of the body, or a word such as UNSIGNED-PAYLOAD
    time: str = ""  # as in X-Amz-Date
    signature: str = ""
    signing_key: bytes = b""


def claimed_service(request: Request) -> str:
    """The service a request says it is for, before anything is checked; empty when it does not say."""
    credential = _query(request).get("X-Amz-Credential") or request.headers.get("Authorization", "")
    match = re.search(r"/\d{8}/[^/]*/([^/]+)/aws4_request", credential)
    return match.group(1) if match else ""


def verify(request: Request, secret: str, now: datetime | None = None) -> Signature:
    """Check the signature of a request. Raises ServiceError (status 403, or 400 when it cannot be read)."""
    moment = now or datetime.now(UTC)
    query = _query(request)
    authorization = request.headers.get("Authorization", "")
    if "X-Amz-Signature" in query:
        return _verify_presigned(request, query, secret, moment)
    if "Signature" in query and "AWSAccessKeyId" in query:
        return _verify_version_2(request, query, secret, moment)
    if authorization.startswith(ALGORITHM):
        return _verify_header(request, authorization, secret, moment)
    if authorization:
        raise ServiceError(
            "InvalidRequest",
            f"The authorization mechanism you have provided is not supported. Please use {ALGORITHM}.",
        )
    raise ServiceError(
        "AccessDenied",
        "Access Denied: the request is not signed. Use the key that `workshop env` prints.",
        403,
    )


def _query(request: Request) -> dict[str, str]:
    return dict(request.sent_query)


def _verify_header(request: Request, authorization: str, secret: str, now: datetime) -> Signature:
    fields = dict(re.findall(r"(Credential|SignedHeaders|Signature)=([^,\s]+)", authorization))
    if len(fields) != 3:
        raise ServiceError(
            "AuthorizationHeaderMalformed",
            "The Authorization header needs Credential, SignedHeaders and Signature.",
        )
    date = request.headers.get("X-Amz-Date") or _date_of(request.headers.get("Date", ""))
    signed_at = _time(date)
    if abs(now - signed_at) > SKEW:
        raise ServiceError(
            "RequestTimeTooSkewed",
            "The difference between the request time and the current time is too large.",
            403,
            {"RequestTime": date, "ServerTime": now.strftime(TIME_FORM)},
        )
    payload = request.headers.get("X-Amz-Content-SHA256") or _body_hash(request)
    names = fields["SignedHeaders"].lower().split(";")
    return _check(
        request, fields["Credential"], names, request.sent_query, date, payload, fields["Signature"], secret
    )


def _verify_presigned(request: Request, query: Mapping[str, str], secret: str, now: datetime) -> Signature:
    missing = [
        name for name in ("Credential", "Date", "Expires", "SignedHeaders") if f"X-Amz-{name}" not in query
    ]
    if missing or query.get("X-Amz-Algorithm") != ALGORITHM:
        raise ServiceError(
            "AuthorizationQueryParametersError",
            "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, "
            "X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.",
        )
    expires = query["X-Amz-Expires"]
    if not _is_number(expires) or not 0 < int(expires) <= LONGEST_VALIDITY:
        raise ServiceError(
            "AuthorizationQueryParametersError", "X-Amz-Expires must be between 1 and 604800 seconds."
        )
    signed_at = _time(query["X-Amz-Date"])
    if signed_at - now > SKEW:
        raise ServiceError("AccessDenied", "Request is not yet valid", 403)
    if now > signed_at + timedelta(seconds=int(expires)):
        raise _expired(signed_at + timedelta(seconds=int(expires)), now)
    payload = request.headers.get("X-Amz-Content-SHA256", UNSIGNED)
    names = query["X-Amz-SignedHeaders"].lower().split(";")
    pairs = [pair for pair in request.sent_query if pair[0] != "X-Amz-Signature"]
    return _check(
        request,
        query["X-Amz-Credential"],
        names,
        pairs,
        query["X-Amz-Date"],
        payload,
        query["X-Amz-Signature"],
        secret,
    )


def _verify_version_2(request: Request, query: Mapping[str, str], secret: str, now: datetime) -> Signature:
    if query["AWSAccessKeyId"] != ACCESS_KEY:
        raise _unknown_key(query["AWSAccessKeyId"])
    if not _is_number(query.get("Expires", "")):
        raise ServiceError("AccessDenied", "Query-string authentication requires the Expires parameter", 403)
    expires = datetime.fromtimestamp(int(query["Expires"]), UTC)
    if now > expires:
        raise _expired(expires, now)

    class Signer(HmacV1QueryAuth):  # type: ignore[misc]
        def _get_date(self) -> str:
            return query["Expires"]

    headers = HeadersDict()
    for name, value in request.headers:
        if name.lower() in ("content-type", "content-md5") or name.lower().startswith("x-amz-"):
            headers[name] = value
    for name, value in query.items():
        if name.startswith("x-amz-") and name not in headers:
            headers[name] = value
    split = urlsplit(request.sent_path + "?" + request.environ.get("QUERY_STRING", ""))
    signer = Signer(Credentials(ACCESS_KEY, secret))
    if not _same(signer.get_signature(request.method, split, headers), query["Signature"]):
        raise _mismatch()
    return Signature("s3", "", UNSIGNED)


def _check(
    request: Request,
    credential: str,
    names: list[str],
    query: list[tuple[str, str]],
    date: str,
    payload: str,
    signature: str,
    secret: str,
) -> Signature:
    parts = credential.split("/")
    if len(parts) != 5 or parts[4] != "aws4_request" or parts[1] != date[:8]:
        raise ServiceError(
            "AuthorizationHeaderMalformed",
            f"The credential {credential!r} is malformed: it must be "
            "<key>/<yyyymmdd>/<region>/<service>/aws4_request, with the day of the request.",
        )
    access_key, day, region, service, _ = parts
    if access_key != ACCESS_KEY:
        raise _unknown_key(access_key)
    _require_signed(request, names)
    canonical = "\n".join(
        (
            request.method,
            canonical_path(request.sent_path, service),
            canonical_query(query),
            *(f"{name}:{_header(request, name)}" for name in names),
            "",
            ";".join(names),
            payload,
        )
    )
    scope = "/".join((day, region, service, "aws4_request"))
    text = "\n".join((ALGORITHM, date, scope, hashlib.sha256(canonical.encode()).hexdigest()))
    key = signing_key(secret, day, region, service)
    if not _same(hmac.new(key, text.encode(), "sha256").hexdigest(), signature):
        raise _mismatch()
    return Signature(service, region, payload, date, signature, key)


@lru_cache(maxsize=64)
def signing_key(secret: str, day: str, region: str, service: str) -> bytes:
    """The key of one day, region and service that signature version 4 derives from the secret."""
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def canonical_query(pairs: list[tuple[str, str]]) -> str:
    """A query's names and values encoded in the one canonical way, in order."""
    encoded = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in pairs)
    return "&".join(f"{name}={value}" for name, value in encoded)


def canonical_path(path: str, service: str) -> str:
    """The path as it is signed: as it stands for S3; dots resolved and encoded once more for the others."""
    if service == "s3":
        return path
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            kept = kept[:-1]
        elif segment not in ("", "."):
            kept.append(segment)
    resolved = "/" + "/".join(kept) + ("/" if path.endswith("/") and kept else "")
    return quote(resolved, safe="/~-_.")


def _same(expected: str, given: str) -> bool:
    return hmac.compare_digest(expected.encode(), given.encode())


def _is_number(text: str) -> bool:
    """Whether a time or a duration in seconds was given, of a size that a clock can show."""
    return text.isascii() and text.isdigit() and len(text) <= 11


def _require_signed(request: Request, names: list[str]) -> None:
    unsigned = [
        name.lower()
        for name, _ in request.headers
        if name.lower().startswith("x-amz-")
        and name.lower() not in names
        and name.lower() != "x-amz-content-sha256"
    ]
    if "host" not in names or unsigned:
        headers = ", ".join(unsigned or ["host"])
        raise ServiceError(
            "AccessDenied", f"There were headers present in the request which were not signed: {headers}", 403
        )


def _header(request: Request, name: str) -> str:
    return ",".join(" ".join(value.split()) for value in request.headers.getlist(name))


def _body_hash(request: Request) -> str:
    stream = request.environ["wsgi.input"]
    digest = hashlib.sha256()
    while chunk := stream.read(1024 * 1024):
        digest.update(chunk)
    stream.seek(0)
    return digest.hexdigest()


@lru_cache(maxsize=64)
def _time(date: str) -> datetime:
    try:
        return datetime.strptime(date, TIME_FORM).replace(tzinfo=UTC)
    except ValueError:
        raise ServiceError(
            "AccessDenied", "AWS authentication requires a valid Date or x-amz-date header", 403
        ) from None


def _date_of(header: str) -> str:
    try:
        return parsedate_to_datetime(header).astimezone(UTC).strftime(TIME_FORM)
    except ValueError:
        return header


def _expired(expires: datetime, now: datetime) -> ServiceError:
    details = {
        "Expires": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "ServerTime": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    return ServiceError("AccessDenied", "Request has expired", 403, details)


def _unknown_key(access_key: str) -> ServiceError:
    return ServiceError(
        "InvalidAccessKeyId",
        "The AWS Access Key Id you provided does not exist in our records.",
        403,
        {"AWSAccessKeyId": access_key},
    )


def _mismatch() -> ServiceError:
    return ServiceError(
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided. Check your key and "
        "signing method. The key of local SageMaker is the one that `workshop env` prints.",
        403,
    )
