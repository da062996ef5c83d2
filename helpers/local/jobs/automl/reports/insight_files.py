"""The model insights' files: Model Monitor's statistics.json, and the performance report to read."""

import json
import math
from datetime import UTC, datetime
from typing import Any

from helpers.local.jobs.automl import metrics
from helpers.local.jobs.automl.reports import quality_pictures as pictures
from helpers.local.jobs.automl.reports import writing
from helpers.local.jobs.automl.reports.document import Block, Document, Heading, Paragraph, Picture, Table
from helpers.local.jobs.automl.reports.quality import (
    FEWEST_ROWS,
    BinaryQuality,
    Confusion,
    Measure,
    MulticlassQuality,
    Quality,
    RegressionQuality,
)
from helpers.local.jobs.automl.reports.style import cut, number, style
from helpers.local.jobs.automl.reports.subject import Floats, Subject

SECTIONS = {
    "Regression": "regression_metrics",
    "BinaryClassification": "binary_classification_metrics",
    "MulticlassClassification": "multiclass_classification_metrics",
}
CONSTANT = "_best_constant_classifier"
NAMES = {
    "mae": "mean absolute error", "mse": "mean squared error", "rmse": "root mean squared error", "r2": "R²",
    "auc": "area under the receiver operating characteristic", "au_prc": "area under precision and recall",
    "f0_5": "F0.5", "f1": "F1", "f2": "F2",
    "weighted_f0_5": "weighted F0.5", "weighted_f1": "weighted F1", "weighted_f2": "weighted F2",
}  # fmt: skip


def statistics(quality: Quality, subject: Subject) -> bytes:
    """statistics.json: the figures, each with its standard deviation, and the curves."""
    members: dict[str, Any] = {}
    if not isinstance(quality, RegressionQuality):
        members["confusion_matrix"] = _confusion(quality.confusion)
    members |= {name: _measure(measure) for name, measure in quality.measures.items()}
    if isinstance(quality, BinaryQuality):
        curve = quality.receiver_operating_characteristic
        members["receiver_operating_characteristic_curve"] = {
            "false_positive_rates": _numbers(curve.across),
            "true_positive_rates": _numbers(curve.upwards),
        }
        members["precision_recall_curve"] = {
            "precisions": _numbers(quality.precision_recall.upwards),
            "recalls": _numbers(quality.precision_recall.across),
        }
    dataset = {
        "item_count": len(subject.truth),
        "evaluation_time": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    content = {"version": 0.0, "dataset": dataset, SECTIONS[subject.problem_type]: members}
    return json.dumps(content, indent=2, allow_nan=False).encode("utf-8")


def _confusion(confusion: Confusion) -> dict[str, dict[str, int]]:
    return {
        true: dict(zip(confusion.classes, counts, strict=True))
        for true, counts in zip(confusion.classes, confusion.counts.tolist(), strict=True)
    }


def _measure(measure: Measure) -> dict[str, float | str]:
    deviation = math.nan if measure.deviation is None else measure.deviation
    return {"value": _finite(measure.value), "standard_deviation": _finite(deviation)}


def _finite(value: float) -> float | str:
    """JSON has no NaN: the service writes it as a word."""
    return float(value) if math.isfinite(value) else "NaN"


def _numbers(values: Floats) -> list[float | str]:
    return [_finite(value) for value in values.tolist()]


def report(quality: Quality, subject: Subject) -> dict[str, bytes]:
    """report.html, the performance report."""
    with style():
        document = _document(quality, subject)
        return {"report.html": writing.as_html(document, writing.Images(document))}


def _document(quality: Quality, subject: Subject) -> Document:
    objective = f"{subject.objective} ({metrics.direction(subject.objective).lower()})"
    details = [
        ["Candidate", subject.candidate],
        ["AutoML job", subject.job_name],
        ["Problem type", subject.problem_type],
        ["Target", subject.target],
        ["Objective metric", objective],
        ["Rows examined", f"{len(subject.truth):,}"],
    ]
    blocks: list[Block] = [
        Paragraph("How good the predictions are, measured on rows that the candidate was not trained on."),
        Table([], details, numbers=False),
        Heading("Metrics"),
        _metrics(quality),
        *_remarks(quality, subject),
    ]
    if isinstance(quality, RegressionQuality):
        blocks += _regression(quality, subject)
    else:
        blocks += _classification(quality)
    return Document("Model quality report", blocks)


def _metrics(quality: Quality) -> Table:
    """Each figure beside that of the best constant classifier, where it has one."""
    measures = quality.measures
    constants = any(name.endswith(CONSTANT) for name in measures)
    rows = []
    for name, measure in measures.items():
        if name.endswith(CONSTANT):
            continue
        deviation = "–" if measure.deviation is None else number(measure.deviation)
        row = [NAMES.get(name, name.replace("_", " ")), number(measure.value), deviation]
        if constants:
            constant = measures.get(name + CONSTANT)
            row.append("–" if constant is None else number(constant.value))
        rows.append(row)
    columns = ["metric", "value", "standard deviation"]
    return Table([*columns, "best constant classifier"] if constants else columns, rows)


def _remarks(quality: Quality, subject: Subject) -> list[Block]:
    remarks = [
        "The standard deviation is that of five random samples of 80 % of the rows."
        if len(subject.truth) >= FEWEST_ROWS
        else f"Below {FEWEST_ROWS} rows no standard deviation is given."
    ]
    if isinstance(quality, BinaryQuality):
        remarks.append(
            f"The positive class is {cut(quality.positive, 60)}; "
            "the best constant classifier says it to every row."
        )
    elif isinstance(quality, MulticlassQuality):
        remarks.append("The best constant classifier says the most frequent class to every row.")
    if subject.weights is not None:
        remarks.append("Rows count by their weights, in the confusion matrix as rows.")
    return [Paragraph(" ".join(remarks))]


def _regression(quality: RegressionQuality, subject: Subject) -> list[Block]:
    target = cut(subject.target)
    return [
        Heading("Predicted against true"),
        Picture(
            "predicted-against-true",
            pictures.predicted_against_true(quality, subject.target),
            f"The predicted {target} of each row against its true {target}.",
            "On the dashed line prediction and truth are the same.",
        ),
        Heading("Residuals"),
        Picture(
            "residuals",
            pictures.residuals(quality, subject.target),
            "A histogram of the residuals, and the residuals against the predictions.",
            "A residual is the true value less the prediction. Good residuals lie around zero wherever "
            "the prediction is.",
        ),
    ]


def _classification(quality: BinaryQuality | MulticlassQuality) -> list[Block]:
    hits = int(quality.confusion.counts.diagonal().sum())
    total = int(quality.confusion.counts.sum())
    blocks: list[Block] = [
        Heading("Confusion matrix"),
        Picture(
            "confusion-matrix",
            pictures.confusion_matrix(quality.confusion),
            f"Confusion matrix: {hits:,} of {total:,} rows lie on the diagonal, predicted rightly.",
            "Each line has the rows of one true class; those on the diagonal were predicted rightly.",
        ),
    ]
    if isinstance(quality, BinaryQuality):
        blocks += [
            Heading("Curves"),
            Picture(
                "curves",
                pictures.curves(quality),
                f"Receiver operating characteristic with area {number(quality.measures['auc'].value)}, and "
                f"precision-recall curve with area {number(quality.measures['au_prc'].value)}.",
                "What the threshold trades: true positives against false positives, and recall against "
                "precision. The dashed lines are guessing.",
            ),
        ]
    return blocks
