"""Time series. Expected cells are computed by hand, or by pandas where the semantics are its own."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from helpers import flow

pytestmark = pytest.mark.usefixtures("engine")

operator = "sagemaker.spark.time_series_0.1"
Apply = Callable[..., pd.DataFrame]
Series = Callable[..., pd.DataFrame]
SCHEMA = {"t": "datetime", "id": "string", "x": "float", "n": "long", "s": "string"}
ROWS = [
    ("2024-01-01 02:00:00", "b", 5, 1, "p"),
    ("2024-01-01 00:00:00", "a", 1, 10, "u"),
    ("2024-01-01 03:00:00", "a", 4, 40, "v"),
    ("2024-01-01 01:00:00", "a", "", "", ""),
    ("2024-01-01 00:30:00", "a", 3, 30, "u"),
    ("2024-01-01 00:00:00", "b", "", 2, "q"),
]


def cells(table: pd.DataFrame, name: str) -> list[Any]:
    return [None if pd.isna(value) else value for value in table[name]]


@pytest.fixture
def series(apply: Apply) -> Series:
    """Run an operator on the rows above: series("Resample", key=value)."""

    def run(choice: str, schema: Any = SCHEMA, rows: Any = ROWS, **block: Any) -> pd.DataFrame:
        stale = {"Handle missing_parameters": {"nonsense": 1}} if choice != "Handle missing" else {}
        return apply(operator, {**stale, "operator": choice, f"{choice}_parameters": block}, schema, rows)

    return run


# Validate timestamps

TEXTS = {"t": "string", "n": "long"}
TEXT_ROWS = [("2024-01-01 02:00:00", 1), ("soon", 2), ("", 3), ("2024-02-30", 4), ("2024-02-29", 5)]


def test_invalid_timestamps_are_dropped(series: Series) -> None:
    table = series("Validate timestamps", TEXTS, TEXT_ROWS, timestamp_column="t", policy="drop")
    assert (cells(table, "n"), cells(table, "t")) == ([1, 5], ["2024-01-01 02:00:00", "2024-02-29"])
    table = series(
        "Validate timestamps", TEXTS, TEXT_ROWS, timestamp_column="T", policy="drop", cast_to_datetime=True
    )
    assert cells(table, "t") == [pd.Timestamp("2024-01-01 02:00"), pd.Timestamp("2024-02-29")]


def test_invalid_timestamps_are_marked_or_stop_the_run(series: Series) -> None:
    table = series("Validate timestamps", TEXTS, TEXT_ROWS, timestamp_column="t", policy="indicate")
    assert cells(table, "t_is_valid") == [True, False, False, False, True]
    with pytest.raises(flow.FlowError, match="'t' has 3 missing or invalid timestamps"):
        series("Validate timestamps", TEXTS, TEXT_ROWS, timestamp_column="t", policy="error")
    assert len(series("Validate timestamps", SCHEMA, ROWS, timestamp_column="t", policy="error")) == 6


# Resample


def test_series_are_brought_to_regular_times(series: Series) -> None:
    table = series(
        "Resample",
        timestamp_column="t",
        id_column="id",
        frequency={"quantity": 1, "offset_description": "Hourly"},
        downsample={"numeric": "mean", "non_numeric": "most common"},
        upsample={"numeric": "linear", "non_numeric": "ffill"},
    )
    assert list(table.columns) == list(SCHEMA)
    assert cells(table, "id") == ["a", "a", "a", "a", "b", "b", "b"]
    assert [moment.hour for moment in table["t"]] == [0, 1, 2, 3, 0, 1, 2]
    assert cells(table, "x") == pytest.approx([2, 8 / 3, 10 / 3, 4, None, None, 5], nan_ok=True)
    assert cells(table, "n") == pytest.approx([20, 80 / 3, 100 / 3, 40, 2, 1.5, 1])
    assert cells(table, "s") == ["u", "u", "u", "v", "q", "q", "p"]


@pytest.mark.parametrize(
    ("numeric", "expected"), [("sum", [40, 40.0, 40]), ("max", [30, 35.0, 40]), ("median", [20, 30.0, 40])]
)
def test_how_values_come_together(series: Series, numeric: str, expected: list[float]) -> None:
    table = series(
        "Resample",
        rows=ROWS[1:5],
        timestamp_column="t",
        frequency={"quantity": 90, "offset_description": "Minutely"},
        downsample={"numeric": numeric},
    )
    assert [str(moment)[11:16] for moment in table["t"]] == ["00:00", "01:30", "03:00"]
    assert cells(table, "n") == expected


def test_months_end_where_pandas_ends_them(series: Series) -> None:
    rows = [("2024-01-15", "a", 1, 1, "x"), ("2024-03-01", "a", 3, 3, "y")]
    table = series("Resample", SCHEMA, rows, timestamp_column="t", frequency={"offset_description": "Month"})
    assert [str(moment)[:10] for moment in table["t"]] == ["2024-01-31", "2024-02-29", "2024-03-31"]
    assert cells(table, "x") == [1, 2, 3]
    assert cells(table, "s") == ["x", "x", "y"]


@pytest.mark.parametrize(
    ("block", "says"),
    [
        ({"frequency": {"offset_description": "Fortnight"}}, "frequency 'Fortnight'.*Hourly"),
        (
            {"frequency": {"offset_description": "Hourly"}, "downsample": {"numeric": "best"}},
            "aggregation 'best'",
        ),
        (
            {"frequency": {"offset_description": "Hourly"}, "upsample": {"numeric": "magic"}},
            "interpolation 'magic'",
        ),
        (
            {"frequency": {"offset_description": "Hourly"}, "upsample": {"non_numeric": "linear"}},
            "fill texts by",
        ),
        ({"frequency": {"offset_description": "Hourly", "quantity": 0}}, "greater than or equal to 1"),
        ({}, "parameter 'frequency'.*is missing"),
        (
            {"frequency": {"offset_description": "Hourly"}, "timestamp_column": "x"},
            "'x' is float64, not a moment",
        ),
        ({"frequency": {"offset_description": "Hourly"}, "id_column": "nothing"}, "no column 'nothing'"),
    ],
)
def test_resampling_that_cannot_be(series: Series, block: dict[str, Any], says: str) -> None:
    with pytest.raises(flow.FlowError, match=says):
        series("Resample", **{"timestamp_column": "t", "id_column": "id", **block})


# Handle missing


def along(series: Series, strategy: str, column: str = "x", **more: Any) -> pd.DataFrame:
    block = {
        "hmac_output_column": "",
        "hmac_id_column": "id",
        "hmac_strategy": strategy,
        "hmac_leftovernans": "",
        "hmac_sequence_column": column,
        "hmac_timestamp_column": "t",
        "hmac_strategy_Forward fill_parameters": {"stale": 1} if strategy != "Forward fill" else {},
        **more,
    }
    chosen = {"hm_input_type": "Along column", "hm_input_type_Along column_parameters": block}
    return series("Handle missing", **chosen)


@pytest.mark.parametrize(
    ("strategy", "more", "expected"),
    [
        (
            "Constant Value",
            {"hmac_strategy_Constant Value_parameters": {"hmac_custom_value": "0.0"}},
            [5, 1, 4, 0, 3, 0],
        ),
        ("Forward fill", {}, [5, 1, 4, 3, 3, None]),
        ("Backward fill", {}, [5, 1, 4, 4, 3, 5]),
        ("Interpolate", {}, [5, 1, 4, 3.5, 3, None]),
        ("Interpolate", {"hmac_leftovernans": "Fill with Forward/Backward feed"}, [5, 1, 4, 3.5, 3, 5]),
        ("Forward fill", {"hmac_leftovernans": "Fill with Forward/Backward feed"}, [5, 1, 4, 3, 3, 5]),
        ("Forward fill", {"hmac_id_column": ""}, [5, 1, 4, 3, 3, 1]),
        ("Most common value", {}, [5, 1, 4, 1, 3, 1]),
    ],
)
def test_what_is_missing_in_a_column(
    series: Series, strategy: str, more: dict[str, Any], expected: list[Any]
) -> None:
    table = along(series, strategy, **more)
    assert cells(table, "x") == expected
    assert list(table.columns) == list(SCHEMA)


def test_filled_columns_keep_their_type_and_may_have_another_name(series: Series) -> None:
    table = along(series, "Backward fill", "n", hmac_output_column="filled")
    assert cells(table, "n") == [1, 10, 40, None, 30, 2]
    assert cells(table, "filled") == [1, 10, 40, 40, 30, 2]
    assert str(table["filled"].dtype) == "int64"
    assert cells(along(series, "Forward fill", "s"), "s") == ["p", "u", "v", "u", "u", "q"]


@pytest.mark.parametrize(
    ("strategy", "column", "more", "says"),
    [
        ("Constant Value", "x", {}, "'custom_value' is missing"),
        ("Constant Value", "x", {"hmac_custom_value": "none"}, "'none' is no number"),
        ("Interpolate", "s", {}, "nothing between its values"),
        ("Guess", "x", {}, "'constant', 'most common'"),
        ("Forward fill", "x", {"hmac_nonsense": 1}, "nonsense"),
        ("Interpolate", "x", {"hmac_method": "magic"}, "interpolation 'magic'"),
    ],
)
def test_filling_that_cannot_be(
    series: Series, strategy: str, column: str, more: dict[str, Any], says: str
) -> None:
    with pytest.raises(flow.FlowError, match=says):
        along(series, strategy, column, **more)


# Features of dates (the parts themselves: test_flow_featurize_date_time.py)


def test_parts_of_dates(series: Series) -> None:
    table = series(
        "Featurize datetime",
        input_column="t",
        output_column="date",
        output_mode="Ordinal",
        output_format="Columns",
        infer_datetime_format=False,
        date_time_format="",
        year=True,
        month=True,
        day=True,
        hour=True,
        minute=False,
        second=False,
        week_of_year=True,
        day_of_year=True,
        quarter=True,
    )
    names = [
        f"date_{part}" for part in ("year", "month", "day", "hour", "week_of_year", "day_of_year", "quarter")
    ]
    assert list(table.columns) == [*SCHEMA, *names]
    assert cells(table, "date_hour") == [2, 0, 3, 1, 0, 0]


# Lags


def test_the_whole_window_of_lags_as_columns(series: Series) -> None:
    table = series(
        "Lag features",
        sequence_column="n",
        id_column="id",
        timestamp_column="t",
        lag=2,
        entire_window=True,
        entire_window_True_parameters={"flatten": True},
        entire_window_False_parameters={"stale": 1},
        drop_rows=False,
    )
    assert list(table.columns) == [*SCHEMA, "n_lag_1", "n_lag_2"]
    assert cells(table, "n") == [1, 10, 40, None, 30, 2]  # rows stay where they are
    assert cells(table, "n_lag_1") == [2, None, None, 30, 10, None]
    assert cells(table, "n_lag_2") == [None, None, 30, 10, None, None]


def test_one_lag_and_rows_without_history(series: Series) -> None:
    block = {
        "sequence_column": "x",
        "timestamp_column": "t",
        "id_column": "id",
        "lag": 1,
        "entire_window": False,
    }
    table = series("Lag features", **block, drop_rows=True, output_column="before")
    assert cells(table, "before") == [None, None, 3, 1]
    assert cells(table, "n") == [1, 40, None, 30]
    assert cells(series("Lag features", **block), "x_lag_1") == [None, None, None, 3, 1, None]
    table = series("Lag features", **{**block, "entire_window": True, "lag": 2})
    assert [list(cell) for cell in table["x_lag"]][4] == [1.0, None] or math.isnan(table["x_lag"][4][1])


@pytest.mark.parametrize(("block", "says"), [({"lag": 0}, "'lag'"), ({"lag": 1, "n_lag_1": 2}, "'n_lag_1'")])
def test_lags_that_cannot_be(series: Series, block: dict[str, Any], says: str) -> None:
    with pytest.raises(flow.FlowError, match=says):
        series("Lag features", sequence_column="n", timestamp_column="t", **block)


# Features of windows and of series

FEATURES = ["sum_values", "median", "mean", "length", "standard_deviation", "variance", "maximum", "minimum"]


def test_features_of_the_values_before_each_row(series: Series) -> None:
    rows = [(f"2024-01-0{day}", "a", value, 0, "") for day, value in ((3, 4), (1, 1), (4, 0), (2, 3), (5, 9))]
    table = series(
        "Rolling window features",
        SCHEMA,
        rows,
        sequence_column="x",
        id_column="id",
        timestamp_column="t",
        window_size=2,
        flatten=True,
        strategy="Minimal subset",
    )
    assert list(table.columns) == [*SCHEMA, *(f"x__{name}" for name in FEATURES)]
    found = {day: list(table.iloc[place, 5:]) for place, day in enumerate((3, 1, 4, 2, 5))}
    assert all(math.isnan(value) for value in found[1])
    assert found[2] == [1, 1, 1, 1, 0, 0, 1, 1]
    assert found[3] == [4, 2, 2, 2, 1, 1, 3, 1]
    assert found[4] == [7, 3.5, 3.5, 2, 0.5, 0.25, 4, 3]
    assert found[5] == [4, 2, 2, 2, 2, 4, 4, 0]


def test_features_as_one_list_and_other_features(series: Series) -> None:
    block = {"sequence_column": "n", "timestamp_column": "t", "id_column": "id", "window_size": 3}
    table = series("Rolling window features", **block)
    assert list(table["n_features"][4]) == [10, 10, 10, 1, 0, 0, 10, 10]
    chosen = {"strategy": "Manual subset", "features": ["root_mean_square", "abs_energy"]}
    table = series("Rolling window features", **block, **chosen, flatten=True, output_column="o")
    assert (table["o__root_mean_square"][4], table["o__abs_energy"][4]) == (10, 100)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (
            {"strategy": "All features"},
            "needs the library tsfresh for the strategy 'all features'.*Minimal subset",
        ),
        ({"strategy": "Manual subset", "features": ["kurtosis"]}, "the feature 'kurtosis'"),
        ({"sequence_column": "s"}, "'s' is string, not a number"),
        ({"window_size": 0}, "'window_size'"),
    ],
)
def test_features_that_cannot_be(series: Series, more: dict[str, Any], says: str) -> None:
    block = {"sequence_column": "n", "timestamp_column": "t", "window_size": 3, **more}
    with pytest.raises(flow.FlowError, match=says):
        series("Rolling window features", **block)


# Series in cells


@pytest.fixture
def grouped(builder: Any, write_csv: Any) -> Callable[..., pd.DataFrame]:
    """Rows grouped to series, and then an operator on them."""

    def run(choice: str = "", **block: Any) -> pd.DataFrame:
        path: Path = write_csv("data.csv", list(SCHEMA), ROWS)
        builder.nodes.clear()
        typed = builder.types(builder.source(), SCHEMA)
        parameters = {
            "id_column": "id",
            "sequence_columns": ["x", "n"],
            "timestamp_column": "t",
            "include_start_end": True,
        }
        last = builder.add(
            "g", operator, {"operator": "Group by", "Group by_parameters": parameters}, [typed]
        )
        if choice:
            last = builder.add("step", operator, {"operator": choice, f"{choice}_parameters": block}, [last])
        return flow.preview(builder.read(), last, {"data.csv": path}, rows=100, engine=builder.engine)

    return run


def lists(table: pd.DataFrame, name: str) -> list[list[Any]]:
    return [[None if pd.isna(each) else each for each in cell.tolist()] for cell in table[name]]


def test_series_by_id_in_the_order_of_time(grouped: Any) -> None:
    table = grouped()
    assert list(table.columns) == ["id", "x_series", "n_series", "start_time", "end_time"]
    assert cells(table, "id") == ["b", "a"]
    assert lists(table, "x_series") == [[None, 5], [1, 3, None, 4]]
    assert lists(table, "n_series") == [[2, 1], [10, 30, None, 40]]
    assert [str(moment) for moment in table["end_time"]] == ["2024-01-01 02:00:00", "2024-01-01 03:00:00"]


def test_what_is_missing_in_cells(grouped: Any) -> None:
    block = {"hmic_strategy": "Forward fill", "hmic_sequence_column": "x_series", "hmic_output_column": ""}
    for kind in ("In cell", "Within cell", "Inside cell"):
        table = grouped(
            "Handle missing", **{"hm_input_type": kind, f"hm_input_type_{kind}_parameters": block}
        )
        assert lists(table, "x_series") == [[None, 5], [1, 3, 3, 4]]


def test_series_of_one_length(grouped: Any) -> None:
    table = grouped("Standardize length", sequence_column="n_series", cutoff_quantile=1.0)
    assert [len(cell) for cell in table["n_series"]] == [4, 4]
    assert lists(table, "n_series") == [[2, 1, None, None], [10, 30, None, 40]]
    table = grouped(
        "Standardize length", sequence_column="n_series", cutoff_quantile=0.5, output_column="o", flatten=True
    )
    assert (cells(table, "o_0"), cells(table, "o_1")) == ([2, 10], [1, 30])
    assert "o_2" not in table


def test_features_of_series_in_cells(grouped: Any) -> None:
    table = grouped("Standardize length", sequence_column="n_series", cutoff_quantile=0.5)
    assert lists(table, "n_series") == [[2, 1], [10, 30]]
    table = grouped("Extract features", sequence_column="n_series", strategy="Minimal subset", flatten=True)
    assert list(table.columns)[5:] == [f"n_series__{name}" for name in FEATURES]
    assert list(table.iloc[0, 5:]) == [3, 1.5, 1.5, 2, 0.5, 0.25, 2, 1]
    with pytest.raises(flow.FlowError, match="'id' is string, not a series"):
        grouped("Extract features", sequence_column="id")


def test_series_are_written_as_spark_writes_arrays(builder: Any, grouped: Any, tmp_path: Path) -> None:
    grouped()
    output = flow.Output("g", "default", tmp_path / "out")
    [written] = flow.execute(builder.read(), lambda _: [tmp_path / "data.csv"], [output])
    lines = written.paths[0].read_text().splitlines()
    assert lines[1] == 'b,"[null, 5.0]","[2, 1]",2024-01-01T00:00:00.000Z,2024-01-01T02:00:00.000Z'


# Ranges of timestamps


def test_rows_get_timestamps(series: Series) -> None:
    block = {"start_timestamp": "2024-01-01 17:00", "output_column": "when"}
    table = series("Datetime range", frequency={"offset_description": "Hourly", "quantity": 2}, **block)
    assert [moment.hour for moment in table["when"]] == [17, 19, 21, 23, 1, 3]
    table = series("Datetime range", frequency_type="Business day", frequency_quantity=1, **block)
    assert [moment.day for moment in table["when"]] == [1, 2, 3, 4, 5, 8]
    with pytest.raises(flow.FlowError, match="'tea time' is no timestamp"):
        series("Datetime range", frequency="Daily", output_column="w", start="tea time")


# All of them


@pytest.mark.parametrize(
    ("choice", "block"),
    [
        ("Validate timestamps", {"timestamp_column": "t"}),
        (
            "Resample",
            {"timestamp_column": "t", "id_column": "id", "frequency": {"offset_description": "Day"}},
        ),
        ("Lag features", {"sequence_column": "n", "timestamp_column": "t", "lag": 1}),
        (
            "Rolling window features",
            {"sequence_column": "n", "timestamp_column": "t", "window_size": 2, "flatten": True},
        ),
        ("Group by", {"id_column": "id", "sequence_columns": "x", "timestamp_column": "t"}),
        ("Datetime range", {"start": "2024-01-01", "frequency": "Daily", "output_column": "w"}),
    ],
)
def test_empty_tables(series: Series, choice: str, block: dict[str, Any]) -> None:
    table = series(choice, SCHEMA, [], **block)
    assert len(table) == 0
    assert len(table.columns) >= 2


def test_an_unknown_operator_names_the_known_ones(builder: Any) -> None:
    builder.add("step", operator, {"operator": "Forecast"}, [builder.source()])
    [problem] = flow.check(builder.read())
    for name in (
        "Validate timestamps",
        "Resample",
        "Handle missing",
        "Featurize datetime",
        "Lag features",
        "Rolling window features",
        "Group by",
        "Standardize length",
        "Extract features",
        "Datetime range",
    ):
        assert name in str(problem)
    assert json.dumps(str(problem))
