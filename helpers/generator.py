"""Synthetic music data with the statistics of the public data set, and with a noise floor known exactly.

Everything comes from `numpy.random.RandomState`, whose stream is frozen, and every drawn or computed quantity is
rounded before anything depends on it: a seed gives the same files on every Python, numpy and machine.

How a rating comes about, for one listener and one track::

    latent = base + bias(listener) + taste(listener, track's columns) + effect(track) + noise
    Rating = latent rounded to the nearest integer, clipped to 1..5

`taste` is linear in six standardised features plus a liking for each genre. `effect` is what a track has beyond its
columns; nobody can know it from the columns, so it counts as noise, as does `noise` itself. Both are normal and
independent of everything else (what is played does not depend on taste either), which is why the noise floor can be
computed instead of estimated.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

VERSION = (
    1  # raised whenever the same seed gives other data, so that files of an older generator are made again
)

# The most and the least frequent genre are within 9 to 11 %.
GENRES = {
    "Pop_Rock": 0.1085,
    "Electronic": 0.1060,
    "RnB": 0.1035,
    "Rap": 0.1020,
    "Country": 0.1000,
    "Latin": 0.0990,
    "Jazz": 0.0980,
    "Folk": 0.0960,
    "Blues": 0.0945,
    "Reggae": 0.0925,
}

# How a genre sounds: the shift of each feature's latent normal variable (its own spread is 1), by genre.
SOUND_COLUMNS = (
    "energy",
    "acousticness",
    "valence",
    "speechiness",
    "instrumentalness",
    "liveness",
    "tempo",
    "length",
)
SOUND = {
    "Pop_Rock": (0.6, -0.5, 0.1, -0.2, -0.2, 0.2, 0.2, 0.0),
    "Electronic": (0.9, -1.0, -0.2, 0.1, 1.1, 0.0, 0.5, 0.5),
    "RnB": (-0.1, 0.0, 0.2, 0.3, -0.5, -0.2, -0.2, 0.0),
    "Rap": (0.3, -0.4, 0.1, 1.5, -0.8, 0.3, -0.1, -0.1),
    "Country": (0.1, 0.2, 0.2, -0.6, -0.4, 0.0, 0.2, -0.4),
    "Latin": (0.4, -0.1, 0.9, 0.1, -0.4, 0.0, 0.1, -0.1),
    "Jazz": (-0.9, 0.9, -0.1, -0.2, 1.0, 0.0, -0.2, 0.5),
    "Folk": (-1.0, 1.2, -0.5, -0.5, 0.1, -0.1, 0.0, -0.2),
    "Blues": (-0.2, 0.3, 0.1, -0.3, 0.1, 0.3, -0.1, 0.0),
    "Reggae": (0.0, -0.3, 0.8, 0.4, -0.2, -0.1, -0.4, 0.1),
}
# Beyond genre, loud tracks are less acoustic and happier: each feature's share in one common factor.
COMMON = (0.5, -0.5, 0.3, 0.0, -0.1, 0.1, 0.2, 0.0)

BASE = 3.545  # the latent rating of an average track by an average listener
BIAS_SPREAD = 0.25  # between listeners: how generously they rate
TASTE_COLUMNS = ("energy", "acousticness", "valence", "instrumentalness", "liveness", "tempo")
TASTE_SPREAD = (
    0.40,
    0.30,
    0.40,
    0.20,
    0.10,
    0.25,
)  # between listeners: liking for one standard deviation more of it
GENRE_SPREAD = 0.55  # between listeners: liking for a genre as such
EFFECT_SPREAD = 0.25  # between tracks: what the columns do not tell
NOISE_SPREAD = 0.70  # between ratings

YEAR_START = 1_672_531_200  # 2023-01-01 00:00:00 UTC, epoch seconds
YEAR_SECONDS = 365 * 86_400
SESSION_PLAYS = 12  # mean number of plays of one sitting
POPULARITY_EXPONENT = 0.8  # of Zipf's law: the n-th most popular track is played in proportion to n ** -0.8


@dataclass(frozen=True)
class Scale:
    """How much data: numbers of listeners, of ratings, of tracks, and how unequally active the listeners are."""

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
class Quantiles:
    """A smooth distribution with a given minimum, median, maximum and mean.

    Below the median it is `minimum + a * s ** (d / a)`, above it `maximum - b * (1 - s) ** (d / b)`, with `s` going
    from 0 to 1 in each half and `a`, `b` the distances from the median. The same `d` on both sides makes the density
    continuous at the median; the mean decides what `d` is.
    """

    mean: float
    median: float
    minimum: float
    maximum: float
    decimals: int

    @property
    def slope(self) -> float:
        """The `d` that gives the mean, found by bisection."""
        below, above = self.median - self.minimum, self.maximum - self.median
        wanted = 2 * self.mean - self.minimum - self.maximum
        low, high = 0.0, 1e6
        rising = below < above  # the sum goes from `below - above` towards 0
        for _ in range(200):
            middle = (low + high) / 2
            value = below * below / (below + middle) - above * above / (above + middle)
            if (value < wanted) == rising:
                low = middle
            else:
                high = middle
        return low

    @property
    def deviation(self) -> float:
        """The standard deviation."""
        below, above, slope = self.median - self.minimum, self.maximum - self.median, self.slope
        lower_power, upper_power = slope / below, slope / above
        lower = (
            self.minimum**2 + 2 * self.minimum * below / (1 + lower_power) + below**2 / (1 + 2 * lower_power)
        )
        upper = (
            self.maximum**2 - 2 * self.maximum * above / (1 + upper_power) + above**2 / (1 + 2 * upper_power)
        )
        return math.sqrt((lower + upper) / 2 - self.mean**2)

    def values(self, latent: Floats) -> Floats:
        """The values whose ranks are those of `latent`, so the distribution holds at any number of tracks."""
        ranks = np.empty(len(latent))
        ranks[np.argsort(latent, kind="stable")] = np.arange(len(latent))
        share = (ranks + 0.5) / len(latent)
        below, above, slope = self.median - self.minimum, self.maximum - self.median, self.slope
        lower = self.minimum + below * np.minimum(2 * share, 1.0) ** (slope / below)
        upper = self.maximum - above * np.minimum(2 - 2 * share, 1.0) ** (slope / above)
        values: Floats = np.where(share < 0.5, lower, upper).round(self.decimals)
        return np.clip(values, self.minimum, self.maximum)


# The published profile of the public data set's tracks.
PROFILE = {
    "length": Quantiles(251, 235, 0, 3024, decimals=2),
    "energy": Quantiles(0.643, 0.679, 2e-5, 0.999, decimals=6),
    "acousticness": Quantiles(0.253, 0.105, 1e-6, 0.996, decimals=6),
    "valence": Quantiles(0.501, 0.504, 0, 0.989, decimals=6),
    "speechiness": Quantiles(0.066, 0.052, 0.0228, 0.212, decimals=6),
    "instrumentalness": Quantiles(0.181, 0.026, 0, 0.992, decimals=6),
    "liveness": Quantiles(0.172, 0.133, 0.0174, 0.601, decimals=6),
    "tempo": Quantiles(123.5, 122.4, 49.5, 219.0, decimals=3),
}


@dataclass(frozen=True)
class NoiseFloor:
    """The smallest RMSE any model can expect on these ratings, computed from the known probabilities of 1..5.

    `without_track_effect`: of E[Rating | taste, listener, track's columns], what a model that sees the columns can
    reach. `with_track_effect`: given each track's hidden effect too, what one could reach that knew every track.
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
                    f"{len(wanted) - int(rows.sum())} of the {len(wanted)} ratingEventIds given are not in this data: "
                    "take them from the ratings of the same scale and seed."
                )
        spread = math.sqrt(EFFECT_SPREAD**2 + NOISE_SPREAD**2)
        without = rating_moments(self.liking[rows], spread)[1]
        given = rating_moments(self.liking[rows] + self.effect[rows], NOISE_SPREAD)[1]
        return NoiseFloor(math.sqrt(float(without.mean())), math.sqrt(float(given.mean())))


def rating_moments(latent_mean: Floats, spread: float) -> tuple[Floats, Floats]:
    """Mean and variance of a rating whose latent value is normal: round to the nearest integer, clip to 1..5."""
    error_function = np.frompyfunc(math.erf, 1, 1)
    mean, square = np.full(len(latent_mean), 5.0), np.full(len(latent_mean), 25.0)
    for value in (1, 2, 3, 4):
        argument = (value + 0.5 - latent_mean) / (spread * math.sqrt(2))
        below = 0.5 * (1 + error_function(argument).astype(np.float64))  # P(Rating <= value)
        # Summation by parts: E[f(Rating)] = f(5) - sum over v of (f(v + 1) - f(v)) P(Rating <= v).
        mean -= below
        square -= (2 * value + 1) * below
    return mean, square - mean**2


@lru_cache(maxsize=2)
def generate(scale: str = "small", seed: int = 0) -> Music:
    """The music data of a scale (`tiny`, `small` or `full`) and a seed (0 to 2**32 - 1).

    A listener rates a track at most once. Rows of `ratings` are in order of time. At `tiny` every listener has a
    five-star rating within the first 80 % of the rows.
    """
    if scale not in SCALES:
        raise ValueError(f"There is no scale {scale!r}: choose one of {', '.join(SCALES)}.")
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**32:
        raise ValueError(f"The seed must be an integer from 0 to 4294967295, not {seed!r}.")
    for attempt in range(100):
        music = _generate(SCALES[scale], seed, attempt)
        # Eight listeners are few: one who dislikes everything would be lost to the lessons. Drawn again, whole, which
        # happens for a few seeds in a hundred; at the other scales whatever is drawn stays.
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
    for index, column in enumerate(TASTE_COLUMNS):
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
    values = {}
    for index, column in enumerate(SOUND_COLUMNS):
        own = random.standard_normal(count).round(6)
        values[column] = PROFILE[column].values((sound[genre, index] + COMMON[index] * common + own).round(6))
    columns |= {column: values[column] for column in PROFILE}
    columns["genre"] = names[genre]
    return pd.DataFrame(columns)


def _genre_index(tracks: pd.DataFrame) -> Integers:
    return tracks["genre"].map({name: index for index, name in enumerate(GENRES)}).to_numpy(dtype=np.int64)


def _listeners(random: np.random.RandomState, count: int) -> tuple[Floats, Floats, Floats]:
    """Taste in features (count x 6), taste in genres (count x 10) and bias (count), each centred over listeners."""
    features = random.standard_normal((count, len(TASTE_COLUMNS))) * np.array(TASTE_SPREAD)
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
        # The `count` smallest of exponential waiting times are a draw in proportion to weight without repetition.
        waiting = random.standard_exponential(scale.tracks) / weight
        chosen = np.sort(np.argpartition(waiting, count - 1)[:count])
        tracks.append(random.permutation(chosen))
    return np.repeat(np.arange(scale.listeners), counts), np.concatenate(tracks).astype(np.int64)


def _sittings(
    random: np.random.RandomState, listener: Integers, lengths: Floats
) -> tuple[Integers, Integers, Integers]:
    """Time (epoch seconds), session id and place in the session of every play; sessions of a listener never overlap.

    Within a session the next play begins when the track before it has ended, one to eight seconds later.
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
