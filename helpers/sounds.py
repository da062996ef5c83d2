"""How alike tracks sound: distances between tracks, and lists that are varied.

The distance of two tracks is the root mean square of their differences in the J numeric features, each in
standard deviations of the catalogue, and of one more that is sqrt(2) where the genres differ (what two random
tracks differ by in a standardised feature); all divided by sqrt(2), so that two tracks drawn at random are
about 1 apart. A missing value stands at the catalogue's average.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from helpers.playlist import genre_columns

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]


def features_of(tracks: pd.DataFrame) -> list[str]:
    """The numeric columns that tell how a track sounds: neither its length nor its genre."""
    others = {"trackId", "length", *genre_columns(tracks)}
    numeric = tracks.select_dtypes("number").columns
    return [name for name in numeric if name not in others]


def similarity(distances: Floats) -> Floats:
    """exp(-2 distance^2): 1 for the same sound, 0.14 for two tracks drawn at random.

    It falls to almost nothing within the distances that there are; a slower one, such as 1 / (1 + distance),
    leaves a setting of variety without effect over most of its range.
    """
    found: Floats = np.exp(-2 * distances**2)
    return found


class Sounds:
    """The catalogue as points: `standardised` (tracks x features, in standard deviations) and genres."""

    def __init__(self, tracks: pd.DataFrame) -> None:
        self.features = features_of(tracks)
        values = tracks[self.features].to_numpy(float)
        with np.errstate(invalid="ignore"):
            centre = np.nanmean(values, axis=0) if len(values) else np.zeros(len(self.features))
            spread = np.nanstd(values, axis=0) if len(values) else np.ones(len(self.features))
        scaled = (values - centre) / np.where(spread > 0, spread, 1.0)
        self.standardised: Floats = np.nan_to_num(scaled)
        self.genres: Places = pd.factorize(tracks["genre"])[0].astype(np.int64)

    def distances(self, some: Places, others: Places) -> Floats:
        """The distance of each of `some` tracks to each of the `others` (places in the catalogue)."""
        one, other = self.standardised[some], self.standardised[others]
        squares = (one**2).sum(1)[:, np.newaxis] + (other**2).sum(1) - 2 * one @ other.T
        squares = np.maximum(squares, 0.0)  # rounding
        differ = self.genres[some][:, np.newaxis] != self.genres[others]
        found: Floats = np.sqrt((squares + 2.0 * differ) / (2 * (len(self.features) + 1)))
        return found

    def diversity(self, places: Places) -> float:
        """The mean distance of all pairs of a list (intra-list diversity; Ziegler et al. 2005); 0 for one
        track.
        """
        if len(places) < 2:
            return 0.0
        return float(self.distances(places, places)[np.triu_indices(len(places), 1)].mean())

    def varied(self, places: Places, relevance: Floats, diversity: float, limit: int) -> Places:
        """Order tracks by maximal marginal relevance (MMR; Carbonell and Goldstein 1998), the first `limit`.

        Each next track has the largest (1 - diversity) * relevance - diversity * similarity to the most
        similar one before it, where relevance is scaled to 0..1 over `places`. `places` must be in the order
        of falling relevance: ties go to the earlier.
        """
        if diversity == 0:
            return places[:limit]
        span = float(relevance.max() - relevance.min())
        scaled = (relevance - relevance.min()) / span if span > 0 else np.zeros(len(relevance))
        similar, chosen = np.zeros(len(places)), np.zeros(len(places), dtype=bool)
        order: list[int] = []
        for _ in range(min(limit, len(places))):
            worth = np.where(chosen, -np.inf, (1 - diversity) * scaled - diversity * similar)
            best = int(np.argmax(worth))
            order.append(best)
            chosen[best] = True
            distance = self.distances(places[best : best + 1], places)[0]
            similar = np.maximum(similar, similarity(distance))
        found: Places = places[np.array(order, dtype=np.int64)]
        return found

    def nearest(self, places: Places, others: Sequence[int] | Places) -> Places:
        """For each place the nearest of the `others`."""
        candidates = np.asarray(others, dtype=np.int64)
        found: Places = candidates[np.argmin(self.distances(places, candidates), axis=1)]
        return found
