"""The kinds of jobs, and what tells one from another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from helpers.local.sagemaker.admission import Lane
from helpers.local.sagemaker.plane import Plane
from helpers.local.sagemaker.records import JobRecord
from helpers.local.store import Store


@dataclass(frozen=True)
class Family:
    """What tells one kind of job from another. ``kind`` is the job module and the directory's name."""

    kind: Literal["processing", "automl", "transform"]
    resource: Literal["processing-job", "automl-job", "transform-job"]
    noun: str
    log_group: str
    lane: Lane = "light"
    completes_at_limit: bool = False  # a job that ends by its own rule when its time is over has completed

    def store(self, plane: Plane) -> Store[JobRecord]:
        """The records of this family."""
        return {"processing": plane.processing, "automl": plane.automl, "transform": plane.transform}[
            self.kind
        ]


PROCESSING = Family("processing", "processing-job", "processing job", "/aws/sagemaker/ProcessingJobs")
AUTOML = Family(
    "automl",
    "automl-job",
    "AutoML job",
    "/aws/sagemaker/TrainingJobs",
    lane="heavy",
    completes_at_limit=True,
)
TRANSFORM = Family("transform", "transform-job", "transform job", "/aws/sagemaker/TransformJobs")
FAMILIES = (PROCESSING, AUTOML, TRANSFORM)
