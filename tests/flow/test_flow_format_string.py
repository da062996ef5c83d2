"""Format string: expected texts are those of Spark 3.5 and of pandas' text methods."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from helpers import flow
from helpers.flow.operators.base import block_name

format_string = "sagemaker.spark.format_string_0.1"
Apply = Callable[..., pd.DataFrame]
TEXTS = ["Straße İSTANBUL ΟΔΟΣ", "aB cd-e_1", "  x ", "", "😀z"]


def formatted(apply: Apply, choice: str, texts: list[str], **block: Any) -> list[Any]:
    """What a sub-operator makes of texts; the second column keeps empty lines from being skipped."""
    parameters = {"operator": choice, block_name(choice): {"input_column": "s", **block}}
    rows = [(text, "1") for text in texts]
    table = apply(format_string, parameters, {"s": "string", "k": "string"}, rows)
    assert list(table.columns) == ["s", "k"]
    return [None if pd.isna(value) else value for value in table["s"]]


PANDAS: list[tuple[str, dict[str, Any], Callable[[Any], Any]]] = [
    ("Title case", {}, lambda s: s.str.title()),
    ("Capitalize", {}, lambda s: s.str.capitalize()),
    ("Swap case", {}, lambda s: s.str.swapcase()),
    (
        "Center (pad on either side)",
        {"width": 9, "fill_character": "*"},
        lambda s: s.str.center(9, "*"),
    ),
    ("Strip characters from left", {"characters_to_remove": " aS"}, lambda s: s.str.lstrip(" aS")),
    ("Strip characters from right", {"characters_to_remove": "1_ "}, lambda s: s.str.rstrip("1_ ")),
    ("Strip left and right", {}, lambda s: s.str.strip()),
    ("Strip left and right", {"characters_to_remove": ""}, lambda s: s),
]


@pytest.mark.parametrize(("choice", "block", "oracle"), PANDAS)
def test_as_pandas_does(
    apply: Apply, choice: str, block: dict[str, Any], oracle: Callable[[Any], Any]
) -> None:
    expected = oracle(pd.Series([text or None for text in TEXTS], dtype=object))
    assert formatted(apply, choice, TEXTS, **block) == list(expected)


@pytest.mark.parametrize(
    ("choice", "block", "expected"),
    [
        ("Lower case", {}, ["straße i̇stanbul οδος", "ab cd-e_1", "  x ", None, "😀z"]),
        ("Upper case", {}, ["STRASSE İSTANBUL ΟΔΟΣ", "AB CD-E_1", "  X ", None, "😀Z"]),
        ("Left pad", {"width": 5, "fill_character": "*"}, ["Straß", "aB cd", "*  x ", None, "***😀z"]),
        ("Right pad", {"width": "1"}, ["S", "a", " ", None, "😀"]),
        ("Right pad", {"width": 3}, ["Str", "aB ", "  x", None, "😀z "]),
        ("Left pad", {"width": 4, "fill_character": ""}, ["Stra", "aB c", "  x ", None, "😀z"]),
        ("Left pad", {"width": -1, "fill_character": "x"}, ["", "", "", None, ""]),
        ("Prepend zeros", {"width": 4}, ["Stra", "aB c", "  x ", None, "00😀z"]),
        ("Add prefix", {"prefix": "<'"}, ["<'Straße İSTANBUL ΟΔΟΣ", "<'aB cd-e_1", "<'  x ", None, "<'😀z"]),
        ("Add suffix", {"suffix": "!"}, ["Straße İSTANBUL ΟΔΟΣ!", "aB cd-e_1!", "  x !", None, "😀z!"]),
        ("Remove symbols", {}, ["Straße İSTANBUL ΟΔΟΣ", "aB cde1", "  x ", None, "😀z"]),
        ("Remove symbols", {"symbols": "a]^-\\😀"}, ["Strße İSTANBUL ΟΔΟΣ", "B cde_1", "  x ", None, "z"]),
    ],
)
def test_as_spark_does(apply: Apply, choice: str, block: dict[str, Any], expected: list[Any]) -> None:
    assert formatted(apply, choice, TEXTS, **block) == expected


def test_numbers_are_formatted_as_spark_writes_them(apply: Apply) -> None:
    numbers = [
        "1e7",
        "1.5e-7",
        "123456789012.5",
        "0.001",
        "5e-4",
        "1e20",
        "-25000000",
        "NaN",
        "1",
        "",
        "-0.00031",
    ]
    parameters = {"operator": "Add prefix", "add_prefix_parameters": {"input_column": "x", "prefix": ""}}
    table = apply(format_string, parameters, {"x": "float", "k": "string"}, [(text, "1") for text in numbers])
    written = ["1.0E7", "1.5E-7", "1.234567890125E11", "0.001", "5.0E-4", "1.0E20", "-2.5E7", "NaN", "1.0"]
    assert [None if pd.isna(text) else text for text in table["x"]] == [*written, None, "-3.1E-4"]


def test_where_results_go(apply: Apply) -> None:
    def columns(**block: Any) -> pd.DataFrame:
        parameters = {"operator": "Upper case", "upper_case_parameters": block}
        return apply(format_string, parameters, {"a": "string", "b": "string", "c": "long"}, [("x", "y", 1)])

    assert columns(input_column="A").to_dict("list") == {"a": ["X"], "b": ["y"], "c": [1]}
    assert columns(input_column=["a"], output_column="n").to_dict("list") == {
        "a": ["x"], "b": ["y"], "c": [1], "n": ["X"],
    }  # fmt: skip
    assert columns(input_column=["a", "b"], output_column="n").to_dict("list") == {
        "a": ["x"], "b": ["y"], "c": [1], "n_a": ["X"], "n_b": ["Y"],
    }  # fmt: skip
    assert columns(input_column="a", output_column="C").to_dict("list") == {
        "a": ["x"],
        "b": ["y"],
        "C": ["X"],
    }


def test_no_rows(apply: Apply) -> None:
    assert formatted(apply, "Title case", []) == []
    assert formatted(apply, "Lower case", []) == []


@pytest.mark.parametrize(
    ("choice", "block", "says"),
    [
        ("Left pad", {"width": 2000}, "parameter 'width'.*less than or equal to 1000"),
        ("Left pad", {"fill_character": "*"}, "parameter 'width': is missing"),
        ("Right pad", {"width": 5, "fill_character": "ab"}, "must be a single character"),
        ("Upper case", {"letters": 3}, "parameter 'letters': is not a parameter"),
        ("Lower case", {"input_column": "nothing"}, "no column 'nothing'"),
        ("Shout", {}, "does not know the sub-operator 'Shout'.*Lower case, Upper case"),
        ("Add prefix or suffix", {}, "neither a prefix nor a suffix"),
    ],
)
def test_what_is_wrong_is_said(apply: Apply, choice: str, block: dict[str, Any], says: str) -> None:
    with pytest.raises(flow.FlowError, match=says):
        formatted(apply, choice, ["a"], **block)
