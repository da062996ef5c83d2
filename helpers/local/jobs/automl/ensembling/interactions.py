"""What pairs of columns say about the target together, for trees to begin from.

A tree asks one column at a time, so that "this listener loves jazz *and* this track is jazz" costs it many
splits. A ridge regression on all squares and products says it at once, and as it needs no more of the rows
than one matrix of sums, it takes seconds for a million of them. Its predictions become further columns.
"""

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from autogluon.features.generators import AbstractFeatureGenerator
from scipy.linalg import LinAlgError, blas, cho_factor, cho_solve

MOST_COLUMNS = 60  # that are multiplied with each other, which makes 1830 products; others stay as they are
MOST_CLASSES = 20  # each has a column of its own
ROWS_PER_PRODUCT = 8  # with fewer, what the regression finds is chance
MOST_ROWS = 400_000  # that the ridge regression learns from; more change nothing that can be measured
FOLDS = 5
PENALTIES = (2e-4, 2e-3, 2e-2, 2e-1)  # of the rows
CLIP = 4.0  # standard deviations: a product of outliers must not outweigh everything else
CHUNK = 20_000  # rows whose products are in memory at a time
CHOOSING_ROWS = 20_000  # that choose the penalty

Floats = npt.NDArray[np.float32]


class InteractionScores(AbstractFeatureGenerator):  # type: ignore[misc]
    """Adds the predictions of a ridge regression on squares and products to the columns: one, or one a class.

    For the rows it is fitted on, predictions are by regressions that have not seen the row (cross-fitted):
    otherwise a model above would trust them too much. Numbers alone take part; missing ones count as the
    mean. With fewer than two columns of numbers, more than twenty classes, or too few rows for so many
    products, nothing is added.
    """

    def _fit_transform(self, X: pd.DataFrame, y: pd.Series, **_: Any) -> tuple[pd.DataFrame, dict[str, Any]]:
        targets = self._targets(np.asarray(y))
        special = dict(self.feature_metadata_in.type_group_map_special)
        self._choose_columns(X, targets)
        self._names = _new_names([f"interactions_{number}" for number in range(targets.shape[1])], X.columns)
        few_rows = len(X) < ROWS_PER_PRODUCT * _width(len(self._columns))
        if len(self._columns) < 2 or targets.shape[1] > MOST_CLASSES or few_rows:
            self._names = []
            return X, special
        return self._with_scores(X, self._cross_fit(self._standard(X), targets)), special

    def _transform(self, X: pd.DataFrame) -> pd.DataFrame:
        if not self._names:
            return X
        return self._with_scores(X, self.scores(X[self._columns].to_numpy(dtype=np.float32)))

    def scores(self, values: npt.NDArray[np.floating[Any]]) -> Floats:
        """The further columns, (rows, scores), for the values of the columns that take part."""
        return self._predict(self._standardized(values.astype(np.float32, copy=False)), self._weights)

    def _targets(self, values: npt.NDArray[Any]) -> Floats:
        """The target in standard deviations, (rows, 1), or an indicator of each class, (rows, classes)."""
        if self.target_type == "multiclass":
            return np.asarray(values[:, None] == np.unique(values)[None, :], dtype=np.float32)
        numbers = values.astype(np.float64)
        return np.asarray((numbers - numbers.mean()) / (numbers.std() or 1.0), dtype=np.float32)[:, None]

    def _choose_columns(self, X: pd.DataFrame, targets: Floats) -> None:
        """The columns of numbers; of too many, those that go most with the target."""
        numbers = X.select_dtypes(include="number")
        self._columns = list(numbers.columns)
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # of columns without any value
            values = numbers.to_numpy(dtype=np.float32)
            values[~np.isfinite(values)] = np.nan
            self._mean = np.nan_to_num(np.nanmean(values, axis=0))
            spread = np.nan_to_num(np.nanstd(values, axis=0))
        self._spread = np.where(spread > 0, spread, 1.0).astype(np.float32)
        if len(self._columns) > MOST_COLUMNS:
            centred = targets - targets.mean(axis=0)
            strength = np.abs(self._standard(X).T @ centred).max(axis=1)
            kept = np.sort(np.argsort(-strength, kind="stable")[:MOST_COLUMNS])
            self._columns = [self._columns[index] for index in kept]
            self._mean, self._spread = self._mean[kept], self._spread[kept]
        self._mean = self._mean.astype(np.float32)

    def _standard(self, X: pd.DataFrame) -> Floats:
        return self._standardized(X[self._columns].to_numpy(dtype=np.float32))

    def _standardized(self, numbers: Floats) -> Floats:
        values = (numbers - self._mean) / self._spread
        return np.asarray(np.nan_to_num(np.clip(values, -CLIP, CLIP), copy=False), dtype=np.float32)

    def _cross_fit(self, standard: Floats, targets: Floats) -> Floats:
        """Keep the weights of all rows; return the predictions of each fold by the other folds' weights."""
        rows = len(standard)
        fold = np.random.default_rng(0).permutation(rows) % FOLDS
        step = -(-rows // MOST_ROWS)  # of more rows every second, third... is learned from
        squares, sums = [], []
        for number in range(FOLDS):
            used = np.flatnonzero(fold == number)[::step]
            square, sum_ = _sums(standard[used], targets[used])
            squares.append(square)
            sums.append(sum_)
        every_square, every_sum = np.sum(squares, axis=0), np.sum(sums, axis=0)
        scale = float(every_square[0, 0])  # the rows learned from: the first product is the constant one
        chosen, predicted = None, np.zeros(targets.shape, dtype=np.float32)
        checked = np.flatnonzero(fold == 0)[:CHOOSING_ROWS]
        for penalty in (share * scale for share in PENALTIES):
            weights = _solve(every_square - squares[0], every_sum - sums[0], penalty)
            error = float(np.mean((self._predict(standard[checked], weights) - targets[checked]) ** 2))
            if chosen is None or error < chosen[0]:
                chosen = (error, penalty)
        assert chosen is not None
        for number in range(FOLDS):
            weights = _solve(every_square - squares[number], every_sum - sums[number], chosen[1])
            held_out = fold == number
            predicted[held_out] = self._predict(standard[held_out], weights)
        self._weights = _solve(every_square, every_sum, chosen[1])
        return predicted

    @staticmethod
    def _predict(standard: Floats, weights: Floats) -> Floats:
        parts = [products @ weights for products, _ in _chunks(standard)]
        return np.concatenate(parts) if parts else np.zeros((0, weights.shape[1]), dtype=np.float32)

    def _with_scores(self, X: pd.DataFrame, scores: Floats) -> pd.DataFrame:
        return pd.concat([X, pd.DataFrame(scores, index=X.index, columns=self._names)], axis=1)

    @staticmethod
    def get_default_infer_features_in_args() -> dict[str, Any]:
        """Every column passes through."""
        return {}


def _new_names(names: list[str], taken: pd.Index) -> list[str]:
    """The names, with an underscore more wherever a column has one already."""
    while not taken.intersection(names).empty:
        names = [f"{name}_" for name in names]
    return names


def _width(columns: int) -> int:
    """How many weights the regression has: a constant, the columns, their squares and products."""
    return 1 + columns + columns * (columns + 1) // 2


def _chunks(standard: Floats) -> Iterator[tuple[Floats, slice]]:
    """For each chunk of rows: one, the columns, and all their squares and products; and which rows."""
    columns = standard.shape[1]
    width = _width(columns)
    for start in range(0, len(standard), CHUNK):
        rows = slice(start, start + CHUNK)
        part = standard[rows]
        products = np.empty((len(part), width), dtype=np.float32, order="F")
        products[:, 0] = 1
        products[:, 1 : 1 + columns] = part
        position = 1 + columns
        turned = np.asfortranarray(part)
        for first in range(columns):
            count = columns - first
            np.multiply(turned[:, first:], turned[:, [first]], out=products[:, position : position + count])
            position += count
        yield products, rows


def _sums(standard: Floats, targets: Floats) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The sums that a regression needs: products times products, upper half, and products times targets."""
    width = _width(standard.shape[1])
    square, sum_ = np.zeros((width, width)), np.zeros((width, targets.shape[1]))
    for products, rows in _chunks(standard):
        square += blas.ssyrk(1.0, products, trans=1)
        sum_ += products.T @ targets[rows]
    return square, sum_


def _solve(square: npt.NDArray[np.float64], sum_: npt.NDArray[np.float64], penalty: float) -> Floats:
    """The weights of a ridge regression; the constant, which is first, is not held small."""
    ridge = np.full(len(square), penalty)
    ridge[0] = 0.0
    while True:
        try:
            factor = cho_factor(square + np.diag(ridge), lower=False, overwrite_a=True)
        except LinAlgError:  # columns that follow from others, and sums in single precision
            ridge = 10 * ridge
        else:
            return np.asarray(cho_solve(factor, sum_), dtype=np.float32)
