"""Which rows train and which validate."""

import numpy as np
import pandas as pd

from helpers.local.jobs.job import JobFailure

SPLIT_SEED = 0


def split(
    frame: pd.DataFrame, target: str, problem_type: str, fraction: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The training and the validation part: a seeded shuffle, within each class for classification.

    Every class has a row to train on.
    """
    random = np.random.default_rng(SPLIT_SEED)
    order = random.permutation(len(frame))
    if problem_type == "Regression":
        chosen = order[: max(1, round(len(frame) * fraction))]
    else:
        labels = frame[target].to_numpy()[order]
        ranks = pd.Series(np.arange(len(order))).groupby(labels).cumcount().to_numpy()
        sizes = pd.Series(labels).groupby(labels).transform("size").to_numpy()
        spare = ranks < sizes - 1  # all but the last row of each class
        picked = spare & (ranks < np.floor(sizes * fraction + 0.5))
        # Of many classes with two rows each none would be picked by their shares.
        lacking = max(0, round(len(order) * fraction) - int(picked.sum()))
        picked[np.flatnonzero(spare & ~picked)[:lacking]] = True
        chosen = order[picked]
    mask = np.zeros(len(frame), dtype=bool)
    mask[chosen] = True
    if not mask.any() or mask.all():
        raise JobFailure(f"ValidationFraction {fraction} leaves no rows to validate or none to train on.")
    return frame[~mask].reset_index(drop=True), frame[mask].reset_index(drop=True)
