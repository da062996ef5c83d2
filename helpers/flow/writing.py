"""Writing frames as Spark names and lays out its files, the same bytes every time."""

from __future__ import annotations

import bz2
import gzip
import re
import shutil
import uuid
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .duckdb_engine import DuckDBRun
from .errors import OperatorError
from .frame import Frame
from .naming import literal, quoted
from .outputs import Output, Written
from .small_tables import as_texts

_names = uuid.UUID("5f0a4c0e-6f0c-4b5e-9a53-0c6f9d2b7a11")
_csv_endings = {
    "none": "csv",
    "gzip": "csv.gz",
    "bzip2": "csv.bz2",
    "deflate": "csv.deflate",
    "zstd": "csv.zst",
}
_parquet_endings = {
    "none": "parquet",
    "uncompressed": "parquet",
    "gzip": "gz.parquet",
    "snappy": "snappy.parquet",
    "zstd": "zstd.parquet",
    "brotli": "br.parquet",
}
_most_folders = 10_000


def part_name(output: Output, part: int = 0) -> str:
    """The name of a part file, in Spark's form, but the same for the same output of a flow."""
    unique = uuid.uuid5(_names, f"{output.node_id}.{output.output_name}")
    endings = _parquet_endings if _is_parquet(output) else _csv_endings
    # In folders of values Spark puts a dot where a file of all rows has a dash.
    return (
        f"part-{part:05d}-{unique}{'.' if output.partition_by else '-'}c000.{endings[_compression(output)]}"
    )


def write(frame: Frame, output: Output, run: DuckDBRun) -> Written:
    """Write a frame in its order; nulls are empty, texts are quoted where needed."""
    if not frame.columns:
        raise OperatorError("has no columns left to write", "Keep at least one.")
    _compression(output)
    folders = list(dict.fromkeys(frame.names(output.partition_by, "partition_by")))
    kept = [name for name in frame.columns if name not in folders]
    if not kept:
        raise OperatorError(
            "is partitioned by all its columns", "Leave one for the files to hold.", "partition_by"
        )
    output.directory.mkdir(parents=True, exist_ok=True)
    floating = [] if _is_parquet(output) else _floating(frame, kept)
    if output.partitions == 1 and not folders:
        path = output.directory / part_name(output)
        with as_texts(frame, floating, _number_text, run) as (mixed, texts):
            plain = texts | run.finite(frame, [name for name in floating if name not in texts])
            columns = ", ".join(_cell(frame, name, output, name in plain) for name in kept)
            # Sorted first, then made into texts: numbers are a fraction of their texts to sort.
            rows = f"SELECT * FROM ({run.sql(mixed.table)}) AS t {run.order_by(mixed)}"
            count = _copy(f"SELECT {columns} FROM ({rows}) AS t", path, output, run)
        return Written(output, (path,), count, tuple(frame.columns))
    plain = run.finite(frame, floating)
    columns = ", ".join(_cell(frame, name, output, name in plain) for name in kept)
    whole = run.keep(frame)
    rows = run.row(whole.table.aggregate(rows=whole.table.count()))["rows"]
    paths = []
    for part, (start, end) in enumerate(_parts(rows, output.partitions)):
        place = quoted(whole.order[0])
        table = f"({run.sql(whole.table)}) AS t WHERE {place} >= {start} AND {place} < {end}"
        for folder, chosen in _folders(table, folders, run):
            path = output.directory / folder / part_name(output, part)
            path.parent.mkdir(parents=True, exist_ok=True)
            _copy(f"SELECT {columns} FROM {table}{chosen} ORDER BY {place}", path, output, run)
            paths.append(path)
    return Written(output, tuple(paths), rows, tuple(frame.columns))


def _parts(rows: int, count: int) -> list[tuple[int, int]]:
    """Where parts of nearly the same size start and end; none is empty, but for the first."""
    count = max(1, min(count, rows))
    return [(rows * part // count, rows * (part + 1) // count) for part in range(count)]


def _folders(table: str, columns: Sequence[str], run: DuckDBRun) -> list[tuple[str, str]]:
    """The folder of each combination of values, and the condition of its rows."""
    if not columns:
        return [("", "")]
    # As in Spark an empty text lies with the nulls.
    values = [f"nullif(CAST({quoted(name)} AS VARCHAR), '')" for name in columns]
    listed = ", ".join(values)
    query = f"SELECT DISTINCT {listed} FROM {table} ORDER BY ALL LIMIT {_most_folders + 1}"
    found = run.connection.execute(query).fetchall()
    if len(found) > _most_folders:
        raise OperatorError(
            f"has more than {_most_folders:,} folders to write", "Partition by other columns.", "partition_by"
        )
    folders = []
    for row in found:
        path = "/".join(
            f"{_escaped(name)}={_folder(value)}" for name, value in zip(columns, row, strict=True)
        )
        conditions = [
            f"{expression} IS NOT DISTINCT FROM {'NULL' if value is None else literal(value)}"
            for expression, value in zip(values, row, strict=True)
        ]
        folders.append((path, "".join(f" AND {condition}" for condition in conditions)))
    return folders


def _folder(value: str | None) -> str:
    return "__HIVE_DEFAULT_PARTITION__" if value is None else _escaped(value)


def _escaped(text: str) -> str:
    """A text in the name of a folder, as Hive writes it."""
    return re.sub(r"""[\x00-\x1f\x7f"#%'*/:=?\\{\[\]^]""", lambda found: f"%{ord(found[0]):02X}", text)


_white = "".join(map(chr, range(1, 33)))


def _floating(frame: Frame, names: Sequence[str]) -> list[str]:
    return [name for name in names if frame.table[name].type().is_floating()]


def _number_text(name: str) -> str:
    """SQL for the text of a floating number."""
    column = quoted(name)
    plain = f"isfinite({column}) OR {column} IS NULL"
    other = f"CASE WHEN isnan({column}) THEN 'NaN' WHEN {column} > 0 THEN 'Infinity' ELSE '-Infinity' END"
    return f"CASE WHEN {plain} THEN CAST({column} AS VARCHAR) ELSE {other} END"


def _cell(frame: Frame, name: str, output: Output, plain: bool) -> str:
    """SQL for a column as it is written; `plain`: as DuckDB's writer does it by itself.

    Finite numbers are left to it: as texts they take twice the memory on the way there.
    """
    dtype, column = frame.table[name].type(), quoted(name)
    if _is_parquet(output) or plain:
        return column
    if dtype.is_string():
        # Spark's writer takes white space off both ends.
        # Looking for it first takes a tenth of the time.
        white = f"{column} < '!' OR {column}[-1] < '!'"
        return f"CASE WHEN {white} THEN trim({column}, {literal(_white)}) ELSE {column} END AS {column}"
    if dtype.is_floating():
        return f"{_number_text(name)} AS {column}"
    if dtype.is_array() and dtype.value_type.is_floating():
        numbers = f"list_transform({column}, x -> coalesce(spark_number_text(x), 'null'))"
        return f"'[' || array_to_string({numbers}, ', ') || ']' AS {column}"
    if dtype.is_struct() or dtype.is_map():
        return f"CAST(to_json({column}) AS VARCHAR) AS {column}"
    return column


def _copy(query: str, path: Path, output: Output, run: DuckDBRun) -> int:
    """Write the rows of a query to a file; how many there are."""
    pack = None if _is_parquet(output) else _packers.get(_compression(output))
    target = path.with_name(f".{path.name}.plain") if pack else path
    found = run.connection.execute(f"COPY ({query}) TO {literal(target)} ({_options(output)})").fetchall()
    if pack:
        pack(target, path)
        target.unlink()
    return int(found[0][0])


def _gzip(source: Path, target: Path) -> None:
    # Neither name nor time in it: the same rows are the same bytes.
    with (
        source.open("rb") as plain,
        target.open("wb") as file,
        gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed,
    ):
        shutil.copyfileobj(plain, packed)


def _bzip2(source: Path, target: Path) -> None:
    with source.open("rb") as plain, bz2.open(target, "wb") as packed:
        shutil.copyfileobj(plain, packed)


def _deflate(source: Path, target: Path) -> None:
    packer = zlib.compressobj()
    with source.open("rb") as plain, target.open("wb") as packed:
        while chunk := plain.read(1 << 20):
            packed.write(packer.compress(chunk))
        packed.write(packer.flush())


_packers: dict[str, Callable[[Path, Path], Any]] = {"gzip": _gzip, "bzip2": _bzip2, "deflate": _deflate}


def _is_parquet(output: Output) -> bool:
    return output.content_type.lower() == "parquet"


def _compression(output: Output) -> str:
    """The compression, when files of this kind can have it."""
    known = _parquet_endings if _is_parquet(output) else _csv_endings
    compression = output.compression.lower()
    if compression not in known:
        raise OperatorError(
            f"cannot write {output.content_type} with compression {compression!r}",
            f"Known: {', '.join(known)}.",
            "compression",
        )
    return compression


def _options(output: Output) -> str:
    compression = _compression(output)
    if _is_parquet(output):
        return f"FORMAT parquet, COMPRESSION {'uncompressed' if compression == 'none' else compression}"
    packed = "zstd" if compression == "zstd" else "none"
    return (
        f"""FORMAT csv, HEADER, QUOTE '"', ESCAPE '"', NULLSTR '', DELIMITER {literal(output.delimiter)}, """
        f"TIMESTAMPFORMAT '%Y-%m-%dT%H:%M:%S.%gZ', COMPRESSION {packed}"
    )
