"""Files of public S3 buckets, read anonymously: whole or not at all, resumed after an interruption."""

from __future__ import annotations

import fcntl
import hashlib
import json
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from helpers.schema import DatasetError

CHUNK = 1 << 20
ATTEMPTS = 5
ABSENT = {"403", "404", "AccessDenied", "NoSuchBucket", "NoSuchKey", "AllAccessDisabled"}

Report = Callable[[int, int], None]  # bytes there, bytes in all


def fetch(
    places: Sequence[tuple[str, str]],
    key: str,
    target: Path,
    endpoint: str | None = None,
    progress: bool = True,
) -> str:
    """Download `key` to `target` from the first of `places` (bucket, region) that has it; return its address.

    Only GET is used. A bucket that answers 403 or 404 is passed over. The part that has come is kept beside
    the target when the download is broken off, and the next call goes on from there. `endpoint` is the
    address of another S3; without it the real one is asked, whatever AWS_ENDPOINT_URL says.

    Raises DatasetError when no place has the file or the network fails.
    """
    refused = []
    for bucket, region in places:
        address = f"s3://{bucket}/{key}"
        try:
            with _reporting(target.name, progress) as report:
                _download(_client(region, endpoint), bucket, key, target, report)
            return address
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
            if code not in ABSENT and status not in (403, 404):
                raise DatasetError(f"{address} could not be read: {error}. {_INSTEAD}") from error
            refused.append(f"{address} ({status} {code})")
        except (BotoCoreError, OSError) as error:
            raise DatasetError(
                f"{address} could not be read: {error}. Check the network and call again: what came is kept. "
                f"{_INSTEAD}"
            ) from error
    raise DatasetError(f"The public music data is not readable: {'; '.join(refused)}. {_INSTEAD}")


_INSTEAD = 'The generated data (source="generated") needs no network; a folder of your own works as well.'


def _client(region: str, endpoint: str | None) -> Any:
    # A session of its own: the default one may lead every call to local SageMaker, which has no public
    # buckets.
    return boto3.session.Session().client(
        "s3",
        region_name=region,
        endpoint_url=endpoint,
        config=Config(
            signature_version=UNSIGNED,
            ignore_configured_endpoint_urls=True,
            response_checksum_validation="when_required",
            connect_timeout=10,
            read_timeout=30,
            retries={"max_attempts": 3, "mode": "standard"},
        ),
    )


def _download(client: Any, bucket: str, key: str, target: Path, report: Report) -> None:
    part, note = target.with_name(f"{target.name}.part"), target.with_name(f"{target.name}.part.json")
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _continue(client, bucket, key, part, note, report)
            tag = json.loads(note.read_text())["etag"]
            # A plain ETag is the MD5 of the content; one with a dash (sent in pieces) is not.
            if re.fullmatch("[0-9a-f]{32}", tag) and digest(part, "md5") != tag:
                part.unlink()
                raise OSError(f"what came of {key} is not what the server said it sends (MD5)")
            part.replace(target)
            note.unlink()
            return
        except ClientError as error:
            if (
                error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") not in (412, 416)
                or attempt == ATTEMPTS
            ):
                raise
            part.unlink(missing_ok=True)  # the file changed on the server: from the beginning
        except (BotoCoreError, OSError):
            if attempt == ATTEMPTS:
                raise
            time.sleep(min(0.2 * 2**attempt, 3.0))


def _continue(client: Any, bucket: str, key: str, part: Path, note: Path, report: Report) -> None:
    """Get what is missing of the file; `note` says which file the part is of."""
    known: dict[str, Any] = {}
    if part.exists() and note.exists():
        try:
            known = json.loads(note.read_text())
        except ValueError:  # killed while writing it
            known = {}
    here = part.stat().st_size if known.get("bucket") == bucket else 0
    if here and here == known["size"]:
        return
    if 0 < here < known.get("size", 0):
        answer = client.get_object(
            Bucket=bucket, Key=key, Range=f"bytes={here}-", IfMatch=f'"{known["etag"]}"'
        )
    else:
        here = 0
        answer = client.get_object(Bucket=bucket, Key=key)
        part.unlink(missing_ok=True)
        known = {"bucket": bucket, "etag": answer["ETag"].strip('"'), "size": answer["ContentLength"]}
        note.write_text(json.dumps(known))
    size = known["size"]
    if here and answer["ResponseMetadata"]["HTTPStatusCode"] != 206:
        here = 0  # a server that knows no ranges sends the whole
    with part.open("r+b" if here else "wb") as file:
        file.seek(here)
        report(here, size)
        for chunk in answer["Body"].iter_chunks(CHUNK):
            file.write(chunk)
            here += len(chunk)
            report(here, size)
    if here != size:
        raise OSError(f"{here} of {size} bytes of {key} came")


def digest(path: Path, method: str = "sha256") -> str:
    """The hexadecimal digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, method).hexdigest()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """One process at a time writes into the folder; others wait."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def _reporting(name: str, progress: bool) -> Iterator[Report]:
    """A bar on a terminal, a line for every quarter elsewhere, nothing when progress is not wanted."""
    if progress and sys.stderr.isatty():
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        with Progress(*columns, console=Console(file=sys.stderr)) as bar:
            task = bar.add_task(name)
            yield lambda here, size: bar.update(task, completed=here, total=size)
        return
    quarters_said = -1

    def say(here: int, size: int) -> None:
        nonlocal quarters_said
        quarters = 4 * here // size if size else 4
        if progress and quarters > quarters_said:
            quarters_said = quarters
            print(f"{name}: {here / 1e6:.1f} of {size / 1e6:.1f} MB", file=sys.stderr, flush=True)

    yield say
