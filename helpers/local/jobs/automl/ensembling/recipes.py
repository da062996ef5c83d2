"""What Mode ENSEMBLING trains: which models, with which hyperparameters, in which order, for how long."""

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from helpers.local.jobs.automl.settings import Settings
from helpers.local.jobs.job import JobFailure

# Algorithm names of the API -> AutoGluon's model keys.
ALGORITHMS = {
    "catboost": "CAT",
    "extra-trees": "XT",
    "fastai": "FASTAI",
    "lightgbm": "GBM",
    "linear-learner": "LR",
    "nn-torch": "NN_TORCH",
    "randomforest": "RF",
    "xgboost": "XGB",
}
NEED_TORCH = ("fastai", "nn-torch")
# Seconds that the first candidate always gets, so that the tightest limit still ends with a model.
SHORTEST_FIT = 5.0
# Seconds of a binding limit that are kept for the ensemble and the packing of models.
ENSEMBLE_RESERVE = 5.0
ENSEMBLE_ROWS_PER_SECOND = 80_000  # rows to train on, on two cores
# Training once more on all rows takes so much of the seconds that the first time took: a quarter more rows,
# the packing, and some room.
REFIT_FACTOR = 1.6


# From so many rows on, trees may be larger and steps bolder: time, not rows, is what is short then.
MANY_ROWS = 100_000


@dataclass(frozen=True)
class Recipe:
    """One model to train: the key of its kind and its hyperparameters."""

    key: str  # AutoGluon's, or MLP for the network of this package
    hyperparameters: dict[str, Any] = field(default_factory=dict)
    # Whether the model also gets the predictions of a ridge regression on products of columns.
    interactions: bool = False
    most_rows: int | None = None  # where there are more, it costs more than it brings


# What pays most per second on two cores comes first; variants differ enough to help the ensemble. Forests are
# not among them: they took more than half of the time and came last.
DEFAULT_RECIPES = (
    Recipe("GBM", {"extra_trees": True, "feature_fraction": 0.7}, interactions=True),
    Recipe("MLP", most_rows=MANY_ROWS),
    Recipe("LR", most_rows=MANY_ROWS),
    Recipe("CAT"),
    Recipe("GBM", {"extra_trees": True}),
)
# Further models of the algorithms asked for.
ASKED_RECIPES = (Recipe("XGB"),)
LARGE_TREES = {"learning_rate": 0.1, "num_leaves": 127}


def recipes(settings: Settings, rows: int = 0) -> tuple[list[Recipe], bool]:
    """The models to train on so many rows, and whether an ensemble follows.

    MaxCandidates caps models and ensemble together. Raises JobFailure for an algorithm that cannot be had.
    """
    keys = model_keys(settings.algorithms)
    if not keys:
        chosen = [
            recipe for recipe in DEFAULT_RECIPES if recipe.most_rows is None or rows <= recipe.most_rows
        ]
    else:
        known = [recipe for recipe in (*DEFAULT_RECIPES, *ASKED_RECIPES) if recipe.key in keys]
        firsts = [
            recipe
            for number, recipe in enumerate(known)
            if recipe.key not in {one.key for one in known[:number]}
        ]
        others = [Recipe(key) for key in keys if key not in {recipe.key for recipe in known}]
        chosen = firsts + others + [recipe for recipe in known if recipe not in firsts]
    ensemble = len(chosen) > 1
    if settings.max_candidates is not None:
        ensemble = ensemble and settings.max_candidates > 2
        chosen = chosen[: settings.max_candidates - int(ensemble)]
    return [fitted_to(recipe, rows) for recipe in chosen], ensemble


def fitted_to(recipe: Recipe, rows: int) -> Recipe:
    """The recipe for so many rows."""
    if recipe.key != "GBM" or rows < MANY_ROWS:
        return recipe
    return replace(recipe, hyperparameters={**recipe.hyperparameters, **LARGE_TREES})


def model_keys(algorithms: Sequence[str]) -> list[str]:
    """AutoGluon's keys of the algorithms asked for, in their order.

    Raises JobFailure for one that cannot be had.
    """
    unknown = [name for name in algorithms if name not in ALGORITHMS]
    if unknown:
        raise JobFailure(
            f"The algorithm {', '.join(unknown)} is not one of Mode ENSEMBLING: choose among "
            f"{', '.join(ALGORITHMS)}."
        )
    networks = [name for name in algorithms if name in NEED_TORCH]
    if networks and importlib.util.find_spec("torch") is None:
        raise JobFailure(
            f"The algorithm {', '.join(networks)} needs PyTorch, which is not installed: install the extra "
            "'deep' (pip install 'music-recommendation-workshop[deep]'), or leave it out of AutoMLAlgorithms."
        )
    return list(dict.fromkeys(ALGORITHMS[name] for name in algorithms))


def time_share(
    remaining: float | None, models_left: int, per_candidate: float | None, first: bool
) -> float | None:
    """The seconds the next model may take: a share, at least half, of what is left, within its own limit."""
    limits = [] if per_candidate is None else [float(per_candidate)]
    if remaining is not None:
        share = (remaining - ENSEMBLE_RESERVE) * max(0.5, 1 / max(1, models_left))
        limits.append(max(share, SHORTEST_FIT) if first else share)
    return min(limits) if limits else None
