"""Two flows compared: in words, and by what they write."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from helpers import flow
from helpers.flow.builder import FlowBuilder, Step
from helpers.flow.commands import app

music_flow = Path(__file__).parents[2] / "notebooks" / "flows" / "music.flow"
SCHEMA = {"id": "long", "price": "float", "kind": "string"}


def drop(step: Step, name: str, column: str) -> Step:
    return step.then(name, "manage_columns", "Drop column", column_to_drop=[column])


def shop(
    *, tax: str = "1.5 * price", steps: tuple[str, ...] = ("tax", "drop"), name: str = "shop"
) -> flow.Flow:
    built = FlowBuilder(name)
    step = built.source("orders.csv", "s3://bucket/orders.csv").types("Types", SCHEMA)
    for each in steps:
        step = step.formula("Tax", "total", tax) if each == "tax" else drop(step, "Drop kind", "kind")
    step.destination("orders", "s3://bucket/out/")
    return built.flow()


def said(a: flow.Flow, b: flow.Flow) -> list[str]:
    return [str(each) for each in flow.diff(a, b)]


def test_a_flow_equals_itself_and_its_copy_under_other_ids() -> None:
    assert said(shop(), shop()) == []
    assert said(shop(), shop(name="another")) == []
    music = flow.read(music_flow)
    assert said(music, music) == []


def test_a_changed_parameter() -> None:
    assert said(shop(), shop(tax="2 * price")) == [
        'Tax: parameter \'formula\' is "1.5 * price" in the first flow, "2 * price" in the second'
    ]


def test_a_missing_step_is_one_difference_from_either_side() -> None:
    short = shop(steps=("tax",))
    assert said(shop(), short) == ["Drop kind: is only in the first flow (Drop kind)"]
    assert said(short, shop()) == ["Drop kind: is only in the second flow (Drop kind)"]


def test_steps_in_another_order_are_one_difference() -> None:
    assert said(shop(), shop(steps=("drop", "tax"))) == [
        "Tax: comes before 'Drop kind' in the first flow, after it in the second"
    ]


def test_what_the_editor_left_behind_is_no_difference() -> None:
    document = copy.deepcopy(dict(shop().document))
    parameters = next(node for node in document["nodes"] if node["name"] == "Drop kind")["parameters"]
    parameters["drop_column_parameters"]["column_to_drop"] = "kind"
    parameters["rename_column_parameters"] = {"input_column": "x"}
    assert said(shop(), flow.read(document)) == []


def test_names_lists_code_and_trained_parameters_are_told_apart() -> None:
    music = flow.read(music_flow)
    document = copy.deepcopy(dict(music.document))
    nodes = {node["name"]: node for node in document["nodes"] if "name" in node}
    nodes["Danceability"]["name"] = "Dance"
    nodes["Track types"]["trained_parameters"]["schema"]["tempo"] = "long"
    nodes["Test: drop copied key"]["parameters"]["drop_column_parameters"]["column_to_drop"] = ["genre", "ts"]
    code = nodes["Listener averages"]["parameters"]["code"]
    nodes["Listener averages"]["parameters"]["code"] = code.replace("== 5", "== 4")
    nodes["Split in time"]["parameters"]["ordered_split_parameters"]["splits"][0]["percentage"] = 0.7
    nodes["Split in time"]["parameters"]["ordered_split_parameters"]["splits"][1]["percentage"] = 0.3
    assert said(music, flow.read(document)) == [
        'Track types: trained parameter \'schema.tempo\' is "float" in the first flow, "long" in the second',
        "Danceability: is called 'Dance' in the second flow",
        "Split in time: parameter 'splits[0].percentage' is 0.8 in the first flow, 0.7 in the second",
        "Split in time: parameter 'splits[1].percentage' is 0.2 in the first flow, 0.3 in the second",
        "Listener averages: parameter 'code' differs from line 10 on: \"loved = F.col('Rating') == 5\" "
        "in the first flow, \"loved = F.col('Rating') == 4\" in the second",
        "Test: drop copied key: parameter 'column_to_drop': only the first flow has \"trackId_1\"; "
        'only the second has "ts"',
    ]


def test_another_input() -> None:
    music = flow.read(music_flow)
    document = copy.deepcopy(dict(music.document))
    nodes = {node["name"]: node for node in document["nodes"] if "name" in node}
    nodes["Test ratings"]["inputs"][0]["output_name"] = "Train"
    nodes["listeners"]["inputs"][0]["node_id"] = nodes["Danceability"]["node_id"]
    assert said(music, flow.read(document)) == [
        "Test ratings: its input is 'Split in time', output 'Test', in the first flow, "
        "'Split in time', output 'Train', in the second",
        "listeners: its input is 'Listener averages' in the first flow, 'Danceability' in the second",
    ]


@pytest.fixture
def orders(write_csv: Any) -> dict[str, Path]:
    rows = [(1, 2, "a"), (2, 4, "b"), (3, 6, "c")]
    return {"orders.csv": write_csv("orders.csv", list(SCHEMA), rows)}


def outputs(a: flow.Flow, b: flow.Flow, sources: dict[str, Path]) -> list[str]:
    return [str(each) for each in flow.diff_outputs(a, b, sources)]


def test_outputs_are_equal_though_the_order_of_steps_is_not(orders: dict[str, Path]) -> None:
    assert outputs(shop(), shop(steps=("drop", "tax")), orders) == []
    # The last digits of a sum are no difference.
    assert outputs(shop(tax="0.1 * price + 0.2 * price"), shop(tax="0.3 * price"), orders) == []


def test_cells_columns_and_types_that_differ_are_named(orders: dict[str, Path]) -> None:
    changed = shop(tax="CASE WHEN id = 2 THEN 1.5 * price + 1 ELSE 1.5 * price END")
    assert outputs(shop(), changed, orders) == [
        "orders: 1 rows are only in the first flow's output, 1 only in the second's",
        "orders: cells differ in total (1)",
        "orders: row 2, column 'total': 6.0 in the first flow's output, 7.0 in the second's",
    ]
    assert outputs(shop(steps=("tax",)), shop(), orders) == [
        "orders: only the first flow's output has column kind"
    ]
    assert outputs(shop(tax="id"), shop(tax="CAST(id AS double)"), orders) == [
        "orders: column 'total' is BIGINT in the first flow's output, DOUBLE in the second's"
    ]


def test_rows_that_one_output_has_alone_are_counted(orders: dict[str, Path]) -> None:
    fewer = copy.deepcopy(dict(shop().document))
    step = next(node for node in fewer["nodes"] if node["name"] == "Tax")
    step["operator"] = "sagemaker.spark.custom_pyspark_0.1"
    step["parameters"] = {"code": "df = df.filter(df.id > 1).withColumn('total', df.price * 1.5)"}
    found = outputs(shop(), flow.read(fewer), orders)
    assert "orders: 3 rows in the first flow's output, 2 in the second's" in found
    assert "orders: 1 rows are only in the first flow's output, 0 only in the second's" in found
    assert "orders: row 1, column 'id': 1 in the first flow's output, 2 in the second's" in found


def test_the_command_answers_by_its_exit_code(tmp_path: Path, orders: dict[str, Path]) -> None:
    a = str(shop().write(tmp_path / "a.flow"))
    b = str(shop(tax="2 * price").write(tmp_path / "b.flow"))
    c = str(shop(steps=("drop", "tax")).write(tmp_path / "c.flow"))
    source = ["--source", f"orders.csv={orders['orders.csv']}"]

    def invoke(*arguments: str) -> tuple[int, str]:
        answer = CliRunner().invoke(app, ["diff", *arguments])
        return answer.exit_code, answer.output

    assert invoke(a, a, *source) == (0, "Their outputs on these data are equal.\nThe flows are equal.\n")
    code, text = invoke(a, b, *source)
    assert code == 1 and "'formula'" in text and "row 1, column 'total': 3.0" in text
    code, text = invoke(a, c, *source)
    assert code == 1 and "outputs on these data are equal" in text
    assert invoke(a, str(tmp_path / "none.flow"))[0] == 2
    code, text = invoke(a, b, "--source", "nothing.csv=x")
    assert code == 2 and "Neither flow has a source 'nothing.csv'" in text
    (tmp_path / "broken.flow").write_text(json.dumps({"metadata": {"version": 2}, "nodes": []}))
    assert invoke(a, str(tmp_path / "broken.flow"))[0] == 2
