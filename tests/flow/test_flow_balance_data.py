"""Balance data: sizes are defined, rows by what must hold."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import flow
from helpers.flow.smote import between_neighbours

Apply = Callable[..., pd.DataFrame]
balance = "sagemaker.spark.balance_data_0.1"
SCHEMA = {"i": "long", "x": "float", "s": "string", "d": "date", "y": "string"}
ROWS = [
    (
        number,
        number / 4,
        "abc"[number % 3],
        f"2020-01-{number % 28 + 1:02d}",
        "yes" if number % 5 == 0 else "no",
    )
    for number in range(100)
]


def run(apply: Apply, choice: str, rows: Any = None, schema: Any = None, **parameters: Any) -> pd.DataFrame:
    given = {"ratio": 1, "smote_params": {"num_neighbors": 5}, "target_column": "y", **parameters}
    return apply(balance, {"operator": choice, **given}, schema or SCHEMA, ROWS if rows is None else rows)


@pytest.mark.parametrize(("ratio", "rare"), [(1, 80), (0.5, 40), (0.333, 26)])
def test_oversampling_repeats_rows_after_all_others(apply: Apply, ratio: float, rare: int) -> None:
    table = run(apply, "Random oversample", ratio=ratio)
    assert Counter(table["y"]) == {"no": 80, "yes": rare}
    assert list(table["i"][:100]) == list(range(100))
    copies = table[100:]
    assert set(copies["y"]) == {"yes"}
    assert set(copies["i"]) <= set(range(0, 100, 5)) and len(set(copies["i"])) > 4
    assert list(copies["x"]) == [number / 4 for number in copies["i"]]
    assert list(copies["i"]) != sorted(copies["i"])
    assert table.equals(run(apply, "Random oversample", ratio=ratio))


@pytest.mark.parametrize(("ratio", "common"), [(1, 20), (0.5, 40), (0.3, 66)])
def test_undersampling_drops_rows_and_keeps_the_order(apply: Apply, ratio: float, common: int) -> None:
    table = run(apply, "Random undersample", ratio=ratio)
    assert Counter(table["y"]) == {"no": common, "yes": 20}
    assert list(table["i"]) == sorted(set(table["i"]))
    assert 30 < table[table["y"] == "no"]["i"].mean() < 70
    assert list(table.columns) == list(SCHEMA)


def test_smote_makes_rows_between_neighbours(apply: Apply) -> None:
    table = run(apply, "SMOTE", ratio=0.9)
    assert Counter(table["y"]) == {"no": 80, "yes": 72}
    assert list(table["i"][:100]) == list(range(100)) and list(table.columns) == list(SCHEMA)
    made = table[100:]
    assert set(made["y"]) == {"yes"} and set(made["s"]) <= set("abc")
    assert made["i"].between(0, 95).all() and table["i"].dtype.kind == "i"
    assert made["x"].between(0, 95 / 4).all() and len(set(made["x"])) == 52
    assert set(made["d"]) <= set(table["d"][:100])
    # i is four times x in every row, so it is between any two of them; i is rounded.
    assert (made["i"] - made["x"] * 4).abs().max() <= 0.5
    assert table.equals(run(apply, "SMOTE", ratio=0.9))


def test_smote_on_numbers_and_on_texts_alone(apply: Apply) -> None:
    rows = [(number % 7, float(number), int(number < 10)) for number in range(50)]
    table = run(apply, "SMOTE", rows, {"a": "long", "x": "float", "y": "long"})
    assert Counter(table["y"]) == {0: 40, 1: 40} and table["y"].dtype.kind == "i"
    assert table["x"][50:].between(0, 9).all()
    texts = [("u" if number % 2 else "v", "true" if number < 8 else "false") for number in range(30)]
    table = run(apply, "SMOTE", texts, {"s": "string", "y": "bool"})
    assert Counter(table["y"]) == {False: 22, True: 22} and set(table["s"]) == {"u", "v"}


def test_new_rows_are_those_of_imbalanced_learn() -> None:
    rows = pd.DataFrame({"a": [k * k for k in range(8)], "b": [k * 5 % 7 / 2 for k in range(8)]})
    # What SMOTE(random_state=0, k_neighbors=3) of imbalanced-learn 0.14.2 makes of them.
    expected = [
        (10.069237828511122, 0.8818706530396865),
        (19.38792672892625, 2.6235636967859723),
        (44.0030378051949, 0.3843817072926998),
        (0.2975346065444723, 0.7438365163611806),
        (0.9432870226825568, 2.358217556706392),
        (0.7273437054198868, 1.818359263549717),
    ]
    made = between_neighbours(rows, ["a", "b"], [], 6, 3)
    assert made.to_numpy() == pytest.approx(np.array(expected), rel=1e-12)
    # And SMOTENC, with a category that has a say in who is near.
    made = between_neighbours(rows.assign(s=[*"uuvuvvvw"]), ["a", "b"], ["s"], 6, 3)
    assert made.to_numpy()[0, :2] == pytest.approx([23.625265649057127, 2.1527482612158746], rel=1e-12)
    assert made[["a", "b"]].to_numpy()[1:] == pytest.approx(np.array(expected[1:]), rel=1e-12)
    assert [*made["s"]] == [*"vvvuuu"]


@settings(max_examples=40, deadline=None)
@given(
    points=st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), min_size=4, max_size=12),
    neighbours=st.integers(1, 3),
    seed=st.integers(0, 5),
)
def test_new_rows_lie_on_lines_to_neighbours(
    points: list[tuple[float, float]], neighbours: int, seed: int
) -> None:
    rows = pd.DataFrame(points, columns=["a", "b"])
    made = between_neighbours(rows, ["a", "b"], [], 6, neighbours, seed).to_numpy()
    values = rows.to_numpy()
    for point in made:
        assert min(_off_line(point, one, other) for one in values for other in values) < 1e-3


def _off_line(point: Any, one: Any, other: Any) -> float:
    """How far a point is from the line between two others."""
    along = other - one
    length = float(along @ along)
    share = 0.0 if length == 0 else min(1.0, max(0.0, float((point - one) @ along) / length))
    return float(np.linalg.norm(point - (one + share * along)))


def test_categories_are_the_most_frequent_among_neighbours() -> None:
    rows = pd.DataFrame({"x": [0.0, 0.1, 0.2, 9.0, 9.1, 9.2], "s": ["a", "a", "a", "b", "b", "b"]})
    rows["d"] = [datetime.date(2020, 1, 1)] * 3 + [datetime.date(2021, 1, 1)] * 3
    made = between_neighbours(rows, ["x"], ["s", "d"], 40, 2)
    assert [s == "a" for s in made["s"]] == [x < 1 for x in made["x"]]
    assert [day.year == 2020 for day in made["d"]] == [x < 1 for x in made["x"]]


@pytest.mark.parametrize(
    ("choice", "parameters", "says"),
    [
        ("SMOTE", {"ratio": 0.25}, "balanced to 0.25 already, which is not below the ratio 0.25"),
        ("Random oversample", {"ratio": 1.5}, "ratio"),
        ("Random undersample", {"target_column": "s"}, "'s' has 3 values; balancing needs exactly two"),
        ("Random undersample", {"target_column": "i"}, "'i' has 4 or more values"),
        ("Random undersample", {"target_column": "t"}, "no column 't'"),
        ("SMOTE", {"smote_params": {"num_neighbors": 20}}, "has 20 rows, and each needs 20 neighbours"),
        ("SMOTE", {"smote_params": {"k": 20}}, "smote_params"),
        ("SMOTE", {"sampling": 20}, "'sampling': is not a parameter.*target_column, ratio"),
        ("ADASYN", {}, "Known here: Random oversample, Random undersample, SMOTE"),
    ],
)
def test_what_cannot_be_balanced(apply: Apply, choice: str, parameters: dict[str, Any], says: str) -> None:
    with pytest.raises(flow.FlowError, match=says):
        run(apply, choice, **parameters)


def test_missing_values(apply: Apply) -> None:
    with pytest.raises(flow.FlowError, match="missing values in x and s"):
        run(apply, "SMOTE", [*ROWS, (1, "NaN", "a", "2020-01-01", "no"), (1, 1, "", "2020-01-01", "no")])
    with pytest.raises(flow.FlowError, match="'y' has 3 values, one of them null"):
        run(apply, "Random oversample", [*ROWS, (1, 1, "a", "2020-01-01", "")])
    with pytest.raises(flow.FlowError, match="'y' has 0 values"):
        run(apply, "Random oversample", [])
