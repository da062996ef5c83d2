"""What the two tables of the music data must look like, and reading them with errors that name the place.

Both are CSV files with a header, in UTF-8. Every column below must be there and filled in every row; other
columns are allowed and left out.
"""

from __future__ import annotations

import csv
import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

# pandera sets variables for Spark as it is imported. With them Arrow drops the zones of times, here and in
# every process that is started from here, and Spark binds to this machine alone: both are taken back.
_meddled = ("PYARROW_IGNORE_TIMEZONE", "SPARK_LOCAL_IP")
_unset = [name for name in _meddled if name not in os.environ]
import pandera.pandas as pandera  # noqa: E402
from pandera.errors import SchemaErrors  # noqa: E402

for _name in _unset:
    os.environ.pop(_name, None)

LISTED = 3  # how many rows an error message shows for one kind of mistake


class DatasetError(ValueError):
    """The music data cannot be had or does not fit; the message says what, where, and what to do."""


def _share(meaning: str) -> pandera.Column:
    check = pandera.Check.in_range(0, 1, error="must be from 0 to 1")
    return pandera.Column(float, check, description=f"{meaning}, 0 to 1")


def _whole(meaning: str) -> pandera.Column:
    return pandera.Column(int, pandera.Check.ge(0, error="must not be negative"), description=meaning)


def _text(meaning: str, unique: bool = False) -> pandera.Column:
    check = pandera.Check.ne("", error="must not be empty")
    return pandera.Column(str, check, unique=unique, report_duplicates="exclude_first", description=meaning)


TRACKS = pandera.DataFrameSchema(
    {
        "trackId": _text("the track", unique=True),
        "length": pandera.Column(
            float,
            pandera.Check.in_range(0, 86_400, error="must be seconds, from 0 to 86400 (not milliseconds)"),
            description="length in seconds",
        ),
        "energy": _share("intensity and activity"),
        "acousticness": _share("confidence that the track is acoustic"),
        "valence": _share("how positive it sounds"),
        "speechiness": _share("how much of it is spoken"),
        "instrumentalness": _share("confidence that nobody sings"),
        "liveness": _share("confidence that an audience is heard"),
        "tempo": pandera.Column(
            float,
            pandera.Check.in_range(0, 500, error="must be beats per minute, from 0 to 500"),
            description="beats per minute",
        ),
        "genre": _text("one of the genres"),
    },
    name="tracks",
)

RATINGS = pandera.DataFrameSchema(
    {
        "ratingEventId": _text("the rating", unique=True),
        "ts": pandera.Column(
            int,
            pandera.Check.in_range(1, 4_102_444_800, error="must be epoch seconds (not milliseconds)"),
            description="when, in seconds since 1970 (UTC)",
        ),
        "userId": _whole("the listener"),
        "trackId": _text("the track, as in the tracks table"),
        "sessionId": _whole("the sitting in which it was played"),
        "itemInSession": _whole("its place in the sitting"),
        "Rating": pandera.Column(
            int,
            pandera.Check.in_range(1, 5, error="must be a whole number from 1 to 5"),
            description="1 to 5 stars",
        ),
    },
    name="ratings",
)


@dataclass(frozen=True)
class Table:
    """A checked table: its rows, and whether the file holds just them, in the schema's order, plainly.

    A file that is not plain (further columns, another order, a byte order mark, numbers such as `4.0` for
    whole ones) is still right, but a tool that reads the file itself would see more than the schema says.
    """

    rows: pd.DataFrame
    plain: bool


def read(path: str | Path, schema: pandera.DataFrameSchema) -> Table:
    """Read and check a CSV file; the rows have the schema's columns, in its order and types.

    Raises DatasetError naming file, column, row, line and value of what does not fit.
    """
    path = Path(path)
    header, marked = _header(path)
    expected = list(schema.columns)
    missing = [name for name in expected if name not in header]
    if missing:
        raise DatasetError(
            f"{path} has no column {', '.join(missing)}; its columns are {', '.join(header)}. The "
            f"{schema.name} table needs {', '.join(expected)}, separated by commas and spelled so."
        )
    repeated = [name for name in expected if header.count(name) > 1]
    if repeated:
        raise DatasetError(f"{path} has the column {', '.join(repeated)} more than once: keep one of them.")
    # Whole numbers are left to pandas to recognize: asked for them, it would take `4.0` for one.
    types = {name: str(schema.columns[name].dtype) if name in expected else "str" for name in header}
    types = {name: kind for name, kind in types.items() if kind != "int64"}
    try:
        rows = schema.validate(_read_csv(path, types)[expected], lazy=True)
        if len(rows):
            return Table(rows, plain=header == expected and not marked)
    except (ValueError, pd.errors.ParserWarning, SchemaErrors):
        pass  # the fast way knows neither the line nor the text as written: read again as text, to say where
    return Table(_read_text(path, schema), plain=False)


def _header(path: Path) -> tuple[list[str], bool]:
    """The names in the first line, and whether the file begins with a byte order mark."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            header = next(csv.reader(file), [])
    except FileNotFoundError:
        raise DatasetError(f"There is no file {path}.") from None
    except (IsADirectoryError, PermissionError) as error:
        raise DatasetError(f"{path} cannot be read as a file: {error.strerror}.") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{path} is not CSV text in UTF-8: {error}. Save it as CSV (UTF-8).") from None
    if not header:
        raise DatasetError(f"{path} is empty: the first line must name the columns.")
    marked = header[0].startswith("\ufeff")
    return [header[0].removeprefix("\ufeff"), *header[1:]], marked


def _read_csv(path: Path, types: Any, **options: Any) -> pd.DataFrame:
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)  # rows with more fields than the header
        rows: pd.DataFrame = pd.read_csv(
            path, dtype=types, index_col=False, encoding="utf-8-sig", na_filter=False, **options
        )
    return rows


def _read_text(path: Path, schema: pandera.DataFrameSchema) -> pd.DataFrame:
    """The checked rows, read value by value; DatasetError lists what does not fit, by line."""
    try:
        text = _read_csv(path, "str", skip_blank_lines=False)
    except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
        raise DatasetError(
            f"{path} has rows with more values than the header: {error}. Quote values that hold a comma."
        ) from None
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path} is not text in UTF-8: {error}. Save it as CSV (UTF-8).") from None
    text = text.fillna("")  # the end of a row with too few values
    text = text[(text != "").any(axis=1)]
    if text.empty:
        raise DatasetError(f"{path} has no rows: only the names of the columns.")

    failures: dict[tuple[str, int], str] = {}  # (column, index of the row): what must hold
    rows = pd.DataFrame(index=text.index)
    for name, column in schema.columns.items():
        kind = str(column.dtype)
        if kind not in ("int64", "float64"):
            rows[name] = text[name]
            continue
        numbers = pd.to_numeric(text[name].str.strip(), errors="coerce").astype("float64")
        wrong = ~np.isfinite(numbers)
        if kind == "int64":
            wrong |= numbers != numbers.round()
        must = "must be a whole number" if kind == "int64" else "must be a number"
        failures |= {(name, int(index)): must for index in text.index[wrong]}
        rows[name] = numbers.where(~wrong, 0).astype(kind)
    try:
        rows = schema.validate(rows, lazy=True)
    except SchemaErrors as error:
        for case in error.failure_cases.itertuples():
            must = "must not be there twice" if case.check == "field_uniqueness" else str(case.check)
            failures.setdefault((str(case.column), int(case.index)), must)
    if failures:
        raise DatasetError(_message(path, text, failures))
    checked: pd.DataFrame = rows.reset_index(drop=True)
    return checked


def _message(path: Path, text: pd.DataFrame, failures: dict[tuple[str, int], str]) -> str:
    """One message for all failures: by column and mistake, the first rows of each."""
    kinds: dict[tuple[str, str], list[int]] = {}
    for (name, index), must in failures.items():
        kinds.setdefault((name, must), []).append(index)
    lines = [f"{path} does not fit the music data:"]
    for (name, must), indices in kinds.items():
        indices.sort()
        # Lines count from 1 and the first is the header; rows count from 1 without it.
        places = [
            f"row {index + 1} (line {index + 2}) has {text.at[index, name]!r}" for index in indices[:LISTED]
        ]
        more = f", and {len(indices) - LISTED} more" if len(indices) > LISTED else ""
        lines.append(f"  column {name} {must}: {', '.join(places)}{more}")
    return "\n".join([*lines, "Correct these rows or leave them out, and load the data again."])
