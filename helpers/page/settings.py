"""What the command hands to the page: where SageMaker runs, and whom and which endpoint to begin with."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict

VARIABLE = "WORKSHOP_PAGE"


class Settings(BaseModel):
    """Passed on in one environment variable, for Streamlit runs the page's script by itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    platform: str = "local"
    prefix: str = "music"
    listener: int | None = None
    endpoint: str | None = None
    state: Path | None = None

    @classmethod
    def given(cls) -> Settings:
        """The settings of this process; the defaults when nobody set any."""
        return cls.model_validate_json(os.environ.get(VARIABLE, "{}"))

    def hand_over(self) -> None:
        """Make these the settings of this process and of those that it starts."""
        os.environ[VARIABLE] = self.model_dump_json()
