"""Files into Spark: its own readers with the options of the flow, rows in the order of files and lines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..data_files import SourceFile, codec, found_files, header, unpacked
from ..errors import OperatorError
from ..frame import Frame
from . import arrow
from .names import reason

if TYPE_CHECKING:
    from ..operators.sources import S3Context
    from .engine import SparkRun


content_names = {
    "csv": "a CSV file",
    "parquet": "a Parquet file",
    "json": "a JSON file",
    "jsonl": "a file of JSON lines",
    "orc": "an ORC file",
}


def load(run: SparkRun, context: S3Context) -> Frame:
    """The files of the source node at work as one frame, in the order of files and lines."""
    files = [each for path in run.files() for each in found_files(path, context)]
    if not files:
        raise OperatorError("there are no files to read", "Look at the path of this source.")
    run.read_bytes += sum(file.path.stat().st_size for file in files)
    readers = {"csv": _csv, "parquet": _parquet, "json": _json, "jsonl": _json, "orc": _orc}
    try:
        return run.store(readers[context.content_type](run, files, context))
    except Exception as error:
        if run.failure(error) is None or run.interrupted(error):
            raise
        kind = content_names[context.content_type]
        raise OperatorError(f"is not {kind}: {reason(error)}", "Look at the type of this source.") from error


def _each(files: Sequence[SourceFile], read: Any, context: S3Context) -> Any:
    """The rows of all files: a union keeps their order, where a reader sorts files by their size."""
    frames = [read(file) for file in files]
    if context.add_filename:
        frames = [_named(frame, file) for frame, file in zip(frames, files, strict=True)]
    whole = frames[0]
    for frame in frames[1:]:
        whole = whole.union(frame)
    return whole


def _named(frame: Any, file: SourceFile) -> Any:
    """The rows with a column that says which file they came from."""
    from pyspark.sql import functions as F

    name, count = "_data_source_filename", 1
    while name in frame.columns:
        name, count = f"_data_source_filename_{count}", count + 1
    return frame.withColumn(name, F.lit(file.address))


def _address(path: Path) -> str:
    # Spark takes some characters for patterns, and does not decode what a URI would encode.
    return "file:" + re.sub(r"([\\{}\[\]*?])", r"\\\1", str(path.absolute()))


def _csv(run: SparkRun, files: Sequence[SourceFile], context: S3Context) -> Any:
    from pyspark.sql.types import StringType, StructField, StructType

    encoding = codec(context.encoding)
    first = unpacked(run, files[0].path)
    columns = header(first, context, "utf-8-sig" if encoding == "utf-8" else encoding)
    reader = (
        run.session.read.schema(StructType([StructField(name, StringType()) for name in columns]))
        .option("header", bool(context.has_header))
        .option("sep", context.delimiter)
        .option("multiLine", bool(context.multi_line))
        .option("encoding", encoding)
        .option("escape", '"')
    )
    return _each(files, lambda file: reader.csv(_address(file.path)), context)


def _parquet(run: SparkRun, files: Sequence[SourceFile], context: S3Context) -> Any:
    return _each(files, lambda file: run.session.read.parquet(_address(file.path)), context)


def _orc(run: SparkRun, files: Sequence[SourceFile], context: S3Context) -> Any:
    return _each(files, lambda file: run.session.read.orc(_address(file.path)), context)


def _json(run: SparkRun, files: Sequence[SourceFile], context: S3Context) -> Any:
    from ..spark_json import read

    def one(file: SourceFile) -> Any:
        return arrow.to_spark(read([file.path], context.content_type == "json"), run.session)

    if context.add_filename:
        return _each(files, one, context)
    return arrow.to_spark(read([file.path for file in files], context.content_type == "json"), run.session)
