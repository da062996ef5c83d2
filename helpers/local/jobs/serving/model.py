"""A model of a model.tar.gz: unpacked, loaded, asked."""

import json
import os
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from helpers.local.jobs.job import JobFailure
from helpers.local.jobs.serving.description import Description
from helpers.local.objects import NoSuchBucket, NoSuchKey, ObjectStore, split_uri


def unpack(objects: ObjectStore, uri: str, directory: Path) -> None:
    """Extract a model.tar.gz.

    Raises JobFailure when it is not there, broken, or reaches outside the directory.
    """
    try:
        archive = objects.path(*split_uri(uri))
    except (NoSuchBucket, NoSuchKey, ValueError):
        raise JobFailure(
            f"The model data {uri} does not exist: was its bucket emptied? Train again, or correct "
            f"ModelDataUrl."
        ) from None
    try:
        with tarfile.open(archive, "r:gz") as tar:
            tar.extractall(directory, filter="data")
    except (tarfile.TarError, OSError, EOFError) as error:
        raise JobFailure(f"The model data {uri} is not a usable tar.gz: {error}.") from None


class Model:
    """One AutoGluon model, ready in memory."""

    def __init__(self, directory: Path) -> None:
        """Load what `unpack` extracted.

        Raises JobFailure when it was not made by an AutoML job of this machine.
        """
        try:
            content = json.loads((directory / "description.json").read_text(encoding="utf-8"))
            self.description = Description.from_json(content)
        except (OSError, ValueError, KeyError, TypeError):
            raise JobFailure(
                "The model data holds no description.json: only models that an AutoML job of this machine "
                "trained can "
                "be served by this image."
            ) from None
        from autogluon.tabular import TabularPredictor

        from helpers.local.jobs.automl.ensembling.quiet import quiet

        quiet()
        self.predictor: Any = TabularPredictor.load(str(directory / "predictor"), verbosity=0)
        self.predictor.persist(max_memory=None)
        self._warm_up()

    def _warm_up(self) -> None:
        """Predict one row of missing values, so that the first caller does not wait for lazy imports."""
        row = {
            column.name: [np.nan if column.kind == "number" else None] for column in self.description.columns
        }
        frame = pd.DataFrame(row)
        if self.description.problem_type == "Regression":
            self.predict(frame)
        else:
            self.probabilities(frame)

    def predict(self, frame: pd.DataFrame) -> npt.NDArray[np.float64]:
        """The predicted number of every row."""
        return np.asarray(self.predictor.predict(frame, as_pandas=False), dtype=float)

    def probabilities(self, frame: pd.DataFrame) -> npt.NDArray[np.float64]:
        """The probability of every class, (rows, classes) in the order of the description."""
        return np.asarray(
            self.predictor.predict_proba(frame, as_pandas=False, as_multiclass=True), dtype=float
        )


def cores() -> int:
    """The processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
