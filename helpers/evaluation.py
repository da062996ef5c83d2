"""How good predictions and rankings are.

Definitions (binary relevance: a track is relevant to a listener who rated it 4 or 5):

- NDCG@k = DCG@k / IDCG@k with DCG@k = sum over ranks i = 1..k of relevance_i / log2(i + 1); IDCG@k is the
  DCG@k of the best possible order. (Järvelin and Kekäläinen, 2002; the same numbers as
  `sklearn.metrics.ndcg_score` without ties.)
- Recall@k = relevant tracks among the first k / all relevant tracks of the listener.

Both are taken per listener and averaged over the listeners who have something to rank: at least one relevant
track and at least one that is not, else every order is the best one. Ties in a score are broken by trackId.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

RELEVANT_RATING = 4


@dataclass(frozen=True)
class RankingQuality:
    """How well an order puts the tracks a listener rated 4 or 5 first, averaged over `listeners`
    listeners.
    """

    ndcg: float
    recall: float
    k: int
    listeners: int


def ndcg_at_k(relevant: Sequence[bool] | np.ndarray, k: int = 10) -> float:
    """NDCG@k of one ranked list: `relevant[i]` says whether the track at rank i + 1 is relevant. NaN without
    any.
    """
    flags = np.asarray(relevant, dtype=float)
    if flags.sum() == 0:
        return float("nan")
    discount = 1 / np.log2(np.arange(2, len(flags) + 2))
    best = np.sort(flags)[::-1]
    return float((flags[:k] * discount[:k]).sum() / (best[:k] * discount[:k]).sum())


def recall_at_k(relevant: Sequence[bool] | np.ndarray, k: int = 10) -> float:
    """Recall@k of one ranked list: the share of all relevant tracks that is among the first k. NaN without
    any.
    """
    flags = np.asarray(relevant, dtype=float)
    return float(flags[:k].sum() / flags.sum()) if flags.sum() else float("nan")


def ranking_quality(events: pd.DataFrame, score: str, k: int = 10) -> RankingQuality:
    """Rank each listener's held-out tracks by the column `score`, highest first, and average NDCG@k and
    Recall@k.

    `events` has userId, trackId, Rating and `score`; a track a listener rated several times counts once, with
    its mean rating and score. Raises ValueError when no listener has both kinds of tracks.
    """
    tracks = events.groupby(["userId", "trackId"], as_index=False)[["Rating", score]].mean()
    ordered = tracks.sort_values(["userId", score, "trackId"], ascending=[True, False, True])
    ndcg, recall = [], []
    for _, ranked in ordered.groupby("userId", sort=True):
        flags = (ranked["Rating"] >= RELEVANT_RATING).to_numpy()
        if flags.any() and not flags.all():
            ndcg.append(ndcg_at_k(flags, k))
            recall.append(recall_at_k(flags, k))
    if not ndcg:
        raise ValueError(
            "No listener has both a relevant and an irrelevant held-out track: there is nothing to rank."
        )
    return RankingQuality(float(np.mean(ndcg)), float(np.mean(recall)), k, len(ndcg))


def random_quality(events: pd.DataFrame, k: int = 10, repeats: int = 20, seed: int = 0) -> RankingQuality:
    """What shuffling reaches: the same averages over `repeats` random orders. The level a ranking must
    beat.
    """
    generator = np.random.default_rng(seed)
    runs = [
        ranking_quality(events.assign(_random=generator.random(len(events))), "_random", k)
        for _ in range(repeats)
    ]
    return RankingQuality(
        float(np.mean([run.ndcg for run in runs])),
        float(np.mean([run.recall for run in runs])),
        k,
        runs[0].listeners,
    )


def popularity(events: pd.DataFrame) -> pd.Series:
    """How often each track was rated in `events`: the baseline that knows no listener. Indexed by trackId."""
    counts: pd.Series = events.groupby("trackId").size().rename("popularity")
    return counts


def rmse(truth: pd.Series | np.ndarray, predicted: pd.Series | np.ndarray | float) -> float:
    """Root mean squared error, in stars."""
    return float(np.sqrt(np.mean((np.asarray(truth, dtype=float) - np.asarray(predicted, dtype=float)) ** 2)))
