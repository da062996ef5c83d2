"""What works through the asynchronous invocations: a few threads for each endpoint that has any."""

from __future__ import annotations

import threading
from collections import deque

from helpers.local.runtime.delivery import Delivery
from helpers.local.runtime.spool import Invocation, Spool
from helpers.local.sagemaker.host import in_thread
from helpers.local.sagemaker.plane import Plane

AT_ONCE = 4  # invocations of an endpoint whose configuration does not say
MOST_AT_ONCE = 64  # threads for one endpoint, whatever its configuration says
PAUSE = 5.0  # seconds until an invocation is tried again that the disk had no room for


class Workers:
    """The queue of every endpoint, and its threads."""

    def __init__(self, plane: Plane, spool: Spool) -> None:
        self._plane = plane
        self._lock = threading.Lock()
        self._waiting: dict[str, deque[Invocation]] = {}
        self._busy: dict[str, int] = {}
        self._closing = threading.Event()
        self._delivery = Delivery(plane, spool, self._closing)

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
                self._delivery.finish(invocation)
            except OSError as error:  # a full disk: the invocation waits for better times
                print(f"asynchronous invocation {invocation.id} waits: {error}", flush=True)
                with self._lock:
                    self._waiting.setdefault(endpoint, deque()).appendleft(invocation)
                self._closing.wait(PAUSE)

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
