"""Batch transforms: objects in, `.out` objects out."""

import io
import random
import struct
from pathlib import Path
from typing import Any

import pytest
from jobs_harness import BUCKET, RunningJob, State, music_table

from helpers.local.jobs import batches, castagnoli, framing
from helpers.local.jobs.filters import Processing
from helpers.local.json_path import JsonPathError, read_path

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
    lines = batches.Source(path, False, "Line")
    found = list(batches.batches(lines, single=False, limit=12))
    assert [batch.body for batch in found] == [b"aaaa\r\nbbbb\n\n", b"cccc\ndd"]
    assert [(batch.begin, batch.records) for batch in found] == [(1, 2), (4, 2)]
    alone = list(batches.batches(lines, single=True, limit=0))
    assert [(batch.body, batch.begin) for batch in alone] == [
        (b"aaaa", 1),
        (b"bbbb", 2),
        (b"cccc", 4),
        (b"dd", 5),
    ]
    for single in (False, True):
        with pytest.raises(batches.TooLarge, match=r"line 1 .*MaxPayloadInMB"):
            list(batches.batches(lines, single=single, limit=3))
    whole = batches.Source(path, False, "None")
    assert [batch.body for batch in batches.batches(whole, single=False, limit=0)] == [path.read_bytes()]
    with pytest.raises(batches.TooLarge, match="SplitType Line"):
        list(batches.batches(whole, single=False, limit=4))


def test_blocks_of_a_stream_end_with_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "BLOCK", 4)
    path = tmp_path / "x.csv"
    path.write_bytes(b"a\nb\ncccccccc\nd\n\ne")
    blocks = list(batches.Source(path, False, "Line").blocks())
    assert b"".join(blocks) == path.read_bytes()
    assert all(block.endswith(b"\n") for block in blocks[:-1])
    assert max(map(len, blocks)) == 9


def test_checksums_of_tfrecords_are_castagnolis() -> None:
    assert castagnoli.crc32c(b"123456789") == 0xE3069283  # the check value of CRC-32C
    assert castagnoli.crc32c(b"\0" * 32) == 0x8A9136AA  # RFC 3720, B.4
    assert castagnoli.crc32c(b"\xff" * 32) == 0x62A8AB43

    def slow(data: bytes) -> int:
        state = 0xFFFFFFFF
        for byte in data:
            state ^= byte
            for _ in range(8):
                state = (state >> 1) ^ (0x82F63B78 if state & 1 else 0)
        return state ^ 0xFFFFFFFF

    for length in (255, 256, 257, 1000, 4096, 5001):
        data = random.Random(length).randbytes(length)
        assert castagnoli.crc32c(data) == slow(data), length


def frames(content: bytes, split: str) -> list[bytes]:
    return [frame.payload for frame in framing.READERS[split](io.BytesIO(content), 0)]


def test_a_record_in_pieces_is_one() -> None:
    def piece(kind: int, payload: bytes) -> bytes:
        head = struct.pack("<II", 0xCED7230A, kind << 29 | len(payload))
        return head + payload + b"\0" * (-len(payload) % 4)

    content = piece(0, b"one") + piece(1, b"ab") + piece(2, b"cd") + piece(3, b"e") + piece(0, b"two")
    magic = struct.pack("<I", 0xCED7230A)
    assert frames(content, "RecordIO") == [b"one", b"ab" + magic + b"cd" + magic + b"e", b"two"]
    for bad in (piece(2, b"x"), piece(1, b"x") + piece(0, b"y"), piece(1, b"x")):
        with pytest.raises(framing.BadFraming, match="piece"):
            frames(bad, "RecordIO")


@pytest.mark.parametrize("split", ["RecordIO", "TFRecord"])
def test_what_is_no_record_says_where(split: str) -> None:
    with pytest.raises(framing.BadFraming, match=r"record 1, byte 0: .*head"):
        frames(b"abc", split)
    with pytest.raises(framing.BadFraming, match="record 1, byte 0: "):
        frames(b"1,2,3\n4,5,6\n7,8,9\n", split)


def test_a_damaged_tfrecord_is_noticed() -> None:
    length = struct.pack("<Q", 3)
    head = length + struct.pack("<I", castagnoli.masked(length))
    good = head + b"abc" + struct.pack("<I", castagnoli.masked(b"abc"))
    assert frames(good, "TFRecord") == [b"abc"]
    with pytest.raises(framing.BadFraming, match="record 2, byte 19: the checksum of the data is wrong"):
        frames(good + good.replace(b"abc", b"abd"), "TFRecord")
    with pytest.raises(framing.BadFraming, match=r"3 bytes are announced|7 bytes are announced"):
        frames(good[:-5], "TFRecord")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$", "abcde"),
        ("$[*]", "abcde"),
        ("$[0]", "a"),
        ("$[1:]", "bcde"),
        ("$[1,3,4]", "bde"),
        ("$[:2]", "abc"),
        ("$[0,3:]", "ade"),
        ("$[-1]", "e"),
        ("$[-2:]", "de"),
        ("$[1:3]", "bcd"),
        ("$[ 0 , -1 ]", "ae"),
    ],
)
def test_paths_select_columns(path: str, expected: str) -> None:
    """The end of a range belongs to it: the guide's $[1:4] are the second to the fifth column."""
    assert "".join(read_path(path, "text/csv").cells("abcde")) == expected


@pytest.mark.parametrize("path", ["$[9]", "$[-3]", "$[0:2]", "$[2:]"])
def test_a_position_outside_the_row_is_an_error(path: str) -> None:
    with pytest.raises(JsonPathError, match=r"there is no place .* among 2"):
        read_path(path, "text/csv").cells(["a", "b"])


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$", {"id": 1, "rows": [{"a": 1, "b": [5, 6]}, {"a": 2, "b": [7]}]}),
        ("$.id", 1),
        ("$['id']", 1),
        ("$.rows[0].b", [5, 6]),
        ("$.rows[-1]['a']", 2),
        ("$.rows[0:1]", [{"a": 1, "b": [5, 6]}, {"a": 2, "b": [7]}]),
        ("$.rows[*].a", [1, 2]),
        ("$.rows[1].*", [2, [7]]),
        ("$.*", [1, [{"a": 1, "b": [5, 6]}, {"a": 2, "b": [7]}]]),
        ("$.rows[0].['a','b']", {"a": 1, "b": [5, 6]}),
    ],
)
def test_paths_select_of_json(path: str, expected: Any) -> None:
    value = {"id": 1, "rows": [{"a": 1, "b": [5, 6]}, {"a": 2, "b": [7]}]}
    assert read_path(path, "application/json").select(value) == expected


@pytest.mark.parametrize("path", ["$.other", "$['id','other']", "$.rows[2]", "$.id[0]", "$.id.x", "$[0]"])
def test_what_json_does_not_have_is_an_error(path: str) -> None:
    with pytest.raises(JsonPathError, match="selects what is not there"):
        read_path(path, "application/jsonlines").select({"id": 1, "rows": [1, 2]})


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("id", "must begin with"),
        ("$..id", "cannot be read"),
        ("$.rows[0", "cannot be read"),
        ("$.rows[1:2:3]", "is no place"),
        ("$[0:2,4:]", "only single range filters"),
        ("$['a.b']", "children of children"),
        ("$['user_id']", 'Unexpected "_" in JsonPath'),
        ("$[?(@.a>1)]", 'Unexpected "\\?" in JsonPath'),
    ],
)
def test_paths_that_the_service_does_not_support_are_refused(path: str, words: str) -> None:
    with pytest.raises(JsonPathError, match=words):
        read_path(path, "application/json")


@pytest.mark.parametrize("path", ["$.a", "$[0][1]", "$['a']"])
def test_names_and_depth_are_no_paths_for_csv(path: str) -> None:
    with pytest.raises(JsonPathError):
        read_path(path, "text/csv")


def test_the_join_uses_the_unfiltered_record() -> None:
    processing = Processing.read({"InputFilter": "$[1:]", "JoinSource": "Input"}, "text/csv")
    body = b'7,"a,b",1\n8,c,2\n'
    assert processing.to_model(body) == b'"a,b",1\nc,2'
    assert processing.to_output(body, b"0.5\n0.6\n") == b'7,"a,b",1,0.5\n8,c,2,0.6\n'
    assert processing.to_output(body, b"\n0.6") == b'7,"a,b",1,\n8,c,2,0.6\n'  # an empty prediction
    with pytest.raises(ValueError, match="1 predictions cannot be joined with 2"):
        processing.to_output(body, b"0.5\n")


def test_an_empty_cell_alone_stays_a_record() -> None:
    processing = Processing.read({"InputFilter": "$[1]"}, "text/csv")
    assert processing.to_model(b'1,\n2,x\n3,""\n') == b'""\nx\n""'


def test_numbers_of_json_are_not_changed_on_the_way() -> None:
    processing = Processing.read({"InputFilter": "$.n"}, "application/jsonlines")
    text = b"[0.1,12345678901234567890,-1e-07,1.0,null,true]"
    assert processing.to_model(b'{"n":%s}\n' % text) == text


def test_the_answer_to_a_record_alone_may_take_several_lines() -> None:
    processing = Processing.read({"JoinSource": "Input"}, "application/json")
    joined = processing.to_output(b'{"id":1}', b'{\n  "score": 0.5\n}\n', alone=True)
    assert joined == b'{"id":1,"SageMakerOutput":{"score":0.5}}\n'
