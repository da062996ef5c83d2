"""The completion criteria of a job and its clock."""

import time
from dataclasses import dataclass, field


@dataclass
class Limits:
    """How many candidates and how many seconds a job may take; None means no limit."""

    candidates: int | None
    runtime: float | None
    candidate_runtime: float | None
    started: float = field(default_factory=time.monotonic)
    cut_short: bool = False  # something was left out because the time was over

    def elapsed(self) -> float:
        """Seconds since the job began."""
        return time.monotonic() - self.started

    def remaining(self) -> float | None:
        """Seconds left, below zero when they are over; None without a limit."""
        return None if self.runtime is None else self.runtime - self.elapsed()

    def expired(self) -> bool:
        """Whether the time is over, or something was left out because it nearly was."""
        remaining = self.remaining()
        return self.cut_short or (remaining is not None and remaining <= 0)

    def left(self) -> str:
        """What is left, for the log."""
        remaining = self.remaining()
        if remaining is None:
            return f"{self.elapsed():.1f} s so far"
        return f"{self.elapsed():.1f} s so far, {max(0.0, remaining):.0f} s left"

    def ending(self, candidates: int) -> str:
        """The final secondary status of a job that has so many candidates."""
        if self.expired():
            return "MaxAutoMLJobRuntimeReached"
        if self.candidates is not None and candidates >= self.candidates:
            return "MaxCandidatesReached"
        return "Completed"
