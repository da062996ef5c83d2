"""What a job tells the control plane while it runs: API members that Describe overlays on the record."""

import json
import os
from pathlib import Path
from typing import Any

REASON_LIMIT = 1024  # characters of FailureReason and ExitMessage the API allows


class Progress:
    """`progress.json` of a job directory, replaced whole at every change: no reader sees half a file."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "progress.json"
        self.members: dict[str, Any] = {}

    def update(self, **members: Any) -> None:
        """Set members (by their API names) and write them all.

        Values are what `json` takes; times are epoch seconds.
        """
        self.members.update(members)
        temporary = self.path.with_name(f".progress-{os.getpid()}.json")
        temporary.write_text(json.dumps(self.members), encoding="utf-8")
        temporary.replace(self.path)


def shorten(text: str, limit: int = REASON_LIMIT) -> str:
    """The text, cut with an ellipsis to what the API allows."""
    text = text.strip()
    return text if len(text) <= limit else text[: limit - 1] + "…"
