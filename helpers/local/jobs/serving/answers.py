"""Predictions as the body of an answer: which keys, and in which form."""

import csv
import io
import json
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from helpers.local.jobs.serving.container import CSV, JSON, JSON_LINES

WRITTEN = (CSV, JSON, JSON_LINES)
Columns = Mapping[str, Sequence[object]]  # the values of each key, a row each


def numbers(values: npt.NDArray[np.float64], accept: str) -> bytes:
    """The answer of a regression: one number a row."""
    if accept == CSV:
        return ("\n".join(map(repr, values.tolist())) + "\n").encode()
    return _json([{"score": value} for value in values.tolist()], accept)


def columns(
    probabilities: npt.NDArray[np.float64],
    classes: Sequence[object],
    keys: Sequence[str],
    *,
    of_second: bool = False,
) -> dict[str, Sequence[object]]:
    """The keys of a classification in their order; probabilities are (rows, classes).

    `probability` is that of the predicted class or, with `of_second`, that of the second.
    """
    chosen = probabilities.argmax(axis=1)
    found: dict[str, Sequence[object]] = {}
    for key in keys:
        if key == "predicted_label":
            found[key] = [classes[index] for index in chosen]
        elif key == "probability":
            shown = np.ones_like(chosen) if of_second else chosen
            found[key] = probabilities[np.arange(len(chosen)), shown].tolist()
        elif key == "probabilities":
            found[key] = probabilities.tolist()
        else:
            found[key] = [list(classes)] * len(chosen)
    return found


def write(found: Columns, accept: str) -> bytes:
    """The keys, a row for each row; in CSV a list is a cell in the writing of Python."""
    rows = zip(*found.values(), strict=True)
    if accept != CSV:
        return _json([dict(zip(found, row, strict=True)) for row in rows], accept)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def content_type(accept: str) -> str:
    """The Content-Type header of an answer."""
    return "text/csv; charset=utf-8" if accept == CSV else accept


def _json(rows: Sequence[object], accept: str) -> bytes:
    if accept == JSON_LINES:
        return ("\n".join(json.dumps(row) for row in rows) + "\n").encode()
    return json.dumps({"predictions": rows}).encode()
