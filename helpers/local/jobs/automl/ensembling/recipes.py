"""What Mode ENSEMBLING trains: which models, with which hyperparameters, in which order, for how long."""

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass, field
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


@dataclass(frozen=True)
class Recipe:
    """One model to train: AutoGluon's model key and its hyperparameters."""

    key: str
    hyperparameters: dict[str, Any] = field(default_factory=dict)


# What pays most per second on two cores comes first; variants differ enough to help the ensemble.
DEFAULT_RECIPES = (
    Recipe("GBM", {"extra_trees": True}),
    Recipe("CAT"),
    Recipe("XGB"),
    Recipe("GBM"),
    Recipe("LR"),
)
DEFAULT_KEYS = frozenset(recipe.key for recipe in DEFAULT_RECIPES)


def recipes(settings: Settings) -> tuple[list[Recipe], bool]:
    """The models to train and whether an ensemble follows.

    MaxCandidates caps models and ensemble together. Raises JobFailure for an algorithm that cannot be had.
    """
    keys = model_keys(settings.algorithms)
    if not keys:
        chosen = list(DEFAULT_RECIPES)
    else:
        known = [recipe for recipe in DEFAULT_RECIPES if recipe.key in keys]
        firsts = [
            recipe
            for number, recipe in enumerate(known)
            if recipe.key not in {one.key for one in known[:number]}
        ]
        others = [Recipe(key) for key in keys if key not in DEFAULT_KEYS]
        chosen = firsts + others + [recipe for recipe in known if recipe not in firsts]
    ensemble = len(chosen) > 1
    if settings.max_candidates is not None:
        ensemble = ensemble and settings.max_candidates > 2
        chosen = chosen[: settings.max_candidates - int(ensemble)]
    return chosen, ensemble


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
