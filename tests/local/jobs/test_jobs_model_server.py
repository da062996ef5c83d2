"""A model server: every kind of request a caller may send."""

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from jobs_harness import BUCKET, Client, RunningJob, State, music_table

Trained = tuple[State, RunningJob]


@pytest.fixture(scope="module")
def server(trained: Trained) -> Iterator[Client]:
    state, job = trained
    request = {"Container": job.progress["BestCandidate"]["InferenceContainers"][0], "Name": "primary"}
    running = state.start("model_server", "best", request)
    yield Client(running)
    running.kill()


def test_it_answers_pings_with_an_empty_body(server: Client) -> None:
    assert server.ask("", method="GET", path="/ping") == (200, "")


def test_it_answers_nobody_without_the_token(server: Client) -> None:
    for token in ("", "wrong", "ü"):
        assert server.ask("0.5,120,happy", token=token)[0] == 403


def test_one_number_a_row_close_to_the_truth(server: Client) -> None:
    table = music_table(3000, seed=5)
    status, body = server.ask(table.drop(columns="Rating").to_csv(index=False, header=False))
    assert status == 200
    assert body.endswith("\n")
    scores = [float(line) for line in body.splitlines()]
    error = sum((score - truth) ** 2 for score, truth in zip(scores, table["Rating"], strict=True)) / 3000
    assert error**0.5 < 0.4


def test_many_rows_get_the_scores_they_get_alone(server: Client) -> None:
    rows = ["0.5,120,happy", "0.9,90,dark", '0.1,"150","calm"']
    together = server.ask("\n".join(rows))[1].splitlines()
    assert [float(line) for line in together] == pytest.approx([float(server.ask(row)[1]) for row in rows])


def test_empty_cells_are_missing_values(server: Client) -> None:
    status, body = server.ask("0.5,,happy\n0.5,120,\n,,\n")
    assert status == 200
    assert len(body.splitlines()) == 3


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("", "The body is empty"),
        ("\n\n", "The body is empty"),
        ("energy,tempo,mood\n0.5,120,happy\n", "looks like a header"),
        ("0.5,120\n", "Row 1 has 2 columns, the model takes 3"),
        ("0.5,120,happy\n4,0.5,120,happy\n", "Row 2 has 4 columns, .* Was the target left in"),
        ("0.5,120,happy\n0.5,fast,happy\n", "Row 2, column 'tempo': 'fast' is not a number"),
        (b"\xff\xfe\x00,1,2", "not CSV in UTF-8"),
    ],
)
def test_bad_rows_are_told_apart(server: Client, body: str | bytes, words: str) -> None:
    status, answer = server.ask(body)
    assert status == 400, answer
    import re

    assert re.search(words, answer), answer


def test_json_lines_and_parquet_give_the_same_score(server: Client) -> None:
    expected = float(server.ask("0.5,120,happy")[1])
    named = {"mood": "happy", "energy": 0.5, "tempo": 120}
    for body, kind in [
        (json.dumps([0.5, 120, "happy"]), "application/json"),
        (json.dumps({"instances": [named]}), "application/json"),
        (json.dumps(named) + "\n", "application/jsonlines"),
    ]:
        status, answer = server.ask(body, kind)
        assert status == 200, answer
        assert float(answer) == pytest.approx(expected)
    buffer = io.BytesIO()
    music_table(2).drop(columns="Rating").to_parquet(buffer)
    assert len(server.ask(buffer.getvalue(), "application/x-parquet")[1].splitlines()) == 2


def test_answers_as_json(server: Client) -> None:
    status, body = server.ask("0.5,120,happy\n", accept="application/json")
    assert status == 200
    assert len(json.loads(body)["predictions"]) == 1


def test_what_it_does_not_speak_is_refused(server: Client) -> None:
    assert server.ask("0.5,120,happy", accept="image/png")[0] == 406
    assert server.ask("0.5,120,happy", content_type="image/png")[0] == 415
    assert server.ask("", method="GET", path="/other")[0] == 404


def test_it_tells_batch_transform_what_it_likes(server: Client) -> None:
    body = json.loads(server.ask("", method="GET", path="/execution-parameters")[1])
    assert body == {"MaxConcurrentTransforms": 1, "BatchStrategy": "MULTI_RECORD", "MaxPayloadInMB": 6}


def archive(name: str) -> bytes:
    """A tar.gz with one member of this name."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        member = tarfile.TarInfo(name)
        member.size = 4
        tar.addfile(member, io.BytesIO(b"evil"))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "does not exist"),
        (b"no archive", "not a usable tar.gz"),
        (archive("../../../outside.txt"), "not a usable tar.gz"),
        (archive("/tmp/outside.txt"), "description.json"),
        (archive("model.pkl"), "description.json"),
    ],
)
def test_model_data_that_cannot_be_served_is_refused(state: State, content: bytes | None, words: str) -> None:
    if content is not None:
        state.objects.put(BUCKET, "model.tar.gz", content)
    container = {
        "Image": "763104351884.dkr.ecr.us-east-1.amazonaws.com/autogluon-inference:1.5",
        "ModelDataUrl": f"s3://{BUCKET}/model.tar.gz",
    }
    job = state.run("model_server", "broken", {"Container": container, "Name": "primary"})
    assert job.wait() == 1
    assert words in job.progress["FailureReason"]
    outside = [
        path for path in state.root.rglob("outside.txt") if job.directory / "model" not in path.parents
    ]
    assert not outside
    assert not Path("/tmp/outside.txt").exists()


def test_another_image_is_refused_by_name(state: State) -> None:
    container = {"Image": "123.dkr.ecr.us-east-1.amazonaws.com/my-own:1", "ModelDataUrl": "s3://music/x"}
    job = state.run("model_server", "other", {"Container": container, "Name": "primary"})
    assert job.wait() == 1
    assert "my-own" in job.progress["FailureReason"]
