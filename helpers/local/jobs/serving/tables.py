"""The body of an invocation as a table, checked against the columns the model was trained on."""

import io
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

from helpers.local.jobs.serving.container import BadRequest, UnsupportedContent
from helpers.local.jobs.serving.description import Description

arrow_csv: Any = pyarrow.csv  # its names are declared in no stub

FEW_BYTES = 256 * 1024  # up to so many of a body, a second thread takes longer to wake than it saves
TRUE, FALSE = ("true", "1", "yes"), ("false", "0", "no")


def read_table(body: bytes, content_type: str, description: Description) -> pd.DataFrame:
    """The rows of a body, one column per feature in training order; empty cells are missing values."""
    if not body.strip():
        raise BadRequest("The body is empty: send at least one row.")
    kind = content_type.split(";", maxsplit=1)[0].strip().lower() or "text/csv"
    reader = READERS.get(kind)
    if reader is None:
        raise UnsupportedContent(
            f"Content type '{content_type}' is not supported: send one of {', '.join(READERS)}."
        )
    return reader(body, description)


def read_csv(body: bytes, description: Description) -> pd.DataFrame:
    """CSV without a header row and without the target (RFC 4180 quoting)."""
    kinds = {
        str(position): pa.float64() if column.kind == "number" else pa.string()
        for position, column in enumerate(description.columns)
    }
    threads = len(body) > FEW_BYTES
    options = {
        "read_options": arrow_csv.ReadOptions(column_names=list(kinds), use_threads=threads),
        "parse_options": arrow_csv.ParseOptions(newlines_in_values=b'"' in body),
    }
    try:
        table = arrow_csv.read_csv(
            io.BytesIO(body),
            convert_options=arrow_csv.ConvertOptions(
                column_types=kinds,
                null_values=["", "NaN", "nan", "NA", "null", "NULL"],
                strings_can_be_null=True,
            ),
            **options,
        )
    except pa.ArrowInvalid as error:
        raise _explain(body, description, error) from None
    frame = table.to_pandas(use_threads=threads)
    frame.columns = pd.Index([column.name for column in description.columns])
    return _booleans(frame, description)


def _explain(body: bytes, description: Description, error: pa.ArrowInvalid) -> BadRequest:
    """Why Arrow could not read the body, by row and column."""
    import csv

    expected = len(description.columns)
    try:
        rows = list(csv.reader(io.StringIO(body.decode("utf-8"))))
    except (UnicodeDecodeError, csv.Error) as reason:
        return BadRequest(f"The body is not CSV in UTF-8: {reason}.")
    filled = [(number, row) for number, row in enumerate(rows, start=1) if row]
    names = [column.name for column in description.columns]
    first = [cell.strip() for cell in filled[0][1]]
    if len(set(first) & set(names)) > len(first) / 2:
        return BadRequest("Row 1 looks like a header: send the rows alone, without a header row.")
    for number, row in filled:
        if len(row) != expected:
            hint = " Was the target left in?" if len(row) == expected + 1 else ""
            return BadRequest(
                f"Row {number} has {len(row)} columns, the model takes {expected}: "
                f"{', '.join(names[:5])}{', …' if expected > 5 else ''}, without the target.{hint}"
            )
    for number, row in filled:
        for column, cell in zip(description.columns, row, strict=True):
            if column.kind == "number" and cell.strip() and not _is_number(cell):
                return BadRequest(f"Row {number}, column '{column.name}': '{cell[:50]}' is not a number.")
    return BadRequest(f"The body cannot be read as CSV: {str(error).splitlines()[0]}")


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def read_json(body: bytes, description: Description) -> pd.DataFrame:
    """A list of rows, or `{"instances": [...]}`; a row is a list in training order or an object by name."""
    try:
        content = json.loads(body)
    except ValueError as error:
        raise BadRequest(f"The body is not JSON: {error}.") from None
    if isinstance(content, dict):
        content = content.get("instances", [content])
    if not isinstance(content, list) or not content:
        raise BadRequest('Send a list of rows, or {"instances": [rows]}.')
    if not isinstance(content[0], (list, dict)):
        content = [content]
    return _from_records(content, description)


def read_json_lines(body: bytes, description: Description) -> pd.DataFrame:
    """One row a line: a list in training order or an object by column name."""
    rows = []
    for number, line in enumerate(body.splitlines(), start=1):
        if line.strip():
            try:
                rows.append(json.loads(line))
            except ValueError as error:
                raise BadRequest(f"Line {number} is not JSON: {error}.") from None
    return _from_records(rows, description)


def _from_records(rows: list[object], description: Description) -> pd.DataFrame:
    names = [column.name for column in description.columns]
    records = []
    for number, row in enumerate(rows, start=1):
        if isinstance(row, list):
            records.append(row)
            if len(row) != len(names):
                raise BadRequest(f"Row {number} has {len(row)} columns, the model takes {len(names)}.")
        elif isinstance(row, dict):
            missing = [name for name in names if name not in row]
            if missing:
                raise BadRequest(f"Row {number} lacks '{missing[0]}'; a missing value is written as null.")
            records.append([row[name] for name in names])
        else:
            raise BadRequest(f"Row {number} is neither a list nor an object.")
    return _typed(pd.DataFrame(records, columns=names, dtype=object), description)


def read_parquet(body: bytes, description: Description) -> pd.DataFrame:
    """A Parquet file with the training columns, by name."""
    try:
        frame = pd.read_parquet(io.BytesIO(body))
    except (OSError, ValueError) as error:
        raise BadRequest(f"The body cannot be read as Parquet: {error}") from None
    names = [column.name for column in description.columns]
    missing = [name for name in names if name not in frame.columns]
    if missing:
        raise BadRequest(f"The Parquet body lacks the column '{missing[0]}'.")
    return _typed(frame[names], description)


def _typed(frame: pd.DataFrame, description: Description) -> pd.DataFrame:
    columns = {}
    for column in description.columns:
        values = frame[column.name]
        if column.kind == "number":
            numbers = pd.to_numeric(values, errors="coerce").astype(float)
            wrong = np.flatnonzero((numbers.isna() & values.notna()).to_numpy())
            if len(wrong):
                raise BadRequest(
                    f"Row {wrong[0] + 1}, column '{column.name}': '{values.iloc[wrong[0]]}' is not a number."
                )
            columns[column.name] = numbers
        else:
            columns[column.name] = values.where(values.isna(), values.astype(str))
    return _booleans(pd.DataFrame(columns), description)


def _booleans(frame: pd.DataFrame, description: Description) -> pd.DataFrame:
    for column in description.columns:
        if column.kind != "boolean":
            continue
        lowered = frame[column.name].str.strip().str.lower()
        wrong = np.flatnonzero((frame[column.name].notna() & ~lowered.isin(TRUE + FALSE)).to_numpy())
        if len(wrong):
            cell = frame[column.name].iloc[wrong[0]]
            raise BadRequest(
                f"Row {wrong[0] + 1}, column '{column.name}': '{cell}' is neither true nor false."
            )
        truth = lowered.isin(TRUE).astype(object)
        frame[column.name] = truth.where(frame[column.name].notna(), np.nan).infer_objects()
    return frame


READERS: dict[str, Callable[[bytes, Description], pd.DataFrame]] = {
    "text/csv": read_csv,
    "application/json": read_json,
    "application/jsonlines": read_json_lines,
    "application/x-jsonlines": read_json_lines,
    "application/x-parquet": read_parquet,
}
