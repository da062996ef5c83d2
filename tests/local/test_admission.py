"""Jobs are granted cores and memory before they start, and wait in a visible queue where there is no room."""

import json
import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from control_harness import (
    Control,
    automl_ended,
    automl_request,
    create_model,
    first_request,
    job_status,
    processing_request,
    transform_request,
    wait_for,
)

from helpers.local import machine
from helpers.local.machine import GIGABYTE, Share
from helpers.local.objects import ObjectStore
from helpers.local.sagemaker.admission import Admission, Lane, Ticket
from helpers.local.sagemaker.automl_demand import BASE, demand


class Jobs:
    """Jobs that do nothing but note what is granted and what they are told."""

    def __init__(self, cores: int = 4, gigabytes: int = 12) -> None:
        self.admission = Admission(Share(cores, gigabytes * GIGABYTE))
        self.granted: dict[str, Share] = {}
        self.waiting: list[str] = []
        self.told: dict[str, list[str]] = {}

    def ask(self, key: str, cores: int, gigabytes: float, lane: Lane = "heavy") -> None:
        def start(share: Share) -> None:
            self.granted[key] = share

        self.told[key] = []
        self.admission.ask(
            Ticket(
                key=key,
                lane=lane,
                wanted=Share(cores, int(gigabytes * GIGABYTE)),
                start=start,
                wait=lambda: self.waiting.append(key),
                tell=self.told[key].append,
            )
        )


def test_what_fits_starts_at_once_and_the_rest_in_its_order() -> None:
    jobs = Jobs()  # 8 GB for heavy jobs
    jobs.ask("a", 2, 3)
    jobs.ask("b", 1, 3)
    assert list(jobs.granted) == ["a", "b"]
    assert jobs.granted["a"] == Share(2, 3 * GIGABYTE)
    jobs.ask("big", 1, 4)
    jobs.ask("small", 1, 1)  # would fit, but came later
    assert (list(jobs.granted), jobs.waiting) == (["a", "b"], ["big", "small"])
    assert jobs.told["big"] == [
        "Waiting for 1 core and 4.0 GB of memory: place 1 in the queue. Of 4 cores and 8.0 GB of memory for "
        "such jobs, 3 cores and 6.0 GB of memory are granted to a, b."
    ]
    assert "place 2 in the queue" in jobs.told["small"][0]
    jobs.admission.done("b")
    assert list(jobs.granted) == ["a", "b", "big", "small"]
    assert jobs.told["big"][-1].startswith("Granted 1 core and 4.0 GB of memory after 0 s")
    assert jobs.told["a"] == []


def test_cores_are_counted_too_and_places_move_up() -> None:
    jobs = Jobs()
    for key in "abcd":
        jobs.ask(key, 3, 1)
    assert list(jobs.granted) == ["a"]
    assert ["place 3" in text for text in jobs.told["d"]] == [True]
    jobs.admission.done("a")
    assert list(jobs.granted) == ["a", "b"]
    assert "place 2" in jobs.told["d"][-1]
    assert jobs.told["d"][-1].endswith("granted to b.")
    jobs.admission.done("unknown")
    assert list(jobs.granted) == ["a", "b"]


def test_a_job_that_wants_more_than_there_is_gets_all_there_is() -> None:
    jobs = Jobs()
    jobs.ask("huge", 100, 1000)
    assert jobs.granted["huge"] == Share(4, 8 * GIGABYTE)
    jobs.ask("next", 1, 1)
    assert jobs.waiting == ["next"]
    jobs.admission.done("huge")
    assert "next" in jobs.granted


def test_light_jobs_do_not_wait_for_heavy_ones_nor_keep_them_out() -> None:
    jobs = Jobs()
    jobs.ask("automl", 4, 8)
    for key in ("one", "two", "three", "four", "five"):
        jobs.ask(key, 1, 1, "light")
    assert list(jobs.granted) == ["automl", "one", "two", "three", "four"]
    assert jobs.waiting == ["five"]
    jobs.admission.done("automl")
    assert "five" not in jobs.granted
    jobs.ask("automl-2", 4, 8)
    assert "automl-2" in jobs.granted


def test_withdrawing_lets_those_behind_pass() -> None:
    jobs = Jobs()
    jobs.ask("a", 2, 4)
    jobs.ask("big", 4, 8)
    jobs.ask("small", 1, 1)
    assert jobs.admission.withdraw("big")
    assert list(jobs.granted) == ["a", "small"]
    assert not jobs.admission.withdraw("big")
    assert not jobs.admission.withdraw("a")


def test_nothing_starts_after_the_end() -> None:
    jobs = Jobs()
    jobs.ask("a", 4, 1)
    jobs.ask("b", 4, 1)
    jobs.admission.close()
    jobs.admission.done("a")
    jobs.ask("c", 1, 1, "light")
    assert list(jobs.granted) == ["a"]


def test_the_budget_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(machine, "CONTROL_GROUP", tmp_path)
    monkeypatch.setattr(machine.os, "sched_getaffinity", lambda _: {0, 1, 2, 3}, raising=False)
    pages = 8 * GIGABYTE // os.sysconf("SC_PAGE_SIZE")
    real = os.sysconf
    monkeypatch.setattr(machine.os, "sysconf", lambda name: pages if name == "SC_PHYS_PAGES" else real(name))
    assert machine.budget() == Share(4, 6 * GIGABYTE)  # of a laptop with 8 GB
    (tmp_path / "memory.max").write_text(f"{4 * GIGABYTE}\n")
    (tmp_path / "cpu.max").write_text("250000 100000\n")
    assert machine.budget() == Share(2, 3 * GIGABYTE)  # of a container on it
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert machine.budget() == Share(4, 6 * GIGABYTE)
    monkeypatch.setenv("WORKSHOP_CORES", "1")
    monkeypatch.setenv("WORKSHOP_MEMORY_GB", "2.5")
    assert machine.budget() == Share(1, int(2.5 * GIGABYTE))
    assert machine.budget(3, 4) == Share(3, 4 * GIGABYTE)
    monkeypatch.setenv("WORKSHOP_CORES", "two")
    with pytest.raises(ValueError, match=r"\$WORKSHOP_CORES is 'two', which is not a number"):
        machine.budget()
    with pytest.raises(ValueError, match="at least one core and some memory"):
        machine.budget(0, 1)


def test_an_automl_job_asks_by_the_size_of_its_data(tmp_path: Path) -> None:
    objects = ObjectStore(tmp_path)
    objects.create_bucket("data")
    objects.put("data", "training/a.csv", b"x" * 1000)
    objects.put("data", "training/b.csv", b"x" * 500)
    objects.put("data", "other.csv", b"x" * 77)
    asked = automl_request("job")
    assert demand(objects, asked) == Share(2, BASE + 40 * 1500)
    channel = asked["AutoMLJobInputDataConfig"][0]
    channel["CompressionType"] = "Gzip"
    assert demand(objects, asked).memory == BASE + 40 * 4 * 1500
    del channel["CompressionType"]
    source = channel["DataSource"]["S3DataSource"]
    manifest = [{"prefix": "s3://data/training/"}, "a.csv"]
    objects.put("data", "manifest", json.dumps(manifest).encode())
    source.update(S3DataType="ManifestFile", S3Uri="s3://data/manifest")
    assert demand(objects, asked).memory == BASE + 40 * 1000
    # What is wrong with the data is the job's to say.
    for uri in ("s3://data/other.csv", "s3://data/absent", "s3://nowhere/x", "https://data/x"):
        source["S3Uri"] = uri
        assert demand(objects, asked).memory == BASE


@pytest.mark.parametrize(
    ("option", "text"),
    [("--cores=0", "at least one core"), ("--memory=-1", "some memory"), ("--memory=much", "invalid float")],
)
def test_a_budget_that_is_none_is_refused_at_the_start(tmp_path: Path, option: str, text: str) -> None:
    command = [sys.executable, "-m", "helpers.local", "--state", str(tmp_path / "state"), option]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert text in done.stderr
    assert not (tmp_path / "state").exists()


# Through a server whose jobs may take two cores and 6 GB: one AutoML job, two light jobs at a time.


def directory(control: Control, name: str, kind: str = "automl") -> Path:
    return control.state / "jobs" / kind / name


def log(control: Control, name: str, kind: str = "automl") -> str:
    return (directory(control, name, kind) / "log").read_text()


def automl_status(client: Any, name: str) -> tuple[str, str]:
    found = client.describe_auto_ml_job_v2(AutoMLJobName=name)
    return found["AutoMLJobStatus"], found["AutoMLJobSecondaryStatus"]


def test_automl_jobs_wait_for_each_other_visibly(narrow: Control) -> None:
    client = narrow.client()
    client.create_auto_ml_job_v2(**automl_request("one", "hang graceful"))
    client.create_auto_ml_job(**first_request("two", "hang graceful"))
    client.create_auto_ml_job_v2(**automl_request("three", "automl"))
    wait_for((directory(narrow, "one") / "graceful").exists)
    written = json.loads((directory(narrow, "one") / "request.json").read_text())
    assert written["Resources"] == {"Cores": 2, "MemoryInBytes": 1536 * 1024**2}
    for name in ("two", "three"):
        assert automl_status(client, name) == ("InProgress", "Starting")
        assert not (directory(narrow, name) / "process.json").exists()
    listed = client.list_auto_ml_jobs(SortOrder="Ascending")["AutoMLJobSummaries"]
    assert {item["AutoMLJobSecondaryStatus"] for item in listed} == {"Starting"}
    assert (
        "Waiting for 2 cores and 1.5 GB of memory: place 2 in the queue. Of 2 cores and 4.0 GB of memory "
        "for such jobs, 2 cores and 1.5 GB of memory are granted to automl/one.\n"
    ) in log(narrow, "three")
    (directory(narrow, "one") / "go").write_text("")
    wait_for((directory(narrow, "two") / "graceful").exists)
    assert "Granted 2 cores and 1.5 GB of memory after" in log(narrow, "two")
    assert "place 1 in the queue" in log(narrow, "three")
    (directory(narrow, "two") / "go").write_text("")
    assert automl_ended(client, "three")["AutoMLJobStatus"] == "Completed"
    assert [line.split()[0].isdigit() for line in log(narrow, "three").splitlines()].count(False) == 0


def test_light_jobs_start_beside_an_automl_job(narrow: Control) -> None:
    client = narrow.client()
    create_model(client, "model")
    client.create_auto_ml_job_v2(**automl_request("one", "hang"))
    client.create_processing_job(**processing_request("processing", "hang graceful"))
    client.create_transform_job(**transform_request("transform", "model", Environment={"behaviour": "hang"}))
    client.create_processing_job(**processing_request("third", "finish"))
    wait_for(lambda: len(narrow.jobs()) == 3)
    waiting = client.describe_processing_job(ProcessingJobName="third")
    assert waiting["ProcessingJobStatus"] == "InProgress"
    assert "ProcessingStartTime" not in waiting
    text = log(narrow, "third", "processing")
    assert "granted to processing/processing, transform/transform." in text
    client.stop_transform_job(TransformJobName="transform")
    wait_for(lambda: job_status(client, "third") == "Completed")
    done = client.describe_processing_job(ProcessingJobName="third")
    assert done["ProcessingStartTime"] > done["CreationTime"]


def test_stopping_a_job_that_waits_is_done_at_once(narrow: Control) -> None:
    client = narrow.client()
    client.create_auto_ml_job_v2(**automl_request("one", "hang"))
    client.create_auto_ml_job_v2(**automl_request("two", "hang"))
    client.stop_auto_ml_job(AutoMLJobName="two")
    found = client.describe_auto_ml_job_v2(AutoMLJobName="two")
    assert (found["AutoMLJobStatus"], found["AutoMLJobSecondaryStatus"]) == ("Stopped", "Stopped")
    assert found["EndTime"] >= found["CreationTime"]
    client.stop_auto_ml_job(AutoMLJobName="one")
    automl_ended(client, "one")
    assert len(narrow.jobs()) == 0


def test_a_killed_trainer_fails_alone_and_the_next_job_starts(narrow: Control) -> None:
    client = narrow.client()
    client.create_auto_ml_job_v2(**automl_request("one", "hang graceful"))
    client.create_auto_ml_job_v2(**automl_request("two", "automl"))
    wait_for((directory(narrow, "one") / "graceful").exists)
    (pid,) = narrow.jobs()
    os.kill(pid, signal.SIGKILL)
    failed = automl_ended(client, "one")
    assert failed["AutoMLJobStatus"] == "Failed"
    assert (
        "The process was killed (signal 9); the machine may have run out of memory."
        in failed["FailureReason"]
    )
    assert automl_ended(client, "two")["AutoMLJobStatus"] == "Completed"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_jobs_that_waited_wait_again_after_a_restart(narrow: Control, number: int) -> None:
    client = narrow.client()
    client.create_auto_ml_job_v2(**automl_request("ran", "hang"))
    for name in ("second", "first"):  # the order they came in, not that of their names
        client.create_auto_ml_job_v2(**automl_request(name, "automl"))
    client.create_auto_ml_job_v2(**automl_request("stopped", "hang"))
    client.stop_auto_ml_job(AutoMLJobName="stopped")
    narrow.end(number)
    narrow.start()
    client = narrow.client()
    assert automl_status(client, "ran") == ("Failed", "Failed")
    assert automl_status(client, "stopped") == ("Stopped", "Stopped")
    ended = [automl_ended(client, name) for name in ("second", "first")]
    assert [job["AutoMLJobStatus"] for job in ended] == ["Completed", "Completed"]
    for before, after in pairwise(ended):
        assert before["EndTime"] <= after["EndTime"]
    assert "Resources" in json.loads((directory(narrow, "first") / "request.json").read_text())


def test_the_time_limit_counts_from_the_start_of_the_process(narrow: Control) -> None:
    client = narrow.client()
    client.create_processing_job(**processing_request("one", "hang graceful"))
    client.create_processing_job(**processing_request("two", "hang"))
    limit = {"MaxRuntimeInSeconds": 1}
    client.create_processing_job(**processing_request("limited", "hang", StoppingCondition=limit))
    time.sleep(1.3)
    assert job_status(client, "limited") == "InProgress"
    wait_for((directory(narrow, "one", "processing") / "graceful").exists)
    (directory(narrow, "one", "processing") / "go").write_text("")
    wait_for(lambda: job_status(client, "limited") == "Stopped")
    done = client.describe_processing_job(ProcessingJobName="limited")
    assert (done["ProcessingEndTime"] - done["ProcessingStartTime"]).total_seconds() >= 0.9
