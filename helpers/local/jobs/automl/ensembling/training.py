"""Trains models with AutoGluon, one at a time through its public interface.

Between two models the predictor on disk is complete, so a time limit, a stop request or a crash of one
model costs that model and nothing else.
"""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from helpers.local.jobs.automl import metrics
from helpers.local.jobs.automl.data import TrainingData
from helpers.local.jobs.automl.ensembling import engine
from helpers.local.jobs.automl.ensembling.recipes import Recipe
from helpers.local.jobs.automl.resources import Resources

PROBLEM_TYPES = {
    "Regression": "regression",
    "BinaryClassification": "binary",
    "MulticlassClassification": "multiclass",
}
# Types of a feature specification -> AutoGluon's special types; a text without any is a category.
SPECIAL_TYPES = {"text": "text", "datetime": "datetime_as_object"}
ENSEMBLE = "WeightedEnsemble"
SEED = 0


def hyperparameters(recipe: Recipe) -> dict[Any, list[dict[str, Any]]]:
    """A recipe in AutoGluon's form."""
    from helpers.local.jobs.automl.ensembling.interactions import InteractionScores
    from helpers.local.jobs.automl.ensembling.network import NeuralNetwork

    wanted = dict(recipe.hyperparameters)
    if recipe.interactions:
        wanted["ag.model_specific_feature_generator_kwargs"] = {
            "feature_generators": [(InteractionScores, {})]
        }
    return {NeuralNetwork if recipe.key == NeuralNetwork.ag_key else recipe.key: [wanted]}


@dataclass(frozen=True)
class Fitted:
    """A trained model: AutoGluon's name for it and its metrics on the validation part."""

    model: str
    values: dict[str, float]


class Training:
    """The AutoGluon predictor of one job and the order its models are fitted in."""

    def __init__(
        self, data: TrainingData, target: str, objective: str, resources: Resources, directory: Path
    ) -> None:
        self.data = data
        self.target = target
        self.objective = objective
        self.resources = resources
        self.directory = directory
        self.predictor: Any = None

    def prepare(self) -> None:
        """Load AutoGluon."""
        engine.load()

    def fit(self, recipe: Recipe, time_limit: float | None) -> Fitted:
        """Train one model within the limit (seconds).

        Raises RuntimeError with AutoGluon's reason when it fails.
        """
        self._seed()
        before = set(self._models())
        options: dict[str, Any] = {
            "hyperparameters": hyperparameters(recipe),
            "time_limit": time_limit,
            "fit_weighted_ensemble": False,
            "calibrate": False,
            **self._resources(),
        }
        if not before:
            predictor = self._new_predictor()
            predictor.fit(
                self.data.training,
                tuning_data=self.data.validation,
                calibrate_decision_threshold=False,
                raise_on_model_failure=True,
                feature_metadata=self._feature_metadata(),
                **options,
            )
            self.predictor = predictor  # one whose first fit failed is of no use
        else:
            self.predictor.fit_extra(**options)
        return self._newest(before, recipe.key)

    def fit_ensemble(self, time_limit: float | None) -> Fitted:
        """Weigh the trained models together."""
        before = set(self._models())
        self.predictor.fit_weighted_ensemble(name_suffix="", time_limit=time_limit, **self._resources())
        return self._newest(before, ENSEMBLE)

    def seconds(self, model: str) -> float:
        """What it took to train a model, with all the models it is made of."""
        trained = self.predictor.leaderboard(display=False).set_index("model")
        return float(trained.loc[model, "fit_time"])

    def refit(self, model: str) -> str:
        """Train a model (of an ensemble: its members) as long as before, on the validation rows too.

        Returns the name of the new model.
        """
        self._seed()
        options = {"set_best_to_refit_full": model, **self._resources()}
        return str(self.predictor.refit_full(model=model, **options)[model])

    def _resources(self) -> dict[str, Any]:
        return {"num_cpus": self.resources.cores, "num_gpus": 0}

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

        attempt = 1
        while (self.directory / f"predictor-{attempt}").exists():
            attempt += 1
        return TabularPredictor(
            label=self.target,
            problem_type=PROBLEM_TYPES[self.data.problem_type],
            eval_metric=self._guide(),
            path=str(self.directory / f"predictor-{attempt}"),
            sample_weight=self.data.weight,
            weight_evaluation=self.data.weight is not None and self.objective != "BalancedAccuracy",
            verbosity=1,
        )

    def _guide(self) -> str:
        """The metric that ends the training of a model and weighs the ensemble.

        The objective, but for those that count right answers: on few rows many models have the same number
        right, by chance, and the logarithmic loss tells them apart.
        """
        if self.data.problem_type == "Regression" or self.objective == "AUC":
            return metrics.OBJECTIVES[self.data.problem_type][self.objective]
        return "log_loss"

    def _feature_metadata(self) -> Any:
        """The types that the user gave features; AutoGluon finds those of the others."""
        if not self.data.types:
            return "infer"
        from autogluon.common.features.feature_metadata import FeatureMetadata
        from autogluon.common.features.infer_types import get_type_group_map_special, get_type_map_raw

        features = self.data.training[self.data.features]
        special = {
            kind: [name for name in names if name not in self.data.types]
            for kind, names in get_type_group_map_special(features).items()
        }
        for name, kind in self.data.types.items():
            if kind in SPECIAL_TYPES:
                special.setdefault(SPECIAL_TYPES[kind], []).append(name)
        return FeatureMetadata(
            type_map_raw=get_type_map_raw(features),
            type_group_map_special={kind: names for kind, names in special.items() if names},
        )

    def evaluate(self, model: str) -> dict[str, float]:
        """Every metric of the problem type for this model on the validation part, and InferenceLatency."""
        values = self._quality(model)
        return {**values, "InferenceLatency": self._latency(model)}

    def _quality(self, model: str) -> dict[str, float]:
        validation = self.data.validation
        truth = validation[self.target]
        weights = None if self.data.weight is None else validation[self.data.weight]
        if self.data.problem_type == "Regression":
            return metrics.regression(
                truth, self.predictor.predict(validation[self.data.features], model=model), weights
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
            None if weights is None else weights[known],
        )

    def _latency(self, model: str) -> float:
        """The seconds that a model in memory takes to predict one row."""
        row = self.data.validation[self.data.features].iloc[:1]
        self.predictor.persist(models=[model], max_memory=None)
        try:
            times = []
            for _ in range(3):
                begun = time.perf_counter()
                self.predictor.predict(row, model=model)
                times.append(time.perf_counter() - begun)
        finally:
            self.predictor.unpersist()
        return min(times)

    def classes(self) -> Sequence[object]:
        """The class labels in the order of the probabilities; none for regression."""
        return [] if self.data.problem_type == "Regression" else list(self.predictor.class_labels)
