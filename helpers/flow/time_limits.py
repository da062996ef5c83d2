"""A limit on how long the code that people wrote into a flow may run."""

from __future__ import annotations

import contextlib
import ctypes
import signal
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from .errors import OperatorError

if TYPE_CHECKING:
    from .runs import Run

default_seconds = 1800.0
patience = 5.0
"""Seconds after which code that does not stop is ended with its process."""


class TimeIsUp(BaseException):
    """Raised inside the snippet; no `except Exception` of a snippet holds it up."""


def late(seconds: float) -> OperatorError:
    """What a step that took too long says."""
    return OperatorError(
        f"was stopped: its code ran for more than {seconds:g} seconds",
        "Look for a loop that does not end, or allow it more time (--node-time-limit).",
        "code",
    )


@contextlib.contextmanager
def limited(run: Run, python: bool = True) -> Iterator[None]:
    """Stop what runs within after the run's time for one step; raises OperatorError.

    A query is interrupted; Python code that people wrote (`python`) gets an exception. Code that sits in a
    library and hears neither can only be ended with its process, from outside: `run.guard` is told.
    """
    seconds = run.node_time_limit
    if not seconds:
        yield
        return
    finished, caller = threading.Event(), threading.get_ident()
    main = threading.current_thread() is threading.main_thread()

    def watch() -> None:
        if finished.wait(seconds):
            return
        while not finished.is_set():
            run.interrupt()
            if python:
                _raise_in(caller, main)
            if finished.wait(0.5):
                return

    watcher = threading.Thread(target=watch, daemon=True)
    with _alarm() if main and python else contextlib.nullcontext():
        try:
            if run.guard:
                run.guard(seconds)
            watcher.start()
            yield
        except TimeIsUp:
            raise late(seconds) from None
        except Exception as error:
            # An interrupted query, or the snippet's own error on the way out.
            if run.interrupted(error) or _caused_by_time(error):
                raise late(seconds) from None
            raise
        finally:
            finished.set()
            if run.guard:
                run.guard(None)
            _settle(watcher, seconds)


def _settle(watcher: threading.Thread, seconds: float) -> None:
    # An alarm may be on its way: it must not go off later, in the middle of something else.
    while True:
        try:
            watcher.join()
            return
        except TimeIsUp:
            raise late(seconds) from None


def _caused_by_time(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, TimeIsUp):
            return True
        error = error.__cause__ or error.__context__
    return False


def _raise_in(thread: int, main: bool) -> None:
    if main:
        # A signal also ends a sleep; an exception alone would wait for it.
        with contextlib.suppress(ProcessLookupError):
            signal.pthread_kill(thread, signal.SIGALRM)
    else:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(TimeIsUp))


@contextlib.contextmanager
def _alarm() -> Iterator[None]:
    def ring(*_: Any) -> None:
        raise TimeIsUp

    before: Callable[..., Any] | int | None = signal.signal(signal.SIGALRM, ring)
    try:
        yield
    finally:
        signal.signal(signal.SIGALRM, before)
