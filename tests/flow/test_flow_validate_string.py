"""Validating strings: expected values are those of pandas' text methods."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from helpers import flow
from helpers.flow.operators.base import block_name

validate = "sagemaker.spark.validate_string_0.1"
Apply = Callable[..., pd.DataFrame]
TEXTS = ["Ab1", "ab", "AB", "12", "½", "²", " ", "", "Title Case", "a b", "٣", "a-1"]


def validated(apply: Apply, choice: str, texts: list[str], **block: Any) -> pd.DataFrame:
    parameters = {
        "operator": choice,
        block_name(choice): {"input_column": "s", "output_column": "o", **block},
    }
    return apply(validate, parameters, {"s": "string", "k": "string"}, [(text, "1") for text in texts])


@pytest.mark.parametrize(
    ("choice", "block", "oracle"),
    [
        ("String length", {"length": 2}, lambda s: s.str.len() == 2),
        ("Starts with", {"prefix": "a"}, lambda s: s.str.startswith("a")),
        ("Ends with", {"suffix": "b"}, lambda s: s.str.endswith("b")),
        ("Is alphanumeric", {}, lambda s: s.str.isalnum()),
        ("Is alpha (letters)", {}, lambda s: s.str.isalpha()),
        ("Is digit", {}, lambda s: s.str.isdigit()),
        ("Is space", {}, lambda s: s.str.isspace()),
        ("Is title", {}, lambda s: s.str.istitle()),
        ("Is lowercase", {}, lambda s: s.str.islower()),
        ("Is uppercase", {}, lambda s: s.str.isupper()),
        ("Is numeric", {}, lambda s: s.str.isnumeric()),
        ("Is decimal", {}, lambda s: s.str.isdecimal()),
    ],
)
def test_conditions(apply: Apply, choice: str, block: dict[str, Any], oracle: Callable[[Any], Any]) -> None:
    table = validated(apply, choice, TEXTS, **block)
    assert list(table.columns) == ["s", "k", "o"]
    assert list(table["o"]) == [int(met) for met in oracle(pd.Series(TEXTS))]
    assert table["o"].sum() > 0
    assert len(validated(apply, choice, [], **block)) == 0


@pytest.mark.parametrize(
    ("choice", "block", "says"),
    [
        ("String length", {}, "parameter 'length': is missing"),
        ("String length", {"length": -1}, "greater than or equal to 0"),
        ("Is digit", {"digits": 3}, "parameter 'digits': is not a parameter"),
        ("Is odd", {}, "does not know the sub-operator 'Is odd'.*Is decimal"),
    ],
)
def test_what_is_wrong_is_said(apply: Apply, choice: str, block: dict[str, Any], says: str) -> None:
    with pytest.raises(flow.FlowError, match=says):
        validated(apply, choice, ["a"], **block)
