"""Where the outputs of a Data Wrangler job go: prefixes of S3, or feature groups, which are only shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpers import flow
from helpers.local.jobs.container import Container
from helpers.local.jobs.job import JobFailure
from helpers.local.jobs.wrangler import Arguments, output_format

_root = "/opt/ml/processing/output"
"""Where outputs lie that the service manages, which need not say where."""
_feature_store = "sagemaker.spark.featurestore_destination_0.1"


@dataclass(frozen=True)
class Target:
    """One output of a node: its directory on this machine, and its S3 URI or feature group."""

    node_id: str
    output: str
    directory: Path
    uri: str = ""
    group: str = ""

    @property
    def name(self) -> str:
        """How the job calls it."""
        return f"{self.node_id}.{self.output}"


def read_targets(request: Mapping[str, Any], container: Container) -> list[Target]:
    """The outputs that a request names. Raises JobFailure for names that are not nodes', and when none is."""
    job = str(request["ProcessingJobName"])
    found: dict[str, Target] = {}
    for item in request.get("ProcessingOutputConfig", {}).get("Outputs", []):
        name = str(item["OutputName"])
        node, _, output = name.rpartition(".")
        if not node or not output:
            raise JobFailure(
                f"The output '{name}' is not named after a node: write <node id>.<output name>, for example "
                "'4dd276b3-….default'."
            )
        if "S3Output" in item:
            uri = str(item["S3Output"]["S3Uri"])
            directory = container.host(str(item["S3Output"].get("LocalPath") or _root)) / job / node / output
            found[name] = Target(node, output, directory, f"{uri.rstrip('/')}/{job}/{node}/{output}")
        else:
            group = str(item["FeatureStoreOutput"]["FeatureGroupName"])
            directory = container.host(_root) / job / group
            found[name] = Target(node, output, directory, group=group)
    if not found:
        raise JobFailure(
            "The job names no outputs: add one to ProcessingOutputConfig, called <node id>.<output name>."
        )
    return list(found.values())


def analyses_of(given: flow.Flow, targets: Sequence[Target]) -> dict[str, Path]:
    """{node id: folder} of the targets that are analyses."""
    kinds = {node.node_id: node.type for node in given.nodes}
    return {each.node_id: each.directory for each in targets if kinds.get(each.node_id) == "VISUALIZATION"}


def outputs_of(
    given: flow.Flow, targets: Sequence[Target], arguments: Arguments
) -> tuple[flow.Flow, list[flow.Output]]:
    """The flow with a destination for each feature group, and what it is to write."""
    nodes = list(given.document["nodes"])
    outputs = []
    for each in targets:
        if each.group:
            nodes.append(_destination(given, each))
            outputs.append(flow.Output(nodes[-1]["node_id"], "default", each.directory, "Parquet"))
            continue
        form = output_format(each.name, arguments.output_config.get(each.name, {}))
        outputs.append(flow.Output(each.node_id, each.output, each.directory, **vars(form)))
    return flow.read({**given.document, "nodes": nodes}), outputs


def _destination(given: flow.Flow, target: Target) -> dict[str, Any]:
    """A destination that puts what the target names into its feature group."""
    node = given.node(target.node_id)
    config: dict[str, Any] = {}
    edges = [{"name": "default", "node_id": node.node_id, "output_name": target.output}]
    if isinstance(node, flow.DestinationNode):
        config = dict(node.output_config) if node.feature_group else {}
        edges = [{"name": "default", "node_id": e.node_id, "output_name": e.output_name} for e in node.inputs]
    return {
        "node_id": f"{target.name} to {target.group}",
        "type": "DESTINATION",
        "operator": _feature_store,
        "name": node.label,
        "parameters": {"output_config": {**config, "feature_group_name": target.group}},
        "inputs": edges,
        "outputs": [{"name": "default"}],
    }
