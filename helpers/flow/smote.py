"""SMOTE: new rows between neighbours of one class (Chawla et al. 2002); SMOTENC where there are texts.

The rows are those of imbalanced-learn with the same seed, which Data Wrangler calls. It is not called here
because its SMOTENC takes no table of texts alone, and holds (new rows x neighbours x categories) numbers at
once: gigabytes for a text column of a few thousand values, where this needs megabytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


def between_neighbours(
    rows: pd.DataFrame, numbers: list[str], categories: list[str], count: int, neighbours: int, seed: int = 0
) -> pd.DataFrame:
    """`count` new rows of the class that `rows` holds, without any missing value.

    A number lies on the line from a row to one of its nearest neighbours; a category is the most frequent one
    among them. Categories differ by half the median deviation of the numbers, as in SMOTENC. Needs more rows
    than neighbours. The same seed gives the same rows.
    """
    import pandas as pd

    chance = np.random.RandomState(seed)
    values = rows[numbers].to_numpy(dtype="float64")
    codes, labels = [], []
    for name in categories:
        code, label = pd.factorize(rows[name])
        codes.append(code)
        labels.append(label)
    near = _nearest(values, codes, neighbours)
    chosen = chance.randint(0, len(rows) * neighbours, size=count)
    steps = chance.uniform(size=(count, 1))
    start, other = chosen // neighbours, near[chosen // neighbours, chosen % neighbours]
    made = pd.DataFrame(values[start] + steps * (values[other] - values[start]), columns=numbers)
    for name, code, label in zip(categories, codes, labels, strict=True):
        made[name] = label.take(_most_frequent(code[near[start]]))
    return made


def _nearest(values: Any, codes: list[Any], neighbours: int) -> Any:
    """The places of each row's nearest neighbours, itself left out."""
    from scipy import sparse
    from sklearn.neighbors import NearestNeighbors

    features = values
    if codes:
        spread = float(np.median(values.std(axis=0))) if values.shape[1] else 1.0
        places = np.arange(len(values))
        marks = [sparse.csr_matrix((np.full(len(code), spread / 2), (places, code))) for code in codes]
        features = sparse.hstack([sparse.csr_matrix(values), *marks], format="csr")
    found = NearestNeighbors(n_neighbors=neighbours + 1).fit(features)
    near = found.kneighbors(features, return_distance=False)
    # Among rows that are all the same a row need not come first among its own neighbours.
    own = near == np.arange(len(values))[:, None]
    own[~own.any(axis=1), -1] = True
    return near[~own].reshape(len(values), neighbours)


def _most_frequent(codes: Any) -> Any:
    """The most frequent number of each row; of equally frequent ones the smallest."""
    from scipy import stats

    return stats.mode(codes, axis=1, keepdims=False).mode
