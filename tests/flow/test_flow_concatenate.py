"""Concatenate: rows of two tables, or their columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from helpers import flow

pytestmark = pytest.mark.usefixtures("engine")

identifier = "sagemaker.spark.concatenate_datasets_0.1"
Concatenate = Callable[..., pd.DataFrame]
LEFT = (["k", "v"], [(1, "a"), (2, "b"), (1, "a")], {"k": "long", "v": "string"})
RIGHT = (["V", "k"], [("a", 1), ("c", 2.5)], {"V": "string", "k": "float"})


@pytest.fixture
def concatenate(builder: Any, write_csv: Any) -> Concatenate:
    def run(
        parameters: dict[str, Any], left: Any = LEFT, right: Any = RIGHT, operator: str = identifier
    ) -> pd.DataFrame:
        builder.nodes.clear()
        paths = {"l.csv": write_csv("l.csv", *left[:2]), "r.csv": write_csv("r.csv", *right[:2])}
        inputs = [
            builder.types(builder.source(name), schema)
            for name, schema in (("l.csv", left[2]), ("r.csv", right[2]))
        ]
        builder.add("step", operator, parameters, inputs)
        return flow.preview(builder.read(), "step", paths, rows=100, engine=builder.engine)

    return run


def rows(table: pd.DataFrame) -> list[tuple[Any, ...]]:
    return [tuple(None if pd.isna(cell) else cell for cell in row) for row in table.itertuples(index=False)]


def test_rows_go_by_the_names_of_columns(concatenate: Concatenate) -> None:
    table = concatenate({"concatenate_type": "row_wise"})
    assert list(table.columns) == ["k", "v"]
    assert rows(table) == [(1.0, "a"), (2.0, "b"), (1.0, "a"), (1.0, "a"), (2.5, "c")]


def test_each_row_once_whichever_table_it_is_from(concatenate: Concatenate) -> None:
    table = concatenate(
        {
            "concatenate_type": "row_wise",
            "apply_dedupe": True,
            "indicator_col_name": "from",
            "df1_indicator": "left",
            "df2_indicator": "right",
        }
    )
    assert rows(table) == [(1.0, "a", "left"), (2.0, "b", "left"), (2.5, "c", "right")]


def test_parameters_in_a_block_of_their_own(concatenate: Concatenate) -> None:
    parameters = {
        "operator": "Row-wise",
        "row_wise_parameters": {"indicator_col_name": "from"},
        "column_wise_parameters": {"nonsense": 1},
    }
    table = concatenate(parameters, operator="sagemaker.spark.concatenate_0.1")
    assert list(table["from"]) == ["df1"] * 3 + ["df2"] * 2


def test_columns_side_by_side(concatenate: Concatenate) -> None:
    table = concatenate({"concatenate_type": "column_wise"})
    assert list(table.columns) == ["k_0", "v_0", "V_1", "k_1"]
    assert rows(table) == [(1, "a", "a", 1.0), (2, "b", "c", 2.5), (1, "a", None, None)]


def test_empty_tables(concatenate: Concatenate) -> None:
    empty: Any = (["k", "v"], [], {"k": "long", "v": "string"})
    assert rows(concatenate({}, left=empty)) == [(1.0, "a"), (2.5, "c")]
    assert rows(concatenate({"concatenate_type": "column_wise"}, right=empty))[0] == (1, "a", None, None)


@pytest.mark.parametrize(
    ("parameters", "right", "says"),
    [
        (
            {},
            (["k", "w"], [(1, 2)], {"k": "long", "w": "long"}),
            "only the first table has v; only the second has w",
        ),
        ({}, (["k", "v"], [("true", 2)], {"k": "bool", "v": "long"}), "'k' is int64 .* bool"),
        ({"indicator_col_name": "V"}, RIGHT, "already a column 'V'"),
        ({"concatenate_type": "diagonal"}, RIGHT, "'row_wise' or 'column_wise'"),
        ({"nonsense": 1}, RIGHT, "'nonsense'.*indicator_col_name"),
    ],
)
def test_what_does_not_fit(
    concatenate: Concatenate, parameters: dict[str, Any], right: Any, says: str
) -> None:
    with pytest.raises(flow.FlowError, match=says):
        concatenate(parameters, right=right)
