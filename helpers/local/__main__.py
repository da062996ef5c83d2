"""``python -m helpers.local --state DIR [--port N]``: local SageMaker in the foreground, until SIGTERM.

Exit status 3 when another server already serves the state directory, 4 when the port is taken.
"""

from __future__ import annotations

import argparse
import ctypes
import fcntl
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import TextIO

from helpers.local.machine import CORES, MEMORY, Share, budget
from helpers.local.metadata import write_json
from helpers.local.server import make_app
from helpers.local.web import HOST, listen

ALREADY_SERVED = 3
PORT_TAKEN = 4
WATCH_SECONDS = 2.0  # between two looks whether the state directory is still there
GLIBC_ARENA_MAX = -8  # the number of this parameter in malloc.h


def main() -> int:
    """Serve a state directory; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m helpers.local", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="directory of everything it keeps")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1 (default: a free one)")
    parser.add_argument("--cores", type=int, help=f"cores for jobs (default: ${CORES}, or all there are)")
    parser.add_argument(
        "--memory", type=float, help=f"GB of memory for jobs (default: ${MEMORY}, or three quarters of it)"
    )
    arguments = parser.parse_args()
    try:
        share = budget(arguments.cores, arguments.memory)
    except ValueError as error:
        parser.error(str(error))
    _share_memory()
    state: Path = arguments.state.resolve()
    state.mkdir(parents=True, exist_ok=True)
    with (state / "server.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"another server already serves {state}", file=sys.stderr)
            return ALREADY_SERVED
        (state / "server.json").unlink(missing_ok=True)  # of a server that was killed
        threading.Thread(target=_keep_watch, args=(lock,), name="watch state", daemon=True).start()
        return serve(state, arguments.port, share)


def serve(state: Path, port: int, share: Share) -> int:
    """Serve until SIGTERM or SIGINT, holding the state directory's lock; the exit status."""
    region = os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    application = make_app(state, region, share)
    try:
        server = listen(application, port, state / "incoming")
    except OSError as error:
        print(f"cannot listen on {HOST}:{port}: {error.strerror}. Choose another --port.", file=sys.stderr)
        return PORT_TAKEN
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, _leave)
    address = f"http://{HOST}:{server.effective_port}"
    here = state / "server.json"
    try:
        application.recover()
        write_json(here, {"pid": os.getpid(), "address": address, "started": time.time(), "region": region})
        print(f"local SageMaker serves {state} at {address}; jobs may take {share}", flush=True)
        server.run()
    finally:
        application.close()
        if json.loads(here.read_text() if here.exists() else "{}").get("pid") == os.getpid():
            here.unlink()
    return 0


def _share_memory() -> None:
    """Let all threads share two memory pools: with one pool a thread, a few uploads leave 100 MB behind."""
    try:
        ctypes.CDLL(None).mallopt(GLIBC_ARENA_MAX, 2)
    except (AttributeError, OSError):
        return  # not glibc: its allocator has no such pools


def _keep_watch(lock: TextIO) -> None:
    """Leave when the state directory is removed: nobody could find this server any more, or stop it."""
    while True:
        time.sleep(WATCH_SECONDS)
        try:
            kept = os.path.samestat(os.fstat(lock.fileno()), Path(lock.name).stat())
        except (FileNotFoundError, NotADirectoryError):
            kept = False
        if not kept:
            os.kill(os.getpid(), signal.SIGTERM)
            return


def _leave(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature of a signal handler
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main())
