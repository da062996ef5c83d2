"""From predicted ratings to a playlist, and how good a ranking is.

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

# The track columns a reason may speak of, with the words for it.
_REASONS = {
    "energy": "energy",
    "tempo": "tempo",
    "danceability": "danceability",
    "valence": "mood",
    "acousticness": "acousticness",
    "instrumentalness": "instrumentals",
}


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


def candidate_features(listener: pd.Series, tracks: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """One row for each track, described as the training data described it: `columns` in this order, no
    target.

    `listener` is a row of the flow's `listeners` output, `tracks` its `tracks` output; each column comes from
    whichever has it. Raises KeyError naming the columns that neither has.
    """
    missing = [name for name in columns if name not in tracks.columns and name not in listener.index]
    if missing:
        raise KeyError(f"Neither the tracks nor the listener has the training columns {', '.join(missing)}.")
    return pd.DataFrame(
        {name: tracks[name] if name in tracks.columns else listener[name] for name in columns},
        index=tracks.index,
    )


def make_playlist(
    scores: pd.Series,
    tracks: pd.DataFrame,
    heard: Sequence[str] | set[str],
    listener: pd.Series,
    length: int = 10,
) -> pd.DataFrame:
    """The `length` tracks the listener has not heard with the highest predicted rating, best first.

    `scores` are predicted ratings in the order of `tracks`. Returns rank (the index, from 1), trackId,
    predicted, genre, tempo (BPM), energy and why. Raises ValueError when nothing unheard is left.
    """
    table = tracks.assign(predicted=np.asarray(scores, dtype=float))
    table = table[~table["trackId"].isin(set(heard))]
    if table.empty:
        raise ValueError("This listener has heard every track of the catalogue.")
    table = table.sort_values(["predicted", "trackId"], ascending=[False, True]).head(length)
    return pd.DataFrame(
        {
            "trackId": table["trackId"].to_numpy(),
            "predicted": table["predicted"].round(2).to_numpy(),
            "genre": table["genre"].to_numpy(),
            "tempo": table["tempo"].round().astype(int).to_numpy(),
            "energy": table["energy"].round(2).to_numpy(),
            "why": [why(track, listener, tracks) for _, track in table.iterrows()],
        },
        index=pd.RangeIndex(1, len(table) + 1, name="rank"),
    )


def why(track: pd.Series, listener: pd.Series, tracks: pd.DataFrame) -> str:
    """In what the track resembles the listener's five-star tracks: genre, if they love it more than most, and
    the closest two or three features.

    This compares a track with the listener's averages; it does not look into the model. Distances are in
    standard deviations of the catalogue `tracks`, so that tempo and energy can be compared.
    """
    reasons = []
    genre = next((name for name in genre_columns(tracks) if track[name] == 1), None)
    share = float(listener.get(f"{genre}_5star", 0.0)) if genre else 0.0
    usual = float(tracks[genre].mean()) if genre else 0.0
    if genre and share > usual:
        reasons.append(f"{genre_name(genre)} is {share:.0%} of your favourites ({usual:.0%} of all tracks)")
    distances = {
        name: abs(float(track[name]) - float(listener[f"{name}_5star"]))
        / max(float(tracks[name].std()), 1e-9)
        for name in _REASONS
        if name in tracks.columns and f"{name}_5star" in listener.index
    }
    close = sorted(distances, key=lambda name: (distances[name], name))[: 3 - len(reasons)]
    if close:
        *some, last = [_REASONS[name] for name in close]
        named = f"{', '.join(some)} and {last}" if some else last
        reasons.append(f"{named} as in them" if reasons else f"{named} as in your favourites")
    return "; ".join(reasons)


def genre_columns(tracks: pd.DataFrame) -> list[str]:
    """The one-hot columns of the genre, `genre_<name>`."""
    described = ("_5star", "_taste")  # of listeners, not of tracks
    return [name for name in tracks.columns if name.startswith("genre_") and not name.endswith(described)]


def genre_name(column: str) -> str:
    """A genre as people write it: `genre_Pop_Rock` is Pop Rock."""
    return column.removeprefix("genre_").replace("_", " ")


def rmse(truth: pd.Series | np.ndarray, predicted: pd.Series | np.ndarray | float) -> float:
    """Root mean squared error, in stars."""
    return float(np.sqrt(np.mean((np.asarray(truth, dtype=float) - np.asarray(predicted, dtype=float)) ** 2)))
