"""Handle missing. Expected cells follow Spark's Imputer and Data Wrangler's rules of what is missing."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from helpers import flow
from helpers.flow.trained import hash_of

pytestmark = pytest.mark.usefixtures("engine")

Apply = Callable[..., pd.DataFrame]
missing = "sagemaker.spark.handle_missing_0.1"
SCHEMA = {"n": "long", "x": "float", "s": "string", "d": "date", "b": "bool"}
ROWS = [
    (5, 1.5, "a", "2020-01-05", "true"),
    ("", "NaN", "  ", "", ""),
    (2, "", "", "2020-01-06", "false"),
    (4, 2.5, "b", "2020-01-06", "true"),
    (2, 7.0, "b", "2020-01-05", "true"),
]


def cells(table: pd.DataFrame, name: str) -> list[Any]:
    """A column as Python's own values; NaN and null are None."""
    found = [None if pd.isna(value) else value for value in table[name]]
    return [value.date() if isinstance(value, pd.Timestamp) else value for value in found]


def run(apply: Apply, choice: str, rows: list[Any] | None = None, schema: Any = None, **block: Any) -> Any:
    key = choice.lower().replace(" ", "_") + "_parameters"
    parameters = {"operator": choice, key: block, "impute_parameters": {"column_type": "Numeric"}}
    if key == "impute_parameters":
        parameters[key] = block
    return apply(missing, parameters, schema or SCHEMA, ROWS if rows is None else rows)


def impute(apply: Apply, kind: str, rows: list[Any] | None = None, **block: Any) -> pd.DataFrame:
    inner = {"column_type": kind, f"{kind.lower()}_parameters": block}
    table: pd.DataFrame = run(apply, "Impute", rows, **inner)
    return table


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("n", "0", [5, 0, 2, 4, 2]),
        ("n", 3.9, [5, 3, 2, 4, 2]),
        ("x", "-1", [1.5, -1.0, -1.0, 2.5, 7.0]),
        ("s", 0, ["a", "0", "0", "b", "b"]),
        ("s", "none", ["a", "none", "none", "b", "b"]),
        ("s", None, ["a", None, None, "b", "b"]),
        ("d", "2021-02-03", [5, 3, 6, 6, 5]),
        ("d", "someday", [5, None, 6, 6, 5]),
    ],
)
def test_fill_missing(apply: Apply, column: str, value: Any, expected: list[Any]) -> None:
    table = run(apply, "Fill missing", input_column=[column], fill_value=value)
    assert list(table.columns) == list(SCHEMA)
    found = cells(table, column)
    assert [getattr(each, "day", each) for each in found] == expected


def test_fill_several_columns_into_new_ones(apply: Apply) -> None:
    table = run(apply, "Fill missing", input_column=["n", "X"], fill_value="9", output_column="o")
    assert list(table.columns) == [*SCHEMA, "o_n", "o_x"]
    assert cells(table, "o_n") == [5, 9, 2, 4, 2] and cells(table, "o_x") == [1.5, 9.0, 9.0, 2.5, 7.0]
    assert cells(table, "n") == [5, None, 2, 4, 2]
    single = run(apply, "Fill missing", input_column="n", fill_value=1, output_column="o")
    assert list(single.columns) == [*SCHEMA, "o"]


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("n", "1.5", "'1.5' cannot fill 'n', which is long"),
        ("n", None, "is missing"),
        ("x", "many", "'many' cannot fill 'x', which is float"),
        ("x", "nan", "cannot fill 'x'"),
        ("b", "true", "'b' is boolean, a type whose missing values cannot be filled"),
        ("z", "1", "no column 'z'"),
    ],
)
def test_what_cannot_be_filled(apply: Apply, column: str, value: Any, says: str) -> None:
    with pytest.raises(flow.FlowError, match=says):
        run(apply, "Fill missing", input_column=[column], fill_value=value)


def test_impute_numbers(apply: Apply) -> None:
    table = impute(apply, "Numeric", strategy="Mean", input_column=["n", "x"])
    assert cells(table, "n") == [5, 3, 2, 4, 2]  # 13 / 4 is cut off
    assert table["n"].dtype.kind == "i"
    assert cells(table, "x") == pytest.approx([1.5, 11 / 3, 11 / 3, 2.5, 7.0])
    table = impute(apply, "Numeric", strategy="Approximate Median", input_column=["n", "x"])
    assert cells(table, "n") == [5, 2, 2, 4, 2]  # the lower one of 2 and 4
    assert cells(table, "x") == [1.5, 2.5, 2.5, 2.5, 7.0]
    table = impute(apply, "Numeric", strategy="Mean", input_column="x", output_column="o")
    assert list(table.columns) == [*SCHEMA, "o"] and cells(table, "x")[1] is None


def test_impute_needs_numbers_and_a_value(apply: Apply) -> None:
    with pytest.raises(flow.FlowError, match="'s' is string, which has no mean"):
        impute(apply, "Numeric", strategy="Mean", input_column="s")
    with pytest.raises(flow.FlowError, match="no value in x to learn from"):
        impute(apply, "Numeric", ROWS[1:3], strategy="Mean", input_column="x")
    infinities = [(1, "inf", "", "", ""), (1, "-inf", "", "", "")]
    with pytest.raises(flow.FlowError, match="no value in x to learn from"):
        impute(apply, "Numeric", infinities, strategy="Mean", input_column="x")
    with pytest.raises(flow.FlowError, match="strategy"):
        impute(apply, "Numeric", strategy="Mode", input_column="x")


def test_impute_categories(apply: Apply) -> None:
    table = impute(apply, "Categorical", input_column=["s", "n", "d"])
    assert cells(table, "s") == ["a", "b", "b", "b", "b"]
    assert cells(table, "n") == [5, 2, 2, 4, 2]
    days = [datetime.date(2020, 1, day) for day in (5, 5, 6, 6, 5)]  # a tie: the smaller one
    assert cells(table, "d") == days
    assert cells(impute(apply, "Categorical", ROWS[1:3], input_column="s"), "s") == [None, None]
    with pytest.raises(flow.FlowError, match="no value in 'd'"):
        impute(apply, "Categorical", ROWS[1:2], input_column="d")


def test_drop_missing(apply: Apply) -> None:
    assert len(run(apply, "Drop missing")) == 3
    assert cells(run(apply, "Drop missing", input_column=["x"]), "n") == [5, 4, 2]
    assert cells(run(apply, "Drop missing", input_column="n"), "n") == [5, 2, 4, 2]
    assert len(run(apply, "Drop missing", input_column="")) == 3
    early = {"dimension": "Drop Rows", "drop_rows_parameters": {"input_column": "s"}}
    assert cells(run(apply, "Drop missing", **early), "n") == [5, 4, 2]
    assert len(run(apply, "Drop missing", [])) == 0


def test_blanks_are_missing_and_tabs_are_not(apply: Apply) -> None:
    rows = [(" ", 1), ("\t", 2), ("", 3), ("   ", 4), (" a ", 5)]
    table = run(apply, "Drop missing", rows, {"s": "string", "n": "long"}, input_column="s")
    assert cells(table, "n") == [2, 5]


def test_indicators(apply: Apply) -> None:
    table = run(apply, "Add indicator for missing", input_column=["n", "x", "s", "b"])
    assert list(table.columns) == [*SCHEMA, "n_indicator", "x_indicator", "s_indicator", "b_indicator"]
    assert list(table["n_indicator"]) == [False, True, False, False, False]
    assert list(table["x_indicator"]) == [False, True, True, False, False]
    assert list(table["s_indicator"]) == [False, True, True, False, False]
    named = run(apply, "Add indicator for missing", input_column="d", output_column="gone")
    assert list(named["gone"]) == [False, True, False, False, False]


def trained(builder: Any, write_csv: Any, kind: str, block: dict[str, Any], held: Any) -> pd.DataFrame:
    """Impute with trained parameters in the flow."""
    path = write_csv("data.csv", list(SCHEMA), ROWS)
    typed = builder.types(builder.source(), SCHEMA)
    name = f"{kind.lower()}_parameters"
    parameters = {"operator": "Impute", "impute_parameters": {"column_type": kind, name: block}}
    held = {"trained_parameters": {"impute_parameters": {name: held}}}
    builder.add("step", missing, parameters, [typed], **held)
    return flow.preview(builder.read(), "step", {"data.csv": path}, rows=10, engine=builder.engine)


def test_trained_values_count_when_their_hash_fits(builder: Any, write_csv: Any) -> None:
    block = {"strategy": "Mean", "input_column": "n"}
    fits = {"_hash": hash_of({"strategy": "Mean"}), "impute_value": 33}
    table = trained(builder, write_csv, "Numeric", block, fits)
    assert cells(table, "n") == [5.0, 33.0, 2.0, 4.0, 2.0] and table["n"].dtype.kind == "f"
    for other in ("0" * 40, -1801336673424997600):
        builder.nodes.clear()
        table = trained(builder, write_csv, "Numeric", block, {**fits, "_hash": other})
        assert cells(table, "n") == [5, 3, 2, 4, 2]
    builder.nodes.clear()
    held = [{"_hash": hash_of({}), "impute_value": "z", "input_column": "s"}]
    table = trained(builder, write_csv, "Categorical", {"input_column": ["s"]}, held)
    assert cells(table, "s") == ["a", "z", "z", "b", "b"]


def test_the_hash_is_data_wranglers() -> None:
    found = hash_of({"standard_deviations": 4, "fix_method": "Remove"})
    assert found == "10b2dff28011403357a5a7dd4a37e9bea91721a8"
