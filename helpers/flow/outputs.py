"""What a run is asked to write, and what it has written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from .errors import FlowError, Problem
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
            folder = _folder(each, name)
            if folder in folders or folder.strip(".") == "":
                folder = f"{folder}-{_plain(each.node_id)}"
            if folder in folders or len(folder) > _longest:
                fault = "is called like another" if folder in folders else "has too long a name"
                message = f"{fault} for a folder of its own: {folder[:_longest]}"
                raise FlowError([Problem(message, "Give it another name.", each.label, each.operator)])
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


_longest = 240
"""Characters of a folder's name: file systems hold 255 bytes."""


def _folder(node: Node, output: str) -> str:
    label = node.feature_group if isinstance(node, DestinationNode) else ""
    return _plain(label or (node.label if output == "default" else f"{node.label}-{output}"))


def _plain(name: str) -> str:
    return re.sub(r"[^a-zA-Z0-9!.*'_-]", "-", name)


def _written_outputs(node: Node) -> list[str]:
    operator, _ = resolve(node)
    names = list(operator.outputs()) if operator else ["default"]
    return [name for name in names if name != "default"] or ["default"]
