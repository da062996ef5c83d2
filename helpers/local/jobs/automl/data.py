"""The training data of an AutoML job: read from S3 in place, checked, cleaned, split."""

import csv
import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import pandas as pd

from helpers.local.jobs.automl.settings import Channel, Settings
from helpers.local.jobs.channels import InputObject, read_source
from helpers.local.jobs.job import JobFailure
from helpers.local.objects import ObjectStore

MINIMUM_ROWS = 500
SPLIT_SEED = 0


@dataclass
class TrainingData:
    """Frames with features and target; `features` are the columns a client sends, in training order."""

    training: pd.DataFrame
    validation: pd.DataFrame
    features: list[str]
    problem_type: str  # Regression, BinaryClassification or MulticlassClassification
    validation_given: bool


def training_objects(objects: ObjectStore, settings: Settings) -> list[InputObject]:
    """The objects of the training channel. Raises JobFailure when there is none."""
    channels = [channel for channel in settings.channels if not channel.validation]
    return [item for channel in channels for item in read_source(objects, channel.source)]


def load(objects: ObjectStore, settings: Settings) -> TrainingData:
    """Read every channel, drop rows without a valid target, settle the problem type, split.

    Raises JobFailure when the data cannot be trained on.
    """
    training = _read_channels(objects, [channel for channel in settings.channels if not channel.validation])
    validation_channels = [channel for channel in settings.channels if channel.validation]
    _require_target(training, settings.target)
    problem_type = settings.problem_type or infer_problem_type(training[settings.target])
    training = clean_target(training, settings.target, problem_type, "training")
    if len(training) < MINIMUM_ROWS:
        raise JobFailure(
            f"The training data has {len(training)} rows with a valid target; at least {MINIMUM_ROWS} are "
            f"needed. "
            "Add rows, or check that the target column is filled."
        )
    _require_classes(training[settings.target], problem_type)
    features = [str(column) for column in training.columns if column != settings.target]
    if not features:
        raise JobFailure(
            f"The data has no column besides the target '{settings.target}': add feature columns."
        )
    if validation_channels:
        validation = _read_channels(objects, validation_channels)
        _require_target(validation, settings.target)
        missing = [name for name in features if name not in validation.columns]
        if missing:
            raise JobFailure(
                f"The validation channel lacks the columns {_listed(missing)}: both channels need the same "
                f"columns."
            )
        validation = clean_target(validation, settings.target, problem_type, "validation")[
            list(training.columns)
        ]
        if validation.empty:
            raise JobFailure("The validation channel has no row with a valid target.")
    else:
        training, validation = split(training, settings.target, problem_type, settings.validation_fraction)
    return TrainingData(training, validation, features, problem_type, bool(validation_channels))


def _read_channels(objects: ObjectStore, channels: Sequence[Channel]) -> pd.DataFrame:
    frames = []
    for channel in channels:
        found = [item for item in read_source(objects, channel.source) if item.path.stat().st_size]
        if not found:
            raise JobFailure(f"Every object under {channel.source['S3Uri']} is empty: upload data with rows.")
        header: list[str] | None = None
        for item in found:
            if channel.parquet:
                frames.append(_read_parquet(item))
            else:
                header, frame = _read_csv(item, channel.gzip, header)
                frames.append(frame)
    if len(frames) == 1:
        return frames[0]
    columns = list(frames[0].columns)
    for frame in frames[1:]:
        if list(frame.columns) != columns:
            raise JobFailure(
                f"The files of a channel have different columns: {_listed(columns)} and "
                f"{_listed(frame.columns)}."
            )
    return pd.concat(frames, ignore_index=True)


def _read_parquet(item: InputObject) -> pd.DataFrame:
    try:
        return pd.read_parquet(item.path)
    except (OSError, ValueError) as error:
        raise JobFailure(f"{item.uri} cannot be read as Parquet ({_first_line(error)}).") from None


def _read_csv(
    item: InputObject, compressed: bool, header: list[str] | None
) -> tuple[list[str], pd.DataFrame]:
    """One CSV file.

    After the first file a header row is expected only where the first line repeats the header.
    """
    try:
        with _open(item.path, compressed) as lines:
            first = next(csv.reader(lines), [])
        own = header is None or [name.strip() for name in first] == header
        frame = pd.read_csv(
            item.path,
            compression="gzip" if compressed else None,
            header=0 if own else None,
            names=None if own else header,
            low_memory=False,
        )
    except (OSError, EOFError, ValueError, csv.Error) as error:  # pandas' parser errors are ValueErrors
        raise JobFailure(f"{item.uri} cannot be read as CSV ({_first_line(error)}).") from None
    frame.columns = frame.columns.astype(str)
    return (header if header is not None else [name.strip() for name in first]), frame


def _open(path: Path, compressed: bool) -> IO[str]:
    if compressed:
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open("rt", encoding="utf-8-sig", newline="")


def _require_target(frame: pd.DataFrame, target: str) -> None:
    if target not in frame.columns:
        raise JobFailure(
            f"The target column '{target}' is not in the data, whose columns are {_listed(frame.columns)}. "
            f"Check the "
            "spelling and the case of TargetAttributeName, and that the files have a header row."
        )
    if frame.empty:
        raise JobFailure("The data has a header but no rows: upload data with rows.")


def infer_problem_type(target: pd.Series) -> str:
    """The problem type the target suggests: few distinct values are classes, many numbers a quantity."""
    values = target.dropna()
    distinct = values.nunique()
    if distinct == 2:
        return "BinaryClassification"
    if not pd.api.types.is_numeric_dtype(values):
        numbers = pd.to_numeric(values, errors="coerce")
        if numbers.notna().mean() > 0.9 and distinct > 20:
            return "Regression"
        return "MulticlassClassification"
    whole = bool(np.all(np.mod(values.to_numpy(dtype=float), 1) == 0))
    return "MulticlassClassification" if whole and distinct <= 20 else "Regression"


def clean_target(frame: pd.DataFrame, target: str, problem_type: str, part: str) -> pd.DataFrame:
    """The rows whose target is valid; how many were dropped is said in the log."""
    values = frame[target]
    if problem_type == "Regression":
        values = pd.to_numeric(values, errors="coerce").replace([np.inf, -np.inf], np.nan)
    elif pd.api.types.is_float_dtype(values):
        values = values.replace([np.inf, -np.inf], np.nan)
        if np.all(np.mod(values.dropna().to_numpy(), 1) == 0):
            values = values.astype("Int64")  # labels 0 and 1 of a column with blanks are read as 0.0 and 1.0
    elif not pd.api.types.is_numeric_dtype(values):
        values = values.where(values.isna(), values.astype(str).str.strip()).replace("", np.nan)
    valid = values.notna()
    dropped = int((~valid).sum())
    if dropped:
        print(
            f"Dropped {dropped} of {len(frame)} {part} rows: their target '{target}' is missing or invalid.",
            flush=True,
        )
    if not valid.any():
        raise JobFailure(
            f"No row of the {part} data has a valid target in '{target}'. Fill the column"
            + (" with numbers." if problem_type == "Regression" else ".")
        )
    cleaned = frame[valid].reset_index(drop=True)
    values = values[valid].reset_index(drop=True)
    cleaned[target] = values.astype("int64") if values.dtype == "Int64" else values
    return cleaned


def _require_classes(target: pd.Series, problem_type: str) -> None:
    distinct = target.nunique()
    if problem_type == "Regression":
        return
    if distinct < 2:
        raise JobFailure(
            f"The target has one class only ('{target.iloc[0]}'): classification needs at least two."
        )
    if problem_type == "BinaryClassification" and distinct > 2:
        raise JobFailure(
            f"The target has {distinct} classes, and ProblemType is BinaryClassification: use "
            f"MulticlassClassification."
        )


def split(
    frame: pd.DataFrame, target: str, problem_type: str, fraction: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The training and the validation part: a seeded shuffle, within each class for classification."""
    random = np.random.default_rng(SPLIT_SEED)
    order = random.permutation(len(frame))
    if problem_type == "Regression":
        chosen = order[: max(1, round(len(frame) * fraction))]
    else:
        labels = frame[target].to_numpy()[order]
        ranks = pd.Series(np.arange(len(order))).groupby(labels).cumcount().to_numpy()
        sizes = pd.Series(labels).groupby(labels).transform("size").to_numpy()
        chosen = order[ranks < np.floor(sizes * fraction + 0.5)]
    mask = np.zeros(len(frame), dtype=bool)
    mask[chosen] = True
    if not mask.any() or mask.all():
        raise JobFailure(f"ValidationFraction {fraction} leaves no rows to validate or none to train on.")
    return frame[~mask].reset_index(drop=True), frame[mask].reset_index(drop=True)


def _listed(names: Sequence[str] | pd.Index, limit: int = 20) -> str:
    shown = ", ".join(f"'{name}'" for name in list(names)[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
