"""Batch transforms through boto3, a real server and real job processes; the models are quick stand-ins."""

import gzip
import itertools
import json
import os
import re
import signal
import struct
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from control_harness import Control, alive, container, create_model, refused, transform_request, wait_for

from helpers.local.jobs.castagnoli import masked
from helpers.local.processes import marked

MEGABYTE = 1024 * 1024
LINES = {"TransformInput": {"SplitType": "Line"}, "TransformOutput": {"AssembleWith": "Line"}}
numbers = itertools.count()


def record_io(*payloads: bytes) -> bytes:
    return b"".join(
        struct.pack("<II", 0xCED7230A, len(payload)) + payload + b"\0" * (-len(payload) % 4)
        for payload in payloads
    )


def tf_record(*payloads: bytes) -> bytes:
    pieces = []
    for payload in payloads:
        length = struct.pack("<Q", len(payload))
        pieces += [length, struct.pack("<I", masked(length)), payload, struct.pack("<I", masked(payload))]
    return b"".join(pieces)


@dataclass
class Transform:
    """A job that was created, and its folders in S3."""

    control: Control
    name: str

    @property
    def directory(self) -> Path:
        return self.control.state / "jobs" / "transform" / self.name

    @property
    def description(self) -> dict[str, Any]:
        found: dict[str, Any] = self.control.client().describe_transform_job(TransformJobName=self.name)
        return found

    @property
    def log(self) -> str:
        return (self.directory / "log").read_text()

    def end(self) -> str:
        """The status it ends with."""
        statuses = ("Completed", "Failed", "Stopped")
        return str(
            wait_for(
                lambda: next(
                    (status for status in [self.description["TransformJobStatus"]] if status in statuses),
                    None,
                ),
                30,
                f"the job ends:\n{self.log}",
            )
        )

    def completed(self) -> dict[str, bytes]:
        """The outputs of a job that must complete, by their keys below its output path."""
        assert self.end() == "Completed", f"{self.description.get('FailureReason')}\n{self.log}"
        return self.outputs

    @property
    def outputs(self) -> dict[str, bytes]:
        found = self.control.objects.list("data", f"{self.name}/out/")
        return {
            info.key.removeprefix(f"{self.name}/out/"): self.control.objects.read("data", info.key)
            for info in found
        }

    def requests(self, number: int = 1) -> list[dict[str, Any]]:
        """What a container was asked, in the order of arrival."""
        path = self.directory / f"container-{number}" / "requests.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()]

    @property
    def environment(self) -> dict[str, str]:
        found: dict[str, str] = json.loads((self.directory / "container-1/environment.json").read_text())
        return found


def start(
    control: Control,
    files: dict[str, bytes],
    model: dict[str, str] | list[dict[str, str]],
    changes: dict[str, Any] | None = None,
    **members: Any,
) -> Transform:
    """Start a job on these objects with a model of containers with these environments.

    ``changes`` are added to TransformInput and TransformOutput.
    """
    name = f"job-{next(numbers)}"
    models = [model] if isinstance(model, dict) else model
    for key, content in files.items():
        control.objects.put("data", f"{name}/in/{key}", content)
    client = control.client()
    create_model(client, name, *(container(**environment) for environment in models))
    request = transform_request(name, name, **members)
    request["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"] = f"s3://data/{name}/in/"
    request["TransformOutput"]["S3OutputPath"] = f"s3://data/{name}/out"
    for member, added in (changes or {}).items():
        request[member].update(added)
    client.create_transform_job(**request)
    return Transform(control, name)


def csv_lines(**processing: Any) -> dict[str, Any]:
    """Changes and members for CSV by lines with DataProcessing."""
    return {
        "changes": {
            "TransformInput": {"SplitType": "Line", "ContentType": "text/csv"},
            "TransformOutput": {"AssembleWith": "Line", "Accept": "text/csv"},
        },
        **({"DataProcessing": processing} if processing else {}),
    }


@pytest.fixture(scope="module")
def control(shared_control: Control) -> Iterator[Control]:
    yield shared_control


def test_an_object_is_one_request_unless_it_is_split(control: Control) -> None:
    files = {"b.csv": b"1,2\n3,4\n", "deep/er/a.csv": b"5", "z": b"6\n"}
    job = start(
        control,
        files,
        {"answer": "echo", "name": "> "},
        {
            "TransformInput": {"ContentType": "text/x-in"},
            "TransformOutput": {"Accept": "text/x-out"},
        },
        Environment={"mine": "yes"},
        ExperimentConfig={"ExperimentName": "e", "TrialName": "t"},
        Tags=[{"Key": "k", "Value": "v"}],
    )
    assert job.completed() == {
        "b.csv.out": b"> 1,2\n3,4\n",
        "deep/er/a.csv.out": b"> 5",
        "z.out": b"> 6\n",
    }
    assert [request["body"] for request in job.requests()] == ["1,2\n3,4\n", "5", "6\n"]
    headers = job.requests()[0]["headers"]
    assert (headers["Content-Type"], headers["Accept"]) == ("text/x-in", "text/x-out")
    assert job.environment["mine"] == "yes"
    assert job.environment["SAGEMAKER_BATCH"] == "true"
    assert not [name for name in job.environment if name.startswith("SAGEMAKER_M")]
    assert "SAGEMAKER_BATCH_STRATEGY" not in job.environment
    described = job.description
    assert described["ExperimentConfig"] == {"ExperimentName": "e", "TrialName": "t"}
    assert described["TransformEndTime"] >= described["TransformStartTime"] >= described["CreationTime"]
    tags = control.client().list_tags(ResourceArn=described["TransformJobArn"])["Tags"]
    assert tags == [{"Key": "k", "Value": "v"}]
    assert control.objects.head("data", f"{job.name}/out/z.out").attributes.content_type == "text/x-out"
    listed = control.client().list_transform_jobs(NameContains=job.name, StatusEquals="Completed")
    summary = listed["TransformJobSummaries"][0]
    assert (summary["TransformJobName"], summary["TransformJobStatus"]) == (job.name, "Completed")


def test_what_the_user_sets_reaches_the_container(control: Control) -> None:
    job = start(
        control,
        {"a": b"1\n2\n3\n"},
        {"answer": "echo", "parameters": '{"MaxConcurrentTransforms": 9, "BatchStrategy": "MULTI_RECORD"}'},
        LINES,
        MaxPayloadInMB=2,
        BatchStrategy="SingleRecord",
        MaxConcurrentTransforms=3,
    )
    assert job.completed() == {"a.out": b"1\n2\n3\n"}
    assert sorted(request["body"] for request in job.requests()) == ["1", "2", "3"]
    assert job.environment["SAGEMAKER_MAX_PAYLOAD_IN_MB"] == "2"
    assert job.environment["SAGEMAKER_BATCH_STRATEGY"] == "SINGLE_RECORD"
    assert job.environment["SAGEMAKER_MAX_CONCURRENT_TRANSFORMS"] == "3"
    assert "[sagemaker logs]: MaxConcurrentTransforms=3, MaxPayloadInMB=2, BatchStrategy=SINGLE_R" in job.log


def test_the_container_is_asked_for_what_the_job_leaves_open(control: Control) -> None:
    wishes = {"MaxConcurrentTransforms": 2, "BatchStrategy": "SINGLE_RECORD", "MaxPayloadInMB": 1}
    job = start(control, {"a": b"1\n2\n"}, {"answer": "echo", "parameters": json.dumps(wishes)}, LINES)
    bad = start(control, {"a": b"1\n"}, {"answer": "echo", "parameters": '{"MaxPayloadInMB": "much"}'}, LINES)
    plain = start(control, {"a": b"1\n2\n"}, {"answer": "echo"}, LINES)
    job.completed()
    assert len(job.requests()) == 2
    assert "MaxConcurrentTransforms=2, MaxPayloadInMB=1, BatchStrategy=SINGLE_RECORD" in job.log
    plain.completed()
    assert len(plain.requests()) == 1
    assert "MaxConcurrentTransforms=1, MaxPayloadInMB=6, BatchStrategy=MULTI_RECORD" in plain.log
    assert bad.end() == "Failed"
    assert "/execution-parameters cannot be used" in bad.description["FailureReason"]


def test_requests_run_side_by_side_and_the_order_stays(control: Control) -> None:
    lines = [b"%d" % number for number in range(12)]
    job = start(
        control,
        {"a": b"\n".join(lines), "b": b"12\n13\n14\n"},
        {"answer": "echo", "gather": "3"},
        LINES,
        BatchStrategy="SingleRecord",
        MaxConcurrentTransforms=3,
    )
    outputs = job.completed()
    assert outputs["a.out"] == b"\n".join(lines) + b"\n"
    assert outputs["b.out"] == b"12\n13\n14\n"
    assert max(request["now"] for request in job.requests()) == 3


def test_a_large_object_goes_through_in_mini_batches(control: Control) -> None:
    line = b",".join(b"%d" % number for number in range(100)) + b"\n"
    count = 3 * MEGABYTE // len(line)
    job = start(control, {"a": line * count}, {"answer": "sum"}, LINES, MaxPayloadInMB=1)
    assert job.completed() == {"a.out": b"4950\n" * count}
    sizes = [request["bytes"] for request in job.requests()]
    assert sum(sizes) == count * len(line)
    assert len(sizes) == 4
    assert all(MEGABYTE - len(line) < size <= MEGABYTE for size in sizes[:3])
    assert f"{count:,} records; 1 of 1 objects" in job.log


def test_100_mb_go_through_in_little_memory(control: Control) -> None:
    line = b"0.123456,0.234567,0.345678,0.456789,0.567890,0.678901,0.789012,0.890123,0.901234,1.234567\n"
    count = 100_000_000 // len(line)
    job = start(
        control,
        {"a": gzip.compress(line * count, 1)},
        {"answer": "lengths"},
        {"TransformInput": {"SplitType": "Line", "CompressionType": "Gzip"}},
    )
    job.completed()
    sizes = [request["bytes"] for request in job.requests()]
    assert sum(sizes) == count * len(line)
    assert len(sizes) == 16
    peak = re.search(r"At most (\d+) MB of memory", job.log)
    assert peak is not None
    assert int(peak[1]) < 90


def test_what_does_not_fit_into_a_request_fails_its_object(control: Control) -> None:
    files = {"good": b"1\n", "long": b"2\n" + b"3" * (MEGABYTE + 10) + b"\n4\n"}
    split = start(control, files, {"answer": "echo"}, LINES, MaxPayloadInMB=1)
    whole = start(control, files, {"answer": "echo"}, MaxPayloadInMB=1)
    for job, words in (
        (split, "line 2 has more than"),
        (whole, "set SplitType Line, or raise MaxPayloadInMB"),
    ):
        assert job.end() == "Failed"
        reason = job.description["FailureReason"]
        assert "1 of 2 objects" in reason
        assert f"s3://data/{job.name}/in/long: " in reason
        assert words in reason
        assert job.outputs == {"good.out": b"1\n"}


def test_payload_0_streams_an_object_in_chunks(control: Control) -> None:
    content = b"".join(b"%d,%d\n" % (number, number) for number in range(100_000))
    expected = b"".join(b"%g\n" % (2 * number) for number in range(100_000))
    whole = start(control, {"a": content}, {"answer": "sum"}, MaxPayloadInMB=0)
    joined = start(
        control,
        {"a": gzip.compress(content, 1)},
        {"answer": "sum"},
        {
            "TransformInput": {"SplitType": "Line", "ContentType": "text/csv", "CompressionType": "Gzip"},
            "TransformOutput": {"AssembleWith": "Line", "Accept": "text/csv"},
        },
        MaxPayloadInMB=0,
        DataProcessing={"InputFilter": "$[0]", "JoinSource": "Input", "OutputFilter": "$[-1]"},
    )
    assert whole.completed() == {"a.out": expected}
    (request,) = whole.requests()
    assert request["headers"]["Transfer-Encoding"] == "chunked"
    assert request["bytes"] == len(content)
    assert whole.environment["SAGEMAKER_MAX_PAYLOAD_IN_MB"] == "0"
    lines = joined.completed()["a.out"].split()
    assert len(lines) == 100_000
    assert lines[70_000:70_002] == [b"70000", b"70001"]
    assert len(joined.requests()) == 1


def test_a_container_that_refuses_before_the_end_is_heard(control: Control) -> None:
    files = {"a": b"1,2\n" * 4 * MEGABYTE}
    whole = start(control, files, {"answer": "sum", "behaviour": "refuse"}, MaxPayloadInMB=20)
    chunks = start(control, files, {"answer": "sum", "behaviour": "refuse"}, MaxPayloadInMB=0)
    for job in (whole, chunks):
        assert job.end() == "Failed"
        assert job.description["FailureReason"].startswith("ClientError: ")
        assert "answered 413: too long for me" in job.description["FailureReason"]


def test_gzip_is_taken_off_and_a_damaged_file_fails(control: Control) -> None:
    packed = gzip.compress(b"1,2\n3,4\n")
    job = start(
        control,
        {"a.gz": packed, "bad.gz": packed[:-9]},
        {"answer": "sum"},
        {"TransformInput": {"SplitType": "Line", "CompressionType": "Gzip"}},
    )
    assert job.end() == "Failed"
    assert "bad.gz" in job.description["FailureReason"]
    assert job.outputs == {"a.gz.out": b"3\n7\n"}


def test_a_manifest_names_the_objects(control: Control) -> None:
    control.objects.put("data", "elsewhere/deep/one.csv", b"1\n")
    control.objects.put("data", "elsewhere/two.csv", b"2\n")
    manifest = json.dumps([{"prefix": "s3://data/elsewhere/"}, "deep/one.csv", "two.csv"]).encode()
    control.objects.put("data", "list.manifest", manifest)
    source = {"S3DataSource": {"S3DataType": "ManifestFile", "S3Uri": "s3://data/list.manifest"}}
    job = start(control, {}, {"answer": "echo"}, {"TransformInput": {"DataSource": source}})
    assert job.completed() == {"deep/one.csv.out": b"1\n", "two.csv.out": b"2\n"}


@pytest.mark.parametrize(("split", "frame"), [("RecordIO", record_io), ("TFRecord", tf_record)])
def test_binary_records_are_split_by_their_framing(control: Control, split: str, frame: Any) -> None:
    payloads = [b"abc", b"", b"\n" * 5, b"x" * 300]
    damaged = bytearray(frame(*payloads))
    damaged[8 if split == "RecordIO" else 13] ^= 1
    changes = {"TransformInput": {"SplitType": split}}
    if split == "RecordIO":
        damaged = damaged[:-4]
    many = start(control, {"a": frame(*payloads), "bad": bytes(damaged)}, {"answer": "echo"}, changes)
    single = start(
        control,
        {"a": frame(*payloads)},
        {"answer": "lengths"},
        {**changes, "TransformOutput": {"AssembleWith": "Line"}},
        BatchStrategy="SingleRecord",
    )
    assert many.end() == "Failed"
    assert re.search(r"in/bad: record \d, byte \d+: ", many.description["FailureReason"])
    assert many.outputs == {"a.out": frame(*payloads)}
    assert single.completed() == {"a.out": b"3\n0\n5\n300\n"}


def test_columns_are_filtered_joined_and_filtered_again(control: Control) -> None:
    table = b'7,1,2\r\n\r\n8,"3",4\n'
    files = {"a": table}
    processing = {"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-1]"}
    model = {"answer": "sum"}
    chosen = start(control, {"a": b"7,1,2\r\n\r\n8,3,4\n"}, model, **csv_lines(**processing))
    joined = start(control, files, {"answer": "echo"}, **csv_lines(JoinSource="Input"))
    range_of = start(control, {"a": b"0,1,2,3,4\n"}, {"answer": "echo"}, **csv_lines(OutputFilter="$[1:3]"))
    outside = start(control, {"a": b"0,1\n"}, {"answer": "echo"}, **csv_lines(OutputFilter="$[2]"))
    fewer = start(control, {"a": b"1\n\n2\n"}, {"answer": "lengths"}, **csv_lines(JoinSource="Input"))
    assert chosen.completed() == {"a.out": b"7,3\n8,7\n"}
    assert [request["body"] for request in chosen.requests()] == ["1,2\n3,4"]
    assert joined.end() == "Failed"  # an echo has the empty line too: three answers to two records
    assert "3 predictions cannot be joined with 2 records" in joined.description["FailureReason"]
    assert range_of.completed() == {"a.out": b"1,2,3\n"}
    assert outside.end() == fewer.end() == "Failed"
    assert "the filter $[2] selects what is not there" in outside.description["FailureReason"]
    assert "1 predictions cannot be joined with 2 records" in fewer.description["FailureReason"]


def test_quotes_survive_filters_and_line_breaks_in_cells_are_refused(control: Control) -> None:
    quoted = b'1,"a,b",x\n2,"c ""d""",y\n'
    good = start(control, {"a": quoted}, {"answer": "echo"}, **csv_lines(InputFilter="$[1:]"))
    bad = start(control, {"a": b'1,plain\n2,"two\nlines"\n'}, {"answer": "echo"}, **csv_lines())
    assert good.completed() == {"a.out": b'"a,b",x\n"c ""d""",y\n'}
    assert bad.end() == "Failed"
    assert "record 2: a quoted cell goes on in the next line" in bad.description["FailureReason"]


def json_members(kind: str, split: str, **processing: Any) -> dict[str, Any]:
    return {
        "changes": {
            "TransformInput": {"ContentType": kind, "SplitType": split},
            "TransformOutput": {"Accept": kind, "AssembleWith": split},
        },
        "DataProcessing": processing,
    }


def test_json_lines_are_filtered_and_joined(control: Control) -> None:
    content = b'{"id":1,"features":[1,2]}\n{"id":2,"features":[3]}\n'
    paths = {"InputFilter": "$.features", "JoinSource": "Input"}
    kind = "application/jsonlines"
    model = {"answer": "jsonlines", "type": kind}
    some = start(
        control,
        {"a": content},
        model,
        **json_members(kind, "Line", **paths, OutputFilter="$['id','SageMakerOutput']"),
    )
    lists = start(control, {"a": b"[1,2]\n"}, model, **json_members(kind, "Line", JoinSource="Input"))
    absent = start(
        control, {"a": b'{"id":1}\n'}, model, **json_members(kind, "Line", InputFilter="$.features")
    )
    assert some.completed() == {
        "a.out": b'{"id":1,"SageMakerOutput":{"length":2}}\n{"id":2,"SageMakerOutput":{"length":1}}\n'
    }
    assert some.requests()[0]["body"] == "[1,2]\n[3]"
    assert json.loads(lists.completed()["a.out"]) == {
        "SageMakerInput": [1, 2],
        "SageMakerOutput": {"length": 2},
    }
    assert absent.end() == "Failed"
    assert "the object has no member 'features'" in absent.description["FailureReason"]


def test_a_json_document_gets_the_answer_as_a_member(control: Control) -> None:
    kind = "application/json"
    content = b'{\n  "instances": [1, 2, 3],\n  "name": "\xc3\xa9"\n}\n'
    job = start(
        control,
        {"a.json": content},
        {"answer": "json"},
        **json_members(kind, "None", InputFilter="$.instances[1:]", JoinSource="Input"),
    )
    out = job.completed()["a.json.out"]
    assert json.loads(out) == {"instances": [1, 2, 3], "name": "é", "SageMakerOutput": {"length": 2}}
    assert job.requests()[0]["body"] == "[2,3]"


def test_capture_writes_manifests_and_inference_ids(control: Control) -> None:
    destination = {"DestinationS3Uri": "s3://data/captured", "GenerateInferenceId": True}
    files = {"a.csv": b"1\n2\n", "deep/b.csv": b"3\n"}
    job = start(control, files, {"answer": "sum"}, DataCaptureConfig=destination, **csv_lines())
    lines = start(
        control,
        {"a": b"[1]\n"},
        {"answer": "jsonlines"},
        DataCaptureConfig={**destination, "DestinationS3Uri": "s3://data/other/"},
        changes=json_members("application/jsonlines", "Line")["changes"],
    )
    rows = [line.split(",") for line in job.completed()["a.csv.out"].decode().splitlines()]
    assert [row[0] for row in rows] == ["1", "2"]
    assert len({uuid.UUID(row[1]) for row in rows}) == 2
    begun = job.description["TransformStartTime"].timestamp()
    moments = {time.mktime(time.strptime(row[2], "%Y-%m-%dT%H:%M:%SZ")) - time.timezone for row in rows}
    assert len(moments) == 1
    assert abs(moments.pop() - begun) < 10
    hours = {time.strftime("%Y/%m/%d/%H", time.gmtime(begun + more)) for more in (0, 10)}
    keys = [info.key for info in control.objects.list("data", "captured/")]
    assert [re.fullmatch(r"captured/(\w+)/\d{4}/\d\d/\d\d/\d\d/[^/]+", key)[1] for key in keys] == [
        "input",
        "output",
    ]
    assert {"/".join(key.split("/")[2:6]) for key in keys} <= hours
    manifests = [json.loads(control.objects.read("data", key)) for key in keys]
    assert manifests[0] == [{"prefix": f"s3://data/{job.name}/in/"}, "a.csv", "deep/b.csv"]
    assert manifests[1] == [{"prefix": f"s3://data/{job.name}/out/"}, "a.csv.out", "deep/b.csv.out"]
    found = json.loads(lines.completed()["a.out"])
    assert list(found) == ["length", "SageMakerInferenceId", "SageMakerInferenceTime"]
    source = {"S3DataSource": {"S3DataType": "ManifestFile", "S3Uri": f"s3://data/{keys[0]}"}}
    again = start(control, {}, {"answer": "echo"}, {"TransformInput": {"DataSource": source}})
    assert list(again.completed()) == ["a.csv.out", "deep/b.csv.out"]


def test_containers_of_a_pipeline_hand_on_what_they_answer(control: Control) -> None:
    models = [{"answer": "sum", "type": "text/x-between"}, {"answer": "echo", "name": "> "}]
    outputs = {"ContentType": "text/csv"}
    job = start(control, {"a": b"1,2\n"}, models, {"TransformInput": outputs})
    streamed = start(control, {"a": b"1,2\n"}, models, {"TransformInput": outputs}, MaxPayloadInMB=0)
    assert job.completed() == streamed.completed() == {"a.out": b"> 3\n"}
    assert job.requests(2)[0]["headers"]["Content-Type"] == "text/x-between"


def test_a_refused_batch_fails_its_object_alone(control: Control) -> None:
    files = {"a": b"1\n", "bad": b"2\nworse\n3\n", "c": b"4\n"}
    job = start(control, files, {"answer": "echo", "bad": "worse"}, LINES, BatchStrategy="SingleRecord")
    assert job.end() == "Failed"
    reason = job.description["FailureReason"]
    assert reason.startswith(
        "ClientError: 1 of 3 objects could not be transformed; the outputs of 2 are kept."
    )
    assert reason.endswith("in/bad: line 2: The container 'primary' answered 400: a bad record")
    assert job.outputs == {"a.out": b"1\n", "c.out": b"4\n"}
    assert sum(request["body"] == "worse" for request in job.requests()) == 1


def test_failing_requests_are_made_again_as_often_as_asked(control: Control) -> None:
    model = {"answer": "echo", "status": "503", "times": "2"}
    patient = start(control, {"a": b"1"}, model)
    hasty = start(control, {"a": b"1"}, model, ModelClientConfig={"InvocationsMaxRetries": 1})
    hanging = start(
        control,
        {"a": b"1"},
        {"answer": "echo", "behaviour": "hang"},
        ModelClientConfig={"InvocationsMaxRetries": 0, "InvocationsTimeoutInSeconds": 1},
    )
    crashing = start(control, {"a": b"1", "b": b"2"}, {"answer": "echo", "behaviour": "crash"})
    assert patient.completed() == {"a.out": b"1"}
    assert len(patient.requests()) == 3
    for job, words in (
        (hasty, "answered 503: not now"),
        (hanging, "did not answer within 1 s"),
        (crashing, "'primary' ended with exit code 3"),
    ):
        assert job.end() == "Failed"
        assert job.description["FailureReason"].startswith("AlgorithmError: ")
        assert words in job.description["FailureReason"]
        assert job.outputs == {}
    assert len(hasty.requests()) == 2


def test_a_stopped_job_leaves_no_output(control: Control) -> None:
    files = {"a": b"1", "b": b"2", "c": b"3"}
    job = start(control, files, {"answer": "echo", "delay": "0.4"}, LINES)
    wait_for(lambda: "in/a: 1 records" in job.log, 20, "the first object is through")
    control.client().stop_transform_job(TransformJobName=job.name)
    assert job.description["TransformJobStatus"] in ("Stopping", "Stopped")
    assert job.end() == "Stopped"
    assert job.outputs == {}
    assert "FailureReason" not in job.description
    assert refused(control.client().stop_transform_job, TransformJobName=job.name)[0] == "ValidationException"


def test_nothing_to_read_or_nowhere_to_write_fails_at_once(control: Control) -> None:
    empty = start(control, {}, {"answer": "echo"})
    nowhere = start(
        control, {"a": b"1"}, {"answer": "echo"}, {"TransformOutput": {"S3OutputPath": "s3://absent/out"}}
    )
    uncaptured = start(
        control, {"a": b"1"}, {"answer": "echo"}, DataCaptureConfig={"DestinationS3Uri": "s3://absent/c"}
    )
    broken = start(control, {"a": b"1"}, {"answer": "echo", "behaviour": "broken"})
    for job, words in (
        (empty, "No S3 objects found"),
        (nowhere, "'absent' of S3OutputPath"),
        (uncaptured, "'absent' of DestinationS3Uri"),
        (broken, "'primary' did not start"),
    ):
        assert job.end() == "Failed"
        assert job.outputs == {}
        assert words in job.description["FailureReason"]


def test_a_job_that_is_killed_leaves_no_output(control: Control) -> None:
    job = start(control, {"a": b"1", "b": b"2"}, {"answer": "echo", "delay": "0.4"}, LINES)
    wait_for(lambda: "in/a: 1 records" in job.log, 20, "the first object is through")
    for pid in list(marked(job.directory.resolve())):
        if os.getpgid(pid) == pid:
            os.kill(pid, signal.SIGKILL)
    assert job.end() == "Failed"
    assert "killed (signal 9)" in job.description["FailureReason"]
    assert job.outputs == {}
    assert not [pid for pid in marked(job.directory.resolve()) if alive(pid)]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_server_that_ends_in_mid_job_leaves_nothing_partial(tmp_path: Path, number: int) -> None:
    control = Control(tmp_path / "state")
    control.start()
    try:
        job = start(control, {"a": b"1", "b": b"2"}, {"answer": "echo", "delay": "1"}, LINES)
        wait_for((job.directory / "log").exists)
        wait_for(lambda: "in/a: 1 records" in job.log, 20, "the first object is through")
        control.end(number)
        wait_for(lambda: not control.jobs(), what="no process outlives the server")
        control.start()
        assert job.outputs == {}
        assert job.end() == "Failed"
        assert "was stopped while this job ran" in job.description["FailureReason"]
    finally:
        control.end(signal.SIGTERM)
