"""Structured columns: the examples of the documentation, and what is not as nice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from helpers import flow

pytestmark = pytest.mark.usefixtures("engine")

structured = "sagemaker.spark.handle_structured_column_0.1"
PERSON = (
    '{"seq": 1,"name": {"first": "Nathaniel","last": "Ferguson"},"age": 59,"city": "Posbotno","state": "WV"}'
)


def run(builder: Any, folder: Path, table: pd.DataFrame, *steps: dict[str, Any]) -> pd.DataFrame:
    """Run steps of the family one after the other on a table."""
    builder.nodes.clear()
    table.to_parquet(folder / "data.parquet")
    last = builder.source(s3ContentType="parquet")
    for number, parameters in enumerate(steps):
        last = builder.add(f"step {number}", structured, parameters, [last])
    return flow.preview(
        builder.read(), last, {"data.csv": folder / "data.parquet"}, rows=1000, engine=builder.engine
    )


def flatten(**block: Any) -> dict[str, Any]:
    return {"operator": "Flatten structured", "flatten_structured_parameters": block}


def explode(**block: Any) -> dict[str, Any]:
    return {"operator": "Explode array", "explode_array_parameters": block}


def test_keys_of_json_become_columns_once_and_again(builder: Any, tmp_path: Path) -> None:
    people = pd.DataFrame({"person": [PERSON, '{"seq": 2, "more": 1.5}', "no json", None], "k": [1, 2, 3, 4]})
    table = run(
        builder, tmp_path, people, flatten(input_column="person"), flatten(input_column="person_name")
    )
    assert list(table.columns) == [
        "person", "k", "person_seq", "person_name", "person_age", "person_city", "person_state",
        "person_more", "person_name_first", "person_name_last",
    ]  # fmt: skip
    assert table["person_seq"].dropna().tolist() == [1, 2]
    assert table["person_name"][0] == '{"first": "Nathaniel", "last": "Ferguson"}'
    assert (table["person_name_last"][0], table["person_age"][0]) == ("Ferguson", 59)
    assert table["person_more"][1] == 1.5
    assert table["person_city"].isna().tolist() == [False, True, True, True]


def test_only_some_keys_and_mixed_types(builder: Any, tmp_path: Path) -> None:
    data = pd.DataFrame({"j": ['{"a": 1, "b": true, "c": 1}', '{"a": 2.5, "b": null, "c": "x"}']})
    block = {"input_column": ["j"], "keys_to_flatten_on": ["c", "a", "b", "z"], "output_column": "o"}
    table = run(builder, tmp_path, data, flatten(**block))
    assert list(table.columns) == ["j", "o_c", "o_a", "o_b", "o_z"]
    assert table["o_c"].tolist() == ["1", "x"]
    assert table["o_a"].tolist() == [1.0, 2.5]
    assert [None if pd.isna(value) else bool(value) for value in table["o_b"]] == [True, None]
    assert table["o_z"].isna().all()


def test_structs(builder: Any, tmp_path: Path) -> None:
    data = pd.DataFrame({"s": [{"a": 1, "b": {"c": "x"}}, {"a": 2, "b": {"c": "y"}}]})
    table = run(builder, tmp_path, data, flatten(input_column="s"), flatten(input_column="s_b"))
    assert list(table.columns) == ["s", "s_a", "s_b", "s_b_c"]
    assert (table["s_a"].tolist(), table["s_b_c"].tolist()) == ([1, 2], ["x", "y"])
    with pytest.raises(flow.FlowError, match=r"'s' has no key 'z'. Its keys: a, b"):
        run(builder, tmp_path, data, flatten(input_column="s", keys="z"))


@pytest.mark.parametrize(
    "spelling",
    ["handle_structured", "structured_column", "flatten_structured", "flatten_column", "explode_array"],
)
def test_other_spellings(builder: Any, tmp_path: Path, spelling: str) -> None:
    pd.DataFrame({"j": ['{"a": 1}'], "l": [[1, 2]]}).to_parquet(tmp_path / "data.parquet")
    parameters = {"input_column": "l"} if spelling == "explode_array" else {"input_column": "j"}
    if spelling in ("handle_structured", "structured_column"):
        parameters = flatten(input_column="j")
    operator = f"sagemaker.spark.{spelling}_0.1"
    builder.add("step", operator, parameters, [builder.source(s3ContentType="parquet")])
    files = {"data.csv": tmp_path / "data.parquet"}
    table = flow.preview(builder.read(), "step", files, engine=builder.engine)
    if spelling == "explode_array":
        assert list(table.columns) == ["j", "l_items"] and list(table["l_items"]) == [1, 2]
    else:
        assert list(table["j_a"]) == [1]


NESTED = [[["cat", "dog"], ["bat", "frog"]], [["rose", "petunia"], ["lily", "daisy"]], [], None]


@pytest.mark.parametrize("as_json", [False, True])
def test_items_of_arrays_become_rows_in_their_order(builder: Any, tmp_path: Path, as_json: bool) -> None:
    import json

    arrays = [json.dumps(each) if as_json else each for each in NESTED]
    data = pd.DataFrame({"id": [1, 2, 3, 4], "array": arrays})
    once = run(builder, tmp_path, data, explode(input_column="array"))
    assert list(once.columns) == ["id", "array_items"]
    assert once["id"].tolist() == [1, 1, 2, 2]
    twice = run(builder, tmp_path, data, explode(input_column="array"), explode(input_column="array_items"))
    assert list(twice.columns) == ["id", "array_items_items"]
    assert twice.to_numpy().tolist() == [
        [1, "cat"], [1, "dog"], [1, "bat"], [1, "frog"],
        [2, "rose"], [2, "petunia"], [2, "lily"], [2, "daisy"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("step", "says"),
    [
        (flatten(input_column="k"), "'k' is int64, which has no keys"),
        (explode(input_column="k"), "'k' is int64, which has no items"),
        (explode(input_column="x"), "there is no column 'x'"),
        (explode(), "parameter 'input_column': is missing"),
        (flatten(input_column="j", depth=2), "parameter 'depth': is not a parameter"),
    ],
)
def test_what_is_wrong_is_said(builder: Any, tmp_path: Path, step: dict[str, Any], says: str) -> None:
    with pytest.raises(flow.FlowError, match=says):
        run(builder, tmp_path, pd.DataFrame({"j": ["{}"], "k": [1]}), step)


def test_no_rows(builder: Any, tmp_path: Path) -> None:
    data = pd.DataFrame({"j": pd.Series([], dtype="string"), "k": pd.Series([], dtype="int64")})
    assert list(run(builder, tmp_path, data, flatten(input_column="j")).columns) == ["j", "k"]
    assert list(run(builder, tmp_path, data, explode(input_column="j")).columns) == ["k", "j_items"]
