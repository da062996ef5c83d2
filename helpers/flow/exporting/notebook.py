"""A flow as a notebook that runs it as a processing job."""

from __future__ import annotations

import json
import re
from typing import Any

from ..errors import FlowError, Problem
from ..model import Flow
from .jobs import config_of, instance_type, outputs_of_job


def notebook(flow: Flow, name: str = "flow") -> str:
    """A notebook that runs the flow as a processing job, on AWS or here (JSON). Raises FlowError."""
    outputs = outputs_of_job(flow)
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
    configs = {key: config_of(node) for key, _, node in outputs}
    texts = {
        "NAME": name,
        "FILE": json.dumps(f"{name}.flow", ensure_ascii=False),
        "PREFIX": json.dumps(re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:20] or "flow"),
        "INSTANCE": json.dumps(instance_type(flow)),
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
