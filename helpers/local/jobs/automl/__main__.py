"""Runs one AutoML job from its directory."""

import resource
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from helpers.local.jobs.automl import artifacts, metrics, settings
from helpers.local.jobs.automl import data as training_data
from helpers.local.jobs.automl.candidates import Candidates
from helpers.local.jobs.automl.training import (
    ENSEMBLE,
    ENSEMBLE_RESERVE,
    Fitted,
    Training,
    recipes,
    time_share,
    valid_score,
)
from helpers.local.jobs.job import Job, JobFailure, StopRequested, run


def work(job: Job) -> None:
    """Read, train, report, pack."""
    started = time.monotonic()
    job.progress.update(AutoMLJobSecondaryStatus="Starting")
    asked = settings.read(job.request)
    print(f"AutoML job {asked.job_name}: target '{asked.target}'.", flush=True)
    job.progress.update(AutoMLJobSecondaryStatus="AnalyzingData")
    data = training_data.load(job.objects, asked)
    objective = metrics.resolve_objective(data.problem_type, asked.objective)
    print(
        f"{data.problem_type} by {objective}: {len(data.training)} rows to train on, "
        f"{len(data.validation)} to validate, "
        f"{len(data.features)} features.",
        flush=True,
    )
    job.progress.update(
        AutoMLJobSecondaryStatus="TrainingModels",
        ResolvedAttributes=_resolved(asked, data.problem_type, objective),
    )
    experiment = Experiment(job, Training(data, asked, objective, job.directory), started)
    experiment.run()
    job.progress.update(AutoMLJobSecondaryStatus=experiment.ended_by)
    best = experiment.candidates.best()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak_megabytes = peak / (1e6 if sys.platform == "darwin" else 1024)  # bytes there, kilobytes on Linux
    if best is not None:
        print(
            f"{experiment.ended_by}: best candidate {best['CandidateName']}, {objective} "
            f"{best['FinalAutoMLJobObjectiveMetric']['Value']:.6g}, after {time.monotonic() - started:.1f} "
            f"s. "
            f"At most {peak_megabytes:.0f} MB of memory.",
            flush=True,
        )


def reason_of(error: Exception) -> str:
    """Why a candidate has no model, in a sentence."""
    if type(error).__name__ == "TimeLimitExceeded":  # AutoGluon's, without a message
        return (
            "The time was too short to train it: raise MaxAutoMLJobRuntimeInSeconds or "
            "MaxRuntimePerTrainingJobInSeconds."
        )
    return f"{type(error).__name__}: {error}"


def _resolved(asked: settings.Settings, problem_type: str, objective: str) -> dict[str, Any]:
    criteria = {
        "MaxCandidates": asked.max_candidates,
        "MaxRuntimePerTrainingJobInSeconds": asked.max_candidate_runtime,
        "MaxAutoMLJobRuntimeInSeconds": asked.max_runtime,
    }
    return {
        "AutoMLJobObjective": {"MetricName": objective},
        "CompletionCriteria": {name: value for name, value in criteria.items() if value is not None},
        "AutoMLProblemTypeResolvedAttributes": {"TabularResolvedAttributes": {"ProblemType": problem_type}},
    }


class Experiment:
    """The candidates of one job, one after the other, within the limits."""

    def __init__(self, job: Job, training: Training, started: float) -> None:
        self.job = job
        self.training = training
        self.started = started
        self.candidates = Candidates(training.settings, training.data.problem_type, training.objective)
        self.ended_by = "Completed"
        self.models: dict[str, str] = {}  # AutoGluon's name of each candidate's model
        self.trained = 0.0  # seconds spent on candidates

    def run(self) -> None:
        """Train what the settings ask for. Raises JobFailure when not one candidate could be trained."""
        chosen, ensemble = recipes(self.training.settings)
        print(
            f"Training {len(chosen)} models{' and their ensemble' if ensemble else ''} on "
            f"{self.training.cores} cores.",
            flush=True,
        )
        maximum = self.training.settings.max_candidates
        for index, recipe in enumerate(chosen):
            first = not self.candidates.completed()
            limit = time_share(
                self._remaining(), len(chosen) - index, self.training.settings.max_candidate_runtime, first
            )
            if not first and limit is not None and limit < 1:
                self.ended_by = "MaxAutoMLJobRuntimeReached"
                break
            self._candidate(recipe.key, partial(self.training.fit, recipe, limit))
        if not self.candidates.completed():
            reasons = [entry["FailureReason"] for entry in self.candidates.entries]
            raise JobFailure("No candidate could be trained. " + " ".join(dict.fromkeys(reasons)))
        if ensemble and len(self.candidates.completed()) > 1:
            remaining = self._remaining()
            limit = None if remaining is None else max(remaining, ENSEMBLE_RESERVE)
            self._candidate(ENSEMBLE, partial(self.training.fit_ensemble, limit))
        self._refit_best()
        remaining = self._remaining()
        if remaining is not None and remaining <= 0:
            self.ended_by = "MaxAutoMLJobRuntimeReached"
        elif self.ended_by == "Completed" and maximum is not None and len(self.candidates.entries) >= maximum:
            self.ended_by = "MaxCandidatesReached"

    def _remaining(self) -> float | None:
        limit = self.training.settings.max_runtime
        return None if limit is None else limit - (time.monotonic() - self.started)

    def _candidate(self, label: str, fit: Callable[[], Fitted]) -> None:
        """Train one candidate, measure it, store its model, report it; a failure is the candidate's alone."""
        if self.job.stop.requested:
            raise StopRequested
        entry = self.candidates.begin(NAMES.get(label, label))
        self._report()
        begun = time.monotonic()
        try:
            self.job.stop.interrupting = True
            fitted = fit()
            if not valid_score(fitted.values.get(self.training.objective)):
                raise RuntimeError(f"{self.training.objective} of the model is not a number.")
            size = self._pack(entry["CandidateName"], fitted.model)
        except StopRequested:
            self.candidates.fail(entry, "The job was stopped.", status="Stopped")
            self._report()
            raise
        except Exception as error:  # noqa: BLE001 - one model's failure must not end the others
            self.candidates.fail(entry, reason_of(error))
            print(f"{entry['CandidateName']}: failed. {entry['FailureReason']}", flush=True)
        else:
            self.candidates.complete(entry, fitted)
            self.models[entry["CandidateName"]] = fitted.model
            print(
                f"{entry['CandidateName']}: {self.training.objective} "
                f"{fitted.values[self.training.objective]:.6g}, "
                f"{time.monotonic() - begun:.1f} s, {size / 1e6:.1f} MB; "
                f"{time.monotonic() - self.started:.1f} s so far.",
                flush=True,
            )
        finally:
            self.job.stop.interrupting = False
        self.trained += time.monotonic() - begun
        self._report()

    def _refit_best(self) -> None:
        """Give the best candidate's model the validation rows too, if limits leave the time used so far."""
        best = self.candidates.best()
        limits = (self._remaining(), self.training.settings.max_candidate_runtime)
        if (
            best is None
            or self.training.data.validation_given
            or any(limit is not None and limit < self.trained for limit in limits)
        ):
            return
        name, begun = best["CandidateName"], time.monotonic()
        if self.job.stop.requested:
            raise StopRequested
        try:
            self.job.stop.interrupting = True
            model = self.training.refit(self.models[name])
            self._pack(name, model)
        except Exception as error:  # noqa: BLE001 - the model trained before stands
            print(f"{name}: not trained on all rows. {type(error).__name__}: {error}", flush=True)
        else:
            self.candidates.replace(best, model)
            seconds = time.monotonic() - begun
            print(f"{name}: trained once more on all rows, {seconds:.1f} s.", flush=True)
        finally:
            self.job.stop.interrupting = False
        self._report()

    def _pack(self, candidate: str, model: str) -> int:
        """Store the model as the candidate's model.tar.gz. Returns its size in bytes."""
        classes = [str(name) for name in self.training.classes()]
        description = artifacts.describe(self.training.data, model, classes)
        uri = self.candidates.model_uri(candidate)
        return artifacts.pack(self.training.predictor, description, self.job.directory, self.job.objects, uri)

    def _report(self) -> None:
        best = self.candidates.best()
        members: dict[str, Any] = {"Candidates": self.candidates.entries}
        if best is not None:
            members["BestCandidate"] = best
        self.job.progress.update(**members)


NAMES = {
    "GBM": "LightGBM",
    "CAT": "CatBoost",
    "XGB": "XGBoost",
    "LR": "LinearModel",
    "RF": "RandomForest",
    "XT": "ExtraTrees",
    "FASTAI": "NeuralNetFastAI",
    "NN_TORCH": "NeuralNetTorch",
}


if __name__ == "__main__":
    run("automl", work)
