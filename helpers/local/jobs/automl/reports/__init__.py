"""The reports on a job's best candidate: why it predicts what it predicts, and how good it is.

Facts (`explaining`, `quality`) are apart from pictures and from the files' writing.
"""

import time

from helpers.local.jobs.automl.model import TrainedModel
from helpers.local.jobs.automl.reports.subject import ReportError, Subject
from helpers.local.objects import ObjectStore, split_uri

__all__ = ["ReportError", "Subject", "explain", "insights"]

CONTENT_TYPES = {
    "json": "application/json",
    "html": "text/html; charset=utf-8",
    "ipynb": "application/x-ipynb+json",
    "pdf": "application/pdf",
    "csv": "text/csv",
}


def explain(objects: ObjectStore, prefix: str, model: TrainedModel, subject: Subject, seconds: float) -> str:
    """Write the explainability report below an S3 prefix, SHAP values computed within so many seconds.

    Returns how the values came about, in words. Raises ReportError when the model cannot be explained.
    """
    from helpers.local.jobs.automl.reports import explainability
    from helpers.local.jobs.automl.reports.explaining import explain as values_of

    begun = time.monotonic()
    explanation = values_of(model, subject, seconds)
    method = f"{explanation.method}, {time.monotonic() - begun:.1f} s"
    _put(objects, prefix, "analysis.json", explainability.analysis(explanation))
    _put(objects, prefix, "explanations_shap/out.csv", explainability.local_values(explanation))
    for name, content in explainability.report(explanation, subject).items():
        _put(objects, prefix, name, content)
    return method


def insights(objects: ObjectStore, prefix: str, model: TrainedModel, subject: Subject) -> None:
    """Write the model insights below an S3 prefix. Raises ReportError when there is nothing to measure on."""
    from helpers.local.jobs.automl.reports import insight_files as files
    from helpers.local.jobs.automl.reports import quality

    measured = quality.examine(model, subject)
    _put(objects, prefix, "statistics.json", files.statistics(measured, subject))
    for name, content in files.report(measured, subject).items():
        _put(objects, prefix, name, content)


def _put(objects: ObjectStore, prefix: str, name: str, content: bytes) -> None:
    bucket, key = split_uri(f"{prefix}/{name}")
    objects.put(bucket, key, content, content_type=CONTENT_TYPES[name.rsplit(".", 1)[-1]])
