"""A candidate of tuning as the reports ask it."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.compose import ColumnTransformer

from helpers.local.jobs.automl.model import Contributions
from helpers.local.jobs.automl.tuning.library.boosting import FittedXGBoost
from helpers.local.jobs.automl.tuning.library.linear import FittedEstimator
from helpers.local.jobs.automl.tuning.library.processors import origins, transform
from helpers.local.jobs.automl.tuning.library.task import Fitted, Matrix
from helpers.local.jobs.automl.tuning.targets import Target


class TunedModel:
    """A data processor and an algorithm behind it."""

    def __init__(
        self,
        processor: ColumnTransformer,
        fitted: Fitted,
        target: Target,
        features: Sequence[str],
        means: npt.NDArray[np.float64],
    ) -> None:
        """`means` are those of the numbers the algorithm learned from."""
        self.processor = processor
        self.fitted = fitted
        self.target = target
        self.features = list(features)
        self.means = means

    @property
    def classes(self) -> list[str]:
        """The classes in the order of the probabilities; none for regression."""
        return self.target.classes

    def predict(self, frame: pd.DataFrame) -> npt.NDArray[np.float64]:
        """The predicted number of every row of a regression."""
        return self.fitted.predict(transform(self.processor, frame))

    def probabilities(self, frame: pd.DataFrame) -> npt.NDArray[np.float64]:
        """The probability of every class, (rows, classes)."""
        return self.fitted.predict(transform(self.processor, frame))

    def contributions(self, frame: pd.DataFrame) -> Contributions | None:
        """Exact SHAP values of a regression by trees, or by a line of independent features; else None.

        A classifier's tell of the log-odds, not of a probability: None.
        """
        if not self.target.regression:
            return None
        found = self._of_numbers(transform(self.processor, frame))
        if found is None:
            return None
        places = {name: place for place, name in enumerate(self.features)}
        values = np.zeros((len(frame), len(self.features)))
        for number, name in enumerate(origins(self.processor)):
            values[:, places[name]] += found.values[:, number]
        return Contributions(values, found.expected)

    def _of_numbers(self, features: Matrix) -> Contributions | None:
        """The contributions of each number of the data processor."""
        if isinstance(self.fitted, FittedXGBoost):
            both = self.fitted.contributions(features)
            return Contributions(both[:, :-1], float(both[0, -1]))
        if isinstance(self.fitted, FittedEstimator) and hasattr(self.fitted.estimator, "coef_"):
            weights = np.asarray(self.fitted.estimator.coef_, dtype=float).ravel() * self.fitted.spread
            dense = features if isinstance(features, np.ndarray) else features.toarray()
            start = (
                float(np.ravel(self.fitted.estimator.intercept_)[0]) * self.fitted.spread + self.fitted.centre
            )
            return Contributions((dense - self.means) * weights, start + float(self.means @ weights))
        return None
