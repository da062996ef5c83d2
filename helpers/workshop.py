"""Connects a notebook to SageMaker: on AWS, or on this machine with the very same calls.

`connect()` is the only place that knows the difference. It hands back a `Workshop`: session, bucket, role and
region, names that do not collide, and a small notebook of results (`remember`, `recall`) that the lessons
pass on.
"""

from __future__ import annotations

import json
import logging
import os
import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import boto3
import botocore
import botocore.session
import pandas as pd
from botocore import UNSIGNED
from botocore.exceptions import BotoCoreError, ClientError

from helpers.progress import Progress

Platform = Literal["local", "sagemaker"]
PLATFORMS: tuple[Platform, ...] = ("local", "sagemaker")

# Which notebook leaves which results behind; the order is the order of the lessons.
NOTEBOOK_OF_STEP = {
    "data": "01_download_data.ipynb",
    "features": "02_data_wrangler_flow.ipynb",
    "model": "03_autopilot.ipynb",
    "playlist": "04_inference.ipynb",
}

# An AutoML job's name may have 32 characters: prefix, kind ("autopilot" is the longest) and suffix share
# them.
_PREFIX = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST_PREFIX = 13
_FINISHED = {"Completed", "Failed", "Stopped", "InService", "OutOfService"}


class ShortError(RuntimeError):
    """An error whose message is all a learner needs: a notebook shows it without a traceback."""

    def _render_traceback_(self) -> list[str]:
        """What IPython prints instead of a traceback."""
        return [f"✘ {self}"]


class MissingStep(ShortError):
    """An earlier notebook has not been run yet."""


class NotConnected(ShortError):
    """AWS cannot be reached from here: no region, no credentials, or no role."""


class JobFailed(ShortError):
    """A job or an endpoint ended as Failed; the message carries SageMaker's reason."""


@dataclass(frozen=True)
class Workshop:
    """What every lesson needs: where it runs, where its objects lie, and under which name."""

    platform: Platform
    session: boto3.Session
    bucket: str
    role: str
    region: str
    prefix: str

    def client(self, service: str) -> Any:
        """A boto3 client of the session, e.g. `client("sagemaker")`."""
        return self.session.client(service, region_name=self.region)

    def uri(self, *parts: str) -> str:
        """`s3://bucket/prefix/part/part`: the place of this workshop's objects."""
        return "/".join([f"s3://{self.bucket}", self.prefix, *parts])

    def fresh_name(self, kind: str) -> str:
        """A resource name nobody has used: prefix, kind, eight random hexadecimal digits. At most 32
        characters.
        """
        return f"{self.prefix}-{kind}-{secrets.token_hex(4)}"

    def made(self, name: str) -> bool:
        """Whether `name` is one that `fresh_name` gives under this prefix."""
        return re.fullmatch(rf"{re.escape(self.prefix)}-[a-z]+-[0-9a-f]{{8}}", name) is not None

    def upload(self, path: str | Path, uri: str) -> str:
        """Copy a local file to `uri`; returns `uri`."""
        bucket, key = split(uri)
        self.client("s3").upload_file(str(path), bucket, key)
        return uri

    def write_csv(self, table: pd.DataFrame, uri: str, *, header: bool) -> str:
        """Write `table` as one CSV object without its index; returns `uri`."""
        bucket, key = split(uri)
        self.client("s3").put_object(
            Bucket=bucket, Key=key, Body=table.to_csv(index=False, header=header).encode()
        )
        return uri

    def objects(self, uri: str) -> list[str]:
        """The URIs of all objects whose key begins with `uri`'s, in key order."""
        bucket, prefix = split(uri)
        pages = self.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return [f"s3://{bucket}/{entry['Key']}" for page in pages for entry in page.get("Contents", [])]

    def read_csv(self, uri: str, **options: Any) -> pd.DataFrame:
        """One table from every object below `uri` (a job writes its table in parts).

        `options` go to `pandas.read_csv`. Raises FileNotFoundError when there is no object.
        """
        found = self.objects(uri)
        if not found:
            raise FileNotFoundError(f"There is nothing at {uri}.")
        parts: list[pd.DataFrame] = [pd.read_csv(BytesIO(self._read(one)), **options) for one in found]
        table: pd.DataFrame = pd.concat(parts, ignore_index=True)
        return table

    def _read(self, uri: str) -> bytes:
        bucket, key = split(uri)
        body: bytes = self.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        return body

    def remember(self, step: str, values: Mapping[str, Any]) -> None:
        """Keep the results of a step for the next notebooks, as JSON in S3."""
        _notebook_of(step)
        bucket, key = split(self.uri("workshop", f"{step}.json"))
        self.client("s3").put_object(Bucket=bucket, Key=key, Body=json.dumps(dict(values), indent=2).encode())

    def recall(self, step: str) -> dict[str, Any]:
        """The results of an earlier step. Raises MissingStep, which names the notebook to run first."""
        notebook = _notebook_of(step)
        try:
            values: dict[str, Any] = json.loads(self._read(self.uri("workshop", f"{step}.json")))
        except ClientError as error:
            if error.response["Error"]["Code"] not in {"NoSuchKey", "NoSuchBucket", "404"}:
                raise
            raise MissingStep(
                f"Nothing to work with yet: please run {notebook} first (prefix {self.prefix!r})."
            ) from None
        return values

    def forget(self, step: str) -> None:
        """Drop the results of a step; nothing happens when there are none."""
        bucket, key = split(self.uri("workshop", f"{step}.json"))
        self.client("s3").delete_object(Bucket=bucket, Key=key)

    def follow(
        self, resource: Any, *, show: Callable[[Any], str] | None = None, timeout: float = 7200
    ) -> str:
        """Wait until a job is finished or an endpoint serves, showing its status and the seconds meanwhile.

        `resource` is an object of `sagemaker.core.resources` with `refresh()` and a status; `show` may turn
        it into a longer text. Returns the final status. Raises JobFailed with SageMaker's reason,
        TimeoutError.
        """
        kind = type(resource).__name__
        started = time.monotonic()
        pause = 0.5 if self.platform == "local" else 10.0
        with Progress(kind) as progress:
            while True:
                resource.refresh()
                status = status_of(resource)
                elapsed = time.monotonic() - started
                progress.update(f"{show(resource) if show else status}, {elapsed:.0f} s")
                if status in _FINISHED:
                    break
                if elapsed > timeout:
                    raise TimeoutError(f"The {kind} is still {status} after {timeout:.0f} seconds.")
                time.sleep(pause)
        if status == "Failed":
            raise JobFailed(
                f"The {kind} failed: {getattr(resource, 'failure_reason', None) or 'no reason given'}"
            )
        return status


def status_of(resource: Any) -> str:
    """The status of a job or an endpoint of `sagemaker.core.resources`, whatever its attribute is called."""
    for attribute in (
        "processing_job_status",
        "auto_ml_job_status",
        "transform_job_status",
        "endpoint_status",
    ):
        status = getattr(resource, attribute, None)
        if isinstance(status, str):
            return status
    raise TypeError(f"{type(resource).__name__} has no status to follow")


def connect(platform: str = "local", prefix: str = "music", state: str | Path | None = None) -> Workshop:
    """Connect to SageMaker, on this machine (`"local"`, started when needed) or on AWS (`"sagemaker"`).

    `prefix` begins every name and every S3 key the workshop makes; `state` is the state directory of local
    SageMaker ($WORKSHOP_STATE or `.workshop` beside the notebooks when None). Raises ValueError for an
    unknown platform or a prefix that SageMaker would refuse, NotConnected when AWS cannot be reached.
    """
    if platform not in PLATFORMS:
        raise ValueError(f"platform is {platform!r}; it must be one of {', '.join(map(repr, PLATFORMS))}.")
    if not _PREFIX.fullmatch(prefix) or len(prefix) > _LONGEST_PREFIX:
        raise ValueError(
            f"prefix is {prefix!r}; it must be lower-case letters, digits and single hyphens, begin with "
            f"a letter, and have at most {_LONGEST_PREFIX} characters."
        )
    logging.getLogger("sagemaker").setLevel(logging.WARNING)
    logging.getLogger("botocore.credentials").setLevel(logging.WARNING)
    if platform == "local":
        return _on_this_machine(prefix, Path(state) if state else None)
    return _on_aws(prefix)


def _on_this_machine(prefix: str, state: Path | None) -> Workshop:
    """Start local SageMaker when it does not run, and point this process at it."""
    from helpers import service

    running = service.start(state)
    for name in service.unset():
        os.environ.pop(name, None)
    os.environ.update(service.environment(running))
    stay_on_this_machine()
    boto3.setup_default_session()
    return Workshop("local", boto3.Session(), running.bucket, service.ROLE, running.region, prefix)


def _on_aws(prefix: str) -> Workshop:
    """Take account, region and role from wherever this runs: SageMaker Studio, or a configured machine."""
    from sagemaker.core.helper.session_helper import Session, get_execution_role

    session = boto3.Session()
    if session.region_name is None:
        raise NotConnected("No AWS region is set: set AWS_DEFAULT_REGION, or use platform = 'local'.")
    try:
        sagemaker_session = Session(boto_session=session)
        bucket, role = sagemaker_session.default_bucket(), get_execution_role(sagemaker_session)
    except (BotoCoreError, ClientError, ValueError) as error:
        raise NotConnected(
            f"AWS does not let the workshop in: {error} "
            "Run it in SageMaker Studio, or with credentials of a SageMaker role; or use platform = 'local'."
        ) from error
    return Workshop("sagemaker", session, bucket, role, session.region_name, prefix)


def stay_on_this_machine() -> None:
    """Send every signed AWS request of this process to `AWS_ENDPOINT_URL`, whatever host it was meant for.

    The SageMaker SDK writes some hosts itself (STS, to learn the account) and ignores the variable there.
    Unsigned requests pass: they read public data, and carry nothing that could identify anybody.
    """
    if _register not in botocore._INITIALIZERS:
        botocore.register_initializer(_register)


def _register(session: botocore.session.Session) -> None:
    session.register("before-call", _redirect, unique_id="workshop-stay-on-this-machine")


def _redirect(params: dict[str, Any], context: dict[str, Any], **_: object) -> None:
    """Replace scheme, host and port of a request that has not been signed yet."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    config = context.get("client_config")
    if not endpoint or getattr(config, "signature_version", None) is UNSIGNED:
        return
    target, meant = urlsplit(endpoint), urlsplit(params["url"])
    params["url"] = meant._replace(scheme=target.scheme, netloc=target.netloc).geturl()


def split(uri: str) -> tuple[str, str]:
    """Bucket and key of an `s3://bucket/key`. Raises ValueError for anything else."""
    parts = urlsplit(uri)
    if parts.scheme != "s3" or not parts.netloc:
        raise ValueError(f"{uri!r} is not an S3 URI; it should look like s3://bucket/key.")
    return parts.netloc, parts.path.lstrip("/")


def _notebook_of(step: str) -> str:
    if step not in NOTEBOOK_OF_STEP:
        raise KeyError(f"{step!r} is no step of the workshop; the steps are {', '.join(NOTEBOOK_OF_STEP)}.")
    return NOTEBOOK_OF_STEP[step]
