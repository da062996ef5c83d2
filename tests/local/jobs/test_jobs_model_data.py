"""Model data that lies in S3 as single files."""

from pathlib import Path

import pytest

from helpers.local.jobs.job import JobFailure
from helpers.local.jobs.serving.model_data import copy
from helpers.local.objects import ObjectStore


@pytest.fixture
def objects(tmp_path: Path) -> ObjectStore:
    store = ObjectStore(tmp_path / "s3")
    store.create_bucket("data")
    for key in (
        "model/weights",
        "model/code/inference.py",
        "modelled",
        "folder/",
        "folder/b",
        "both/a",
        "both/a/b",
    ):
        store.put("data", key, key.encode())
    return store


def source(uri: str, kind: str = "S3Prefix") -> dict[str, str]:
    return {"S3Uri": uri, "S3DataType": kind, "CompressionType": "None"}


def test_what_is_below_a_prefix_keeps_its_names(objects: ObjectStore, tmp_path: Path) -> None:
    target = tmp_path / "model"
    copy(objects, source("s3://data/model/"), target)
    found = {str(path.relative_to(target)) for path in target.rglob("*") if path.is_file()}
    assert found == {"weights", "code/inference.py"}
    assert (target / "code/inference.py").read_bytes() == b"model/code/inference.py"


def test_a_single_object_is_named_after_the_end_of_its_key(objects: ObjectStore, tmp_path: Path) -> None:
    copy(objects, source("s3://data/model/code/inference.py", "S3Object"), tmp_path / "model")
    assert [path.name for path in (tmp_path / "model").iterdir()] == ["inference.py"]


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (source("s3://data/none/"), "does not exist"),
        (source("s3://absent/none/"), "does not exist"),
        (source("s3://data/none", "S3Object"), "does not exist"),
        (source("s3://data/folder/"), "no name of a file"),
        (source("s3://data/both/"), "the same name as a file and as a folder"),
    ],
)
def test_model_data_that_cannot_be_used(
    objects: ObjectStore, tmp_path: Path, given: dict[str, str], text: str
) -> None:
    with pytest.raises(JobFailure, match=text):
        copy(objects, given, tmp_path / "model")
