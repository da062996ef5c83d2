"""Records on disk: unique, typed, and never half written."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from helpers.local.decoding import decode
from helpers.local.sagemaker.records import Container, Deployment, EndpointRecord, JobRecord, Variant
from helpers.local.store import NameTaken, NoRecord, Record, Store

WRITER = """
import sys
from pathlib import Path
from helpers.local.store import Record, Store
store = Store(Path(sys.argv[1]), Record)
if store.find("counter") is None:
    store.create(Record(name="counter", arn="arn", created=0, modified=0))
def step(record):
    record.modified += 1
    record.request = {"padding": "x" * 200_000}
while True:
    print(int(store.update("counter", step).modified), flush=True)
"""


def record(name: str, **members: object) -> Record:
    return Record(name=name, arn=f"arn:{name.lower()}", created=1.0, modified=1.0, **members)  # type: ignore[arg-type]


def test_records_come_back_after_a_restart(tmp_path: Path) -> None:
    store = Store(tmp_path, JobRecord)
    job = JobRecord(name="Job-1", arn="arn", created=1.5, modified=2.5, request={"a": [1, {"b": None}]})
    store.create(job)
    store.update("Job-1", lambda found: setattr(found, "status", "Completed"))
    again = Store(tmp_path, JobRecord)
    assert again.get("Job-1") == replace(job, status="Completed")
    assert [path.name for path in tmp_path.iterdir()] == ["Job-1.json"]


def test_names_are_unique_in_any_case_and_found_as_they_were_given(tmp_path: Path) -> None:
    store = Store(tmp_path, Record)
    store.create(record("Model"))
    with pytest.raises(NameTaken) as taken:
        store.create(record("mODEL"))
    assert taken.value.args[0].name == "Model"
    with pytest.raises(NoRecord):
        store.get("model")
    found = store.find("model")
    assert found is not None
    assert found.name == "Model"


def test_a_deleted_name_is_free(tmp_path: Path) -> None:
    store = Store(tmp_path, Record)
    store.create(record("a"))
    store.delete("a")
    with pytest.raises(NoRecord):
        store.delete("a")
    store.create(record("A"))
    assert [found.name for found in Store(tmp_path, Record).all()] == ["A"]


def test_what_is_handed_out_is_a_copy(tmp_path: Path) -> None:
    store = Store(tmp_path, Record)
    store.create(record("a", request={"list": [1]}))
    store.get("a").request["list"].append(2)
    store.all()[0].tags["x"] = "y"
    assert store.get("a").request == {"list": [1]}
    assert store.get("a").tags == {}


def test_a_change_that_raises_changes_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path, Record)
    store.create(record("a"))

    def change(found: Record) -> None:
        found.modified = 9
        raise ValueError

    with pytest.raises(ValueError):
        store.update("a", change)
    assert store.get("a").modified == 1
    assert Store(tmp_path, Record).get("a").modified == 1


def test_what_a_dead_writer_left_is_cleared_and_strange_files_are_left_alone(tmp_path: Path) -> None:
    Store(tmp_path, Record).create(record("a"))
    (tmp_path / "a.json.writing").write_text('{"name": "a", "arn"')
    (tmp_path / "b.json.writing").write_text("")
    (tmp_path / "broken.json").write_text('{"name": ')
    (tmp_path / "other.json").write_text('{"name": "else", "arn": "x", "created": 1, "modified": 1}')
    (tmp_path / "notes.txt").write_text("mine")
    store = Store(tmp_path, Record)
    assert [found.name for found in store.all()] == ["a"]
    assert sorted(path.name for path in store.unreadable) == ["broken.json", "other.json"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "a.json",
        "broken.json",
        "notes.txt",
        "other.json",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[]", "JobRecord is no object"),
        ('{"name": "a"}', "JobRecord has no arn"),
        ('{"name": 1, "arn": "x", "created": 1, "modified": 1}', "JobRecord.name is no"),
        ('{"name": "a", "arn": "x", "created": "1", "modified": 1}', "JobRecord.created is no"),
        ('{"name": "a", "arn": "x", "created": 1, "modified": 1, "status": "Odd"}', "JobRecord.status is no"),
        (
            '{"name": "a", "arn": "x", "created": 1, "modified": 1, "tags": {"k": 1}}',
            "JobRecord.tags.k is no",
        ),
    ],
)
def test_a_record_of_the_wrong_kind_is_named(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=re.escape(problem)):
        decode(JobRecord, json.loads(text))


def test_nested_records_come_back_typed() -> None:
    variant = Variant(name="v", containers=[Container(name="c", definition={"Image": "i"})], instances=1)
    deployment = Deployment(generation="1", config_name="c", variants=[variant])
    endpoint = EndpointRecord(name="e", arn="a", created=1, modified=2, serving=deployment)
    written = {**json.loads(json.dumps(asdict(endpoint))), "invented later": 1}
    assert decode(EndpointRecord, written) == endpoint


def test_threads_take_turns(tmp_path: Path) -> None:
    store = Store(tmp_path, Record)
    store.create(record("a", request={"count": 0}))

    def count() -> None:
        for _ in range(20):
            store.update("a", lambda found: found.request.update(count=found.request["count"] + 1))

    threads = [threading.Thread(target=count) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Store(tmp_path, Record).get("a").request == {"count": 100}


def test_kill_9_at_any_moment_loses_nothing_that_was_confirmed(tmp_path: Path) -> None:
    confirmed = 0
    for round_number in range(8):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        first = int(process.stdout.readline())
        assert first in (confirmed + 1, confirmed + 2)  # the write that was cut off may have counted
        time.sleep(0.013 * round_number)
        os.kill(process.pid, signal.SIGKILL)
        confirmed = int(([str(first), *process.stdout.read().split()])[-1])
        process.wait()
        process.stdout.close()
        found = Store(tmp_path, Record)
        assert found.unreadable == []
        assert found.get("counter").modified in (confirmed, confirmed + 1)
        assert [path.name for path in tmp_path.iterdir()] == ["counter.json"]
