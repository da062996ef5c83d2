"""The image sagemaker-sklearn-automl: columns to numbers before an algorithm, classes to labels after it."""

import ast
import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from helpers.local.jobs.serving import answers, archives, recordio
from helpers.local.jobs.serving.container import (
    CSV,
    INPUT,
    JSON_LINES,
    OUTPUT,
    RECORDIO,
    BadEnvironment,
    BadRequest,
    Container,
    Environment,
    UnsupportedContent,
    accepted,
    default_accept,
    keys,
)
from helpers.local.jobs.serving.description import Column, Description, ProcessorDescription
from helpers.local.jobs.serving.tables import read_table

MODE, SPARSE = "AUTOML_TRANSFORM_MODE", "AUTOML_SPARSE_ENCODE_RECORDIO_PROTOBUF"
MODES = ("feature-transform", "inverse-label-transform")


def load(directory: Path, environment: Environment) -> Container:
    """What the container's AUTOML_TRANSFORM_MODE asks for.

    Raises BadEnvironment for an unknown mode, and JobFailure for a model that is no data processor.
    """
    mode = environment.get(MODE, MODES[0])
    content = ProcessorDescription.from_json(archives.describe(directory, ProcessorDescription.kind))
    if mode == MODES[0]:
        return FeatureTransform(directory, content, environment)
    if mode == MODES[1]:
        return InverseLabelTransform(content, environment)
    raise BadEnvironment(f"{MODE} is '{mode}': it must be one of {', '.join(MODES)}.")


class FeatureTransform:
    """Raw columns in, numbers out: records of RecordIO, or CSV."""

    written = (RECORDIO, CSV)

    def __init__(self, directory: Path, content: ProcessorDescription, environment: Environment) -> None:
        self.content = content
        self.accept = default_accept(environment, self.written)
        self.places = environment.get(SPARSE, "0").strip().lower() in ("1", "true")
        columns = list(content.columns)
        columns.insert(content.target_position, Column(content.target, "text"))
        self.features = Description(
            content.name, content.problem_type, list(content.columns), content.classes
        )
        self.with_target = Description(content.name, content.problem_type, columns, content.classes)
        self.processor: Any = archives.load_estimator(directory / "processor.skops")
        row = {column.name: [np.nan if column.kind == "number" else None] for column in content.columns}
        self.processor.transform(pd.DataFrame(row))  # so that the first caller does not wait for lazy imports

    @property
    def summary(self) -> str:
        """The processor and its columns."""
        return f"Data processor {self.content.name}; it takes {len(self.content.columns)} columns"

    def answer(self, body: bytes, content_type: str, accept: str) -> tuple[bytes, str]:
        """The rows as an algorithm takes them."""
        from helpers.local.jobs.automl.tuning.library.processors import transform

        kind = accepted(accept, self.accept, self.written)
        matrix = transform(self.processor, self._read(body, content_type))
        if kind == RECORDIO:
            return recordio.encode(matrix, places=self.places), RECORDIO
        dense = matrix if isinstance(matrix, np.ndarray) else matrix.toarray()
        text = io.StringIO()
        np.savetxt(text, dense, fmt="%.9g", delimiter=",")
        return text.getvalue().encode(), answers.content_type(CSV)

    def _read(self, body: bytes, content_type: str) -> pd.DataFrame:
        """The rows; where the target is among the columns it is left out, and rows that lack it with it."""
        if content_type.split(";", maxsplit=1)[0].strip().lower() in ("", CSV):
            found, expected = _width(body), len(self.features.columns)
            if found == expected + 1:
                frame = read_table(body, content_type, self.with_target)
                there = frame.iloc[:, self.content.target_position].notna().to_numpy()
                if not there.any():
                    raise BadRequest(
                        "No row has a target: send rows without the target column to predict it."
                    )
                names = [column.name for column in self.features.columns]
                without = frame.drop(columns=frame.columns[self.content.target_position])
                return without[names][there].reset_index(drop=True)
            if found not in (None, expected):
                raise BadRequest(
                    f"Received data of unknown size. Expected number of columns is {expected}. Number of "
                    f"columns in the received data is {found}."
                )
        return read_table(body, content_type, self.features)


def _width(body: bytes) -> int | None:
    """The number of cells of the first row; None where it cannot be told."""
    try:
        rows = csv.reader(io.StringIO(body.decode("utf-8")))
        return next((len(row) for row in rows if row), None)
    except (UnicodeDecodeError, csv.Error):
        return None


class InverseLabelTransform:
    """What the algorithm answers in, labels in the place of classes out."""

    def __init__(self, content: ProcessorDescription, environment: Environment) -> None:
        self.content = content
        if not content.classes:
            raise BadEnvironment(f"{MODE} is {MODES[1]}, and this is a regression: it has no labels.")
        self.accept = default_accept(environment, answers.WRITTEN)
        self.output = keys(environment, OUTPUT)
        self.input = keys(environment, INPUT)
        for key in self.output:
            if key not in self.input and key != "labels":
                raise BadEnvironment(
                    f"{OUTPUT} asks for '{key}', which {INPUT} ({', '.join(self.input)}) does not bring: "
                    f"name it in {INPUT} too, and in {OUTPUT} of the container before."
                )

    @property
    def summary(self) -> str:
        """The labels."""
        return f"Labels of data processor {self.content.name}; it knows {len(self.content.classes)}"

    def answer(self, body: bytes, content_type: str, accept: str) -> tuple[bytes, str]:
        """The keys that are wanted, of those that came."""
        kind = accepted(accept, self.accept, answers.WRITTEN)
        found = self._read(body, content_type)
        labels = list(self.content.classes)
        if "predicted_label" in found:
            found["predicted_label"] = [self._label(value) for value in found["predicted_label"]]
        rows = len(next(iter(found.values())))
        shown = {key: [labels] * rows if key == "labels" else found[key] for key in self.output}
        return answers.write(shown, kind), answers.content_type(kind)

    def _label(self, value: object) -> str:
        try:
            number = float(str(value))
        except ValueError:
            number = -1
        if not number.is_integer() or not 0 <= number < len(self.content.classes):
            raise BadRequest(
                f"'{value}' is none of the classes 0 to {len(self.content.classes) - 1}: does {OUTPUT} of "
                f"the container before name the keys of {INPUT} ({', '.join(self.input)}) in the same order?"
            )
        return self.content.classes[int(number)]

    def _read(self, body: bytes, content_type: str) -> dict[str, list[object]]:
        """The values of each key that came."""
        kind = content_type.split(";", maxsplit=1)[0].strip().lower() or CSV
        if kind not in (CSV, JSON_LINES):
            raise UnsupportedContent(
                f"Content type '{content_type}' is not supported: send one of {CSV}, {JSON_LINES}."
            )
        try:
            text = body.decode("utf-8")
            if kind == JSON_LINES:
                rows = [list(json.loads(line).values()) for line in text.splitlines() if line.strip()]
            else:
                rows = [row for row in csv.reader(io.StringIO(text)) if row]
        except (ValueError, AttributeError, csv.Error) as error:
            raise BadRequest(f"The body is no {kind}: {error}.") from None
        if not rows:
            raise BadRequest("The body is empty: send at least one row.")
        brought = [key for key in self.input if key != "labels"]
        for number, row in enumerate(rows, start=1):
            if len(row) != len(brought):
                raise BadRequest(
                    f"Row {number} has {len(row)} values, and {INPUT} names {len(brought)} "
                    f"({', '.join(brought)}): {OUTPUT} of the container before and {INPUT} of this "
                    "one must name the same keys."
                )
        columns = dict(zip(brought, map(list, zip(*rows, strict=True)), strict=True))
        for key in ("probability", "probabilities"):
            if key in columns:
                columns[key] = [_number(cell, key) for cell in columns[key]]
        return columns


def _number(cell: object, key: str) -> object:
    """A probability, or a list of them, as read from a cell."""
    try:
        value = ast.literal_eval(cell) if isinstance(cell, str) else cell
    except (ValueError, SyntaxError):
        value = None
    expected: tuple[type, ...] = (list,) if key == "probabilities" else (int, float)
    if not isinstance(value, expected):
        raise BadRequest(
            f"'{str(cell)[:50]}' is not what {key} is: {OUTPUT} of the container before and {INPUT} of this "
            "one must name the same keys in the same order."
        )
    return value
