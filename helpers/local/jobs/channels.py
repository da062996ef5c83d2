"""The S3 inputs of a job: which objects a prefix or a manifest names, in place on disk."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpers.local.jobs.job import JobFailure
from helpers.local.objects import NoSuchBucket, NoSuchKey, ObjectStore, split_uri


@dataclass(frozen=True)
class InputObject:
    """One object of an input: its URI, its plain file, and its path below the input's prefix."""

    uri: str
    path: Path
    relative: str


def read_source(objects: ObjectStore, source: Mapping[str, Any]) -> list[InputObject]:
    """The objects of an S3 data source (members S3Uri and S3DataType), in key order for a prefix.

    Raises JobFailure when nothing is there.
    """
    uri = str(source["S3Uri"])
    if source.get("S3DataType", "S3Prefix") == "ManifestFile":
        return read_manifest(objects, uri)
    return list_prefix(objects, uri)


def list_prefix(objects: ObjectStore, uri: str) -> list[InputObject]:
    """Every object whose key starts with the URI's key. Folder markers (keys ending in `/`) are left out."""
    bucket, prefix = _split(uri)
    try:
        keys = [info.key for info in objects.list(bucket, prefix) if not info.key.endswith("/")]
    except NoSuchBucket:
        raise JobFailure(
            f"The bucket '{bucket}' of {uri} does not exist. Create it and upload the data, or correct the "
            f"S3Uri."
        ) from None
    if not keys:
        raise JobFailure(
            f"No S3 objects found under {uri}. Upload the data there, or correct the S3Uri: it is compared "
            f"with the "
            "beginning of the keys, letter by letter."
        )
    return [
        InputObject(f"s3://{bucket}/{key}", objects.path(bucket, key), _below(key, prefix)) for key in keys
    ]


def read_manifest(objects: ObjectStore, uri: str) -> list[InputObject]:
    """The objects a manifest names: a JSON list, `{"prefix": "s3://…"}` first, then keys relative to it."""
    bucket, key = _split(uri)
    try:
        entries = json.loads(objects.read(bucket, key))
        prefix, names = entries[0]["prefix"], entries[1:]
        if not isinstance(prefix, str) or not all(isinstance(name, str) for name in names):
            raise TypeError("the prefix and the names are text")
    except (NoSuchBucket, NoSuchKey):
        raise JobFailure(f"The manifest {uri} does not exist. Upload it, or correct the S3Uri.") from None
    except (ValueError, TypeError, KeyError, IndexError) as error:
        raise JobFailure(
            f"The manifest {uri} cannot be read ({error}). It is a JSON list: "
            '[{"prefix": "s3://bucket/folder/"}, "file-1.csv", "file-2.csv"].'
        ) from None
    found = []
    for name in names:
        item_bucket, item_key = _split(prefix + name)
        try:
            path = objects.path(item_bucket, item_key)
        except (NoSuchBucket, NoSuchKey):
            raise JobFailure(
                f"The manifest {uri} names s3://{item_bucket}/{item_key}, which does not exist."
            ) from None
        found.append(InputObject(f"s3://{item_bucket}/{item_key}", path, name.lstrip("/")))
    if not found:
        raise JobFailure(f"The manifest {uri} names no objects.")
    return found


def _split(uri: str) -> tuple[str, str]:
    try:
        return split_uri(uri)
    except ValueError as error:
        raise JobFailure(f"'{uri}' is not an S3 URI ({error}). Write it as s3://bucket/key.") from None


def _below(key: str, prefix: str) -> str:
    """The key's path below the prefix: a prefix that ends inside a name counts up to the slash before it."""
    folder = prefix if prefix.endswith("/") or not prefix else prefix + "/"
    if key.startswith(folder):
        return key[len(folder) :]
    return key[prefix.rfind("/") + 1 :]
