"""The explainability report's files: Clarify's analysis.json and local values, and the report to read."""

import io
import json

import pyarrow as pa
from pyarrow import csv as arrow_csv

from helpers.local.jobs.automl.reports import explanation_pictures as pictures
from helpers.local.jobs.automl.reports import writing
from helpers.local.jobs.automl.reports.document import Block, Document, Heading, Paragraph, Picture, Table
from helpers.local.jobs.automl.reports.explaining import Explanation
from helpers.local.jobs.automl.reports.pdf import as_pdf
from helpers.local.jobs.automl.reports.style import cut, number, style
from helpers.local.jobs.automl.reports.subject import Subject

MOST_LISTED = 500  # features in the report's table
MOST_CLASSES = 3  # with a picture each
MOST_COLUMNS = 4  # of classes in the table
NAMED = 5  # features in a picture's words


def analysis(explanation: Explanation) -> bytes:
    """analysis.json: each label's global SHAP values and expected value."""
    importance = explanation.importance
    labels = {
        f"label{place}": {
            "global_shap_values": dict(zip(explanation.features, importance[:, place].tolist(), strict=True)),
            "expected_value": float(explanation.expected[place]),
        }
        for place in range(len(explanation.outputs))
    }
    return json.dumps({"version": "1.0", "explanations": {"kernel_shap": labels}}, indent=2).encode("utf-8")


def local_values(explanation: Explanation) -> bytes:
    """explanations_shap/out.csv: a line per explained row, a column per label and feature."""
    names, columns = [], []
    for place in range(len(explanation.outputs)):
        names += [f"{feature}_label{place}" for feature in explanation.features]
        columns += [explanation.values[:, feature, place] for feature in range(len(explanation.features))]
    buffer = io.BytesIO()
    table = pa.Table.from_arrays([pa.array(column) for column in columns], names)
    arrow_csv.write_csv(table, buffer)  # type: ignore[attr-defined]
    return buffer.getvalue()


def report(explanation: Explanation, subject: Subject) -> dict[str, bytes]:
    """report.html, report.ipynb and report.pdf."""
    with style():
        document = _document(explanation, subject)
        images = writing.Images(document)
        return {
            "report.html": writing.as_html(document, images),
            "report.ipynb": writing.as_notebook(document, images),
            "report.pdf": as_pdf(document, images.pixels),
        }


def _document(explanation: Explanation, subject: Subject) -> Document:
    regression = subject.problem_type == "Regression"
    blocks: list[Block] = [
        Paragraph(
            f"What moves the predictions of the candidate {subject.candidate} of the AutoML job "
            f"{subject.job_name} ({subject.problem_type}, target {cut(subject.target, 80)})."
        ),
        Paragraph(
            "A SHAP value says how far the value of one feature in one row moved that row's prediction away "
            "from the mean prediction. The values of all features of a row add up to the difference between "
            f"its prediction and the mean. SHAP values of this report: {explanation.method}."
        ),
        Paragraph(_expected(explanation, regression)),
        Heading("Which features matter"),
        _importance(explanation, regression),
    ]
    for place, output in enumerate(_pictured(explanation)):
        blocks += _moves(explanation, output, regression)[: 2 if place else 3]
    blocks += [Heading("All features"), *_table(explanation)]
    return Document("Model explainability report", blocks)


def _expected(explanation: Explanation, regression: bool) -> str:
    if regression:
        return f"The mean prediction is {number(float(explanation.expected[0]))}."
    pairs = zip(explanation.outputs, explanation.expected, strict=True)
    listed = [f"{cut(name, 40)}: {number(float(value))}" for name, value in list(pairs)[:20]]
    more = len(explanation.outputs) - len(listed)
    return (
        "The mean predicted probability of each explained class is: "
        f"{'; '.join(listed)}{f'; and {more} more' if more else ''}."
    )


def _importance(explanation: Explanation, regression: bool) -> Picture:
    names = ", ".join(cut(explanation.features[place]) for place in explanation.ranking[:NAMED])
    parts = (
        " The parts of a bar are the classes whose probability is moved."
        if len(explanation.outputs) > 1
        else ""
    )
    return Picture(
        "importance",
        pictures.importance(explanation, regression),
        f"Bar chart of the mean absolute SHAP value of each feature, the most important first: {names}.",
        f"How far each feature moves the prediction on average, up or down.{parts}{_others(explanation)}",
    )


def _others(explanation: Explanation) -> str:
    """What the bars leave out."""
    rest = explanation.ranking[pictures.MOST_BARS :]
    if not rest:
        return ""
    total = float(explanation.importance[rest].sum())
    return f" The values of the {len(rest)} other features add up to {number(total)}."


def _pictured(explanation: Explanation) -> list[int]:
    """The labels with pictures of their own: those that the features move most, first of all."""
    totals = explanation.importance.sum(axis=0)
    return sorted(range(len(totals)), key=lambda place: -totals[place])[:MOST_CLASSES]


def _moves(explanation: Explanation, output: int, regression: bool) -> list[Block]:
    """A heading and the two pictures of one label."""
    of_class = "" if regression else f" of class {cut(explanation.outputs[output], 40)}"
    what = "the prediction" if regression else f"the probability{of_class}"
    order = (-explanation.importance[:, output]).argsort(kind="stable")
    names = ", ".join(cut(explanation.features[int(place)]) for place in order[:NAMED])
    return [
        Heading(f"How they move {what}"),
        Picture(
            f"summary-{output}",
            pictures.summary(explanation, output, regression),
            f"A dot per explained row and feature, placed by its SHAP value, for the features {names}.",
            f"Each dot is one row. Dots to the right raised {what}, dots to the left lowered it; "
            "the colour tells whether the feature's value was low or high in that row, grey that it is no "
            "number.",
        ),
        Picture(
            f"effects-{output}",
            pictures.effects(explanation, output, regression),
            f"SHAP value against the feature's value, for the features {names}.",
            f"How a feature's value moves {what}. Where dots of one value differ, the other features of "
            "the row play a part.",
        ),
    ]


def _table(explanation: Explanation) -> list[Block]:
    importance = explanation.importance
    shown = explanation.ranking[:MOST_LISTED]
    classes = list(range(len(explanation.outputs)))
    if len(classes) == 1:
        columns = ["feature", "mean |SHAP|"]
        rows = [[explanation.features[place], number(float(importance[place, 0]))] for place in shown]
    else:
        most = _pictured(explanation) if len(classes) > MOST_COLUMNS else classes
        columns = ["feature", "sum of mean |SHAP|", *(cut(explanation.outputs[place], 20) for place in most)]
        rows = [
            [
                explanation.features[place],
                number(float(importance[place].sum())),
                *(number(float(importance[place, label])) for label in most),
            ]
            for place in shown
        ]
    blocks: list[Block] = [Table(columns, rows)]
    if len(shown) < len(explanation.features):
        blocks.append(Paragraph(f"The {len(shown)} most important are shown; analysis.json has all of them."))
    return blocks
