"""Generated flows over generated tables: each runs, the same on any number of threads, or says what is wrong.

The steps are drawn from the registry, their parameters from the schemas of the operators. More of them, at
random: FLOW_FUZZ_EXAMPLES=5000 pytest tests/flow/test_flow_fuzzing.py
"""

from __future__ import annotations

import copy
import csv
import json
import os
import signal
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from helpers import flow
from helpers.flow.operators import registry
from helpers.flow.operators.base import Operator, block_name
from helpers.flow.outputs import outputs_of

examples = int(os.environ.get("FLOW_FUZZ_EXAMPLES", "0"))
seconds = 60
columns = ["a", "b c", "when", "Ünï'\"", "n", "flag"]
cells: dict[str, list[str]] = {
    "long": ["0", "1", "-7", "12", "", "9223372036854775807", "-9223372036854775808", "x"],
    "float": ["0.5", "-1e300", "NaN", "inf", "-Infinity", "", "1e-320", "3", "-0.0", "2.25"],
    "string": ["", " ", "ä🎵", "a,b", 'say "x"', "NULL", "a b a", "[1, 2]", '{"k": [1, null]}', "0", "x"],
    "bool": ["true", "false", "", "1", "maybe"],
    "date": ["2020-02-29", "1969-12-31", "", "0001-01-01", "9999-12-31", "soon"],
    "datetime": ["2020-01-01 00:00:00", "2020-01-02T03:04:05Z", "", "1900-01-01", "2020-01-01 00:00:01", "x"],
}
texts = [
    *["", " ", "x", "a", ",", "%", "(", ".", "(a)(b)?", "[0-9]+", "\\", "a|b", "$1", "'", '"', "ä", "🎵"],
    *["yyyy-MM-dd", "%Y", "2020-01-01", "0", "1", "true", "NaN", "nothing", "c" * 300, "\n", "\x00", "{{x}}"],
]
formulas = [
    *["1", "a + 1", "a / 0", "n * n", "`b c`", "upper(`b c`)", "cast(`b c` as int)", "a +", "nothing", "''"],
    *[
        "substr(`b c`, a, 1)",
        "case when flag then a end",
        "date_add(when, a)",
        "log(n)",
        "a % 0",
        "concat(a, n)",
    ],
    *[
        "coalesce(a, n)",
        "array(a, a)",
        "regexp_replace(`b c`, '(', '')",
        "sum(a)",
        "`b c` like '%\\\\'",
        "-a",
    ],
]
queries = [
    *["select * from df", "select a, count(*) k from df group by a", "select", "select * from df order by n"],
    *[
        "select * from other",
        "select sum(n) s from df",
        "select * from df limit 2",
        "select a from df where n > 0",
    ],
]


def texts_for(name: str) -> st.SearchStrategy[Any]:
    fitting = {"formula": formulas, "code": queries, "sql": queries}.get(name)
    if fitting:
        return st.sampled_from(fitting)
    new = ["new", "a", "", "A", "__flow_order_0"]
    if name.startswith(("output", "new", "indicator")):
        return st.sampled_from(new) | st.sampled_from(columns)
    if "col" in name or name in ("join_keys", "keys"):
        return st.sampled_from([*columns * 6, "nothing", "", "NEW", "new"])
    return st.sampled_from(texts) | st.sampled_from(columns)


def values(schema: Mapping[str, Any], name: str, known: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """Values of a JSON schema; where it says little, what might be there."""
    if "$ref" in schema:
        return values(known[schema["$ref"].rsplit("/", 1)[1]], name, known)
    if "const" in schema or "enum" in schema:
        listed = schema.get("enum") or [schema["const"]]
        return st.sampled_from(listed)
    if "anyOf" in schema:
        return st.one_of([values(each, name, known) for each in schema["anyOf"]])
    match schema.get("type"):
        case "boolean":
            return st.booleans()
        case "integer":
            return st.sampled_from([0, 1, 2, 3, 7, -1, 100, 2**31, -(2**63), 2**63 - 1])
        case "number":
            return st.sampled_from([0, 0.5, 1, 0.2, 0.8, 2, 3.5, -1, 1e300, 0.0001])
        case "array":
            if name == "splits":
                return st.just([{"name": "Train", "percentage": 0.7}, {"name": "Test", "percentage": 0.3}])
            return st.lists(values(schema.get("items", {}), name, known), min_size=1, max_size=3)
        case "object" if "properties" in schema:
            return members(schema, known)
        case "object":
            return st.just({})
        case "null":
            return st.none()
        case _:
            return texts_for(name)


def members(schema: Mapping[str, Any], known: Mapping[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """An object with what it must have, and some of what it may."""
    properties, needed = schema.get("properties", {}), set(schema.get("required", []))
    given_ = {name: values(each, name, known) for name, each in properties.items()}
    return st.fixed_dictionaries(
        {name: each for name, each in given_.items() if name in needed},
        optional={name: each for name, each in given_.items() if name not in needed},
    )


Choice = tuple[str, tuple[str, ...], type[Operator]]
choices: list[Choice] = [
    (identifier, names, kind)
    for identifier, family in registry.items()
    if identifier.startswith("sagemaker.spark.") and "destination" not in identifier
    for names, kind in family.choices.items()
    if ("code" not in identifier and "pandas" not in identifier and "pyspark" not in identifier)
    or names == ("SQL (PySpark SQL)",)
]  # fmt: skip


def parameters(choice: Choice) -> st.SearchStrategy[dict[str, Any]]:
    identifier, names, kind = choice
    schema = kind.model_json_schema()
    keys = registry[identifier].keys

    def nested(block: dict[str, Any]) -> dict[str, Any]:
        for depth in reversed(range(len(names))):
            name = names[depth]
            inside = (kind.block if depth == len(names) - 1 else "") or block_name(name)
            block = {keys[names[:depth]]: name, **(block if kind.flat else {inside: block})}
        return block

    return members(schema, schema.get("$defs", {})).map(nested)


by_name = {name: [each for each in choices if each[0] == name] for name, _, _ in choices}


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """A flow of one or two typed sources and some steps on top of one another."""
    nodes: list[dict[str, Any]] = []
    ends: list[tuple[str, str]] = []

    def add(operator: str, block: Any, inputs: list[tuple[str, str]], kind: str, **more: Any) -> str:
        name = f"step {len(nodes)}"
        edges = [{"name": "df", "node_id": each, "output_name": output} for each, output in inputs]
        raw = {"node_id": name, "type": kind, "operator": operator, "parameters": block, "inputs": edges}
        nodes.append({**raw, "outputs": [{"name": "default"}], **more})
        return name

    types = ["long", "string", "datetime", "string", "float", "bool"]
    for place in range(draw(st.integers(1, 2))):
        context = {"s3Uri": "s3://bucket/data.csv", "s3ContentType": "csv", "s3HasHeader": True}
        definition = {"datasetSourceType": "S3", "name": f"data{place}", "s3ExecutionContext": context}
        source = add("sagemaker.s3_source_0.1", {"dataset_definition": definition}, [], "SOURCE")
        schema = dict(zip(columns, types, strict=True))
        if draw(st.booleans()):
            schema["when"] = "date"
        trained = {"trained_parameters": {"schema": schema}} if draw(st.integers(0, 5)) else {}
        ends.append(
            (
                add(
                    "sagemaker.spark.infer_and_cast_type_0.1",
                    {},
                    [(source, "default")],
                    "TRANSFORM",
                    **trained,
                ),
                "default",
            )
        )
    for _ in range(draw(st.integers(1, 5))):
        choice = draw(st.sampled_from(draw(st.sampled_from(list(by_name.values())))))
        identifier, _names, kind = choice
        inputs = [draw(st.sampled_from(ends[-3:])) for _ in range(kind.inputs)]
        name = add(identifier, draw(parameters(choice)), inputs, "TRANSFORM")
        outputs = ["Train", "Test"] if "split" in identifier else ["default"]
        ends += [(name, each) for each in outputs]
    content = draw(st.sampled_from(["CSV", "CSV", "Parquet"]))
    config = {"output_path": "s3://b/", "output_content_type": content, "delimiter": ","}
    add("sagemaker.spark.s3_destination_0.1", {"output_config": config}, [ends[-1]], "DESTINATION")
    return {"metadata": {"version": 1}, "nodes": nodes}


rows = st.lists(
    st.tuples(
        *(st.sampled_from(cells[kind]) for kind in ("long", "string", "datetime", "string", "float", "bool"))
    ),
    max_size=8,
)


@contextmanager
def not_forever() -> Iterator[None]:
    """What takes longer hangs."""

    def ring(*_: Any) -> None:
        raise TimeoutError(f"hangs: not done after {seconds} seconds")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def outcome(document: Any, table: Any, threads: int) -> dict[str, bytes] | str:
    """What a run writes, or what it says is wrong."""
    with tempfile.TemporaryDirectory() as scratch, not_forever():
        path = Path(scratch) / "data.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([columns, *table])
        try:
            read = flow.read(document)
            outputs = outputs_of(read, Path(scratch) / "out")
            # A limit on people's own code would need the alarm that is set here.
            flow.execute(read, lambda _: [path], outputs, threads=threads, node_time_limit=None)
        except flow.FlowError as error:
            for problem in error.problems:
                assert problem.message
                assert "node_id" not in str(document) or problem.node or "flow" in problem.message, problem
                assert problem.remedy or not problem.node, problem
            return str(error).replace(scratch, "")
        folder = Path(scratch) / "out"
        return {
            str(each.relative_to(folder)): each.read_bytes() for each in folder.rglob("*") if each.is_file()
        }


many = settings(
    max_examples=examples or 60,
    derandomize=not examples,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    print_blob=False,
)


@many
@given(documents(), rows)
def test_any_flow_runs_or_says_why_not(document: dict[str, Any], table: list[Any]) -> None:
    note(json.dumps(document, ensure_ascii=False))
    once = outcome(document, table, threads=1)
    assert once == outcome(document, table, threads=4)


@st.composite
def spoiled(draw: st.DrawFn) -> Any:
    """A flow with something in it taken away, doubled or replaced."""
    document = copy.deepcopy(draw(documents()))
    for _ in range(draw(st.integers(1, 3))):
        at: Any = document
        while True:
            keys = list(at) if isinstance(at, dict) else list(range(len(at)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            inside = at[key]
            if isinstance(inside, dict | list) and inside and draw(st.integers(0, 4)):
                at = inside
                continue
            match draw(st.integers(0, 3)):
                case 0:
                    del at[key]
                case 1 if isinstance(at, list):
                    at.append(copy.deepcopy(inside))
                case 2:
                    at[key] = [inside]
                case _:
                    at[key] = draw(
                        st.sampled_from(
                            [None, 0, -1, 1.5, True, "", "x", [], {}, [[]], "\x00", 2**70, "../x"]
                        )
                    )
            break
    return document


@many
@given(spoiled(), rows)
def test_any_spoiled_flow_runs_or_says_why_not(document: Any, table: list[Any]) -> None:
    note(json.dumps(document, ensure_ascii=False))
    outcome(document, table, threads=2)
