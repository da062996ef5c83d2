"""Analyses: their numbers against independent ones, their pictures and page, and what they refuse."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.ensemble import IsolationForest
from typer.testing import CliRunner

from helpers import flow
from helpers.flow.analyses.series import decompose
from helpers.flow.commands import app

package = "sagemaker.visualizations."
Make = Callable[..., flow.Analysis]
Rows = Sequence[Sequence[object]]


@pytest.fixture
def make(builder: Any, write_csv: Any) -> Make:
    """Make one analysis of typed rows, in this process."""

    def run(
        operator: str, parameters: Mapping[str, Any], schema: Mapping[str, str], rows: Rows, threads: int = 2
    ) -> flow.Analysis:
        from helpers.flow.analyses.making import analysis
        from helpers.flow.analyses.table import read
        from helpers.flow.duckdb_engine import DuckDBRun
        from helpers.flow.engine import evaluate

        builder.nodes.clear()
        path = write_csv("data.csv", list(schema), rows)
        typed = builder.types(builder.source(), schema)
        builder.add("look", package + operator + "_0.1", parameters, [typed], kind="VISUALIZATION")
        made = builder.read()
        problems = flow.check(made, ["look"])
        if problems:
            raise flow.FlowError(problems)
        with DuckDBRun(lambda _: [path], threads) as started:
            frame = evaluate(made, started, [(typed, "default")])[typed, "default"]
            return analysis(made.node("look"), read(frame, started), started)

    return run


PEOPLE = {"age": "long", "fare": "float", "sex": "string", "port": "string", "since": "date", "lived": "long"}


def people(count: int = 240) -> list[list[object]]:
    """Rows in which women live longer, the fare goes with age, and some values are missing."""
    rng = np.random.default_rng(5)
    rows: list[list[object]] = []
    for place in range(count):
        age = int(rng.integers(1, 80))
        sex = "female" if rng.random() < 0.4 else "male"
        lived = int(rng.random() < (0.8 if sex == "female" else 0.2))
        fare = round(age * 1.5 + rng.normal(0, 9), 3)
        port = ["S", "C", "Q"][int(rng.integers(0, 3))]
        day = f"2020-{place % 12 + 1:02d}-{place % 28 + 1:02d}"
        rows.append([age if place % 10 else "", fare, sex, port if place % 25 else "", day, lived])
    return rows


def frame(rows: Rows, schema: Mapping[str, str] = PEOPLE) -> pd.DataFrame:
    """The same rows in pandas."""
    table = pd.DataFrame(rows, columns=list(schema)).mask(lambda table: table == "")
    return table.astype({name: float for name, kind in schema.items() if kind in ("long", "float")})


# Pictures of a column or two


def test_histogram_counts_each_bin_colour_and_panel(make: Make) -> None:
    rows = people()
    made = make("histogram", {"x_axis": "FARE", "color_by": "sex", "facet_by": "lived"}, PEOPLE, rows).numbers
    want = frame(rows)
    edges = [each["from"] for each in made["bins"]] + [made["bins"][-1]["to"]]
    for each in made["counts"]:
        part = want[(want.lived == float(each["facet"])) & (want.sex == each["color"])]
        assert each["counts"] == np.histogram(part.fare, edges)[0].tolist()
    assert sum(sum(each["counts"]) for each in made["counts"]) == len(rows)
    assert len(made["counts"]) == 4 and made["x_axis"] == "fare" and made["missing"] == 0


def test_histogram_of_texts_is_by_frequency_and_of_few_whole_numbers_by_value(make: Make) -> None:
    rows = people()
    made = make("histogram", {"x_axis": "port", "name": "p"}, PEOPLE, rows).numbers
    counts = frame(rows).port.value_counts()
    assert dict(zip(made["bins"], made["counts"][0]["counts"], strict=True)) == counts.to_dict()
    assert made["bins"][0] == counts.idxmax() and made["missing"] == 10
    made = make("histogram", {"x_axis": "lived", "color_by": "", "facet_by": None}, PEOPLE, rows).numbers
    assert made["bins"] == ["0", "1"]
    assert made["counts"][0]["counts"] == frame(rows).lived.value_counts().sort_index().tolist()


def test_histogram_keeps_the_most_frequent_values_and_adds_up_the_others(make: Make) -> None:
    rows = [[f"v{place}"] for place in range(40) for _ in range(40 - place)]
    made = make("histogram", {"x_axis": "x"}, {"x": "string"}, rows).numbers
    assert made["bins"][:3] == ["v0", "v1", "v2"] and made["bins"][-1] == "(other)"
    assert sum(made["counts"][0]["counts"]) == len(rows) and made["counts"][0]["counts"][0] == 40


def test_the_panels_of_a_histogram_mark_their_medians(make: Make) -> None:
    rows = people()
    made = make("histogram", {"name": "Fares", "x_axis": "fare", "facet_by": "port"}, PEOPLE, rows)
    want = frame(rows).assign(port=frame(rows).port.fillna("(missing)")).groupby("port").fare.median()
    assert made.numbers["medians"] == pytest.approx(want.to_dict())
    assert ">Fares<" in made.svg and ">Histogram of fare<" not in made.svg
    assert "the line marks the median" in made.svg


def test_a_picture_of_few_colours_keeps_the_rare_ones() -> None:
    import io

    from matplotlib.image import imread

    from helpers.flow.analyses import style
    from helpers.flow.analyses.result import png

    with style.style():
        figure = style.canvas("Title", "said", "note")
        axes = style.one(figure)
        axes.imshow(np.linspace(-1, 1, 400).reshape(20, 20), cmap=style.diverging)
        axes.scatter([3], [3], color=style.pink)
        full = io.BytesIO()
        figure.savefig(full, format="png", dpi=144)
        few = png(figure)
    assert len(few) < len(full.getvalue()) / 2
    full.seek(0)
    difference = imread(io.BytesIO(few))[..., :3] - imread(full)[..., :3]
    assert np.abs(difference).max() < 8 / 255


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"), (-0.32551, "−0.3255"), (1e-6, "0.000001"), (0.0005, "0.000500"), (3.0, "3"),
        (1027.34, "1,027.3"), (1688094624.3, "1,688,094,624"), (1e-9, "1e−09"), (2.5e12, "2.5e+12"),
    ],
)  # fmt: skip
def test_numbers_in_pictures_are_written_for_people(value: float | None, text: str) -> None:
    from helpers.flow.analyses.style import number

    assert number(value) == text


def test_scatter_plot(make: Make) -> None:
    rows = people()
    parameters = {"x_axis": "age", "y_axis": "fare", "color_by": "sex", "facet_by": "port"}
    made = make("scatterplot", parameters, PEOPLE, rows).numbers
    both = frame(rows).dropna(subset=["age", "fare"])
    assert made["points"] == len(both)
    assert made["pearson"] == pytest.approx(stats.pearsonr(both.age, both.fare).statistic)
    women = both[both.sex == "female"]
    assert made["by_color"]["female"]["spearman"] == pytest.approx(
        stats.spearmanr(women.age, women.fare).statistic
    )
    assert set(made["by_facet"]) == {"S", "C", "Q", "(missing)"}


def test_table_summary(make: Make) -> None:
    rows = people()
    made = make("describe", {"name": "All"}, PEOPLE, rows)
    found, want = made.numbers["columns"], frame(rows)
    assert made.name == "All" and list(found) == list(PEOPLE)
    assert found["age"]["count"] == want.age.count() and found["age"]["missing"] == 24
    assert found["age"]["stddev"] == pytest.approx(want.age.std(ddof=1))
    assert (found["fare"]["min"], found["fare"]["max"]) == (want.fare.min(), want.fare.max())
    counts = want.sex.value_counts()
    assert (found["sex"]["min"], found["sex"]["max"]) == (counts.idxmin(), counts.idxmax())
    assert found["since"]["type"] == "date" and found["since"]["max"].startswith("2020-")


def test_duplicate_rows_null_equals_null(make: Make) -> None:
    rows = [[1, "x"]] * 3 + [[2, ""]] * 2 + [[3, "z"]]
    found = make("duplicate_rows", {"name": "d"}, {"a": "long", "b": "string"}, rows).numbers
    assert found["duplicate_rows"] == 3 and found["duplicate_ratio"] == 0.5
    assert found["most_frequent"] == [
        {"count": 3, "row": {"a": 1, "b": "x"}},
        {"count": 2, "row": {"a": 2, "b": None}},
    ]


# Models


def test_quick_model_classifies_up_to_a_hundred_values(make: Make) -> None:
    made = make("quick_model", {"label": "lived"}, PEOPLE, people(600)).numbers
    assert made["problem_type"] == "classification" and made["metric"] == "f1"
    assert made["training_rows"] == 420 and made["validation_rows"] == 180
    assert next(iter(made["importances"])) == "sex"
    assert sum(made["importances"].values()) == pytest.approx(1)
    assert 0.7 < made["score"] < 0.95 and made["score"] > made["scores"]["f1_of_the_largest_class"]


def test_quick_model_predicts_more_values_as_a_number(make: Make) -> None:
    made = make("quick_model", {"label": "fare"}, PEOPLE, people(600)).numbers
    assert made["problem_type"] == "regression" and next(iter(made["importances"])) == "age"
    assert made["score"] < made["scores"]["mse_of_the_mean"] / 2


def test_target_leakage_finds_the_copy_and_not_the_noise(make: Make) -> None:
    schema = {**PEOPLE, "copy": "string", "noise": "float"}
    rng = np.random.default_rng(0)
    rows = [[*row, f"class {row[-1]}", rng.random()] for row in people(1500)]
    parameters = {"target": "lived", "problem_type": "classification", "max_features": "4"}
    made = make("target_leakage", parameters, schema, rows).numbers
    assert made["metric"] == "auc" and len(made["scores"]) == 4 and made["sampled_rows"] == 1000
    assert made["scores"]["copy"] == pytest.approx(1) and made["verdicts"]["copy"] == "target leakage"
    assert 0.7 < made["scores"]["sex"] < 0.9 and made["verdicts"]["sex"] == "safe"
    everything = make("target_leakage", {**parameters, "max_features": 20}, schema, rows).numbers
    assert everything["scores"]["noise"] == pytest.approx(0.5, abs=0.08)


def test_target_leakage_of_a_number_is_r2(make: Make) -> None:
    made = make("target_leakage", {"target": "fare", "problem_type": "Regression"}, PEOPLE, people()).numbers
    assert made["metric"] == "r2" and next(iter(made["scores"])) == "age" and made["scores"]["age"] > 0.7
    assert made["scores"]["sex"] < 0.1


# Columns among themselves


def test_linear_correlation(make: Make) -> None:
    rows = people()
    made = make("feature_correlation", {"correlation_type": "linear"}, PEOPLE, rows).numbers
    want = frame(rows)
    assert made["columns"] == ["age", "fare", "sex", "port", "lived"] and made["left_out"] == ["since"]
    assert made["matrix"]["age"]["fare"] == pytest.approx(want.age.corr(want.fare))
    # The categories that predict the number best are its means: the correlation is eta.
    best = want.fare.groupby(want.port).transform("mean")
    assert made["matrix"]["fare"]["port"] == pytest.approx(best.corr(want.fare.where(want.port.notna())))
    assert made["matrix"]["sex"]["port"] is None
    assert made["strongest"][0]["columns"] == ["age", "fare"]


def test_non_linear_correlation(make: Make) -> None:
    rows = people()
    made = make("feature_correlation", {"correlation_type": "non-linear"}, PEOPLE, rows).numbers
    want = frame(rows)
    both = want.dropna(subset=["age", "fare"])
    assert made["matrix"]["age"]["fare"] == pytest.approx(stats.spearmanr(both.age, both.fare).statistic)
    table = pd.crosstab(want.sex, want.port)
    assert made["matrix"]["sex"]["port"] == pytest.approx(stats.contingency.association(table, "cramer"))


COLLINEAR = {"a": "float", "b": "float", "c": "float", "y": "long"}


def collinear() -> list[list[object]]:
    return [[t, t * t % 17, t + t * 7 % 5 * 4, int(t * t % 17 > 8)] for t in range(40)]


def test_variance_inflation_factors(make: Make) -> None:
    rows = [row[:3] for row in collinear()]
    schema = dict.fromkeys("abc", "float")
    found = make("multicolinearity", {"analysis": "Variance inflation factors"}, schema, rows).numbers["vif"]
    # What variance_inflation_factor of statsmodels 0.15 gives, with a constant.
    assert found == pytest.approx({"a": 5.436169559360793, "b": 1.000487219072481, "c": 5.437005750543502})
    copies = [[row[0], row[1], 2 * float(str(row[0])) + 1] for row in rows]
    found = make("multicolinearity", {"name": "Untitled"}, schema, copies).numbers["vif"]
    assert found["a"] == found["c"] == 50 and 1 <= found["b"] < 1.1


def test_principal_components(make: Make) -> None:
    parameters = {"analysis": "Principal component analysis"}
    made = make("multicolinearity", parameters, dict.fromkeys("abc", "float"), [r[:3] for r in collinear()])
    data = pd.DataFrame(collinear())[[0, 1, 2]].astype(float)
    variances = np.linalg.eigvalsh(np.corrcoef(data.T))[::-1]
    assert made.numbers["variances"] == pytest.approx(variances.tolist())
    assert made.numbers["components_for_95_percent"] == 2


def test_lasso_keeps_what_predicts(make: Make) -> None:
    parameters = {"analysis": "Lasso feature selection", "label": "y", "problem_type": "classification"}
    made = make("multicolinearity", parameters, COLLINEAR, collinear()).numbers
    assert next(iter(made["coefficients"])) == "b" and made["coefficients"]["b"] > 0
    parameters = {"analysis": "lasso", "target_column": "c", "problem_type": "Regression"}
    made = make("multicolinearity", parameters, COLLINEAR, collinear()).numbers
    assert next(iter(made["coefficients"])) == "a"
    with pytest.raises(flow.OperatorError, match="needs the column to be predicted"):
        make("multicolinearity", {"analysis": "Lasso"}, COLLINEAR, collinear())


# Bias

HIRED = {"sex": "string", "hired": "long", "school": "string", "years": "float"}
EVERY_METRIC = dict.fromkeys(("CI", "DPL", "KL", "JS", "LP", "TVD", "KS", "CDDL"), True)


def hired() -> list[list[object]]:
    """40 men, 24 hired; 10 women, 2 hired: q_a = 0.6, q_d = 0.2."""
    men = [["m", int(place < 24), "A" if place % 2 else "B", place] for place in range(40)]
    women = [["f", int(place < 2), "A" if place < 6 else "B", place] for place in range(10)]
    return [*men, *women, ["", 1, "A", 1], ["f", "", "A", 1]]


def bias(**more: Any) -> dict[str, Any]:
    return {"label_name": "hired", "facet_name": "sex", "label_values": "1", **more}


def test_bias_metrics_as_clarify_defines_them(make: Make) -> None:
    parameters = bias(
        facet_values="f", group_name="school", show_additional_metrics="yes", metrics=EVERY_METRIC
    )
    made = make("bias_report", parameters, HIRED, hired()).numbers
    [found] = made["facets"]
    assert made["rows_left_out"] == 2 and found["rows"] == 10
    log = np.log
    # School A: 20 men, 12 hired, and 6 women, 2 hired. School B: 20 men, 12 hired, and 4 women, none.
    disparity = 26 / 50 * (4 / 12 - 2 / 14) + 24 / 50 * (4 / 12 - 0)
    want = {
        "CI": (40 - 10) / 50,
        "DPL": 0.6 - 0.2,
        "KL": 0.4 * log(0.4 / 0.8) + 0.6 * log(0.6 / 0.2),
        "JS": (0.4 * log(0.4 / 0.6) + 0.6 * log(0.6 / 0.4) + 0.8 * log(0.8 / 0.6) + 0.2 * log(0.2 / 0.4)) / 2,
        "LP": np.sqrt(2 * 0.4**2),
        "TVD": 0.4,
        "KS": 0.4,
        "CDDL": disparity,
    }
    assert found["metrics"] == pytest.approx(want)


def test_bias_of_every_value_and_by_threshold(make: Make) -> None:
    default = {"CI": True, "DPL": True, "JS": True, "CDDL": False}
    made = make("bias_report", bias(default_metrics=default, facet_values=""), HIRED, hired()).numbers
    men, women = made["facets"]
    assert men["facet"] == "= m" and set(men["metrics"]) == {"CI", "DPL", "JS"}
    assert men["metrics"]["DPL"] == pytest.approx(-women["metrics"]["DPL"])
    parameters = bias(
        facet_name="years", is_facet_value_or_threshold="threshold", facet_values="19",
        is_label_value_or_threshold="threshold", label_values="0",
    )  # fmt: skip
    [above] = make("bias_report", parameters, HIRED, hired()).numbers["facets"]
    assert above["rows"] == 20 and above["positive"] == pytest.approx(4 / 20)


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        (bias(label_values="7"), "no row has a positive outcome"),
        (bias(facet_values="x"), "no row is in the group"),
        (bias(metrics={"CDDL": True}), "CDDL needs the column of subgroups"),
        (
            bias(facet_name="years", is_facet_value_or_threshold="threshold"),
            "a threshold of the facet is missing",
        ),
        (bias(is_facet_value_or_threshold="threshold", facet_values="3"), "not a number"),
    ],
)
def test_bias_refuses(make: Make, parameters: dict[str, Any], says: str) -> None:
    with pytest.raises(flow.OperatorError, match=says):
        make("bias_report", parameters, HIRED, hired())


def test_an_unknown_bias_metric_names_the_known(make: Make) -> None:
    with pytest.raises(flow.FlowError, match="unknown metric XX; known are CI, DPL"):
        make("bias_report", bias(metrics={"XX": True}), HIRED, hired())


# Time


def test_trend_and_season_are_parted_by_stl() -> None:
    t = np.arange(42)
    season = 4 * np.sin(2 * np.pi * t / 7)
    parts = decompose(10 + 0.3 * t + season, 7)
    # A straight line and a season that repeats come apart exactly.
    assert parts.trend == pytest.approx(10 + 0.3 * t)
    assert parts.seasonal == pytest.approx(season)
    assert parts.resid == pytest.approx(np.zeros(42), abs=1e-9)


def daily(count: int = 140) -> list[list[object]]:
    days = pd.date_range("2021-03-01", periods=count).strftime("%Y-%m-%d")
    wave = 50 + 0.1 * np.arange(count) + 8 * np.sin(2 * np.pi * np.arange(count) / 7)
    wave += np.random.default_rng(3).normal(0, 1, count)
    wave[70] += 40
    rows = [[day, value, "a"] for day, value in zip(days, wave, strict=True) if day != "2021-04-01"]
    return rows[::-1]


SERIES = {"day": "date", "sales": "float", "shop": "string"}


def test_anomalies_in_time(make: Make) -> None:
    parameters = {"timestamp_column": "day", "sequence_column": "sales", "anomaly_threshold": "3.5"}
    made = make("anomaly_detection", parameters, SERIES, daily()).numbers
    [series] = made["series"]
    assert (series["period"], series["step"], series["count"]) == (7, "day", 140)
    assert series["interpolated"] == 1 and made["anomaly_threshold"] == 3.5
    assert "2021-05-10T00:00:00" in [each["moment"] for each in series["anomalies"]]
    assert series["anomaly_count"] <= 3
    rest = [abs(each["residual"] - series["residual_mean"]) for each in series["anomalies"]]
    assert min(rest) > 3.5 * series["residual_stddev"]


def test_trend_and_season(make: Make) -> None:
    parameters = {"timestamp_column": "day", "sequence_column": "sales", "id_column": "shop", "period": 7}
    [series] = make("seasonal_trend_decomposition", parameters, SERIES, daily()).numbers["series"]
    assert series["name"] == "a" and series["seasonal_strength"] > 0.6
    parts = [np.array(series[name]) for name in ("trend", "seasonal", "residual")]
    assert sum(parts) == pytest.approx(np.array(series["observed"]))
    assert np.polyfit(np.arange(140), parts[0], 1)[0] == pytest.approx(0.1, abs=0.03)


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"timestamp_column": "shop", "sequence_column": "sales"}, "holds no moments"),
        ({"timestamp_column": "day", "sequence_column": "shop"}, "'shop' is string, not a number"),
        (
            {"timestamp_column": "day", "sequence_column": "sales", "period": 100},
            "less than two periods of 100",
        ),
    ],
)
def test_time_series_refuse(make: Make, parameters: dict[str, Any], says: str) -> None:
    with pytest.raises(flow.OperatorError, match=says):
        make("seasonal_trend_decomposition", parameters, SERIES, daily())


# The insights report


def insights(target: str | None = None, problem: str | None = None) -> dict[str, Any]:
    inside = {"target_column": target, "problem_type": problem} if target else {}
    return {"name": "Report", "report_content": "Summary", "insights_report_parameters": inside}


class Page(HTMLParser):
    """Tags that are opened and closed, and what a page would load or run."""

    void = ("meta", "rect", "line", "br", "wbr", "link", "img")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.bad: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = dict(attributes)
        if tag in ("script", "link", "img", "iframe") or "src" in values:
            self.bad.append(tag)
        self.ids.append(values.get("id") or "")
        self.links.append(values.get("href") or "#")
        if tag not in self.void:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.void and (not self.open or self.open.pop() != tag):
            self.bad.append(f"/{tag}")


def read_page(text: str) -> Page:
    page = Page()
    page.feed(text)
    assert page.bad == [] and page.open == []
    assert {link[1:] for link in page.links if link != "#"} <= set(page.ids)
    return page


def test_the_report_of_a_class(make: Make) -> None:
    schema = {**PEOPLE, "copy": "string", "same": "string", "number": "long", "unsure": "string"}
    rows = [
        [*row, f"class {row[-1]}", "x", place, "unknown" if place % 9 == 0 else "abcd"[place % 4]]
        for place, row in enumerate(people(400))
    ]
    rows += rows[-30:]
    made = make("data_insights_report", insights("lived", "Classification"), schema, rows)
    numbers = made.numbers
    assert numbers["problem_type"] == "BinaryClassification" and numbers["rows"] == 430
    assert numbers["duplicate_ratio"] == pytest.approx(30 / 430)
    found = {(each["severity"], each["title"], each["column"]) for each in numbers["warnings"]}
    assert {
        ("High", "Target leakage", "copy"),
        ("Medium", "Duplicate rows", None),
        ("Medium", "Constant column", "same"),
        ("Medium", "Disguised missing values", "unsure"),
        ("Low", "Missing values", "age"),
    } <= found
    severities = [each["severity"] for each in numbers["warnings"]]
    assert severities == sorted(severities, key=["High", "Medium", "Low"].index)
    model = numbers["quick_model"]
    assert model["training_rows"] == 344 and model["validation_rows"] == 86
    assert np.sum(model["confusion_matrix"]) == 86 and model["validation"]["AUC"] == pytest.approx(1)
    assert model["guessing"]["AUC"] == pytest.approx(0.5)
    stats_ = numbers["col_stats"]
    want = frame(rows, schema)
    assert stats_["copy"]["prediction_power"] == pytest.approx(1)
    assert 0.3 < stats_["sex"]["prediction_power"] < 0.8
    assert stats_["fare"]["skew"] == pytest.approx(stats.skew(want.fare))
    assert stats_["fare"]["kurtosis"] == pytest.approx(stats.kurtosis(want.fare, fisher=False))
    assert stats_["age"]["median"] == want.age.median()
    assert numbers["col_types"]["since"] == "datetime" and numbers["col_types"]["sex"] == "binary"
    assert made.page is not None
    read_page(made.page)
    assert "Target leakage" in made.page and "Confusion matrix" in made.page


def test_the_report_of_a_number(make: Make) -> None:
    rows = people(300)
    rows[7][1], rows[9][1] = 5000, ""
    made = make("data_insights_report", insights("fare", "Regression"), PEOPLE, rows)
    numbers = made.numbers
    assert numbers["problem_type"] == "Regression"
    titles = {each["title"] for each in numbers["warnings"]}
    assert {"Outliers in the target", "Skewed target", "Missing target"} <= titles
    values = frame(rows).fare.dropna()
    clipped = values.clip(*values.quantile([0.05, 0.95]))
    limits = [values.median() - 5 * clipped.std(ddof=0), values.median() + 5 * clipped.std(ddof=0)]
    assert numbers["col_stats"]["fare"]["outlier_limits"] == pytest.approx(limits)
    assert numbers["col_stats"]["fare"]["outlier_count"] == 1
    assert set(numbers["quick_model"]["validation"]) >= {"R2", "RMSE", "MAE", "MSE", "Max error"}
    read_page(made.page or "")


def test_the_report_of_many_classes_and_of_none(make: Make) -> None:
    rows = [[place % 5, (place * 7) % 13 + place % 5 * 20] for place in range(300)] + [[9, 1], [9, 2]]
    made = make("data_insights_report", insights("k", "Classification"), {"k": "long", "v": "float"}, rows)
    assert made.numbers["problem_type"] == "MulticlassClassification"
    assert {"Too few instances of a class"} <= {each["title"] for each in made.numbers["warnings"]}
    assert len(made.numbers["quick_model"]["confusion_matrix"]) == 5
    made = make("data_insights_report", {"report_content": "Summary"}, {"k": "long", "v": "float"}, rows)
    assert "target_column" not in made.numbers and "quick_model" not in made.numbers
    read_page(made.page or "")


def test_the_most_anomalous_row_is_the_strange_one(make: Make) -> None:
    rng = np.random.default_rng(1)
    rows = [[*rng.normal(0, 1, 3).round(6)] for _ in range(300)]
    rows[123] = [25, -30, 28]
    made = make("data_insights_report", {}, {"a": "float", "b": "float", "c": "float"}, rows).numbers
    assert made["anomalous_samples"][0]["row"] == 123 and made["anomalous_samples"][0]["score"] < 0
    plain = IsolationForest(random_state=0).fit(rows).decision_function(rows)
    assert plain.argmin() == 123


# What may come


EVERY = {
    "histogram": {"x_axis": "a", "color_by": "b", "facet_by": "c"},
    "scatterplot": {"x_axis": "a", "y_axis": "a", "color_by": "b"},
    "describe": {},
    "duplicate_rows": {},
    "quick_model": {"label": "b"},
    "target_leakage": {"target": "b", "problem_type": "classification"},
    "feature_correlation": {"correlation_type": "non-linear"},
    "multicolinearity": {"analysis": "Variance inflation factors"},
    "bias_report": {"label_name": "b", "facet_name": "c", "label_values": "x"},
    "data_insights_report": {"insights_report_parameters": {"target_column": "b"}},
    "anomaly_detection": {"timestamp_column": "a", "sequence_column": "a"},
}
TABLES: dict[str, Rows] = {
    "empty": [],
    "one row": [[1, "x", "y"]],
    "nothing but nulls": [["", "", ""]] * 30,
    "one value": [[1, "x", "y"]] * 30,
    "strange": [[float(f"1e{place * 10}"), "<b>$x$ & \"'", "日本 \u202e"] for place in range(30)],
    "all different": [[place, f"t{place}", f"u{place}"] for place in range(300)],
    "mixed": [[place % 7 if place % 4 else "", "xyz"[place % 3], "pq"[place % 2]] for place in range(60)],
}


@pytest.mark.parametrize("operator", EVERY)
def test_odd_tables_give_a_picture_or_one_clear_message(make: Make, operator: str) -> None:
    for name, rows in TABLES.items():
        try:
            made = make(operator, EVERY[operator], {"a": "float", "b": "string", "c": "string"}, rows)
        except flow.OperatorError as error:
            expected = name != "mixed" or operator == "multicolinearity"
            assert expected, f"{operator} refuses {name}: {error}"
            assert re.match(r"[^A-Z\n]+", error.message) and error.message
            continue
        assert made.picture.startswith(b"\x89PNG") and len(made.picture) > 2000
        ElementTree.fromstring(made.svg)
        json.dumps(made.numbers, allow_nan=False)
        if made.page:
            assert "<b>$x$" not in made.page
            read_page(made.page)


def test_names_of_columns_are_no_markup(make: Make) -> None:
    schema = {"<script>alert(1)</script>": "float", "$\\frac$": "float", "a.b `c`": "string"}
    rows = [[place, place * 2 % 7, "k" if place % 3 else "l"] for place in range(60)]
    for operator, parameters in (
        ("data_insights_report", insights("a.b `c`")),
        ("feature_correlation", {"correlation_type": "linear"}),
        ("histogram", {"x_axis": "$\\frac$", "color_by": "a.b `c`"}),
        ("describe", {}),
    ):
        made = make(operator, parameters, schema, rows)
        assert "<script>" not in made.svg
        read_page(made.page or "")


@pytest.mark.parametrize(
    ("operator", "parameters", "says"),
    [
        ("histogram", {"x_axis": "agee"}, "there is no column 'agee'"),
        ("scatterplot", {"x_axis": "sex", "y_axis": "age"}, "'sex' is string, not a number"),
        ("quick_model", {"label": "nothing"}, "there is no column 'nothing'"),
        ("target_leakage", {"target": "sex", "problem_type": "regression"}, "'sex' is string, not a number"),
    ],
)
def test_wrong_columns(make: Make, operator: str, parameters: dict[str, Any], says: str) -> None:
    with pytest.raises(flow.OperatorError, match=says):
        make(operator, parameters, PEOPLE, people(30))


@pytest.mark.parametrize(
    ("operator", "parameters", "says"),
    [
        ("histogram", {}, "'x_axis': is missing"),
        (
            "histogram",
            {"x_axis": "a", "bins": 3},
            "'bins'.* is not a parameter.*Its parameters: .*x_axis, color_by",
        ),
        ("feature_correlation", {"correlation_type": "cubic"}, "'linear' or 'non-linear'"),
        ("target_leakage", {"target": "a", "max_features": "many"}, "max_features"),
        ("multicolinearity", {"analysis": "tea leaves"}, "'VIF', 'PCA' or 'Lasso'"),
        ("data_insights_report", {"insights_report_parameters": {"target": "a"}}, "target"),
    ],
)
def test_wrong_parameters(make: Make, operator: str, parameters: dict[str, Any], says: str) -> None:
    with pytest.raises(flow.FlowError, match=says):
        make(operator, parameters, {"a": "long"}, [[1]])


def test_the_same_bytes_each_time_and_with_any_number_of_threads(make: Make) -> None:
    for operator, parameters in (
        ("data_insights_report", insights("lived", "Classification")),
        ("quick_model", {"label": "lived"}),
        ("target_leakage", {"target": "lived"}),
        ("scatterplot", {"x_axis": "age", "y_axis": "fare"}),
    ):
        one, two = (make(operator, parameters, PEOPLE, people(), threads) for threads in (1, 3))
        assert one == two


def test_at_most_a_hundred_thousand_rows_are_looked_at(make: Make) -> None:
    rows = [[place] for place in range(100_500)]
    made = make("describe", {}, {"a": "long"}, rows).numbers
    assert made["rows"] == 100_000 and made["rows_in_all"] == 100_500
    assert made["columns"]["a"]["max"] == 99_999


# The child process and the command


def whole(builder: Any, write_csv: Any) -> tuple[flow.Flow, Path]:
    path = write_csv("data.csv", list(PEOPLE), people())
    typed = builder.types(builder.source(), PEOPLE)

    def add(node_id: str, operator: str, parameters: Mapping[str, Any], before: str = typed) -> None:
        builder.add(node_id, package + operator + "_0.1", parameters, [before], kind="VISUALIZATION")

    add("one", "histogram", {"name": "Ages", "x_axis": "age"})
    add("two", "data_insights_report", insights("lived"))
    add("three", "histogram", {"name": "Lost", "x_axis": "gone"})
    builder.add(
        "broken", "sagemaker.spark.custom_formula_0.1", {"formula": "gone + 1", "output_column": "x"}, [typed]
    )
    add("four", "describe", {"name": "Ages"}, "broken")
    return builder.read(), path


def test_analyze_gives_a_result_for_notebooks(builder: Any, write_csv: Any) -> None:
    made, path = whole(builder, write_csv)
    told: list[str] = []
    result = flow.analyze(made, "one", {"data.csv": path}, progress=told.append, time_limit=120)
    assert result.name == "Ages" and result.numbers["x_axis"] == "age"
    assert any("Histogram of age" in text for text in told)
    picture, size = result._repr_png_()
    assert picture == result.picture and 500 < size["width"] < 900
    assert result._repr_html_() is None
    report = flow.analyze(made, "Report", {"data.csv": path})
    assert (report._repr_html_() or "").startswith("<iframe srcdoc=") and report.page
    with pytest.raises(flow.FlowError, match=r"Several analyses are called 'Ages'.*one, four"):
        flow.analyze(made, "Ages", {"data.csv": path})
    with pytest.raises(flow.FlowError, match=r"no analysis 'types of data\.csv'. Its analyses: Ages \(one\)"):
        flow.analyze(made, "types of data.csv", {"data.csv": path})
    with pytest.raises(flow.FlowError, match=r"took longer than 0\.2 seconds"):
        flow.analyze(made, "one", {"data.csv": path}, time_limit=0.2)
    assert len(flow.preview(made, "one", {"data.csv": path}, rows=3)) == 3


def test_the_command_writes_what_works_and_says_what_does_not(
    builder: Any, write_csv: Any, tmp_path: Path
) -> None:
    made, path = whole(builder, write_csv)
    file = made.write(tmp_path / "x.flow")
    arguments = ["analyze", str(file), "--output", str(tmp_path / "out"), "--source", f"data.csv={path}"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 2 and "Traceback" not in done.output
    said = done.output.replace("\n", " ")
    assert "Lost (sagemaker.visualizations.histogram_0.1)" in said and "there is no column 'gone'" in said
    assert "broken (sagemaker.spark.custom_formula_0.1)" in said
    names = sorted(each.name for each in (tmp_path / "out").iterdir())
    report = [f"Report.{ending}" for ending in ("html", "json", "png", "svg")]
    assert names == ["Ages-one.json", "Ages-one.png", "Ages-one.svg", *report]
    one = CliRunner().invoke(app, [*arguments[:2], "--node", "three", *arguments[2:], "-q"])
    assert one.exit_code == 2 and "there is no column 'gone'" in one.output.replace("\n", " ")
    (tmp_path / "taken").write_text("a file")
    bad = CliRunner().invoke(
        app, ["analyze", str(file), "--node", "one", "--output", str(tmp_path / "taken"), *arguments[4:]]
    )
    assert bad.exit_code == 2 and "cannot be written" in bad.output
