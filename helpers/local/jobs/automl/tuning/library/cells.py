"""Cells of any column as the numbers and texts that processors take; nothing in a cell makes them fail."""

import re
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

LARGEST = 1e30  # its square, of which a spread is made, is still a number
LONGEST_TEXT = 2_000  # characters of a cell that are looked at
LONGEST_CATEGORY = 200
MISSING = ""
EPOCH = pd.Timestamp("2000-01-01")
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")


def numbers(values: pd.Series) -> npt.NDArray[np.float64]:
    """The numbers of a column; what is none is missing, what is too large for sums is cut."""
    if isinstance(values.dtype, pd.DatetimeTZDtype) or pd.api.types.is_datetime64_dtype(values):
        return np.full(len(values), np.nan)
    if pd.api.types.is_complex_dtype(values):
        return np.full(len(values), np.nan)
    found = pd.to_numeric(values, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    found = np.where(np.isinf(found), np.nan, found)
    clipped: npt.NDArray[np.float64] = np.clip(found, -LARGEST, LARGEST)
    return clipped


def texts(values: pd.Series, longest: int = LONGEST_TEXT) -> npt.NDArray[np.object_]:
    """The texts of a column, cut to `longest` characters; a missing cell is an empty text."""
    return np.array(
        [
            MISSING if missing else str(cell)[:longest]
            for cell, missing in zip(values, _missing(values), strict=True)
        ],
        dtype=object,
    )


def moments(values: pd.Series) -> pd.Series:
    """The moments of a column of dates in any common writing, without time zones; what is none is missing."""
    if pd.api.types.is_datetime64_any_dtype(values):
        found = pd.Series(values)
    else:
        cells = pd.Series(texts(values, longest=64), index=values.index).replace(MISSING, None)
        found = pd.to_datetime(cells, errors="coerce", format="mixed", utc=True)
    return found.dt.tz_localize(None) if isinstance(found.dtype, pd.DatetimeTZDtype) else found


def _missing(values: pd.Series) -> list[bool]:
    """Whether each cell is missing; a cell that is a list is not."""
    return [bool(found) if np.isscalar(found) else False for found in map(pd.isna, values.tolist())]


class Cells(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """What the steps of a processor on raw columns have in common: names f0, f1, ... for their columns."""

    def fit(self, frame: pd.DataFrame, target: Any = None) -> "Cells":
        """Learn how many columns there are."""
        self.n_features_in_ = frame.shape[1]
        self._learn(frame, target)
        return self

    def _learn(self, frame: pd.DataFrame, target: Any) -> None:
        """Nothing more to learn, in most."""

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "n_features_in_")

    def _parts(self) -> list[str]:
        """What a column becomes; an empty name is the column itself."""
        return [""]

    def get_feature_names_out(self, input_features: Any = None) -> npt.NDArray[np.object_]:  # noqa: ARG002
        """`f<column>` or `f<column>_<part>`."""
        names = [
            f"f{number}_{part}" if part else f"f{number}"
            for number in range(self.n_features_in_)
            for part in self._parts()
        ]
        return np.array(names, dtype=object)


class NumberCells(Cells):
    """Columns as numbers, (rows, columns)."""

    def transform(self, frame: pd.DataFrame) -> npt.NDArray[np.float64]:
        """What is no number is missing (NaN)."""
        return np.column_stack([numbers(frame.iloc[:, column]) for column in range(frame.shape[1])])


class CategoryCells(Cells):
    """Columns as categories, texts of bounded length, (rows, columns)."""

    def transform(self, frame: pd.DataFrame) -> npt.NDArray[np.object_]:
        """A missing cell is the category of the empty text."""
        columns = [texts(frame.iloc[:, column], LONGEST_CATEGORY) for column in range(frame.shape[1])]
        return np.column_stack(columns)


class DateParts(Cells):
    """Columns of dates as numbers: days since 2000, and the parts that recur."""

    def _parts(self) -> list[str]:
        return ["days", "year", "month", "day", "weekday", "hour"]

    def transform(self, frame: pd.DataFrame) -> npt.NDArray[np.float64]:
        """(rows, 6 for each column); what is no date is missing (NaN)."""
        columns = []
        for column in range(frame.shape[1]):
            found = moments(frame.iloc[:, column])
            when = found.dt
            days = (found - EPOCH).dt.total_seconds() / 86_400
            columns += [days, when.year, when.month, when.day, when.weekday, when.hour]
        return np.column_stack([np.asarray(values, dtype=float) for values in columns])


class SequenceParts(Cells):
    """Columns of numbers separated by commas as what describes them."""

    def _parts(self) -> list[str]:
        return ["length", "mean", "spread", "smallest", "largest", "first", "last"]

    def transform(self, frame: pd.DataFrame) -> npt.NDArray[np.float64]:
        """(rows, 7 for each column); a cell without numbers has length 0, and its other parts are missing."""
        columns = []
        for column in range(frame.shape[1]):
            cells = texts(frame.iloc[:, column], longest=20_000)
            columns.append(np.array([self._of(str(cell)) for cell in cells]).reshape(len(cells), -1))
        found: npt.NDArray[np.float64] = np.clip(np.hstack(columns), -LARGEST, LARGEST)
        return found

    @staticmethod
    def _of(cell: str) -> list[float]:
        found = np.array([float(word) for word in NUMBER.findall(cell)])
        found = np.clip(found[np.isfinite(found)], -LARGEST, LARGEST)
        if not len(found):
            return [0.0] + [np.nan] * 6
        return [len(found), found.mean(), found.std(), found.min(), found.max(), found[0], found[-1]]


class TextWords(Cells):
    """Columns of text as weights of their words (TF-IDF), sparse; at most `words` for each column."""

    def __init__(self, words: int = 500) -> None:
        self.words = words

    def _learn(self, frame: pd.DataFrame, target: Any) -> None:  # noqa: ARG002
        self.vectorizers_ = [self._vectorizer(frame.iloc[:, column]) for column in range(frame.shape[1])]

    def _vectorizer(self, values: pd.Series) -> TfidfVectorizer | None:
        """None for a column without a word."""
        vectorizer = TfidfVectorizer(
            max_features=self.words, sublinear_tf=True, strip_accents="unicode", token_pattern=r"(?u)\b\w+\b"
        )
        try:
            vectorizer.fit(texts(values))
        except ValueError:  # an empty vocabulary
            return None
        # Plain integers: a stored model would keep a file for each of NumPy's.
        vectorizer.vocabulary_ = {word: int(place) for word, place in vectorizer.vocabulary_.items()}
        return vectorizer

    def transform(self, frame: pd.DataFrame) -> sparse.csr_matrix:
        """(rows, words of all columns)."""
        blocks = [
            vectorizer.transform(texts(frame.iloc[:, column]))
            for column, vectorizer in enumerate(self.vectorizers_)
            if vectorizer is not None
        ]
        if not blocks:
            return sparse.csr_matrix((len(frame), 0))
        return sparse.hstack(blocks, format="csr")

    def get_feature_names_out(self, input_features: Any = None) -> npt.NDArray[np.object_]:  # noqa: ARG002
        """`f<column>_<word>`."""
        names = [
            f"f{column}_{word}"
            for column, vectorizer in enumerate(self.vectorizers_)
            if vectorizer is not None
            for word in vectorizer.get_feature_names_out()
        ]
        return np.array(names, dtype=object)


class TextTopics(Cells):
    """Columns of text as few numbers: the first components of the weights of their words."""

    def __init__(self, words: int = 1000, topics: int = 16) -> None:
        self.words = words
        self.topics = topics

    def _learn(self, frame: pd.DataFrame, target: Any) -> None:  # noqa: ARG002
        self.words_: list[TextWords] = []
        self.components_: list[TruncatedSVD | None] = []
        for column in range(frame.shape[1]):
            one = frame.iloc[:, [column]]
            words = TextWords(self.words).fit(one)
            weights = words.transform(one)
            count = min(self.topics, weights.shape[1] - 1, len(frame) - 1)
            svd = TruncatedSVD(count, n_iter=2, random_state=0).fit(weights) if count > 0 else None
            self.words_.append(words)
            self.components_.append(svd)

    def transform(self, frame: pd.DataFrame) -> npt.NDArray[np.float64]:
        """(rows, topics of all columns)."""
        blocks = [np.zeros((len(frame), 0))]
        for column, (words, svd) in enumerate(zip(self.words_, self.components_, strict=True)):
            if svd is not None:
                blocks.append(svd.transform(words.transform(frame.iloc[:, [column]])))
        return np.hstack(blocks)

    def get_feature_names_out(self, input_features: Any = None) -> npt.NDArray[np.object_]:  # noqa: ARG002
        """`f<column>_topic<number>`."""
        names = [
            f"f{column}_topic{number}"
            for column, svd in enumerate(self.components_)
            if svd is not None
            for number in range(svd.n_components)
        ]
        return np.array(names, dtype=object)
