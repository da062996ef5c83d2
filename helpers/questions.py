"""Which tracks to ask a newcomer about."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from helpers.sounds import Sounds, similarity

WELL_KNOWN = 25  # times as many well-known tracks as questions are looked at
_CHANCE = 0.3  # of the logarithm of a track's plays: how much another seed changes the order
_VARIETY = 0.6  # of MMR


def questions(
    tracks: pd.DataFrame, plays: pd.Series, sounds: Sounds, count: int, seed: int, asked: Collection[str]
) -> pd.DataFrame:
    """`count` tracks, well known and unlike each other and those `asked` before (their trackIds).

    Somebody can only rate what they know, so the most played come first (Rashid et al. 2002); genres
    take turns, and within them MMR prefers sounds that have not been asked about. `plays` is the number of
    ratings by trackId. Another seed asks about other tracks. Returns rows of `tracks` with `plays`, fewer
    where the catalogue has no more. Raises ValueError for a count below 1.
    """
    if count < 1:
        raise ValueError(f"At least 1 question must be asked, not {count}.")
    known = plays.reindex(tracks["trackId"]).fillna(0).to_numpy(float)
    fame = np.log1p(known) + _CHANCE * np.random.default_rng(seed).gumbel(size=len(tracks))
    before = tracks["trackId"].isin(list(asked)).to_numpy()
    order = np.argsort(-np.where(before, -np.inf, fame), kind="stable")[
        : min(count * WELL_KNOWN, len(tracks))
    ]
    pool = order[~before[order]]
    fame = fame[pool]
    span = float(np.ptp(fame)) if len(fame) else 0.0
    scaled = (fame - fame.min()) / span if span > 0 else np.zeros(len(fame))
    turns = np.bincount(sounds.genres[before] + 1, minlength=int(sounds.genres.max(initial=-1)) + 2)
    similar = np.zeros(len(pool))
    if before.any() and len(pool):
        similar = similarity(sounds.distances(pool, np.flatnonzero(before))).max(axis=1)
    chosen: list[int] = []
    left = np.ones(len(pool), dtype=bool)
    while len(chosen) < min(count, len(pool)):
        genre_turns = turns[sounds.genres[pool] + 1]
        turn = left & (genre_turns == genre_turns[left].min())
        best = int(np.argmax(np.where(turn, (1 - _VARIETY) * scaled - _VARIETY * similar, -np.inf)))
        chosen.append(best)
        left[best] = False
        turns[sounds.genres[pool[best]] + 1] += 1
        similar = np.maximum(similar, similarity(sounds.distances(pool[best : best + 1], pool)[0]))
    places = pool[np.array(chosen, dtype=np.int64)]
    return tracks.iloc[places].assign(plays=known[places].astype(int)).reset_index(drop=True)
