"""Predictions as the body of an answer: which keys, and in which form."""

import csv
import io
import json
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

KEYS = ("predicted_label", "probability", "probabilities", "labels")
CSV, JSON, JSON_LINES = "text/csv", "application/json", "application/jsonlines"


class NotAcceptable(ValueError):
    """The Accept type is none the model writes (406)."""


def output_keys(environment: Mapping[str, str]) -> list[str]:
    """The keys of SAGEMAKER_INFERENCE_OUTPUT in their order; predicted_label alone when it is not set.

    Raises ValueError for a key that does not exist.
    """
    text = environment.get("SAGEMAKER_INFERENCE_OUTPUT", "").strip() or KEYS[0]
    keys = [key.strip() for key in text.split(",") if key.strip()]
    unknown = [key for key in keys if key not in KEYS]
    if unknown:
        raise ValueError(f"SAGEMAKER_INFERENCE_OUTPUT names {unknown[0]!r}: its keys are {', '.join(KEYS)}.")
    return keys


def accepted(accept: str, default: str = CSV) -> str:
    """The content type to answer with.

    Raises NotAcceptable when no part of the Accept header is one we write.
    """
    wanted = [part.split(";")[0].strip().lower() for part in accept.split(",") if part.strip()]
    if not wanted or any(part in ("*/*", "text/*") for part in wanted):
        return default
    for part in wanted:
        if part in (CSV, JSON, JSON_LINES):
            return part
    raise NotAcceptable(
        f"Accept type '{accept}' is not supported: ask for one of {CSV}, {JSON}, {JSON_LINES}."
    )


def numbers(values: npt.NDArray[np.float64], accept: str) -> bytes:
    """The answer of a regression: one number a row."""
    if accept == CSV:
        return ("\n".join(map(repr, values.tolist())) + "\n").encode()
    return _json([{"score": value} for value in values.tolist()], accept)


def labels(
    probabilities: npt.NDArray[np.float64], classes: Sequence[str], keys: Sequence[str], accept: str
) -> bytes:
    """The answer of a classification: the keys, a row for each row; probabilities are (rows, classes)."""
    chosen = probabilities.argmax(axis=1)
    columns: dict[str, list[object]] = {}
    for key in keys:
        if key == "predicted_label":
            columns[key] = [classes[index] for index in chosen]
        elif key == "probability":
            columns[key] = probabilities[np.arange(len(chosen)), chosen].tolist()
        elif key == "probabilities":
            columns[key] = probabilities.tolist()
        else:
            columns[key] = [list(classes)] * len(chosen)
    if accept != CSV:
        return _json(
            [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)], accept
        )
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(zip(*columns.values(), strict=True))
    return text.getvalue().encode()


def _json(rows: Sequence[object], accept: str) -> bytes:
    if accept == JSON_LINES:
        return ("\n".join(json.dumps(row) for row in rows) + "\n").encode()
    return json.dumps({"predictions": rows}).encode()
