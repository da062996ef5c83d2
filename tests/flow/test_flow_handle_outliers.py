"""Handle outliers. The oracle is pandas, by the rules of the exported code."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from helpers import flow
from helpers.flow.trained import hash_of

pytestmark = pytest.mark.usefixtures("engine")

Apply = Callable[..., pd.DataFrame]
outliers = "sagemaker.spark.handle_outliers_0.1"
SCHEMA = {"n": "long", "x": "float", "s": "string"}
NUMBERS = [float(number) for number in np.random.default_rng(3).normal(10, 2, 60).round(3)]
ROWS: list[Any] = [
    *((place, number, "abc"[place % 3]) for place, number in enumerate(NUMBERS)),
    (1000, 500.0, "rare"),
    ("", "", ""),
    (7, "NaN", "a"),
    (8, "inf", "a"),
]
VALUES = pd.Series([*NUMBERS, 500.0])


def run(apply: Apply, choice: str, rows: Any = None, schema: Any = None, **block: Any) -> pd.DataFrame:
    key = choice.lower().replace(" ", "_").replace("-", "_") + "_parameters"
    stale = {"standard_deviation_numeric_outliers_parameters": {"standard_deviations": 4}}
    parameters = {"operator": choice, **stale, key: block}
    return apply(outliers, parameters, schema or SCHEMA, ROWS if rows is None else rows)


def ends(choice: str) -> tuple[float, float]:
    """The thresholds by pandas."""
    there = VALUES
    if choice.startswith("Robust"):
        # Infinity counts for the quantiles, and is beyond them.
        every = np.sort([*VALUES, math.inf])
        low, high = every[math.ceil(0.25 * len(every)) - 1], every[math.ceil(0.75 * len(every)) - 1]
        there = VALUES[(low <= VALUES) & (high >= VALUES)]
    if choice.startswith("Quantile"):
        every = np.sort([*VALUES, math.inf])
        return every[math.ceil(0.1 * len(every)) - 1], every[math.ceil(0.9 * len(every)) - 1]
    return there.mean() - 2 * there.std(), there.mean() + 2 * there.std()


CHOICES = [
    ("Standard deviation numeric outliers", {"standard_deviations": 2}),
    ("Robust standard deviation numeric outliers", {"standard_deviations": 2}),
    ("Quantile numeric outliers", {"lower_quantile": 0.1, "upper_quantile": 0.9}),
]


@pytest.mark.parametrize(("choice", "block"), CHOICES)
def test_every_fix_of_every_detector(apply: Apply, choice: str, block: dict[str, Any]) -> None:
    low, high = ends(choice)
    inside = [low <= number <= high for number in (*NUMBERS, 500.0)]
    assert 1 <= inside.count(False) < 25
    clipped = run(apply, choice, input_column=["x"], fix_method="Clip", **block)["x"]
    expected = [*VALUES.clip(low, high), math.nan, math.nan, high]
    assert list(clipped) == pytest.approx(expected, nan_ok=True, rel=1e-12)
    assert run(apply, choice, input_column="x", **block)["x"].equals(clipped)
    invalid = run(apply, choice, input_column=["x"], fix_method="Invalidate", **block)["x"]
    assert list(invalid.isna()) == [*(not each for each in inside), True, True, True]
    kept = run(apply, choice, input_column=["x"], fix_method="Remove", **block)
    assert list(kept["x"]) == [number for number, is_in in zip(VALUES, inside, strict=True) if is_in]
    assert list(kept.columns) == list(SCHEMA)


def test_clipping_makes_floats_and_keeps_nan(apply: Apply) -> None:
    block = {"lower_threshold": 2, "upper_threshold": "5"}
    table = run(apply, "Min-max numeric outliers", input_column=["n", "x"], fix_method="Clip", **block)
    assert table["n"].dtype.kind == "f" and list(table["n"][:8]) == [2, 2, 2, 3, 4, 5, 5, 5]
    table = run(apply, "Min-max numeric outliers", input_column="n", fix_method="Invalidate", **block)
    assert [None if pd.isna(n) else int(n) for n in table["n"][:7]] == [None, None, 2, 3, 4, 5, None]
    schema, rows = {"x": "float"}, [("NaN",), ("",), (9,)]
    clipped = run(apply, "Min-max numeric outliers", rows, schema, input_column="x", **block)
    assert [math.isnan(value) for value in clipped["x"]] == [True, True, False]


def test_columns_are_judged_one_after_the_other(apply: Apply) -> None:
    rows = [(1000 if place == 0 else 1, 1000.0 if place == 0 else 1.0 + place % 2) for place in range(40)]
    block = {"standard_deviations": 3, "fix_method": "Remove", "input_column": ["n", "x"]}
    schema = {"n": "long", "x": "float"}
    table = run(apply, "Standard deviation numeric outliers", rows, schema, **block)
    assert len(table) == 39  # the row that stood out in n is gone before x is judged
    named = run(apply, "Standard deviation numeric outliers", rows, schema, **block, output_column="o")
    assert list(named.columns) == ["n", "x", "o_n", "o_x"] and len(named) == 39


def test_too_few_values_give_thresholds_of_zero(apply: Apply) -> None:
    block = {"standard_deviations": 3, "input_column": "x"}
    table = run(apply, "Standard deviation numeric outliers", [(5,)], {"x": "float"}, **block)
    assert list(table["x"]) == [0.0]
    assert len(run(apply, "Quantile numeric outliers", [], {"x": "float"}, input_column="x")) == 0


@pytest.mark.parametrize(
    ("choice", "block", "says"),
    [
        ("Standard deviation numeric outliers", {"input_column": "s"}, "'s' is string, and only numbers"),
        ("Standard deviation numeric outliers", {"standard_deviations": -1}, "standard_deviations"),
        ("Quantile numeric outliers", {"lower_quantile": 1.5}, "lower_quantile"),
        ("Quantile numeric outliers", {"fix_method": "Drop"}, "fix_method"),
        ("Min-max numeric outliers", {}, "'lower_threshold': is missing"),
        ("Min-max numeric outliers", {"lower_threshold": 5, "upper_threshold": 1}, "above"),
        ("Median outliers", {}, "Known here: Standard deviation numeric outliers"),
        ("Replace rare values", {"max_common_categories": 101}, "max_common_categories"),
        ("Replace rare values", {"minimum": 101}, "not a parameter.*fraction_threshold"),
    ],
)
def test_what_cannot_be(apply: Apply, choice: str, block: dict[str, Any], says: str) -> None:
    with pytest.raises(flow.FlowError, match=says):
        run(apply, choice, **{"input_column": "x", **block})


def rare(apply: Apply, rows: list[Any], kind: str = "string", **block: Any) -> list[Any]:
    block = {"input_column": ["v"], "replacement_string": "other", **block}
    table = run(apply, "Replace rare values", rows, {"v": kind}, **block)
    return [None if pd.isna(value) else value for value in table["v"]]


def test_rare_values(apply: Apply) -> None:
    texts = ["a"] * 12 + ["b"] * 11 + ["c"] * 10 + ["", ""]
    rows = [(text,) for text in texts]
    assert rare(apply, rows) == ["a"] * 12 + ["b"] * 11 + ["other"] * 12  # more than ten
    assert rare(apply, rows, max_common_categories=1) == ["a"] * 12 + ["other"] * 23
    assert rare(apply, rows, fraction_threshold=11 / 35) == ["a"] * 12 + ["other"] * 23
    assert rare(apply, rows, absolute_threshold=0, fraction_threshold=0)[-3:] == ["c", "other", "other"]
    assert rare(apply, rows, replacement_string=None) == ["a"] * 12 + ["b"] * 11 + [None] * 12
    # Null is a category like others: it takes the place of one of the common ones.
    assert (
        rare(apply, [("a",), ("a",), ("",), ("",), ("",)], absolute_threshold=1, max_common_categories=1)
        == ["other"] * 5
    )
    assert rare(apply, []) == []


def test_rare_numbers_become_texts(apply: Apply) -> None:
    rows = [(1,), (1,), (2,), ("",)]
    assert rare(apply, rows, "long", absolute_threshold=1) == ["1", "1", "other", "other"]
    assert rare(apply, rows, "float", absolute_threshold=1) == ["1.0", "1.0", "other", "other"]


def trained(builder: Any, write_csv: Any, choice: str, block: dict[str, Any], held: Any) -> pd.DataFrame:
    path = write_csv("data.csv", list(SCHEMA), ROWS)
    typed = builder.types(builder.source(), SCHEMA)
    key = choice.lower().replace(" ", "_") + "_parameters"
    more = {"trained_parameters": {key: held}}
    builder.add("step", outliers, {"operator": choice, key: block}, [typed], **more)
    return flow.preview(builder.read(), "step", {"data.csv": path}, rows=100, engine=builder.engine)


def test_trained_thresholds_count_when_their_hash_fits(builder: Any, write_csv: Any) -> None:
    choice = "Standard deviation numeric outliers"
    block = {"input_column": ["n", "x"], "standard_deviations": 4, "fix_method": "Remove"}
    mark = {"_hash": "10b2dff28011403357a5a7dd4a37e9bea91721a8"}
    held = [
        {**mark, "lower_threshold": 8.0, "upper_threshold": 11.0, "input_column": "x"},
        {**mark, "lower_threshold": 3, "upper_threshold": 30, "input_column": "n"},
    ]
    table = trained(builder, write_csv, choice, block, held)
    assert list(table["x"]) == [number for number in NUMBERS[3:31] if 8 <= number <= 11]
    builder.nodes.clear()
    wide = trained(builder, write_csv, choice, {**block, "standard_deviations": 5}, held)
    assert len(wide) == 60
    builder.nodes.clear()
    one = {**block, "input_column": "n"}
    assert len(trained(builder, write_csv, choice, one, {**held[1], "input_column": None})) == 30


def test_trained_categories(builder: Any, write_csv: Any) -> None:
    block = {"input_column": ["s"], "replacement_string": "z", "fraction_threshold": 0.02}
    names = {"absolute_threshold": 10, "max_common_categories": 0, "fraction_threshold": 0.02}
    held = {"_hash": hash_of({"replacement_string": "z", **names}), "common_categories": ["rare"]}
    table = trained(builder, write_csv, "Replace rare values", block, held)
    assert table["s"].value_counts().to_dict() == {"z": 63, "rare": 1}
