"""Exact statistics, and tables to pandas and back."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest

from helpers.flow.duckdb_engine import DuckDBRun
from helpers.flow.errors import OperatorError
from helpers.flow.spark_quantiles import of_sorted
from helpers.flow.statistics import quantiles


@pytest.fixture
def run() -> Iterator[DuckDBRun]:
    with DuckDBRun(lambda _: []) as run:
        yield run


def frame(run: DuckDBRun, **columns: Any) -> Any:
    return run.from_pandas(pd.DataFrame(columns), nan=True)


def test_statistics_count_neither_null_nor_nan(run: DuckDBRun) -> None:
    table = run.backend.table(
        run.view(
            "SELECT * FROM (VALUES (1.0::DOUBLE, 1), (NULL, 2), ('nan'::DOUBLE, 5), (4.0, NULL)) t(x, n)"
        )
    )
    x, n = run.statistics(table, ["x", "n"])
    assert (x.count, x.mean, x.least, x.greatest) == (2, 2.5, 1.0, 4.0)
    assert x.deviation == pytest.approx(math.sqrt(4.5))
    assert (n.count, n.mean) == (3, pytest.approx(8 / 3))
    assert run.medians(table, ["x", "n"]) == [1.0, 2]


def test_statistics_of_nothing_and_of_one(run: DuckDBRun) -> None:
    nothing, one = run.statistics(frame(run, a=[np.nan], b=[2.0]).table, ["a", "b"])
    assert (nothing.count, nothing.mean, nothing.deviation, nothing.least) == (0, None, None, None)
    assert (one.count, one.mean, one.deviation) == (1, 2.0, None)
    assert run.medians(frame(run, a=[np.nan]).table, ["a"]) == [None]


def test_infinite_values(run: DuckDBRun) -> None:
    table = frame(run, a=[1.0, np.inf, 3.0], b=[1.0, np.inf, -np.inf]).table
    a, b = run.statistics(table, ["a", "b"])
    assert a.mean == math.inf and math.isnan(a.deviation or 0)
    assert math.isnan(b.mean or 0)
    [a] = run.statistics(table, ["a"], finite=True)
    assert (a.count, a.mean, a.greatest) == (2, 2.0, 3.0)


def test_values_too_great_to_square(run: DuckDBRun) -> None:
    huge, two = run.statistics(frame(run, a=[1.0, 1e200, 3.0], b=[-1e308, 1e308, np.nan]).table, ["a", "b"])
    assert (huge.count, huge.mean, huge.greatest) == (3, pytest.approx(1e200 / 3), 1e200)
    assert math.isnan(huge.deviation or 0) and math.isnan(two.deviation or 0)
    assert (two.least, two.greatest) == (-1e308, 1e308)


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_the_number_of_threads_changes_nothing(threads: int) -> None:
    numbers = np.random.default_rng(0).lognormal(0, 8, 400_000)
    with DuckDBRun(lambda _: [], threads=threads) as run:
        [found] = run.statistics(frame(run, x=numbers).table, ["x"])
        [median] = run.medians(frame(run, x=numbers).table, ["x"])
        assert run.connection.execute("SELECT current_setting('threads')").fetchall() == [(threads,)]
    with DuckDBRun(lambda _: [], threads=1) as run:
        assert run.statistics(frame(run, x=numbers).table, ["x"]) == [found]
    assert found.mean == pytest.approx(numbers.mean(), rel=1e-12)
    assert found.deviation == pytest.approx(numbers.std(ddof=1), rel=1e-12)
    assert median == np.sort(numbers)[199_999]


def test_pandas_and_back(run: DuckDBRun) -> None:
    day = datetime.date(2020, 1, 5)
    table = pd.DataFrame(
        {
            "n": [3, 1, 2],
            "x": [0.5, np.nan, 1.5],
            "s": ["b", None, "a"],
            "b": [True, None, False],
            "d": [day, None, day],
            "t": pd.to_datetime(["2020-01-05 10:11:12.345678", None, "2021-01-01 00:00:00.000000"]),
            "c": pd.Categorical(["u", "v", "u"]),
            "v": [np.array([1.0, 2.0]), None, np.array([3.0])],
            "e": [None, None, None],
        },
        index=[7, 8, 9],
    )
    back = run.from_pandas(table)
    assert back.in_order and back.columns == list(table.columns)
    kinds = [str(kind) for kind in back.visible.schema().types]
    assert kinds == [
        "int64", "float64", "string", "boolean", "date", "timestamp(6)", "string", "array<float64>", "string",
    ]  # fmt: skip
    again = run.to_pandas(back)
    assert list(again["n"]) == [3, 1, 2]
    assert list(again["d"])[::2] == [day, day] and pd.isna(again["d"][1])
    assert again["t"].dtype == "datetime64[ns]" and again["t"][0] == table["t"][7]
    assert list(again["v"][0]) == [1.0, 2.0]
    assert list(again["s"]) == ["b", None, "a"]


def test_nan_may_stay_and_types_may_come_back(run: DuckDBRun) -> None:
    table = pd.DataFrame({"x": [1.0, np.nan]})
    assert run.row(run.from_pandas(table).table.aggregate(n=lambda t: t.x.isnull().sum())) == {"n": 1}
    assert run.row(run.from_pandas(table, nan=True).table.aggregate(n=lambda t: t.x.isnan().sum())) == {
        "n": 1
    }
    whole = run.from_pandas(pd.DataFrame({"x": pd.array([1, None], "Int64")}))
    assert run.to_pandas(whole)["x"].dtype == "float64"
    again = run.from_pandas(run.to_pandas(whole), like=whole)
    assert str(again.table.x.type()) == "int64"
    assert [row["x"] for row in run.rows(again.ordered)] == [1, None]


def test_what_cannot_be_a_table(run: DuckDBRun) -> None:
    with pytest.raises(OperatorError, match="called the same: a, A"):
        run.from_pandas(pd.DataFrame([[1, 2]], columns=["a", "A"]))
    with pytest.raises(OperatorError, match=r"column 'a' .* holds int, str"):
        run.from_pandas(pd.DataFrame({"a": [1, "x"]}))
    with pytest.raises(OperatorError, match="without columns"):
        run.from_pandas(pd.DataFrame())


# Computed by Apache Spark 3.5: approxQuantile with error 0.001 of (i * 7919) % 100003 in one partition.
SPARK_QUANTILES: list[tuple[int, list[float]]] = [
    (500, [0.0, 708.0, 9540.0, 24465.0, 32682.0, 49135.0, 59085.0, 74308.0, 89643.0, 98680.0, 99798.0]),
    (613, [0.0, 801.0, 9745.0, 24558.0, 32682.0, 49340.0, 59290.0, 74513.0, 89848.0, 98773.0, 99891.0]),
    (1000, [0.0, 801.0, 9745.0, 24670.0, 32980.0, 49731.0, 59793.0, 74811.0, 89848.0, 98885.0, 99984.0]),
    (1777, [0.0, 801.0, 9931.0, 24949.0, 33166.0, 49824.0, 59793.0, 74792.0, 89848.0, 98885.0, 99984.0]),
    (7777, [0.0, 894.0, 9910.0, 24985.0, 33276.0, 49936.0, 59941.0, 74902.0, 89920.0, 98902.0, 100001.0]),
    (50000, [0.0, 1021.0, 10027.0, 24897.0, 33325.0, 49975.0, 59901.0, 74936.0, 89918.0, 98900.0, 100001.0]),
]
SHARES = [0.0005, 0.01, 0.1, 0.25, 0.333, 0.5, 0.6, 0.75, 0.9, 0.99, 0.9995]


@pytest.mark.parametrize(
    ("count", "expected"),
    SPARK_QUANTILES,
)
def test_quantiles_err_as_spark_errs(count: int, expected: list[float]) -> None:
    values = sorted(float(number * 7919 % 100_003) for number in range(count))
    assert of_sorted(values, SHARES) == expected


def test_few_quantiles_are_exact_and_many_too(run: DuckDBRun) -> None:
    for count in (1, 2, 3, 10, 499, 50_001):
        values = [float(number * 7919 % 100_003) for number in range(count)]
        table = frame(run, x=values).table
        exact = [sorted(values)[max(0, math.ceil(each * count) - 1)] for each in SHARES[1:-1]]
        [found] = quantiles(table, ["x"], SHARES, run)
        assert found == [min(values), *exact, max(values)]
    assert quantiles(frame(run, x=[np.nan]).table, ["x"], [0.5], run) == [[None]]
