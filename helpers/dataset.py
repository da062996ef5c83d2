"""The music data: public, a learner's own, or generated."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from helpers import generator
from helpers.generator import NoiseFloor

Source = str | Path | tuple[str | Path, str | Path]


@dataclass(frozen=True)
class Dataset:
    """Where the two checked tables lie: `tracks` and `ratings` are CSV files."""

    tracks: Path
    ratings: Path
    source: str
    scale: str | None
    seed: int | None


def load(
    source: Source = "generated",
    directory: str | Path = "data",
    scale: str = "small",
    seed: int = 0,
    progress: bool = True,
) -> Dataset:
    """Make the data available as two CSV files."""
    if source != "generated":
        raise NotImplementedError("only generated data yet")
    music = generator.generate(scale, seed)
    folder = Path(directory) / "generated" / f"{scale}-{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in (("tracks.csv", music.tracks), ("ratings.csv", music.ratings)):
        temporary = folder / f"{name}.{os.getpid()}.part"
        table.to_csv(temporary, index=False, lineterminator="\n")
        temporary.replace(folder / name)
    return Dataset(folder / "tracks.csv", folder / "ratings.csv", "generated", scale, seed)


def read_tracks(path: str | Path) -> pd.DataFrame:
    """The tracks table."""
    return pd.read_csv(path)


def read_ratings(path: str | Path) -> pd.DataFrame:
    """The ratings table."""
    return pd.read_csv(path)


def noise_floor(scale: str, seed: int, events: Iterable[str] | None = None) -> NoiseFloor:
    """The noise floor of generated data: of all ratings, or of those with the given ratingEventIds."""
    return generator.generate(scale, seed).noise_floor(events)
