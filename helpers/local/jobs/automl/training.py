"""Trains candidates with AutoGluon, one at a time through its public interface.

Between two candidates the predictor on disk is complete, so a time limit, a stop request or a crash of one
model costs that model and nothing else.
"""

import logging
import math
import os
import random
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from helpers.local.jobs.automl import metrics
from helpers.local.jobs.automl.data import TrainingData
from helpers.local.jobs.automl.settings import Settings

PROBLEM_TYPES = {
    "Regression": "regression",
    "BinaryClassification": "binary",
    "MulticlassClassification": "multiclass",
}
ENSEMBLE = "WeightedEnsemble"
SEED = 0
# Seconds that the first candidate always gets, so that the tightest limit still ends with a model.
SHORTEST_FIT = 5.0
# Seconds of a binding limit that are kept for the ensemble and the packing of models.
ENSEMBLE_RESERVE = 5.0


@dataclass(frozen=True)
class Recipe:
    """One model to train: AutoGluon's model key and its hyperparameters."""

    key: str
    hyperparameters: dict[str, Any] = field(default_factory=dict)


# What pays most per second on two cores comes first; variants differ enough to help the ensemble.
DEFAULT_RECIPES = (
    Recipe("GBM", {"extra_trees": True}),
    Recipe("CAT"),
    Recipe("XGB"),
    Recipe("GBM"),
    Recipe("LR"),
)
DEFAULT_KEYS = frozenset(recipe.key for recipe in DEFAULT_RECIPES)


def recipes(settings: Settings) -> tuple[list[Recipe], bool]:
    """The models to train and whether an ensemble follows.

    MaxCandidates caps models and ensemble together.
    """
    if settings.algorithms is None:
        chosen = list(DEFAULT_RECIPES)
    else:
        known = [recipe for recipe in DEFAULT_RECIPES if recipe.key in settings.algorithms]
        firsts = [
            recipe
            for number, recipe in enumerate(known)
            if recipe.key not in {one.key for one in known[:number]}
        ]
        others = [Recipe(key) for key in settings.algorithms if key not in DEFAULT_KEYS]
        chosen = firsts + others + [recipe for recipe in known if recipe not in firsts]
    ensemble = len(chosen) > 1
    if settings.max_candidates is not None:
        ensemble = ensemble and settings.max_candidates > 2
        chosen = chosen[: settings.max_candidates - int(ensemble)]
    return chosen, ensemble


@dataclass(frozen=True)
class Fitted:
    """A trained model: AutoGluon's name for it and its metrics on the validation part."""

    model: str
    values: dict[str, float]


class Training:
    """The AutoGluon predictor of one job and the order its models are fitted in."""

    def __init__(self, data: TrainingData, settings: Settings, objective: str, directory: Path) -> None:
        self.data = data
        self.settings = settings
        self.objective = objective
        self.directory = directory
        self.cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        self.predictor: Any = None
        self.started = time.monotonic()

    def fit(self, recipe: Recipe, time_limit: float | None) -> Fitted:
        """Train one model within the limit (seconds).

        Raises RuntimeError with AutoGluon's reason when it fails.
        """
        self._seed()
        before = set(self._models())
        options: dict[str, Any] = {
            "hyperparameters": {recipe.key: [dict(recipe.hyperparameters)]},
            "time_limit": time_limit,
            "fit_weighted_ensemble": False,
            "num_cpus": self.cores,
            "num_gpus": 0,
        }
        if not before:
            self.predictor = self._new_predictor()
            self.predictor.fit(
                self.data.training,
                tuning_data=self.data.validation,
                calibrate_decision_threshold=False,
                raise_on_model_failure=True,
                **options,
            )
        else:
            self.predictor.fit_extra(**options)
        return self._newest(before, recipe.key)

    def fit_ensemble(self, time_limit: float | None) -> Fitted:
        """Weigh the trained models together."""
        before = set(self._models())
        self.predictor.fit_weighted_ensemble(
            name_suffix="", time_limit=time_limit, num_cpus=self.cores, num_gpus=0
        )
        return self._newest(before, ENSEMBLE)

    def refit(self, model: str) -> str:
        """Train a model (of an ensemble: its members) as long as before, on the validation rows too.

        Returns the name of the new model.
        """
        self._seed()
        options = {"set_best_to_refit_full": model, "num_cpus": self.cores, "num_gpus": 0}
        return str(self.predictor.refit_full(model=model, **options)[model])

    @staticmethod
    def _seed() -> None:
        """Some steps (the quantile transform of the linear model) draw from the global generators."""
        random.seed(SEED)
        np.random.seed(SEED)

    def _models(self) -> list[str]:
        return (
            list(self.predictor.model_names()) if self.predictor is not None and self.predictor.is_fit else []
        )

    def _newest(self, before: set[str], key: str) -> Fitted:
        new = [name for name in self._models() if name not in before]
        if not new:
            raise RuntimeError(
                f"AutoGluon trained no {key} model within its limits; its message is in the log above."
            )
        return Fitted(new[-1], self.evaluate(new[-1]))

    def _new_predictor(self) -> Any:
        from autogluon.tabular import TabularPredictor

        quiet()
        attempt = 1
        while (self.directory / f"predictor-{attempt}").exists():
            attempt += 1
        return TabularPredictor(
            label=self.settings.target,
            problem_type=PROBLEM_TYPES[self.data.problem_type],
            eval_metric=metrics.OBJECTIVES[self.data.problem_type][self.objective],
            path=str(self.directory / f"predictor-{attempt}"),
            verbosity=1,
        )

    def evaluate(self, model: str) -> dict[str, float]:
        """Every metric of the problem type for this model on the validation part."""
        validation = self.data.validation
        truth = validation[self.settings.target]
        if self.data.problem_type == "Regression":
            return metrics.regression(
                truth, self.predictor.predict(validation[self.data.features], model=model)
            )
        probabilities: pd.DataFrame = self.predictor.predict_proba(
            validation[self.data.features], model=model
        )
        known = truth.isin(list(probabilities.columns))
        predicted = probabilities.idxmax(axis=1)
        return metrics.classification(
            self.data.problem_type,
            truth[known],
            predicted[known],
            probabilities[known],
            self.predictor.positive_class if self.data.problem_type == "BinaryClassification" else None,
        )

    def classes(self) -> Sequence[object]:
        """The class labels in the order of the probabilities; none for regression."""
        return [] if self.data.problem_type == "Regression" else list(self.predictor.class_labels)


def time_share(
    remaining: float | None, models_left: int, per_candidate: float | None, first: bool
) -> float | None:
    """The seconds the next model may take: a share, at least half, of what is left, within its own limit."""
    limits = [] if per_candidate is None else [float(per_candidate)]
    if remaining is not None:
        share = (remaining - ENSEMBLE_RESERVE) * max(0.5, 1 / max(1, models_left))
        limits.append(max(share, SHORTEST_FIT) if first else share)
    return min(limits) if limits else None


def valid_score(value: float | None) -> bool:
    """Whether a metric value can be reported (JSON has no NaN)."""
    return value is not None and math.isfinite(value)


def quiet() -> None:
    """Keep AutoGluon's remarks about software that is not needed here (torch, ray) out of the job's log.

    And its word on a failed model, which the job reports itself.
    """

    def wanted(record: logging.LogRecord) -> bool:
        message = record.getMessage().lower()
        words = message.split()
        return "torch" not in message and "ray" not in words and not message.startswith("model failure")

    for name in (
        "autogluon",
        *(name for name in logging.root.manager.loggerDict if name.startswith("autogluon")),
    ):
        logger = logging.getLogger(name)
        if not any(getattr(known, "__name__", "") == "wanted" for known in logger.filters):
            logger.addFilter(wanted)
    warnings.filterwarnings("ignore", category=FutureWarning)
    warnings.filterwarnings("ignore", category=UserWarning, module="sklearn")
    np.seterr(all="ignore")
