"""The image autogluon-inference: one model of AutoGluon, from raw columns to predictions."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from helpers.local.jobs.job import JobFailure
from helpers.local.jobs.serving import answers, archives
from helpers.local.jobs.serving.container import OUTPUT, Environment, accepted, default_accept, keys
from helpers.local.jobs.serving.description import Description
from helpers.local.jobs.serving.direct import shortened
from helpers.local.jobs.serving.tables import read_table


class Ensemble:
    """One AutoGluon model, ready in memory."""

    def __init__(self, directory: Path, environment: Environment) -> None:
        """Load what was extracted.

        Raises JobFailure when it was not made by an AutoML job of this machine, BadEnvironment for keys that
        it cannot answer.
        """
        self.description = _description(archives.describe(directory, "predictor"))
        self.keys = keys(environment, OUTPUT)
        self.accept = default_accept(environment, answers.WRITTEN)
        from helpers.local.jobs.automl.ensembling import engine

        engine.load()
        from autogluon.tabular import TabularPredictor

        self.predictor: Any = TabularPredictor.load(str(directory / "predictor"), verbosity=0)
        self.predictor.persist(max_memory=None)
        self.direct = shortened(self.predictor, self.description)
        self._warm_up()

    @property
    def summary(self) -> str:
        """The model and its columns."""
        return f"Model {self.description.model}; it takes {len(self.description.columns)} columns"

    def answer(self, body: bytes, content_type: str, accept: str) -> tuple[bytes, str]:
        """Predictions for the rows of a request."""
        kind = accepted(accept, self.accept, answers.WRITTEN)
        frame = read_table(body, content_type, self.description)
        if self.description.problem_type == "Regression":
            return answers.numbers(self.predict(frame), kind), answers.content_type(kind)
        found = answers.columns(self.probabilities(frame), self.description.classes, self.keys)
        return answers.write(found, kind), answers.content_type(kind)

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
        if self.direct is not None:
            return self.direct(frame)
        return np.asarray(self.predictor.predict(frame, as_pandas=False), dtype=float)

    def probabilities(self, frame: pd.DataFrame) -> npt.NDArray[np.float64]:
        """The probability of every class, (rows, classes) in the order of the description."""
        return np.asarray(
            self.predictor.predict_proba(frame, as_pandas=False, as_multiclass=True), dtype=float
        )


def _description(content: dict[str, Any]) -> Description:
    try:
        return Description.from_json(content)
    except (KeyError, TypeError):
        raise JobFailure(f"The {archives.DESCRIPTION} of the model data is not whole: train again.") from None
