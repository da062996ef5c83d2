"""The stages after training: the reports on the best candidate. A report that fails costs itself alone."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from helpers.local.jobs.automl import reports
from helpers.local.jobs.automl.experiment import Experiment
from helpers.local.jobs.automl.mode import Assignment, Mode
from helpers.local.jobs.progress import shorten

SHARE = 0.25  # of the training time, for both reports together
WRITING = 2.0  # seconds of it for predictions, pictures and files
SHORTEST, LONGEST = 3.0, 4.0  # seconds for SHAP values: less shows little, and more shows little more


@dataclass
class Reporting:
    """The reports of one job."""

    mode: Mode
    assignment: Assignment
    failures: dict[str, str] = field(default_factory=dict)  # by the secondary status that tells of them

    @property
    def experiment(self) -> Experiment:
        """The job's experiment."""
        return self.assignment.experiment

    def run(self) -> None:
        """Write both reports on the best candidate, unless the job's time is over."""
        best = self.experiment.candidates.best()
        if best is None:
            return
        remaining = self.experiment.limits.remaining()
        if remaining is not None and remaining < SHORTEST + WRITING:
            print("No time is left for the reports on the best candidate.", flush=True)
            self.experiment.limits.cut_short = True
            return
        name = best["CandidateName"]
        subject = self._subject(name)
        locations, objects = self.assignment.locations, self.assignment.objects
        explained, examined = locations.explainability(name), locations.insights(name)

        def explain() -> str:
            seconds = self._seconds()
            return (
                f"explained: {reports.explain(objects, explained, self.mode.trained(name), subject, seconds)}"
            )

        def insights() -> str:
            reports.insights(objects, examined, self.mode.trained(name), subject)
            return f"examined on {len(subject.truth):,} rows"

        if self._stage("GeneratingExplainabilityReport", "ExplainabilityError", name, explain):
            self.experiment.candidates.locate(best, Explainability=explained)
            self.experiment.report()
        if self._stage("GeneratingModelInsightsReport", "ModelInsightsError", name, insights):
            # The service's shape has no insights without explainability.
            if "ExplainabilityError" not in self.failures:
                self.experiment.candidates.locate(best, ModelInsights=examined)
            self.experiment.report()

    def _subject(self, name: str) -> reports.Subject:
        settings, data = self.assignment.settings, self.assignment.data
        return reports.Subject(
            settings.job_name,
            name,
            data.problem_type,
            self.experiment.objective,
            settings.target,
            data.validation[data.features],
            data.validation[settings.target],
            None if data.weight is None else data.validation[data.weight].to_numpy(dtype=float),
        )

    def _seconds(self) -> float:
        """The time for SHAP values."""
        allowed = min(max(SHARE * self.experiment.trained - WRITING, SHORTEST), LONGEST)
        remaining = self.experiment.limits.remaining()
        return allowed if remaining is None else min(allowed, max(remaining - WRITING, SHORTEST))

    def _stage(self, status: str, error_status: str, name: str, work: Callable[[], str]) -> bool:
        """One report. Returns whether it is written; why it is not becomes a PartialFailureReason."""
        self.experiment.job.progress.update(AutoMLJobSecondaryStatus=status)
        begun = time.monotonic()
        try:
            with self.experiment.job.stop.interruptible():
                told = work()
        except Exception as error:  # noqa: BLE001 - the model stands without its report
            known = isinstance(error, reports.ReportError)
            reason = str(error) if known else f"Internal error: {type(error).__name__}: {error}"
            self.failures[error_status] = shorten(f"{status}: {reason}")
            print(f"{name}: {self.failures[error_status]}", flush=True)
            messages = [{"PartialFailureMessage": message} for message in self.failures.values()]
            self.experiment.job.progress.update(PartialFailureReasons=messages)
            return False
        print(f"{name}: {told}; {time.monotonic() - begun:.1f} s.", flush=True)
        return True
