"""The reports on an AutoML job's best candidate: SHAP values, model quality, the files of both."""

import io
import itertools
import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pandas as pd
import pytest
from jobs_harness import BUCKET, RunningJob, State
from sklearn import metrics

from helpers.local.jobs.automl import reporting, reports
from helpers.local.jobs.automl.model import Contributions
from helpers.local.jobs.automl.reports import explaining, insight_files, quality, shapley
from helpers.local.objects import ObjectStore

Trained = tuple[State, RunningJob]
Function = Callable[[pd.DataFrame], np.ndarray]


class Model:
    """A model that is a function of a frame."""

    def __init__(self, function: Function, classes: tuple[str, ...] = (), exact: Any = None) -> None:
        self.function = function
        self.classes = list(classes)
        self.exact = exact

    def predict(self, frame: pd.DataFrame) -> np.ndarray:
        return self.function(frame)

    def probabilities(self, frame: pd.DataFrame) -> np.ndarray:
        return self.function(frame)

    def contributions(self, frame: pd.DataFrame) -> Contributions | None:
        return None if self.exact is None else self.exact(frame)


def subject(features: pd.DataFrame, truth: Any, **changes: Any) -> reports.Subject:
    """A regression's subject, or another."""
    made = reports.Subject(
        job_name="job",
        candidate="Model-t1",
        problem_type="Regression",
        objective="RMSE",
        target="Rating",
        features=features,
        truth=pd.Series(truth),
    )
    return replace(made, **changes)


def classified(features: pd.DataFrame, truth: Any, **changes: Any) -> reports.Subject:
    """A binary classification's subject, or a multiclass one's."""
    return subject(features, truth, **{"problem_type": "BinaryClassification", "objective": "F1", **changes})


def numbers(rows: int, columns: int, seed: int = 0) -> pd.DataFrame:
    """Random numbers in columns a, b, c..."""
    random = np.random.default_rng(seed)
    return pd.DataFrame(random.normal(size=(rows, columns)), columns=list("abcdefghij"[:columns]))


# Shapley values


def enumerated(function: Function, row: pd.DataFrame, background: pd.DataFrame) -> np.ndarray:
    """The Shapley values of one row by their definition: every coalition, every background row."""
    names = list(row.columns)

    def worth(coalition: tuple[str, ...]) -> float:
        mixed = background.copy()
        for name in coalition:
            mixed[name] = row[name].iloc[0]
        return float(function(mixed).mean())

    values = []
    for name in names:
        others = [other for other in names if other != name]
        value = 0.0
        for size in range(len(names)):
            weight = math.factorial(size) * math.factorial(len(names) - size - 1) / math.factorial(len(names))
            for coalition in itertools.combinations(others, size):
                value += weight * (worth((*coalition, name)) - worth(coalition))
        values.append(value)
    return np.array(values)


def background_of(frame: pd.DataFrame, estimate: shapley.Estimate) -> pd.DataFrame:
    """The background rows of an estimate."""
    order = np.random.default_rng(shapley.SEED).permutation(len(frame))
    return frame.iloc[order[: estimate.background]]


def test_lines_and_products_of_two_features_have_their_exact_values() -> None:
    frame = numbers(200, 4)

    def function(rows: pd.DataFrame) -> np.ndarray:
        return 2 * rows["a"].to_numpy() - rows["b"].to_numpy() + 3 * (rows["a"] * rows["c"]).to_numpy()

    found = shapley.estimate(lambda rows: function(rows)[:, None], frame, 20)
    row, base = frame.iloc[found.rows], background_of(frame, found)
    mean = base.mean()
    # The product a*c: half of what a changes alone, and half of what it changes once c is there.
    alone = (row["a"] - mean["a"]) * row["c"], row["a"] * mean["c"] - (base["a"] * base["c"]).mean()
    expected_a = 2 * (row["a"] - mean["a"]) + 1.5 * (alone[0] + alone[1])
    np.testing.assert_allclose(found.values[:, 0, 0], expected_a, atol=1e-9)
    np.testing.assert_allclose(found.values[:, 1, 0], -(row["b"] - mean["b"]), atol=1e-9)
    assert not found.values[:, 3, 0].any(), "d is not in the function"
    assert found.expected[0] == pytest.approx(function(base).mean())


def test_values_agree_with_the_definition_and_add_up_for_texts_and_missing_cells() -> None:
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "number": random.normal(size=120),
            "mood": pd.Series(random.choice(["calm", "dark", None], 120), dtype="category"),
            "text": random.choice(["one", "two words", "three words here"], 120),
            "flag": random.random(120) < 0.5,
        }
    )
    frame.loc[::7, "number"] = np.nan

    def function(rows: pd.DataFrame) -> np.ndarray:
        words = rows["text"].str.split().str.len().to_numpy(dtype=float)
        calm = (rows["mood"] == "calm").to_numpy(dtype=float)
        unknown = rows["mood"].isna().to_numpy(dtype=float)
        number = rows["number"].fillna(3.0).to_numpy()
        return words * (1 + calm * rows["flag"].to_numpy(dtype=float)) + number * words + 2 * unknown

    found = shapley.estimate(lambda rows: function(rows)[:, None], frame, 20)
    base = background_of(frame, found)
    predicted = function(frame.iloc[found.rows])
    np.testing.assert_allclose(found.values.sum(axis=1)[:, 0] + found.expected[0], predicted, atol=1e-9)
    for place in range(5):
        exact = enumerated(function, frame.iloc[[found.rows[place]]], base)
        # The product of three features is left to chance: 128 random orders of few.
        np.testing.assert_allclose(found.values[place, :, 0], exact, atol=0.12)


def test_every_output_is_explained() -> None:
    frame = numbers(80, 3)

    def probabilities(rows: pd.DataFrame) -> np.ndarray:
        powers = np.exp(rows.to_numpy())
        return powers / powers.sum(axis=1, keepdims=True)

    found = shapley.estimate(probabilities, frame, 20)
    assert found.values.shape[1:] == (3, 3)
    np.testing.assert_allclose(
        found.values.sum(axis=1) + found.expected, probabilities(frame.iloc[found.rows]), atol=1e-9
    )


@pytest.mark.parametrize(("a_row", "a_call"), [(0.002, 0.0), (1e-5, 0.1)])
def test_a_slow_model_is_explained_within_the_seconds(a_row: float, a_call: float) -> None:
    frame = numbers(300, 10)

    def slow(rows: pd.DataFrame) -> np.ndarray:
        time.sleep(a_call + a_row * len(rows))
        return rows.to_numpy().sum(axis=1, keepdims=True)

    begun = time.monotonic()
    found = shapley.estimate(slow, frame, 1.5)
    assert time.monotonic() - begun < 2.2
    assert len(found.rows) >= 3
    np.testing.assert_allclose(
        found.values.sum(axis=1) + found.expected, frame.iloc[found.rows].sum(axis=1).to_frame()
    )


def test_a_model_too_slow_to_explain_one_row_is_an_error_that_says_so() -> None:
    def slow(rows: pd.DataFrame) -> np.ndarray:
        time.sleep(0.01 * len(rows))
        return rows.to_numpy().sum(axis=1, keepdims=True)

    begun = time.monotonic()
    with pytest.raises(
        reports.ReportError, match=r"too slowly to be explained.*MaxAutoMLJobRuntimeInSeconds"
    ):
        shapley.estimate(slow, numbers(300, 10), 0.2)
    assert time.monotonic() - begun < 1


def test_what_a_model_tells_of_itself_is_taken_where_it_adds_up() -> None:
    frame = numbers(300, 2)

    def exact(rows: pd.DataFrame) -> Contributions:
        return Contributions(rows.to_numpy(dtype=float), 5.0)

    right = Model(lambda rows: rows.to_numpy().sum(axis=1) + 5, exact=exact)
    found = explaining.explain(right, subject(frame, np.zeros(300)), 5)
    assert "exact" in found.method
    np.testing.assert_array_equal(found.values[:, :, 0], found.rows.to_numpy())
    wrong = Model(lambda rows: rows.to_numpy().sum(axis=1) + 6, exact=exact)
    found = explaining.explain(wrong, subject(frame, np.zeros(300)), 5)
    assert "estimated" in found.method
    assert found.expected[0] == pytest.approx(6, abs=0.5)


# Model quality


def test_the_figures_of_a_regression() -> None:
    random = np.random.default_rng(0)
    frame, weights = numbers(400, 1), random.random(400)
    truth = frame["a"] * 2 + random.normal(size=400)
    model = Model(lambda rows: 2 * rows["a"].to_numpy())
    found = quality.examine(model, subject(frame, truth, weights=weights))
    guess = 2 * frame["a"]
    options = {"sample_weight": weights}
    expected = {
        "mae": metrics.mean_absolute_error(truth, guess, **options),
        "mse": metrics.mean_squared_error(truth, guess, **options),
        "rmse": metrics.root_mean_squared_error(truth, guess, **options),
        "r2": metrics.r2_score(truth, guess, **options),
    }
    assert {name: measure.value for name, measure in found.measures.items()} == pytest.approx(expected)
    # 80 % of 400 rows without replacement: the error of a mean, less for the rows that all samples share.
    spread = np.abs(truth - guess).std() / math.sqrt(400) * math.sqrt(0.25)
    assert found.measures["mae"].deviation == pytest.approx(spread, rel=0.9)


def test_the_figures_of_a_binary_classification() -> None:
    random = np.random.default_rng(0)
    chance, weights = random.random(500), random.random(500)
    truth = np.where(random.random(500) < chance, "love", "leave")
    model = Model(lambda rows: np.column_stack([1 - rows["a"], rows["a"]]), ("leave", "love"))
    found = quality.examine(model, classified(pd.DataFrame({"a": chance}), truth, weights=weights))
    assert isinstance(found, quality.BinaryQuality)
    hits, guess = truth == "love", chance > 0.5
    options = {"sample_weight": weights}
    false_rate = 1 - metrics.recall_score(~hits, ~guess, **options)
    expected = {
        "recall": metrics.recall_score(hits, guess, **options),
        "precision": metrics.precision_score(hits, guess, **options),
        "accuracy": metrics.accuracy_score(hits, guess, **options),
        "f0_5": metrics.fbeta_score(hits, guess, beta=0.5, **options),
        "f1": metrics.f1_score(hits, guess, **options),
        "f2": metrics.fbeta_score(hits, guess, beta=2, **options),
        "true_positive_rate": metrics.recall_score(hits, guess, **options),
        "true_negative_rate": 1 - false_rate,
        "false_positive_rate": false_rate,
        "false_negative_rate": 1 - metrics.recall_score(hits, guess, **options),
        "auc": metrics.roc_auc_score(hits, chance, **options),
        "au_prc": metrics.average_precision_score(hits, chance, **options),
    }
    values = {name: measure.value for name, measure in found.measures.items()}
    assert {name: values[name] for name in expected} == pytest.approx(expected)
    assert found.confusion.counts.tolist() == metrics.confusion_matrix(hits, guess).tolist()
    curve = found.receiver_operating_characteristic
    assert np.trapezoid(curve.upwards, curve.across) == pytest.approx(expected["auc"], abs=1e-3)


def test_the_service_s_own_example_of_a_binary_classification() -> None:
    """Four rows, the positive class once: the documentation's confusion matrix and figures."""
    chance = pd.DataFrame({"a": [0.1, 0.7, 0.8, 0.9]})
    model = Model(lambda rows: np.column_stack([1 - rows["a"], rows["a"]]), ("0", "1"))
    found = quality.examine(model, classified(chance, [0, 0, 0, 1]))
    objects = json.loads(insight_files.statistics(found, classified(chance, [0, 0, 0, 1])))
    said = objects["binary_classification_metrics"]
    assert said["confusion_matrix"] == {"0": {"0": 1, "1": 2}, "1": {"0": 0, "1": 1}}
    assert said["recall"] == {"value": 1.0, "standard_deviation": "NaN"}
    for name, value in {
        "precision": 1 / 3,
        "accuracy": 0.5,
        "recall_best_constant_classifier": 1.0,
        "precision_best_constant_classifier": 0.25,
        "accuracy_best_constant_classifier": 0.25,
        "true_negative_rate": 1 / 3,
        "false_positive_rate": 2 / 3,
        "f0_5": 0.3846153846153846,
        "f2": 0.7142857142857143,
        "f0_5_best_constant_classifier": 0.29411764705882354,
        "f1_best_constant_classifier": 0.4,
        "f2_best_constant_classifier": 0.625,
        "auc": 1.0,
    }.items():
        assert said[name]["value"] == pytest.approx(value), name
    assert set(said["precision_recall_curve"]) == {"precisions", "recalls"}
    assert set(said["receiver_operating_characteristic_curve"]) == {
        "false_positive_rates",
        "true_positive_rates",
    }


def test_the_figures_of_a_multiclass_classification_and_a_class_that_training_lacked() -> None:
    random = np.random.default_rng(0)
    classes = ("calm", "dark", "happy")
    shares = random.dirichlet([1, 1, 1], 300)
    truth = np.array([classes[random.choice(3, p=share)] for share in shares], dtype=object)
    truth[0] = "new"
    model = Model(lambda rows: rows.to_numpy(), classes)
    found = quality.examine(
        model, classified(pd.DataFrame(shares), truth, problem_type="MulticlassClassification")
    )
    guess = np.array(classes)[shares.argmax(axis=1)]
    options = {"average": "weighted", "zero_division": 0}
    expected = {
        "accuracy": metrics.accuracy_score(truth, guess),
        "weighted_recall": metrics.recall_score(truth, guess, **options),
        "weighted_precision": metrics.precision_score(truth, guess, **options),
        "weighted_f0_5": metrics.fbeta_score(truth, guess, beta=0.5, **options),
        "weighted_f1": metrics.f1_score(truth, guess, **options),
        "weighted_f2": metrics.fbeta_score(truth, guess, beta=2, **options),
    }
    values = {name: measure.value for name, measure in found.measures.items()}
    assert {name: values[name] for name in expected} == pytest.approx(expected)
    assert values["accuracy_best_constant_classifier"] == pytest.approx(
        pd.Series(truth).value_counts(normalize=True).max()
    )
    assert found.confusion.classes == [*classes, "new"]
    assert found.confusion.counts.sum() == 300


def test_no_rows_and_no_weight_are_errors_that_say_so() -> None:
    frame = numbers(10, 1)
    with pytest.raises(reports.ReportError, match="validation data is empty"):
        quality.examine(Model(lambda rows: rows["a"]), subject(frame[:0], []))
    with pytest.raises(reports.ReportError, match="all zero"):
        quality.examine(Model(lambda rows: rows["a"]), subject(frame, frame["a"], weights=np.zeros(10)))


# Files

HOSTILE = [
    "<script>alert(1)</script>",
    "a|b `c` *d* $x$ und $y$",
    "x" * 200,
    "日本語 größe",
    "new\nline\u202e",
    "",
]


class Page(HTMLParser):
    """What a page has: its elements, their attributes, its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, Mapping[str, str | None]]] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))

    def handle_data(self, data: str) -> None:
        self.words += data


def check_page(content: bytes, pictures: int) -> Page:
    """A page that needs no network and runs nothing, whose pictures have words."""
    text = content.decode("utf-8")
    assert "\u202e" not in text
    page = Page(text)
    assert {tag for tag, _ in page.elements} <= {
        *("html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "figure", "img", "figcaption"),
        *("table", "thead", "tbody", "tr", "th", "td", "code", "span"),
    }
    images = [attributes for tag, attributes in page.elements if tag == "img"]
    assert len(images) == pictures
    for image in images:
        assert str(image["src"]).startswith("data:image/png;base64,")
        assert len(str(image["alt"])) > 20
    assert "http" not in text
    return page


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> ObjectStore:
    """A store with a bucket."""
    objects = ObjectStore(tmp_path_factory.mktemp("reports") / "s3")
    objects.create_bucket(BUCKET)
    return objects


@pytest.fixture(scope="module")
def hostile(store: ObjectStore) -> reports.Subject:
    """Both reports on features with names that are hard to show, and what they say."""
    frame = numbers(230, 6)
    frame.columns = pd.Index(HOSTILE)
    frame[HOSTILE[1]] = np.random.default_rng(0).choice(["<b>", "$x$ | $y$", None], 230)
    model = Model(lambda rows: rows.iloc[:, 0].to_numpy() * 2 + (rows.iloc[:, 1] == "<b>").to_numpy())
    about = subject(frame, model.predict(frame) + 1, target="<i>target</i>")
    method = reports.explain(store, f"s3://{BUCKET}/why", model, about, 1)
    assert "230 rows" in method
    reports.insights(store, f"s3://{BUCKET}/how", model, about)
    return about


def test_analysis_json_and_the_local_values_have_clarify_s_form(
    store: ObjectStore, hostile: reports.Subject
) -> None:
    content = json.loads(store.read(BUCKET, "why/analysis.json"))
    assert set(content) == {"version", "explanations"}
    assert set(content["explanations"]) == {"kernel_shap"}
    (label,) = content["explanations"]["kernel_shap"].items()
    assert label[0] == "label0"
    assert list(label[1]["global_shap_values"]) == HOSTILE
    table = pd.read_csv(io.BytesIO(store.read(BUCKET, "why/explanations_shap/out.csv")))
    assert len(table) == 230
    assert table.columns[0] == "<script>alert(1)</script>_label0"
    np.testing.assert_allclose(
        table.abs().mean().to_numpy(), list(label[1]["global_shap_values"].values()), atol=1e-12
    )
    row_sums = table.sum(axis=1) + label[1]["expected_value"]
    assert row_sums.mean() == pytest.approx((hostile.truth - 1).mean())


@pytest.mark.usefixtures("hostile")
def test_the_pages_stand_alone_and_show_hostile_names_as_text(store: ObjectStore) -> None:
    page = check_page(store.read(BUCKET, "why/report.html"), pictures=3)
    assert "<script>alert(1)</script>" in page.words
    assert "x" * 200 in page.words
    assert "230 rows" in page.words
    page = check_page(store.read(BUCKET, "how/report.html"), pictures=2)
    assert "<i>target</i>" in page.words
    assert store.head(BUCKET, "why/report.html").attributes.content_type.startswith("text/html")


@pytest.mark.usefixtures("hostile")
def test_the_notebook_is_valid_and_static_and_the_pdf_has_pages(store: ObjectStore) -> None:
    notebook = nbformat.reads(store.read(BUCKET, "why/report.ipynb").decode(), as_version=4)
    nbformat.validate(notebook)
    assert {cell.cell_type for cell in notebook.cells} == {"markdown"}
    assert sum('src="data:image/png;base64,' in cell.source for cell in notebook.cells) == 3
    for cell in notebook.cells:
        assert "\n\n" not in cell.source, "a blank line ends HTML in Markdown"
        assert "$" not in cell.source.replace("&#36;", "")
        assert "<script" not in cell.source
    pdf = store.read(BUCKET, "why/report.pdf")
    assert pdf.startswith(b"%PDF")
    assert pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page ") >= 2


def test_every_class_of_many_has_a_label_and_the_pictures_stay_few(store: ObjectStore) -> None:
    frame = numbers(60, 2)
    classes = tuple(f"class {number}" for number in range(9))

    def probabilities(rows: pd.DataFrame) -> np.ndarray:
        powers = np.exp(np.outer(rows["a"], np.arange(9)) / 3)
        return powers / powers.sum(axis=1, keepdims=True)

    about = classified(
        frame, [classes[0]] * 60, problem_type="MulticlassClassification", objective="Accuracy"
    )
    reports.explain(store, f"s3://{BUCKET}/many", Model(probabilities, classes), about, 1)
    labels = json.loads(store.read(BUCKET, "many/analysis.json"))["explanations"]["kernel_shap"]
    assert list(labels) == [f"label{number}" for number in range(9)]
    assert sum(label["expected_value"] for label in labels.values()) == pytest.approx(1)
    check_page(store.read(BUCKET, "many/report.html"), pictures=5)


def test_one_class_alone_leaves_no_number_that_json_lacks(store: ObjectStore) -> None:
    frame = numbers(250, 1)
    model = Model(lambda rows: np.full((len(rows), 2), 0.5), ("no", "yes"))
    reports.insights(store, f"s3://{BUCKET}/alone", model, classified(frame, ["no"] * 250))
    said = json.loads(store.read(BUCKET, "alone/statistics.json"), parse_constant=pytest.fail)
    assert said["binary_classification_metrics"]["auc"] == {"value": "NaN", "standard_deviation": "NaN"}
    assert said["dataset"]["item_count"] == 250
    check_page(store.read(BUCKET, "alone/report.html"), pictures=2)


# The stages of a job


def test_a_job_reports_on_its_best_candidate(trained: Trained) -> None:
    state, job = trained
    assert job.wait() == 0, job.log
    best = job.progress["BestCandidate"]
    places = best["CandidateProperties"]["CandidateArtifactLocations"]
    base, name = f"s3://{BUCKET}/autopilot/ratings/documentation", best["CandidateName"]
    assert places == {
        "Explainability": f"{base}/explainability/output/{name}",
        "ModelInsights": f"{base}/model_monitor/output/{name}",
    }
    others = [item for item in job.progress["Candidates"] if item["CandidateName"] != name]
    assert not [item for item in others if "CandidateArtifactLocations" in item["CandidateProperties"]]
    prefix = places["Explainability"].removeprefix(f"s3://{BUCKET}/")
    assert sorted(key.removeprefix(prefix) for key in state.keys(prefix)) == [
        "/analysis.json",
        "/explanations_shap/out.csv",
        "/report.html",
        "/report.ipynb",
        "/report.pdf",
    ]
    explained = json.loads(state.objects.read(BUCKET, f"{prefix}/analysis.json"))
    shares = explained["explanations"]["kernel_shap"]["label0"]["global_shap_values"]
    assert list(shares) == ["energy", "tempo", "mood"]
    # Rating = 2 energy + (mood is happy), energy uniform: mean distances from the means 1/2 and 4/9.
    assert shares["energy"] == pytest.approx(0.5, rel=0.15)
    assert shares["mood"] == pytest.approx(4 / 9, rel=0.15)
    assert shares["tempo"] < 0.1
    prefix = places["ModelInsights"].removeprefix(f"s3://{BUCKET}/")
    assert sorted(key.removeprefix(prefix) for key in state.keys(prefix)) == [
        "/report.html",
        "/statistics.json",
    ]
    figures = json.loads(state.objects.read(BUCKET, f"{prefix}/statistics.json"))["regression_metrics"]
    assert set(figures) == {"mae", "mse", "rmse", "r2"}
    assert figures["rmse"]["value"] == pytest.approx(best["FinalAutoMLJobObjectiveMetric"]["Value"])
    assert f"{name}: explained: exact" in job.log


class Recorded:
    """What a job's progress was told, first to last."""

    def __init__(self) -> None:
        self.updates: list[dict[str, Any]] = []

    def update(self, **members: Any) -> None:
        self.updates.append(members)


def reported(
    tmp_path: Path, model: Model, runtime: float | None = None
) -> tuple[reporting.Reporting, Recorded]:
    """The reporting stages of a job whose one candidate has this model."""
    from jobs_harness import automl_request

    from helpers.local.jobs.automl.candidates import Candidates, Trial
    from helpers.local.jobs.automl.data import TrainingData
    from helpers.local.jobs.automl.experiment import Experiment
    from helpers.local.jobs.automl.limits import Limits
    from helpers.local.jobs.automl.locations import Locations
    from helpers.local.jobs.automl.mode import Assignment
    from helpers.local.jobs.automl.resources import Resources
    from helpers.local.jobs.automl.settings import read
    from helpers.local.jobs.job import Job

    request = automl_request("job", "train.csv")
    objects, told = ObjectStore(tmp_path / "s3"), Recorded()
    objects.create_bucket(BUCKET)
    table = numbers(50, 2).assign(Rating=1.0)
    data = TrainingData(table, table, ["a", "b"], "Regression", False)
    candidates = Candidates("RMSE")
    candidates.complete(candidates.begin("Model-t1", []), Trial({"RMSE": 1.0}, [], 0))
    job = Job(tmp_path, tmp_path, request, objects, told)  # type: ignore[arg-type]
    experiment = Experiment(job, Limits(None, runtime, None), candidates)

    class Mode:
        def trained(self, candidate: str) -> Model:
            assert candidate == "Model-t1"
            return model

    settings = read(request)
    assignment = Assignment(
        settings, data, Locations(settings.output, "job"), Resources(1, 10**9), experiment, objects, tmp_path
    )
    stages = reporting.Reporting(Mode(), assignment)  # type: ignore[arg-type]
    stages.run()
    return stages, told


def test_a_report_that_fails_costs_itself_alone_and_is_told(tmp_path: Path) -> None:
    def broken(rows: pd.DataFrame) -> Contributions:
        raise ValueError(f"the trees of {len(rows)} rows are upside down")

    stages, told = reported(tmp_path, Model(lambda rows: rows["a"].to_numpy(), exact=broken))
    assert list(stages.failures) == ["ExplainabilityError"]
    reasons = [
        update["PartialFailureReasons"] for update in told.updates if "PartialFailureReasons" in update
    ]
    assert len(reasons) == 1
    (reason,) = reasons[0]
    assert "GeneratingExplainabilityReport" in reason["PartialFailureMessage"]
    assert "rows are upside down" in reason["PartialFailureMessage"]
    statuses = [value for update in told.updates for key, value in update.items() if "Status" in key]
    assert statuses == ["GeneratingExplainabilityReport", "GeneratingModelInsightsReport"]
    keys = [info.key for info in stages.assignment.objects.list(BUCKET)]
    assert any(key.endswith("Model-t1/statistics.json") for key in keys)


def test_no_report_is_begun_when_the_time_is_over(tmp_path: Path) -> None:
    stages, told = reported(tmp_path, Model(lambda rows: rows["a"].to_numpy()), runtime=1)
    assert not stages.failures
    assert not told.updates
    assert not list(stages.assignment.objects.list(BUCKET))
