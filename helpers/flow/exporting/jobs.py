"""A flow as the definition of a SageMaker pipeline, and what any job that runs it writes."""

from __future__ import annotations

import json
import re
from typing import Any

from ..errors import FlowError, Problem
from ..model import DestinationNode, Flow, Node
from ..operators import resolve

_most_outputs = 10
_longest_argument = 256


def outputs_of_job(flow: Flow) -> list[tuple[str, str, Node]]:
    """(output name, folder, node) of everything a job writes. Raises FlowError when a job cannot."""
    nodes: list[Node] = [*flow.destinations()] or flow.leaves()
    found: list[tuple[str, str, Node]] = []
    problems: list[Problem] = []
    for node in nodes:
        store = node.parameters.get("output_config")
        if "featurestore" in node.operator and not (
            isinstance(store, dict) and store.get("feature_group_name")
        ):
            problems.append(
                Problem("names no feature group", "Set feature_group_name.", node.label, node.operator)
            )
        operator, _ = resolve(node)
        names = [each for each in (operator.outputs() if operator else node.outputs) if each != "default"]
        for output in names or ["default"]:
            folder = node.label if output == "default" else f"{node.label}-{output}"
            found.append((f"{node.node_id}.{output}", re.sub(r"[^a-zA-Z0-9!.*'_-]", "-", folder), node))
    if not found:
        raise FlowError("The flow has nothing to write: no destination and no step with data.")
    if len(found) > _most_outputs:
        labels = ", ".join(node.label for _, _, node in found)
        message = (
            f"The flow writes {len(found)} outputs ({labels}); a processing job has at most {_most_outputs}"
        )
        problems.append(Problem(message, "Split the flow."))
    folders = [folder for _, folder, _ in found]
    if len(set(folders)) < len(folders):
        found = [(key, f"{folder}-{node.node_id}", node) for key, folder, node in found]
    for key, _, node in found:
        if len(_argument(key, node)) > _longest_argument:
            message = f"needs an argument of the container with over {_longest_argument} characters"
            problems.append(Problem(message, "Give it fewer partitions or shorter names.", node.label))
    if problems:
        raise FlowError(problems)
    return found


def config_of(node: Node) -> dict[str, Any]:
    """How the container is to write an output, in the words of its argument."""
    given = node.output_config if isinstance(node, DestinationNode) else {}
    config: dict[str, Any] = {"content_type": str(given.get("output_content_type") or "CSV")}
    if str(given.get("delimiter") or ",") != "," and config["content_type"].upper() == "CSV":
        config["delimiter"] = given["delimiter"]
    if str(given.get("compression") or "none").lower() != "none":
        config["compression"] = given["compression"]
    if given.get("partition_config"):
        config["partition_config"] = given["partition_config"]
    return config


def _argument(key: str, node: Node) -> str:
    return f"--output-config '{json.dumps({key: config_of(node)})}'"


def pipeline(flow: Flow, name: str = "flow") -> str:
    """The definition of a SageMaker pipeline with one step, the flow as a processing job (JSON).

    Its parameters say where the flow lies and where results go; create it with `create_pipeline`, or look at
    it and put the step into a pipeline of your own. Raises FlowError.
    """
    outputs = []
    for key, folder, node in outputs_of_job(flow):
        if "featurestore" in node.operator:
            group = node.parameters["output_config"]["feature_group_name"]
            store = {"FeatureGroupName": group}
            outputs.append({"OutputName": key, "AppManaged": True, "FeatureStoreOutput": store})
            continue
        place = {"Std:Join": {"On": "/", "Values": [{"Get": "Parameters.OutputUri"}, folder]}}
        s3 = {"S3Uri": place, "LocalPath": f"/opt/ml/processing/output/{folder}", "S3UploadMode": "EndOfJob"}
        outputs.append({"OutputName": key, "S3Output": s3})
    flow_input = {
        "InputName": "flow",
        "AppManaged": False,
        "S3Input": {
            "S3Uri": {"Get": "Parameters.FlowUri"},
            "LocalPath": "/opt/ml/processing/flow",
            "S3DataType": "S3Prefix",
            "S3InputMode": "File",
            "S3DataDistributionType": "FullyReplicated",
        },
    }
    cluster = {
        "InstanceCount": {"Get": "Parameters.InstanceCount"},
        "InstanceType": {"Get": "Parameters.InstanceType"},
        "VolumeSizeInGB": 30,
    }
    arguments = {
        "ProcessingInputs": [flow_input],
        "ProcessingOutputConfig": {"Outputs": outputs},
        "ProcessingResources": {"ClusterConfig": cluster},
        "AppSpecification": {
            "ImageUri": {"Get": "Parameters.ImageUri"},
            "ContainerArguments": [_argument(key, node) for key, _, node in outputs_of_job(flow)],
        },
        "RoleArn": {"Get": "Parameters.RoleArn"},
    }
    definition = {
        "Version": "2020-12-01",
        "Metadata": {},
        "Parameters": [
            {"Name": "FlowUri", "Type": "String"},
            {"Name": "OutputUri", "Type": "String"},
            {"Name": "RoleArn", "Type": "String"},
            {"Name": "ImageUri", "Type": "String"},
            {"Name": "InstanceType", "Type": "String", "DefaultValue": instance_type(flow)},
            {"Name": "InstanceCount", "Type": "Integer", "DefaultValue": 1},
        ],
        "PipelineExperimentConfig": {
            "ExperimentName": {"Get": "Execution.PipelineName"},
            "TrialName": {"Get": "Execution.PipelineExecutionId"},
        },
        "Steps": [{"Name": _step_name(name), "Type": "Processing", "Arguments": arguments}],
    }
    return json.dumps(definition, indent=2, ensure_ascii=False) + "\n"


def instance_type(flow: Flow) -> str:
    metadata = flow.document.get("metadata")
    return str((metadata or {}).get("instance_type") or "ml.m5.4xlarge")


def _step_name(name: str) -> str:
    clean = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[:40]
    return f"DataWrangler-{clean}" if clean else "DataWrangler"
