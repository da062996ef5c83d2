"""Feature engineering: the data processors, fitted, and the rows each of them makes."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer

from helpers.local.jobs.automl.column_kinds import infer
from helpers.local.jobs.automl.data import TrainingData
from helpers.local.jobs.automl.tuning.library.folds import Fold, Folds, Table, split
from helpers.local.jobs.automl.tuning.library.processors import (
    Strategy,
    build,
    fit_transform,
    strategies,
    transform,
)
from helpers.local.jobs.automl.tuning.library.task import Rows
from helpers.local.jobs.automl.tuning.targets import Target
from helpers.local.jobs.job import JobFailure

MOST_CROSS_VALIDATED = 50_000  # rows, as on the service
LARGEST_IN_MEMORY = 100_000_000  # bytes of the rows of one processor; more are left on the disk


@dataclass(frozen=True)
class Prepared:
    """One data processor, fitted, the rows its candidates' models learn from, and how they are measured."""

    strategy: Strategy
    processor: ColumnTransformer
    rows: Rows
    folds: Iterable[Fold]

    @property
    def width(self) -> int:
        """The numbers of a row."""
        return int(self.rows.features.shape[1])


class Preparation:
    """What every data processor of a job has in common.

    Up to 50,000 rows without a validation channel are measured by five-fold cross-validation, and then models
    learn from all of them; else models learn from the training part and are measured on the validation part.
    """

    def __init__(self, data: TrainingData, target: str, scratch: Path) -> None:
        self.data = data
        self.scratch = scratch
        self.target = Target.of(data.problem_type, _together(data, target, not data.validation_given))
        self.training = Table(data.training[data.features], self.target.encode(data.training[target]))
        validation = Table(data.validation[data.features], self.target.encode(data.validation[target]))
        known = np.flatnonzero(validation.target >= 0) if not self.target.regression else None
        self.validation = validation if known is None else validation.take(known)
        if not len(self.validation.target):
            raise JobFailure("No class of the validation data is in the training data: check both channels.")
        rows = len(self.training.target) + len(self.validation.target)
        self.crossed = not data.validation_given and rows <= MOST_CROSS_VALIDATED
        self.everything = Table(
            pd.concat([self.training.features, self.validation.features], ignore_index=True),
            np.concatenate([self.training.target, self.validation.target]),
        )
        self.columns = {
            name: data.types.get(name) or infer(data.training[name])
            for name in data.features
            if varies(data.training[name])
        }
        if not self.columns:
            raise JobFailure(
                "No feature has two different values, so none can tell anything: check the feature columns."
            )
        self.strategies = strategies(self.columns)

    @property
    def measured_by(self) -> str:
        """How candidates are measured, for the log."""
        return "by five-fold cross-validation" if self.crossed else "on the validation part"

    def build(self, strategy: Strategy) -> ColumnTransformer:
        """The processor of a strategy, not fitted."""
        return build(strategy, self.columns, self.target.regression)

    def fit(self, strategy: Strategy) -> Prepared:
        """Fit the processor of a strategy."""
        processor = self.build(strategy)
        table = self.everything if self.crossed else self.training
        rows = Rows(
            self._keep(strategy.name, fit_transform(processor, table.features, table.target)), table.target
        )
        if self.crossed:
            parts = split(table.target, self.target.regression)
            folds: Iterable[Fold] = Folds(partial(self.build, strategy), table, parts)
        else:
            measured = Rows(transform(processor, self.validation.features), self.validation.target)
            folds = [Fold(rows, measured, np.arange(len(measured)))]
        return Prepared(strategy, processor, rows, folds)

    def _keep(self, name: str, features: Any) -> Any:
        """The rows, on the disk where they are large."""
        if not isinstance(features, np.ndarray) or features.nbytes <= LARGEST_IN_MEMORY:
            return features
        path = self.scratch / f"{name}.npy"
        np.save(path, features)
        return np.load(path, mmap_mode="r")


def varies(values: pd.Series) -> bool:
    """Whether a column has two different values, a missing one among them."""
    return bool(values.nunique(dropna=False) > 1)


def _together(data: TrainingData, target: str, validation: bool) -> pd.Series:
    parts = [data.training[target], data.validation[target]] if validation else [data.training[target]]
    return pd.concat(parts, ignore_index=True)
