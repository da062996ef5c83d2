"""What a run is asked to write, and what it has written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Output:
    """One output of a node to be written: where to, and how."""

    node_id: str
    output_name: str
    directory: Path
    content_type: str = "CSV"
    delimiter: str = ","
    compression: str = "none"
    partitions: int = 1
    partition_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Written:
    """What was written for an output: the files, the number of rows in them, and their columns."""

    output: Output
    paths: tuple[Path, ...]
    rows: int
    columns: tuple[str, ...]
