"""What a playlist should be like, and what it is; the columns of tracks and their genres."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd


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


def genre_columns(tracks: pd.DataFrame) -> list[str]:
    """The one-hot columns of the genre, `genre_<name>`."""
    described = ("_5star", "_taste")  # of listeners, not of tracks
    return [name for name in tracks.columns if name.startswith("genre_") and not name.endswith(described)]


def genre_name(column: str) -> str:
    """A genre as people write it: `genre_Pop_Rock` is Pop Rock."""
    return column.removeprefix("genre_").replace("_", " ")
