"""What a candidate leaves in S3: a model.tar.gz that serves exactly that model."""

import json
import shutil
import tarfile
from pathlib import Path
from typing import Any

import pandas as pd

from helpers.local.jobs.automl.data import TrainingData
from helpers.local.jobs.serving.description import Column, Description
from helpers.local.objects import ObjectStore, split_uri


def describe(data: TrainingData, model: str, classes: list[str]) -> Description:
    """What a model server must know beyond the model: the columns, their kinds, the classes."""
    columns = [Column(name, column_kind(data.training[name])) for name in data.features]
    return Description(model=model, problem_type=data.problem_type, columns=columns, classes=classes)


def column_kind(values: pd.Series) -> str:
    """`number`, `boolean` or `text`: how the cells of a column are read from CSV."""
    if pd.api.types.is_bool_dtype(values):
        return "boolean"
    return "number" if pd.api.types.is_numeric_dtype(values) else "text"


def pack(predictor: Any, description: Description, work: Path, objects: ObjectStore, uri: str) -> int:
    """Copy the predictor, keep one model of it, and store it as a model.tar.gz. Returns its size in bytes."""
    from autogluon.tabular import TabularPredictor

    folder = work / "clone"
    shutil.rmtree(folder, ignore_errors=True)
    cached = Path(predictor.path) / "utils" / "data"  # the training rows: no part of a model
    shutil.copytree(
        predictor.path,
        folder / "predictor",
        ignore=lambda directory, names: names if Path(directory) == cached else [],
    )
    clone = TabularPredictor.load(str(folder / "predictor"), verbosity=0)
    clone.set_model_best(model=description.model, save_trainer=True)
    clone.delete_models(models_to_keep=description.model, dry_run=False)
    clone.save_space()
    (folder / "description.json").write_text(json.dumps(description.as_json()), encoding="utf-8")
    archive = work / "model.tar.gz"
    with tarfile.open(archive, "w:gz", compresslevel=3) as tar:
        for path in sorted(folder.rglob("*")):
            tar.add(path, arcname=str(path.relative_to(folder)), recursive=False)
    size = archive.stat().st_size
    bucket, key = split_uri(uri)
    objects.put_file(bucket, key, archive, content_type="application/x-gzip", move=True)
    shutil.rmtree(folder)
    return size
