"""Manage rows and sampling: what is defined cell for cell, chance by what must hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from helpers import flow

Apply = Callable[..., pd.DataFrame]
rows_id = "sagemaker.spark.manage_rows_0.1"
sampling = "sagemaker.spark.sampling_0.1"
SCHEMA = {"i": "long", "s": "string", "x": "float"}


def cells(table: pd.DataFrame, name: str) -> list[Any]:
    return [None if pd.isna(value) else value for value in table[name]]


def run(apply: Apply, choice: str, rows: Any, schema: Any = None, /, **block: Any) -> pd.DataFrame:
    stale = {"sort_parameters": {"order": "Ascending"}}
    parameters = {"operator": choice, **stale, choice.lower().replace(" ", "_") + "_parameters": block}
    return apply(rows_id, parameters, schema or SCHEMA, rows)


def test_drop_duplicates_keeps_the_first_in_order(apply: Apply) -> None:
    rows = [(3, "b", 1), (1, "", ""), (3, "b", 1), (2, "a", "NaN"), (1, "", ""), (2, "a", "NaN"), (1, "", 0)]
    table = run(apply, "Drop duplicates", rows)
    assert cells(table, "i") == [3, 1, 2, 1]
    assert cells(table, "s") == ["b", None, "a", None]
    assert list(table.columns) == list(SCHEMA)
    assert len(run(apply, "Drop duplicates", [])) == 0


MIXED = [(1, "b", 2.0), (2, "", "NaN"), (3, "a", ""), (4, "B", -1.0), (5, "ä", 2.0), (6, "a", "inf")]


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ([("x", "Ascending")], [3, 4, 1, 5, 6, 2]),
        ([("x", "Descending")], [2, 6, 1, 5, 4, 3]),
        ([("s", "Ascending")], [2, 4, 3, 6, 1, 5]),
        ([("s", "Descending")], [5, 1, 3, 6, 4, 2]),
        ([("S", "Ascending"), ("x", "Descending")], [2, 4, 6, 3, 1, 5]),
    ],
)
def test_sort_as_spark_does(apply: Apply, conditions: list[tuple[str, str]], expected: list[int]) -> None:
    listed = [{"sort_by": name, "order": order} for name, order in conditions]
    assert cells(run(apply, "Sort", MIXED, conditions=listed), "i") == expected
    if len(conditions) == 1:
        [(name, order)] = conditions
        assert cells(run(apply, "Sort", MIXED, sort_by=name, order=order), "i") == expected


@pytest.mark.parametrize(
    ("block", "says"),
    [
        ({}, "needs 'conditions'"),
        ({"conditions": [{"sort_by": "z", "order": "Ascending"}]}, "no column 'z'"),
        ({"conditions": [{"sort_by": "i", "order": "up"}]}, "order"),
        ({"conditions": [{"sort_by": n, "order": "Ascending"} for n in ("i", "I")]}, "sorts by 'i' twice"),
    ],
)
def test_what_cannot_be_sorted(apply: Apply, block: dict[str, Any], says: str) -> None:
    with pytest.raises(flow.FlowError, match=says):
        run(apply, "Sort", MIXED, **block)


def test_shuffle_keeps_rows_and_changes_their_order(apply: Apply) -> None:
    rows = [(number, "x", number / 2) for number in range(200)]
    table = run(apply, "Shuffle", rows)
    assert sorted(table["i"]) == list(range(200)) and list(table["i"]) != list(range(200))
    assert list(table["x"]) == [number / 2 for number in table["i"]]
    assert table.equals(run(apply, "Shuffle", rows))
    assert abs(table["i"].corr(pd.Series(range(200)))) < 0.2


def test_drop_empty_rows(apply: Apply) -> None:
    rows = [("", "", "NaN"), (1, "", ""), ("", " ", ""), ("", "", "")]
    assert cells(run(apply, "Drop empty", rows), "s") == [None, " "]


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ({"input_column": "s", "condition": "Is equal to", "value": "a"}, [3, 6]),
        ({"column": "s", "operation": "is not equal to", "value": "a"}, [1, 4, 5]),
        ({"input_column": "s", "values": ["a", "b"]}, [1, 3, 6]),
        ({"input_column": "i", "condition": ">=", "value": "5"}, [5, 6]),
        ({"input_column": "x", "condition": "less than", "value": 2}, [4]),
        ({"input_column": "i", "condition": "between", "value": [2, 4]}, [2, 3, 4]),
        ({"input_column": "x", "condition": "is missing"}, [2, 3]),
        ({"input_column": "s", "condition": "is not missing"}, [1, 3, 4, 5, 6]),
        ({"input_column": "s", "condition": "Contains", "value": "b"}, [1]),
        ({"input_column": "i", "condition": "greater than", "value": 4.5}, [5, 6]),
    ],
)
def test_filter(apply: Apply, block: dict[str, Any], expected: list[int]) -> None:
    assert cells(run(apply, "Filter", MIXED, **block), "i") == expected


@pytest.mark.parametrize(
    ("block", "says"),
    [
        ({"condition": "like", "value": 1}, "must be one of equal to"),
        ({"condition": "equal to"}, "takes 1 values in 'value', not 0"),
        ({"condition": "equal to", "value": "many"}, "'many' cannot be compared with 'i', which is int64"),
        ({"condition": "equal to", "value": 1, "mode": 2}, "not a parameter.*input_column"),
    ],
)
def test_filters_that_cannot_be(apply: Apply, block: dict[str, Any], says: str) -> None:
    with pytest.raises(flow.FlowError, match=says):
        run(apply, "Filter", MIXED, input_column="i", **block)


# Sampling

MANY = [(number, "a" if number % 10 < 6 else "b" if number % 10 < 9 else "", 0.5) for number in range(500)]


def sample(apply: Apply, method: str, rows: Any = None, **block: Any) -> pd.DataFrame:
    parameters = {"sampling_method": method, method.lower() + "_parameters": block}
    return apply(sampling, parameters, SCHEMA, MANY if rows is None else rows)


def test_limit(apply: Apply) -> None:
    assert list(sample(apply, "Limit", sample_size=3)["i"]) == [0, 1, 2]
    assert len(sample(apply, "Limit", limit=1000)) == 500
    assert len(sample(apply, "Limit", [], limit=5)) == 0


def test_random_sample(apply: Apply) -> None:
    table = sample(apply, "Random", sample_size=100, seed=1)
    assert len(table) == 100 and list(table["i"]) == sorted(set(table["i"]))
    assert 180 < table["i"].mean() < 320
    assert table.equals(sample(apply, "Randomized", sample_size=100, seed=1))
    assert not table.equals(sample(apply, "Random", sample_size=100, seed=2))
    assert list(table.columns) == list(SCHEMA)
    assert len(sample(apply, "Random", sample_size=1000)) == 500
    assert len(sample(apply, "Random", [], sample_size=10)) == 0


def test_stratified_sample_keeps_shares(apply: Apply) -> None:
    table = sample(apply, "Stratified", sample_size=50, stratify_column="s", seed=4)
    assert Counter(cells(table, "s")) == {"a": 30, "b": 15, None: 5}
    assert list(table["i"]) == sorted(table["i"]) and list(table.columns) == list(SCHEMA)
    assert not table.equals(sample(apply, "Stratified", sample_size=50, stratify_column="s", seed=5))
    with pytest.raises(flow.FlowError, match="no column 'z'"):
        sample(apply, "Stratified", sample_size=50, stratify_column="z")


def test_samples_that_cannot_be(apply: Apply) -> None:
    with pytest.raises(flow.FlowError, match="Known here: Limit"):
        sample(apply, "Systematic", sample_size=5)
    with pytest.raises(flow.FlowError, match="sample_size"):
        sample(apply, "Random", sample_size=0)


@pytest.mark.parametrize("threads", [1, 4])
def test_chance_does_not_depend_on_threads(builder: Any, write_csv: Any, tmp_path: Any, threads: int) -> None:
    path = write_csv("data.csv", list(SCHEMA), [(number, "x", number) for number in range(5000)])
    typed = builder.types(builder.source(), SCHEMA)
    builder.add("shuffled", rows_id, {"operator": "Shuffle"}, [typed])
    block = {"sampling_method": "Random", "random_parameters": {"sample_size": 5}}
    builder.add("sampled", sampling, block, ["shuffled"])
    output = flow.Output("sampled", "default", tmp_path / "out")
    [written] = flow.execute(builder.read(), lambda _: [path], [output], threads=threads)
    assert list(pd.read_csv(written.paths[0])["i"]) == PICKED


# Not computed elsewhere: what any number of threads and any machine must agree on.
PICKED = [1607, 4820, 4241, 111, 765]
