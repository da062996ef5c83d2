"""Which tracks a playlist has: filters, order, and the minutes it may take."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import numpy.typing as npt
import pandas as pd

from helpers.playlist import Wishes, genre_name
from helpers.sounds import Places, Sounds

Flags = npt.NDArray[np.bool_]

POOL = 300  # the best predicted tracks among which a varied list is looked for; at least 20 a track wanted


def choose(
    scores: pd.Series, tracks: pd.DataFrame, sounds: Sounds, heard: Collection[str], wishes: Wishes
) -> Places:
    """The places of the tracks in `tracks`, best first. `scores` are predicted stars in that order.

    Minutes are filled by going down the order and taking every track that still fits, so the list ends where
    none of the pool fits any more. Raises ValueError naming the filter to loosen when nothing is left.
    """
    allowed = _allowed(tracks, heard, wishes)
    values = scores.to_numpy(float)
    # Equal predictions go by trackId, so that a list does not depend on the order of the catalogue.
    candidates = np.flatnonzero(allowed)
    wanted = _most(tracks, wishes)
    size = max(POOL, 20 * wanted)
    if len(candidates) > size:
        edge = np.partition(values[candidates], len(candidates) - size)[len(candidates) - size]
        candidates = candidates[values[candidates] >= edge]
    names = tracks["trackId"].to_numpy()[candidates].astype(str)
    pool: Places = candidates[np.lexsort((names, -values[candidates]))]
    if wishes.minutes is None:
        return sounds.varied(pool, values[pool], wishes.diversity, wishes.length)
    order = sounds.varied(pool, values[pool], wishes.diversity, len(pool) if wishes.diversity == 0 else size)
    return _within(order, tracks["length"].to_numpy(float), wishes.minutes * 60)


def _most(tracks: pd.DataFrame, wishes: Wishes) -> int:
    """About how many tracks the list may have."""
    if wishes.minutes is None:
        return wishes.length
    usual = float(tracks["length"].median())
    return min(int(wishes.minutes * 60 / max(usual, 1.0)) + 1, 200)


def _within(order: Places, seconds: npt.NDArray[np.float64], limit: float) -> Places:
    """In this order every track that still fits."""
    left, chosen = limit, []
    for place in order:
        if seconds[place] <= left:
            chosen.append(int(place))
            left -= seconds[place]
    return np.array(chosen, dtype=np.int64)


def _allowed(tracks: pd.DataFrame, heard: Collection[str], wishes: Wishes) -> Flags:
    """Which tracks pass every filter. A track whose tempo or length is missing does not pass theirs."""
    if tracks.empty:
        raise ValueError("The catalogue has no tracks.")
    unheard = ~tracks["trackId"].isin(list(heard)).to_numpy()
    if not unheard.any():
        raise ValueError("This listener has heard every track of the catalogue: nothing new is left.")
    filters = _filters(tracks, wishes)
    allowed: Flags = np.logical_and.reduce([unheard, *filters.values()])
    if allowed.any():
        return allowed
    remedies = []
    for name in filters:
        others = [flags for other, flags in filters.items() if other != name]
        count = int(np.logical_and.reduce([unheard, *others]).sum())
        if count:
            remedies.append(f"without {name} there would be {count:,}")
    hint = "; ".join(remedies) or f"loosen more than one of: {', '.join(filters)}"
    raise ValueError(f"No unheard track passes {' and '.join(filters)}: {hint}.")


def _filters(tracks: pd.DataFrame, wishes: Wishes) -> dict[str, Flags]:
    """The filters that are wished for, by the words for them."""
    found: dict[str, Flags] = {}
    if wishes.leave_out:
        found["the tracks to leave out"] = ~tracks["trackId"].isin(list(wishes.leave_out)).to_numpy()
    if wishes.genres:
        found[f"the genre filter ({', '.join(map(genre_name, wishes.genres))})"] = _of_genres(tracks, wishes)
    if wishes.tempo is not None:
        low, high = wishes.tempo
        named = f"the tempo filter ({low:g} to {high:g} BPM)"
        found[named] = tracks["tempo"].between(low, high).to_numpy()
    if wishes.minutes is not None:
        named = f"the length filter ({wishes.minutes:g} minutes)"
        found[named] = (tracks["length"] <= wishes.minutes * 60).to_numpy()
    return found


def _of_genres(tracks: pd.DataFrame, wishes: Wishes) -> Flags:
    known = {_plain(name): name for name in tracks["genre"].dropna().unique()}
    unknown = [name for name in wishes.genres if _plain(name) not in known]
    if unknown:
        raise ValueError(
            f"The genre filter names {', '.join(unknown)}, which the catalogue does not have. "
            f"Its genres are {', '.join(sorted(map(genre_name, known.values())))}."
        )
    wanted = [known[_plain(name)] for name in wishes.genres]
    flags: Flags = tracks["genre"].isin(wanted).to_numpy()
    return flags


def _plain(genre: str) -> str:
    """Pop_Rock, Pop Rock and pop rock are the same genre."""
    return genre_name(str(genre)).casefold()
