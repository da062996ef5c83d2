"""A candidate of Mode ENSEMBLING as the reports ask it."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from helpers.local.jobs.automl.data import TrainingData
from helpers.local.jobs.automl.ensembling import contributions
from helpers.local.jobs.automl.model import Contributions

BACKGROUND = 2000  # rows of the training data that a linear model's contributions are measured from
TOLERANCE = 1e-3  # of the predictions' spread: what single precision and rounding may cost


class EnsemblingModel:
    """One model of a predictor in memory."""

    def __init__(self, predictor: Any, name: str, data: TrainingData) -> None:
        self.predictor = predictor
        self.name = name
        self.data = data

    @property
    def classes(self) -> list[str]:
        """The classes in the order of the probabilities; none for regression."""
        if self.data.problem_type == "Regression":
            return []
        return [str(label) for label in self.predictor.class_labels]

    def predict(self, frame: pd.DataFrame) -> npt.NDArray[np.float64]:
        """The predicted number of every row of a regression."""
        return np.asarray(self.predictor.predict(frame, model=self.name, as_pandas=False), dtype=float)

    def probabilities(self, frame: pd.DataFrame) -> npt.NDArray[np.float64]:
        """The probability of every class, (rows, classes)."""
        found = self.predictor.predict_proba(frame, model=self.name, as_pandas=False, as_multiclass=True)
        return np.asarray(found, dtype=float)

    def contributions(self, frame: pd.DataFrame) -> Contributions | None:
        """Exact SHAP values of a regression by trees, lines, and their weighted sums; else None.

        A classifier's trees tell contributions to the log-odds, not to a probability: None.
        """
        if self.data.problem_type != "Regression":
            return None
        background = self.data.training[self.data.features]
        if len(background) > BACKGROUND:
            background = background.sample(BACKGROUND, random_state=0)
        columns, base = (
            self.predictor.transform_features(frame),
            self.predictor.transform_features(background),
        )
        found = contributions.of_model(self.predictor, self.name, columns, base)
        if found is None:
            return None
        links = self.predictor._learner.feature_generator.get_feature_links()
        values = contributions.by_feature(found, links, self.data.features)
        if values is None:
            return None
        predicted = self.predict(frame)
        error = np.abs(values.sum(axis=1) + found.expected - predicted).max()
        if error > TOLERANCE * max(float(np.ptp(predicted)), 1e-9):
            return None  # a kind of model that adds up otherwise: what does not add up is not told
        return Contributions(values, found.expected)
