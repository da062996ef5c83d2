"""Rivals that a model must beat: rankings that know who rated what, and nothing of how a track sounds.

- popularity: the same order for everybody, the tracks with the highest sum of weights first;
- item-item nearest neighbours: the tracks most like those the listener gave weight to; tracks are alike when
  the same listeners give them weight (cosine; Sarwar et al., 2001);
- ALS: factors of listeners and tracks by alternating least squares (Hu, Koren and Volinsky, 2008).

The last two are those of the library implicit. The weight of a rating is one of `WEIGHTS`. It is chosen, with
each rival's other settings, on the last slice in time of the training part, for the very question that is
asked; then the rival learns from the whole training part. Nothing here sees a test rating. Everything runs on
one thread and with a seed, so that a run repeats. Of a million ratings of a hundred thousand tracks
they take some minutes, most of it for the similarities.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Literal, Protocol

import numpy as np
import pandas as pd
from implicit.als import AlternatingLeastSquares
from implicit.nearest_neighbours import ItemItemRecommender
from scipy import sparse
from scipy.special import ndtr
from sklearn.preprocessing import normalize
from threadpoolctl import threadpool_limits

from helpers.evaluation import Catalogue, Ranked, accuracy, evaluate, random_order
from helpers.ranking import RELEVANT_RATING, Question, Split, last_slice, lists

Weights = Literal["played", "liked", "centred"]
# played: every rating counts 1. liked: ratings of 4 and 5 count 1, others nothing.
# centred: the rating minus the listener's mean, so that a dislike counts against.
WEIGHTS: tuple[Weights, ...] = ("played", "liked", "centred")

Ask = Callable[[Split], Question]


@dataclass(frozen=True)
class Interactions:
    """Who rated what: a row for each listener, a column for each track, the mean rating as value."""

    listeners: pd.Index
    tracks: pd.Index
    ratings: sparse.csr_matrix

    @classmethod
    def of(cls, training: pd.DataFrame, tracks: pd.Index) -> Interactions:
        """From training ratings (userId, trackId, Rating), without tracks that are not in `tracks`."""
        pairs = training[training["trackId"].isin(tracks)].groupby(["userId", "trackId"])["Rating"].mean()
        listeners = pd.Index(np.sort(training["userId"].unique()), name="userId")
        rows = listeners.get_indexer(pairs.index.get_level_values("userId"))
        columns = tracks.get_indexer(pairs.index.get_level_values("trackId"))
        shape = (len(listeners), len(tracks))
        values = pairs.to_numpy(dtype=np.float64)
        return cls(listeners, tracks, sparse.csr_matrix((values, (rows, columns)), shape=shape))

    def weighted(self, weights: Weights) -> sparse.csr_matrix:
        """The ratings as weights, see WEIGHTS."""
        found = self.ratings.copy()
        if weights == "played":
            found.data[:] = 1
        elif weights == "liked":
            found.data = (found.data >= RELEVANT_RATING).astype(np.float64)
        else:
            counts = np.diff(found.indptr)
            means = np.asarray(found.sum(axis=1)).ravel() / np.maximum(counts, 1)
            found.data = found.data - np.repeat(means, counts)
        found.eliminate_zeros()
        return found


class Rival(Protocol):
    """A ranking with its settings (a dataclass)."""

    def scores(self, known: Interactions, listeners: pd.Index) -> pd.DataFrame:
        """A score of every track (column) for each of these listeners (row), from `known` alone."""
        ...


@dataclass(frozen=True)
class Popularity:
    """The sum of a track's weights, the same for everybody."""

    weights: Weights = "played"

    def scores(self, known: Interactions, listeners: pd.Index) -> pd.DataFrame:
        """See Rival."""
        sums = np.asarray(known.weighted(self.weights).sum(axis=0)).ravel()
        return _table(np.broadcast_to(sums, (len(listeners), len(sums))), known, listeners)


@dataclass(frozen=True)
class Neighbours:
    """Item-item nearest neighbours: of each track the `neighbours` most similar ones are known."""

    weights: Weights = "liked"
    neighbours: int = 100

    def scores(self, known: Interactions, listeners: pd.Index) -> pd.DataFrame:
        """See Rival."""
        weighted = known.weighted(self.weights)
        model = ItemItemRecommender(K=self.neighbours, num_threads=1)
        model.fit(normalize(weighted, axis=0).tocsr(), show_progress=False)
        theirs = weighted[_rows(known, listeners)]
        return _table((theirs @ model.similarity).toarray(), known, listeners)


@dataclass(frozen=True)
class Als:
    """Implicit-feedback ALS; a negative weight is a dislike the model is sure of."""

    weights: Weights = "liked"
    factors: int = 8
    alpha: float = 1.0  # what a weight of 1 adds to the confidence
    regularization: float = 10.0
    seed: int = 0

    def scores(self, known: Interactions, listeners: pd.Index) -> pd.DataFrame:
        """See Rival."""
        with threadpool_limits(1, "blas"):
            model = AlternatingLeastSquares(
                factors=self.factors,
                regularization=self.regularization,
                alpha=self.alpha,
                dtype=np.float64,
                use_gpu=False,
                num_threads=1,
                random_state=self.seed,
            )
            model.fit(known.weighted(self.weights).astype(np.float64), show_progress=False)
            theirs = model.user_factors[_rows(known, listeners)]
            return _table(theirs @ model.item_factors.T, known, listeners)


GRIDS: Mapping[str, Sequence[Rival]] = {
    "popularity": [Popularity(weights) for weights in WEIGHTS],
    # Similarities of a hundred thousand tracks take a minute, so how many neighbours there are is not varied.
    "item-item neighbours": [Neighbours(weights) for weights in WEIGHTS],
    "ALS": [
        Als(weights, factors, alpha) for weights in WEIGHTS for factors in (8, 32) for alpha in (1.0, 10.0)
    ],
}


@dataclass(frozen=True)
class Chosen:
    """A rival's settings, and the NDCG@k they reached on the last slice of the training part."""

    rival: Rival
    validation: float

    def __str__(self) -> str:
        settings = asdict(self.rival)  # type: ignore[call-overload]
        settings.pop("seed", None)
        return ", ".join(f"{name} {value}" for name, value in settings.items())


def choose(grid: Sequence[Rival], training: pd.DataFrame, ask: Ask, k: int = 10) -> Chosen:
    """The settings of `grid` whose order is best (NDCG@k) on the last fifth of the training part, for the
    question that `ask` puts; the first of equals. Raises ValueError when there is too little to ask about.
    """
    split = last_slice(training)
    question = ask(split)
    known = Interactions.of(split.training, question.tracks)
    reached = [
        float(
            accuracy(question, lists(question, rival.scores(known, question.listeners), k))[
                f"NDCG@{k}"
            ].mean()
        )
        for rival in grid
    ]
    best = int(np.argmax(reached))
    return Chosen(grid[best], reached[best])


def rivals(training: pd.DataFrame, ask: Ask) -> dict[str, Chosen]:
    """Every rival with the settings that suit the question best, by its name."""
    return {name: choose(grid, training, ask) for name, grid in GRIDS.items()}


def results(
    question: Question, chosen: Mapping[str, Chosen], training: pd.DataFrame, catalogue: Catalogue
) -> dict[str, Ranked]:
    """What came of each rival that learned from the whole training part, and of a random order."""
    known = Interactions.of(training, question.tracks)
    found = {
        name: evaluate(question, each.rival.scores(known, question.listeners), catalogue)
        for name, each in chosen.items()
    }
    return {**found, "random order": random_order(question, catalogue)}


def expected_likes(predicted: pd.DataFrame, known: Interactions, spread: float = 1.0) -> pd.DataFrame:
    """How likely a listener is to play a track, times how likely they are to like it: the share of
    listeners who did in the training part, times the probability of 4 or 5 stars when the truth is normal
    around `predicted` (stars, listeners x tracks) with a standard deviation of `spread` stars.
    """
    share = np.asarray(known.weighted("played").mean(axis=0)).ravel()
    played = pd.Series(share, index=known.tracks).reindex(predicted.columns)
    liked = ndtr((predicted - (RELEVANT_RATING - 0.5)) / spread)
    return pd.DataFrame(liked * played.to_numpy(), index=predicted.index, columns=predicted.columns)


def _rows(known: Interactions, listeners: pd.Index) -> np.ndarray:
    rows = known.listeners.get_indexer(listeners)
    if (rows < 0).any():
        raise ValueError(f"Listener {listeners[rows < 0][0]} has no rating in the training part.")
    return np.asarray(rows)


def _table(scores: np.ndarray, known: Interactions, listeners: pd.Index) -> pd.DataFrame:
    return pd.DataFrame(scores, index=listeners, columns=known.tracks)
