"""The candidate definition notebook: where it lies, and that it runs."""

import importlib.util
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pandas as pd
import pytest
from jobs_harness import BUCKET, automl_request
from nbclient import NotebookClient

from helpers import service as services
from helpers.local.jobs.automl.data.cells import normalise
from helpers.local.jobs.automl.tuning import library
from helpers.local.jobs.automl.tuning.definition import code
from helpers.local.jobs.automl.tuning.library import processors
from helpers.service import Service

Aws = Callable[..., Any]
COLUMNS = {"a": "numeric", 'b "é"': "categorical", "text": "text", "day": "datetime", "path": "sequence"}


def table(rows: int) -> pd.DataFrame:
    random = np.random.default_rng(0)
    height = random.normal(size=rows)
    return normalise(
        pd.DataFrame(
            {
                "a": np.where(height > 1.5, np.nan, height),
                'b "é"': random.choice(["x", "NA", None], rows),
                "text": [f"found by the mill number {row % 40} today" for row in range(rows)],
                "day": pd.date_range("2020-01-01", periods=rows).strftime("%Y-%m-%d"),
                "path": [f"{row % 7},{row % 3}.5" for row in range(rows)],
                "kind": np.where(height + random.normal(0, 0.3, rows) > 0, "tall", "small"),
            }
        )
    )


@pytest.fixture(scope="module")
def defined(shared_aws: Aws) -> Any:
    """The description of a job that was asked for definitions only."""
    s3, sagemaker = shared_aws("s3"), shared_aws("sagemaker")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="train/part.csv", Body=table(520).to_csv(index=False).encode())
    request = automl_request(
        "defined",
        "train/",
        problem="BinaryClassification",
        objective="AUC",
        Mode="HYPERPARAMETER_TUNING",
        TargetAttributeName="kind",
        GenerateCandidateDefinitionsOnly=True,
    )
    del request["Region"]
    sagemaker.create_auto_ml_job_v2(**request)
    end = time.monotonic() + 120
    while True:
        found = sagemaker.describe_auto_ml_job_v2(AutoMLJobName="defined")
        if found["AutoMLJobStatus"] not in ("InProgress", "Stopping"):
            return found
        assert time.monotonic() < end, found
        time.sleep(0.2)


def test_definitions_alone_train_nothing(defined: Any, shared_aws: Aws) -> None:
    assert defined["AutoMLJobStatus"] == "Completed", defined
    assert defined["AutoMLJobSecondaryStatus"] == "CandidateDefinitionsGenerated"
    assert "BestCandidate" not in defined
    found = shared_aws("s3").list_objects_v2(Bucket=BUCKET, Prefix="autopilot/defined/")
    keys = [item["Key"] for item in found["Contents"]]
    assert not [key for key in keys if key.endswith("model.tar.gz")]
    below = [key.partition("/sagemaker-automl-candidates/")[2] for key in keys]
    names = {name.partition("/")[2] for name in below if name.startswith("defined-pr-1-")}
    assert "notebooks/SageMakerAutopilotCandidateDefinitionNotebook.ipynb" in names
    assert "notebooks/sagemaker_automl/cells.py" in names
    assert "generated_module/candidate_data_processors/dpp0.py" in names


def test_the_notebook_tunes_candidates_on_the_data_of_the_job(
    defined: Any, shared_aws: Aws, shared_service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = defined["AutoMLJobArtifacts"]["CandidateDefinitionNotebookLocation"]
    stored = (
        shared_aws("s3").get_object(Bucket=BUCKET, Key=uri.removeprefix(f"s3://{BUCKET}/"))["Body"].read()
    )
    found = nbformat.reads(stored.decode(), as_version=4)
    nbformat.validate(found)
    titles = [line for cell in found.cells for line in cell.source.splitlines() if line.startswith("## ")]
    assert titles == [
        "## Setup",
        "## Candidate pipelines",
        "## Data transformation",
        "## Algorithms and their ranges",
        "## Tuning job configuration",
        "## Model selection and deployment",
    ]
    for cell in found.cells:
        cell.source = cell.source.replace("CANDIDATES = 4", "CANDIDATES = 2")
    for name, value in services.environment(shared_service, dict(os.environ)).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("PYTHONPATH", raising=False)  # the notebook stands alone
    place = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(found, timeout=120, kernel_name="python3", resources=place).execute()
    said = "".join(output.get("text", "") for cell in found.cells for output in cell.get("outputs", []))
    assert "candidate 2, " in said
    assert 0.9 < float(said.rpartition("AUC ")[2].rstrip(".\n")) <= 1
    assert not [cell for cell in found.cells if "helpers" in cell.source]


@pytest.mark.parametrize("strategy", processors.strategies(COLUMNS), ids=lambda strategy: strategy.name)
def test_the_generated_module_makes_the_same_processor(
    strategy: processors.Strategy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = table(150)
    target = (rows["kind"] == "tall").to_numpy().astype(int)
    ours = processors.build(strategy, COLUMNS, False)
    path = tmp_path / "generated.py"
    path.write_text(code.module(strategy, ours, "job"), encoding="utf-8")
    monkeypatch.setitem(sys.modules, code.LIBRARY, library)
    monkeypatch.setitem(sys.modules, f"{code.LIBRARY}.cells", sys.modules[f"{library.__name__}.cells"])
    specification = importlib.util.spec_from_file_location("generated", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    features = rows[list(COLUMNS)]
    expected = processors.fit_transform(ours, features, target)
    assert abs(processors.fit_transform(module.build(), features, target) - expected).max() == 0
    assert list(strategy.algorithms) == module.ALGORITHMS
