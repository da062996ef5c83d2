"""Files into the run's database: CSV as Spark reads it (all texts, empty is null), Parquet as it is."""

from __future__ import annotations

import codecs
import csv
import shutil
from pathlib import Path

import duckdb

from .engine import Run
from .errors import OperatorError
from .frame import Frame
from .naming import literal, quoted
from .operators.sources import S3Context


def load(run: Run, context: S3Context) -> Frame:
    """The files of the source node at work as one frame, in the order of files and lines."""
    files = [file for path in run.files() for file in _found(path, bool(context.nested))]
    if not files:
        raise OperatorError("there are no files to read", "Look at the path of this source.")
    if context.content_type == "parquet":
        return _parquet(run, files)
    return _csv(run, files, context)


def _found(path: Path, nested: bool) -> list[Path]:
    if path.is_dir():
        inside = path.rglob("*") if nested else path.glob("*")
        return sorted(file for file in inside if file.is_file() and file.name[0] not in "._")
    if not path.is_file():
        raise OperatorError(f"the file {path} does not exist", "Look at the path of this source.")
    return [path]


def _parquet(run: Run, files: list[Path]) -> Frame:
    paths = ", ".join(literal(file) for file in files)
    view = run.view(f"SELECT * FROM read_parquet([{paths}], union_by_name = true)")
    columns = [row[0] for row in run.connection.execute(f"DESCRIBE {view}").fetchall()]
    table = run.fresh()
    select = ", ".join(f"{quoted(name)} AS c{place}" for place, name in enumerate(columns))
    run.connection.execute(f"CREATE TEMP TABLE {table} AS SELECT {select} FROM {view}")
    return run.stored(table, columns)


def _csv(run: Run, files: list[Path], context: S3Context) -> Frame:
    encoding = _codec(context.encoding)
    if encoding != "utf-8":
        files = [_recoded(run, file, encoding) for file in files]
    columns = _header(files[0], context)
    table = run.fresh()
    select = ", ".join(f"c{place}" for place in range(len(columns)))
    names = ", ".join(f"'c{place}': 'VARCHAR'" for place in range(len(columns)))
    paths = ", ".join(literal(file) for file in files)
    options = (
        f"auto_detect = false, header = {context.has_header}, delim = {literal(context.delimiter)}, "
        f"""quote = '"', escape = '"', nullstr = '', columns = {{{names}}}"""
    )
    create = f"CREATE TEMP TABLE {table} AS SELECT {select}"
    try:
        run.connection.execute(f"{create} FROM read_csv([{paths}], {options})")
    except duckdb.InvalidInputException:
        # Spark fills short lines with nulls and cuts long ones. Slower, so only if needed.
        options += ", null_padding = true, strict_mode = false, parallel = false, max_line_size = 67108864"
        run.connection.execute(f"{create} FROM read_csv([{paths}], {options})")
    return run.stored(table, columns)


def _codec(name: str | None) -> str:
    try:
        found = codecs.lookup(name or "utf-8").name
    except LookupError:
        raise OperatorError(f"the encoding {name!r} is unknown", "Use utf-8.", "s3CsvEncodingType") from None
    return "utf-8" if found in ("utf-8", "ascii", "utf-8-sig") else found


def _recoded(run: Run, file: Path, encoding: str) -> Path:
    target = run.directory / f"{run.fresh()}.csv"
    with (
        file.open(encoding=encoding, newline="") as source,
        target.open("w", encoding="utf-8", newline="") as sink,
    ):
        shutil.copyfileobj(source, sink)
    return target


def _header(file: Path, context: S3Context) -> list[str]:
    """Names of the columns as Spark makes them: an empty one is _c<index>, repeated ones get their index."""
    with file.open(encoding="utf-8-sig", newline="", errors="replace") as lines:
        first = next(csv.reader(lines, delimiter=context.delimiter[0], quotechar='"'), None)
    if not first:
        raise OperatorError(f"the file {file.name} is empty", "Give this source a file with a header line.")
    if not context.has_header:
        return [f"_c{place}" for place in range(len(first))]
    lowered = [name.lower() for name in first]
    names = []
    for place, name in enumerate(first):
        if not name:
            name = f"_c{place}"
        elif lowered.count(name.lower()) > 1:
            name = f"{name}{place}"
        names.append(name)
    return names
