"""The ModelDataSource of a container: model data that lies in S3 as single files, not in an archive."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from helpers.local.jobs.job import JobFailure
from helpers.local.objects import NoSuchBucket, NoSuchKey, ObjectStore, split_uri

LONGEST_NAME = 255  # bytes of a file's or a directory's name


def copy(objects: ObjectStore, source: Mapping[str, Any], directory: Path) -> None:
    """Copy the uncompressed model data of an S3DataSource into a directory.

    Raises JobFailure when there is none, or its names are no names of files.
    """
    uri = source["S3Uri"]
    bucket, key = split_uri(uri)
    directory.mkdir(parents=True, exist_ok=True)
    try:
        if source["S3DataType"] == "S3Object":
            names = {key.rpartition("/")[2]: key}
        else:
            names = {found.key.removeprefix(key): found.key for found in objects.list(bucket, key)}
        if not names:
            raise NoSuchKey(bucket, key)
        for name, found in names.items():
            path = _place(directory, name, uri)
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(objects.path(bucket, found), path)
    except (NoSuchBucket, NoSuchKey):
        raise JobFailure(
            f"The model data {uri} does not exist: was its bucket emptied? Train again, or correct "
            "ModelDataSource."
        ) from None
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise JobFailure(
            f"The model data {uri} holds the same name as a file and as a folder: {error.filename}."
        ) from None


def _place(directory: Path, name: str, uri: str) -> Path:
    parts = name.split("/")
    if any(part in ("", ".", "..") or "\0" in part or len(part.encode()) > LONGEST_NAME for part in parts):
        raise JobFailure(
            f"The model data {uri} holds '{name}', which is no name of a file: objects whose keys end with a "
            "slash (folders of the console), or have an empty part, '.' or '..', must go."
        )
    return directory.joinpath(*parts)
