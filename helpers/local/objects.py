"""S3 objects as plain files: what the server and every job read and write.

    s3/<bucket>/<key>         the objects, one plain file each (names.py says how keys become names)
    s3/.metadata/<bucket>/…   what a file cannot hold: content type, user metadata, ETag (metadata.py)
    s3/.uploads/<bucket>/…    parts of unfinished multipart uploads (uploads.py)
    s3/.temporary/            files being written (staging.py)
    s3/.locks/                one lock file a bucket

A bucket's name cannot begin with a dot, so nothing here can be taken for an object. A file put into a
bucket's directory by hand is an object; its ETag and content type are worked out when somebody asks.
"""

from __future__ import annotations

import hashlib
import mimetypes
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, TypeVar

from helpers.local import names
from helpers.local.buckets import BucketStore
from helpers.local.metadata import Attributes, ObjectInfo, Record
from helpers.local.rules import (
    NoSuchBucket,
    NoSuchKey,
    check_key,
    split_uri,
)
from helpers.local.staging import CHUNK, Staged, sweep

__all__ = ["Attributes", "NoSuchBucket", "NoSuchKey", "ObjectInfo", "ObjectStore", "split_uri"]


Result = TypeVar("Result")


class ObjectStore(BucketStore):
    """The objects below one directory. Safe for any number of threads and processes at once."""

    # Reading

    def list(self, bucket: str, prefix: str = "", start: bytes = b"") -> Iterator[ObjectInfo]:
        """Objects whose keys have a prefix, in the order of their keys' UTF-8 bytes, from ``start`` on."""
        for found in self.walk(bucket, prefix, start):
            try:
                yield self.describe(bucket, found)
            except NoSuchKey:
                continue  # deleted meanwhile

    def walk(self, bucket: str, prefix: str = "", start: bytes = b"") -> Iterator[names.Found]:
        """The files alone, as ``list``: without reading metadata."""
        return names.walk(self.directory(bucket), prefix, start)

    def describe(self, bucket: str, found: names.Found) -> ObjectInfo:
        """Describe a file of ``walk``. Raises NoSuchKey when it was deleted meanwhile."""
        try:
            return self._describe(bucket, found.key, found.path, found.status)
        except FileNotFoundError:
            return self.head(bucket, found.key)

    def head(self, bucket: str, key: str) -> ObjectInfo:
        """Describe one object. Raises NoSuchBucket, NoSuchKey."""
        return self._retry(bucket, key, lambda path: self._describe(bucket, key, path, path.stat()))

    def path(self, bucket: str, key: str) -> Path:
        """The plain file of an object, to be read in place. Raises NoSuchBucket, NoSuchKey."""
        directory = self.directory(bucket)
        found = names.locate(directory, key)
        if found is None:
            with self.lock(bucket):  # it may have moved beside a new directory while we looked
                found = names.locate(directory, key)
        if found is None:
            raise NoSuchKey(bucket, key)
        return found

    def read(self, bucket: str, key: str) -> bytes:
        """All bytes of an object. Raises NoSuchBucket, NoSuchKey."""
        return self._retry(bucket, key, lambda path: path.read_bytes())

    def open(self, bucket: str, key: str) -> tuple[ObjectInfo, BinaryIO]:
        """An object's description and its opened file, which belong together at any moment."""

        def opened(path: Path) -> tuple[ObjectInfo, BinaryIO]:
            file = path.open("rb")
            try:
                return self._describe(bucket, key, path, os.fstat(file.fileno()), file), file
            except BaseException:
                file.close()
                raise

        return self._retry(bucket, key, opened)

    def _retry(self, bucket: str, key: str, action: Callable[[Path], Result]) -> Result:
        # Between finding a file and opening it, a writer may replace it or move it beside a new directory.
        for _ in range(100):
            path = self.path(bucket, key)
            try:
                return action(path)
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
                continue
        raise NoSuchKey(bucket, key)

    # Writing

    def stage(self) -> Staged:
        """A new temporary file for ``commit``; use it in a ``with`` statement."""
        return Staged(self.root / ".temporary")

    def commit(
        self,
        bucket: str,
        key: str,
        staged: Staged,
        attributes: Attributes | None = None,
        etag: str | None = None,
        check: Callable[[ObjectInfo | None], None] | None = None,
    ) -> ObjectInfo:
        """Give a staged file its key, replacing what was there, in one step that cannot be seen half done.

        ``etag`` defaults to the MD5 of what was written. ``check`` sees what is there now and may raise to
        refuse; nobody writes to the bucket between the check and the replacement. Raises NoSuchBucket,
        InvalidKey.
        """
        check_key(key)
        staged.file.flush()
        etag = etag or staged.md5
        attributes = attributes or Attributes()
        with self.lock(bucket):
            directory = self.directory(bucket)
            before = names.locate(directory, key)
            if check is not None:
                check(self._describe(bucket, key, before, before.stat()) if before else None)
            moment = time.time_ns()  # finer than the clock the kernel stamps files with
            os.utime(staged.path, ns=(moment, moment))
            record = Record.of(staged.path.stat(), etag, attributes)
            self._metadata.announce(bucket, key, record, before)
            place = names.make_place(directory, key)
            staged.path.replace(place)
            if before is not None and before != place:
                before.unlink(missing_ok=True)
        return record.describe(key)

    def put(
        self,
        bucket: str,
        key: str,
        data: bytes,
        content_type: str | None = None,
        metadata: dict[str, str] | None = None,
    ) -> ObjectInfo:
        """Write an object from memory. Raises NoSuchBucket, InvalidKey."""
        self.directory(bucket)
        with self.stage() as staged:
            staged.write(data)
            return self.commit(bucket, key, staged, _attributes(content_type, metadata))

    def put_file(
        self, bucket: str, key: str, source: Path, content_type: str | None = None, move: bool = False
    ) -> ObjectInfo:
        """Write an object from a file, removed afterwards if ``move``. Raises NoSuchBucket, InvalidKey."""
        self.directory(bucket)
        with self.stage() as staged, Path(source).open("rb") as opened:
            while chunk := opened.read(CHUNK):
                staged.write(chunk)
            info = self.commit(bucket, key, staged, _attributes(content_type, None))
        if move:
            Path(source).unlink()
        return info

    def set_attributes(self, bucket: str, key: str, change: Callable[[Attributes], Attributes]) -> ObjectInfo:
        """Change what is known of an object, not its bytes. Raises NoSuchBucket, NoSuchKey."""
        with self.lock(bucket):
            path = names.locate(self.directory(bucket), key)
            if path is None:
                raise NoSuchKey(bucket, key)
            now = self._describe(bucket, key, path, path.stat())
            record = Record.of(path.stat(), now.etag, change(now.attributes))
            self._metadata.write(bucket, key, [record])
        return record.describe(key)

    def delete(self, bucket: str, key: str, check: Callable[[ObjectInfo | None], None] | None = None) -> None:
        """Remove an object; nothing happens when there is none. Raises NoSuchBucket."""
        with self.lock(bucket):
            directory = self.directory(bucket)
            path = names.locate(directory, key)
            if check is not None:
                check(self._describe(bucket, key, path, path.stat()) if path else None)
            while (
                path is not None
            ):  # more than once only where somebody put a second file of this key by hand
                path.unlink()
                names.remove_empty(path.parent, directory)
                path = names.locate(directory, key)
            self._metadata.delete(bucket, key)

    # Housekeeping

    def sweep(self) -> int:
        """Remove temporary files whose writers are dead; how many."""
        return sweep(self.root / ".temporary")

    def _describe(
        self, bucket: str, key: str, path: Path, status: os.stat_result, opened: BinaryIO | None = None
    ) -> ObjectInfo:
        record = self._metadata.find(bucket, key, status)
        if record is None:
            now = path.lstat()
            if (now.st_mtime_ns, now.st_ino) != (status.st_mtime_ns, status.st_ino):
                raise FileNotFoundError(f"{path} was replaced meanwhile")  # and its record with it
            record = self._inspect(bucket, key, path, status, opened)
        return record.describe(key)

    def _inspect(
        self, bucket: str, key: str, path: Path, status: os.stat_result, opened: BinaryIO | None
    ) -> Record:
        digest = hashlib.md5(usedforsecurity=False)
        with path.open("rb") if opened is None else _rewound(opened) as file:
            while chunk := file.read(CHUNK):
                digest.update(chunk)
            unchanged = os.fstat(file.fileno()).st_mtime_ns == status.st_mtime_ns
        record = Record.of(status, digest.hexdigest(), _attributes(_guess_type(key), None))
        if unchanged:
            self._metadata.remember(bucket, key, record)
        return record


@contextmanager
def _rewound(file: BinaryIO) -> Iterator[BinaryIO]:
    yield file
    file.seek(0)


def _guess_type(key: str) -> str | None:
    return mimetypes.guess_type(key.rpartition("/")[2], strict=False)[0]


def _attributes(content_type: str | None, metadata: dict[str, str] | None) -> Attributes:
    attributes = Attributes(metadata=dict(metadata or {}))
    return attributes if content_type is None else replace(attributes, content_type=content_type)
