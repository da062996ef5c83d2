"""The rows a candidate learns from and those it is measured on, processed by each data processor."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.model_selection import KFold, StratifiedKFold

from .processors import fit_transform, transform
from .task import SEED, Rows

FOLDS = 5
LARGEST_KEPT = 200_000_000  # bytes of processed folds that are kept for the next candidate


@dataclass(frozen=True)
class Table:
    """Raw rows: the features as columns, and the targets as numbers or as classes from 0."""

    features: pd.DataFrame
    target: npt.NDArray[Any]

    def take(self, rows: npt.NDArray[np.intp]) -> "Table":
        """Some rows."""
        return Table(self.features.iloc[rows], self.target[rows])


@dataclass(frozen=True)
class Fold:
    """Rows to learn from, rows to be measured on, and which of all rows the latter are."""

    training: Rows
    validation: Rows
    measured: npt.NDArray[np.intp]


def fold(
    processor: ColumnTransformer, training: Table, validation: Table, measured: npt.NDArray[np.intp]
) -> Fold:
    """One fold; the processor learns from its training rows alone."""
    learned = Rows(fit_transform(processor, training.features, training.target), training.target)
    return Fold(learned, Rows(transform(processor, validation.features), validation.target), measured)


@dataclass
class Folds:
    """The folds of one data processor, made when they are first asked for and kept when they are small."""

    build: Callable[[], ColumnTransformer]
    table: Table
    parts: list[tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]]
    kept: dict[int, Fold] = field(default_factory=dict)
    bytes: int = 0

    def __iter__(self) -> Iterator[Fold]:
        for number, (training, measured) in enumerate(self.parts):
            found = self.kept.get(number)
            if found is None:
                found = fold(self.build(), self.table.take(training), self.table.take(measured), measured)
                size = sum(_size(rows) for rows in (found.training, found.validation))
                if self.bytes + size <= LARGEST_KEPT:
                    self.kept[number] = found
                    self.bytes += size
            yield found


def split(target: npt.NDArray[Any], regression: bool, folds: int = FOLDS) -> list[tuple[Any, Any]]:
    """The rows to learn from and to be measured on of each fold, shuffled, each class in all if it can."""
    rows = np.arange(len(target))
    if regression or np.bincount(target).min() < folds:
        return list(KFold(folds, shuffle=True, random_state=SEED).split(rows))
    return list(StratifiedKFold(folds, shuffle=True, random_state=SEED).split(rows, target))


def _size(rows: Rows) -> int:
    features = rows.features
    return int(features.nbytes if isinstance(features, np.ndarray) else features.data.nbytes * 2)
