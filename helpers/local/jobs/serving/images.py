"""Which images are served on this machine, and by what."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from helpers.local.jobs.job import JobFailure
from helpers.local.jobs.serving.archives import DESCRIPTION
from helpers.local.jobs.serving.built_in import BuiltIn
from helpers.local.jobs.serving.container import Container, Environment, Served
from helpers.local.jobs.serving.script import source
from helpers.local.jobs.serving.script.frameworks import FRAMEWORKS
from helpers.local.objects import ObjectStore

Loader = Callable[[Path, Environment], Container]
# Images that are known, and why they are not served.
UNSERVED = {
    "tensorflow-inference": "it needs TensorFlow Serving, a program that is no Python package",
    "huggingface-tensorflow-inference": "it needs TensorFlow",
}


def check(image: str) -> None:
    """Raises JobFailure for an image that is not served here."""
    repository = _repository(image)
    if repository in LOADERS or repository in FRAMEWORKS:
        return
    why = f" ({UNSERVED[repository]})" if repository in UNSERVED else ""
    raise JobFailure(
        f"The image '{image}' cannot be served on this machine{why}: images are not run here, their work is "
        f"done by processes. Those of an AutoML candidate can be served ({', '.join(LOADERS)}), and code of "
        f"your own (code/inference.py in the model.tar.gz) with {', '.join(FRAMEWORKS)}."
    )


def takes_code(image: str) -> bool:
    """Whether an image runs code of the user's own, which need not come with model data."""
    return _repository(image) in FRAMEWORKS


def load(image: str, objects: ObjectStore, model: Path, environment: Environment) -> Served:
    """Load the unpacked model data as an image does that was checked.

    Raises JobFailure for a model that it does not load, BadEnvironment for what the container's Environment
    asks for and cannot have.
    """
    repository = _repository(image)
    if repository in FRAMEWORKS and (repository not in LOADERS or _is_script(model, environment)):
        from helpers.local.jobs.serving.script import container

        return container.load(repository, objects, model, environment)
    if repository in FRAMEWORKS and not (model / DESCRIPTION).is_file():
        raise JobFailure(
            f"The model data holds neither {DESCRIPTION}, as models of an AutoML job do, nor your own code: "
            f"put code/{source.DEFAULT} with model_fn beside your model files in the model.tar.gz, and set "
            f"{source.PROGRAM} to {source.DEFAULT}."
        )
    return BuiltIn(loader(image)(model, environment))


def loader(image: str) -> Loader:
    """What loads a model of an AutoML candidate, for the images of such a candidate."""
    return LOADERS[_repository(image)]


def _repository(image: str) -> str:
    return image.rsplit("/", 1)[-1].split("@", maxsplit=1)[0].split(":", maxsplit=1)[0]


def _is_script(model: Path, environment: Environment) -> bool:
    """Whether an image that serves AutoML's models is asked to run the user's code instead."""
    return source.brings_code(model, environment) and not (model / DESCRIPTION).is_file()


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
