"""What is ranked, for whom, and what counts as right: the questions that an evaluation asks of a ranking.

Everything starts from a split in time. A ranking knows the ratings of the `training` part; a track is
*relevant* to a listener who gave it 4 or 5 stars in the `test` part, which came later. Two questions:

- `held_out`: put each listener's held-out tracks, the ones they chose to play and rated, in order;
- `full_catalogue`: put all tracks that the listener had not rated before in order. What they did not rate in
  the test part either counts as not relevant, though they might have loved it: the numbers are lower bounds.

What is decided, for both questions and for every ranking alike: a track rated several times counts once, with
its mean rating; what a listener had rated in the training part is no candidate any more; listeners of whom
the training part knows nothing, and listeners to whom no held-out track is relevant, are left out, and
counted (in `held_out` also those to whom all are relevant, for any order would be the best); equal scores are
put in the order of trackId.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]

RELEVANT_RATING = 4
NOTHING = -1  # in a list that is shorter than it should be


@dataclass(frozen=True)
class Split:
    """Ratings (userId, trackId, Rating, ts) before a moment, and those from that moment on."""

    training: pd.DataFrame
    test: pd.DataFrame


def split_in_time(ratings: pd.DataFrame, test_events: Collection[str]) -> Split:
    """Part `ratings` as a flow has parted them: `test_events` are the ratingEventIds of its test part.

    Raises ValueError when an event is not among the ratings, when a part is empty, and when a training rating
    is later than the first test rating: then the future would be known.
    """
    chosen = ratings["ratingEventId"].isin(set(test_events))
    if int(chosen.sum()) != len(set(test_events)):
        raise ValueError(
            f"{len(set(test_events)) - int(chosen.sum())} test events are not among the ratings. Are both of "
            "the same data? Run the notebooks again from the first."
        )
    training, test = ratings[~chosen], ratings[chosen]
    if training.empty or test.empty:
        raise ValueError("The training part or the test part holds no rating: there is nothing to compare.")
    late = training["ts"] > test["ts"].min()
    if late.any():
        raise ValueError(
            f"{int(late.sum()):,} training ratings are later than the first test rating: the future would be "
            "known. Split in time (an ordered split by ts)."
        )
    return Split(training, test)


def last_slice(ratings: pd.DataFrame, share: float = 0.2) -> Split:
    """Split ratings in time so that the last `share` of the rows is the test. Raises ValueError when a part
    would be empty.
    """
    ordered = ratings.sort_values(["ts", "userId", "trackId"], kind="stable")
    cut = round(len(ordered) * (1 - share))
    if not 0 < cut < len(ordered):
        raise ValueError(f"{len(ordered)} ratings are too few to put {share:.0%} of them aside.")
    return Split(ordered.iloc[:cut], ordered.iloc[cut:])


@dataclass(frozen=True)
class Question:
    """What is asked: for each of `listeners` (rows), which of `tracks` (columns, in order of trackId) are
    `candidates`, and which of these are `relevant`. `left_out` counts listeners by the reason.
    """

    name: str
    listeners: pd.Index
    tracks: pd.Index
    candidates: Flags
    relevant: Flags
    left_out: Mapping[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        each = np.median(self.candidates.sum(axis=1))
        right = np.median(self.relevant.sum(axis=1))
        without = "; ".join(f"{count} {reason}" for reason, count in self.left_out.items() if count)
        return (
            f"{self.name}: {len(self.listeners)} listeners; for the median listener {each:,.0f} candidates, "
            f"{right:,.0f} of them relevant" + (f"; left out: {without}" if without else "")
        )


def held_out(split: Split, tracks: Collection[str]) -> Question:
    """Rank each listener's held-out rated tracks. `tracks` are the trackIds of the catalogue.

    Raises ValueError when no listener has both a relevant and an irrelevant one.
    """
    held = _Held.of(split, tracks)
    some = held.relevant.any(axis=1)
    everything = some & np.asarray((held.relevant == held.rated).all(axis=1))
    without = {
        "with no relevant held-out track": int((~some).sum()),
        "with only relevant ones": int(everything.sum()),
    }
    return held.ask("held-out rated tracks", held.rated, some & ~everything, without)


def full_catalogue(split: Split, tracks: Collection[str], most: int | None = None, seed: int = 0) -> Question:
    """Rank the whole catalogue, without what each listener had rated before, for at most `most` listeners.

    More listeners than `most` are sampled (`seed`): each needs a score of every track. The tracks are never
    sampled, for that would change which ranking wins (Krichene and Rendle, 2020). Raises ValueError when
    no listener has a relevant held-out track.
    """
    held = _Held.of(split, tracks)
    chosen = np.asarray(held.relevant.any(axis=1))
    without = {"with no relevant held-out track": int((~chosen).sum())}
    able = np.flatnonzero(chosen)
    if most is not None and len(able) > most:
        without["not in the sample"] = len(able) - most
        chosen = np.zeros_like(chosen)
        chosen[np.random.default_rng(seed).choice(able, most, replace=False)] = True
    return held.ask("full catalogue", held.new, chosen, without)


@dataclass(frozen=True)
class _Held:
    """For each listener known in the training part (rows) and each track of the catalogue (columns): whether
    it is new to them, whether it is new and rated in the test part, and whether it is relevant as well.
    """

    listeners: pd.Index
    tracks: pd.Index
    new: Flags
    rated: Flags
    relevant: Flags
    unknown: int

    @classmethod
    def of(cls, split: Split, tracks: Collection[str]) -> _Held:
        order = pd.Index(sorted(set(tracks)), name="trackId")
        known = pd.Index(np.sort(split.training["userId"].unique()), name="userId")
        new = _matrix(split.training, known, order) == 0
        rating = _matrix(split.test, known, order)
        rated = (rating > 0) & new
        unknown = len(set(split.test["userId"]) - set(known))
        return cls(known, order, new, rated, rated & (rating >= RELEVANT_RATING), unknown)

    def ask(self, name: str, candidates: Flags, chosen: Flags, without: dict[str, int]) -> Question:
        """The question for the chosen listeners; `without` counts the known ones who are left out."""
        if not chosen.any():
            raise ValueError(f"{name}: for no listener is there something to tell apart: nothing to rank.")
        left_out = {"unknown in the training part": self.unknown, **without}
        return Question(
            name, self.listeners[chosen], self.tracks, candidates[chosen], self.relevant[chosen], left_out
        )


def _matrix(ratings: pd.DataFrame, listeners: pd.Index, tracks: pd.Index) -> npt.NDArray[np.float32]:
    """The mean rating of each listener (row) for each track (column); 0 where there is none."""
    known = ratings[ratings["userId"].isin(listeners) & ratings["trackId"].isin(tracks)]
    rows = listeners.get_indexer(pd.Index(known["userId"]))
    columns = tracks.get_indexer(pd.Index(known["trackId"]))
    means = known.groupby(rows * len(tracks) + columns)["Rating"].mean()
    table = np.zeros(len(listeners) * len(tracks), dtype=np.float32)
    table[means.index.to_numpy()] = means.to_numpy()
    return table.reshape(len(listeners), len(tracks))


def scored(events: pd.DataFrame, column: str) -> pd.DataFrame:
    """Scores of rated tracks as a table, listeners x tracks: the mean of `column` for each pair."""
    return events.pivot_table(index="userId", columns="trackId", values=column, aggfunc="mean")


def lists(question: Question, scores: pd.DataFrame, k: int = 10) -> Places:
    """Each listener's first `k` candidates (listeners x k, places in `question.tracks`), highest score first.

    `scores` has a row for each listener and a column for each track, NaN where a track is no candidate; a
    list is filled up with NOTHING when candidates are fewer. Raises ValueError when a candidate has no score.
    """
    table = scores.reindex(index=question.listeners, columns=question.tracks).to_numpy(dtype=np.float64)
    missing = question.candidates & np.isnan(table)
    if missing.any():
        row, column = np.argwhere(missing)[0]
        raise ValueError(
            f"{int(missing.sum()):,} candidates have no score, such as track {question.tracks[column]} for "
            f"listener {question.listeners[row]}."
        )
    found = np.full((len(table), k), NOTHING, dtype=np.int64)
    for row, (line, allowed) in enumerate(zip(table, question.candidates, strict=True)):
        places = np.flatnonzero(allowed)
        first = places[np.argsort(-line[places], kind="stable")[:k]]
        found[row, : len(first)] = first
    return found
