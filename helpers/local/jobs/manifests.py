"""Data capture of a batch transform: which objects went in and which came out, as manifests by the hour."""

import itertools
import json
import time
import uuid
from collections.abc import Sequence

from helpers.local.objects import ObjectStore


def capture(
    objects: ObjectStore,
    bucket: str,
    prefix: str,
    begun: float,
    inputs: Sequence[str],
    outputs: Sequence[str],
) -> None:
    """Write a manifest below `input/yyyy/mm/dd/hh/` and one below `output/yyyy/mm/dd/hh/` of a prefix.

    The hour (UTC) is that in which the job began. A manifest is what S3DataType ManifestFile takes: a prefix,
    then the names below it.
    """
    hour = time.strftime("%Y/%m/%d/%H", time.gmtime(begun))
    name = f"{uuid.uuid4()}.jsonl"
    for kind, uris in (("input", inputs), ("output", outputs)):
        key = f"{prefix}{kind}/{hour}/{name}"
        objects.put(bucket, key, _manifest(uris), content_type="application/jsonlines")


def _manifest(uris: Sequence[str]) -> bytes:
    first, last = min(uris), max(uris)  # what these have in common all have
    common = sum(
        1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))
    )
    prefix = first[: first.rfind("/", 0, common) + 1]
    return json.dumps([{"prefix": prefix}, *(uri[len(prefix) :] for uri in uris)]).encode() + b"\n"
