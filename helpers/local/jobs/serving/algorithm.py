"""The images sagemaker-xgboost, linear-learner and mlp: numbers of a data processor in, predictions out."""

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy import sparse

from helpers.local.jobs.job import JobFailure
from helpers.local.jobs.serving import answers, archives, recordio
from helpers.local.jobs.serving.container import (
    CSV,
    OUTPUT,
    RECORDIO,
    BadEnvironment,
    BadRequest,
    Environment,
    UnsupportedContent,
    accepted,
    default_accept,
    keys,
)
from helpers.local.jobs.serving.description import AlgorithmDescription

if TYPE_CHECKING:
    from helpers.local.jobs.automl.tuning.library.task import Fitted

POSSIBLE = ("predicted_label", "probability", "probabilities")
XGBOOST_MODEL, ESTIMATOR = "xgboost-model.ubj", "model.skops"
LIMIT = "MAX_CONTENT_LENGTH"


class AlgorithmContainer:
    """One tuned algorithm, ready in memory. Classes are answered by their numbers, from 0."""

    def __init__(self, directory: Path, environment: Environment, image: str) -> None:
        """Load what was extracted.

        Raises JobFailure when it is not the image's algorithm, BadEnvironment for keys that it cannot answer.
        """
        self.content = AlgorithmDescription.from_json(archives.describe(directory, AlgorithmDescription.kind))
        if self.content.algorithm != image:
            raise JobFailure(
                f"The model data is that of {self.content.algorithm}, and the image serves {image}: give "
                "each container of the candidate its own ModelDataUrl."
            )
        self.accept = default_accept(environment, answers.WRITTEN)
        self.keys = [] if self.content.regression else keys(environment, OUTPUT, POSSIBLE)
        self.limit = _limit(environment)
        self.model = load(directory, self.content)

    @property
    def summary(self) -> str:
        """The algorithm and its numbers."""
        return f"Model {self.content.algorithm}; it takes {self.content.width} numbers"

    def answer(self, body: bytes, content_type: str, accept: str) -> tuple[bytes, str]:
        """Predictions for the rows of a request."""
        kind = accepted(accept, self.accept, answers.WRITTEN)
        if len(body) > self.limit:
            raise BadRequest(
                f"The body has {len(body)} bytes, {LIMIT} allows {self.limit}: send fewer rows at once."
            )
        predicted = self.model.predict(self._read(body, content_type))
        if self.content.regression:
            return answers.numbers(predicted, kind), answers.content_type(kind)
        binary = self.content.classes == 2
        found = answers.columns(predicted, range(self.content.classes), self.keys, of_second=binary)
        return answers.write(found, kind), answers.content_type(kind)

    def _read(self, body: bytes, content_type: str) -> recordio.Matrix:
        """The rows, sparse where the algorithm learned from sparse ones: so a zero means the same to it."""
        kind = content_type.split(";", maxsplit=1)[0].strip().lower() or CSV
        if not body.strip():
            raise BadRequest("The body is empty: send at least one row.")
        if kind == RECORDIO:
            rows = recordio.decode(body, self.content.width)
            return rows if self.content.sparse else rows.toarray()
        if kind == CSV:
            dense = _read_csv(body, self.content.width)
            return sparse.csr_matrix(dense) if self.content.sparse else dense
        raise UnsupportedContent(
            f"Content type '{content_type}' is not supported: send one of {RECORDIO}, {CSV}."
        )


def load(directory: Path, content: AlgorithmDescription) -> "Fitted":
    """The model of an extracted archive. Raises JobFailure when it cannot be loaded."""
    if content.algorithm == "xgboost":
        import xgboost

        from helpers.local.jobs.automl.tuning.library.boosting import FittedXGBoost

        booster = xgboost.Booster()
        try:
            booster.load_model(directory / XGBOOST_MODEL)
        except (ValueError, OSError, xgboost.core.XGBoostError) as error:
            raise JobFailure(
                f"The model data cannot be loaded by XGBoost: {str(error).splitlines()[0]}"
            ) from None
        return FittedXGBoost(booster, content.regression)
    from helpers.local.jobs.automl.tuning.library.linear import FittedEstimator

    estimator = archives.load_estimator(directory / ESTIMATOR)
    return FittedEstimator(estimator, content.regression, 0, content.centre, content.spread)


def _limit(environment: Environment) -> int:
    text = environment.get(LIMIT, "").strip() or str(100 * 1024 * 1024)
    if not text.isdigit():
        raise BadEnvironment(f"{LIMIT} is '{text}': it must be a number of bytes.")
    return int(text)


def _read_csv(body: bytes, width: int) -> npt.NDArray[np.float32]:
    rows = []
    try:
        for number, row in enumerate(csv.reader(io.StringIO(body.decode("utf-8"))), start=1):
            if row:
                rows.append([float(cell) if cell.strip() else np.nan for cell in row])
                if len(row) != width:
                    raise BadRequest(f"Row {number} has {len(row)} numbers, the model takes {width}.")
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadRequest(f"The body is not CSV in UTF-8: {error}.") from None
    except ValueError as error:
        if isinstance(error, BadRequest):
            raise
        raise BadRequest(
            f"Row {len(rows) + 1}: {error}. The rows must be numbers of the data processor."
        ) from None
    return np.array(rows, dtype=np.float32)
