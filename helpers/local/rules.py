"""What S3 allows: names of buckets, keys, addresses; and what it answers otherwise."""

from __future__ import annotations

import re

LONGEST_KEY = 1024  # bytes of UTF-8
_BUCKET_NAME = re.compile(
    r"(?!xn--|sthree-)[a-z0-9](?:[a-z0-9-]|\.(?![.-]))*[a-z0-9](?<!-s3alias)(?<!--ol-s3)"
)
_ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+")


class ObjectError(LookupError):
    """A bucket or an object that the store cannot give."""


class NoSuchBucket(ObjectError):
    """The bucket does not exist."""

    def __init__(self, bucket: str) -> None:
        super().__init__(f"there is no bucket {bucket!r}")
        self.bucket = bucket


class NoSuchKey(ObjectError):
    """The object does not exist."""

    def __init__(self, bucket: str, key: str) -> None:
        super().__init__(f"there is no object s3://{bucket}/{key}")
        self.bucket = bucket
        self.key = key


class BucketNotEmpty(ObjectError):
    """The bucket to delete still has objects."""


class InvalidBucketName(ValueError):
    """The bucket's name breaks the rules of S3."""


class InvalidKey(ValueError):
    """The key is empty, longer than 1,024 bytes, or not text."""


def split_uri(uri: str) -> tuple[str, str]:
    """``s3://bucket/some/key`` -> (``bucket``, ``some/key``); the key may be empty. Else ValueError."""
    match = re.fullmatch(r"s3://([^/]+)(?:/(.*))?", uri, re.DOTALL)
    if match is None:
        raise ValueError(f"{uri!r} is not an S3 address: it must look like s3://bucket/key")
    return match.group(1), match.group(2) or ""


def check_key(key: str) -> None:
    """Raise InvalidKey unless the key is one S3 could hold."""
    try:
        length = len(key.encode())
    except UnicodeEncodeError:
        raise InvalidKey("the key is not valid UTF-8 text") from None
    if not key:
        raise InvalidKey("the key is empty")
    if length > LONGEST_KEY:
        raise InvalidKey(f"the key has {length} bytes, more than the {LONGEST_KEY} S3 allows")


def is_bucket_name(name: str) -> bool:
    """Whether S3 allows a bucket of this name."""
    return 3 <= len(name) <= 63 and _BUCKET_NAME.fullmatch(name) is not None and not _ADDRESS.fullmatch(name)
