"""What works through the asynchronous invocations: a few threads for each endpoint that has any."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence

from helpers.local.errors import ServiceError
from helpers.local.objects import NoSuchBucket, NoSuchKey, split_uri
from helpers.local.runtime.containers import Question, ask
from helpers.local.runtime.errors import ModelError
from helpers.local.runtime.headers import Wishes
from helpers.local.runtime.spool import Invocation, Spool
from helpers.local.sagemaker.host import in_thread
from helpers.local.sagemaker.model_server import ModelServer, Reply
from helpers.local.sagemaker.plane import Plane

AT_ONCE = 4  # invocations of an endpoint whose configuration does not say
MOST_AT_ONCE = 64  # threads for one endpoint, whatever its configuration says
PAUSE = 0.2  # seconds between two looks at an endpoint that is not up


class Replaced(Exception):
    """The containers went away under an invocation: another deployment will answer it."""


class Failed(Exception):
    """An invocation that has no answer; ``args[0]`` is what the caller finds at the FailureLocation."""


class Workers:
    """The queue of every endpoint, and its threads."""

    def __init__(self, plane: Plane, spool: Spool) -> None:
        self._plane = plane
        self._spool = spool
        self._lock = threading.Lock()
        self._waiting: dict[str, deque[Invocation]] = {}
        self._busy: dict[str, int] = {}
        self._closing = threading.Event()

    def put(self, invocation: Invocation) -> None:
        """Queue an invocation behind those of its endpoint."""
        name = invocation.endpoint
        with self._lock:
            self._waiting.setdefault(name, deque()).append(invocation)
            if self._closing.is_set() or self._busy.get(name, 0) >= self._at_once(name):
                return
            self._busy[name] = self._busy.get(name, 0) + 1
        in_thread(f"asynchronous invocations of {name}", lambda: self._work(name))

    def close(self) -> None:
        """Begin nothing any more."""
        self._closing.set()

    def _at_once(self, endpoint: str) -> int:
        record = self._plane.endpoints.find(endpoint)
        config = record.serving.asynchronous if record is not None and record.serving is not None else None
        return min((config.at_once if config else None) or AT_ONCE, MOST_AT_ONCE)

    def _work(self, endpoint: str) -> None:
        while (invocation := self._next(endpoint)) is not None:
            try:
                self._finish(invocation)
            except OSError as error:  # a full disk: the invocation waits for better times
                print(f"asynchronous invocation {invocation.id} waits: {error}", flush=True)
                with self._lock:
                    self._waiting.setdefault(endpoint, deque()).appendleft(invocation)
                self._closing.wait(5.0)

    def _next(self, endpoint: str) -> Invocation | None:
        """The next in the queue; None when this thread is not needed any more."""
        with self._lock:
            waiting = self._waiting.get(endpoint)
            if waiting and not self._closing.is_set() and self._busy[endpoint] <= self._at_once(endpoint):
                return waiting.popleft()
            self._busy[endpoint] -= 1
            if not self._busy[endpoint]:
                del self._busy[endpoint]
                if not waiting:
                    self._waiting.pop(endpoint, None)
            return None

    def _finish(self, invocation: Invocation) -> None:
        """Answer an invocation, in S3, whatever comes of it. Returns without when the server ends."""
        while not self._closing.is_set():
            try:
                reply = self._answer(invocation)
                if reply is None:
                    return
                self._write(invocation.output, reply.body, reply.headers.get("content-type"))
            except Replaced:
                continue
            except Failed as error:
                self._fail(invocation, str(error))
            except ModelError as error:
                self._fail(invocation, error.text)
            except ServiceError as error:
                self._fail(invocation, error.message)
            self._spool.remove(invocation)
            return

    def _answer(self, invocation: Invocation) -> Reply | None:
        """What the model says; None when the server ends. Raises Failed, Replaced, ModelError, ServiceError."""
        while not self._closing.is_set():
            if time.time() - invocation.accepted > invocation.time_to_live:
                raise Failed(
                    f"The invocation expired: it waited for more than {invocation.time_to_live} seconds."
                )
            record = self._plane.endpoints.find(invocation.endpoint)
            if record is None or record.created != invocation.made or record.status in ("Deleting", "Failed"):
                state = "failed" if record is not None and record.status == "Failed" else "was deleted"
                raise Failed(f"Endpoint {invocation.endpoint} {state} before this invocation was answered.")
            with self._plane.fleet.use(invocation.endpoint) as running:
                if running is None:
                    self._closing.wait(PAUSE)
                    continue
                variant = running.choose(None)
                assert variant is not None
                try:
                    return self._ask(invocation, variant.servers)
                except (ModelError, ServiceError) as error:
                    if isinstance(error, ModelError) and error.status:
                        raise  # the container's own words
                    if self._closing.is_set():
                        return None  # the server ended the container: the next one asks again
                    if self._plane.fleet.serving(invocation.endpoint) is not running:
                        raise Replaced from None
                    raise
        return None

    def _ask(self, invocation: Invocation, servers: Sequence[ModelServer]) -> Reply:
        wishes = Wishes(
            content_type=invocation.content_type,
            accept=invocation.accept,
            custom_attributes=invocation.custom_attributes,
            inference_id=invocation.inference_id,
        )
        body = self._input(invocation)
        deadline = time.monotonic() + invocation.timeout
        return ask(Question(invocation.endpoint, wishes, body, deadline), servers)

    def _input(self, invocation: Invocation) -> bytes:
        """The input of the model. Raises Failed."""
        try:
            if invocation.input is None:
                return self._spool.body(invocation).read_bytes()
            return self._plane.objects.read(*split_uri(invocation.input))
        except (NoSuchBucket, NoSuchKey, FileNotFoundError) as error:
            raise Failed(f"The input {invocation.input or ''} cannot be read: {error}.") from None

    def _fail(self, invocation: Invocation, text: str) -> None:
        if invocation.failure is None:
            return
        try:
            self._write(invocation.failure, text.encode(), "text/plain; charset=utf-8")
        except Failed as error:
            print(f"asynchronous invocation {invocation.id}: {text} {error}", flush=True)

    def _write(self, location: str, body: bytes, content_type: str | None) -> None:
        """Put an object. Raises Failed when its bucket is not there."""
        bucket, key = split_uri(location)
        try:
            self._plane.objects.put(bucket, key, body, content_type)
        except NoSuchBucket:
            raise Failed(f"{location} cannot be written: there is no bucket {bucket}.") from None
