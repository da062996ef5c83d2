"""When a container may load its model: a few at a time, and only where there is memory for one more."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from helpers.local import machine
from helpers.local.sagemaker.host import Host

TURN = 20.0  # seconds that a container which is loading may keep others from loading theirs
LEAST_MEMORY = machine.GIGABYTE // 2  # that must be free before a container is started
PATIENCE = 10.0  # seconds until it must be


@contextmanager
def turn(host: Host, stopping: threading.Event) -> Iterator[str | None]:
    """Wait for a turn to load, and hold it; what is told is why there is none, or None."""
    while not host.turns.acquire(timeout=0.2):
        if stopping.is_set() or host.closing.is_set():
            yield "It was stopped while it waited for its turn."
            return
    once = threading.Lock()

    def give_back() -> None:
        if once.acquire(blocking=False):
            host.turns.release()

    timer = threading.Timer(TURN, give_back)
    timer.daemon = True
    timer.start()
    try:
        yield _shortage(stopping)
    finally:
        timer.cancel()
        give_back()


def _shortage(stopping: threading.Event) -> str | None:
    """Why there is no memory for one more container, or None."""
    deadline = time.monotonic() + PATIENCE
    while (free := machine.free_memory()) is not None and free < LEAST_MEMORY:
        if time.monotonic() > deadline or stopping.wait(1.0):
            return (
                f"This machine has {free / machine.GIGABYTE:.1f} GB of memory free, and a container needs "
                f"{LEAST_MEMORY / machine.GIGABYTE:.1f} GB. Delete an endpoint that you do not need, or end "
                "other programs."
            )
    return None
