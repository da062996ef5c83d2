"""The candidates of one job: each trained within the limits, measured, reported, whatever becomes of it."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from helpers.local.jobs.automl.candidates import Candidates, Trial
from helpers.local.jobs.automl.limits import Limits
from helpers.local.jobs.job import Job, StopRequested


class GivenUp(Exception):
    """A candidate that is not worth training to its end; the message says why."""


@dataclass
class Experiment:
    """What every mode does the same way with a candidate."""

    job: Job
    limits: Limits
    candidates: Candidates
    trained: float = field(default=0.0)  # seconds spent on candidates

    @property
    def objective(self) -> str:
        """The standard name of the objective metric."""
        return self.candidates.objective

    def attempt(
        self, name: str, steps: Sequence[Mapping[str, str]], train: Callable[[], Trial]
    ) -> dict[str, Any] | None:
        """Train one candidate and report it; a failure is the candidate's alone, and then None is returned.

        Raises StopRequested when the job is asked to stop.
        """
        if self.job.stop.requested:
            raise StopRequested
        entry = self.candidates.begin(name, steps)
        self.report()
        begun = time.monotonic()
        try:
            with self.job.stop.interruptible():
                trial = train()
                if not valid_score(trial.values.get(self.objective)):
                    raise RuntimeError(f"{self.objective} of the model is not a number.")
        except StopRequested:
            self.candidates.fail(entry, "The job was stopped.", status="Stopped")
            self.report()
            raise
        except GivenUp as reason:
            self.candidates.fail(entry, str(reason), status="Stopped")
            print(f"{name}: stopped. {reason}", flush=True)
        except Exception as error:  # noqa: BLE001 - one model's failure must not end the others
            self.candidates.fail(entry, reason_of(error))
            print(f"{name}: failed. {entry['FailureReason']}", flush=True)
        else:
            self.candidates.complete(entry, trial)
            print(
                f"{name}: {self.objective} {trial.values[self.objective]:.6g}, "
                f"{time.monotonic() - begun:.1f} s, {trial.size / 1e6:.1f} MB; {self.limits.left()}.",
                flush=True,
            )
        self.trained += time.monotonic() - begun
        self.report()
        return entry if entry["CandidateStatus"] == "Completed" else None

    def report(self) -> None:
        """Tell the control plane of all candidates and of the best so far."""
        best = self.candidates.best()
        members: dict[str, Any] = {"Candidates": self.candidates.entries}
        if best is not None:
            members["BestCandidate"] = best
        self.job.progress.update(**members)


def valid_score(value: float | None) -> bool:
    """Whether a metric value can be reported (JSON has no NaN)."""
    return value is not None and math.isfinite(value)


def reason_of(error: Exception) -> str:
    """Why a candidate has no model, in a sentence."""
    if type(error).__name__ == "TimeLimitExceeded":  # AutoGluon's, without a message
        return (
            "The time was too short to train it: raise MaxAutoMLJobRuntimeInSeconds or "
            "MaxRuntimePerTrainingJobInSeconds."
        )
    if type(error).__name__ == "NoValidFeatures":  # AutoGluon's
        return "No feature is of use to it: each has one value only, or another text in every row."
    return f"{type(error).__name__}: {error}"
