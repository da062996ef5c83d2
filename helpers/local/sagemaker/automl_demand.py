"""How much of the machine an AutoML job asks for, by the size of its data."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from helpers.local.machine import Share
from helpers.local.objects import NoSuchBucket, NoSuchKey, ObjectStore, split_uri

CORES = 2
BASE = 1536 * 1024**2  # bytes: the libraries, and a small table with its models
FACTOR = 40  # bytes for each byte of CSV: a table takes five, and may take an eighth of a job's memory
COMPRESSED = 4  # bytes of CSV in a byte of Parquet or gzip, about
MOST_OBJECTS = 10_000  # looked at; more are refused or read in pieces anyway


def demand(objects: ObjectStore, request: Mapping[str, Any]) -> Share:
    """What a job of this request (in the second version's form) asks for."""
    size = 0
    for channel in request["AutoMLJobInputDataConfig"]:
        source = channel["DataSource"]["S3DataSource"]
        parquet = channel.get("ContentType", "").startswith("x-application")
        packed = parquet or channel.get("CompressionType") == "Gzip"
        size += _size(objects, source) * (COMPRESSED if packed else 1)
    return Share(CORES, BASE + FACTOR * size)


def _size(objects: ObjectStore, source: Mapping[str, Any]) -> int:
    """The bytes that a source names; 0 for what cannot be read, which the job itself will say."""
    try:
        sizes = (
            _listed(objects, source) if source["S3DataType"] == "ManifestFile" else _below(objects, source)
        )
        return sum(islice(sizes, MOST_OBJECTS))
    except (NoSuchBucket, NoSuchKey, ValueError, TypeError, KeyError, IndexError):
        return 0


def _below(objects: ObjectStore, source: Mapping[str, Any]) -> Iterator[int]:
    return (found.status.st_size for found in objects.walk(*split_uri(source["S3Uri"])))


def _listed(objects: ObjectStore, source: Mapping[str, Any]) -> Iterator[int]:
    first, *names = json.loads(objects.read(*split_uri(source["S3Uri"])))
    bucket, prefix = split_uri(first["prefix"])
    return (objects.path(bucket, prefix + name).stat().st_size for name in names)
