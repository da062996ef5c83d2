"""Serves the page on the loopback address until it is interrupted, and sends nothing anywhere else."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

HOST = "127.0.0.1"
GRACE = 0.3  # seconds to say goodbye to the browsers
SCRIPT = Path(__file__).with_name("app.py")
_LIGHT, _DARK = "#0b62a4", "#6db3ee"


class PortTaken(RuntimeError):
    """The port that was asked for is in use, or not ours to take."""


def choose_port(port: int | None) -> int:
    """`port` if it can be taken, else PortTaken; a free one when it is None."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port or 0))
        except OSError as error:
            raise PortTaken(
                f"Port {port} cannot be used: {error.strerror}. Choose another with --port."
            ) from error
        chosen: int = probe.getsockname()[1]
    return chosen


def serve(port: int, ready: Callable[[str], None], *, open_browser: bool = False) -> None:
    """Serve the page at `port` until SIGINT or SIGTERM; `ready` gets its address when it answers.

    Does not return to work that may still be under way, such as a request to a slow endpoint: at the end the
    process leaves at once, with status 0.
    """
    from streamlit.web import bootstrap
    from streamlit.web.server import Server

    bootstrap.load_config_options(_options(port))
    address = f"http://{HOST}:{port}"

    async def run() -> None:
        server = Server(str(SCRIPT), False)
        await server.start()
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        for name in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(name, ended.set)
        ready(address)
        if open_browser:
            webbrowser.open(address)
        await ended.wait()
        # Streamlit's own end may keep the loop busy for longer than anybody wants to wait.
        threading.Timer(GRACE, os._exit, [0]).start()
        with suppress(TimeoutError, OSError):  # the latter when nobody reads any more what it says
            server.stop()
            await asyncio.wait_for(server.stopped, GRACE)
        sys.stdout.flush()
        os._exit(0)

    asyncio.run(run())


def _options(port: int) -> dict[str, object]:
    return {
        "server.address": HOST,
        "browser.serverAddress": HOST,
        "server.port": port,
        "server.headless": True,
        "server.fileWatcherType": "none",
        "server.runOnSave": False,
        "browser.gatherUsageStats": False,
        "client.toolbarMode": "minimal",
        "client.showErrorDetails": "none",
        "logger.hideWelcomeMessage": True,
        "logger.level": "warning",
        "theme.headingFontSizes": ["2rem", "1.35rem", "1.1rem", "1rem", "1rem", "1rem"],
        "theme.light.primaryColor": _LIGHT,
        "theme.dark.primaryColor": _DARK,
    }
