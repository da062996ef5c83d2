"""Candidates in the form of the API (AutoMLCandidate), and which of them is best."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from helpers.local.jobs.automl import metrics
from helpers.local.jobs.progress import shorten

ACCOUNT = "000000000000"
# Standard metrics that the enumeration of MetricName does not have: they are reported by their standard
# name alone.
STANDARD_ONLY = ("LogLoss", "InferenceLatency")


@dataclass(frozen=True)
class Trial:
    """What a mode has to show for a candidate: its metrics on the validation part and what serves it."""

    values: Mapping[str, float]  # by the standard names of the metrics, the objective among them
    containers: Sequence[Mapping[str, Any]]  # the API's InferenceContainers, in the order of the pipeline
    size: int  # bytes of the stored models
    reported: str | None = (
        None  # the objective's MetricName where it is not its standard name: `validation:mse`
    )


@dataclass
class Candidates:
    """Every candidate of a job so far, in the order they began."""

    objective: str
    entries: list[dict[str, Any]] = field(default_factory=list)

    def begin(self, name: str, steps: Sequence[Mapping[str, str]]) -> dict[str, Any]:
        """A new candidate that is being trained; `steps` are the API's CandidateSteps."""
        now = time.time()
        entry = {
            "CandidateName": name,
            "ObjectiveStatus": "Pending",
            "CandidateSteps": list(steps),
            "CandidateStatus": "InProgress",
            "CreationTime": now,
            "LastModifiedTime": now,
        }
        self.entries.append(entry)
        return entry

    def complete(self, entry: dict[str, Any], trial: Trial) -> None:
        """The candidate's model is trained, measured and stored."""
        entry["ObjectiveStatus"] = "Succeeded"
        entry["CandidateStatus"] = "Completed"
        entry["FinalAutoMLJobObjectiveMetric"] = {
            "MetricName": trial.reported or self.objective,
            "StandardMetricName": self.objective,
            "Type": metrics.direction(self.objective),
            "Value": trial.values[self.objective],
        }
        entry["CandidateProperties"] = {
            "CandidateMetrics": [
                ({} if name in STANDARD_ONLY else {"MetricName": name})
                | {"StandardMetricName": name, "Value": value, "Set": "Validation"}
                for name, value in trial.values.items()
            ]
        }
        entry["InferenceContainers"] = list(trial.containers)
        self._end(entry)

    def replace(self, entry: dict[str, Any], containers: Sequence[Mapping[str, Any]]) -> None:
        """Another model took the place of the candidate's; its metrics stay those of the validation part."""
        entry["InferenceContainers"] = list(containers)
        self._end(entry)

    def locate(self, entry: dict[str, Any], **artifacts: str) -> None:
        """A report of the candidate is stored: members of CandidateArtifactLocations."""
        entry["CandidateProperties"].setdefault("CandidateArtifactLocations", {}).update(artifacts)
        entry["LastModifiedTime"] = time.time()

    def fail(self, entry: dict[str, Any], reason: str, status: str = "Failed") -> None:
        """The candidate has no model; status is `Failed` or `Stopped`."""
        entry["ObjectiveStatus"] = "Failed"
        entry["CandidateStatus"] = status
        entry["FailureReason"] = shorten(reason)
        self._end(entry)

    def _end(self, entry: dict[str, Any]) -> None:
        entry["EndTime"] = entry["LastModifiedTime"] = time.time()

    def completed(self) -> list[dict[str, Any]]:
        """The candidates that have a model."""
        return [entry for entry in self.entries if entry["CandidateStatus"] == "Completed"]

    def best(self) -> dict[str, Any] | None:
        """The completed candidate with the best objective; of equals the one with the least logarithmic loss,
        where there is one (of few rows many candidates have as many right), else the first.
        """
        sign = 1.0 if metrics.direction(self.objective) == "Minimize" else -1.0

        def rank(entry: dict[str, Any]) -> tuple[float, float]:
            losses = [
                float(metric["Value"])
                for metric in entry["CandidateProperties"]["CandidateMetrics"]
                if metric["StandardMetricName"] == "LogLoss"
            ]
            objective = float(entry["FinalAutoMLJobObjectiveMetric"]["Value"])
            return sign * objective, losses[0] if losses else 0.0

        return min(self.completed(), key=rank, default=None)


def step(region: str, kind: str, name: str) -> dict[str, str]:
    """One of the CandidateSteps; kind is `ProcessingJob`, `TrainingJob` or `TransformJob`."""
    resource = kind.removesuffix("Job").lower() + "-job"
    return {
        "CandidateStepType": f"AWS::SageMaker::{kind}",
        "CandidateStepArn": f"arn:aws:sagemaker:{region}:{ACCOUNT}:{resource}/{name.lower()}",
        "CandidateStepName": name,
    }
