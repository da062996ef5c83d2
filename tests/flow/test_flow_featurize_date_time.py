"""Parts of moments: expected values by hand, after DateTimeVectorizer of sagemaker-scikit-learn-extension."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from helpers import flow

featurize = "sagemaker.spark.featurize_date_time_0.1"
Apply = Callable[..., pd.DataFrame]
NAMES = ["year", "month", "day", "hour", "minute", "second", "week_of_year", "day_of_year", "quarter"]
ALL = dict.fromkeys(NAMES, True)


def parts(apply: Apply, values: list[Any], kind: str = "string", **block: Any) -> pd.DataFrame:
    base = {"input_column": ["t"], "output_mode": "Ordinal", "output_format": "Columns"}
    parameters = {"operator": "Extract columns", "extract_columns_parameters": {**base, **block}}
    return apply(featurize, parameters, {"t": kind, "k": "string"}, [(value, "1") for value in values])


def rows(table: pd.DataFrame, prefix: str = "t") -> list[list[Any]]:
    wanted = table[[f"{prefix}_{name}" for name in NAMES]].to_numpy().tolist()
    return [[None if pd.isna(value) else int(value) for value in row] for row in wanted]


NOTHING = [None] * 9


def test_texts_of_many_forms(apply: Apply) -> None:
    texts = {
        "January 1st, 2020, 12:44pm": [2020, 0, 0, 12, 44, 0, 0, 0, 0],
        "2020-12-31 23:59:58": [2020, 11, 30, 23, 59, 58, 52, 365, 3],
        "13/02/2020": [2020, 1, 12, 0, 0, 0, 6, 43, 0],
        "02/13/2020": [2020, 1, 12, 0, 0, 0, 6, 43, 0],
        "2021-01-03T10:11:12+02:00": [2021, 0, 2, 10, 11, 12, 52, 2, 0],  # the 53rd week of 2020
        "20200401": [2020, 3, 0, 0, 0, 0, 13, 91, 1],
        "": NOTHING,
        "soon": NOTHING,
        "1500-01-01": NOTHING,  # outside of what pandas knows
    }
    table = parts(apply, list(texts), **ALL)
    assert list(table.columns) == ["t", "k", *(f"t_{name}" for name in NAMES)]
    assert rows(table) == list(texts.values())
    for text, expected in texts.items():
        assert rows(parts(apply, [text], **ALL)) == [expected]  # whatever stands beside it


def test_counting_from_one(apply: Apply) -> None:
    table = parts(apply, ["2020-12-31 23:59:58"], use_one_indexing=True, output_column="o", **ALL)
    assert rows(table, "o") == [[2020, 12, 31, 23, 59, 58, 53, 366, 4]]


@pytest.mark.parametrize(("kind", "text"), [("date", "2020-05-06"), ("datetime", "2020-05-06 00:00:00")])
def test_dates_and_moments(apply: Apply, kind: str, text: str) -> None:
    table = parts(apply, [text, ""], kind, **ALL)
    assert rows(table) == [[2020, 4, 5, 0, 0, 0, 18, 126, 1], NOTHING]


@pytest.mark.parametrize("factor", [1, 1000, 1_000_000, 1_000_000_000])
def test_numbers_by_their_size(apply: Apply, factor: int) -> None:
    table = parts(apply, [1_600_000_000 * factor, ""], "long", year=True, hour=True)
    assert (table["t_year"][0], table["t_hour"][0]) == (2020, 12)
    assert pd.isna(table["t_year"][1])
    floats = parts(apply, [str(1_600_000_000.5 * factor), ""], "float", year=True, hour=True)
    assert (floats["t_year"][0], floats["t_hour"][0]) == (2020, 12)


def test_a_form_takes_nothing_else(apply: Apply) -> None:
    table = parts(apply, ["03.02.2021", "2021-02-03"], date_time_format="%d.%m.%Y", year=True, month=True)
    assert [None if pd.isna(value) else value for value in table["t_month"]] == [1, None]
    assert list(table.columns) == ["t", "k", "t_year", "t_month"]


def test_cycles(apply: Apply) -> None:
    table = parts(apply, ["2020-04-01 06:00:00", ""], output_mode="Cyclic", year=True, month=True, hour=True)
    assert list(table.columns) == ["t", "k", "t_year", "t_month_1", "t_month_2", "t_hour_1", "t_hour_2"]
    first, second = table.iloc[:, 2:].to_numpy().tolist()
    assert first == pytest.approx([2020, 1, 0, 1, 0], abs=1e-6)
    assert all(math.isnan(value) for value in second)


def test_vectors_take_the_place_of_their_column(apply: Apply) -> None:
    table = parts(apply, ["2020-04-01 06:00:00", ""], output_format="Vector", year=True, hour=True)
    assert list(table.columns) == ["t", "k"]
    assert list(table["t"]) == ["[2020.0,6.0]", "[NaN,NaN]"]
    named = parts(apply, ["2000-01-01"], output_format="Vector", output_column="v", **ALL)
    assert list(named.columns) == ["t", "k", "v"]
    assert list(named["v"]) == ["(9,[0,6],[2000.0,51.0])"]


def test_no_rows_and_no_parts(apply: Apply) -> None:
    assert len(parts(apply, [], "long", **ALL)) == 0
    assert list(parts(apply, ["2020-01-01"]).columns) == ["t", "k"]


@pytest.mark.parametrize(
    ("block", "says"),
    [
        ({"infer_datetime_format": True, "date_time_format": "%Y"}, "exclude each other"),
        ({"output_mode": "Cyclic", "use_one_indexing": True}, "for the output mode Ordinal only"),
        ({"output_mode": "Angles"}, "parameter 'output_mode'"),
        ({"decade": True}, "parameter 'decade': is not a parameter"),
        ({"output_format": "Vector"}, "asks for no part of the date"),
        ({"input_column": "u"}, "there is no column 'u'"),
    ],
)
def test_what_is_wrong_is_said(apply: Apply, block: dict[str, Any], says: str) -> None:
    with pytest.raises(flow.FlowError, match=says):
        parts(apply, ["2020-01-01"], **block)


def test_booleans_are_no_dates(apply: Apply) -> None:
    with pytest.raises(flow.FlowError, match="in which there are no dates"):
        parts(apply, ["true"], "bool", year=True)
