"""Exact SHAP values of AutoGluon's regression models: by the trees' own TreeSHAP, by the weights of a line.

Every function gives the contributions of the columns AutoGluon's models see, or None where a model is of
another kind; `by_feature` adds them up to the features of the data.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

AGAIN = "_FULL"  # ends AutoGluon's name of a model that was trained once more on all rows
Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ColumnContributions:
    """`values` is (rows, columns); with `expected` they add up to the predictions."""

    values: pd.DataFrame
    expected: float

    def plus(self, other: "ColumnContributions") -> "ColumnContributions":
        """The contributions to the sum of two models."""
        return ColumnContributions(
            self.values.add(other.values, fill_value=0.0), self.expected + other.expected
        )

    def times(self, weight: float) -> "ColumnContributions":
        """The contributions to a model's share in a sum."""
        return ColumnContributions(self.values * weight, self.expected * weight)


def of_model(
    predictor: Any, name: str, columns: pd.DataFrame, background: pd.DataFrame
) -> ColumnContributions | None:
    """The contributions in a model by its name; a line's are measured from `background`.

    Both frames are as `predictor.transform_features` makes them.
    """
    trainer = predictor._trainer  # AutoGluon offers no public way to its single models
    model = trainer.load_model(name)
    bases = trainer.get_minimum_model_set(model, include_self=False)
    if not bases:
        return _of_single(model, columns, background)
    # A model trained once more on all rows keeps the weights under its members' first names.
    weights = {base: _weights(model).get(base.removesuffix(AGAIN)) for base in bases}
    return _sum(
        [(weight, of_model(predictor, base, columns, background)) for base, weight in weights.items()]
    )


def by_feature(
    found: ColumnContributions, links: Mapping[str, Sequence[str]], features: Sequence[str]
) -> Matrix | None:
    """The contributions of the data's features, (rows, features), given the columns made of each feature.

    None when a column was made of several features, so that its part cannot be told.
    """
    origins: dict[str, str] = {}
    for feature, columns in links.items():
        for column in columns:
            if origins.setdefault(column, feature) != feature and column in found.values:
                return None
    values = np.zeros((len(found.values), len(features)))
    positions = {feature: position for position, feature in enumerate(features)}
    for column in map(str, found.values):
        if column not in origins:
            return None
        values[:, positions[origins[column]]] += found.values[column].to_numpy()
    return values


def _weights(model: Any) -> dict[str, float]:
    """The weights of the members of a weighted ensemble; none for another kind of stacker."""
    bag = [model.load_child(child) for child in model.models] if hasattr(model, "load_child") else [model]
    if len(bag) != 1 or not hasattr(bag[0], "weights_"):
        return {}
    return {name: float(weight) for name, weight in bag[0]._get_model_weights().items()}


def _of_single(model: Any, columns: pd.DataFrame, background: pd.DataFrame) -> ColumnContributions | None:
    """A model, or the mean of a bag of models."""
    if hasattr(model, "load_child"):
        children = [model.load_child(child) for child in model.models]
        return _sum([(1 / len(children), _of_single(child, columns, background)) for child in children])
    kind = type(model).ag_key
    if kind == "GBM":
        return _of_lightgbm(model, columns)
    if kind == "CAT":
        return _of_catboost(model, columns)
    if kind == "XGB":
        return _of_xgboost(model, columns)
    return _of_line(model, columns, background) if kind == "LR" else None


def _sum(parts: Sequence[tuple[float | None, ColumnContributions | None]]) -> ColumnContributions | None:
    total: ColumnContributions | None = None
    for weight, part in parts:
        if weight is None or part is None:
            return None
        total = part.times(weight) if total is None else total.plus(part.times(weight))
    return total


def _of_lightgbm(model: Any, columns: pd.DataFrame) -> ColumnContributions:
    inputs = model.preprocess(columns)
    names = list(inputs.columns)
    if getattr(model, "_requires_remap", False):
        originals = {new: old for old, new in model._features_internal_map.items()}
        names = [originals.get(name, name) for name in names]
    return _split(model.model.predict(inputs, pred_contrib=True), names, columns)


def _of_catboost(model: Any, columns: pd.DataFrame) -> ColumnContributions:
    from catboost import Pool

    inputs = model.preprocess(columns)
    categories = list(inputs.select_dtypes(include="category").columns)
    values = model.model.get_feature_importance(Pool(inputs, cat_features=categories), type="ShapValues")
    return _split(values, list(inputs.columns), columns)


def _of_xgboost(model: Any, columns: pd.DataFrame) -> ColumnContributions:
    import xgboost

    inputs = model.preprocess(columns)
    if isinstance(inputs, pd.DataFrame):
        names = list(inputs.columns)
    else:
        encoder = model._ohe_generator
        names = [name for name in encoder.cat_cols for _ in encoder.labels[name]] + encoder.other_cols
    booster = model.model.get_booster()
    best = getattr(model.model, "best_iteration", None)  # as its own predict stops there
    values = booster.predict(
        xgboost.DMatrix(inputs, enable_categorical=True),
        pred_contribs=True,
        iteration_range=(0, 0 if best is None else best + 1),
        validate_features=False,
    )
    return _split(values, names, columns)


def _of_line(model: Any, columns: pd.DataFrame, background: pd.DataFrame) -> ColumnContributions:
    """What each column adds to the mean over the background: exact for features that vary independently."""
    weights = np.asarray(model.model.coef_, dtype=float).ravel()
    names = []
    for _, step, inputs in model._pipeline.transformers_:
        names += _outputs(step, list(inputs))

    def parts(frame: pd.DataFrame) -> pd.DataFrame:
        matrix = model.preprocess(frame)
        dense = matrix.toarray() if hasattr(matrix, "toarray") else np.asarray(matrix, dtype=float)
        return _add_up(dense * weights, names, frame.index)

    mean = parts(background).mean()
    return ColumnContributions(parts(columns) - mean, float(np.ravel(model.model.intercept_)[0] + mean.sum()))


def _outputs(step: Any, inputs: list[str]) -> list[str]:
    """The column that each output of a step of the linear model's preprocessing was made of."""
    generator = getattr(step, "named_steps", {}).get("generator")
    if generator is None:
        return inputs
    encoder = generator.encoder_
    levels = encoder._ohe.categories_
    return [name for name, found in zip(encoder.features_in, levels, strict=True) for _ in found]


def _split(values: Any, names: Sequence[str], columns: pd.DataFrame) -> ColumnContributions:
    """What the libraries give: a column for each input, and last the expected value."""
    matrix = np.asarray(values, dtype=float)
    return ColumnContributions(_add_up(matrix[:, :-1], names, columns.index), float(matrix[0, -1]))


def _add_up(matrix: Matrix, names: Sequence[str], index: pd.Index) -> pd.DataFrame:
    if matrix.shape[1] != len(names):
        raise ValueError(f"{matrix.shape[1]} contributions for {len(names)} columns")
    return pd.DataFrame(matrix, index=index, columns=list(names)).T.groupby(level=0).sum().T
