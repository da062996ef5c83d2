"""The cells of the candidate definition notebook."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import nbformat.v4

from helpers.local.jobs.automl.locations import Locations
from helpers.local.jobs.automl.tuning.definition import ranges, scores
from helpers.local.jobs.automl.tuning.definition.code import LIBRARY
from helpers.local.jobs.automl.tuning.library.algorithms import ALGORITHMS
from helpers.local.jobs.automl.tuning.library.processors import Strategy
from helpers.local.jobs.automl.tuning.library.search import Pipeline
from helpers.local.jobs.automl.tuning.library.task import Task

format4: Any = nbformat.v4  # its functions declare no types
Cell = dict[str, Any]
CANDIDATES = 4  # that the notebook tunes unless it is told otherwise


@dataclass(frozen=True)
class Definition:
    """What the notebook tells of a job."""

    locations: Locations
    region: str
    target: str
    classes: Sequence[object]
    texts: Sequence[str]  # the columns that are read as text
    strategies: Sequence[Strategy]
    pipelines: Sequence[Pipeline]
    task: Task
    maximize: bool

    @property
    def library(self) -> str:
        """The S3 prefix of the library beside the notebook."""
        return f"{self.locations.analysis}/notebooks/{LIBRARY}"


def as_json(definition: Definition) -> bytes:
    """The notebook's file."""
    cells = [
        *_introduction(definition),
        *_setup(definition),
        *_pipelines(definition),
        *_data(definition),
        *_algorithms(definition),
        *_tuning(definition),
        *_selection(definition),
    ]
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return json.dumps(format4.new_notebook(cells=cells, metadata=metadata), indent=1).encode()


def _introduction(definition: Definition) -> list[Cell]:
    task = definition.task
    problem = {
        "Regression": "regression",
        "BinaryClassification": "classification into two classes",
        "MulticlassClassification": f"classification into {task.classes} classes",
    }[task.problem_type]
    return [
        format4.new_markdown_cell(
            "# Candidate definition\n\n"
            f"The AutoML job **{definition.locations.job_name}** looked at your data and wrote this "
            f"notebook. It "
            f"predicts `{definition.target}`, a {problem}, and judges a candidate by "
            f"**{task.objective}**.\n\n"
            "A *candidate* is a pipeline of two parts: a data processor, which makes numbers of your "
            "columns, and "
            "an algorithm with its hyperparameters, which learns from them. The job tries many "
            "candidates. Here "
            "you see how each is defined; you can change it, run it, and compare a few candidates of "
            "your own.\n\n"
            "Contents: setup · candidate pipelines · data transformation · algorithms and their "
            "ranges · tuning "
            "job configuration · model selection and deployment."
        )
    ]


def _setup(definition: Definition) -> list[Cell]:
    locations = definition.locations
    return [
        format4.new_markdown_cell(
            "## Setup\n\nThe notebook brings its code from S3: a module for each data processor, "
            "which the job "
            f"generated for your columns, and the small library `{LIBRARY}`, which the modules and "
            f"the job use."
        ),
        format4.new_code_cell(
            "import importlib\n"
            "import inspect\n"
            "import sys\n"
            "import tempfile\n"
            "from pathlib import Path\n\n"
            "import boto3\n"
            "import numpy as np\n"
            "import pandas as pd"
        ),
        format4.new_code_cell(
            f"AUTOML_JOB = {locations.job_name!r}\n"
            f"REGION = {definition.region!r}\n"
            f"OUTPUT = {locations.output!r}\n"
            f"GENERATED_MODULE = {locations.generated_module!r}\n"
            f"LIBRARY = {definition.library!r}\n"
            f"TARGET = {definition.target!r}\n"
            f"OBJECTIVE = {definition.task.objective!r}\n"
            f"CANDIDATES = {CANDIDATES}  # how many this notebook tunes\n"
            "CORES = 1\n"
            "DEPLOY = False  # True: bring up an endpoint with the job's best candidate",
            metadata={"tags": ["parameters"]},
        ),
        format4.new_code_cell(
            's3 = boto3.client("s3", region_name=REGION)\n'
            "workspace = Path(tempfile.mkdtemp())\n\n\n"
            "def objects(uri):\n"
            '    """The keys below an S3 URI, in order."""\n'
            '    bucket, prefix = uri.removeprefix("s3://").split("/", 1)\n'
            '    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix + "/")\n'
            '    return bucket, [item["Key"] for page in pages for item in page.get("Contents", [])]\n\n\n'
            "def download(uri, folder):\n"
            '    """Bring what lies directly below an S3 URI into a folder."""\n'
            "    folder.mkdir(parents=True, exist_ok=True)\n"
            "    bucket, keys = objects(uri)\n"
            "    for key in keys:\n"
            '        s3.download_file(bucket, key, str(folder / key.rsplit("/", 1)[-1]))\n\n\n'
            f'download(LIBRARY, workspace / "{LIBRARY}")\n'
            'download(GENERATED_MODULE, workspace / "candidate_data_processors")\n'
            "sys.path.insert(0, str(workspace))\n"
            'sorted(path.name for path in (workspace / "candidate_data_processors").glob("dpp*.py"))'
        ),
    ]


def _pipelines(definition: Definition) -> list[Cell]:
    rows = ["| pipeline | data processor | algorithm |", "| --- | --- | --- |"]
    says = {strategy.name: strategy.says for strategy in definition.strategies}
    rows += [
        f"| `{pipeline.name}` | {says[pipeline.processor]} | {pipeline.algorithm} |"
        for pipeline in definition.pipelines
    ]
    names = [strategy.name for strategy in definition.strategies]
    return [
        format4.new_markdown_cell(
            "## Candidate pipelines\n\n"
            f"The job chose these {len(definition.pipelines)} pipelines for your columns:\n\n"
            + "\n".join(rows)
        ),
        format4.new_code_cell(
            "processors = {\n"
            '    name: importlib.import_module(f"candidate_data_processors.{name}")\n'
            f"    for name in {names!r}\n"
            "}\n"
            f"print(inspect.getsource(processors[{names[0]!r}]))"
        ),
        format4.new_markdown_cell(
            "To change a data processor, write a function of your own in the place of its `build`: "
            "any pipeline of "
            "scikit-learn that takes a table and gives numbers will do."
        ),
    ]


def _data(definition: Definition) -> list[Cell]:
    encode = (
        "    return table[TARGET].to_numpy(dtype=float)"
        if definition.task.regression
        else "    return pd.Categorical(table[TARGET], categories=CLASSES).codes.astype(int)"
    )
    return [
        format4.new_markdown_cell(
            "## Data transformation\n\nThe job split your data and left both parts in S3, without a "
            "header: that "
            "stands in a file of its own. A data processor learns from the training part alone, and "
            "transforms both."
        ),
        format4.new_code_cell(
            f"TEXTS = {list(definition.texts)!r}  # columns that are read as text\n"
            f"CLASSES = {list(definition.classes)!r}\n\n"
            'header, = objects(f"{OUTPUT}/preprocessed-data/header")[1]\n'
            'bucket = OUTPUT.removeprefix("s3://").split("/", 1)[0]\n'
            'columns = list(pd.read_csv(s3.get_object(Bucket=bucket, Key=header)["Body"]).columns)\n\n\n'
            "def read(part):\n"
            '    """The rows of `train` or `validation`."""\n'
            '    _, keys = objects(f"{OUTPUT}/preprocessed-data/tuning_data/{part}")\n'
            "    chunks = [\n"
            "        pd.read_csv(\n"
            '            s3.get_object(Bucket=bucket, Key=key)["Body"],\n'
            "            header=None,\n"
            "            names=columns,\n"
            "            dtype={name: str for name in TEXTS},\n"
            '            na_values=[""],\n'
            "            keep_default_na=False,\n"
            "        )\n"
            "        for key in keys\n"
            "    ]\n"
            "    return pd.concat(chunks, ignore_index=True)\n\n\n"
            "def target(table):\n"
            '    """The target as the algorithms take it."""\n' + encode + "\n\n\n"
            'train, validation = read("train"), read("validation")\n'
            "train.shape, validation.shape"
        ),
        format4.new_code_cell(
            f"from {LIBRARY}.folds import Table, fold\n\n"
            "everything = np.arange(len(validation))\n"
            "folds = {\n"
            "    name: fold(\n"
            "        module.build(),\n"
            "        Table(train, target(train)),\n"
            "        Table(validation, target(validation)),\n"
            "        everything,\n"
            "    )\n"
            "    for name, module in processors.items()\n"
            "}\n"
            "widths = {name: found.training.features.shape[1] for name, found in folds.items()}\n"
            'pd.Series(widths, name="numbers a row")'
        ),
    ]


def _algorithms(definition: Definition) -> list[Cell]:
    names = list(dict.fromkeys(pipeline.algorithm for pipeline in definition.pipelines))
    parts = [f"### {name}\n\n{ranges.table(ALGORITHMS[name], definition.task)}" for name in names]
    return [
        format4.new_markdown_cell(
            "## Algorithms and their ranges\n\nThe search draws hyperparameters from these ranges. The first "
            "candidate of each pipeline has those of the column *start*.\n\n" + "\n\n".join(parts)
        )
    ]


def _tuning(definition: Definition) -> list[Cell]:
    task = definition.task
    pipelines = "".join(
        f"    Pipeline({pipeline.processor!r}, {pipeline.algorithm!r}),\n"
        for pipeline in definition.pipelines
    )
    return [
        format4.new_markdown_cell(
            "## Tuning job configuration\n\nThe search is Bayesian: it tries the start of each "
            "pipeline, then what "
            "the scores so far promise. Take pipelines out of the list, or add your own."
        ),
        format4.new_code_cell(
            f"from {LIBRARY}.search import Pipeline, Search, measure\n"
            f"from {LIBRARY}.task import Task\n\n"
            f"task = Task({task.problem_type!r}, OBJECTIVE, {task.classes}, CORES)\n"
            f"pipelines = [\n{pipelines}]\n"
            f"search = Search(pipelines, task, maximize={definition.maximize})"
        ),
        format4.new_code_cell(scores.code(task.objective)),
        format4.new_code_cell(
            "candidates = []\n"
            "for number in range(1, CANDIDATES + 1):\n"
            "    proposal = search.propose()\n"
            "    measured = measure([folds[proposal.pipeline.processor]], proposal, task)\n"
            "    value = score(measured.truth, measured.predicted)\n"
            "    search.tell(proposal, value)\n"
            "    candidates.append((value, proposal, measured))\n"
            '    print(f"candidate {number}, {proposal.pipeline.name}: {OBJECTIVE} {value:.6g}")'
        ),
    ]


def _selection(definition: Definition) -> list[Cell]:
    direction = "max" if definition.maximize else "min"
    return [
        format4.new_markdown_cell(
            "## Model selection and deployment\n\nThe candidates of this notebook, best first:"
        ),
        format4.new_code_cell(
            "leaderboard = pd.DataFrame(\n"
            "    [\n"
            '        {"pipeline": tried.pipeline.name, OBJECTIVE: value, **tried.parameters}\n'
            "        for value, tried, _ in candidates\n"
            "    ]\n"
            f").sort_values(OBJECTIVE, ascending={not definition.maximize}, ignore_index=True)\n"
            "leaderboard"
        ),
        format4.new_code_cell(
            f"value, best, measured = {direction}(candidates, key=lambda candidate: candidate[0])\n"
            'print(f"The best candidate here is {best.pipeline.name}: {OBJECTIVE} {value:.6g}.")\n'
            "predicted = measured.last.predict(folds[best.pipeline.processor].validation.features[:5])\n"
            "pd.DataFrame(predicted, columns=CLASSES or [TARGET])"
        ),
        format4.new_markdown_cell(
            "To use a model, deploy the best candidate of the job: its containers stand in the job's "
            "description. "
            "Every container becomes a step of one endpoint. (A job that was only asked for "
            "definitions has no "
            "candidate yet: start it again without `GenerateCandidateDefinitionsOnly`.)"
        ),
        format4.new_code_cell(
            "if DEPLOY:\n"
            '    sagemaker = boto3.client("sagemaker", region_name=REGION)\n'
            "    job = sagemaker.describe_auto_ml_job_v2(AutoMLJobName=AUTOML_JOB)\n"
            '    name = f"{AUTOML_JOB}-best"\n'
            "    sagemaker.create_model(\n"
            "        ModelName=name,\n"
            '        Containers=job["BestCandidate"]["InferenceContainers"],\n'
            '        ExecutionRoleArn=job["RoleArn"],\n'
            "    )\n"
            "    variant = {\n"
            '        "VariantName": "AllTraffic",\n'
            '        "ModelName": name,\n'
            '        "InstanceType": "ml.m5.large",\n'
            '        "InitialInstanceCount": 1,\n'
            "    }\n"
            "    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])\n"
            "    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)\n"
            '    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=name)'
        ),
    ]
