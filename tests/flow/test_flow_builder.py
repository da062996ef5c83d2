"""Flows written as code: the same file every time, and every mistake said at once."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from helpers import flow
from helpers.flow.builder import FlowBuilder, node_id
from helpers.flow.commands import app

flows = Path(__file__).parents[2] / "notebooks" / "flows"


@pytest.mark.parametrize(
    ("program", "file"), [("build_music", "music.flow"), ("build_leaky", "music_leaky.flow")]
)
def test_the_program_builds_the_committed_flow_byte_for_byte(
    program: str, file: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.syspath_prepend(flows)
    module: Any = importlib.import_module(program)
    written = module.build().write(tmp_path / file)
    assert written.read_bytes() == (flows / file).read_bytes()


def shop() -> FlowBuilder:
    built = FlowBuilder("shop")
    orders = built.source("orders.csv", "s3://bucket/orders.csv").types(
        "Types", {"id": "long", "price": "float"}
    )
    dear = orders.formula("Tax", "total", "1.5 * price")
    dear = dear.then("Drop price", "manage_columns", "Drop column", column_to_drop=["price"])
    dear.destination("orders", "s3://bucket/out/")
    return built


def test_a_built_flow_runs(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text("id,price\n1,2\n2,4\n")
    path = shop().write(tmp_path / "shop.flow")
    read = flow.read(path)
    assert flow.check(read) == []
    table = flow.preview(read, "orders", {"orders.csv": tmp_path / "orders.csv"})
    assert table.to_dict("list") == {"id": [1, 2], "total": [3.0, 6.0]}


def test_ids_come_from_names_and_nothing_else() -> None:
    first, second = shop().flow(), shop().flow()
    assert [node.node_id for node in first.nodes] == [node.node_id for node in second.nodes]
    assert first.node("Tax").node_id == node_id("shop", "Tax") != node_id("shop2", "Tax")
    assert all(uuid.UUID(node.node_id).version == 5 for node in first.nodes)
    # Pinned: a change here would give every flow that people have saved new ids.
    assert node_id("shop", "Tax") == "1e3944d0-6541-5b4e-8b10-8a884c1fdcd2"
    kept = FlowBuilder("shop", ids={"orders.csv": "97a0ad4e"})
    assert kept.source("orders.csv").node_id == "97a0ad4e"


def test_nested_choices_lie_where_data_wrangler_keeps_them() -> None:
    built = FlowBuilder("f")
    built.source("a.csv").then("Move", "manage_columns", "Move column", "Move to start", column_to_move="x")
    assert built.nodes[-1]["parameters"] == {
        "operator": "Move column",
        "move_column_parameters": {
            "move_type": "Move to start",
            "move_to_start_parameters": {"column_to_move": "x"},
        },
        "drop_column_parameters": {},
    }


def test_the_parts_of_a_split_are_taken_by_name() -> None:
    built = FlowBuilder("f")
    parts = built.source("a.csv").split("Split", "Randomized split", {"Train": 0.8, "Test": 0.2})
    parts["Test"].dataset("Held back")
    read = built.flow()
    assert read.node("Split").outputs == ("Train", "Test")
    assert read.node("Held back").inputs[0].output_name == "Test"
    assert flow.check(read) == []
    with pytest.raises(flow.FlowError, match=r"no output 'Validation'. Its outputs: Train, Test"):
        parts["Validation"]


def test_analyses_leave_the_table_as_it_is() -> None:
    built = FlowBuilder("f")
    source = built.source("a.csv")
    assert source.analysis("Prices", "histogram", x_axis="price") is source
    node = built.flow().node("Prices")
    assert (node.type, node.operator) == ("VISUALIZATION", "sagemaker.visualizations.histogram_0.1")
    assert node.parameters == {"name": "Prices", "x_axis": "price"}
    # As Data Wrangler writes it: the name is a parameter, and nowhere else.
    assert list(built.document["nodes"][1]) == [
        "node_id", "type", "operator", "parameters", "inputs", "outputs",
    ]  # fmt: skip
    assert node.label == "Prices"


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (lambda step: step.then("Twice", "custom_formula", formula="x"), "'output_column': is missing"),
        (lambda step: step.then("Step", "manage_columns", "Drop columns"), "no sub-operator 'Drop columns'"),
        (lambda step: step.then("Step", "no_such_thing"), "Step .*no_such_thing"),
        (lambda step: step.types("a.csv"), "Two steps are called 'a.csv'"),
        (lambda step: step.join("J", FlowBuilder("g").source("b.csv"), "k"), "belongs to another flow"),
        (
            lambda step: step.then("Step", "join_tables", left_column="a", right_column="a"),
            "1 input; it takes 2",
        ),
    ],
)
def test_a_mistake_is_said_where_it_is_made(mistake: Any, message: str) -> None:
    built = FlowBuilder("f")
    step = built.source("a.csv")
    with pytest.raises(flow.FlowError, match=message):
        mistake(step)
    assert len(built.nodes) == 1


def test_new_writes_a_flow_that_runs_and_the_program_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "orders.csv").write_text("id,price\n1,2.5\n")
    answer = CliRunner().invoke(app, ["new", "shop", "--data", "orders.csv", "--code"])
    assert answer.exit_code == 0, answer.output
    made = (tmp_path / "shop.flow").read_bytes()
    assert flow.check(flow.read(tmp_path / "shop.flow")) == []
    (tmp_path / "shop.flow").unlink()
    environment = {**os.environ, "PYTHONPATH": str(flows.parents[1])}
    subprocess.run([sys.executable, "build_shop.py"], check=True, env=environment)
    assert (tmp_path / "shop.flow").read_bytes() == made
    table = flow.preview(flow.read("shop.flow"), "shop", {"orders.csv": "orders.csv"})
    assert table.to_dict("list") == {"id": [1], "price": [2.5]}
    again = CliRunner().invoke(app, ["new", "shop"])
    assert again.exit_code == 2 and "is there already" in again.output
    assert (tmp_path / "shop.flow").read_bytes() == made
