"""Buckets as directories, one writer in each at a time; objects.py says what lies in them."""

from __future__ import annotations

import fcntl
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from helpers.local import names
from helpers.local.metadata import MetadataStore
from helpers.local.rules import BucketNotEmpty, InvalidBucketName, NoSuchBucket, is_bucket_name


class BucketStore:
    """The buckets below one directory. Safe for any number of threads and processes at once."""

    def __init__(self, root: Path) -> None:
        self.root = Path(root).absolute()
        self._metadata = MetadataStore(self.root / ".metadata")

    def directory(self, bucket: str) -> Path:
        """The directory of a bucket's objects. Raises NoSuchBucket."""
        path = self.root / bucket
        if not is_bucket_name(bucket) or path.is_symlink() or not path.is_dir():
            raise NoSuchBucket(bucket)
        return path

    def create_bucket(self, name: str) -> bool:
        """Make a bucket; False if it was there already. Raises InvalidBucketName."""
        if not is_bucket_name(name):
            raise InvalidBucketName(name)
        self.root.mkdir(parents=True, exist_ok=True)
        with self.lock(name):
            try:
                (self.root / name).mkdir()
            except FileExistsError:
                return False
            self._metadata.create_bucket(name)
        return True

    def delete_bucket(self, name: str) -> None:
        """Remove an empty bucket. Raises NoSuchBucket, BucketNotEmpty."""
        with self.lock(name):
            directory = self.directory(name)
            if next(names.walk(directory), None) is not None:
                raise BucketNotEmpty(f"the bucket {name!r} still has objects")
            grave = self.root / ".temporary" / f"bucket-{secrets.token_hex(8)}"
            grave.parent.mkdir(parents=True, exist_ok=True)
            directory.rename(grave)
            self._metadata.delete_bucket(name)
            shutil.rmtree(self.root / ".uploads" / name, ignore_errors=True)
        shutil.rmtree(grave, ignore_errors=True)

    def buckets(self) -> dict[str, datetime]:
        """Every bucket by name, with the time it was made."""
        if not self.root.is_dir():
            return {}
        found = sorted(
            item.name for item in self.root.iterdir() if is_bucket_name(item.name) and item.is_dir()
        )
        return {name: self._metadata.bucket_created(name, self.root / name) for name in found}

    @contextmanager
    def lock(self, bucket: str) -> Iterator[None]:
        """Keep every other thread and process from changing a bucket. Held for moments only."""
        if not is_bucket_name(bucket):
            raise NoSuchBucket(bucket)
        path = self.root / ".locks" / bucket
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
