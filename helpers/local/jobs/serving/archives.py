"""The model.tar.gz of a container: unpacked, and what in it may be loaded."""

import json
import tarfile
from pathlib import Path
from typing import Any

from helpers.local.jobs.job import JobFailure
from helpers.local.objects import NoSuchBucket, NoSuchKey, ObjectStore, split_uri

DESCRIPTION = "description.json"
# Beyond what skops trusts of scikit-learn: the cells of our data processors, the folds of their target
# encoders, and the optimiser that a network keeps.
OURS = "helpers.local.jobs.automl.tuning.library.cells."
TRUSTED = (
    "numpy.dtype",
    "sklearn.model_selection._split.KFold",
    "sklearn.model_selection._split.StratifiedKFold",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
)


def unpack(objects: ObjectStore, uri: str, directory: Path, what: str = "model data") -> None:
    """Extract a model.tar.gz, or a sourcedir.tar.gz with code.

    Raises JobFailure when it is not there, broken, or reaches outside the directory.
    """
    try:
        archive = objects.path(*split_uri(uri))
    except (NoSuchBucket, NoSuchKey, ValueError):
        raise JobFailure(
            f"The {what} {uri} does not exist: was its bucket emptied? Make it again, or correct its address."
        ) from None
    try:
        with tarfile.open(archive, "r:gz") as tar:
            tar.extractall(directory, filter="data")
    except (tarfile.TarError, OSError, EOFError) as error:
        raise JobFailure(f"The {what} {uri} is not a usable tar.gz: {error}.") from None


def describe(directory: Path, kind: str) -> dict[str, Any]:
    """The description of a model of this kind.

    Raises JobFailure when there is none, or one of another kind.
    """
    try:
        content = json.loads((directory / DESCRIPTION).read_text(encoding="utf-8"))
        found = content.get("kind", "predictor")
    except (OSError, ValueError, AttributeError):
        raise JobFailure(
            f"The model data holds no {DESCRIPTION}: only models that an AutoML job of this machine trained "
            "can be served by this image."
        ) from None
    if found != kind:
        raise JobFailure(
            f"The model data is that of a {found}, and this image serves a {kind}: are the containers in the "
            "order of the candidate's InferenceContainers, each with its own ModelDataUrl?"
        )
    described: dict[str, Any] = content
    return described


def load_estimator(path: Path) -> Any:
    """An estimator of scikit-learn, stored by skops: loading it runs no code that the file brings along.

    Raises JobFailure when the file is not there, broken, or names a type that no model of ours has.
    """
    import skops.io
    from skops.io.exceptions import UntrustedTypesFoundException

    try:
        asked = skops.io.get_untrusted_types(file=path)
        trusted = [name for name in asked if name.startswith(OURS) or name in TRUSTED]
        return skops.io.load(path, trusted=trusted)
    except UntrustedTypesFoundException as error:
        raise JobFailure(f"The model data is refused: {error}") from None
    except Exception as error:  # noqa: BLE001 - a broken file fails in as many ways as there are bytes
        raise JobFailure(
            f"The model data cannot be loaded ({type(error).__name__}: {error}). Was it made by other "
            "versions of the libraries? Then train again."
        ) from None


def store_estimator(estimator: Any, path: Path) -> None:
    """Store an estimator so that `load_estimator` takes it."""
    import skops.io

    skops.io.dump(estimator, path)
