"""Data capture: invocations as JSON lines in S3, written beside the invocations, never in their way.

``<destination>/<endpoint>/<variant>/yyyy/mm/dd/hh/<minute>-<second>-<milliseconds>-<uuid>.jsonl``, in UTC.
What is captured waits in memory for two seconds at most; when a flood fills the room it has there, the rest
is left out and counted in the server's log.
"""

from __future__ import annotations

import base64
import json
import queue
import random
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from helpers.local.objects import ObjectStore, split_uri
from helpers.local.sagemaker.records import DataCapture

DELAY = 2.0  # seconds between two writings
ROOM = 64 * 1024**2  # bytes of bodies that may wait
LARGEST_OBJECT = 16 * 1024**2  # bytes of bodies after which another object is begun


@dataclass(frozen=True, kw_only=True)
class Captured:
    """An invocation that was answered. ``moment`` in epoch seconds."""

    endpoint: str
    variant: str
    moment: float
    sent: bytes
    sent_type: str
    received: bytes
    received_type: str
    inference_id: str | None = None

    @property
    def size(self) -> int:
        """Bytes of both bodies."""
        return len(self.sent) + len(self.received)


class Recorder:
    """Writes captured invocations in a thread of its own, begun with the first, every ``delay`` seconds."""

    def __init__(self, objects: ObjectStore, delay: float = DELAY) -> None:
        self._objects = objects
        self._delay = delay
        self._waiting: queue.SimpleQueue[tuple[DataCapture, Captured] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._room = ROOM
        self._lost = 0
        self._thread: threading.Thread | None = None

    def note(self, capture: DataCapture, captured: Captured) -> None:
        """Capture an invocation, if the dice say so. Returns at once, and fails never."""
        if random.random() * 100 >= capture.percentage:
            return
        with self._lock:
            if captured.size > self._room:
                self._lost += 1
                return
            self._room -= captured.size
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="data capture", daemon=True)
                self._thread.start()
        self._waiting.put((capture, captured))

    def close(self) -> None:
        """Write what waits; nothing is captured afterwards that anybody would write."""
        with self._lock:
            thread = self._thread
        if thread is not None:
            self._waiting.put(None)
            thread.join(10)

    def _run(self) -> None:
        while (first := self._waiting.get()) is not None:
            deadline = time.monotonic() + self._delay
            batch, size, open_still = [first], first[1].size, True
            while open_still and size < LARGEST_OBJECT:
                try:
                    found = self._waiting.get(timeout=max(0.0, deadline - time.monotonic()))
                except queue.Empty:
                    break
                if found is None:
                    open_still = False
                else:
                    batch.append(found)
                    size += found[1].size
            self._write(batch)
            if not open_still:
                return

    def _write(self, batch: Sequence[tuple[DataCapture, Captured]]) -> None:
        """An object for each destination, endpoint, variant and hour."""
        objects: dict[str, list[str]] = defaultdict(list)
        for capture, captured in batch:
            objects[_folder(capture, captured)].append(json.dumps(line(capture, captured)))
        for folder, lines in objects.items():
            now = datetime.now(UTC)
            name = f"{now:%M-%S}-{now.microsecond // 1000:03}-{uuid.uuid4()}.jsonl"
            try:
                bucket, prefix = split_uri(folder)
                self._objects.put(bucket, f"{prefix}/{name}", ("\n".join(lines) + "\n").encode())
            except Exception as error:  # noqa: BLE001 - the boundary of the thread, which goes on
                print(f"{len(lines)} captures could not be written to {folder}: {error}", flush=True)
        with self._lock:
            self._room += sum(captured.size for _, captured in batch)
            lost, self._lost = self._lost, 0
        if lost:
            print(f"{lost} invocations were not captured: they came too fast", flush=True)


def line(capture: DataCapture, captured: Captured) -> dict[str, Any]:
    """An invocation in the layout of the service."""
    data = {}
    if capture.input:
        data["endpointInput"] = _side(capture, "INPUT", captured.sent_type, captured.sent)
    if capture.output:
        data["endpointOutput"] = _side(capture, "OUTPUT", captured.received_type, captured.received)
    moment = datetime.fromtimestamp(int(captured.moment), UTC)
    metadata = {"eventId": str(uuid.uuid4()), "inferenceTime": f"{moment:%Y-%m-%dT%H:%M:%SZ}"}
    if captured.inference_id is not None:
        metadata["inferenceId"] = captured.inference_id
    return {"captureData": data, "eventMetadata": metadata, "eventVersion": "0"}


def _side(capture: DataCapture, mode: str, content_type: str, body: bytes) -> dict[str, str]:
    encoding, data = _encode(capture, content_type, body)
    return {"observedContentType": content_type, "mode": mode, "data": data, "encoding": encoding}


def _encode(capture: DataCapture, content_type: str, body: bytes) -> tuple[str, str]:
    """How a body is kept: as text if its content type is listed (and it is text), else in base64."""
    names = {content_type.lower().strip(), content_type.partition(";")[0].lower().strip()}
    for encoding, types in (("CSV", capture.csv_types), ("JSON", capture.json_types)):
        if names & {each.lower() for each in types}:
            try:
                return encoding, body.decode("utf-8")
            except UnicodeDecodeError:
                break
    return "BASE64", base64.b64encode(body).decode("ascii")


def _folder(capture: DataCapture, captured: Captured) -> str:
    hour = datetime.fromtimestamp(captured.moment, UTC)
    return f"{capture.destination.rstrip('/')}/{captured.endpoint}/{captured.variant}/{hour:%Y/%m/%d/%H}"
