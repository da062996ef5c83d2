"""Writing what Spark computed: Spark hands the rows over as Parquet, and the files are made of those.

So the files of both engines are made by the same hand: the same names, folders and, of equal rows, bytes.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from ..duckdb_engine import DuckDBRun
from ..errors import OperatorError
from ..frame import Frame
from ..outputs import Output, Written

if TYPE_CHECKING:
    from .engine import SparkRun


def write(frame: Frame, output: Output, run: SparkRun) -> Written:
    """Write a frame in its order."""
    if not frame.columns:
        raise OperatorError("has no columns left to write", "Keep at least one.")
    # Beside the output, not in the run's own directory: executors on other machines must reach it too.
    handed = output.directory.with_name(f".{output.directory.name}.parquet")
    output.directory.parent.mkdir(parents=True, exist_ok=True)
    try:
        whole = run.dataframe(frame.visible if frame.in_order else frame.ordered)
        whole.write.parquet(f"file:{handed.absolute()}")  # As it is: Hadoop would keep a %20.
        with DuckDBRun(lambda _: [], threads=run.threads, memory=None) as writer:
            return writer.write(writer.parquet(sorted(handed.glob("part-*.parquet"))), output)
    finally:
        shutil.rmtree(handed, ignore_errors=True)
