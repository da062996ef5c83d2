"""CloudWatch Logs: the door through which the logs of jobs and endpoints are read while they run."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from werkzeug.wrappers import Request, Response

from helpers.local.errors import ServiceError
from helpers.local.log_files import Event, LogIndex, Stream, read_events
from helpers.local.protocol import Api, load_api

__all__ = ["LogIndex", "Logs"]

ACCOUNT = "000000000000"
TARGET = "Logs_20140328."
MOST_EVENTS = 10_000  # in one answer
LARGEST_ANSWER = 1024 * 1024  # bytes of messages in one answer


@cache
def _api() -> Api:
    return load_api("logs")  # when the first request comes: most sessions of the server start without one


class Logs:
    """The door of CloudWatch Logs."""

    def __init__(self, index: LogIndex, region: str) -> None:
        self._index = index
        self._region = region
        self._operations: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "DescribeLogGroups": self.describe_log_groups,
            "DescribeLogStreams": self.describe_log_streams,
            "GetLogEvents": self.get_log_events,
            "FilterLogEvents": self.filter_log_events,
        }

    def __call__(self, request: Request) -> Response:
        """Answer one signed request. Raises ServiceError."""
        name = request.headers.get("X-Amz-Target", "").removeprefix(TARGET)
        if name not in self._operations:
            raise ServiceError(
                "UnknownOperationException", f"Local SageMaker does not know the operation {TARGET}{name}."
            )
        try:
            body = json.loads(request.get_data() or b"{}")
        except ValueError:
            raise ServiceError("SerializationException", "The body of the request is not JSON.") from None
        try:
            asked = _api().validate(name, body)
        except ServiceError as error:
            if error.code != "ValidationException":
                raise
            raise ServiceError("InvalidParameterException", error.message) from None
        answer = self._operations[name](asked)
        return Response(json.dumps(answer), content_type="application/x-amz-json-1.1")

    def describe_log_groups(self, body: dict[str, Any]) -> dict[str, Any]:
        """DescribeLogGroups."""
        prefix, pattern = body.get("logGroupNamePrefix", ""), body.get("logGroupNamePattern", "")
        created: dict[str, int] = {}
        for each in self._index.streams():
            if each.group.startswith(prefix) and pattern.lower() in each.group.lower():
                created[each.group] = min(each.created, created.get(each.group, each.created))
        groups = [
            {
                "logGroupName": name,
                "creationTime": moment,
                "arn": f"{self._arn(name)}:*",
                "logGroupArn": self._arn(name),
            }
            for name, moment in created.items()
        ]
        shown, token = _page(groups, body, 50)
        return {"logGroups": shown, **token}

    def describe_log_streams(self, body: dict[str, Any]) -> dict[str, Any]:
        """DescribeLogStreams."""
        group = self._group(body)
        prefix, by_time = body.get("logStreamNamePrefix", ""), body.get("orderBy") == "LastEventTime"
        if by_time and prefix:
            raise ServiceError(
                "InvalidParameterException", "Cannot order by LastEventTime with a logStreamNamePrefix."
            )
        streams = [self._stream(each) for each in self._streams(group) if each.stream.startswith(prefix)]
        if by_time:
            streams.sort(key=lambda each: each.get("lastEventTimestamp", 0))
        if body.get("descending"):
            streams.reverse()
        shown, token = _page(streams, body, 50)
        return {"logStreams": shown, **token}

    def get_log_events(self, body: dict[str, Any]) -> dict[str, Any]:
        """GetLogEvents. Tokens are byte offsets; a page without events is the end, now."""
        group, name = self._group(body), _needed(body, "logStreamName")
        stream = self._index.find(group, name)
        if stream is None:
            self._streams(group)
            raise ServiceError("ResourceNotFoundException", "The specified log stream does not exist.")
        limit = _limit(body, MOST_EVENTS)
        path = Path(stream.path)
        token = body.get("nextToken", "")
        if token:
            direction, position = _read_token(token)
        else:
            direction, position = ("f", 0) if body.get("startFromHead") else ("b", _end(path))
        if direction == "f":
            events = _take(_between(read_events(path, position), body), limit)
            first, last = position, events[-1].position if events else position
        else:
            before = [event for event in read_events(path) if event.position <= position]
            events = list(_between(iter(before), body))[-limit:]
            last = position
            kept = len(before) - len(events)
            first = before[kept - 1].position if kept > 0 else 0
        now = int(time.time() * 1000)
        return {
            "events": [
                {"timestamp": e.timestamp, "message": e.message, "ingestionTime": now} for e in events
            ],
            "nextForwardToken": f"f/{last}",
            "nextBackwardToken": f"b/{first}",
        }

    def filter_log_events(self, body: dict[str, Any]) -> dict[str, Any]:
        """FilterLogEvents: patterns are words that must all occur in the message."""
        group = self._group(body)
        wanted, prefix = body.get("logStreamNames"), body.get("logStreamNamePrefix", "")
        words = [word.strip('"') for word in str(body.get("filterPattern", "")).split()]
        found: list[dict[str, Any]] = [
            {
                "logStreamName": each.stream,
                "timestamp": event.timestamp,
                "message": event.message,
                "ingestionTime": event.timestamp,
                "eventId": f"{each.stream}/{event.position}",
            }
            for each in self._streams(group)
            if each.stream.startswith(prefix) and (wanted is None or each.stream in wanted)
            for event in _between(read_events(Path(each.path)), body)
            if all(word in event.message for word in words)
        ]
        found.sort(key=lambda event: event["timestamp"])
        shown, token = _page(found, body, MOST_EVENTS)
        return {"events": shown, "searchedLogStreams": [], **token}

    def _group(self, body: dict[str, Any]) -> str:
        identifier = body.get("logGroupIdentifier")
        if identifier:
            return str(identifier).removesuffix(":*").rpartition("log-group:")[2]
        return _needed(body, "logGroupName")

    def _streams(self, group: str) -> list[Stream]:
        streams = self._index.streams(group)
        if not streams:
            raise ServiceError("ResourceNotFoundException", "The specified log group does not exist.")
        return streams

    def _stream(self, stream: Stream) -> dict[str, Any]:
        answer = {
            "logStreamName": stream.stream,
            "creationTime": stream.created,
            "arn": f"{self._arn(stream.group)}:log-stream:{stream.stream}",
            "storedBytes": 0,
        }
        first = next(read_events(Path(stream.path)), None)
        if first is not None:
            latest = int(Path(stream.path).stat().st_mtime * 1000)
            answer |= {
                "firstEventTimestamp": first.timestamp,
                "lastEventTimestamp": latest,
                "lastIngestionTime": latest,
            }
        return answer

    def _arn(self, group: str) -> str:
        return f"arn:aws:logs:{self._region}:{ACCOUNT}:log-group:{group}"


def _between(events: Iterator[Event], body: dict[str, Any]) -> Iterator[Event]:
    start, end = body.get("startTime", 0), body.get("endTime")
    return (event for event in events if event.timestamp >= start and (end is None or event.timestamp < end))


def _take(events: Iterator[Event], limit: int) -> list[Event]:
    taken: list[Event] = []
    size = 0
    for event in events:
        size += len(event.message.encode())
        if taken and (len(taken) >= limit or size > LARGEST_ANSWER):
            break
        taken.append(event)
    return taken


def _page(
    items: list[dict[str, Any]], body: dict[str, Any], most: int
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    token = str(body.get("nextToken", "0"))
    if not _is_position(token):
        raise ServiceError("InvalidParameterException", "The specified nextToken is invalid.")
    start, limit = int(token), _limit(body, most)
    end = start + limit
    return items[start:end], ({"nextToken": str(end)} if end < len(items) else {})


def _limit(body: dict[str, Any], most: int) -> int:
    limit = body.get("limit", most)
    if not isinstance(limit, int) or not 1 <= limit <= most:
        raise ServiceError("InvalidParameterException", f"The limit must be a number from 1 to {most}.")
    return limit


def _read_token(token: str) -> tuple[str, int]:
    direction, _, position = token.partition("/")
    if direction not in ("f", "b") or not _is_position(position):
        raise ServiceError("InvalidParameterException", "The specified nextToken is invalid.")
    return direction, int(position)


def _is_position(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 18


def _end(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _needed(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise ServiceError(
            "InvalidParameterException",
            f"1 validation error detected: Value null at '{name}' failed to satisfy constraint: "
            "Member must not be null",
        )
    return value
