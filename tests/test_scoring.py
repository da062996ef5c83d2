"""Scores from endpoints: a model of one's own on a real local SageMaker, and busy or slow stand-ins."""

from __future__ import annotations

import io
import os
import tarfile
import time
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import numpy as np
import pandas as pd
import pytest
from botocore.exceptions import ClientError

from helpers import service as services
from helpers import workshop
from helpers.batch_scoring import BatchTransform
from helpers.recommender import NoScores, Recommender, Wishes
from helpers.scoring import LARGEST_BODY, Endpoint, Rows

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
# 1 star, 4 times the first column more: energy, then energy_taste.
MODEL = """
def model_fn(model_dir):
    return None

def transform_fn(model, data, content_type, accept):
    rows = [line.split(",") for line in data.splitlines()]
    if accept != "text/csv" or any(len(row) != 2 for row in rows):
        raise ValueError("2 columns are needed")
    taste = float(rows[0][1])
    if taste == -1:
        return "1\\n", "text/csv"
    if taste == -2:
        return "Jazz\\n" * len(rows), "text/csv"
    return "".join(f"{1 + 4 * float(row[0] or 0.5)}\\n" for row in rows), "text/csv"
"""
COLUMNS = ["energy", "energy_taste"]


def catalogue(count: int = 1000) -> pd.DataFrame:
    random = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "trackId": [f"t{number:06}" for number in range(count)],
            "length": random.uniform(100, 300, count),
            "energy": random.random(count).round(6),
            "tempo": random.uniform(60, 180, count),
            "genre": random.choice(["Jazz", "Pop_Rock"], count),
        }
    )


def listeners() -> pd.DataFrame:
    table = pd.DataFrame({"mean_rating": [3.0, 3.5, 3.2, 4.0], "energy_taste": [0.1, -1.0, -2.0, 0.2]})
    return table.set_axis(pd.Index([11, 12, 13, 14], name="userId"))


@pytest.fixture(scope="module")
def shop(shared_service: services.Service) -> Iterator[workshop.Workshop]:
    """A workshop whose notebooks have run: tables, model and endpoint are there."""
    before = dict(os.environ)
    for name in services.unset():
        os.environ.pop(name, None)
    os.environ.update(services.environment(shared_service))
    found = workshop.Workshop(
        "local", boto3.Session(), shared_service.bucket, services.ROLE, shared_service.region, "music"
    )
    tracks = catalogue()
    found.write_csv(tracks, found.uri("tracks.csv"), header=True)
    found.write_csv(listeners().reset_index(), found.uri("listeners.csv"), header=True)
    rated = {"ts": [1, 2], "userId": [11, 11], "trackId": ["t000000", "t000001"], "Rating": [5, 2]}
    found.write_csv(pd.DataFrame(rated), found.uri("ratings.csv"), header=True)
    found.remember("data", {"ratings": found.uri("ratings.csv")})
    found.remember("features", {"tracks": found.uri("tracks.csv"), "listeners": found.uri("listeners.csv")})
    found.remember("model", {"columns": COLUMNS})
    found.remember("playlist", {"endpoint": "stars"})
    deploy(found, "stars")
    yield found
    os.environ.clear()
    os.environ.update(before)


def deploy(shop: workshop.Workshop, name: str) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        entry = tarfile.TarInfo("code/inference.py")
        entry.size = len(MODEL.encode())
        archive.addfile(entry, io.BytesIO(MODEL.encode()))
    shop.client("s3").put_object(Bucket=shop.bucket, Key="model.tar.gz", Body=packed.getvalue())
    settings = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_MODEL_SERVER_WORKERS": "1"}
    container = {"Image": IMAGE, "ModelDataUrl": f"s3://{shop.bucket}/model.tar.gz", "Environment": settings}
    variant = {
        "VariantName": "all",
        "ModelName": name,
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    }
    sagemaker = shop.client("sagemaker")
    sagemaker.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=shop.role)
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    end = time.monotonic() + 60
    while sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] == "Creating":
        assert time.monotonic() < end
        time.sleep(0.1)


def test_a_playlist_from_a_real_endpoint(shop: workshop.Workshop, tmp_path: Any) -> None:
    music = Recommender.open(shop, cache=tmp_path)
    listener = music.listener(11)
    table = music.playlist(listener, Wishes(length=5)).table
    unheard = catalogue()[lambda tracks: ~tracks["trackId"].isin(["t000000", "t000001"])]
    best = unheard.sort_values("energy", ascending=False).head(5)
    assert table["trackId"].tolist() == best["trackId"].tolist()
    assert table["predicted"].tolist() == pytest.approx((1 + 4 * best["energy"]).tolist(), abs=1e-12)
    assert len(list(tmp_path.glob("*.parquet"))) == 1
    with pytest.raises(NoScores, match="answered 1 lines for 1,000 rows"):
        music.scores(music.listener(12))
    with pytest.raises(NoScores, match="answered 'Jazz' where one number"):
        music.scores(music.listener(13))
    music.columns = ["tempo", *COLUMNS]
    with pytest.raises(NoScores, match="2 columns are needed"):
        music.scores(listener)


def test_many_requests_keep_the_order(shop: workshop.Workshop) -> None:
    rows = Rows(COLUMNS, catalogue(), pd.Series({"energy_taste": 0.1}))
    expected = 1 + 4 * catalogue()["energy"]
    scores = Endpoint(shop, "stars", body=700).score(rows)
    assert scores.tolist() == pytest.approx(expected.tolist(), abs=1e-12)
    assert (
        Endpoint(shop, "stars").score(Rows(COLUMNS, catalogue(0), pd.Series({"energy_taste": 0.1}))).size == 0
    )


def test_a_batch_transform_gives_the_same_scores(shop: workshop.Workshop, tmp_path: Any) -> None:
    batch = BatchTransform(shop, "stars")
    music = Recommender.open(shop, cache=tmp_path, scorer=batch)
    scores = music.scores(music.listener(11))
    assert scores.tolist() == pytest.approx((1 + 4 * catalogue()["energy"]).tolist(), abs=1e-12)
    assert len(list(tmp_path.glob("*.parquet"))) == 1
    with pytest.raises(NoScores, match="answered 'Jazz' where one number"):
        music.scores(music.listener(13))
    with pytest.raises(NoScores, match=r"failed.*2 columns are needed"):
        batch.score(Rows(["tempo", *COLUMNS], catalogue(5), pd.Series({"energy_taste": 0.1})))
    assert shop.objects(shop.uri("scores")) == []
    assert batch.score(Rows(COLUMNS, catalogue(0), pd.Series({"energy_taste": 0.1}))).size == 0
    with pytest.raises(NoScores, match="Could not find model"):
        Recommender.open(shop, cache=tmp_path, scorer=BatchTransform(shop, "nobody"))


def test_a_missing_endpoint_says_what_to_do(shop: workshop.Workshop) -> None:
    with pytest.raises(NoScores, match=r"no endpoint nowhere: run 04_inference"):
        Recommender.open(shop, "nowhere")
    rows = Rows(COLUMNS, catalogue(2), pd.Series({"energy_taste": 0.1}))
    with pytest.raises(NoScores, match=r"no endpoint nowhere: run 04_inference"):
        Endpoint(shop, "nowhere").score(rows)


class Session:
    """Stands in for boto3: an endpoint that answers as told."""

    def __init__(self, answer: Callable[[bytes], bytes]) -> None:
        self.answer, self.bodies = answer, list[bytes]()

    def client(self, name: str, **options: Any) -> Session:
        assert name == "sagemaker-runtime" and options["config"].read_timeout > 60
        return self

    def invoke_endpoint(self, Body: bytes, **members: Any) -> dict[str, Any]:
        assert members == {"EndpointName": "e", "ContentType": "text/csv", "Accept": "text/csv"}
        self.bodies.append(Body)
        return {"Body": io.BytesIO(self.answer(Body))}


def failed(code: str, **members: Any) -> ClientError:
    response: Any = {"Error": {"Code": code, "Message": f"{code} happened"}, **members}
    return ClientError(response, "InvokeEndpoint")


def stand_in(answer: Callable[[bytes], bytes], **options: Any) -> tuple[Endpoint, Session]:
    session: Any = Session(answer)
    there = workshop.Workshop("local", session, "bucket", "role", "us-east-1", "music")
    return Endpoint(there, "e", **options), session


def first_column(body: bytes) -> bytes:
    return b"".join(line.split(b",")[0] + b"\n" for line in body.splitlines())


ROWS = Rows(COLUMNS, catalogue(64), pd.Series({"energy_taste": 0.1}))
ENERGY = catalogue(64)["energy"].tolist()


@pytest.mark.parametrize(
    "code",
    ["ThrottlingException", "ServiceUnavailable", "ModelNotReadyException", "InternalDependencyException"],
)
def test_a_busy_endpoint_is_asked_again_after_growing_pauses(code: str) -> None:
    pauses: list[float] = []

    def answer(body: bytes) -> bytes:
        if len(pauses) < 3:
            raise failed(code)
        return first_column(body)

    endpoint, session = stand_in(answer, pause=pauses.append)
    assert endpoint.score(ROWS).tolist() == ENERGY
    assert len(session.bodies) == 4 and 0 < pauses[0] < pauses[2]


def test_patience_ends() -> None:
    def answer(_: bytes) -> bytes:
        raise failed("ThrottlingException")

    endpoint, _ = stand_in(answer, patience=0.0)
    with pytest.raises(NoScores, match="e does not answer: ThrottlingException happened"):
        endpoint.score(ROWS)


def test_what_takes_too_long_is_asked_in_halves() -> None:
    def answer(body: bytes) -> bytes:
        if body.count(b"\n") > 16:
            raise failed("ModelError", OriginalStatusCode=0)
        return first_column(body)

    endpoint, session = stand_in(answer)
    assert endpoint.score(ROWS).tolist() == ENERGY
    assert len(session.bodies) == 7


def test_a_model_that_fails_is_not_asked_again() -> None:
    def answer(_: bytes) -> bytes:
        raise failed("ModelError", OriginalStatusCode=500)

    endpoint, session = stand_in(answer)
    with pytest.raises(NoScores, match="ModelError happened"):
        endpoint.score(ROWS)
    assert len(session.bodies) == 1


@pytest.mark.parametrize("answer", [b"nan\n" * 64, b"inf\n" * 64, b"", b"1,2\n" * 64])
def test_answers_that_are_no_stars(answer: bytes) -> None:
    endpoint, _ = stand_in(lambda _: answer)
    with pytest.raises(NoScores):
        endpoint.score(ROWS)


def test_no_request_is_too_large_although_later_rows_are_longer() -> None:
    count = 40_000
    tracks = pd.DataFrame({"title": ["x"] * 200 + ["x" * 400] * (count - 200), "energy": 0.25})
    endpoint, session = stand_in(lambda body: b"1\n" * body.count(b"\n"))
    rows = Rows(["title", "energy", "energy_taste"], tracks, pd.Series({"energy_taste": 0.1}))
    assert len(endpoint.score(rows)) == count
    assert max(map(len, session.bodies)) <= LARGEST_BODY


def test_rows_are_the_numbers_of_the_tables_exactly() -> None:
    random = np.random.default_rng(1)
    tracks = pd.DataFrame({"a": random.normal(size=50) * 1e-7, "b": [None, *range(49)], "c": ['x,"y\n'] * 50})
    listener = pd.Series({"one": 1 / 3, "two": float("nan"), "three": 1e300})
    columns = ["one", "a", "two", "three", "c", "b"]
    read = pd.read_csv(
        io.BytesIO(Rows(columns, tracks, listener).encoded(0, 50)), header=None, float_precision="round_trip"
    )
    assert (read[0] == 1 / 3).all() and read[2].isna().all() and (read[3] == 1e300).all()
    assert read[1].tolist() == tracks["a"].tolist()
    assert read[4].tolist() == tracks["c"].tolist()
    assert read[5].isna().tolist() == [True] + [False] * 49 and read[5].iloc[1:].tolist() == list(range(49))
    with pytest.raises(KeyError, match="loudness"):
        Rows(["a", "loudness"], tracks, listener)
