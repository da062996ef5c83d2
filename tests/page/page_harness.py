"""A page to test: small tables made by the workshop's own flow, a model of three lines, and a real server."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from helpers import flow, generator, service, workshop

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [str(Path(sys.executable).parent / "workshop"), "playlist"]
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-cpu-py3"
ENDPOINT = "music-endpoint-0a1b2c3d"
TARGETS = ("Rating",)  # of the training table: what the model does not get

# Whoever rates a genre above their average gets more of it: enough of a model for a taste to matter.
INFERENCE = """
import io
import json
import os

import pandas as pd

def model_fn(directory):
    with open(os.path.join(directory, "columns.json")) as file:
        return json.load(file)

def input_fn(body, content_type):
    return pd.read_csv(io.StringIO(body if isinstance(body, str) else body.decode()), header=None)

def predict_fn(rows, columns):
    rows.columns = columns
    sounds = [name for name in columns if name + "_taste" in columns]
    liking = sum((rows[name] - 0.2) * rows[name + "_taste"] for name in sounds if name != "tempo")
    return (rows["mean_rating"] + 4 * liking).clip(1, 5)

def output_fn(stars, accept):
    return "\\n".join(map(str, stars)), accept
"""


def tables(folder: Path) -> dict[str, Path]:
    """The tiny data, tracks.csv and ratings.csv, and what the workshop's flow makes of them, by name."""
    made = generator.generate("tiny", 0)
    found = {"tracks.csv": folder / "tracks.csv", "ratings.csv": folder / "ratings.csv"}
    made.tracks.to_csv(found["tracks.csv"], index=False)
    made.ratings.to_csv(found["ratings.csv"], index=False)
    flow.run(flow.read(ROOT / "notebooks" / "flows" / "music.flow"), found, folder / "features")
    outputs = {path.parent.name: path for path in (folder / "features").rglob("*.csv")}
    return {**found, **outputs}


def store(connected: workshop.Workshop, made: dict[str, Path]) -> None:
    """Leave what notebooks 1 to 4 leave: tables in S3, a model behind an endpoint, their names."""
    data = {
        name: connected.upload(made[f"{name}.csv"], connected.uri("data", f"{name}.csv"))
        for name in ("tracks", "ratings")
    }
    features = {}
    for name in ("train", "test", "listeners", "tracks"):
        connected.upload(made[name], connected.uri("features", name, "part-0.csv"))
        features[name] = connected.uri("features", name) + "/"
    columns = _columns(made)
    deploy(connected, columns)
    connected.remember("data", data)
    connected.remember("features", features)
    connected.remember("model", {"model": ENDPOINT, "columns": columns})
    connected.remember("playlist", {"endpoint": ENDPOINT})


def _columns(made: dict[str, Path]) -> list[str]:
    known = {*pd.read_csv(made["tracks"], nrows=1).columns, *pd.read_csv(made["listeners"], nrows=1).columns}
    train = pd.read_csv(made["train"], nrows=1).columns
    return [name for name in train if name in known and name not in TARGETS]


def deploy(connected: workshop.Workshop, columns: list[str]) -> None:
    """The model, behind an endpoint that serves."""
    sagemaker = connected.client("sagemaker")
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as packed:
        for name, text in (("columns.json", json.dumps(columns)), ("code/inference.py", INFERENCE)):
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            packed.addfile(entry, io.BytesIO(text.encode()))
    uri = connected.uri("model", "model.tar.gz")
    bucket, key = workshop.split(uri)
    connected.client("s3").put_object(Bucket=bucket, Key=key, Body=archive.getvalue())
    sagemaker.create_model(
        ModelName=ENDPOINT,
        ExecutionRoleArn=connected.role,
        PrimaryContainer={"Image": IMAGE, "ModelDataUrl": uri},
    )
    sagemaker.create_endpoint_config(
        EndpointConfigName=ENDPOINT,
        ProductionVariants=[
            {
                "VariantName": "all",
                "ModelName": ENDPOINT,
                "InitialInstanceCount": 1,
                "InstanceType": "ml.m5.large",
            }
        ],
    )
    sagemaker.create_endpoint(EndpointName=ENDPOINT, EndpointConfigName=ENDPOINT)
    wait_until(lambda: _status(sagemaker) != "Creating", 60)
    description = sagemaker.describe_endpoint(EndpointName=ENDPOINT)
    assert description["EndpointStatus"] == "InService", description


def _status(sagemaker: Any) -> str:
    return str(sagemaker.describe_endpoint(EndpointName=ENDPOINT)["EndpointStatus"])


def wait_until(what: Any, seconds: float) -> None:
    """Wait for a condition; AssertionError when it does not come true in time."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.05)


@contextmanager
def command(state: Path, *words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`workshop playlist` as a person starts it: its process, and the address it prints."""
    process = subprocess.Popen(
        [*COMMAND, "--state", str(state), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        assert process.stdout
        said = []
        for line in process.stdout:
            said.append(line)
            address = re.search(r"http://127\.0\.0\.1:\d+", line)
            if address and "page" in line:
                break
        else:
            raise AssertionError("".join(said))
        yield process, address.group()
    finally:
        process.kill()
        process.wait()


@contextmanager
def stored(folder: Path) -> Iterator[Path]:
    """A state directory as after notebook 4, with local SageMaker running."""
    before = dict(os.environ)
    state = folder / "state"
    try:
        connected = workshop.connect("local", state=state)
        store(connected, tables(folder))
        yield state
    finally:
        os.environ.clear()
        os.environ.update(before)
        service.stop(state)
