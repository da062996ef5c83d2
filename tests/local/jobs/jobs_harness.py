"""Runs job modules as the supervisor does: own session, a pipe as standard input, their output in a file."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from helpers.local.objects import ObjectStore

BUCKET = "music"
DATA_WRANGLER = "663277389841.dkr.ecr.us-east-1.amazonaws.com/sagemaker-data-wrangler-container:5.0.9"


class RunningJob:
    """One job process and its directory."""

    def __init__(self, process: "subprocess.Popen[bytes]", directory: Path) -> None:
        self.process = process
        self.directory = directory
        self.statuses: list[str] = []  # of an AutoML job that was followed, in the order they were seen

    @property
    def progress(self) -> dict[str, Any]:
        """What progress.json says now."""
        path = self.directory / "progress.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}

    @property
    def log(self) -> str:
        """Everything the job printed."""
        return (self.directory / "log").read_text(encoding="utf-8")

    def wait(self, seconds: float = 120) -> int:
        """The exit code."""
        return self.process.wait(seconds)

    def follow(self) -> None:
        """Wait for the end of an AutoML job and note the secondary statuses on the way."""
        while self.process.poll() is None:
            status = self.progress.get("AutoMLJobSecondaryStatus")
            if status is not None and status not in self.statuses[-1:]:
                self.statuses.append(status)
            time.sleep(0.02)

    def wait_for(self, what: Callable[["RunningJob"], object], seconds: float = 60) -> None:
        """Wait until something holds; fail with the log when the job ends before."""
        end = time.monotonic() + seconds
        while not what(self):
            assert self.process.poll() is None, f"the job ended early:\n{self.log}"
            assert time.monotonic() < end, f"not within {seconds} s:\n{self.log}"
            time.sleep(0.02)

    def kill(self) -> None:
        """End the whole group."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)
        assert self.process.stdin is not None
        self.process.stdin.close()


class State:
    """A state directory with a bucket, and the jobs started in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.objects = ObjectStore(root / "s3")
        self.objects.create_bucket(BUCKET)
        self.jobs: list[RunningJob] = []

    def start(self, kind: str, name: str, request: Mapping[str, Any]) -> RunningJob:
        """Start a job module."""
        directory = self.root / "jobs" / kind / name
        directory.mkdir(parents=True)
        (directory / "request.json").write_text(json.dumps(request), encoding="utf-8")
        command = [sys.executable, "-m", f"helpers.local.jobs.{kind}"]
        command += ["--state", str(self.root), "--job", str(directory)]
        with (directory / "log").open("wb") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=directory,
                start_new_session=True,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
        job = RunningJob(process, directory)
        self.jobs.append(job)
        return job

    def run(self, kind: str, name: str, request: Mapping[str, Any]) -> RunningJob:
        """Start a job module and wait for its end."""
        job = self.start(kind, name, request)
        job.wait()
        return job

    def put(self, key: str, text: str) -> str:
        """Store an object; returns its URI."""
        self.objects.put(BUCKET, key, text.encode())
        return f"s3://{BUCKET}/{key}"

    def keys(self, prefix: str) -> list[str]:
        """The keys below a prefix."""
        return [info.key for info in self.objects.list(BUCKET, prefix)]

    def close(self) -> None:
        """End every job."""
        for job in self.jobs:
            job.kill()


def music_table(rows: int, seed: int = 0) -> pd.DataFrame:
    """A small table: `Rating` follows energy and mood plainly, with noise."""
    random = np.random.default_rng(seed)
    energy, tempo = random.random(rows), random.normal(120, 20, rows)
    mood = random.choice(["calm", "dark", "happy"], rows)
    rating = 2 + 2 * energy + (mood == "happy") + random.normal(0, 0.2, rows)
    return pd.DataFrame({"Rating": rating.round(3), "energy": energy, "tempo": tempo, "mood": mood})


def automl_request(
    name: str, prefix: str, *, objective: str = "RMSE", problem: str = "Regression", **tabular: Any
) -> dict[str, Any]:
    """A CreateAutoMLJobV2 request on the objects below a prefix."""
    return {
        "Region": "us-east-1",
        "AutoMLJobName": name,
        "AutoMLJobInputDataConfig": [
            {
                "ChannelType": "training",
                "ContentType": "text/csv;header=present",
                "DataSource": {
                    "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/{prefix}"}
                },
            }
        ],
        "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/autopilot/"},
        "AutoMLProblemTypeConfig": {
            "TabularJobConfig": {
                "TargetAttributeName": "Rating",
                "ProblemType": problem,
                "Mode": "ENSEMBLING",
                **tabular,
            }
        },
        "AutoMLJobObjective": {"MetricName": objective},
        "RoleArn": "arn:aws:iam::000000000000:role/workshop",
    }


def algorithms(*names: str) -> dict[str, Any]:
    """The CandidateGenerationConfig for these algorithms."""
    return {"AlgorithmsConfig": [{"AutoMLAlgorithms": list(names)}]}


# A LightGBM, a linear model and their ensemble.
TWO_MODELS = {
    "CandidateGenerationConfig": algorithms("lightgbm", "linear-learner"),
    "CompletionCriteria": {"MaxCandidates": 3},
}


class Client:
    """Asks a model server."""

    def __init__(self, job: RunningJob) -> None:
        job.wait_for(lambda running: (running.directory / "server.json").exists())
        address = json.loads((job.directory / "server.json").read_text(encoding="utf-8"))
        self.port, self.token = address["port"], address["token"]

    def ask(
        self,
        body: str | bytes,
        content_type: str = "text/csv",
        accept: str = "text/csv",
        *,
        method: str = "POST",
        path: str = "/invocations",
        token: str | None = None,
    ) -> tuple[int, str]:
        """Status and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            headers = {
                "Content-Type": content_type,
                "Accept": accept,
                "X-Workshop-Token": self.token if token is None else token,
            }
            connection.request(method, path, body or None, headers)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()
