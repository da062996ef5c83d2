"""What a plain file cannot hold of an S3 object: its ETag, content type, user metadata, checksums.

One small JSON file a key, named by the key's hash, in a directory that is never listed. A record names the
size and the time of the file it belongs to, and counts for that file only. Before an object is replaced, its
record file is written with the records of both the old and the new file, so the one rename that puts the new
file in place switches data and metadata together; a writer killed at any moment leaves the two in agreement.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

DEFAULT_CONTENT_TYPE = "binary/octet-stream"


@dataclass(frozen=True)
class Attributes:
    """What a client may say of an object beside its bytes."""

    content_type: str = DEFAULT_CONTENT_TYPE
    metadata: dict[str, str] = field(default_factory=dict)  # x-amz-meta-*, names without the prefix
    headers: dict[str, str] = field(default_factory=dict)  # Cache-Control and others, returned as given
    tags: dict[str, str] = field(default_factory=dict)
    checksums: dict[str, str] = field(default_factory=dict)  # algorithm (CRC32, SHA256, …) -> base64
    checksum_type: str = "FULL_OBJECT"
    parts: tuple[int, ...] = ()  # sizes in bytes of the parts of a multipart upload


@dataclass(frozen=True)
class ObjectInfo:
    """What S3 tells of an object. ``size`` in bytes; ``etag`` without quotes; ``modified`` in UTC."""

    key: str
    size: int
    etag: str
    modified: datetime
    content_type: str = DEFAULT_CONTENT_TYPE
    metadata: dict[str, str] = field(default_factory=dict)
    attributes: Attributes = field(default_factory=Attributes)


@dataclass(frozen=True)
class Record:
    """The ETag and attributes of one file, known again by its size and time of change."""

    size: int
    changed: int  # nanoseconds since the epoch
    etag: str
    attributes: Attributes

    @staticmethod
    def of(status: os.stat_result, etag: str, attributes: Attributes) -> Record:
        """The record of the file with this status."""
        return Record(status.st_size, status.st_mtime_ns, etag, attributes)

    def belongs_to(self, status: os.stat_result) -> bool:
        """Whether this is the record of the file with this status."""
        return self.size == status.st_size and self.changed == status.st_mtime_ns

    def describe(self, key: str) -> ObjectInfo:
        """The object's description."""
        modified = datetime.fromtimestamp(self.changed // 1_000_000_000, UTC)
        attributes = self.attributes
        return ObjectInfo(
            key,
            self.size,
            self.etag,
            modified,
            attributes.content_type,
            dict(attributes.metadata),
            attributes,
        )


class MetadataStore:
    """The records of all buckets. Its writers hold the bucket's lock, except for ``remember``."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def find(self, bucket: str, key: str, status: os.stat_result) -> Record | None:
        """The record of the file with this status, if there is one."""
        place = self._place(bucket, key)
        for path in (place, place.with_suffix(".seen")):
            for record in _read(path):
                if record.belongs_to(status):
                    return record
        return None

    def announce(self, bucket: str, key: str, record: Record, before: Path | None) -> None:
        """Write the record of a file that is about to get this key, keeping that of the file it replaces."""
        records = [record]
        if before is not None and (old := self.find(bucket, key, before.stat())) is not None:
            records.append(old)
        self.write(bucket, key, records)

    def write(self, bucket: str, key: str, records: Sequence[Record]) -> None:
        """Write the records of a key."""
        _write(self._place(bucket, key), key, records)

    def remember(self, bucket: str, key: str, record: Record) -> None:
        """Keep what was worked out for a file nobody announced (one put there by hand)."""
        _write(self._place(bucket, key).with_suffix(".seen"), key, [record])

    def delete(self, bucket: str, key: str) -> None:
        """Forget a key."""
        place = self._place(bucket, key)
        place.unlink(missing_ok=True)
        place.with_suffix(".seen").unlink(missing_ok=True)

    def create_bucket(self, bucket: str) -> None:
        """Note when a bucket was made."""
        directory = self.root / bucket
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        write_json(directory / "bucket", {"created": datetime.now(UTC).timestamp()})

    def bucket_created(self, bucket: str, directory: Path) -> datetime:
        """When a bucket was made; for one made by hand, its directory's time."""
        try:
            seconds = float(json.loads((self.root / bucket / "bucket").read_bytes())["created"])
        except (OSError, ValueError, KeyError):
            seconds = directory.stat().st_mtime
        return datetime.fromtimestamp(seconds, UTC)

    def delete_bucket(self, bucket: str) -> None:
        """Forget a bucket."""
        shutil.rmtree(self.root / bucket, ignore_errors=True)

    def _place(self, bucket: str, key: str) -> Path:
        digest = hashlib.sha256(key.encode()).hexdigest()
        return self.root / bucket / digest[:2] / f"{digest[2:]}.json"


def write_json(path: Path, content: object) -> None:
    """Write JSON by an atomic rename, making the directory if needed."""
    temporary = path.with_name(f".{path.name}-{os.getpid()}-{secrets.token_hex(4)}")
    text = json.dumps(content, separators=(",", ":"))
    try:
        temporary.write_text(text)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text)
    temporary.replace(path)


def _write(path: Path, key: str, records: Sequence[Record]) -> None:
    write_json(path, {"key": key, "records": [asdict(record) for record in records]})


def _read(path: Path) -> list[Record]:
    try:
        content = json.loads(path.read_bytes())
        return [_record(item) for item in content["records"]]
    except FileNotFoundError:
        return []
    except (ValueError, KeyError, TypeError):
        return []  # damaged by hand: worked out anew


def _record(item: dict[str, Any]) -> Record:
    given = item["attributes"]
    known = {each.name: given[each.name] for each in fields(Attributes) if each.name in given}
    known["parts"] = tuple(known.get("parts", ()))
    return Record(item["size"], item["changed"], item["etag"], Attributes(**known))
