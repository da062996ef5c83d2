"""What moves a prediction: Shapley values of a track's sound, asked of the endpoint itself.

The question is "why this track for this listener, rather than a usual one?". Players are groups of the
track's columns: its length, its genre, each sound; columns that follow from one another (danceability from
valence, liveness and energy) would share what they do. A coalition's worth is the mean prediction for
`backgrounds` tracks drawn from the catalogue, with the coalition's columns set to this track's: the
interventional expectation that Kernel SHAP estimates (Lundberg and Lee 2017). Here every coalition is asked,
so the values are exact for these backgrounds, and sum up to the prediction minus the mean prediction of the
backgrounds. The listener's own columns stay as they are.

That takes 2**groups * backgrounds rows, so columns are gathered in at most `PLAYERS` groups: 256
coalitions and 8 backgrounds are 2,048 rows, one request.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import factorial

import numpy as np
import numpy.typing as npt
import pandas as pd

from helpers.playlist import genre_columns

Floats = npt.NDArray[np.float64]

PLAYERS = 8
# Which columns are one player. Every other column of the track is a player of its own while there is room.
TOGETHER = {
    "energy": ("energy",),
    "mood": ("valence", "danceability"),
    "tempo": ("tempo",),
    "acousticness": ("acousticness",),
    "voice": ("speechiness", "instrumentalness"),
    "audience": ("liveness",),
    "length": ("length",),
}


def players(tracks: pd.DataFrame, columns: Sequence[str]) -> dict[str, list[str]]:
    """The groups of track columns that the model sees, by a word for each: at most `PLAYERS`."""
    seen = [name for name in columns if name in tracks.columns]
    genres = [name for name in seen if name in genre_columns(tracks) or name == "genre"]
    groups = {"genre": genres, **{w: [n for n in names if n in seen] for w, names in TOGETHER.items()}}
    groups = {word: names for word, names in groups.items() if names}
    grouped = {name for names in groups.values() for name in names}
    others = [name for name in seen if name not in grouped]
    if others and len(groups) + len(others) <= PLAYERS:
        groups |= {name: [name] for name in others}
    elif others:
        word = "everything else"
        if len(groups) == PLAYERS:
            others += groups.pop(next(reversed(groups)))
        groups[word] = others
    return groups


def coalitions(
    tracks: pd.DataFrame, place: int, groups: Mapping[str, Sequence[str]], backgrounds: Sequence[int]
) -> pd.DataFrame:
    """The rows to ask: for each coalition (bit g of its number: group g is this track's) all backgrounds."""
    count = 2 ** len(groups)
    rows = tracks.iloc[np.tile(np.asarray(backgrounds), count)].reset_index(drop=True)
    coalition = np.repeat(np.arange(count), len(backgrounds))
    for bit, names in enumerate(groups.values()):
        joined = (coalition >> bit & 1).astype(bool)
        for name in names:
            rows[name] = rows[name].where(~joined, tracks[name].iloc[place])
    return rows


def values(worth: Floats, groups: Sequence[str]) -> pd.Series:
    """Shapley values of the players from the worth of every coalition, by its number; the largest first."""
    count, number = len(groups), np.arange(len(worth))
    sizes = np.array([int(one).bit_count() for one in number])
    weights = np.array([factorial(s) * factorial(count - s - 1) / factorial(count) for s in range(count)])
    found = {}
    for bit, name in enumerate(groups):
        without = number[(number >> bit & 1) == 0]
        gains = worth[without | 1 << bit] - worth[without]
        found[name] = float((weights[sizes[without]] * gains).sum())
    series = pd.Series(found, name="stars", dtype=float)
    return series.reindex(series.abs().sort_values(ascending=False, kind="stable").index)
