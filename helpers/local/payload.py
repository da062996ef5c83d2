"""Bodies of requests: decoded, and held to every hash and checksum the request names.

Beside plain bodies there are the ``aws-chunked`` ones: chunks with or without a signature each, followed by
trailers with the checksum.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator
from typing import BinaryIO

from helpers.local.checksums import ALGORITHMS, HEADER, Digest, digest, encoded
from helpers.local.errors import ServiceError
from helpers.local.signature import UNSIGNED, Signature
from helpers.local.staging import CHUNK, Staged
from helpers.local.web import Request

EMPTY_HASH = hashlib.sha256(b"").hexdigest()
STREAMING = "STREAMING-"
LARGEST_SMALL = 64 * 1024**2  # bytes of a request that is read into memory


def check_payload(request: Request, signed: Signature) -> None:
    """Hold the body of a small request to its signed hash. Raises ServiceError."""
    if int(request.environ.get("CONTENT_LENGTH") or 0) > LARGEST_SMALL:
        raise ServiceError("RequestEntityTooLarge", "Your request was too large.", 413)
    if signed.payload == UNSIGNED or "X-Amz-Content-SHA256" not in request.headers:
        return  # without that header, the signature itself was made over the hash of what came
    if not hmac.compare_digest(hashlib.sha256(request.get_data()).hexdigest(), signed.payload):
        raise _wrong_hash()


def read_small(request: Request, signed: Signature, largest: int = 4 * CHUNK) -> bytes:
    """The checked body of a request that carries XML. Raises ServiceError."""
    length = request.content_length or 0
    if length > largest:
        raise ServiceError("MaxMessageLengthExceeded", "Your request was too large.")
    data = bytearray()
    _receive(request, signed, data.extend, {})
    return bytes(data)


def receive(request: Request, signed: Signature, staged: Staged, wanted: str | None = None) -> dict[str, str]:
    """Write the body of a request to a file, checked; the checksums (base64) by algorithm.

    ``wanted`` names an algorithm to compute even if the request has no such checksum. Raises ServiceError.
    """
    digests = {wanted: digest(wanted)} if wanted in ALGORITHMS else {}
    return _receive(request, signed, staged.write, digests)


def _receive(
    request: Request, signed: Signature, write: object, digests: dict[str, Digest]
) -> dict[str, str]:
    headers = request.headers
    stream: BinaryIO = request.environ["wsgi.input"]
    trailers: dict[str, str] = {}
    chunked = signed.payload.startswith(STREAMING)
    announced = [name.strip().lower() for name in headers.get("x-amz-trailer", "").split(",")]
    claimed = {name: headers.get(HEADER + name.lower(), "") for name in ALGORITHMS}
    for name in ALGORITHMS:
        if claimed[name] or HEADER + name.lower() in announced:
            digests.setdefault(name, digest(name))
    whole = hashlib.sha256() if len(signed.payload) == 64 else None
    md5 = hashlib.md5(usedforsecurity=False) if "Content-MD5" in headers else None
    length = 0
    for data in _chunks(stream, signed, trailers) if chunked else iter(lambda: stream.read(CHUNK), b""):
        length += len(data)
        write(data)  # type: ignore[operator]
        if whole is not None:
            whole.update(data)
        if md5 is not None:
            md5.update(data)
        for each in digests.values():
            each.update(data)
    expected = headers.get("x-amz-decoded-content-length") if chunked else headers.get("Content-Length")
    if expected is not None and expected.isdigit() and int(expected) != length:
        raise ServiceError(
            "IncompleteBody",
            "You did not provide the number of bytes specified by the Content-Length HTTP header.",
        )
    if whole is not None and not hmac.compare_digest(whole.hexdigest(), signed.payload):
        raise _wrong_hash()
    if md5 is not None:
        _check_md5(headers["Content-MD5"], md5.digest())
    for name in ALGORITHMS:
        claimed[name] = claimed[name] or trailers.get(HEADER + name.lower(), "")
    return _check_digests(digests, claimed)


def _check_md5(header: str, actual: bytes) -> None:
    try:
        expected = base64.b64decode(header, validate=True)
    except ValueError:  # a character that is none of base64's
        expected = b""
    if len(expected) != 16:
        raise ServiceError("InvalidDigest", "The Content-MD5 you specified was invalid.")
    if expected != actual:
        raise ServiceError("BadDigest", "The Content-MD5 you specified did not match what we received.")


def _check_digests(digests: dict[str, Digest], claimed: dict[str, str]) -> dict[str, str]:
    found = {}
    for name, each in digests.items():
        value = each.value()
        actual = claimed[name] if value is None else encoded(value)
        if claimed[name] and claimed[name] != actual:
            raise ServiceError(
                "BadDigest", f"The {name} you specified did not match the calculated checksum."
            )
        if actual:
            found[name] = actual
    return found


def _chunks(stream: BinaryIO, signed: Signature, trailers: dict[str, str]) -> Iterator[bytes]:
    """The data of an aws-chunked body; fills ``trailers`` at its end."""
    with_signatures = "HMAC-SHA256" in signed.payload
    previous = signed.signature
    while True:
        size, chunk_signature = _chunk_header(stream)
        hashed = hashlib.sha256()
        left = size
        while left:
            data = stream.read(min(left, CHUNK))
            if not data:
                raise _malformed()
            left -= len(data)
            hashed.update(data) if with_signatures else None
            yield data
        if with_signatures:
            text = f"{EMPTY_HASH}\n{hashed.hexdigest()}"
            previous = _check_chunk(signed, "AWS4-HMAC-SHA256-PAYLOAD", previous, text, chunk_signature)
        if size == 0:
            break
        if stream.read(2) != b"\r\n":
            raise _malformed()
    lines = []
    while line := stream.readline(16 * 1024).strip():
        name, _, value = line.decode("latin-1").partition(":")
        trailers[name.strip().lower()] = value.strip()
        if name.strip().lower() != "x-amz-trailer-signature":
            lines.append(f"{name.strip().lower()}:{value.strip()}\n")
    if with_signatures and "TRAILER" in signed.payload:
        text = hashlib.sha256("".join(lines).encode()).hexdigest()
        given = trailers.get("x-amz-trailer-signature", "")
        _check_chunk(signed, "AWS4-HMAC-SHA256-TRAILER", previous, text, given)


def _chunk_header(stream: BinaryIO) -> tuple[int, str]:
    line = stream.readline(4096)
    size, _, extension = line.strip().decode("latin-1").partition(";")
    try:
        return int(size, 16), extension.partition("chunk-signature=")[2]
    except ValueError:
        raise _malformed() from None


def _check_chunk(signed: Signature, algorithm: str, previous: str, text: str, given: str) -> str:
    scope = f"{signed.time[:8]}/{signed.region}/{signed.service}/aws4_request"
    whole = f"{algorithm}\n{signed.time}\n{scope}\n{previous}\n{text}"
    expected = hmac.new(signed.signing_key, whole.encode(), "sha256").hexdigest()
    if not hmac.compare_digest(expected, given):
        raise ServiceError(
            "SignatureDoesNotMatch", "The signature of a chunk of the body does not match.", 403
        )
    return expected


def _wrong_hash() -> ServiceError:
    return ServiceError(
        "XAmzContentSHA256Mismatch",
        "The provided 'x-amz-content-sha256' header does not match what was computed.",
    )


def _malformed() -> ServiceError:
    return ServiceError("IncompleteBody", "The body is no complete aws-chunked stream.")
