"""From predicted ratings to a playlist."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

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


@dataclass(frozen=True)
class Wishes:
    """What a playlist should be like.

    With `minutes` (0 and more) it is as long as fits, whatever `length` (a number of tracks) says. `genres`
    are those of the catalogue, any of them; `tempo` is the lowest and highest BPM, both included. `diversity`
    goes from 0, the best predicted tracks, to 1, the most varied (MMR). `leave_out` are trackIds, such as
    what was just played, on top of everything rated. Raises ValueError naming the wish that cannot be.
    """

    length: int = 10
    minutes: float | None = None
    genres: tuple[str, ...] = ()
    tempo: tuple[float, float] | None = None
    diversity: float = 0.0
    leave_out: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        object.__setattr__(self, "genres", tuple(self.genres))
        object.__setattr__(self, "leave_out", frozenset(self.leave_out))
        if self.length < 1:
            raise ValueError(f"The length must be at least 1 track, not {self.length}.")
        if self.minutes is not None and not self.minutes > 0:
            raise ValueError(f"The minutes must be more than 0, not {self.minutes}.")
        if self.tempo is not None and not self.tempo[0] <= self.tempo[1]:
            raise ValueError(f"The tempo must go from the lower to the higher BPM, not {self.tempo}.")
        if not 0 <= self.diversity <= 1:
            raise ValueError(f"The diversity must be from 0 to 1, not {self.diversity}.")

    def plain(self) -> Wishes:
        """The same wishes without diversity."""
        return replace(self, diversity=0.0)


@dataclass(frozen=True, eq=False)
class Playlist:
    """The tracks in `table`: index rank (from 1), trackId, predicted (stars), genre, tempo (BPM),
    energy (0..1), length (seconds) and why.

    `cost` is how many predicted stars the mean loses against diversity 0 under the same wishes, never
    below 0; `diversity` the mean distance of two of its tracks (1: as two drawn at random);
    `minutes` its length.
    """

    table: pd.DataFrame
    wishes: Wishes
    mean_predicted: float
    cost: float
    diversity: float
    minutes: float


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
