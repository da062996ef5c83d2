"""A pytest plugin for nbval: compare what notebooks print, not what differs for other reasons than the
lesson.

Skipped beside nbval's own list: stderr (warnings of libraries), HTML (the same tables as in text, with ids),
and SVG (the drawing of the flow, whose numbers depend on the fonts). Everything else, text above all, is
compared.
"""

from __future__ import annotations

from typing import Any

import pytest
from nbval.plugin import IPyNbFile

SKIPPED = ("stderr", "text/html", "image/svg+xml")


class Settings:
    """Extends the list of what nbval skips, for every notebook it collects."""

    @pytest.hookimpl(hookwrapper=True)
    def pytest_collect_file(self) -> Any:
        outcome = yield
        for found in outcome.get_result():
            if isinstance(found, IPyNbFile):
                found.skip_compare = (*found.skip_compare, *SKIPPED)


def pytest_configure(config: pytest.Config) -> None:
    """Register the settings when nbval is at work."""
    if config.option.nbval:
        config.pluginmanager.register(Settings(), "nbval-settings")
