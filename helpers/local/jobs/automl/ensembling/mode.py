"""Mode ENSEMBLING: the models of the recipes one by one, their ensemble, the best once more on all rows."""

import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from typing import Any

from helpers.local.jobs.automl.candidates import Trial, step
from helpers.local.jobs.automl.ensembling import artifacts
from helpers.local.jobs.automl.ensembling.recipes import (
    ENSEMBLE_RESERVE,
    ENSEMBLE_ROWS_PER_SECOND,
    REFIT_FACTOR,
    recipes,
    time_share,
)
from helpers.local.jobs.automl.ensembling.trained import EnsemblingModel
from helpers.local.jobs.automl.ensembling.training import ENSEMBLE, Fitted, Training
from helpers.local.jobs.automl.mode import Assignment
from helpers.local.jobs.automl.model import TrainedModel
from helpers.local.jobs.job import JobFailure

NAMES = {
    "GBM": "LightGBM",
    "CAT": "CatBoost",
    "XGB": "XGBoost",
    "LR": "LinearModel",
    "MLP": "NeuralNetwork",
    "RF": "RandomForest",
    "XT": "ExtraTrees",
    "FASTAI": "NeuralNetFastAI",
    "NN_TORCH": "NeuralNetTorch",
}


class Ensembling:
    """The mode, on AutoGluon."""

    preparing = "PreTraining"
    training = "TrainingModels"

    def __init__(self, assignment: Assignment) -> None:
        self.assignment = assignment
        self.experiment = assignment.experiment
        self.limits = assignment.experiment.limits
        self.fits = Training(
            assignment.data,
            assignment.settings.target,
            self.experiment.objective,
            assignment.resources,
            assignment.directory,
        )
        self.models: dict[str, str] = {}  # AutoGluon's name of each candidate's model

    def define(self) -> str | None:
        """This mode has no candidate definition notebook."""
        return None

    def prepare(self) -> None:
        """Load AutoGluon and make its features."""
        self.fits.prepare()

    def train(self) -> None:
        """Train what the settings ask for. Raises JobFailure when not one candidate could be trained."""
        rows = len(self.assignment.data.training)
        chosen, ensemble = recipes(self.assignment.settings, rows)
        candidates = self.experiment.candidates
        print(
            f"Training {len(chosen)} models{' and their ensemble' if ensemble else ''} on "
            f"{self.assignment.resources.cores} cores.",
            flush=True,
        )
        for index, recipe in enumerate(chosen):
            first = not candidates.completed()
            limit = time_share(
                self._remaining(rows), len(chosen) - index, self.limits.candidate_runtime, first
            )
            if not first and limit is not None and limit < 1:
                self.limits.cut_short = True
                break
            self._candidate(recipe.key, partial(self.fits.fit, recipe, limit))
        if not candidates.completed():
            reasons = [entry["FailureReason"] for entry in candidates.entries]
            raise JobFailure("No candidate could be trained. " + " ".join(dict.fromkeys(reasons)))
        if ensemble and len(candidates.completed()) > 1:
            remaining = self.limits.remaining()
            limit = None if remaining is None else max(remaining, ENSEMBLE_RESERVE)
            self._candidate(ENSEMBLE, partial(self.fits.fit_ensemble, limit))

    def _remaining(self, rows: int) -> float | None:
        """The seconds left for models: of many rows the ensemble takes more than is kept for it anyway."""
        remaining = self.limits.remaining()
        return None if remaining is None else remaining - rows / ENSEMBLE_ROWS_PER_SECOND

    def finish(self) -> None:
        """Give the best candidate's model the validation rows too, if the limits leave time for it."""
        best = self.experiment.candidates.best()
        if best is None or self.assignment.data.validation_given:
            return
        name, begun = best["CandidateName"], time.monotonic()
        expected = REFIT_FACTOR * self.fits.seconds(self.models[name])
        limits = (self.limits.remaining(), self.limits.candidate_runtime)
        if any(limit is not None and limit < expected for limit in limits):
            return
        try:
            with self.experiment.job.stop.interruptible():
                model = self.fits.refit(self.models[name])
                self._pack(name, model)
        except Exception as error:  # noqa: BLE001 - the model trained before stands
            print(f"{name}: not trained on all rows. {type(error).__name__}: {error}", flush=True)
        else:
            self.experiment.candidates.replace(best, [self._container(name, model)])
            seconds = time.monotonic() - begun
            print(f"{name}: trained once more on all rows, {seconds:.1f} s.", flush=True)
        self.experiment.report()

    def trained(self, candidate: str) -> TrainedModel:
        """The model of a candidate as it was measured."""
        return EnsemblingModel(self.fits.predictor, self.models[candidate], self.assignment.data)

    def _candidate(self, key: str, fit: Callable[[], Fitted]) -> None:
        """Train one candidate, measure it, store its model, report it."""
        name = f"{NAMES.get(key, key)}-t{len(self.experiment.candidates.entries) + 1}"

        def train() -> Trial:
            fitted = fit()
            size = self._pack(name, fitted.model)
            self.models[name] = fitted.model
            return Trial(fitted.values, [self._container(name, fitted.model)], size)

        self.experiment.attempt(name, self._steps(name), train)

    def _pack(self, candidate: str, model: str) -> int:
        """Store the model as the candidate's model.tar.gz. Returns its size in bytes."""
        classes = [str(name) for name in self.fits.classes()]
        description = artifacts.describe(self.assignment.data, model, classes)
        uri = self.assignment.locations.ensembling_model(candidate)
        return artifacts.pack(
            self.fits.predictor, description, self.assignment.directory, self.assignment.objects, uri
        )

    def _steps(self, name: str) -> list[dict[str, str]]:
        settings = self.assignment.settings
        preparation = f"{settings.job_name[:10]}-db-1-{self.assignment.locations.digest}"
        return [
            step(settings.region, "ProcessingJob", preparation),
            step(settings.region, "TrainingJob", name),
        ]

    def _container(self, name: str, model: str) -> dict[str, Any]:
        environment = {
            "MODEL_NAME": model,
            "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "text/csv",
            "SAGEMAKER_PROGRAM": "tabular_serve.py",
            "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
        }
        if self.assignment.data.problem_type != "Regression":
            environment["SAGEMAKER_INFERENCE_OUTPUT"] = "predicted_label"
            environment["SAGEMAKER_INFERENCE_SUPPORTED"] = "predicted_label,probability,probabilities,labels"
        registry = f"763104351884.dkr.ecr.{self.assignment.settings.region}.amazonaws.com"
        return {
            "Image": f"{registry}/autogluon-inference:{version('autogluon.tabular')}-cpu-py3",
            "ModelDataUrl": self.assignment.locations.ensembling_model(name),
            "Environment": environment,
        }
