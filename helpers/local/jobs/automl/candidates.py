"""Candidates in the form of the API (AutoMLCandidate), and which of them is best."""

import hashlib
import time
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

from helpers.local.jobs.automl import metrics
from helpers.local.jobs.automl.settings import Settings
from helpers.local.jobs.automl.training import Fitted
from helpers.local.jobs.progress import shorten

ACCOUNT = "000000000000"
# Standard metrics that the enumeration of MetricName does not have: they are reported by their standard
# name alone.
STANDARD_ONLY = ("LogLoss", "InferenceLatency")


@dataclass
class Candidates:
    """Every candidate of a job so far, in the order they began."""

    settings: Settings
    problem_type: str
    objective: str
    entries: list[dict[str, Any]] = field(default_factory=list)

    def begin(self, label: str) -> dict[str, Any]:
        """A new candidate that is being trained; `label` is the kind of model."""
        now = time.time()
        name = f"{label}-t{len(self.entries) + 1}"
        entry = {
            "CandidateName": name,
            "ObjectiveStatus": "Pending",
            "CandidateSteps": self._steps(name),
            "CandidateStatus": "InProgress",
            "CreationTime": now,
            "LastModifiedTime": now,
        }
        self.entries.append(entry)
        return entry

    def complete(self, entry: dict[str, Any], fitted: Fitted) -> None:
        """The candidate's model is trained, measured and stored."""
        objective = fitted.values[self.objective]
        entry["ObjectiveStatus"] = "Succeeded"
        entry["CandidateStatus"] = "Completed"
        entry["FinalAutoMLJobObjectiveMetric"] = {
            "MetricName": self.objective,
            "StandardMetricName": self.objective,
            "Type": metrics.direction(self.objective),
            "Value": objective,
        }
        entry["CandidateProperties"] = {
            "CandidateMetrics": [
                ({} if name in STANDARD_ONLY else {"MetricName": name})
                | {"StandardMetricName": name, "Value": value, "Set": "Validation"}
                for name, value in fitted.values.items()
            ]
        }
        entry["InferenceContainers"] = [self._container(entry["CandidateName"], fitted.model)]
        self._end(entry)

    def replace(self, entry: dict[str, Any], model: str) -> None:
        """Another model took the place of the candidate's; its metrics stay those of the validation part."""
        entry["InferenceContainers"] = [self._container(entry["CandidateName"], model)]
        self._end(entry)

    def fail(self, entry: dict[str, Any], reason: str, status: str = "Failed") -> None:
        """The candidate has no model; status is `Failed` or `Stopped`."""
        entry["ObjectiveStatus"] = "Failed"
        entry["CandidateStatus"] = status
        entry["FailureReason"] = shorten(reason)
        self._end(entry)

    @staticmethod
    def _end(entry: dict[str, Any]) -> None:
        entry["EndTime"] = entry["LastModifiedTime"] = time.time()

    def completed(self) -> list[dict[str, Any]]:
        """The candidates that have a model."""
        return [entry for entry in self.entries if entry["CandidateStatus"] == "Completed"]

    def best(self) -> dict[str, Any] | None:
        """The completed candidate with the best objective; of equals the first."""
        best: dict[str, Any] | None = None
        for entry in self.completed():
            value = entry["FinalAutoMLJobObjectiveMetric"]["Value"]
            if best is None or metrics.better(
                self.objective, value, best["FinalAutoMLJobObjectiveMetric"]["Value"]
            ):
                best = entry
        return best

    def model_uri(self, name: str) -> str:
        """Where the candidate's model.tar.gz is."""
        return f"{self.settings.output}/sagemaker-automl-candidates/model/{name}/model.tar.gz"

    def _container(self, name: str, model: str) -> dict[str, Any]:
        environment = {
            "MODEL_NAME": model,
            "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "text/csv",
            "SAGEMAKER_PROGRAM": "tabular_serve.py",
            "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
        }
        if self.problem_type != "Regression":
            environment["SAGEMAKER_INFERENCE_OUTPUT"] = "predicted_label"
            environment["SAGEMAKER_INFERENCE_SUPPORTED"] = "predicted_label,probability,probabilities,labels"
        release = version("autogluon.tabular")
        registry = f"763104351884.dkr.ecr.{self.settings.region}.amazonaws.com"
        return {
            "Image": f"{registry}/autogluon-inference:{release}-cpu-py3",
            "ModelDataUrl": self.model_uri(name),
            "Environment": environment,
        }

    def _steps(self, name: str) -> list[dict[str, str]]:
        digest = hashlib.sha256(self.settings.job_name.encode()).hexdigest()[:20]
        preparation = f"{self.settings.job_name[:10]}-db-1-{digest}"
        return [
            self._step("ProcessingJob", "processing-job", preparation),
            self._step("TrainingJob", "training-job", name),
        ]

    def _step(self, kind: str, resource: str, name: str) -> dict[str, str]:
        region = self.settings.region
        return {
            "CandidateStepType": f"AWS::SageMaker::{kind}",
            "CandidateStepArn": f"arn:aws:sagemaker:{region}:{ACCOUNT}:{resource}/{name.lower()}",
            "CandidateStepName": name,
        }
