"""Synthetic music data with the statistics of the public data set, and with a noise floor known exactly.

Everything comes from `numpy.random.RandomState`, whose stream is frozen, and every drawn or computed quantity
is rounded before anything depends on it: a seed gives the same files on every Python, numpy and machine.

How a rating comes about, for one listener and one track::

    latent = base + bias(listener) + taste(listener, track's columns) + effect(track) + noise
    Rating = latent rounded to the nearest integer, clipped to 1..5

`taste` is linear in six standardised features plus a liking for each genre. `effect` is what a track has
beyond its columns; nobody can know it from the columns, so it counts as noise, as does `noise` itself. Both
are normal and independent of everything else (what is played does not depend on taste either), which is why
the noise floor can be computed instead of estimated.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd

from helpers.music_profile import COMMON, GENRES, PROFILE, SOUND, Floats

Integers = npt.NDArray[np.int64]

# Raised whenever a seed gives other data than before, so that files of an older generator are made again.
VERSION = 1

BASE = 3.545  # the latent rating of an average track by an average listener
BIAS_SPREAD = 0.25  # between listeners: how generously they rate
# Between listeners: the liking for one standard deviation more of a feature, and for a genre as such.
TASTE_SPREAD = {
    "energy": 0.40,
    "acousticness": 0.30,
    "valence": 0.40,
    "instrumentalness": 0.10,
    "liveness": 0.10,
    "tempo": 0.20,
}
GENRE_SPREAD = 0.45
EFFECT_SPREAD = 0.28  # between tracks: what the columns do not tell
NOISE_SPREAD = 0.78  # between ratings

YEAR_START = 1_672_531_200  # 2023-01-01 00:00:00 UTC, epoch seconds
YEAR_SECONDS = 365 * 86_400
SESSION_PLAYS = 12  # mean number of plays of one sitting
POPULARITY_EXPONENT = 0.8  # of Zipf's law: the n-th most popular track is played in proportion to n ** -0.8


@dataclass(frozen=True)
class Scale:
    """How many listeners, ratings and tracks, and how unequally active the listeners are."""

    listeners: int
    ratings: int
    tracks: int
    activity_spread: float = 0.0


SCALES = {
    "tiny": Scale(listeners=8, ratings=800, tracks=400),
    "small": Scale(listeners=40, ratings=20_000, tracks=4_000),
    "full": Scale(listeners=259, ratings=1_070_000, tracks=103_000, activity_spread=0.5),
}


@dataclass(frozen=True)
class NoiseFloor:
    """The smallest RMSE any model can expect on these ratings, computed from the known probabilities of 1..5.

    `without_track_effect` is that of E[Rating | taste, listener, track's columns]: the floor for a model
    that sees what the tables hold. `with_track_effect` is the floor for one that also knew every track's
    hidden effect.
    """

    without_track_effect: float
    with_track_effect: float


@dataclass(frozen=True)
class Music:
    """Generated data: the two tables, and per row of `ratings` what the rating was drawn from."""

    tracks: pd.DataFrame
    ratings: pd.DataFrame
    liking: Floats  # base + bias + taste
    effect: Floats  # the hidden effect of the row's track

    def noise_floor(self, events: Iterable[str] | None = None) -> NoiseFloor:
        """The noise floor of all ratings, or of those with the given ratingEventIds.

        Raises ValueError for an empty selection or an id that is not in the data.
        """
        rows = np.ones(len(self.ratings), dtype=bool)
        if events is not None:
            wanted = set(events)
            rows = self.ratings["ratingEventId"].isin(list(wanted)).to_numpy()
            if not wanted or rows.sum() != len(wanted):
                raise ValueError(
                    f"{len(wanted) - int(rows.sum())} of {len(wanted)} ratingEventIds given are not in this "
                    "data: give at least one, from the ratings of the same scale and seed."
                )
        spread = math.sqrt(EFFECT_SPREAD**2 + NOISE_SPREAD**2)
        without = rating_moments(self.liking[rows], spread)[1]
        given = rating_moments(self.liking[rows] + self.effect[rows], NOISE_SPREAD)[1]
        # The last bits of a mean differ between versions of numpy; nine decimals are the same everywhere.
        return NoiseFloor(
            round(math.sqrt(float(without.mean())), 9), round(math.sqrt(float(given.mean())), 9)
        )


def rating_moments(latent_mean: Floats, spread: float) -> tuple[Floats, Floats]:
    """Mean and variance of a rating whose latent value is normal (rounded to an integer, clipped to 1..5)."""
    mean, square = np.full(len(latent_mean), 5.0), np.full(len(latent_mean), 25.0)
    for value in (1, 2, 3, 4):
        argument = (value + 0.5 - latent_mean) / (spread * math.sqrt(2))
        below = 0.5 * (1 + np.fromiter(map(math.erf, argument), dtype=np.float64))  # P(Rating <= value)
        # Summation by parts: E[f(Rating)] = f(5) - sum over v of (f(v + 1) - f(v)) P(Rating <= v).
        mean -= below
        square -= (2 * value + 1) * below
    return mean, square - mean**2


def check(scale: str, seed: int) -> None:
    """Raise ValueError, saying what is allowed, unless there is such a scale and such a seed."""
    if scale not in SCALES:
        raise ValueError(f"There is no scale {scale!r}: choose one of {', '.join(SCALES)}.")
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**32:
        raise ValueError(f"The seed must be an integer from 0 to 4294967295, not {seed!r}.")


@lru_cache(maxsize=2)
def generate(scale: str = "small", seed: int = 0) -> Music:
    """The music data of a scale (`tiny`, `small` or `full`) and a seed (0 to 2**32 - 1).

    A listener rates a track at most once. Rows of `ratings` are in order of time. At `tiny` every listener
    has a five-star rating within the first 80 % of the rows. Raises ValueError for another scale or seed.
    The tables are shared between calls: copy them before changing them.
    """
    check(scale, seed)
    for attempt in range(100):
        music = _generate(SCALES[scale], seed, attempt)
        # Eight listeners are few: one without a five-star rating would be missed in the lessons, so all is
        # drawn again. At the other scales whatever is drawn stays.
        if scale != "tiny" or _everyone_has_five_stars(music.ratings):
            return music
    raise RuntimeError(f"No data in which every listener has a five-star rating came from seed {seed}.")


def _everyone_has_five_stars(ratings: pd.DataFrame) -> bool:
    training = ratings.head(len(ratings) * 8 // 10)
    return set(training.loc[training["Rating"] == 5, "userId"]) == set(ratings["userId"])


def _generate(scale: Scale, seed: int, attempt: int) -> Music:
    def stream(purpose: int) -> np.random.RandomState:
        return np.random.RandomState([seed, purpose, attempt])

    tracks = _tracks(stream(1), scale.tracks)
    liking_by_listener, genre_liking, bias = _listeners(stream(2), scale.listeners)
    listener, track = _plays(stream(3), scale)
    user_ids = np.sort(stream(4).choice(90_000, scale.listeners, replace=False)).astype(np.int64) + 10_000
    times, sessions, items = _sittings(stream(5), listener, tracks["length"].to_numpy()[track])
    order = np.lexsort((track, listener, times))
    listener, track = listener[order], track[order]

    liking = BASE + bias[listener]
    for index, column in enumerate(TASTE_SPREAD):
        profile = PROFILE[column]
        standard = ((tracks[column].to_numpy() - profile.mean) / profile.deviation).round(6)
        liking = liking + liking_by_listener[listener, index] * standard[track]
    liking = (liking + genre_liking[listener, _genre_index(tracks)[track]]).round(6)

    random = stream(6)
    effect = (EFFECT_SPREAD * random.standard_normal(scale.tracks)).round(6)[track]
    noise = (NOISE_SPREAD * random.standard_normal(scale.ratings)).round(6)
    rating = np.clip(np.floor(liking + effect + noise + 0.5), 1, 5).astype(np.int64)
    ratings = pd.DataFrame(
        {
            "ratingEventId": _identifiers(stream(7), scale.ratings, "r"),
            "ts": times[order],
            "userId": user_ids[listener],
            "trackId": tracks["trackId"].to_numpy()[track],
            "sessionId": sessions[order],
            "itemInSession": items[order],
            "Rating": rating,
        }
    )
    return Music(tracks, ratings, liking, effect)


def _tracks(random: np.random.RandomState, count: int) -> pd.DataFrame:
    shares = np.array(list(GENRES.values()))
    edges = np.floor(np.cumsum(shares / shares.sum()) * count + 0.5).astype(np.int64)
    genre = np.searchsorted(edges, np.arange(count), side="right")[random.permutation(count)]
    common = random.standard_normal(count).round(6)
    names = np.array(list(GENRES))
    sound = np.array([SOUND[name] for name in GENRES])
    columns: dict[str, object] = {"trackId": _identifiers(random, count, "t")}
    for index, (column, quantiles) in enumerate(PROFILE.items()):
        own = random.standard_normal(count).round(6)
        columns[column] = quantiles.values((sound[genre, index] + COMMON[index] * common + own).round(6))
    columns["genre"] = names[genre]
    return pd.DataFrame(columns)


def _genre_index(tracks: pd.DataFrame) -> Integers:
    numbers = {name: index for index, name in enumerate(GENRES)}
    return np.array([numbers[name] for name in tracks["genre"]], dtype=np.int64)


def _listeners(random: np.random.RandomState, count: int) -> tuple[Floats, Floats, Floats]:
    """Taste in features (count x 6), in genres (count x 10) and bias (count), each centred over listeners."""
    features = random.standard_normal((count, len(TASTE_SPREAD))) * np.array(list(TASTE_SPREAD.values()))
    genres = random.standard_normal((count, len(GENRES))) * GENRE_SPREAD
    bias = random.standard_normal(count) * BIAS_SPREAD
    return (
        (features - features.mean(axis=0)).round(6),
        (genres - genres.mean(axis=0)).round(6),
        (bias - bias.mean()).round(6),
    )


def _plays(random: np.random.RandomState, scale: Scale) -> tuple[Integers, Integers]:
    """Listener index and track index of every play, listener by listener, in the order of playing."""
    activity = np.exp((scale.activity_spread * random.standard_normal(scale.listeners)).round(6)).round(6)
    edges = np.floor(np.cumsum(activity / activity.sum()).round(9) * scale.ratings + 0.5).astype(np.int64)
    counts = np.diff(edges, prepend=0)
    rank = random.permutation(scale.tracks) + 1
    weight = (rank.astype(np.float64) ** -POPULARITY_EXPONENT).round(12)
    tracks = []
    for count in counts:
        # The smallest of exponential waiting times: a draw in proportion to weight, without repetition.
        waiting = random.standard_exponential(scale.tracks) / weight
        chosen = np.sort(np.argpartition(waiting, count - 1)[:count])
        tracks.append(random.permutation(chosen))
    return np.repeat(np.arange(scale.listeners), counts), np.concatenate(tracks).astype(np.int64)


def _sittings(
    random: np.random.RandomState, listener: Integers, lengths: Floats
) -> tuple[Integers, Integers, Integers]:
    """Time (epoch seconds), session id and place in the session of every play.

    Within a session the next play begins one to eight seconds after the track before it has ended. Sessions
    of one listener never overlap.
    """
    count = len(listener)
    index = np.arange(count)
    first_of_listener = np.diff(listener, prepend=-1) != 0
    first = first_of_listener | (random.random_sample(count) < 1 / SESSION_PLAYS)
    session = np.cumsum(first) - 1
    items = index - np.maximum.accumulate(np.where(first, index, 0)) + 1

    lasting = (
        np.ceil(lengths).astype(np.int64) + 1 + np.floor(random.random_sample(count) * 8).astype(np.int64)
    )
    elapsed = np.cumsum(lasting) - lasting
    elapsed -= np.maximum.accumulate(np.where(first_of_listener, elapsed, 0))
    total = np.bincount(listener, weights=lasting).astype(np.int64)

    # The year minus all listening is idle time; sessions begin at sorted uniform moments of it.
    session_listener = listener[first]
    moment = random.random_sample(len(session_listener)).round(9)
    moment = moment[np.lexsort((moment, session_listener))]
    idle = np.floor(moment * (YEAR_SECONDS - total[session_listener])).astype(np.int64)
    times = YEAR_START + idle[session] + elapsed

    starts = times[first]
    number = np.empty(len(starts), dtype=np.int64)
    number[np.lexsort((session_listener, starts))] = np.arange(1, len(starts) + 1)
    return times, number[session], items


def _identifiers(random: np.random.RandomState, count: int, letter: str) -> list[str]:
    """Opaque ids. They begin with a letter so that no reader of CSV takes one for a number."""
    digits = random.bytes(count * 8).hex()
    return [letter + digits[start + 1 : start + 16] for start in range(0, count * 16, 16)]
