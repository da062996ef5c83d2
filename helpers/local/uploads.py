"""Multipart uploads: parts wait as files beside the buckets until they are put together.

s3/.uploads/<bucket>/<upload id>/upload.json   the key and what its object will be
                                 00001.json    a part: size, ETag, checksums, and the name of its file
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from helpers.local.metadata import Attributes, write_json
from helpers.local.objects import ObjectStore
from helpers.local.staging import Staged

_UPLOAD_ID = re.compile(r"[0-9a-f]{48}")


class NoSuchUpload(LookupError):
    """There is no unfinished upload with this id for this key."""


@dataclass(frozen=True)
class Upload:
    """An unfinished upload. ``algorithm`` names the checksum of its parts, or is empty."""

    key: str
    identifier: str
    initiated: datetime
    attributes: Attributes
    algorithm: str
    checksum_type: str


@dataclass(frozen=True)
class Part:
    """One part as it arrived. ``size`` in bytes; ``etag`` the hexadecimal MD5; checksums in base64."""

    number: int
    size: int
    etag: str
    checksums: dict[str, str]
    modified: float  # seconds since the epoch
    file: str

    @property
    def time(self) -> datetime:
        """When the part arrived."""
        return datetime.fromtimestamp(self.modified, UTC)


class Uploads:
    """The unfinished multipart uploads of a store."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects
        self._root = objects.root / ".uploads"

    def create(
        self, bucket: str, key: str, attributes: Attributes, algorithm: str, checksum_type: str
    ) -> str:
        """Begin an upload; its id. Raises NoSuchBucket."""
        self._objects.directory(bucket)
        identifier = secrets.token_hex(24)
        content = {
            "key": key,
            "initiated": datetime.now(UTC).timestamp(),
            "attributes": asdict(attributes),
            "algorithm": algorithm,
            "checksum_type": checksum_type,
        }
        write_json(self._root / bucket / identifier / "upload.json", content)
        return identifier

    def get(self, bucket: str, key: str, identifier: str) -> Upload:
        """An unfinished upload. Raises NoSuchUpload."""
        if _UPLOAD_ID.fullmatch(identifier):
            upload = self._read(bucket, identifier)
            if upload is not None and upload.key == key:
                return upload
        raise NoSuchUpload(identifier)

    def all(self, bucket: str) -> list[Upload]:
        """The unfinished uploads of a bucket, by key and time."""
        self._objects.directory(bucket)
        directory = self._root / bucket
        found = [self._read(bucket, item.name) for item in directory.iterdir()] if directory.is_dir() else []
        uploads = [upload for upload in found if upload is not None]
        return sorted(uploads, key=lambda upload: (upload.key.encode(), upload.initiated))

    def add_part(
        self, bucket: str, upload: Upload, number: int, staged: Staged, checksums: dict[str, str]
    ) -> Part:
        """Keep a part, replacing an earlier one of its number. Raises NoSuchUpload."""
        directory = self._directory(bucket, upload)
        staged.file.flush()
        place = directory / f"{number:05d}-{secrets.token_hex(8)}.part"
        part = Part(number, staged.size, staged.md5, checksums, datetime.now(UTC).timestamp(), place.name)
        with self._lock(directory, upload):
            before = self._part(directory, number)
            staged.path.replace(place)
            write_json(directory / f"{number:05d}.json", asdict(part))
            if before is not None:
                (directory / before.file).unlink(missing_ok=True)
        return part

    def parts(self, bucket: str, upload: Upload) -> list[Part]:
        """The parts that arrived, by number."""
        directory = self._directory(bucket, upload)
        numbers = sorted(int(path.stem) for path in directory.glob("[0-9]*.json"))
        found = [self._part(directory, number) for number in numbers]
        return [part for part in found if part is not None]

    @contextmanager
    def assembling(self, bucket: str, upload: Upload) -> Iterator[list[Part]]:
        """The parts that arrived, while nobody else can change them. Raises NoSuchUpload."""
        with self._lock(self._directory(bucket, upload), upload):
            yield self.parts(bucket, upload)

    def append(self, bucket: str, upload: Upload, part: Part, staged: Staged) -> None:
        """Append a part's bytes to a file."""
        staged.append_file(self._directory(bucket, upload) / part.file)

    def remove(self, bucket: str, upload: Upload) -> None:
        """Forget an upload and its parts, in one step: a grave left behind is swept like every other file."""
        grave = self._objects.root / ".temporary" / f"upload-{secrets.token_hex(8)}"
        grave.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._directory(bucket, upload).rename(grave)
        except FileNotFoundError:
            return  # somebody else was faster
        shutil.rmtree(grave, ignore_errors=True)

    def _directory(self, bucket: str, upload: Upload) -> Path:
        return self._root / bucket / upload.identifier

    @contextmanager
    def _lock(self, directory: Path, upload: Upload) -> Iterator[None]:
        try:
            with (directory / "upload.json").open("r+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                if not (directory / "upload.json").exists():
                    raise NoSuchUpload(upload.identifier)
                yield
        except FileNotFoundError:
            raise NoSuchUpload(upload.identifier) from None

    def _read(self, bucket: str, identifier: str) -> Upload | None:
        try:
            content = json.loads((self._root / bucket / identifier / "upload.json").read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return None
        given = content["attributes"]
        given["parts"] = tuple(given["parts"])
        initiated = datetime.fromtimestamp(content["initiated"], UTC)
        algorithm, checksum_type = content["algorithm"], content["checksum_type"]
        return Upload(content["key"], identifier, initiated, Attributes(**given), algorithm, checksum_type)

    def _part(self, directory: Path, number: int) -> Part | None:
        try:
            return Part(**json.loads((directory / f"{number:05d}.json").read_bytes()))
        except FileNotFoundError:
            return None


def combined_etag(parts: list[Part]) -> str:
    """The ETag of an object put together from parts: MD5 of the parts' MD5s, and their number."""
    digests = b"".join(bytes.fromhex(part.etag) for part in parts)
    return f"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(parts)}"
