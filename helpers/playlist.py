"""From predicted ratings to a playlist."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

# The track columns a reason may speak of, with the words for it.
_REASONS = {
    "energy": "energy",
    "tempo": "tempo",
    "danceability": "danceability",
    "valence": "mood",
    "acousticness": "acousticness",
    "instrumentalness": "instrumentals",
}


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
