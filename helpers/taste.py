"""What is known of a listener: their ratings, and the averages that the flow makes of them.

The formulas are those of the flow's step "Listener averages" (notebooks/flows/build_music.py); a test holds
the two together. With r the stars and x a column of the rated tracks:

- `mean_rating` is the average of r, `five_star_ratings` the number of r = 5;
- `x_5star` is the average of x over the tracks with r = 5, over all rated tracks where there is none;
- `x_taste` is sum(r x) / sum(r) - average(x): above 0 who gives more stars where there is more of x.

**A few ratings say little.** After one rating every taste is 0 and the mean is that one rating; after eight,
chance makes tastes that are stronger than any true one, and a model that learned from listeners with hundreds
of ratings believes them. So a newcomer is shown to the model between the formulas and the average
listener: value = (n * formula + m * average) / (n + m). n is the number of ratings, m the number at
which they are believed half, estimated from the known listeners for each column: m = (variance of one
rating) / (variance between listeners), with the chance in the known listeners' own averages taken out
(empirical Bayes; Efron and Morris 1975). Somebody without ratings is the average listener.

On the generated data at `small`, a boosted model predicts the test ratings of listeners that were not in its
training with this RMSE, described by so many of their ratings, drawn at random:

    ratings     0      1      3      8     20    100    all (about 400)
    formulas  1.069  1.136  1.112  1.068  1.016  0.969  0.959
    believed  1.069  1.070  1.050  1.037  1.014  0.974  0.957
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

STARS = (1, 2, 3, 4, 5)
_SAME = 1e-6  # relative: the flow's tables went through text, and sums in another order
_AVERAGE, _TASTE = "_5star", "_taste"


@dataclass(frozen=True, eq=False)
class Listener:
    """Somebody to recommend to.

    `ratings` has one row a rating: trackId, Rating and `counts`, whether the description is made of it.
    `description` is the row that the flow would make (mean_rating, energy_taste ...), `features` what the
    model is told, which differs for newcomers. `user` is None for a newcomer.
    """

    ratings: pd.DataFrame
    description: pd.Series
    features: pd.Series
    user: int | None = None

    @cached_property
    def stars(self) -> dict[str, float]:
        """The latest number of stars by trackId."""
        return dict(zip(self.ratings["trackId"], self.ratings["Rating"].astype(float), strict=True))

    @property
    def heard(self) -> frozenset[str]:
        """Everything they have rated."""
        return frozenset(self.stars)

    @property
    def name(self) -> str:
        """How to call them in titles."""
        return "A newcomer" if self.user is None else f"Listener {self.user}"


class Taste:
    """Describes listeners as the flow does. `tracks` and `listeners` are the flow's outputs, `ratings` all
    ratings in the order of time.
    """

    def __init__(self, tracks: pd.DataFrame, listeners: pd.DataFrame, ratings: pd.DataFrame) -> None:
        self._listeners = listeners
        self._names = [
            name
            for name in tracks.columns
            if name + _AVERAGE in listeners.columns or name + _TASTE in listeners.columns
        ]
        self._row = pd.Series(np.arange(len(tracks)), index=tracks["trackId"])
        self._values = tracks[self._names].to_numpy(float)
        self._ratings = ratings
        self.average = listeners.mean()
        self.average["five_star_ratings"] = 0.0
        self.average = self.average.reindex(listeners.columns)

    @property
    def unknown(self) -> list[str]:
        """Columns of the flow's listeners that none of the formulas above gives."""
        made = {"mean_rating", "five_star_ratings"}
        made |= {name + ending for name in self._names for ending in (_AVERAGE, _TASTE)}
        return [name for name in self._listeners.columns if name not in made]

    def known(self, user: int, ratings: pd.DataFrame) -> Listener:
        """A listener of the flow with all their `ratings` (trackId and Rating, in the order of time).

        The flow describes listeners by the training part of the ratings, the earlier ones: those from which
        the formulas give its row. Where no such part is found, all count once something is rated anew.
        """
        row = pd.Series(self._listeners.loc[user], dtype=float)
        ratings = ratings[["trackId", "Rating"]].reset_index(drop=True)
        ratings["counts"] = np.arange(len(ratings)) < self._described_by(row, ratings)
        return Listener(ratings, row, row, user)

    def newcomer(self, stars: Mapping[str, float]) -> Listener:
        """Somebody with these ratings only."""
        ratings = pd.DataFrame({"trackId": list(stars), "Rating": list(stars.values()), "counts": True})
        return self._described(Listener(ratings, self.average, self.average))

    def rated(self, listener: Listener, track: str, stars: float) -> Listener:
        """The listener after one more rating, which takes the place of an earlier one of this track."""
        others = listener.ratings[listener.ratings["trackId"] != track]
        new = pd.DataFrame({"trackId": [track], "Rating": [stars], "counts": [True]})
        ratings = new if others.empty else pd.concat([others, new], ignore_index=True)
        return self._described(replace(listener, ratings=ratings))

    def _described(self, listener: Listener) -> Listener:
        counting = listener.ratings[listener.ratings["counts"]]
        running = self.running(counting)
        if running.empty:
            return replace(listener, description=self.average, features=self.average)
        unchanged = listener.description[self.unknown]
        description = pd.concat([running.iloc[-1], unchanged]).reindex(self._listeners.columns)
        features = description if listener.user is not None else self._believed(description, len(counting))
        return replace(listener, description=description, features=features)

    def running(self, ratings: pd.DataFrame) -> pd.DataFrame:
        """The flow's formulas after each of these ratings: as many rows as ratings of tracks in the
        catalogue, in their order. A missing value of a track is left out of sums and averages, as SQL does.
        """
        places = self._row.reindex(ratings["trackId"]).to_numpy()
        inside = ~np.isnan(places)
        values = self._values[places[inside].astype(int)]
        stars = ratings["Rating"].to_numpy(float)[inside]
        there = ~np.isnan(values)
        values = np.where(there, values, 0.0)
        loved = (stars == 5)[:, np.newaxis]
        with np.errstate(invalid="ignore"):
            plain = np.cumsum(values, 0) / np.cumsum(there, 0)
            weighted = np.cumsum(values * stars[:, np.newaxis], 0) / np.cumsum(stars)[:, np.newaxis]
            favourite = np.cumsum(values * loved, 0) / np.cumsum(there & loved, 0)
        favourite = np.where(np.isnan(favourite), plain, favourite)
        columns: dict[str, np.ndarray] = {
            "five_star_ratings": np.cumsum(loved[:, 0]).astype(float),
            "mean_rating": np.cumsum(stars) / np.arange(1, len(stars) + 1),
        }
        for number, name in enumerate(self._names):
            columns[name + _AVERAGE] = favourite[:, number]
            columns[name + _TASTE] = weighted[:, number] - plain[:, number]
        return pd.DataFrame({n: v for n, v in columns.items() if n in self._listeners.columns})

    def _described_by(self, row: pd.Series, ratings: pd.DataFrame) -> int:
        """How many of the earliest ratings make the flow's description `row`; all where no number does."""
        inside = np.flatnonzero(ratings["trackId"].isin(self._row.index))
        running = self.running(ratings)
        target = row[running.columns].to_numpy(float)
        same = np.isclose(running.to_numpy(), target, rtol=_SAME, atol=_SAME, equal_nan=True).all(axis=1)
        return int(inside[np.argmax(same)]) + 1 if same.any() else len(ratings)

    def _believed(self, description: pd.Series, count: int) -> pd.Series:
        """What the model is told of somebody with `count` ratings."""
        trust = count / (count + self.half_believed.reindex(description.index))
        believed = trust * description + (1 - trust) * self.average
        whole = self.half_believed.index[np.isinf(self.half_believed)]
        believed[whole] = self.average[whole]
        for name in ("five_star_ratings", *self.unknown):  # counts, and what has no formula, stay
            if name in believed.index:
                believed[name] = description[name]
        return believed

    @cached_property
    def half_believed(self) -> pd.Series:
        """For each column m of this module's docstring: at how many ratings it is believed half. Infinite
        where the known listeners differ by chance alone.
        """
        rated = self._ratings[self._ratings["userId"].isin(self._listeners.index)]
        by_listener = rated.groupby("userId")["Rating"]
        stars = float(by_listener.var().mean())
        mean = float(by_listener.mean().mean())
        loved = (rated["Rating"] == 5).groupby(rated["userId"]).sum()
        # The mean of one divided by how many ratings the averages of the known listeners are made of.
        chance = float((1 / by_listener.size()).mean())
        chance_loved = float((1 / loved.clip(lower=1)).mean())
        spread = dict(zip(self._names, np.nanvar(self._values, axis=0), strict=True))
        found = {}
        for name in self._listeners.columns:
            if name == "mean_rating":
                one, share = stars, chance
            elif name.removesuffix(_TASTE) in spread:
                one, share = stars / mean**2 * spread[name.removesuffix(_TASTE)], chance
            elif name.removesuffix(_AVERAGE) in spread:
                one, share = spread[name.removesuffix(_AVERAGE)], chance_loved
            else:
                continue
            between = float(self._listeners[name].var()) - one * share
            found[name] = one / between if between > 0 else np.inf
        return pd.Series(found, dtype=float)
