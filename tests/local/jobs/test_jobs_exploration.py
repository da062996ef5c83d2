"""The data exploration notebook of AutoML jobs: what it finds, and that it stands whatever the data."""

import datetime
import decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from helpers.local.jobs.automl import column_kinds


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2, 3], "numeric"),
        ([0.5, None, np.inf], "numeric"),
        (pd.array([1, None], dtype="Int64"), "numeric"),
        ([decimal.Decimal("1.5"), decimal.Decimal("2")], "numeric"),
        (pd.to_timedelta(["1h", "2h"]), "numeric"),
        (["1", " 2.5", "1e3", ""], "numeric"),
        ([*"123456789", "unknown"], "numeric"),  # nine of ten
        ([*"12345678", "n/a", "unknown"], "categorical"),  # eight of ten
        ([None, None], "numeric"),
        ([" ", None], "numeric"),
        ([True, False], "categorical"),
        (pd.array([True, None], dtype="boolean"), "categorical"),
        ([True, None, False], "categorical"),
        (["jazz", "rock", "pop"], "categorical"),
        (pd.Categorical(["1", "2"]), "categorical"),
        ([b"jazz", b"rock"], "categorical"),
        ([{"a": 1}, {"b": 2}], "categorical"),
        (["1.2.3", "10.0.0", "2.11.4"], "categorical"),  # versions, no days
        (["555-12-1234", "666-11-9876"], "categorical"),
        (["1,234", "12,500", "3,000,000"], "categorical"),  # thousands, no sequences
        (["a quiet song at night", "drums and a loud voice"], "text"),
        (["a quiet song"] * 500, "categorical"),  # the same words over and over are a label
        (["2024-02-29", "2023-01-01 10:00:00"], "datetime"),
        (["29.02.2024", "1/2/2023", "3/14/21"], "datetime"),
        (["Feb 29, 2024", "1 March 2023"], "datetime"),
        ([datetime.date(2024, 2, 29), None], "datetime"),
        (pd.to_datetime(["2024-02-29"]).tz_localize("Asia/Tokyo"), "datetime"),
        (["1,2,3", "4, 5", "[6, 7.5]"], "sequence"),
        ([[1, 2], [3.5]], "sequence"),
        ([np.array([1.0, 2.0]), None], "sequence"),
        ([["a"], ["b"]], "categorical"),
    ],
)
def test_the_kind_of_a_column_follows_its_values(values: Any, kind: str) -> None:
    assert column_kinds.infer(pd.Series(values)) == kind


def test_kinds_stand_in_the_places_of_columns_and_may_be_given() -> None:
    frame = pd.DataFrame([[1, "a", 2]], columns=["x", "y", "x"])
    assert column_kinds.infer_all(frame) == ["numeric", "categorical", "numeric"]
    given = {"x": "categorical", "y": "no kind"}
    assert column_kinds.infer_all(frame, given) == ["categorical", "categorical", "categorical"]
