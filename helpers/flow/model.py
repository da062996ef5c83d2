"""A flow as typed nodes. The JSON it was read from is kept, so that writing it back loses nothing."""

from __future__ import annotations

import copy
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import FlowError

type_names = ("SOURCE", "TRANSFORM", "DATASET", "VISUALIZATION", "DESTINATION")


@dataclass(frozen=True)
class Edge:
    """One input of a node: the output of another node that feeds it, and the name it goes by."""

    name: str
    node_id: str
    output_name: str


@dataclass(frozen=True)
class Node:
    """One step of a flow, as the file holds it."""

    node_id: str
    type: str
    operator: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    trained_parameters: Mapping[str, Any] = field(default_factory=dict)
    inputs: tuple[Edge, ...] = ()
    outputs: tuple[str, ...] = ("default",)
    name: str = ""

    @property
    def label(self) -> str:
        """How messages, pictures and folders call this node: its name, else its id.

        An analysis has its name among its parameters.
        """
        named = self.parameters.get("name") if self.type == "VISUALIZATION" else None
        return self.name or (named if isinstance(named, str) else "") or self.node_id

    @property
    def short_operator(self) -> str:
        """The operator without its package and version: `encode_categorical`."""
        return re.sub(r"^sagemaker\.((spark|dataset|visualizations)\.)?|_\d+(\.\d+)*$", "", self.operator)


@dataclass(frozen=True)
class SourceNode(Node):
    """A node that brings data in."""

    @property
    def definition(self) -> Mapping[str, Any]:
        """The node's dataset definition."""
        value = self.parameters.get("dataset_definition")
        return value if isinstance(value, Mapping) else {}

    @property
    def dataset_name(self) -> str:
        """The data set's name in the flow, for example `tracks.csv`."""
        return str(self.definition.get("name") or self.name or self.node_id)

    @property
    def label(self) -> str:
        """The node's name, else its data set's."""
        return self.name or self.dataset_name

    @property
    def uri(self) -> str:
        """Where the flow says the data lies: an s3:// address, or empty."""
        context = self.definition.get("s3ExecutionContext")
        return str(context.get("s3Uri") or "") if isinstance(context, Mapping) else ""


@dataclass(frozen=True)
class DestinationNode(Node):
    """A node that sends data out."""

    @property
    def output_config(self) -> Mapping[str, Any]:
        """Where and how the node writes, as the file holds it."""
        value = self.parameters.get("output_config")
        return value if isinstance(value, Mapping) else {}

    @property
    def output_path(self) -> str:
        """The s3:// address the node writes under, or empty."""
        return str(self.output_config.get("output_path") or "")

    @property
    def feature_group(self) -> str:
        """The feature group that the node puts records into, or empty when it writes to S3."""
        return (
            str(self.output_config.get("feature_group_name") or "") if "featurestore" in self.operator else ""
        )

    @property
    def destination_name(self) -> str:
        """The name with all but `[a-zA-Z0-9!.*'_-]` turned to `-`, as Data Wrangler names its folders."""
        return re.sub(r"[^a-zA-Z0-9!.*'_-]", "-", self.label)


@dataclass(frozen=True)
class Flow:
    """A Data Wrangler flow: its nodes in file order, and the document they came from."""

    nodes: tuple[Node, ...]
    document: Mapping[str, Any] = field(repr=False, compare=False)

    def sources(self) -> list[SourceNode]:
        """The nodes that bring data in, in file order."""
        return [node for node in self.nodes if isinstance(node, SourceNode)]

    def destinations(self) -> list[DestinationNode]:
        """The nodes that send data out, in file order."""
        return [node for node in self.nodes if isinstance(node, DestinationNode)]

    def leaves(self) -> list[Node]:
        """Nodes with data that no other step uses; analyses do not count as use."""
        used = {edge.node_id for node in self.nodes if node.type != "VISUALIZATION" for edge in node.inputs}
        silent = ("VISUALIZATION", "DESTINATION")
        return [node for node in self.nodes if node.node_id not in used and node.type not in silent]

    def node(self, id_or_name: str) -> Node:
        """The node with this id or name, which may be that of its data set or analysis.

        Raises FlowError when there is none, or several.
        """
        found = [node for node in self.nodes if node.node_id == id_or_name]
        found = found or [node for node in self.nodes if node.name == id_or_name]
        found = found or [node for node in self.nodes if node.label == id_or_name]
        if len(found) == 1:
            return found[0]
        if found:
            ids = ", ".join(node.node_id for node in found)
            raise FlowError(f"Several nodes are called '{id_or_name}'. Use one of their ids: {ids}.")
        known = ", ".join(dict.fromkeys(node.label for node in self.nodes))
        raise FlowError(f"The flow has no node '{id_or_name}'. Its nodes: {known}.")

    def with_sources(self, uris: Mapping[str, str]) -> Flow:
        """The same flow with other addresses: {data set name or node id: s3 uri}."""
        document = copy.deepcopy(dict(self.document))
        for name, uri in uris.items():
            node = self.node(name)
            if not isinstance(node, SourceNode):
                raise FlowError(f"'{name}' is not a source of the flow: {_names(self.sources())}.")
            definition = _raw(document, node)["parameters"].setdefault("dataset_definition", {})
            definition.setdefault("s3ExecutionContext", {})["s3Uri"] = uri
        return _reread(document)

    def with_destinations(self, uris: Mapping[str, str]) -> Flow:
        """The same flow with other places to write to: {destination name or node id: s3 uri}."""
        document = copy.deepcopy(dict(self.document))
        for name, uri in uris.items():
            node = self.node(name)
            if not isinstance(node, DestinationNode):
                raise FlowError(f"'{name}' is not a destination of the flow: {_names(self.destinations())}.")
            _raw(document, node)["parameters"].setdefault("output_config", {})["output_path"] = uri
        return _reread(document)

    def with_trained(self, trained: Mapping[str, Mapping[str, Any]]) -> Flow:
        """The same flow with other trained parameters: {node id: all that the node holds of them}."""
        document = copy.deepcopy(dict(self.document))
        for node_id, parameters in trained.items():
            _raw(document, self.node(node_id))["trained_parameters"] = copy.deepcopy(dict(parameters))
        return _reread(document)

    def write(self, path: str | os.PathLike[str]) -> Path:
        """Write the flow as a .flow file, whole or not at all; the path is returned."""
        target = Path(path)
        unfinished = target.with_name(f".{target.name}.unfinished")
        text = json.dumps(self.document, indent=2, ensure_ascii=False) + "\n"
        try:
            unfinished.write_text(text, encoding="utf-8")
            unfinished.replace(target)
        finally:
            unfinished.unlink(missing_ok=True)
        return target


def _names(nodes: Sequence[Node]) -> str:
    return ", ".join(node.label for node in nodes) or "it has none"


def _raw(document: Mapping[str, Any], node: Node) -> dict[str, Any]:
    found: dict[str, Any] = next(raw for raw in document["nodes"] if raw["node_id"] == node.node_id)
    return found


def _reread(document: Mapping[str, Any]) -> Flow:
    from .reading import from_document

    return from_document(document)
