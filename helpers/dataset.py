"""The music data of the workshop: two CSV files, public, a learner's own, or generated."""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from helpers import generator, schema
from helpers.download import digest, fetch, locked
from helpers.generator import NoiseFloor
from helpers.schema import DatasetError

__all__ = ["Dataset", "DatasetError", "NoiseFloor", "load", "noise_floor", "read_ratings", "read_tracks"]

BUCKET = "sagemaker-sample-files"  # in us-east-1
REGIONAL_BUCKET = "sagemaker-example-files-prod-{region}"
KEY = "datasets/tabular/synthetic-music"
FILES = {"tracks.csv": schema.TRACKS, "ratings.csv": schema.RATINGS}
UNKNOWN_TRACKS = 0.01  # the share of ratings whose track may be missing from the tracks table

Source = str | Path | tuple[str | Path, str | Path]


@dataclass(frozen=True)
class Dataset:
    """Where the two checked CSV files lie. `scale` and `seed` are those of generated data, else None."""

    tracks: Path
    ratings: Path
    source: str
    scale: str | None = None
    seed: int | None = None


def load(
    source: Source = "generated",
    directory: str | Path = "data",
    scale: str = "small",
    seed: int = 0,
    progress: bool = True,
    *,
    endpoint: str | None = None,
) -> Dataset:
    """Make the music data available as two checked CSV files.

    `source` is one of

    - `"generated"`: made here from `scale` (`tiny`, `small`, `full`) and `seed`; needs no network; -
    `"public"`: downloaded from the public bucket `s3://sagemaker-sample-files`, or from the example bucket
    of
      the region, without credentials. This is the real S3 even where AWS_ENDPOINT_URL leads to local
      SageMaker: the public data is as welcome there (`endpoint` names another S3, for tests);
    - a folder with `tracks.csv` and `ratings.csv`, or a pair of files (tracks, ratings) of your own. They are
      used where they are. If one has more columns than the schema or another order of columns, a copy with
      just the schema's columns is made and used; your files are never written.

    Copies go to a folder below `directory`, each written whole or not at all, and are made only once: a
    file that is there and intact stays. `progress` shows the download.

    Raises DatasetError naming file, column, row and value of what does not fit, or why there is no data, and
    ValueError for an unknown scale or seed. Ratings of tracks that are not in the tracks table are a warning
    when they are few, an error when they are more than one in a hundred.
    """
    root = Path(directory)
    if source == "generated":
        return _generated(root / "generated" / f"{scale}-{seed}", scale, seed)
    if source == "public":
        return _public(root / "public", endpoint, progress)
    return _own(source, root / "own")


def read_tracks(path: str | Path) -> pd.DataFrame:
    """The checked tracks table of a CSV file (trackId, eight numbers, genre); DatasetError if it is wrong."""
    return schema.read(path, schema.TRACKS).rows


def read_ratings(path: str | Path) -> pd.DataFrame:
    """The checked ratings table of a CSV file; DatasetError if it does not fit."""
    return schema.read(path, schema.RATINGS).rows


def noise_floor(scale: str, seed: int, events: Iterable[str] | None = None) -> NoiseFloor:
    """The noise floor of generated data: of all ratings, or of those with the given ratingEventIds.

    Raises ValueError for an unknown scale, seed or ratingEventId.
    """
    return generator.generate(scale, seed).noise_floor(events)


def _generated(folder: Path, scale: str, seed: int) -> Dataset:
    generator.check(scale, seed)
    made_by = f"generator {generator.VERSION}"
    with locked(folder):
        if not _intact(folder, made_by):
            music = generator.generate(scale, seed)
            for name, table in (("tracks.csv", music.tracks), ("ratings.csv", music.ratings)):
                _write_table(FILES[name].validate(table), folder / name)
                _remember(folder, name, made_by)
    return Dataset(folder / "tracks.csv", folder / "ratings.csv", "generated", scale, seed)


def _public(folder: Path, endpoint: str | None, progress: bool) -> Dataset:
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    places = ((BUCKET, "us-east-1"), (REGIONAL_BUCKET.format(region=region), region))
    with locked(folder):
        for name in FILES:
            if not _intact(folder, names=(name,)):
                address = fetch(places, f"{KEY}/{name}", folder / name, endpoint, progress)
                _remember(folder, name, address)
        _check_pair(folder / "tracks.csv", folder / "ratings.csv")
    return Dataset(folder / "tracks.csv", folder / "ratings.csv", "public")


def _own(source: Source, copies: Path) -> Dataset:
    if isinstance(source, tuple):
        paths = [Path(path) for path in source]
        if len(paths) != 2:
            raise DatasetError(f"Two files are needed, (tracks, ratings), not {len(paths)}.")
    else:
        folder = Path(source)
        if not folder.is_dir():
            raise DatasetError(
                f'{str(source)!r} is no folder: the source is "generated", "public", a folder with '
                "tracks.csv and ratings.csv, or the pair (tracks file, ratings file)."
            )
        paths = [folder / name for name in FILES]
    tables = _check_pair(*paths)
    used = []
    for name, path, table in zip(FILES, paths, tables, strict=True):
        if not table.plain:
            # A name of its own for every original, so that two sources never share a copy.
            mark = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:8]
            path = copies / f"{path.resolve().parent.name}-{mark}" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_table(table.rows, path)
        used.append(path)
    return Dataset(used[0], used[1], str(source))


def _check_pair(tracks_path: Path, ratings_path: Path) -> tuple[schema.Table, schema.Table]:
    tracks, ratings = schema.read(tracks_path, schema.TRACKS), schema.read(ratings_path, schema.RATINGS)
    unknown = ~ratings.rows["trackId"].isin(tracks.rows["trackId"])
    if unknown.any():
        row = int(unknown.to_numpy().argmax())
        message = (
            f"{ratings_path}: {int(unknown.sum())} of {len(unknown)} ratings are of a trackId that "
            f"{tracks_path} does not have: row {row + 1} has {ratings.rows['trackId'].iloc[row]!r}."
        )
        if unknown.mean() > UNKNOWN_TRACKS:
            raise DatasetError(f"{message} Do the two files belong together?")
        warnings.warn(f"{message} They will be missing from the joined data.", stacklevel=4)
    return tracks, ratings


def _write_table(table: pd.DataFrame, path: Path) -> None:
    temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        table.to_csv(temporary, index=False, lineterminator="\n", encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _manifest(folder: Path) -> dict[str, dict[str, Any]]:
    try:
        found = json.loads((folder / "manifest.json").read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _remember(folder: Path, name: str, origin: str) -> None:
    """Note a finished file's size, digest and origin in the folder's manifest."""
    path = folder / name
    entry = {"size": path.stat().st_size, "sha256": digest(path), "origin": origin}
    temporary = folder / "manifest.json.part"
    temporary.write_text(json.dumps(_manifest(folder) | {name: entry}, indent=1) + "\n")
    temporary.replace(folder / "manifest.json")


def _intact(folder: Path, origin: str | None = None, names: Iterable[str] = tuple(FILES)) -> bool:
    """Whether the files are there as the manifest says (and of that origin)."""
    manifest = _manifest(folder)
    for name in names:
        entry, path = manifest.get(name), folder / name
        if not entry or not path.is_file() or (origin is not None and entry.get("origin") != origin):
            return False
        if path.stat().st_size != entry.get("size") or digest(path) != entry.get("sha256"):
            return False
    return True
