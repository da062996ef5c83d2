"""What a run is asked to write, and what it has written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from .model import DestinationNode, Flow, Node
from .operators import resolve
from .operators.destinations import OutputConfig, S3Destination
from .operators.feature_store import FeatureStoreDestination


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


def outputs_of(flow: Flow, directory: Path, node: str | None = None) -> list[Output]:
    """What a run writes: one node's output when asked for, else every destination, else every leaf."""
    nodes = [flow.node(node)] if node is not None else [*flow.destinations()] or flow.leaves()
    folders: dict[str, Output] = {}
    for each in nodes:
        for name in _written_outputs(each):
            label = each.feature_group if isinstance(each, DestinationNode) else ""
            label = label or (each.label if name == "default" else f"{each.label}-{name}")
            folder = re.sub(r"[^a-zA-Z0-9!.*'_-]", "-", label)
            if folder in folders or folder.strip(".") == "":
                folder = f"{folder}-{each.node_id}"
            operator, _ = resolve(each)
            config = operator.output_config if isinstance(operator, S3Destination) else OutputConfig()
            if isinstance(operator, FeatureStoreDestination):
                config = OutputConfig(output_content_type="Parquet")
            folders[folder] = Output(
                each.node_id,
                name,
                directory / folder,
                config.output_content_type,
                config.delimiter,
                config.compression,
                config.partitions,
                config.folders,
            )
    return list(folders.values())


def _written_outputs(node: Node) -> list[str]:
    operator, _ = resolve(node)
    names = list(operator.outputs()) if operator else ["default"]
    return [name for name in names if name != "default"] or ["default"]
