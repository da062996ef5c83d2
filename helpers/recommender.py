"""From a listener to the next tracks: the catalogue, the listeners, and the endpoint that predicts stars."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Collection, Mapping
from numbers import Real
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from helpers import shapley
from helpers.choosing import choose
from helpers.kept_scores import KeptScores
from helpers.playlist import Playlist, Wishes
from helpers.questions import questions
from helpers.reasons import because
from helpers.scoring import Endpoint, NoScores, Rows
from helpers.service import default_state
from helpers.sounds import Places, Sounds
from helpers.taste import STARS, Listener, Taste
from helpers.workshop import MissingStep, Workshop

__all__ = ["Listener", "NoScores", "Playlist", "Recommender", "Wishes"]

FRESH = 30.0  # seconds for which the endpoint is believed to have the same model


class Scorer(Protocol):
    """What predicts stars: an `Endpoint`, or a `helpers.batch_scoring.BatchTransform`."""

    def identity(self) -> dict[str, str]:
        """What the scores depend on besides the rows."""

    def score(self, rows: Rows) -> npt.NDArray[np.float64]:
        """A number for each row."""


class Recommender:
    """Catalogue, listeners and endpoint. It may be shared between threads.

    `tracks` is the flow's output of that name, `listeners` too, indexed by userId.
    """

    def __init__(
        self,
        tracks: pd.DataFrame,
        listeners: pd.DataFrame,
        ratings: pd.DataFrame,
        columns: list[str],
        scorer: Scorer,
        kept: KeptScores | None = None,
    ) -> None:
        """`ratings` has ts, userId, trackId and Rating; `columns` are the training columns in their order."""
        self.tracks = tracks.drop_duplicates("trackId").reset_index(drop=True)
        self.listeners = listeners
        self.columns = columns
        self.sounds = Sounds(self.tracks)
        ratings = ratings.sort_values("ts", kind="stable")
        self._ratings = ratings
        self._events = ratings.groupby("userId").indices
        self._plays = ratings.groupby("trackId").size()
        self._number = pd.Series(np.arange(len(self.tracks)), index=self.tracks["trackId"])
        self._taste = Taste(self.tracks, listeners, ratings)
        self._scorer, self._kept = scorer, kept or KeptScores(None)
        self._catalogue = self._digest_of_catalogue()
        self._identity: tuple[float, dict[str, str]] | None = None

    @classmethod
    def open(
        cls,
        workshop: Workshop,
        endpoint: str | None = None,
        cache: Path | None = None,
        scorer: Scorer | None = None,
    ) -> Recommender:
        """Everything the notebooks have left behind, with the endpoint of notebook 4 or the one named.

        A `scorer` takes the endpoint's place. Scores are kept in the folder `cache`, by default `scores` in
        the workshop's state directory. Raises MissingStep naming the notebook to run first, NoScores when the
        endpoint does not serve.
        """
        data, features, model = (workshop.recall(step) for step in ("data", "features", "model"))
        if scorer is None:
            scorer = _endpoint(workshop, endpoint)
        scorer.identity()
        wanted = ["ts", "userId", "trackId", "Rating"]
        kept = KeptScores(cache if cache is not None else default_state() / "scores")
        return cls(
            workshop.read_csv(features["tracks"]),
            workshop.read_csv(features["listeners"]).set_index("userId").sort_index(),
            workshop.read_csv(data["ratings"], usecols=wanted),
            list(model["columns"]),
            scorer,
            kept,
        )

    def listener(self, user: int) -> Listener:
        """Somebody the flow has described, with everything they have rated. Raises ValueError for others."""
        if user not in self.listeners.index:
            some = ", ".join(str(known) for known in self.listeners.index[:5])
            rated = (
                "has ratings, but none in the training part; `newcomer` takes their stars"
                if user in self._events
                else "is unknown"
            )
            raise ValueError(f"Listener {user} {rated}. Known ones are {some} and so on.")
        return self._taste.known(user, self._ratings.iloc[self._events.get(user, [])])

    def newcomer(self, stars: Mapping[str, int]) -> Listener:
        """Somebody new, by the stars (1 to 5) they give to tracks; none at all is the average listener.

        The description is the flow's; what the model is told of a newcomer is in `helpers.taste`. Raises
        ValueError for other stars, for a track that is not in the catalogue, and where the model wants
        something of a listener that only the flow can make.
        """
        for track, value in stars.items():
            self._check(track, value)
        self._check_formulas()
        return self._taste.newcomer(stars)

    def rate(self, listener: Listener, track: str, stars: int) -> Listener:
        """The listener after one more rating: another description, the track heard. Raises as `newcomer`."""
        self._check(track, stars)
        self._check_formulas()
        return self._taste.rated(listener, track, stars)

    def questions(self, count: int = 8, seed: int = 0, asked: Collection[str] = ()) -> pd.DataFrame:
        """Tracks worth asking a newcomer about: well known, of all genres and sounds, none `asked` before.

        Rows of `tracks` with `plays`, how often each was rated. Raises ValueError for a count below 1.
        """
        return questions(self.tracks, self._plays, self.sounds, count, seed, asked)

    def scores(self, listener: Listener) -> pd.Series:
        """The predicted stars of every track of the catalogue for this listener, by trackId.

        They are asked for once and kept, under everything they depend on: the endpoint and its model, the
        catalogue, the training columns and what the model is told of the listener. Raises NoScores.
        """
        rows = Rows(self.columns, self.tracks, listener.features)
        values = self._kept.get(self._key(listener), len(rows), lambda: self._scorer.score(rows))
        return pd.Series(values, index=self._number.index, name="predicted")

    def playlist(self, listener: Listener, wishes: Wishes = Wishes()) -> Playlist:  # noqa: B008 - it is frozen
        """The next tracks for this listener, none of which they have rated.

        Raises ValueError naming the filter to loosen when no track passes them, NoScores.
        """
        scores = self.scores(listener)
        heard = listener.heard
        places = choose(scores, self.tracks, self.sounds, heard, wishes)
        values = scores.to_numpy(float)
        cost = 0.0
        if wishes.diversity > 0:
            plain = choose(scores, self.tracks, self.sounds, heard, wishes.plain())
            cost = max(float(values[plain].mean() - values[places].mean()), 0.0)
        why = because(places, listener.stars, self.tracks, self.sounds)
        table = self._table(places, values[places], why)
        minutes = float(self.tracks["length"].iloc[places].sum() / 60)
        mean, diversity = float(values[places].mean()), self.sounds.diversity(places)
        return Playlist(table, wishes, mean, cost, diversity, minutes)

    def explain(self, listener: Listener, track: str, backgrounds: int = 8, seed: int = 0) -> pd.Series:
        """What makes this track's prediction differ from usual tracks' for this listener, in stars.

        Exact Shapley values (`helpers.shapley`) against `backgrounds` tracks drawn by `seed`: one value for
        the genre and each sound, the largest first, together the prediction minus the backgrounds' mean. Some
        2,000 rows are asked of the endpoint. Raises ValueError for an unknown track, NoScores.
        """
        if track not in self._number.index:
            raise ValueError(f"There is no track {track!r} in the catalogue.")
        if backgrounds < 1:
            raise ValueError(f"At least 1 background track is needed, not {backgrounds}.")
        groups = shapley.players(self.tracks, self.columns)
        drawn = np.random.default_rng(seed).choice(
            len(self.tracks), min(backgrounds, len(self.tracks)), False
        )
        rows = shapley.coalitions(self.tracks, int(self._number[track]), groups, drawn.tolist())
        answers = self._scorer.score(Rows(self.columns, rows, listener.features))
        return shapley.values(answers.reshape(-1, len(drawn)).mean(axis=1), list(groups))

    def _table(self, places: Places, predicted: npt.NDArray[np.float64], why: list[str]) -> pd.DataFrame:
        columns = ["trackId", "predicted", "genre", "tempo", "energy", "length"]
        table = self.tracks.iloc[places].assign(predicted=predicted)[columns].assign(why=why)
        return table.set_axis(pd.RangeIndex(1, len(places) + 1, name="rank"))

    def _check(self, track: str, stars: object) -> None:
        if track not in self._number.index:
            raise ValueError(f"There is no track {track!r} in the catalogue.")
        if isinstance(stars, bool) or not isinstance(stars, Real) or float(stars) not in STARS:
            raise ValueError(f"Track {track} has {stars!r} stars: they must be 1, 2, 3, 4 or 5.")

    def _check_formulas(self) -> None:
        unknown = [name for name in self._taste.unknown if name in self.columns]
        if unknown:
            raise ValueError(
                f"The model wants to know {', '.join(unknown)} of a listener. Only the flow can make that: "
                "rate in the data, and run the flow again."
            )

    def _key(self, listener: Listener) -> str:
        told = {n: float(listener.features[n]).hex() for n in self.columns if n in listener.features.index}
        depends = {
            "model": self._model(),
            "catalogue": self._catalogue,
            "columns": self.columns,
            "told": told,
        }
        return hashlib.sha256(json.dumps(depends, sort_keys=True).encode()).hexdigest()

    def _model(self) -> dict[str, str]:
        """The endpoint's identity, asked for again after a while: an endpoint may be updated."""
        now = time.monotonic()
        if self._identity is None or now - self._identity[0] > FRESH:
            self._identity = (now, self._scorer.identity())
        return self._identity[1]

    def _digest_of_catalogue(self) -> str:
        used = [name for name in self.columns if name in self.tracks.columns]
        hashes = pd.util.hash_pandas_object(self.tracks[["trackId", *used]], index=False)
        return hashlib.sha256(hashes.to_numpy().tobytes()).hexdigest()


def _endpoint(workshop: Workshop, name: str | None) -> Endpoint:
    """The endpoint of that name, else that of notebook 4. Raises MissingStep when that has left none."""
    name = name or workshop.recall("playlist").get("endpoint")
    if name is None:
        raise MissingStep("Notebook 4 has left no endpoint: run 04_inference.ipynb, or name one.")
    return Endpoint(workshop, name)
