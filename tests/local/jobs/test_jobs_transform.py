"""Batch transforms: objects in, `.out` objects out."""

from pathlib import Path
from typing import Any

import pytest
from jobs_harness import BUCKET, RunningJob, State, music_table

from helpers.local.jobs import batches
from helpers.local.jobs.filters import Joined, read_filter
from helpers.local.jobs.job import JobFailure
from helpers.local.jobs.transform import Plan

Trained = tuple[State, RunningJob]


def transform_request(job: RunningJob, uri: str, output: str, **changes: Any) -> dict[str, Any]:
    """A CreateTransformJob request for the best candidate, CSV line by line."""
    container = job.progress["BestCandidate"]["InferenceContainers"][0]
    return {
        "TransformJobName": "scores",
        "ModelName": "best",
        "Containers": [{"Name": "primary", "Container": container}],
        "TransformInput": {
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}},
            "ContentType": "text/csv",
            "SplitType": "Line",
        },
        "TransformOutput": {"S3OutputPath": output, "Accept": "text/csv", "AssembleWith": "Line"},
        **changes,
    }


def test_folders_are_mirrored_and_a_bad_object_fails_alone(trained: Trained) -> None:
    state, job = trained
    rows = music_table(2000, seed=3).drop(columns="Rating")
    state.put("in/all.csv", rows.to_csv(index=False, header=False))
    state.put("in/deep/er/some.csv", rows[:10].to_csv(index=False, header=False))
    state.put("in/bad.csv", rows[:5].to_csv(index=False))
    request = transform_request(
        job,
        f"s3://{BUCKET}/in/",
        f"s3://{BUCKET}/out",
        DataProcessing={"JoinSource": "Input", "OutputFilter": "$[0,-1]"},
    )
    done = state.run("transform", "scores", request)
    assert done.wait() == 1, done.log
    reason = done.progress["FailureReason"]
    assert "1 of 3 objects" in reason
    assert f"s3://{BUCKET}/in/bad.csv" in reason
    assert "header" in reason
    assert state.keys("out/") == ["out/all.csv.out", "out/deep/er/some.csv.out"]
    lines = state.objects.read(BUCKET, "out/all.csv.out").decode().splitlines()
    assert len(lines) == 2000
    energy, score = lines[7].split(",")
    assert float(energy) == pytest.approx(rows["energy"].iloc[7])
    assert 1 < float(score) < 6
    assert state.objects.read(BUCKET, "out/deep/er/some.csv.out").decode().splitlines() == lines[:10]


def test_a_model_that_cannot_start_fails_the_job(trained: Trained) -> None:
    state, job = trained
    state.put("one/x.csv", "0.5,120,happy\n")
    request = transform_request(job, f"s3://{BUCKET}/one/", f"s3://{BUCKET}/none")
    request["Containers"][0]["Container"] = {
        "Image": "x/autogluon-inference:1",
        "ModelDataUrl": "s3://music/no",
    }
    done = state.run("transform", "dead", request)
    assert done.wait() == 1
    reason = done.progress["FailureReason"]
    assert "'primary' did not start. The model data s3://music/no does not exist" in reason
    assert state.keys("none") == []


def test_batches_fill_the_payload_and_never_more(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(b"aaaa\r\nbbbb\n\ncccc\ndd")
    options = {"compressed": False, "lines": True}
    found = list(batches.batches(path, single=False, limit=10, **options))
    assert [batch.records for batch in found] == [[b"aaaa", b"bbbb"], [b"cccc", b"dd"]]
    assert [batch.line for batch in found] == [1, 4]
    assert len(list(batches.batches(path, single=True, limit=0, **options))) == 4
    with pytest.raises(batches.TooLarge, match=r"line 1 .*MaxPayloadInMB"):
        list(batches.batches(path, single=False, limit=4, **options))
    whole = list(batches.batches(path, compressed=False, lines=False, single=False, limit=0))
    assert [batch.records for batch in whole] == [[path.read_bytes()]]
    with pytest.raises(batches.TooLarge, match="SplitType Line"):
        list(batches.batches(path, compressed=False, lines=False, single=False, limit=4))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$", "abcde"),
        ("$[0]", "a"),
        ("$[1:]", "bcde"),
        ("$[1,3,4]", "bde"),
        ("$[:2]", "ab"),
        ("$[0,3:]", "ade"),
        ("$[-1]", "e"),
        ("$[-2:]", "de"),
        ("$[1:3]", "bc"),
    ],
)
def test_paths_select_columns(path: str, expected: str) -> None:
    assert "".join(read_filter(path, "InputFilter").apply("abcde")) == expected


def test_a_position_outside_the_row_is_an_error() -> None:
    with pytest.raises(ValueError, match="column 9 of a row with 2"):
        read_filter("$[9]", "InputFilter").apply(["a", "b"])
    with pytest.raises(JobFailure, match=r"\$\.features"):
        read_filter("$.features", "InputFilter")


def test_the_join_uses_the_unfiltered_record() -> None:
    joined = Joined(read_filter("$[1:]", "InputFilter"), read_filter("$", "OutputFilter"), join=True)
    records = [b'7,"a,b",1', b"8,c,2"]
    assert joined.to_model(records) == [b'"a,b",1', b"c,2"]
    assert joined.to_output(records, [b"0.5", b"0.6"]) == [b'7,"a,b",1,0.5', b"8,c,2,0.6"]
    with pytest.raises(ValueError, match="1 predictions cannot be joined with 2"):
        joined.to_output(records, [b"0.5"])


def test_what_is_not_available_is_refused_at_the_start() -> None:
    base = {"TransformInput": {"SplitType": "RecordIO"}, "TransformOutput": {}}
    with pytest.raises(JobFailure, match="RecordIO"):
        Plan.read(base)
    joined = {
        "TransformInput": {"ContentType": "application/json"},
        "TransformOutput": {},
        "DataProcessing": {"JoinSource": "Input"},
    }
    with pytest.raises(JobFailure, match="text/csv"):
        Plan.read(joined)
