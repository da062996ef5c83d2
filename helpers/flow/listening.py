"""Who follows the runs of this process, where the work that starts them does not say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .model import Node


@dataclass(frozen=True)
class Listener:
    """What is told: progress in words, which node is at work, and that the code of a step starts or ends."""

    progress: Callable[[str], None] | None = None
    started: Callable[[Node], None] | None = None
    guard: Callable[[float | None], None] | None = None


_listener: ContextVar[Listener] = ContextVar("listener", default=Listener())  # noqa: B039  (it is frozen)


def listener() -> Listener:
    """Who listens now."""
    return _listener.get()


@contextmanager
def listening(new: Listener) -> Iterator[None]:
    """Within, every run that is told of no one else tells this listener."""
    before = _listener.set(new)
    try:
        yield
    finally:
        _listener.reset(before)
