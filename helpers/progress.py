"""One line that says how a long step is doing, in a notebook or in a terminal, and leaves no trace in
outputs.
"""

from __future__ import annotations

import html
import sys
from types import TracebackType
from typing import Any, Self


class Progress:
    """A line that changes while a job runs: `with Progress("ProcessingJob") as line: line.update("InProgress,
    3 s")`.

    In a notebook it is drawn as HTML and taken away at the end, so that a committed notebook holds no times;
    in a terminal it is one line on stderr; without either (a log file) it keeps quiet.
    """

    def __init__(self, title: str) -> None:
        self.title = title
        self._handle: Any = None
        self._terminal = sys.stderr.isatty()

    def __enter__(self) -> Self:
        if _in_notebook():
            from IPython.display import display

            self._handle = display(self._markup("starting"), raw=True, display_id=True)  # type: ignore[no-untyped-call]
        return self

    def update(self, text: str) -> None:
        """Show `text` in place of what was shown."""
        if self._handle is not None:
            self._handle.update(self._markup(text), raw=True)
        elif self._terminal:
            sys.stderr.write(f"\r\033[K{self.title}: {text}")
            sys.stderr.flush()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._handle is not None:
            self._handle.update({"text/html": ""}, raw=True)
        elif self._terminal:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()

    def _markup(self, text: str) -> dict[str, str]:
        shown = html.escape(f"{self.title}: {text}")
        return {"text/html": f'<div style="color:#0072B2;font-family:sans-serif">&#9679; {shown}</div>'}


def _in_notebook() -> bool:
    """Whether this code runs in a Jupyter kernel."""
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    shell = get_ipython()  # type: ignore[no-untyped-call, unused-ignore]
    return shell is not None and type(shell).__name__ == "ZMQInteractiveShell"
