"""The stages of an AutoML job in this process, with a mode that trains nothing: order, limits, stop."""

import json
import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jobs_harness import BUCKET, State, automl_request, music_table

from helpers.local import machine
from helpers.local.jobs.automl import exploration, modes, reports, resources, stages
from helpers.local.jobs.automl.candidates import Trial, step
from helpers.local.jobs.automl.limits import Limits
from helpers.local.jobs.automl.mode import Assignment
from helpers.local.jobs.automl.resources import Resources
from helpers.local.jobs.job import Job, JobFailure, StopRequested
from helpers.local.jobs.progress import Progress

SCORES = (0.5, 0.3, 0.4)  # RMSE of the candidates in their order
GRANTED = Resources(cores=1, memory=2 * 10**9)


class Recorded(Progress):
    """Keeps every secondary status and every best candidate that was told, in order."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.statuses: list[str] = []
        self.best: list[str] = []

    def update(self, **members: Any) -> None:
        super().update(**json.loads(json.dumps(members)))
        if "AutoMLJobSecondaryStatus" in members:
            self.statuses.append(members["AutoMLJobSecondaryStatus"])
        name = members.get("BestCandidate", {}).get("CandidateName")
        if name is not None and self.best[-1:] != [name]:
            self.best.append(name)


class Plain:
    """A mode whose candidates have the scores above; the second raises where `failing`."""

    preparing = "PreTraining"
    training = "TrainingModels"
    failing = False
    stop_at: str | None = None  # a candidate during which the stop request comes
    definition: str | None = None

    def __init__(self, assignment: Assignment) -> None:
        self.assignment = assignment

    def define(self) -> str | None:
        """Where a notebook would be."""
        return self.definition

    def prepare(self) -> None:
        """Nothing."""

    def train(self) -> None:
        """One candidate for each score."""
        for number, score in enumerate(SCORES):
            name = f"plain-{number}"

            def fit(name: str = name, score: float = score) -> Trial:
                if name == self.stop_at:
                    os.kill(os.getpid(), signal.SIGTERM)
                    time.sleep(5)
                if self.failing and name == "plain-1":
                    raise ValueError("it does not converge")
                return Trial({"RMSE": score}, [{"Image": "i"}], 1000, "validation:rmse")

            self.assignment.experiment.attempt(name, [step("us-east-1", "TrainingJob", name)], fit)

    def finish(self) -> None:
        """Nothing."""

    def trained(self, candidate: str) -> Any:
        """The name stands for the model."""
        return candidate


@pytest.fixture
def job(state: State, monkeypatch: pytest.MonkeyPatch) -> Job:
    """A job of the plain mode, whose reports only say that they were made."""
    state.put("train.csv", music_table(600).to_csv(index=False))
    monkeypatch.setattr(modes, "build", lambda _name, assignment: Plain(assignment))
    monkeypatch.setattr(exploration, "write", lambda *_: "s3://music/exploration.ipynb")
    monkeypatch.setattr(reports, "explain", lambda *_: "in no time")
    monkeypatch.setattr(reports, "insights", lambda *_: None)
    directory = state.root / "job"
    directory.mkdir()
    return Job(state.root, directory, automl_request("job", "train.csv"), state.objects, Recorded(directory))


def run(job: Job, **tabular: Any) -> Recorded:
    """Go through the stages."""
    job.request["AutoMLProblemTypeConfig"]["TabularJobConfig"].update(tabular)
    stages.run(job, GRANTED, time.monotonic())
    assert isinstance(job.progress, Recorded)
    return job.progress


def test_statuses_come_in_the_order_of_the_work_and_the_best_candidate_moves(job: Job) -> None:
    told = run(job)
    assert told.statuses == [
        "AnalyzingData",
        "PreTraining",
        "TrainingModels",
        "GeneratingExplainabilityReport",
        "GeneratingModelInsightsReport",
        "Completed",
    ]
    assert told.best == ["plain-0", "plain-1"]
    best = told.members["BestCandidate"]
    assert best["FinalAutoMLJobObjectiveMetric"] == {
        "MetricName": "validation:rmse",
        "StandardMetricName": "RMSE",
        "Type": "Minimize",
        "Value": 0.3,
    }
    places = best["CandidateProperties"]["CandidateArtifactLocations"]
    assert places == {
        "Explainability": f"s3://{BUCKET}/autopilot/job/documentation/explainability/output/plain-1",
        "ModelInsights": f"s3://{BUCKET}/autopilot/job/documentation/model_monitor/output/plain-1",
    }
    others = [item for item in told.members["Candidates"] if item["CandidateName"] != "plain-1"]
    assert not [item for item in others if "CandidateArtifactLocations" in item["CandidateProperties"]]


def test_a_report_that_fails_is_a_partial_failure(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    def explain(*_: Any) -> str:
        raise reports.ReportError("The model gives no numbers.")

    monkeypatch.setattr(reports, "explain", explain)
    told = run(job)
    assert told.statuses[-1] == "ExplainabilityError"
    (reason,) = told.members["PartialFailureReasons"]
    assert "The model gives no numbers." in reason["PartialFailureMessage"]
    assert told.members["BestCandidate"]["CandidateStatus"] == "Completed"


def test_a_job_goes_on_without_the_notebook_about_its_data(
    job: Job, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def write(*_: Any) -> str:
        raise OverflowError("a moment before the Big Bang")

    monkeypatch.setattr(exploration, "write", write)
    told = run(job)
    assert told.statuses[-1] == "Completed"
    assert "AutoMLJobArtifacts" not in told.members
    assert "OverflowError: a moment before the Big Bang" in capsys.readouterr().out


def test_a_failing_candidate_is_its_own_failure(
    job: Job, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Plain, "failing", True)
    told = run(job)
    statuses = [item["CandidateStatus"] for item in told.members["Candidates"]]
    assert statuses == ["Completed", "Failed", "Completed"]
    assert told.members["Candidates"][1]["FailureReason"] == "ValueError: it does not converge"
    assert told.best == ["plain-0", "plain-2"]
    assert "plain-1: failed. ValueError: it does not converge" in capsys.readouterr().out


def test_as_many_candidates_as_asked_for_end_the_job(job: Job) -> None:
    assert run(job, CompletionCriteria={"MaxCandidates": 3}).statuses[-1] == "MaxCandidatesReached"


def test_when_the_time_is_over_the_reports_are_left_out(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    told = run(job, CompletionCriteria={"MaxAutoMLJobRuntimeInSeconds": 1})
    assert told.statuses[-2:] == ["TrainingModels", "MaxAutoMLJobRuntimeReached"]
    assert told.members["BestCandidate"]["CandidateName"] == "plain-1"
    assert "s left" in capsys.readouterr().out
    resolved = told.members["ResolvedAttributes"]["CompletionCriteria"]
    assert resolved == {"MaxAutoMLJobRuntimeInSeconds": 1}


def test_definitions_alone_end_after_the_analysis(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Plain, "definition", "s3://music/definition.ipynb")
    told = run(job, GenerateCandidateDefinitionsOnly=True)
    assert told.statuses == ["AnalyzingData", "CandidateDefinitionsGenerated"]
    assert told.members["AutoMLJobArtifacts"] == {
        "DataExplorationNotebookLocation": "s3://music/exploration.ipynb",
        "CandidateDefinitionNotebookLocation": "s3://music/definition.ipynb",
    }
    assert "Candidates" not in told.members


def test_a_stop_request_breaks_into_a_candidate_and_keeps_those_before(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Plain, "stop_at", "plain-1")
    before = signal.signal(signal.SIGTERM, job.stop.handle)
    begun = time.monotonic()
    try:
        with pytest.raises(StopRequested):
            run(job)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert time.monotonic() - begun < 4
    told = job.progress.members
    assert [item["CandidateStatus"] for item in told["Candidates"]] == ["Completed", "Stopped"]
    assert told["BestCandidate"]["CandidateName"] == "plain-0"


def test_a_stop_request_before_the_analysis_ends_it_at_once(job: Job) -> None:
    job.stop.requested = True
    with pytest.raises(StopRequested):
        run(job)
    assert "ResolvedAttributes" not in job.progress.members


@pytest.mark.parametrize(
    ("request_", "cores", "memory"),
    [
        ({"Resources": {"Cores": 3, "MemoryInBytes": 5 * 10**9}}, 3, 5 * 10**9),
        ({}, machine.usable_cores(), int(resources.SHARE_OF_MACHINE * machine.usable_memory())),
    ],
)
def test_what_is_granted_is_kept_by_every_library(
    monkeypatch: pytest.MonkeyPatch, request_: Mapping[str, Any], cores: int, memory: int
) -> None:
    granted = resources.granted(request_)
    assert granted == Resources(cores, memory)
    for variable in (*resources.THREAD_VARIABLES, "AG_MEMORY_LIMIT_IN_GB"):
        monkeypatch.setenv(variable, "0")
    granted.enforce()
    assert {os.environ[variable] for variable in resources.THREAD_VARIABLES} == {str(cores)}
    assert float(os.environ["AG_MEMORY_LIMIT_IN_GB"]) == pytest.approx(memory / 1024**3, rel=1e-3)


def test_the_time_left_is_what_the_limit_leaves() -> None:
    limits = Limits(None, 100, None, time.monotonic() - 60)
    assert limits.remaining() == pytest.approx(40, abs=1)
    assert limits.left() == "60.0 s so far, 40 s left"
    assert not limits.expired()
    assert Limits(None, 50, None, time.monotonic() - 60).ending(9) == "MaxAutoMLJobRuntimeReached"
    assert Limits(9, None, None).ending(9) == "MaxCandidatesReached"
    assert Limits(9, None, None).ending(8) == "Completed"
    assert Limits(9, None, None).remaining() is None


def test_bad_data_fail_while_they_are_analysed(job: Job) -> None:
    job.objects.put(BUCKET, "train.csv", music_table(499).to_csv(index=False).encode())
    with pytest.raises(JobFailure, match="at least 500"):
        run(job)
    assert job.progress.members["AutoMLJobSecondaryStatus"] == "AnalyzingData"


def test_scores_that_are_no_numbers_fail_their_candidate(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("test_jobs_automl_stages.SCORES", (np.nan, 0.2))
    told = run(job)
    assert [item["CandidateStatus"] for item in told.members["Candidates"]] == ["Failed", "Completed"]
    assert "is not a number" in told.members["Candidates"][0]["FailureReason"]
