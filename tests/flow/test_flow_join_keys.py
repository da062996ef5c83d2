"""Joins on several keys: every name Spark has for a kind of join."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from helpers import flow

pytestmark = pytest.mark.usefixtures("engine")

Join = Callable[..., pd.DataFrame]
LEFT = [(1, "a", "l1"), (1, "b", "l2"), (2, "a", "l3"), ("", "a", "l4")]
RIGHT = [("b", 1, "r1"), ("a", 2, "r2"), ("a", 2, "r3"), ("a", "", "r4"), ("z", 9, "r5")]
KEYS = [{"left": "item", "right": "code"}, {"left": "place", "right": "place"}]
INNER = [("l2", "r1"), ("l3", "r2"), ("l3", "r3")]
ONLY_LEFT, ONLY_RIGHT = [("l1", None), ("l4", None)], [(None, "r4"), (None, "r5")]


@pytest.fixture
def join(builder: Any, write_csv: Any) -> Join:
    def run(kind: str, keys: Any = KEYS) -> pd.DataFrame:
        builder.nodes.clear()
        paths = {
            "l.csv": write_csv("l.csv", ["item", "place", "v"], LEFT),
            "r.csv": write_csv("r.csv", ["place", "code", "w"], RIGHT),
        }
        left = builder.types(builder.source("l.csv"), {"item": "long", "place": "string", "v": "string"})
        right = builder.types(builder.source("r.csv"), {"place": "string", "code": "long", "w": "string"})
        parameters = {"join_keys": keys, "join_type": kind}
        builder.add("step", "sagemaker.spark.join_multi_keys_0.1", parameters, [left, right])
        return flow.preview(builder.read(), "step", paths, rows=100, engine=builder.engine)

    return run


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ("inner", INNER),
        ("left leftouter left_outer", [*INNER, *ONLY_LEFT]),
        ("right rightouter right_outer", [*INNER, *ONLY_RIGHT]),
        ("outer full fullouter full_outer", [*INNER, *ONLY_LEFT, *ONLY_RIGHT]),
    ],
)
def test_kinds_of_joins(join: Join, kinds: str, expected: list[tuple[Any, Any]]) -> None:
    for kind in kinds.split():
        table = join(kind)
        assert list(table.columns) == ["item", "place_0", "v", "place_1", "code", "w"]
        found = [
            tuple(None if pd.isna(cell) else cell for cell in row)
            for row in zip(table.v, table.w, strict=True)
        ]
        assert sorted(found, key=str) == sorted(expected, key=str)


def test_rows_with_and_without_a_partner(join: Join) -> None:
    for kind in ("semi", "leftsemi", "left_semi"):
        assert list(join(kind)["v"]) == ["l2", "l3"]
    for kind in ("anti", "leftanti", "left_anti"):
        assert list(join(kind)["v"]) == ["l1", "l4"]
    assert list(join("anti").columns) == ["item", "place", "v"]


@pytest.mark.parametrize(
    ("kind", "keys", "says"),
    [
        ("inner", KEYS * 6, "at most 10"),
        ("inner", [], "at least 1"),
        ("sideways", KEYS, "'inner', 'left'"),
        ("inner", [{"left": "v", "right": "code"}], "keys differ in type"),
        ("inner", [{"left": "item", "right": "nothing"}], "no column 'nothing'"),
    ],
)
def test_joins_that_cannot_be(join: Join, kind: str, keys: Any, says: str) -> None:
    with pytest.raises(flow.FlowError, match=says):
        join(kind, keys)


def test_ten_keys_are_allowed(join: Join) -> None:
    assert len(join("inner", KEYS * 5)) == 3
