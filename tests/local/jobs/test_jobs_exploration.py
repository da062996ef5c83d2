"""The data exploration notebook of AutoML jobs: what it finds, and that it stands whatever the data."""

import datetime
import decimal
import json
from typing import Any

import nbformat
import numpy as np
import pandas as pd
import pytest
from jobs_harness import BUCKET, RunningJob, State, music_table
from nbconvert import HTMLExporter
from scipy import stats

from helpers import explore as lesson
from helpers.local.jobs.automl import column_kinds
from helpers.local.jobs.automl.exploration import explore, notebook, relations, sections, target, writing
from helpers.local.jobs.automl.exploration.facts import Facts, Insight


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


def written(facts: Facts) -> dict[str, str]:
    """The Markdown of each section, of a notebook that is valid."""
    content = notebook.as_json("Data exploration", sections.every(facts))
    assert len(content) < 1_000_000
    nbformat.validate(nbformat.reads(content.decode(), as_version=4))
    cells = json.loads(content)["cells"]
    assert all(cell["cell_type"] == "markdown" for cell in cells)
    return {cell["id"]: "".join(cell["source"]) for cell in cells}


def found(facts: Facts, title: str) -> list[Insight]:
    """The insights of a title."""
    return [insight for insight in facts.insights if insight.title == title]


def columns_of(insights: list[Insight]) -> list[str]:
    """The columns that insights are about."""
    return [finding.column for insight in insights for finding in insight.findings]


def test_a_number_to_predict_is_described_in_all_usable_rows() -> None:
    # 0 to 9 ten times each, and one 100: the mean is (45 * 10 + 100) / 101, the median the 51st value.
    values = [*range(10)] * 10 + [100, None, "inf", " ", "abc", "abc"]
    facts = explore(pd.DataFrame({"y": values, "x": range(106)}), "y", "Regression", "job").target
    assert (facts.rows, facts.valid, facts.missing, facts.invalid, facts.distinct) == (106, 101, 2, 3, 11)
    assert facts.dropped == (("(missing)", 2), ("abc", 2), ("inf", 1))
    assert facts.numbers is not None
    assert facts.numbers.mean == pytest.approx(550 / 101)
    assert facts.numbers.median == 5
    assert (facts.numbers.minimum, facts.numbers.quarter, facts.numbers.three_quarters) == (0, 2, 7)
    # The squares of 0 to 9 add up to 285.
    variance = (285 * 10 + 100**2 - 550**2 / 101) / 100
    assert facts.numbers.deviation == pytest.approx(variance**0.5)
    usable = [*range(10)] * 10 + [100]
    assert facts.numbers.skew == pytest.approx(stats.skew(usable))
    assert facts.outlier_count == 1
    assert facts.outliers[0].value == 100
    assert facts.outliers[0].z == pytest.approx((100 - 550 / 101) / variance**0.5)
    assert sum(facts.numbers.counts) == 101
    assert facts.numbers.counts[:3] == (40, 30, 30)  # bins of 100 / 30: 0 to 3, 4 to 6, 7 to 9


def test_classes_are_counted_and_rare_ones_named() -> None:
    values = [" yes"] * 60 + ["yes"] * 40 + ["no"] * 8 + [1.0] * 12 + [None, ""]
    facts = explore(pd.DataFrame({"y": values, "x": range(122)}), "y", "MulticlassClassification", "job")
    assert facts.target.classes == (("yes", 100), ("1", 12), ("no", 8))
    assert (facts.target.valid, facts.target.missing, facts.target.invalid) == (120, 2, 0)
    assert found(facts, "Rare labels")[0].severity == "High"
    assert (
        "1 of 3 labels are in fewer than 10 rows: no (8)" in found(facts, "Rare labels")[0].findings[0].text
    )
    assert "yes has 12 times the rows of no" in found(facts, "Imbalanced classes")[0].findings[0].text
    assert found(facts, "Rows without a target")[0].severity == "Medium"  # 2 of 122
    assert "| yes | 100 | 83.3 % |" in written(facts)["target-analysis"]


def test_what_should_be_done_is_found_with_its_columns() -> None:
    rows = 200
    random = np.random.default_rng(0)
    table = pd.DataFrame({"y": random.normal(size=rows)})
    table["leak"] = table["y"] * 3 + 1
    table["same"] = ["A"] * rows
    table["nearly"] = [1] + [0] * (rows - 1)
    table["id"] = [f"P{row}" for row in range(rows)]
    table["gaps"] = [None] * 90 + list(random.normal(size=rows - 90))
    table["few gaps"] = [None] * 10 + list(random.normal(size=rows - 10))  # 5 %: not yet worth a word
    table["empty"] = None
    table["junk"] = [*(str(row % 50) for row in range(rows - 2)), "12 kg", "12 kg"]
    table["thousands"] = [f"{row % 40 + 1},500" for row in range(rows)]
    table["asked"] = ["?"] * 20 + ["a", "b"] * 90
    table["endless"] = [np.inf] * 3 + list(random.normal(size=rows - 3))
    table["telling"] = [None if value > 0 else 1.0 + value for value in table["y"]]
    facts = explore(table, "y", "Regression", "job")
    assert columns_of(found(facts, "Target leakage")) == ["leak", "telling"]
    assert columns_of(found(facts, "Constant columns")) == ["same"]
    assert columns_of(found(facts, "Almost constant columns")) == ["nearly"]
    assert columns_of(found(facts, "Identifiers")) == ["id"]
    assert columns_of(found(facts, "Empty columns")) == ["empty"]
    assert sorted(columns_of(found(facts, "Missing values"))) == ["gaps", "telling"]
    assert columns_of(found(facts, "Gaps that tell the target")) == ["telling"]
    assert columns_of(found(facts, "Values that are no numbers")) == ["junk"]
    assert "2 cells, such as 12 kg" in found(facts, "Values that are no numbers")[0].findings[0].text
    assert columns_of(found(facts, "Numbers with separators")) == ["thousands"]
    assert columns_of(found(facts, "Disguised gaps")) == ["asked"]
    assert columns_of(found(facts, "Infinite values")) == ["endless"]
    severities = [insight.severity for insight in facts.insights]
    assert severities == sorted(severities, key=["High", "Medium", "Low"].index)
    cells = written(facts)
    assert "| High | Target leakage | <code>leak</code>, <code>telling</code> |" in cells["dataset-summary"]
    assert "**What to do:** Ask whether the value is known" in cells["cross-column-statistics"]
    assert "| <code>gaps</code> | 90 | 45.0 % | 0 |" in cells["missing-values"]
    assert "| <code>id</code> | categorical | 200 | 100 % | each value once |" in cells["cardinality"]


def test_associations_are_those_of_scipy() -> None:
    random = np.random.default_rng(1)
    values = random.normal(size=(300, 3))
    values[:, 1] += values[:, 0]
    values[random.random(300) < 0.1, 2] = np.nan
    frame = pd.DataFrame(values)
    np.testing.assert_allclose(relations.pairwise(values), frame.corr().to_numpy(), atol=1e-12)
    expected = stats.pearsonr(values[:, 0], values[:, 1]).statistic
    assert relations.pearson(values[:, 0], values[:, 1]) == pytest.approx(expected)
    # Labels that tell the number exactly, labels that tell nothing, and one label in every row.
    labels = np.repeat([0, 1, 2], 100)
    assert relations.correlation_ratio(labels, labels * 5.0) == pytest.approx(1)
    assert relations.correlation_ratio(np.tile([0, 1], 150), np.repeat([1.0, 2.0], 150)) == 0
    assert relations.correlation_ratio(np.arange(300), values[:, 0]) is None
    assert relations.cramers_v(labels, 2 - labels) == pytest.approx(1)
    assert relations.cramers_v(labels, np.tile([0, 1], 150)) == 0
    # Without the correction the ratio is that of an analysis of variance: F = between / within.
    groups = [values[labels == label, 0] for label in range(3)]
    statistic = stats.f_oneway(*groups).statistic
    explained = 2 * statistic / (2 * statistic + 297)
    corrected = max(0.0, 1 - (1 - explained) * 299 / 297)
    assert relations.correlation_ratio(labels, values[:, 0]) == pytest.approx(corrected**0.5)


def test_rows_that_repeat_and_rows_that_disagree_are_counted() -> None:
    table = pd.DataFrame(
        {"a": [1, 1, 1, 2, 2, 3, None, None], "b": [*"xxxyyz", "w", "w"], "y": [5, 5, 5, 1, 2, 3, 4, 4]}
    )
    facts = explore(table, "y", "Regression", "job").duplicates
    assert (facts.looked_at, facts.repeated, facts.conflicting) == (8, 3, 2)
    assert facts.examples == ((0, 3), (6, 2))
    assert facts.sample is not None
    assert facts.sample.rows[0] == (0, ("5", "1", "x"))


def test_the_oddest_row_and_the_cell_that_makes_it_odd_are_named() -> None:
    table = music_table(400)
    table.loc[123, "tempo"] = 900.0
    table.loc[321, "mood"] = "furious"
    rows = explore(table, "Rating", "Regression", "job").anomalies.rows
    assert rows[0].row == 123
    assert (rows[0].reasons[0].column, rows[0].reasons[0].value) == ("tempo", "900")
    (mood,) = [row for row in rows if row.row == 321]
    assert (mood.reasons[0].column, mood.reasons[0].value) == ("mood", "furious")


HOSTILE: dict[str, Any] = {
    "nothing": [None] * 60,
    "not a number": [np.nan] * 60,
    "long": ["z" * 10_000] * 60,
    "|pipe| `code` <script>alert(1)</script>\nline $a$ *b* [x](y)": range(60),
    "日本語 😀": ["ä|", "`b`\n", "<b>"] * 20,
    "decimal": [decimal.Decimal(row) / 7 for row in range(60)],
    "bytes": [b"\xff\x00", b"b"] * 30,
    "list": [[row, row + 1] for row in range(60)],
    "dictionary": [{"a": row % 4} for row in range(60)],
    "set": [{row % 3} for row in range(60)],
    "zone": pd.date_range("2020-01-01", periods=60, tz="Asia/Tokyo"),
    "zones": [pd.Timestamp("2020-01-01", tz="UTC"), pd.Timestamp("2020-01-01", tz="Asia/Tokyo")] * 30,
    "far": np.array(["0001-01-01", "9999-12-31"] * 30, dtype="datetime64[s]"),
    "day": [datetime.date(2020, 2, 1 + row % 28) for row in range(60)],
    "written day": ["2020-01-31", "3 May 2021", "never"] * 20,
    "span": [datetime.timedelta(seconds=row) for row in range(60)],
    "period": pd.period_range("2020-01", periods=60, freq="M"),
    "whole": pd.array([1, None] * 30, dtype="Int64"),
    "boolean": pd.array([True, None] * 30, dtype="boolean"),
    "arrow": pd.array([1.5, None] * 30, dtype="float64[pyarrow]"),
    "arrow text": pd.array(["x y", None] * 30, dtype="string[pyarrow]"),
    "endless": [np.inf, -np.inf] * 30,
    "huge": [-1.7e308, 1.7e308, 1e307] * 20,
    "tiny": np.arange(60) * 5e-324,
    "complex": np.arange(60) + 1j,
    "labels": pd.Categorical(["1", None] * 30),
    "mixed": [1, "a", None, 2.5, [1], (2,)] * 10,
    "half a pair": ["\ud800", "\u202eabc\x1b[31m"] * 30,
    "interval": pd.arrays.IntervalArray.from_breaks(range(61)),
    "single": np.float16(1.5),
}


@pytest.mark.filterwarnings("error")
def test_nothing_in_a_table_stops_the_notebook() -> None:
    table = pd.DataFrame({"y": np.arange(60.0), **HOSTILE})
    table[7] = 1
    table.insert(1, "y", 0, allow_duplicates=True)
    facts = explore(table, "y", "Regression", "job")
    cells = written(facts)
    content = notebook.as_json("Data exploration", sections.every(facts)).decode()
    page, _ = HTMLExporter().from_notebook_node(nbformat.reads(content, as_version=4))
    assert "<script>alert" not in page
    assert "alert(1)" in page  # the name shows as what it is
    assert "z" * 100 not in page
    for line in cells["cardinality"].splitlines():
        assert not line.startswith("|") or line.count("|") == 6, line


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", list(HOSTILE))
def test_any_column_can_be_the_target(name: str) -> None:
    values = pd.DataFrame({"x": np.arange(60.0), name: HOSTILE[name]})[name]
    for problem in ("Regression", "MulticlassClassification"):
        column, valid = target.read(values, name, 1, problem)
        facts = target.describe(column, valid, values, problem)
        assert facts.valid + facts.missing + facts.invalid == 60


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_hardly_any_rows_are_told_about_too(rows: int) -> None:
    table = pd.DataFrame({"y": np.arange(rows, dtype=float), "x": ["a"] * rows})
    for problem in ("Regression", "BinaryClassification"):
        assert f"| Rows | {rows} |" in written(explore(table, "y", problem, "job"))["dataset-summary"]
    assert written(explore(table[["y"]], "y", "Regression", "job"))["cardinality"].endswith("no feature.")


def test_a_wide_table_is_cut_and_says_so() -> None:
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(500, 1500)))
    table.columns = ["y", *(f"c{place}" for place in range(1499))]
    cells = written(explore(table, "y", "Regression", "job"))
    assert "1,439 features between them are left out." in cells["cardinality"]
    assert "1,484 more columns are left out." in cells["data-sample"]
    assert "The 200 that go most closely with the target were compared." in cells["cross-column-statistics"]


def test_a_long_table_is_drawn_from_and_says_so() -> None:
    table = pd.DataFrame({"y": np.arange(150_000.0), "x": np.arange(150_000) % 7})
    facts = explore(table, "y", "Regression", "job")
    assert (facts.looked_at, facts.target.valid, facts.duplicates.looked_at) == (100_000, 150_000, 150_000)
    assert "described from 100,000 rows drawn at random" in written(facts)["dataset-summary"]


def test_the_same_table_gives_the_same_bytes() -> None:
    table = music_table(300)
    first, second = (
        notebook.as_json("x", sections.every(explore(table.copy(), "Rating", "Regression", "job")))
        for _ in range(2)
    )
    assert first == second


def test_given_kinds_and_unused_columns_are_respected() -> None:
    table = music_table(100).assign(code=range(100), weight=1.0)
    facts = explore(table, "Rating", "Regression", "job", {"code": "categorical"}, {"weight"})
    assert {column.name: column.kind for column in facts.columns} == {
        "energy": "numeric", "tempo": "numeric", "mood": "categorical", "code": "categorical",
    }  # fmt: skip
    assert "| Columns that are not used | <code>weight</code> |" in written(facts)["dataset-summary"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0"), (1234567.0, "1,234,567"), (3.14159, "3.142"), (-0.25, "−0.25"), (1.5e-7, "1.5e−07"),
        (float("nan"), "–"), (float("-inf"), "−∞"), (12345.678, "12,346"),
    ],
)  # fmt: skip
def test_numbers_are_written_for_reading(value: float, shown: str) -> None:
    assert writing.number(value) == shown


def test_shares_never_round_to_nothing_or_to_all() -> None:
    written_shares = [writing.share(ratio) for ratio in (0, 1e-6, 0.0042, 0.5, 0.999999, 1)]
    assert written_shares == ["0 %", "< 0.01 %", "0.42 %", "50.0 %", "> 99.99 %", "100 %"]


def test_a_job_writes_the_notebook_and_a_lesson_opens_it(trained: tuple[State, RunningJob]) -> None:
    state, job = trained
    uri = job.progress["AutoMLJobArtifacts"]["DataExplorationNotebookLocation"]
    assert uri.startswith(f"s3://{BUCKET}/autopilot/ratings/sagemaker-automl-candidates/ratings-pr-1-")
    assert uri.endswith("/notebooks/SageMakerAutopilotDataExplorationNotebook.ipynb")
    assert "Explored the data in " in job.log
    report = lesson.Report(state.objects.read(BUCKET, uri.removeprefix(f"s3://{BUCKET}/")))
    assert list(report) == [
        "Data exploration of the job ratings", "Dataset Summary", "Target Analysis", "Data Sample",
        "Duplicate Rows", "Cross Column Statistics", "Anomalous Rows", "Missing Values", "Cardinality",
        "Descriptive Statistics", "Definitions",
    ]  # fmt: skip
    parts = report["Target Analysis"].parts
    assert [type(part).__name__ for part in parts] == ["str", "Picture", "str"]
    assert "**2 rows (0.29 %) are left out**" in str(parts[0])
    assert isinstance(parts[1], lesson.Picture)
    assert parts[1].png.startswith(b"\x89PNG")
    assert parts[1].alternative.startswith("Histogram from")
    report["Target Analysis"]._ipython_display_()
    with pytest.raises(KeyError, match="no section 'Target'; there are Data exploration"):
        report["Target"]
