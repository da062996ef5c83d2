"""The training data of an AutoML job: read from S3 in place, checked, cleaned, split."""

from dataclasses import dataclass, field

import pandas as pd

from helpers.local.jobs.automl.data import specification as feature_specification
from helpers.local.jobs.automl.data.cells import align, column, normalise
from helpers.local.jobs.automl.data.reading import Reader, listed
from helpers.local.jobs.automl.data.specification import Specification
from helpers.local.jobs.automl.data.splitting import split
from helpers.local.jobs.automl.data.target import (
    clean_target,
    infer_problem_type,
    require_classes,
    require_target,
)
from helpers.local.jobs.automl.data.weights import clean_weights
from helpers.local.jobs.automl.settings import Settings
from helpers.local.jobs.channels import InputObject, read_source
from helpers.local.jobs.job import JobFailure
from helpers.local.machine import usable_memory
from helpers.local.objects import ObjectStore

MINIMUM_ROWS = 500
# Training makes so many copies of a table; the libraries take so many bytes, at most half of all memory.
COPIES, LIBRARIES = 8, 500_000_000


@dataclass
class Tables:
    """The channels as read: every row and every column."""

    training: pd.DataFrame
    validation: pd.DataFrame | None
    specification: Specification


@dataclass
class TrainingData:
    """Frames with features, target and weight; `features` are the columns a client sends, in training order.

    Cells are int64, float64, bool, or texts (object, None where missing).
    """

    training: pd.DataFrame
    validation: pd.DataFrame
    features: list[str]
    problem_type: str  # Regression, BinaryClassification or MulticlassClassification
    validation_given: bool
    weight: str | None = None  # the column of sample weights
    types: dict[str, str] = field(default_factory=dict)  # of the features whose type the user gave
    dropped: int = 0  # training rows without a valid target


def training_objects(objects: ObjectStore, settings: Settings) -> list[InputObject]:
    """The objects of the training channel. Raises JobFailure when there is none."""
    channels = [channel for channel in settings.channels if not channel.validation]
    return [item for channel in channels for item in read_source(objects, channel.source)]


def read(
    objects: ObjectStore, settings: Settings, mode: str = "ENSEMBLING", memory: int | None = None
) -> Tables:
    """Read every channel. Raises JobFailure when one cannot be read or lacks the target."""
    specification = feature_specification.read(objects, settings, mode)
    memory = usable_memory() if memory is None else memory
    budget = max(memory - LIBRARIES, memory // 2) // COPIES
    tables: dict[bool, pd.DataFrame] = {}
    for channel in settings.channels:
        table = Reader(channel, specification.texts(), budget).read(objects)
        require_target(table, settings.target)
        tables[channel.validation] = table
    return Tables(tables[False], tables.get(True), specification)


def prepare(tables: Tables, settings: Settings) -> TrainingData:
    """Choose the features, drop rows without a valid target or weight, settle the problem type, split.

    Raises JobFailure when the data cannot be trained on.
    """
    features = tables.specification.features(
        list(tables.training.columns), settings.target, settings.sample_weight
    )
    if not features:
        raise JobFailure(
            f"The data has no column besides the target '{settings.target}': add feature columns."
        )
    types = {name: kind for name, kind in tables.specification.types.items() if name in features}
    table = _normalised(tables.training, features, settings, types, "training")
    problem_type = settings.problem_type or infer_problem_type(table[settings.target])
    training = clean_target(table, settings.target, problem_type, "training")
    dropped = len(table) - len(training)
    training = _weighted(training, settings, "training")
    if len(training) < MINIMUM_ROWS:
        raise JobFailure(
            f"The training data has {len(training)} rows with a valid target; at least {MINIMUM_ROWS} are "
            "needed. Add rows, or check that the target column is filled."
        )
    require_classes(training[settings.target], problem_type)
    if not any(training[name].nunique() > 1 for name in features):
        raise JobFailure(
            "No feature tells anything: each has the same value in every row, or none. Add columns that "
            "differ from row to row."
        )
    if tables.validation is not None:
        validation = _validation(tables.validation, training, features, settings, types, problem_type)
    else:
        training, validation = split(training, settings.target, problem_type, settings.validation_fraction)
    return TrainingData(
        training,
        validation,
        features,
        problem_type,
        tables.validation is not None,
        settings.sample_weight,
        types,
        dropped,
    )


def load(objects: ObjectStore, settings: Settings) -> TrainingData:
    """Read and prepare. Raises JobFailure when the data cannot be trained on."""
    return prepare(read(objects, settings), settings)


def _normalised(
    table: pd.DataFrame, features: list[str], settings: Settings, types: dict[str, str], part: str
) -> pd.DataFrame:
    """The columns that are used, of types that models take."""
    wanted = [*features, settings.target]
    if settings.sample_weight is not None:
        wanted.append(settings.sample_weight)
    missing = [name for name in wanted if name not in table.columns]
    if missing:
        raise JobFailure(
            f"The {part} data lacks the columns {listed(missing)}: its columns are {listed(table.columns)}."
        )
    chosen = [name for name in table.columns if name in set(wanted)]
    frame = normalise(table[chosen], types)
    if settings.problem_type != "Regression":
        frame[settings.target] = column(table[settings.target], texts=True)  # `01` is not the label `1`
    return frame


def _weighted(frame: pd.DataFrame, settings: Settings, part: str) -> pd.DataFrame:
    return frame if settings.sample_weight is None else clean_weights(frame, settings.sample_weight, part)


def _validation(
    table: pd.DataFrame,
    training: pd.DataFrame,
    features: list[str],
    settings: Settings,
    types: dict[str, str],
    problem_type: str,
) -> pd.DataFrame:
    """The validation channel with the columns and the types of the training data."""
    frame = _normalised(table, features, settings, types, "validation")
    frame = clean_target(frame, settings.target, problem_type, "validation")
    frame = _weighted(frame, settings, "validation")
    if frame.empty:
        raise JobFailure("The validation channel has no row with a valid target.")
    return align(frame, training)
