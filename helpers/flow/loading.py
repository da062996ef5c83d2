"""Files into the run's database: CSV as Spark reads it (texts, empty is null), others with their types."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from . import spark_csv
from .data_files import codec, found_files, header, unpacked
from .duckdb_engine import DuckDBRun
from .errors import OperatorError
from .frame import Frame
from .naming import literal, quoted
from .operators.sources import S3Context


def load(run: DuckDBRun, context: S3Context) -> Frame:
    """The files of the source node at work as one frame, in the order of files and lines."""
    files = [each for path in run.files() for each in found_files(path, context)]
    if not files:
        raise OperatorError("there are no files to read", "Look at the path of this source.")
    readers = {"csv": _csv, "parquet": _parquet, "json": _json, "jsonl": _json, "orc": _orc}
    read = readers[context.content_type]
    if not context.add_filename:
        return read(run, [each.path for each in files], context)
    parts = [(read(run, [each.path], context), each.address) for each in files]
    return _named(run, parts)


def _named(run: DuckDBRun, parts: Sequence[tuple[Frame, str]]) -> Frame:
    """The rows of all parts, with a column that says which file each came from."""
    columns = parts[0][0].columns
    name, count = "_data_source_filename", 1
    while name in columns:
        name, count = f"_data_source_filename_{count}", count + 1
    queries = []
    for frame, address in parts:
        # By position, as Spark reads further files of a folder.
        listed = [
            f"{quoted(theirs)} AS {quoted(ours)}" for theirs, ours in zip(frame.columns, columns, strict=True)
        ]
        queries.append(
            f"SELECT {', '.join([*listed, f'{literal(address)} AS {quoted(name)}'])} "
            f"FROM ({run.sql(frame.ordered)})"
        )
    return run.store(" UNION ALL ".join(queries), [*columns, name])


def _parquet(run: DuckDBRun, files: list[Path], context: S3Context) -> Frame:  # noqa: ARG001
    return parquet_files(run, files)


def parquet_files(run: DuckDBRun, files: Sequence[Path]) -> Frame:
    """Parquet files as a stored frame, in the order of files and rows."""
    paths = ", ".join(literal(file) for file in files)
    return _typed(run, f"SELECT * FROM read_parquet([{paths}], union_by_name = true)")


def _orc(run: DuckDBRun, files: list[Path], context: S3Context) -> Frame:  # noqa: ARG001
    import pyarrow as pa
    from pyarrow import orc

    read: Any = orc.ORCFile
    try:
        table = pa.concat_tables([read(str(file)).read() for file in files], promote_options="default")
    except (pa.ArrowException, OSError) as error:
        raise OperatorError(f"is not an ORC file: {error}", "Look at the type of this source.") from None
    return arrow_frame(run, table)


def _json(run: DuckDBRun, files: list[Path], context: S3Context) -> Frame:
    from .spark_json import read

    return arrow_frame(run, read(files, context.content_type == "json"))


def arrow_frame(run: DuckDBRun, table: Any) -> Frame:
    """An Arrow table as a stored frame."""
    view = run.fresh()
    run.connection.register(view, table)
    try:
        return _typed(run, f"SELECT * FROM {view}")
    finally:
        run.connection.unregister(view)


_spark_types = {
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMP",
    "TIMESTAMP_NS": "TIMESTAMP",
    "TIMESTAMP_MS": "TIMESTAMP",
    "TIMESTAMP_S": "TIMESTAMP",
    "UTINYINT": "SMALLINT",
    "USMALLINT": "INTEGER",
    "UINTEGER": "BIGINT",
    "UBIGINT": "DECIMAL(20,0)",
}


def _typed(run: DuckDBRun, query: str) -> Frame:
    """The rows of a query, stored in the types that Spark has."""
    found = run.connection.execute(f"DESCRIBE {query}").fetchall()
    columns = [
        f"CAST({quoted(row[0])} AS {_spark_types[row[1]]}) AS {quoted(row[0])}"
        if row[1] in _spark_types
        else quoted(row[0])
        for row in found
    ]
    return run.store(f"SELECT {', '.join(columns)} FROM ({query}) AS t", [row[0] for row in found])


def _csv(run: DuckDBRun, files: list[Path], context: S3Context) -> Frame:
    files = [unpacked(run, file) for file in files]
    encoding = codec(context.encoding)
    if encoding != "utf-8":
        files = [_recoded(run, file, encoding) for file in files]
    columns = header(files[0], context)
    try:
        frame = _read_csv(run, files, columns, context)
    except duckdb.InvalidInputException:
        frame = None
    if frame is None or _differs(run, frame, files, context):
        # Lines of other lengths, stray quotes, values over several lines: slower, so only if needed.
        rewritten = []
        for file in files:
            rewritten.append(run.directory / f"{run.fresh()}.csv")
            multi_line = bool(context.multi_line)
            try:
                spark_csv.rewrite(
                    file, rewritten[-1], len(columns), context.delimiter, context.has_header, multi_line
                )
            except UnicodeDecodeError:
                raise OperatorError(
                    f"the file {file.name} is not {context.encoding or 'utf-8'}",
                    "Say which encoding it has.",
                    "s3CsvEncodingType",
                ) from None
        frame = _read_csv(run, rewritten, columns, context, rewritten=True)
    return frame


def _read_csv(
    run: DuckDBRun, files: list[Path], columns: list[str], context: S3Context, rewritten: bool = False
) -> Frame:
    names = ", ".join(f"'c{place}': 'VARCHAR'" for place in range(len(columns)))
    select = ", ".join(f"c{place}" for place in range(len(columns)))
    paths = ", ".join(literal(file) for file in files)
    header, delimiter = context.has_header and not rewritten, "," if rewritten else context.delimiter
    options = (
        f"auto_detect = false, header = {header}, delim = {literal(delimiter)}, "
        f"""quote = '"', escape = '"', nullstr = '', columns = {{{names}}}"""
    )
    if rewritten:
        options += ", parallel = false, max_line_size = 67108864"
    # An empty line is no row, not even where there is but one column.
    there = " WHERE c0 IS NOT NULL" if len(columns) == 1 and not rewritten else ""
    table = run.fresh()
    run.connection.execute(
        f"CREATE TEMP TABLE {table} AS SELECT {select} FROM read_csv([{paths}], {options}){there}"
    )
    return run.stored(table, columns)


def _differs(run: DuckDBRun, frame: Frame, files: list[Path], context: S3Context) -> bool:
    """Whether values span lines although lines are rows: Spark then cuts them."""
    if context.multi_line or not any(map(spark_csv.has_quotes, files)):
        return False
    lines = sum(spark_csv.lines_with_text(file) - context.has_header for file in files)
    rows = run.row(frame.table.aggregate(rows=frame.table.count()))["rows"]
    return bool(rows != lines)


def _recoded(run: DuckDBRun, file: Path, encoding: str) -> Path:
    target = run.directory / f"{run.fresh()}.csv"
    try:
        with (
            file.open(encoding=encoding, newline="") as source,
            target.open("w", encoding="utf-8", newline="") as sink,
        ):
            shutil.copyfileobj(source, sink)
    except UnicodeError as error:
        raise OperatorError(
            f"the file {file.name} is not {encoding}: {error}", "Say its encoding.", "s3CsvEncodingType"
        ) from None
    return target
