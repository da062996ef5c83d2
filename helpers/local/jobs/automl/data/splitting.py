"""Which rows train and which validate."""

import numpy as np
import pandas as pd

from helpers.local.jobs.job import JobFailure

SPLIT_SEED = 0


def split(
    frame: pd.DataFrame, target: str, problem_type: str, fraction: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The training and the validation part: a seeded shuffle, within each class for classification."""
    random = np.random.default_rng(SPLIT_SEED)
    order = random.permutation(len(frame))
    if problem_type == "Regression":
        chosen = order[: max(1, round(len(frame) * fraction))]
    else:
        labels = frame[target].to_numpy()[order]
        ranks = pd.Series(np.arange(len(order))).groupby(labels).cumcount().to_numpy()
        sizes = pd.Series(labels).groupby(labels).transform("size").to_numpy()
        chosen = order[ranks < np.floor(sizes * fraction + 0.5)]
    mask = np.zeros(len(frame), dtype=bool)
    mask[chosen] = True
    if not mask.any() or mask.all():
        raise JobFailure(f"ValidationFraction {fraction} leaves no rows to validate or none to train on.")
    return frame[~mask].reset_index(drop=True), frame[mask].reset_index(drop=True)
