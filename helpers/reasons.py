"""Why a track is in a playlist: the liked track that is most like it.

This compares tracks; it does not look into the model. What moves
a prediction is asked of the model itself: `Recommender.explain`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from helpers.playlist import genre_name
from helpers.sounds import Places, Sounds

WORDS = {"valence": "mood", "speechiness": "share of speech", "instrumentalness": "instrumentals"}
ALIKE = 0.5  # standard deviations: a closer feature is called alike
NAMED = 3  # features a reason names at most
_STARS = {5: "five stars", 4: "four stars"}


def because(places: Places, stars: Mapping[str, float], tracks: pd.DataFrame, sounds: Sounds) -> list[str]:
    """A reason for each of the tracks at `places`: "because you gave five stars to t12: both Jazz, energy and
    mood alike". The nearest of the tracks with five stars is named, of those with four where there is none.
    """
    number = pd.Series(np.arange(len(tracks)), index=tracks["trackId"])
    for given, words in _STARS.items():
        liked = [
            int(number[track]) for track, value in stars.items() if value == given and track in number.index
        ]
        if liked:
            nearest = sounds.nearest(places, liked)
            names = tracks["trackId"].to_numpy()
            return [
                f"because you gave {words} to {names[near]}: {alike(place, near, tracks, sounds)}"
                for place, near in zip(places.tolist(), nearest.tolist(), strict=True)
            ]
    return ["because the model predicts it; you have given no track four or five stars yet"] * len(places)


def alike(one: int, other: int, tracks: pd.DataFrame, sounds: Sounds) -> str:
    """In what two tracks agree: the genre, and the features that are closest, in words."""
    gaps = np.abs(sounds.standardised[one] - sounds.standardised[other])
    order = np.argsort(gaps, kind="stable")
    close = [place for place in order if gaps[place] <= ALIKE][:NAMED] or [order[0]] if len(order) else []
    names = [WORDS.get(sounds.features[place], sounds.features[place]) for place in close]
    parts = []
    if sounds.genres[one] == sounds.genres[other]:
        parts.append(f"both {genre_name(str(tracks['genre'].iloc[one]))}")
    if names:
        *some, last = names
        parts.append(f"{', '.join(some)} and {last} alike" if some else f"{last} alike")
    return ", ".join(parts) or "the nearest of them in sound"
