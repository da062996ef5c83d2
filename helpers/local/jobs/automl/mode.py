"""What a mode of an AutoML job is, and which one a job takes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from helpers.local.jobs.automl.data import TrainingData
from helpers.local.jobs.automl.experiment import Experiment
from helpers.local.jobs.automl.locations import Locations
from helpers.local.jobs.automl.model import TrainedModel
from helpers.local.jobs.automl.resources import Resources
from helpers.local.jobs.automl.settings import Settings
from helpers.local.objects import ObjectStore


@dataclass(frozen=True)
class Assignment:
    """All that a mode works with."""

    settings: Settings
    data: TrainingData
    locations: Locations
    resources: Resources
    experiment: Experiment  # limits, candidates, the stop request
    objects: ObjectStore
    directory: Path  # the job's own, for scratch files


class Mode(Protocol):
    """One way to train candidates.

    The methods are called in this order, each once, `trained` as often as wanted.
    """

    preparing: str  # the secondary status during `prepare`
    training: str  # the secondary status during `train` and `finish`

    def define(self) -> str | None:
        """Write the candidate definition notebook. Returns its S3 URI, or None where the mode has none."""

    def prepare(self) -> None:
        """What comes before the first candidate, such as fitting data processors."""

    def train(self) -> None:
        """Train the candidates one after the other, each by `experiment.attempt`, inside the limits.

        Raises JobFailure when not one could be trained.
        """

    def finish(self) -> None:
        """What makes the best candidate better still, such as training it on all rows."""

    def trained(self, candidate: str) -> TrainedModel:
        """The model of a completed candidate as it was measured: it has not seen the validation rows."""
