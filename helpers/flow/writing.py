"""Writing frames as Spark names and lays out its files, the same bytes every time."""

from __future__ import annotations

import uuid

from .engine import Run
from .errors import OperatorError
from .frame import Frame
from .naming import literal, quoted
from .outputs import Output, Written

_names = uuid.UUID("5f0a4c0e-6f0c-4b5e-9a53-0c6f9d2b7a11")
_csv_endings = {"none": "csv", "gzip": "csv.gz", "zstd": "csv.zst"}


def part_name(output: Output, part: int = 0) -> str:
    """The name of a part file, in Spark's form, but the same for the same output of a flow."""
    unique = uuid.uuid5(_names, f"{output.node_id}.{output.output_name}")
    if output.content_type.lower() == "parquet":
        ending = {"none": "parquet", "gzip": "gz.parquet"}.get(
            output.compression, f"{output.compression}.parquet"
        )
    else:
        ending = _csv_endings.get(output.compression, "csv")
    return f"part-{part:05d}-{unique}-c000.{ending}"


def write(frame: Frame, output: Output, run: Run) -> Written:
    """Write a frame in its order; nulls are empty, texts are quoted where needed."""
    if not frame.columns:
        raise OperatorError("has no columns left to write", "Keep at least one.")
    output.directory.mkdir(parents=True, exist_ok=True)
    if output.partitions > 1:
        return _parts(run.keep(frame), output, run)
    path = output.directory / part_name(output)
    columns = ", ".join(quoted(name) for name in frame.columns)
    query = f"SELECT {columns} FROM ({run.sql(frame.table)}) AS t {run.order_by(frame)}"
    rows = run.connection.execute(f"COPY ({query}) TO {literal(path)} ({_options(output)})").fetchall()[0][0]
    return Written(output, (path,), int(rows), tuple(frame.columns))


def _parts(frame: Frame, output: Output, run: Run) -> Written:
    """Several files of about the same number of rows, one after the other in the frame's order."""
    place = frame.order[0]
    columns = ", ".join(quoted(name) for name in frame.columns)
    table = run.sql(frame.table)
    [(total,)] = run.connection.execute(f"SELECT count(*) FROM ({table}) AS t").fetchall()
    paths = []
    for part in range(output.partitions):
        first, end = (total * bound // output.partitions for bound in (part, part + 1))
        path = output.directory / part_name(output, part)
        query = f"SELECT {columns} FROM ({table}) AS t WHERE {place} >= {first} AND {place} < {end}"
        run.connection.execute(f"COPY ({query}) TO {literal(path)} ({_options(output)})")
        paths.append(path)
    return Written(output, tuple(paths), int(total), tuple(frame.columns))


def _options(output: Output) -> str:
    compression = output.compression.lower()
    if output.content_type.lower() == "parquet":
        return f"FORMAT parquet, COMPRESSION {'uncompressed' if compression == 'none' else compression}"
    if compression not in _csv_endings:
        raise OperatorError(
            f"cannot write CSV with compression {compression!r}",
            f"Known: {', '.join(_csv_endings)}.",
            "compression",
        )
    return (
        f"""FORMAT csv, HEADER, QUOTE '"', ESCAPE '"', NULLSTR '', DELIMITER {literal(output.delimiter)}, """
        f"TIMESTAMPFORMAT '%Y-%m-%dT%H:%M:%S.%gZ', COMPRESSION {compression}"
    )
