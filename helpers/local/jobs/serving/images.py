"""Which images are served on this machine, and by what."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from helpers.local.jobs.job import JobFailure
from helpers.local.jobs.serving.container import Container, Environment

Loader = Callable[[Path, Environment], Container]


def loader(image: str) -> Loader:
    """What loads a model for an image, whatever its registry and its tag.

    Raises JobFailure for an image that is not served here.
    """
    repository = image.rsplit("/", 1)[-1].split("@", maxsplit=1)[0].split(":", maxsplit=1)[0]
    found = LOADERS.get(repository)
    if found is None:
        raise JobFailure(
            f"The image '{image}' cannot be served on this machine: only those of an AutoML candidate can "
            f"({', '.join(LOADERS)})."
        )
    return found


def _ensemble(directory: Path, environment: Environment) -> Container:
    from helpers.local.jobs.serving.ensemble import Ensemble

    return Ensemble(directory, environment)


def _processor(directory: Path, environment: Environment) -> Container:
    from helpers.local.jobs.serving import processor

    return processor.load(directory, environment)


def _algorithm(name: str, directory: Path, environment: Environment) -> Container:
    from helpers.local.jobs.serving.algorithm import AlgorithmContainer

    return AlgorithmContainer(directory, environment, name)


LOADERS: dict[str, Loader] = {
    "autogluon-inference": _ensemble,
    "sagemaker-sklearn-automl": _processor,
    "sagemaker-xgboost": partial(_algorithm, "xgboost"),
    "linear-learner": partial(_algorithm, "linear-learner"),
    "mlp": partial(_algorithm, "mlp"),
}
