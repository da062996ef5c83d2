"""Which mode a job takes, and the making of it; nothing of a mode is loaded that is not taken."""

from helpers.local.jobs.automl.mode import Assignment, Mode
from helpers.local.jobs.automl.settings import Settings
from helpers.local.jobs.channels import InputObject

ENSEMBLING, TUNING = "ENSEMBLING", "HYPERPARAMETER_TUNING"
# AUTO takes tuning for more than this.
LARGEST_BYTES = 100 * 1024 * 1024
MOST_OBJECTS = 1000


def choose(settings: Settings, training: list[InputObject]) -> str:
    """The mode asked for, or AUTO's choice by the size and the form of the training input."""
    if settings.mode != "AUTO":
        return settings.mode
    size = sum(item.path.stat().st_size for item in training)
    manifest = any(channel.source.get("S3DataType") == "ManifestFile" for channel in settings.channels)
    return TUNING if size > LARGEST_BYTES or manifest or len(training) > MOST_OBJECTS else ENSEMBLING


def check(mode: str, settings: Settings) -> None:
    """Raises JobFailure for what the mode cannot do of what is asked, before anything is read."""
    if mode == TUNING:
        from helpers.local.jobs.automl.tuning.mode import chosen_algorithms

        chosen_algorithms(settings)
        return
    from helpers.local.jobs.automl.ensembling.recipes import recipes

    recipes(settings)


def build(mode: str, assignment: Assignment) -> Mode:
    """The mode, ready to prepare."""
    check(mode, assignment.settings)
    if mode == TUNING:
        from helpers.local.jobs.automl.tuning.mode import Tuning

        return Tuning(assignment)
    from helpers.local.jobs.automl.ensembling.mode import Ensembling

    return Ensembling(assignment)
