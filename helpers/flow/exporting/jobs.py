"""A flow as what runs it on SageMaker: a notebook with a processing job, and the definition of a pipeline."""

from __future__ import annotations

import json
import re
from typing import Any

from ..errors import FlowError, Problem
from ..model import DestinationNode, Flow, Node
from ..operators import resolve

_most_outputs = 10
_longest_argument = 256


def _outputs(flow: Flow) -> list[tuple[str, str, Node]]:
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


def _config(node: Node) -> dict[str, Any]:
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
    return f"--output-config '{json.dumps({key: _config(node)})}'"


def pipeline(flow: Flow, name: str = "flow") -> str:
    """The definition of a SageMaker pipeline with one step, the flow as a processing job (JSON).

    Its parameters say where the flow lies and where results go; create it with `create_pipeline`, or look at
    it and put the step into a pipeline of your own. Raises FlowError.
    """
    outputs = []
    for key, folder, node in _outputs(flow):
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
            "ContainerArguments": [_argument(key, node) for key, _, node in _outputs(flow)],
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
            {"Name": "InstanceType", "Type": "String", "DefaultValue": _instance(flow)},
            {"Name": "InstanceCount", "Type": "Integer", "DefaultValue": 1},
        ],
        "PipelineExperimentConfig": {
            "ExperimentName": {"Get": "Execution.PipelineName"},
            "TrialName": {"Get": "Execution.PipelineExecutionId"},
        },
        "Steps": [{"Name": _step_name(name), "Type": "Processing", "Arguments": arguments}],
    }
    return json.dumps(definition, indent=2, ensure_ascii=False) + "\n"


def _instance(flow: Flow) -> str:
    metadata = flow.document.get("metadata")
    return str((metadata or {}).get("instance_type") or "ml.m5.4xlarge")


def _step_name(name: str) -> str:
    clean = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[:40]
    return f"DataWrangler-{clean}" if clean else "DataWrangler"


def notebook(flow: Flow, name: str = "flow") -> str:
    """A notebook that runs the flow as a processing job, on AWS or here (JSON). Raises FlowError."""
    outputs = _outputs(flow)
    stores = [node for _, _, node in outputs if "featurestore" in node.operator]
    if stores:
        raise FlowError(
            [
                Problem(
                    "writes to Feature Store, which the notebook's job does not",
                    "Give the step before it an S3 destination, or export to pipeline.",
                    node.label,
                    node.operator,
                )
                for node in stores
            ]
        )
    places = {node.dataset_name: node.uri for node in flow.sources()}
    folders = {key: folder for key, folder, _ in outputs}
    configs = {key: _config(node) for key, _, node in outputs}
    texts = {
        "NAME": name,
        "FILE": json.dumps(f"{name}.flow", ensure_ascii=False),
        "PREFIX": json.dumps(re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:20] or "flow"),
        "INSTANCE": json.dumps(_instance(flow)),
        "SOURCES": _lines(places),
        "FOLDERS": _lines(folders),
        "CONFIGS": _lines(configs),
    }
    cells = []
    for place, (kind, text, tags) in enumerate(_cells):
        for key, value in texts.items():
            text = text.replace(f"<<{key}>>", value)
        cell: dict[str, Any] = {
            "cell_type": kind,
            "id": f"cell-{place}",
            "metadata": {"tags": tags} if tags else {},
            "source": text.strip("\n").splitlines(keepends=True),
        }
        if kind == "code":
            cell |= {"execution_count": None, "outputs": []}
        cells.append(cell)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    document = {
        "cells": cells,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _lines(values: dict[str, Any]) -> str:
    """A dict as Python, one item a line."""
    inner = "".join(f"    {key!r}: {value!r},\n" for key, value in values.items())
    return f"{{\n{inner}}}"


_cells: list[tuple[str, str, list[str]]] = [
    (
        "markdown",
        """
# Run <<NAME>> as a processing job

SageMaker starts a machine with Data Wrangler's container, runs the flow on all the data, and
writes the results to S3. `platform = "local"` does the same on this machine.
""",
        [],
    ),
    (
        "code",
        """
# Built in
import json
import tempfile
from pathlib import Path

# External
from sagemaker.core import image_uris
from sagemaker.core.resources import ProcessingJob
from sagemaker.core.shapes import (
    AppSpecification,
    ProcessingClusterConfig,
    ProcessingInput,
    ProcessingOutput,
    ProcessingOutputConfig,
    ProcessingResources,
    ProcessingS3Input,
    ProcessingS3Output,
)

# Local
from helpers import flow, workshop
""",
        [],
    ),
    (
        "code",
        """
platform: str = "local"  # where SageMaker runs: "local" or "sagemaker"
prefix: str = <<PREFIX>>  # begins every name and every S3 key
flow_file: str = <<FILE>>  # the flow
instance_type: str = <<INSTANCE>>  # the machine of the job on AWS
""",
        ["parameters"],
    ),
    ("markdown", "Where the data lie: an `s3://` address, or a file on this machine, which is uploaded.", []),
    ("code", "sources = <<SOURCES>>", ["sources"]),
    (
        "code",
        """
ws = workshop.connect(platform, prefix)
job_name = ws.fresh_name("flow")
for name, place in sources.items():
    if not place.startswith("s3://"):
        sources[name] = ws.uri("data", Path(place).name)
        ws.upload(place, sources[name])

mine = flow.read(flow_file).with_sources(sources)
with tempfile.TemporaryDirectory() as folder:
    ws.upload(mine.write(Path(folder) / "job.flow"), ws.uri("flow", job_name, "job.flow"))
""",
        [],
    ),
    (
        "markdown",
        "The job takes the flow, and gives one output for each of its destinations: `<node id>.<output>`.",
        [],
    ),
    (
        "code",
        """
inputs = [
    ProcessingInput(
        input_name="flow",
        s3_input=ProcessingS3Input(
            s3_uri=ws.uri("flow", job_name, "job.flow"),
            local_path="/opt/ml/processing/flow",
            s3_data_type="S3Prefix",
            s3_input_mode="File",
            s3_data_distribution_type="FullyReplicated",
        ),
    )
]
folders = <<FOLDERS>>
outputs = [
    ProcessingOutput(
        output_name=name,
        s3_output=ProcessingS3Output(
            s3_uri=ws.uri("output", folder),
            local_path=f"/opt/ml/processing/output/{folder}",
            s3_upload_mode="EndOfJob",
        ),
    )
    for name, folder in folders.items()
]
written_as = <<CONFIGS>>
arguments = [f"--output-config '{json.dumps({name: config})}'" for name, config in written_as.items()]
""",
        [],
    ),
    (
        "code",
        """
job = ProcessingJob.create(
    processing_job_name=job_name,
    role_arn=ws.role,
    app_specification=AppSpecification(
        image_uri=image_uris.retrieve("data-wrangler", ws.region), container_arguments=arguments
    ),
    processing_inputs=inputs,
    processing_output_config=ProcessingOutputConfig(outputs=outputs),
    processing_resources=ProcessingResources(
        cluster_config=ProcessingClusterConfig(
            instance_count=1, instance_type=instance_type, volume_size_in_gb=30
        )
    ),
)
ws.follow(job)
""",
        [],
    ),
    ("markdown", "The results lie below these addresses.", []),
    (
        "code",
        """
results = {
    folder: "/".join([ws.uri("output", folder), job_name, *name.split(".", 1)]) + "/"
    for name, folder in folders.items()
}
results
""",
        [],
    ),
]
