"""CloudWatch Logs over log files that grow."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from refusal import refused
from wire import send, signed

from helpers.local.logs import LogIndex
from helpers.service import Service

Aws = Callable[..., Any]
GROUP = "/aws/sagemaker/ProcessingJobs"


@pytest.fixture(scope="module")
def logs(shared_aws: Aws) -> Any:
    return shared_aws("logs")


@pytest.fixture(scope="module")
def index(shared_service: Service) -> LogIndex:
    return LogIndex(shared_service.state)


def write(path: Path, first: int, last: int) -> None:
    with path.open("a") as file:
        for number in range(first, last):
            file.write(f"{1_000_000 + number} line {number} é\n")


def messages(events: list[dict[str, Any]]) -> list[str]:
    return [event["message"] for event in events]


def read_all(logs: Any, group: str, stream: str, **more: Any) -> list[str]:
    """As the SDK reads: from the head, on and on until a page is empty."""
    found: list[str] = []
    token: dict[str, str] = {}
    while True:
        page = logs.get_log_events(
            logGroupName=group, logStreamName=stream, startFromHead=True, **token, **more
        )
        if not page["events"]:
            return found
        found += messages(page["events"])
        token = {"nextToken": page["nextForwardToken"]}


def test_missing_groups_and_streams(logs: Any, index: LogIndex, tmp_path: Path) -> None:
    for call in (
        lambda: logs.describe_log_streams(logGroupName="/none"),
        lambda: logs.get_log_events(logGroupName="/none", logStreamName="x"),
        lambda: logs.filter_log_events(logGroupName="/none"),
    ):
        with refused("ResourceNotFoundException", 400):
            call()
    index.add("/there", "stream", tmp_path / "log")
    with refused("ResourceNotFoundException", 400):
        logs.get_log_events(logGroupName="/there", logStreamName="x")


def test_a_log_is_read_to_its_end_page_by_page(logs: Any, index: LogIndex, tmp_path: Path) -> None:
    write(tmp_path / "log", 0, 250)
    index.add(GROUP, "job-1/algo-1-1700000000", tmp_path / "log")
    assert read_all(logs, GROUP, "job-1/algo-1-1700000000", limit=100) == [f"line {n} é" for n in range(250)]


def test_a_log_can_be_followed(logs: Any, index: LogIndex, tmp_path: Path) -> None:
    log = tmp_path / "log"
    index.add(GROUP, "job-2/algo-1-1", log)
    names = {"logGroupName": GROUP, "logStreamName": "job-2/algo-1-1", "startFromHead": True}
    page = logs.get_log_events(**names)
    assert page["events"] == []
    write(log, 0, 2)
    with log.open("a") as file:
        file.write("1000002 unfinished")
    page = logs.get_log_events(**names, nextToken=page["nextForwardToken"])
    assert messages(page["events"]) == ["line 0 é", "line 1 é"]
    again = logs.get_log_events(**names, nextToken=page["nextForwardToken"])
    assert (again["events"], again["nextForwardToken"]) == ([], page["nextForwardToken"])
    with log.open("a") as file:
        file.write(" line\n")
    page = logs.get_log_events(**names, nextToken=again["nextForwardToken"])
    assert messages(page["events"]) == ["unfinished line"]
    assert page["events"][0]["timestamp"] == 1_000_002


def test_a_log_is_read_from_its_end_backwards(logs: Any, index: LogIndex, tmp_path: Path) -> None:
    write(tmp_path / "log", 0, 10)
    index.add(GROUP, "job-3/algo-1-1", tmp_path / "log")
    names = {"logGroupName": GROUP, "logStreamName": "job-3/algo-1-1", "limit": 4}
    page = logs.get_log_events(**names)
    assert messages(page["events"]) == [f"line {n} é" for n in range(6, 10)]
    before = logs.get_log_events(**names, nextToken=page["nextBackwardToken"])
    assert messages(before["events"]) == [f"line {n} é" for n in range(2, 6)]
    first = logs.get_log_events(**names, nextToken=before["nextBackwardToken"])
    assert messages(first["events"]) == ["line 0 é", "line 1 é"]
    assert logs.get_log_events(**names, nextToken=first["nextBackwardToken"])["events"] == []


def test_times_limit_what_is_read(logs: Any, index: LogIndex, tmp_path: Path) -> None:
    write(tmp_path / "log", 0, 10)
    index.add(GROUP, "job-4/algo-1-1", tmp_path / "log")
    found = read_all(logs, GROUP, "job-4/algo-1-1", startTime=1_000_003, endTime=1_000_005)
    assert found == ["line 3 é", "line 4 é"]


def test_groups_and_streams(logs: Any, index: LogIndex, tmp_path: Path) -> None:
    write(tmp_path / "log", 3, 5)
    for number in range(3):
        index.add("/aws/sagemaker/Endpoints/music", f"variant/{number}", tmp_path / "log")
    groups = logs.describe_log_groups(logGroupNamePrefix="/aws/sagemaker/End")["logGroups"]
    assert [each["logGroupName"] for each in groups] == ["/aws/sagemaker/Endpoints/music"]
    pages = logs.get_paginator("describe_log_streams").paginate(
        logGroupName="/aws/sagemaker/Endpoints/music",
        logStreamNamePrefix="variant/",
        orderBy="LogStreamName",
        PaginationConfig={"PageSize": 2},
    )
    streams = [each for page in pages for each in page["logStreams"]]
    assert [each["logStreamName"] for each in streams] == ["variant/0", "variant/1", "variant/2"]
    assert streams[0]["firstEventTimestamp"] == 1_000_003
    index.remove("/aws/sagemaker/Endpoints/music", "variant/1")
    left = logs.describe_log_streams(logGroupName="/aws/sagemaker/Endpoints/music")["logStreams"]
    assert [each["logStreamName"] for each in left] == ["variant/0", "variant/2"]


def test_filter(logs: Any, index: LogIndex, tmp_path: Path) -> None:
    write(tmp_path / "log", 0, 3)
    (tmp_path / "other").write_text("1000001 other line 1\n1000005 without a number\n")
    index.add("/filter", "a", tmp_path / "log")
    index.add("/filter", "b", tmp_path / "other")
    found = logs.filter_log_events(logGroupName="/filter", filterPattern="line 1")["events"]
    assert [(each["logStreamName"], each["message"]) for each in found] == [
        ("a", "line 1 é"),
        ("b", "other line 1"),
    ]
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName="/filter", PaginationConfig={"PageSize": 2}
    )
    assert len([event for page in pages for event in page["events"]]) == 5


def test_bad_requests(logs: Any, index: LogIndex, tmp_path: Path) -> None:
    index.add("/bad", "a", tmp_path / "log")
    for wrong in ({"limit": 20_000}, {"nextToken": "x/1"}):
        with refused("InvalidParameterException", 400):
            logs.get_log_events(logGroupName="/bad", logStreamName="a", **wrong)


def test_the_index_outlives_its_object(tmp_path: Path) -> None:
    LogIndex(tmp_path).add("/group", "stream", tmp_path / "log")
    again = LogIndex(tmp_path)
    found = again.find("/group", "stream")
    assert found is not None
    assert found.path == str(tmp_path / "log")
    assert [each.stream for each in again.streams("/group")] == ["stream"]
    assert again.find("/group", "other") is None


def test_reading_while_writing_loses_nothing(logs: Any, index: LogIndex, tmp_path: Path) -> None:
    log = tmp_path / "log"
    index.add(GROUP, "busy/algo-1-1", log)

    def grow() -> None:
        for number in range(40):
            write(log, number * 10, number * 10 + 10)
            time.sleep(0.01)

    writer = threading.Thread(target=grow)
    writer.start()
    found: list[str] = []
    token: dict[str, str] = {}
    while writer.is_alive() or len(found) < 400:
        page = logs.get_log_events(
            logGroupName=GROUP, logStreamName="busy/algo-1-1", startFromHead=True, **token
        )
        token = {"nextToken": page["nextForwardToken"]}
        found += messages(page["events"])
    writer.join()
    assert found == [f"line {n} é" for n in range(400)]


@pytest.mark.parametrize(
    ("operation", "member", "value"),
    [
        ("DescribeLogGroups", "logGroupNamePrefix", 1),
        ("DescribeLogGroups", "nextToken", "9" * 5000),
        ("DescribeLogStreams", "logStreamNamePrefix", []),
        ("GetLogEvents", "startTime", "yesterday"),
        ("GetLogEvents", "nextToken", "f/" + "9" * 5000),
        ("FilterLogEvents", "logStreamNames", "odd"),
    ],
)
def test_members_of_other_types_are_refused(
    shared_service: Service, index: LogIndex, tmp_path: Path, operation: str, member: str, value: object
) -> None:
    write(tmp_path / "log", 0, 3)
    index.add("/odd", "odd", tmp_path / "log")
    request: dict[str, object] = {"logGroupName": "/odd", "logStreamName": "odd", member: value}
    if operation == "FilterLogEvents":
        del request["logStreamName"]
    body = json.dumps(request).encode()
    headers = {"X-Amz-Target": f"Logs_20140328.{operation}", "Content-Type": "application/x-amz-json-1.1"}
    headers = signed(shared_service, "POST", "/", body, "logs", headers)
    status, answer = send(shared_service, "POST", "/", headers, body)
    assert (status, json.loads(answer)["__type"]) == (400, "InvalidParameterException")
