"""What tuning leaves in S3: the processed data, the data processors, the tuned algorithms."""

import json
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.csv

from helpers.local.jobs.automl.data import TrainingData
from helpers.local.jobs.automl.tuning.library.boosting import FittedXGBoost
from helpers.local.jobs.automl.tuning.library.linear import FittedEstimator
from helpers.local.jobs.automl.tuning.library.task import Fitted, Rows
from helpers.local.jobs.serving import recordio
from helpers.local.jobs.serving.algorithm import ESTIMATOR, XGBOOST_MODEL
from helpers.local.jobs.serving.archives import DESCRIPTION, store_estimator
from helpers.local.jobs.serving.description import AlgorithmDescription, Column, ProcessorDescription
from helpers.local.objects import ObjectStore, split_uri

arrow_csv: Any = pyarrow.csv  # its names are declared in no stub
CHUNK = 50_000  # rows of one object of processed data; of transformed data there is no more than one


class Store:
    """The job's artifacts in S3."""

    def __init__(self, objects: ObjectStore, output: str, scratch: Path) -> None:
        self.objects = objects
        self.output = output
        self.scratch = scratch

    def write(self, uri: str, content: bytes, content_type: str) -> None:
        """Store an object."""
        self.objects.put(*split_uri(uri), content, content_type=content_type)

    def tables(self, data: TrainingData, target: str) -> None:
        """The header, the training and the validation rows in chunks, columns as in the input."""
        prefix = f"{self.output}/preprocessed-data"
        header = pa.table({name: pa.array([], pa.string()) for name in columns(data, target)})
        self._csv(f"{prefix}/header/headers.csv", header, header=True)
        for part, frame in (("train", data.training), ("validation", data.validation)):
            for number, start in enumerate(range(0, len(frame), CHUNK)):
                chunk = frame[columns(data, target)].iloc[start : start + CHUNK]
                uri = f"{prefix}/tuning_data/{part}/chunk_{number}.csv"
                self._csv(uri, _arrow(chunk), header=False)

    def transformed(self, processor: str, part: str, rows: Rows) -> None:
        """The first chunk of rows as a data processor makes them, with their targets."""
        uri = f"{self.output}/transformed-data/{processor}/rpb/{part}/chunk_0.csv.out"
        body = recordio.encode(rows.features[:CHUNK], rows.target[:CHUNK].astype(float), places=True)
        self.write(uri, body, "application/x-recordio-protobuf")

    def processor(self, uri: str, processor: Any, description: ProcessorDescription) -> int:
        """A fitted data processor as a model.tar.gz. Returns its size in bytes."""
        return self._pack(
            uri, description.as_json(), lambda folder: store_estimator(processor, folder / "processor.skops")
        )

    def algorithm(self, uri: str, fitted: Fitted, description: AlgorithmDescription) -> int:
        """A tuned algorithm as a model.tar.gz. Returns its size in bytes."""

        def save(folder: Path) -> None:
            if isinstance(fitted, FittedXGBoost):
                fitted.booster.save_model(folder / XGBOOST_MODEL)
            elif isinstance(fitted, FittedEstimator):
                store_estimator(fitted.estimator, folder / ESTIMATOR)

        return self._pack(uri, description.as_json(), save)

    def _pack(self, uri: str, description: dict[str, Any], save: Callable[[Path], None]) -> int:
        folder = self.scratch / "model"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / DESCRIPTION).write_text(json.dumps(description), encoding="utf-8")
        save(folder)
        archive = self.scratch / "model.tar.gz"
        with tarfile.open(archive, "w:gz", compresslevel=3) as tar:
            for path in sorted(folder.iterdir()):
                tar.add(path, arcname=path.name)
        size = archive.stat().st_size
        self.objects.put_file(*split_uri(uri), archive, content_type="application/x-gzip", move=True)
        shutil.rmtree(folder)
        return size

    def _csv(self, uri: str, table: pa.Table, header: bool) -> None:
        path = self.scratch / "chunk.csv"
        arrow_csv.write_csv(table, path, arrow_csv.WriteOptions(include_header=header))
        self.objects.put_file(*split_uri(uri), path, content_type="text/csv", move=True)


def columns(data: TrainingData, target: str) -> list[str]:
    """The features and the target in the order of the input."""
    known = {*data.features, target}
    return [str(name) for name in data.training.columns if name in known]


def algorithm_description(
    fitted: Fitted, name: str, problem_type: str, width: int, sparse: bool, classes: int
) -> AlgorithmDescription:
    """What a container must know of a tuned algorithm."""
    scale = (fitted.centre, fitted.spread) if isinstance(fitted, FittedEstimator) else (0.0, 1.0)
    return AlgorithmDescription(name, problem_type, width, sparse, classes, *scale)


def processor_description(
    data: TrainingData, name: str, target: str, classes: list[str]
) -> ProcessorDescription:
    """What a container must know of a data processor."""
    described = [Column(feature, column_kind(data.training[feature])) for feature in data.features]
    place = columns(data, target).index(target)
    return ProcessorDescription(name, data.problem_type, described, target, place, classes)


def column_kind(values: pd.Series) -> str:
    """`number`, `boolean` or `text`: how the cells of a column are read from CSV."""
    if pd.api.types.is_bool_dtype(values):
        return "boolean"
    return "number" if pd.api.types.is_numeric_dtype(values) else "text"


def _arrow(frame: pd.DataFrame) -> pa.Table:
    """A table that Arrow writes as CSV: what is neither number nor truth is text."""
    arrays = {}
    for name in frame.columns:
        values = frame[name]
        if column_kind(values) == "number" and not pd.api.types.is_complex_dtype(values):
            arrays[str(name)] = pa.Array.from_pandas(values)
        else:
            arrays[str(name)] = pa.array(
                [None if _missing(cell) else str(cell) for cell in values], pa.string()
            )
    return pa.table(arrays)


def _missing(cell: object) -> bool:
    return cell is None or (
        not isinstance(cell, (list, tuple)) and not hasattr(cell, "__len__") and cell != cell
    )
