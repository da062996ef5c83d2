"""The predictions of an AutoGluon regression on numbers, without what AutoGluon does around them.

`TabularPredictor.predict` copies and checks the table for every step and every model: on one row that takes
ten times what the models take. Here the steps of known kinds are taken once, when the model is loaded, and
applied to one matrix; a model of another kind is asked as AutoGluon asks it, and where a step is of another
kind, AutoGluon predicts as before. The short way is used only if it agrees with AutoGluon's to the last bit
on rows of many kinds.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from helpers.local.jobs.serving.description import Description

Matrix = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.float32]

CHECKED_ROWS = 256
FEW_ROWS = 64  # up to so many, a second thread takes longer to wake than it saves


class Model(Protocol):
    """A model on the columns that its predictor makes."""

    def __call__(self, values: Matrix) -> Numbers:
        """The prediction of every row; values are (rows, columns of the model)."""


class Direct:
    """The short way of one predictor."""

    def __init__(self, columns: Columns, member: Model) -> None:
        self._columns = columns
        self._model = member

    def __call__(self, frame: pd.DataFrame) -> npt.NDArray[np.float64]:
        """The predicted number of every row; the frame has the columns of the description in their order."""
        return self._model(self._columns(frame)).astype(np.float64)


class Columns:
    """From the columns of a request to those that the models take."""

    def __init__(self, given: Sequence[str], types: Mapping[str, Any], truths: Mapping[str, float]) -> None:
        """`types` are those of the columns that the models take, `truths` what makes an indicator one."""
        self.types = dict(types)
        self._positions = np.asarray([given.index(name) for name in types], dtype=int)
        self._indicators = np.asarray(
            [index for index, name in enumerate(types) if name in truths], dtype=int
        )
        self._truths = np.asarray([truths[name] for name in types if name in truths], dtype=np.float64)
        self._whole = np.asarray(
            [
                index
                for index, (name, kind) in enumerate(types.items())
                if np.dtype(kind).kind == "i" and name not in truths
            ],
            dtype=int,
        )

    def __call__(self, frame: pd.DataFrame) -> Matrix:
        """The matrix: indicators are one or zero; whole numbers have no fraction, and are zero where missing.

        Raises ValueError for an infinite number where the model takes whole ones.
        """
        values: Matrix = frame.to_numpy(dtype=np.float64)[:, self._positions]
        if len(self._indicators):
            values[:, self._indicators] = values[:, self._indicators] == self._truths
        if len(self._whole):
            whole = values[:, self._whole]
            if np.isinf(whole).any():
                raise ValueError("A column of whole numbers holds an infinite one.")
            values[:, self._whole] = np.trunc(np.nan_to_num(whole, nan=0.0))
        return values


class Boosted:
    """LightGBM, whose trees may also get the scores of interactions."""

    def __init__(self, booster: Any, order: Sequence[int], scores: Any | None, used: Sequence[int]) -> None:
        self._booster = booster
        self._order = np.asarray(order)  # of the columns and the scores that follow them
        self._scores = scores
        self._used = np.asarray(used, dtype=int)  # columns that the interactions are made of

    def __call__(self, values: Matrix) -> Numbers:
        """The sums of the trees' leaves."""
        if self._scores is not None:
            values = np.concatenate([values, self._scores.scores(values[:, self._used])], axis=1)
        threads = 1 if len(values) <= FEW_ROWS else 0
        predicted = self._booster.predict(
            np.ascontiguousarray(values[:, self._order]), num_threads=threads, validate_features=False
        )
        return np.asarray(predicted, dtype=np.float32)


class OnMatrix:
    """A model whose library takes a matrix as well as a table."""

    def __init__(self, predict: Callable[[Any], Any], order: Sequence[int]) -> None:
        self._predict = predict
        self._order = np.asarray(order)

    def __call__(self, values: Matrix) -> Numbers:
        """What the library says."""
        return np.asarray(self._predict(np.ascontiguousarray(values[:, self._order])), dtype=np.float32)


class OnTable:
    """Any other model, as AutoGluon asks it."""

    def __init__(self, model: Any, types: Mapping[str, Any]) -> None:
        self._model = model
        self._names = list(types)
        self._types = {name: kind for name, kind in types.items() if np.dtype(kind) != np.float64}

    def __call__(self, values: Matrix) -> Numbers:
        """What the model says."""
        table = pd.DataFrame(values, columns=self._names)
        if self._types:
            table = table.astype(self._types)
        return np.asarray(self._model.predict_proba(table), dtype=np.float32)


class Network:
    """The network of this project behind the medians and scales of its preparation."""

    def __init__(self, model: Any, groups: Sequence[tuple[Sequence[int], Any, Any]]) -> None:
        self._model = model
        order = [position for positions, _, _ in groups for position in positions]
        self._order = np.asarray(order)
        self._fill = np.concatenate(
            [
                np.full(len(positions), np.nan) if imputer is None else imputer.statistics_
                for positions, imputer, _ in groups
            ]
        )
        self._mean = np.concatenate([scaler.mean_ for _, _, scaler in groups])
        self._scale = np.concatenate([scaler.scale_ for _, _, scaler in groups])

    def __call__(self, values: Matrix) -> Numbers:
        """The network's predictions in the target's own scale."""
        taken = values[:, self._order]
        taken = np.where(np.isnan(taken), self._fill, taken)
        return np.asarray(
            self._model.of_inputs(self._model.dense((taken - self._mean) / self._scale)), dtype=np.float32
        )


class Weighted:
    """A weighted sum of models."""

    def __init__(self, members: Sequence[Model], combine: Callable[[list[Numbers]], Any]) -> None:
        self._members = members
        self._combine = combine

    def __call__(self, values: Matrix) -> Numbers:
        """The sum, in single precision as each model's prediction is."""
        return np.asarray(self._combine([member(values) for member in self._members]), dtype=np.float32)


class _Unknown(Exception):
    """A step is of a kind that the short way does not know."""


def shortened(predictor: Any, description: Description) -> Direct | None:
    """The short way of a predictor; None when it has a step of an unknown kind, or does not agree exactly."""
    if description.problem_type != "Regression" or any(
        column.kind != "number" for column in description.columns
    ):
        return None
    try:
        columns = _columns(predictor, [column.name for column in description.columns])
        direct = Direct(columns, _model(predictor, predictor.model_best, columns))
        agrees = _agrees(predictor, direct, description)
    except (_Unknown, AttributeError, KeyError, TypeError, ValueError) as reason:
        # Another release of a library may keep its insides elsewhere: then the long way is taken.
        print(
            f"Predictions take AutoGluon's way: {type(reason).__name__} {reason}", file=sys.stderr, flush=True
        )
        return None
    if not agrees:
        print("Predictions take AutoGluon's way: the short one does not agree.", file=sys.stderr, flush=True)
    return direct if agrees else None


def _columns(predictor: Any, given: list[str]) -> Columns:
    """What AutoGluon's own steps make of numbers."""
    from autogluon.features.generators import (
        AsTypeFeatureGenerator,
        DropDuplicatesFeatureGenerator,
        DropUniqueFeatureGenerator,
        FillNaFeatureGenerator,
        IdentityFeatureGenerator,
    )

    kinds = (
        AsTypeFeatureGenerator,
        FillNaFeatureGenerator,
        IdentityFeatureGenerator,
        DropUniqueFeatureGenerator,
        DropDuplicatesFeatureGenerator,
    )
    generator = predictor._learner.feature_generator
    types: dict[str, Any] = {}
    truths: dict[str, float] = {}
    for step in (step for steps in generator.generators for step in steps):
        if type(step) not in kinds:
            raise _Unknown(type(step).__name__)
        if type(step) is AsTypeFeatureGenerator:
            types |= step._type_map_real_opt
            truths |= {name: float(value) for name, value in step._bool_features.items()}
    if any(np.dtype(kind).kind not in "fi" for kind in types.values()):
        raise _Unknown("a type that is no number's")
    return Columns(given, {name: types[name] for name in generator.features_out}, truths)


def _model(predictor: Any, name: str, columns: Columns) -> Model:
    from autogluon.core.models import WeightedEnsembleModel

    model = predictor._trainer.load_model(name)
    if type(model) is WeightedEnsembleModel:
        (child,) = model.models
        members = [model.stack_column_prefix_to_model_map[prefix] for prefix in child.base_model_names]
        return Weighted([_model(predictor, member, columns) for member in members], child.model.predict_proba)
    return _single(model, columns)


def _single(model: Any, columns: Columns) -> Model:
    from autogluon.tabular.models import CatBoostModel, LGBModel

    from helpers.local.jobs.automl.ensembling.interactions import InteractionScores
    from helpers.local.jobs.automl.ensembling.network import NeuralNetwork

    names = list(columns.types)
    scores = model._model_specific_feature_generators
    if type(model) is LGBModel and type(scores) in (InteractionScores, type(None)):
        made = [] if scores is None else list(scores._names)
        used = [] if scores is None else [names.index(column) for column in scores._columns]
        every = [*names, *made]
        taken = model.features if scores is None else model._model_specific_feature_generators.features_out
        order = [every.index(name) for name in taken]
        return Boosted(model.model, order, scores if made else None, used)
    if type(model) is CatBoostModel and scores is None:
        return OnMatrix(model.model.predict, [names.index(name) for name in model.features])
    if type(model) is NeuralNetwork and scores is None:
        parts = model._pipeline.transformers_
        if all(kind in ("cont", "bool") for kind, _, _ in parts):
            return Network(model, [_scaled(step, names) for step in parts])
    return OnTable(model, columns.types)


def _scaled(step: tuple[str, Any, list[str]], names: list[str]) -> tuple[list[int], Any, Any]:
    """The columns of one part of the network's preparation, what fills them and what scales them."""
    _, pipeline, columns = step
    steps = dict(pipeline.steps)
    return [names.index(column) for column in columns], steps.get("imputer"), steps["scaler"]


def _agrees(predictor: Any, direct: Direct, description: Description) -> bool:
    """Whether both ways give the same numbers for rows of small and large, missing and whole numbers."""
    generator = np.random.default_rng(0)
    shape = (CHECKED_ROWS, len(description.columns))
    values = generator.normal(size=shape) * 10.0 ** generator.uniform(-2, 3, size=shape)
    kind = generator.integers(0, 6, size=shape)
    values[kind == 0] = np.nan
    values[kind == 1] = np.round(values[kind == 1])
    values[kind >= 4] = generator.integers(0, 2, size=shape)[kind >= 4]
    values[0] = np.nan
    frame = pd.DataFrame(values, columns=[column.name for column in description.columns])
    for rows in (frame, frame.iloc[:1], frame.iloc[1:2]):
        expected = np.asarray(predictor.predict(rows, as_pandas=False), dtype=float)
        if not np.array_equal(direct(rows), expected):
            return False
    return True
