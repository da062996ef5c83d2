"""The data processors: pipelines of scikit-learn, from raw columns to single precision numbers."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    OneHotEncoder,
    OrdinalEncoder,
    QuantileTransformer,
    StandardScaler,
    TargetEncoder,
)

from .cells import CategoryCells, DateParts, NumberCells, SequenceParts, TextTopics, TextWords
from .task import Matrix

WIDEST = 1_000  # numbers that all categorical, or all text, columns become together, about


@dataclass(frozen=True)
class Strategy:
    """How one data processor treats the kinds of columns, and the algorithms it suits."""

    name: str
    categories: str  # one-hot, ordinal, target
    texts: str  # words, topics
    quantiles: bool  # numbers as normal quantiles, else standardised
    algorithms: tuple[str, ...]
    says: str


STRATEGIES = (
    Strategy(
        "dpp0",
        "target",
        "topics",
        False,
        ("xgboost", "mlp"),
        "numbers imputed by the median and standardised; categories as the mean of the target; "
        "texts as topics",
    ),
    Strategy(
        "dpp1",
        "one-hot",
        "words",
        False,
        ("xgboost", "linear-learner"),
        "numbers imputed by the median and standardised; a column for each frequent category; "
        "texts as weights of their words",
    ),
    Strategy(
        "dpp2",
        "target",
        "topics",
        True,
        ("mlp",),
        "numbers imputed by the median, as normal quantiles; categories as the mean of the target; "
        "texts as topics",
    ),
    Strategy(
        "dpp3",
        "ordinal",
        "topics",
        False,
        ("xgboost",),
        "numbers imputed by the median and standardised; categories as numbers in order; texts as topics",
    ),
)


def strategies(columns: Mapping[str, str]) -> list[Strategy]:
    """The strategies that differ on these columns: without categories, for example, ordinal is target."""
    found: dict[tuple[object, ...], Strategy] = {}
    there = set(columns.values())
    for strategy in STRATEGIES:
        key = (
            strategy.categories if "categorical" in there else None,
            strategy.texts if "text" in there else None,
            strategy.quantiles if there & {"numeric", "datetime", "sequence"} else None,
        )
        known = found.get(key)
        if known is None:
            found[key] = strategy
        else:
            both = tuple(dict.fromkeys(known.algorithms + strategy.algorithms))
            found[key] = Strategy(
                known.name, known.categories, known.texts, known.quantiles, both, known.says
            )
    return list(found.values())


def build(strategy: Strategy, columns: Mapping[str, str], regression: bool) -> ColumnTransformer:
    """The processor of a strategy, not fitted; `columns` are the kinds of the columns by name."""
    groups = {kind: [name for name in columns if columns[name] == kind] for kind in set(columns.values())}
    parts: list[tuple[str, Any, list[str]]] = []
    for kind, first in (("numeric", NumberCells), ("datetime", DateParts), ("sequence", SequenceParts)):
        if groups.get(kind):
            parts.append((kind, _numbers(first(), strategy.quantiles), groups[kind]))
    if groups.get("categorical"):
        names = groups["categorical"]
        parts.append(("categorical", _categories(strategy, len(names), regression), names))
    if groups.get("text"):
        parts.append(("text", _texts(strategy, len(groups["text"])), groups["text"]))
    return ColumnTransformer(parts, sparse_threshold=0.3)


def _numbers(first: Any, quantiles: bool) -> Pipeline:
    steps = [
        ("cells", first),
        ("impute", SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)),
    ]
    if quantiles:
        ranks = QuantileTransformer(
            n_quantiles=200, output_distribution="normal", subsample=20_000, random_state=0
        )
        steps.append(("quantiles", ranks))
    steps.append(("scale", StandardScaler()))
    return Pipeline(steps)


def _categories(strategy: Strategy, columns: int, regression: bool) -> Pipeline:
    most = max(2, min(100, WIDEST // columns))
    if strategy.categories == "one-hot":
        encoder: Any = OneHotEncoder(
            handle_unknown="infrequent_if_exist", min_frequency=5, max_categories=most
        )
        return Pipeline([("cells", CategoryCells()), ("encode", encoder)])
    if strategy.categories == "ordinal":
        encoder = OrdinalEncoder(
            handle_unknown="use_encoded_value", unknown_value=-1, min_frequency=5, max_categories=1000
        )
    else:
        encoder = _target_encoder(regression)
    return Pipeline([("cells", CategoryCells()), ("encode", encoder), ("scale", StandardScaler())])


def _target_encoder(regression: bool) -> TargetEncoder:
    kind = "continuous" if regression else "auto"
    if "deprecated" in str(inspect.signature(TargetEncoder).parameters["random_state"].default):
        folds = KFold if regression else StratifiedKFold
        return TargetEncoder(target_type=kind, cv=folds(5, shuffle=True, random_state=0))
    return TargetEncoder(target_type=kind, random_state=0)  # scikit-learn before 1.9 takes no folds


def _texts(strategy: Strategy, columns: int) -> Any:
    if strategy.texts == "words":
        return TextWords(words=max(20, min(500, WIDEST // columns)))
    return TextTopics(words=1000, topics=max(2, min(16, 200 // columns)))


def fit_transform(processor: ColumnTransformer, frame: pd.DataFrame, target: npt.NDArray[Any]) -> Matrix:
    """Fit a processor and give the rows to train on: encodings by the target do not know their own row's."""
    return single(processor.fit_transform(frame, target))


def transform(processor: ColumnTransformer, frame: pd.DataFrame) -> Matrix:
    """The rows as numbers, (rows, numbers)."""
    return single(processor.transform(frame))


def single(matrix: Any) -> Matrix:
    """A matrix in single precision, as it is sent from one container to the next."""
    if sparse.issparse(matrix):
        return sparse.csr_matrix(matrix, dtype=np.float32)
    return np.ascontiguousarray(matrix, dtype=np.float32)


def numbers_out(processor: ColumnTransformer) -> list[str]:
    """The names of the numbers a fitted processor gives, such as `numeric__f0`."""
    return [str(name) for name in processor.get_feature_names_out()]


def origins(processor: ColumnTransformer) -> list[str]:
    """The raw column each number of a fitted processor comes from."""
    columns: dict[str, Sequence[str]] = {name: list(of) for name, _, of in processor.transformers_}
    found = []
    for name in numbers_out(processor):
        group, inner = name.split("__", 1)
        found.append(columns[group][int(inner.removeprefix("missingindicator_").split("_")[0][1:])])
    return found
