"""What the public music data looks like: the published profile of its tracks, and how genres sound."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Quantiles:
    """A smooth distribution with a given minimum, median, maximum and mean.

    The quantile function is `minimum + a * s ** (d / a)` below the median and `maximum - b * (1 - s) ** (d
    / b)` above it, with `s` going from 0 to 1 in each half and `a`, `b` the distances of minimum and
    maximum from the median. The same `d` in both halves makes the density continuous at the median; the
    mean decides what `d` is.
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


# The published profile of the public data set's tracks: mean, median, minimum and maximum.
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

# The share of tracks in each genre: within 9 to 11 %.
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

# How a genre sounds: the shift of each feature's latent normal variable, whose own spread is 1.
SOUND = {
    # length, energy, acousticness, valence, speechiness, instrumentalness, liveness, tempo
    "Pop_Rock": (0.0, 0.6, -0.5, 0.1, -0.2, -0.2, 0.2, 0.2),
    "Electronic": (0.5, 0.9, -1.0, -0.2, 0.1, 1.1, 0.0, 0.5),
    "RnB": (0.0, -0.1, 0.0, 0.2, 0.3, -0.5, -0.2, -0.2),
    "Rap": (-0.1, 0.3, -0.4, 0.1, 1.5, -0.8, 0.3, -0.1),
    "Country": (-0.4, 0.1, 0.2, 0.2, -0.6, -0.4, 0.0, 0.2),
    "Latin": (-0.1, 0.4, -0.1, 0.9, 0.1, -0.4, 0.0, 0.1),
    "Jazz": (0.5, -0.9, 0.9, -0.1, -0.2, 1.0, 0.0, -0.2),
    "Folk": (-0.2, -1.0, 1.2, -0.5, -0.5, 0.1, -0.1, 0.0),
    "Blues": (0.0, -0.2, 0.3, 0.1, -0.3, 0.1, 0.3, -0.1),
    "Reggae": (0.1, 0.0, -0.3, 0.8, 0.4, -0.2, -0.1, -0.4),
}
# Beyond genre, loud tracks are less acoustic and happier: each feature's share in one common factor.
COMMON = (0.0, 0.5, -0.5, 0.3, 0.0, -0.1, 0.1, 0.2)
