"""The lessons run: data to playlist at the smallest scale, with parameters that change what they should."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest

from helpers import runner, service

pytestmark = pytest.mark.notebooks
LESSONS = {path.name[:2]: path for path in runner.lessons()}


class Quiet:
    """A listener that says nothing."""

    def notebook_started(self, name: str, cells: int) -> None: ...
    def cell_started(self, number: int, section: str) -> None: ...
    def notebook_finished(self, name: str, seconds: float) -> None: ...


@dataclass(frozen=True)
class Classroom:
    """A local SageMaker of the tests' own, and notebooks that run against it."""

    folder: Path

    def run(self, numbers: str, **given: Any) -> list[Path]:
        """Execute these notebooks ("01 02") with parameters; the executed copies."""
        target = self.folder / "runs" / f"{numbers}-{len(list(self.folder.rglob('*.ipynb')))}"
        lessons = [LESSONS[number] for number in numbers.split()]
        return [result.path for result in runner.run(lessons, given, target, Quiet())]

    def client(self, name: str) -> Any:
        """A boto3 client of the classroom's server."""
        return service.client(service.start(), name)

    def table(self, key: str) -> pd.DataFrame:
        """A CSV object of the default bucket."""
        found = self.client("s3").get_object(Bucket=service.start().bucket, Key=key)
        return pd.read_csv(BytesIO(found["Body"].read()))

    def playlist(self, prefix: str, listener: int) -> list[str]:
        """The tracks of a playlist that notebook 4 has written."""
        return self.table(f"{prefix}/playlists/{listener}.csv")["trackId"].tolist()


@pytest.fixture(scope="module")
def classroom(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Classroom]:
    """A classroom whose state directory is $WORKSHOP_STATE, as the kernels will see it."""
    folder = tmp_path_factory.mktemp("classroom")
    before = os.environ.get("WORKSHOP_STATE")
    os.environ["WORKSHOP_STATE"] = str(folder / "state")
    try:
        yield Classroom(folder)
    finally:
        service.stop()
        if before is None:
            del os.environ["WORKSHOP_STATE"]
        else:
            os.environ["WORKSHOP_STATE"] = before


def values(path: Path, name: str) -> str:
    """The text of the first output of a notebook that contains `name`."""
    for cell in nbformat.read(path, as_version=4).cells:
        for output in cell.get("outputs", []):
            text = str(output.get("text") or output.get("data", {}).get("text/plain", ""))
            if name in text:
                return text
    raise AssertionError(f"{path.name} printed nothing with {name!r}")


def test_without_inputs_a_notebook_says_in_one_sentence_which_to_run_first(classroom: Classroom) -> None:
    with pytest.raises(runner.RunFailed) as caught:
        classroom.run("04", prefix="empty")
    assert caught.value.error == (
        "MissingStep: Nothing to work with yet: please run 01_download_data.ipynb first (prefix 'empty')."
    )


def test_cleaning_up_nothing_succeeds(classroom: Classroom) -> None:
    (executed,) = classroom.run("99", prefix="empty")
    assert "nothing is left that costs money" in values(executed, "✔")


def test_parameters_change_what_they_should(classroom: Classroom) -> None:
    few = {"algorithms": ["lightgbm"], "max_candidates": 2}
    *_, exam, lesson = classroom.run("01 02 03 04", prefix="first", scale="tiny", seed=1, **few)
    one = int(values(lesson, "Listener ").split()[-1])
    listeners = sorted(set(classroom.table("first/data/ratings.csv")["userId"]))
    assert one == listeners[0]

    # Fewer algorithms than in the committed lesson give fewer candidates.
    assert "CatBoost" in values(LESSONS["03"], "candidate")
    assert "LightGBM" in values(exam, "candidate") and "CatBoost" not in values(exam, "candidate")

    # Another listener: the same model and ranking, another playlist, none of it heard before.
    other = listeners[-1]
    (again,) = classroom.run("04", prefix="first", listener=other)
    for table in ("the best order", "the model x popularity", "Held-out rated tracks: The model"):
        assert values(again, table) == values(lesson, table)
    assert classroom.playlist("first", other) != classroom.playlist("first", one)
    ratings = classroom.table("first/data/ratings.csv")
    heard = set(ratings.loc[ratings["userId"] == other, "trackId"])
    assert not heard & set(classroom.playlist("first", other))

    # Another seed: other data.
    classroom.run("01", prefix="second", scale="tiny", seed=0)
    assert not set(listeners) & set(classroom.table("second/data/ratings.csv")["userId"])

    # Cleaning up one prefix leaves the other alone, and nothing of its own but the records of its jobs.
    sagemaker, s3 = classroom.client("sagemaker"), classroom.client("s3")
    assert len(sagemaker.list_endpoints()["Endpoints"]) == 2
    [model, *_] = sagemaker.list_models()["Models"]
    made = sagemaker.describe_model(ModelName=model["ModelName"])
    parts = {
        name: made[name] for name in ("PrimaryContainer", "Containers", "ExecutionRoleArn") if name in made
    }
    sagemaker.create_model(ModelName="second-model-0123abcd", **parts)
    classroom.run("99", prefix="first")
    assert sagemaker.list_endpoints()["Endpoints"] == []
    left = [entry["ModelName"] for entry in sagemaker.list_models()["Models"]]
    assert left == ["second-model-0123abcd"]
    bucket = service.start().bucket
    assert s3.list_objects_v2(Bucket=bucket, Prefix="first/")["KeyCount"] == 0
    assert s3.list_objects_v2(Bucket=bucket, Prefix="second/")["KeyCount"] >= 2
    assert len(sagemaker.list_auto_ml_jobs()["AutoMLJobSummaries"]) == 1
