"""How a command ends when a person or the system asks it to: at once, clean, and without a traceback."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

INTERRUPTED = 130


@contextmanager
def quietly() -> Iterator[None]:
    """Within, while nothing is at work that needs an end of its own (imports), Ctrl-C just ends the process.

    An interrupt in the middle of an import would otherwise come out as whatever the library makes of it.
    """
    asked = threading.current_thread() is threading.main_thread()
    if not asked or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, _at_once)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _at_once(*_: Any) -> None:
    os.write(2, b"Interrupted.\n")
    os._exit(INTERRUPTED)


def leave_when_asked() -> None:
    """From now on SIGTERM and SIGHUP raise SystemExit (128 + signal), so that everything is put away first.

    A signal that is ignored, as after `nohup`, stays so.
    """
    for name in ("SIGTERM", "SIGHUP"):
        asked = getattr(signal, name, None)
        if asked is not None and signal.getsignal(asked) is signal.SIG_DFL:
            signal.signal(asked, _leave)


def _leave(number: int, _: Any) -> None:
    signal.signal(number, signal.SIG_IGN)  # Asked twice, it still puts everything away.
    raise SystemExit(128 + number)
