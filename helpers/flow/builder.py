"""Flows written as code: reviewed and tested like any program, saved as a file that Data Wrangler opens.

    from helpers.flow.builder import FlowBuilder

    shop = FlowBuilder("shop")
    orders = shop.source("orders.csv", "s3://bucket/orders.csv").types("Types", {"price": "float"})
    dear = orders.formula("Price with tax", "total", "1.19 * price")
    dear.then("Drop price", "manage_columns", "Drop column", column_to_drop=["price"]).destination("orders")
    shop.write("shop.flow")

Every step is checked when it is added. Ids are made from names, so the same program always gives the same
file, byte for byte, and a review shows what changed.
"""

from __future__ import annotations

import copy
import os
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import FlowError, Problem
from .model import Flow
from .operators import registry, resolve
from .operators.base import Family, block_name
from .reading import from_document

_namespace = uuid.uuid5(uuid.NAMESPACE_URL, "urn:workshop:flow")

# Data Wrangler's form leaves the block of the choice it opens with in every file; so do we.
_left_behind: Mapping[str, Mapping[str, Any]] = {
    "manage_columns": {"drop_column_parameters": {}},
    "encode_categorical": {
        "ordinal_encode_parameters": {"invalid_handling_strategy": "Replace with NaN"},
    },
    "format_string": {"lower_case_parameters": {}},
    "featurize_text": {"character_statistics_parameters": {}},
    "manage_rows": {"sort_parameters": {"order": "Ascending"}},
    "handle_outliers": {"standard_deviation_numeric_outliers_parameters": {"standard_deviations": 4}},
}


def node_id(flow: str, step: str) -> str:
    """The id of a step of a flow: always the same for the same two names."""
    return str(uuid.uuid5(_namespace, f"{flow}/{step}"))


@dataclass(frozen=True)
class Step:
    """One output of a step, to put the next step on."""

    builder: FlowBuilder
    node_id: str
    output: str = "default"

    def __getitem__(self, output: str) -> Step:
        """Another output of the same step, such as the "Train" of a split."""
        known = self.builder.outputs[self.node_id]
        if output not in known:
            raise FlowError(f"The step has no output '{output}'. Its outputs: {', '.join(known)}.")
        return Step(self.builder, self.node_id, output)

    def then(self, name: str, operator: str, *choices: str, **parameters: Any) -> Step:
        """Add any transform: `then("Drop price", "manage_columns", "Drop column", column_to_drop=["price"])`.

        `operator` is Data Wrangler's name with or without `sagemaker.spark.` and version; `choices` name the
        sub-operator, outermost first. Raises FlowError for an unknown operator or parameter.
        """
        return self.builder.add(name, operator, *choices, inputs=[self], **parameters)

    def types(self, name: str, schema: Mapping[str, str] | None = None) -> Step:
        """Set the type of every column ({column: type}), or have the types inferred."""
        trained = {"schema": dict(schema)} if schema else None
        return self.builder.add(name, "infer_and_cast_type", inputs=[self], trained=trained)

    def formula(self, name: str, output_column: str, formula: str) -> Step:
        """Compute a column by a Spark SQL expression."""
        return self.then(name, "custom_formula", output_column=output_column, formula=formula)

    def pyspark(self, name: str, code: str) -> Step:
        """Run PySpark code on the table `df`."""
        return self.then(name, "custom_pyspark", code=code)

    def pandas(self, name: str, code: str) -> Step:
        """Run pandas code on the table `df`."""
        return self.then(name, "custom_pandas", code=code)

    def join(self, name: str, other: Step, on: str | tuple[str, str], how: str = "inner") -> Step:
        """Join with another step's table; `on` is a column, or the left and the right one."""
        left, right = (on, on) if isinstance(on, str) else on
        parameters: dict[str, Any] = {"left_column": left, "right_column": right, "join_type": how}
        return self.builder.add(name, "join_tables", inputs=[self, other], **parameters)

    def split(
        self, name: str, kind: str, shares: Mapping[str, float], *, error: float = 0.0001, **parameters: Any
    ) -> Step:
        """Split into parts, {name: share}; take them by name, `step["Train"]`."""
        parts = [{"name": part, "percentage": share} for part, share in shares.items()]
        beside: dict[str, Any] = {}
        if kind != "Randomized split":
            beside = {block_name("Randomized split"): {"splits": copy.deepcopy(parts), "error": error}}
        parameters = {"splits": parts, **parameters, "error": error}
        return self.builder.add(name, "split", kind, inputs=[self], beside=beside, **parameters)

    def dataset(self, name: str) -> Step:
        """Give the table a name of its own, as Data Wrangler does for each part of a split."""
        return self.builder.add(name, "dataset.identity", inputs=[self], kind="DATASET")

    def destination(
        self,
        name: str,
        output_path: str = "",
        *,
        content_type: str = "CSV",
        delimiter: str = ",",
        compression: str = "none",
    ) -> Step:
        """Write the table to S3."""
        config = {
            "compression": compression,
            "output_path": output_path,
            "output_content_type": content_type,
            "delimiter": delimiter,
        }
        return self.builder.add(
            name, "s3_destination", inputs=[self], kind="DESTINATION", output_config=config
        )

    def analysis(self, name: str, operator: str, **parameters: Any) -> Step:
        """Add an analysis, such as `describe` or `histogram`; the table itself goes on unchanged.

        As Data Wrangler writes it, an analysis has its name among its parameters.
        """
        inputs, given = [self], {"name": name, **parameters}
        self.builder.add(name, f"visualizations.{operator}", inputs=inputs, kind="VISUALIZATION", given=given)
        return self


class FlowBuilder:
    """A flow in the making. `name` goes into the ids; `ids` keeps those of steps that have some already."""

    def __init__(
        self,
        name: str,
        *,
        metadata: Mapping[str, Any] | None = None,
        ids: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.nodes: list[dict[str, Any]] = []
        self.outputs: dict[str, tuple[str, ...]] = {}
        self._metadata = {"version": 1, "disable_limits": False, **(metadata or {})}
        self._ids = dict(ids or {})
        self._names: set[str] = set()

    def source(self, name: str, uri: str = "", *, sample: int | None = 50_000, **context: Any) -> Step:
        """Read files in S3. `context` takes Data Wrangler's words, such as `s3ContentType="parquet"`.

        `sample` rows are what the service shows while a flow is edited; a job reads everything.
        """
        execution = {
            "__typename": "S3ExecutionContext",
            "s3Uri": uri,
            "s3ContentType": "csv",
            "s3HasHeader": True,
            "s3FieldDelimiter": ",",
            "s3DirIncludesNested": False,
            "s3AddsFilenameColumn": False,
            **context,
        }
        definition = {
            "__typename": "S3CreateDatasetDefinitionOutput",
            "datasetSourceType": "S3",
            "name": name,
            "description": None,
            "s3ExecutionContext": execution,
        }
        step = self.add(name, "s3_source", inputs=[], kind="SOURCE", dataset_definition=definition)
        if sample is not None:
            self.nodes[-1]["outputs"][0]["sampling"] = {
                "sampling_method": "sample_by_limit",
                "limit_rows": sample,
            }
        return step

    def add(
        self,
        name: str,
        operator: str,
        *choices: str,
        inputs: Sequence[Step],
        kind: str = "TRANSFORM",
        trained: Mapping[str, Any] | None = None,
        beside: Mapping[str, Any] | None = None,
        given: Mapping[str, Any] | None = None,
        **parameters: Any,
    ) -> Step:
        """Add a step of any kind on top of these inputs; what the other methods are made of.

        `trained` are trained parameters, `beside` blocks of parameters that do not count, `given` parameters
        whose names Python's keywords cannot hold. Raises FlowError when the step is not right.
        """
        identifier = operator_id(operator)
        if not name or name in self._names:
            raise FlowError(f"Two steps are called '{name}'. Give each its own name." if name else "No name.")
        if any(step.builder is not self for step in inputs):
            raise FlowError(f"An input of '{name}' belongs to another flow. Build both in one FlowBuilder.")
        edge = "default" if identifier.endswith(("infer_and_cast_type_0.1", "destination_0.1")) else "df"
        raw: dict[str, Any] = {
            "node_id": self._ids.get(name) or node_id(self.name, name),
            "type": kind,
            "operator": identifier,
            **({} if kind == "VISUALIZATION" else {"name": name}),
            "parameters": _nested(identifier, name, choices, {**(given or {}), **parameters}, beside),
        }
        if trained:
            raw["trained_parameters"] = copy.deepcopy(dict(trained))
        raw["inputs"] = [
            {"name": edge, "node_id": step.node_id, "output_name": step.output} for step in inputs
        ]
        raw["outputs"] = [{"name": "default"}]
        outputs: tuple[str, ...] = ("default",)
        if kind != "VISUALIZATION" or identifier in registry:
            made, problems = resolve(from_document({**self.document, "nodes": [raw]}).nodes[0])
            if made is None or problems:
                raise FlowError(problems)
            if len(inputs) != made.inputs:
                message = f"has {len(inputs)} input{'s' * (len(inputs) != 1)}; it takes {made.inputs}"
                raise FlowError([Problem(message, "Connect it to that many.", name, identifier)])
            outputs = made.outputs()
        raw["outputs"] = [{"name": each} for each in outputs if each != "default"] or raw["outputs"]
        self._names.add(name)
        self.nodes.append(raw)
        self.outputs[raw["node_id"]] = outputs
        return Step(self, raw["node_id"])

    @property
    def document(self) -> dict[str, Any]:
        """The flow as its file holds it."""
        return {"metadata": dict(self._metadata), "parameters": [], "nodes": copy.deepcopy(self.nodes)}

    def flow(self) -> Flow:
        """The flow as it stands, to check, run, draw or test. Raises FlowError."""
        return from_document(self.document)

    def write(self, path: str | os.PathLike[str]) -> Path:
        """Write the .flow file; the path is returned. Raises FlowError."""
        return self.flow().write(path)


def operator_id(name: str) -> str:
    """An operator's full name for a short one: `split` -> `sagemaker.spark.split_0.1`."""
    candidates = (name, f"sagemaker.spark.{name}_0.1", f"sagemaker.{name}_0.1", f"sagemaker.{name}")
    found = next((each for each in candidates if each in registry), None)
    if found:
        return found
    return f"sagemaker.{name}_0.1" if name.startswith("visualizations.") and name[-1].isalpha() else name


def _nested(
    identifier: str,
    name: str,
    choices: Sequence[str],
    parameters: Mapping[str, Any],
    beside: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """The parameters in the blocks where Data Wrangler keeps those of a sub-operator."""
    family = registry.get(identifier, Family(identifier))
    result: dict[str, Any] = {}
    inner = result
    path: tuple[str, ...] = ()
    for choice in choices:
        key = family.keys.get(path)
        options = family.options(path)
        if key is None or choice not in options:
            known = f"Known here: {', '.join(options)}." if options else "It has none; leave it out."
            raise FlowError([Problem(f"has no sub-operator {choice!r}", known, name, identifier)])
        path = (*path, choice)
        block: dict[str, Any] = {}
        special = family.choices[path].block if path in family.choices else ""
        inner[key] = choice
        inner[special or block_name(choice)] = block
        inner = block
    inner.update(copy.deepcopy(dict(parameters)))
    short = identifier.removeprefix("sagemaker.spark.").removesuffix("_0.1")
    for block_key, value in {**(_left_behind.get(short, {}) if choices else {}), **(beside or {})}.items():
        result.setdefault(block_key, copy.deepcopy(value))
    return result
