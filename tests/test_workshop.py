"""Connecting: names, results passed on, and requests that stay on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import botocore
import botocore.session
import pandas as pd
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from IPython.core.interactiveshell import InteractiveShell

from helpers import workshop
from helpers.service import Service


@pytest.fixture(autouse=True)
def _own_environment() -> Iterator[None]:
    """What connecting changes in this process is put back."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)
    boto3.DEFAULT_SESSION = None
    while workshop._register in botocore._INITIALIZERS:
        botocore.unregister_initializer(workshop._register)


@pytest.fixture
def ws(shared_service: Service) -> workshop.Workshop:
    return workshop.connect("local", "test", state=shared_service.state)


@pytest.mark.parametrize(
    "prefix", ["", "Music", "music-", "-music", "2music", "mu--sic", "a" * 14, "music/x"]
)
def test_a_prefix_that_names_cannot_begin_with_is_refused(prefix: str) -> None:
    with pytest.raises(ValueError, match="prefix is"):
        workshop.connect("local", prefix)


def test_an_unknown_platform_is_refused_and_the_known_ones_named() -> None:
    with pytest.raises(ValueError, match="'local', 'sagemaker'"):
        workshop.connect("aws")


def test_fresh_names_fit_an_automl_job_never_repeat_and_are_known_again(ws: workshop.Workshop) -> None:
    longest = workshop.Workshop("local", ws.session, ws.bucket, ws.role, ws.region, "a" * 13)
    names = {longest.fresh_name("autopilot") for _ in range(100)}
    assert len(names) == 100
    assert max(map(len, names)) <= 32
    assert all(longest.made(name) for name in names)
    assert not longest.made("a" * 13 + "-b-autopilot-12345678")
    assert not ws.made(names.pop())


def test_results_pass_from_step_to_step(ws: workshop.Workshop) -> None:
    ws.remember("data", {"tracks": "s3://b/k", "seed": 3})
    assert ws.recall("data") == {"tracks": "s3://b/k", "seed": 3}
    ws.forget("data")
    ws.forget("data")
    with pytest.raises(workshop.MissingStep, match=r"run 01_download_data\.ipynb first"):
        ws.recall("data")
    with pytest.raises(KeyError, match="no step"):
        ws.remember("dta", {})


def test_a_missing_step_is_one_sentence_in_a_notebook(ws: workshop.Workshop, capsys: Any) -> None:
    shell = InteractiveShell.instance()
    try:
        shell.user_ns["ws"] = ws
        shell.run_cell("ws.recall('model')")
    finally:
        InteractiveShell.clear_instance()
    shown = capsys.readouterr()
    lines = [line for line in (shown.out + shown.err).splitlines() if line.strip()]
    assert lines == ["✘ Nothing to work with yet: please run 03_autopilot.ipynb first (prefix 'test')."]


def test_tables_go_to_s3_and_come_back_in_the_order_of_their_parts(
    ws: workshop.Workshop, tmp_path: Path
) -> None:
    table = pd.DataFrame({"a": [1, 2], "b": ["x", "y,z"]})
    ws.write_csv(table.tail(1), ws.uri("parts", "part-1.csv"), header=True)
    ws.write_csv(table.head(1), ws.uri("parts", "part-0.csv"), header=True)
    pd.testing.assert_frame_equal(ws.read_csv(ws.uri("parts") + "/"), table)
    path = tmp_path / "file"
    path.write_text("7\n")
    assert ws.read_csv(ws.upload(path, ws.uri("file")), header=None)[0].tolist() == [7]
    with pytest.raises(FileNotFoundError, match="nothing at s3://"):
        ws.read_csv(ws.uri("nowhere"))


@pytest.mark.parametrize("uri", ["bucket/key", "s3:///key", "https://bucket/key", ""])
def test_what_is_no_s3_uri_is_refused(uri: str) -> None:
    with pytest.raises(ValueError, match="not an S3 URI"):
        workshop.split(uri)


def test_hosts_that_the_sdk_writes_itself_stay_on_this_machine(ws: workshop.Workshop) -> None:
    sts = ws.session.client("sts", endpoint_url="https://sts.us-east-1.amazonaws.com")
    assert sts.get_caller_identity()["Account"] == "0" * 12
    fresh = boto3.Session().client(
        "sts", region_name="eu-west-1", endpoint_url="https://sts.eu-west-1.amazonaws.com"
    )
    assert ":assumed-role/" in fresh.get_caller_identity()["Arn"]


def test_unsigned_requests_are_left_alone(ws: workshop.Workshop) -> None:
    """They read public data; here the host they were meant for is one where nobody listens."""
    options = {"retries": {"total_max_attempts": 1}, "connect_timeout": 2, "s3": {"addressing_style": "path"}}
    public = boto3.client(
        "s3", endpoint_url="http://127.0.0.1:9", config=Config(signature_version=UNSIGNED, **options)
    )
    with pytest.raises(botocore.exceptions.EndpointConnectionError):
        public.list_objects_v2(Bucket="sagemaker-sample-files")
    signed = boto3.client("s3", endpoint_url="http://127.0.0.1:9", config=Config(**options))
    assert signed.list_objects_v2(Bucket=ws.bucket)["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_the_way_to_aws_takes_bucket_and_role_from_the_account(shared_service: Service) -> None:
    """Against the local server, which answers as AWS would: an assumed role, a default bucket."""
    local = workshop.connect("local", "test", state=shared_service.state)
    cloud = workshop.connect("sagemaker", "test")
    assert cloud.platform == "sagemaker"
    assert (cloud.bucket, cloud.role, cloud.region) == (local.bucket, local.role, local.region)


def test_without_region_or_credentials_aws_is_refused_with_a_way_on(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(workshop.NotConnected, match="AWS_DEFAULT_REGION"):
        workshop.connect("sagemaker")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with pytest.raises(workshop.NotConnected, match=r"credentials.*platform = 'local'"):
        workshop.connect("sagemaker")


@dataclass
class Job:
    """A resource as `sagemaker.core.resources` has them: a status that changes when it is refreshed."""

    statuses: list[str]
    failure_reason: str | None = None
    processing_job_status: str = ""

    def refresh(self) -> None:
        self.processing_job_status = self.statuses.pop(0)


def test_following_ends_with_the_job(ws: workshop.Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workshop.time, "sleep", [].append)
    assert ws.follow(Job(["InProgress", "InProgress", "Completed"])) == "Completed"
    assert ws.follow(Job(["Stopped"])) == "Stopped"
    with pytest.raises(workshop.JobFailed, match="no column Rating"):
        ws.follow(Job(["InProgress", "Failed"], failure_reason="There is no column Rating"))
    with pytest.raises(TimeoutError, match="still InProgress"):
        ws.follow(Job(["InProgress"] * 9), timeout=-1)
    with pytest.raises(TypeError, match="no status"):
        workshop.status_of(object())


def test_a_refusal_of_s3_is_not_taken_for_a_missing_step(ws: workshop.Workshop) -> None:
    wrong = boto3.Session(aws_access_key_id="X", aws_secret_access_key="Y", region_name=ws.region)
    stranger = workshop.Workshop("local", wrong, ws.bucket, ws.role, ws.region, "test")
    with pytest.raises(ClientError):
        stranger.recall("data")
