"""The training data of AutoML jobs: formats, faults, splits. No process, no AutoGluon."""

import gzip
import io
import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from jobs_harness import BUCKET, State, algorithms, automl_request, music_table

from helpers.local.jobs.automl import data, metrics, settings
from helpers.local.jobs.automl.ensembling import recipes
from helpers.local.jobs.automl.experiment import reason_of
from helpers.local.jobs.job import JobFailure


def load(
    state: State, prefix: str, channel: dict[str, Any] | None = None, **tabular: Any
) -> data.TrainingData:
    """Load the data of a request."""
    request = automl_request("job", prefix, **tabular)
    request["AutoMLJobInputDataConfig"][0].update(channel or {})
    return data.load(state.objects, settings.read(request))


def test_a_fifth_is_kept_for_validation_the_same_rows_every_time(state: State) -> None:
    state.put("t.csv", music_table(600).to_csv(index=False))
    first, second = load(state, "t.csv"), load(state, "t.csv")
    assert (len(first.training), len(first.validation)) == (480, 120)
    assert first.features == ["energy", "tempo", "mood"]
    pd.testing.assert_frame_equal(first.validation, second.validation)


def test_the_validation_fraction_is_kept_within_each_class(state: State) -> None:
    table = music_table(1000)
    table["Rating"] = ["rare"] * 40 + ["common"] * 960
    state.put("t.csv", table.to_csv(index=False))
    request = automl_request("job", "t.csv", problem="BinaryClassification", objective="F1")
    request["DataSplitConfig"] = {"ValidationFraction": 0.25}
    found = data.load(state.objects, settings.read(request))
    assert found.validation["Rating"].value_counts().to_dict() == {"common": 240, "rare": 10}


def test_a_validation_channel_is_used_as_it_is(state: State) -> None:
    state.put("train.csv", music_table(600).to_csv(index=False))
    state.put("valid.csv", music_table(50, seed=1).to_csv(index=False))
    request = automl_request("job", "train.csv")
    second = json.loads(json.dumps(request["AutoMLJobInputDataConfig"][0]))
    second["ChannelType"] = "validation"
    second["DataSource"]["S3DataSource"]["S3Uri"] = f"s3://{BUCKET}/valid.csv"
    request["AutoMLJobInputDataConfig"].append(second)
    found = data.load(state.objects, settings.read(request))
    assert (len(found.training), len(found.validation)) == (600, 50)


def test_only_the_first_file_may_have_the_header(state: State) -> None:
    table = music_table(600)
    state.put("d/1.csv", table[:300].to_csv(index=False))
    state.put("d/2.csv", table[300:].to_csv(index=False, header=False))
    found = load(state, "d/")
    assert len(found.training) + len(found.validation) == 600


def test_gzip_and_parquet_hold_the_same_rows(state: State) -> None:
    table = music_table(600)
    state.objects.put(BUCKET, "t.gz", gzip.compress(table.to_csv(index=False).encode()))
    buffer = io.BytesIO()
    table.to_parquet(buffer)
    state.objects.put(BUCKET, "t.parquet", buffer.getvalue())
    zipped = load(state, "t.gz", {"CompressionType": "Gzip"})
    stored = load(state, "t.parquet", {"ContentType": "x-application/vnd.amazon+parquet"})
    pd.testing.assert_frame_equal(zipped.training, stored.training)


def test_a_manifest_names_the_files(state: State) -> None:
    table = music_table(600)
    state.put("d/1.csv", table.to_csv(index=False))
    state.put("d/2.csv", "not,to,be,read\n")
    manifest = state.put("m.json", json.dumps([{"prefix": f"s3://{BUCKET}/d/"}, "1.csv"]))
    source = {"DataSource": {"S3DataSource": {"S3DataType": "ManifestFile", "S3Uri": manifest}}}
    found = load(state, "", source)
    assert len(found.training) + len(found.validation) == 600


def test_invalid_targets_are_dropped_and_counted(state: State, capsys: pytest.CaptureFixture[str]) -> None:
    table = music_table(600).astype({"Rating": object})
    table.loc[[0, 1, 2, 3], "Rating"] = ["", "inf", "n/a", "five"]
    state.put("t.csv", table.to_csv(index=False))
    found = load(state, "t.csv")
    assert len(found.training) + len(found.validation) == 596
    assert "Dropped 4 of 600 training rows" in capsys.readouterr().out
    assert found.training["Rating"].dtype == float


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (music_table(499).to_csv(index=False), "499 rows .* at least 500"),
        ("", "is empty"),
        ("Rating,energy\n", "no rows"),
        (
            "energy,tempo\n" + "1,2\n" * 600,
            "'Rating' is not in the data, whose columns are 'energy', 'tempo'",
        ),
        ("Rating,energy\n" + "n/a,1\n" * 600, "No row .* valid target"),
        ("Rating,energy\n" + '1,"2\n' * 601, "cannot be read as CSV"),
        ("Rating\n" + "1.5\n" * 600, "no column besides the target"),
        ("Rating,same,empty\n" + "".join(f"{row},1,\n" for row in range(600)), "No feature tells anything"),
    ],
)
def test_data_that_cannot_be_trained_on_says_what_to_do(state: State, content: str, words: str) -> None:
    state.put("t.csv", content)
    with pytest.raises(JobFailure, match=words):
        load(state, "t.csv")


def test_nothing_under_the_prefix_is_a_failure(state: State) -> None:
    with pytest.raises(JobFailure, match=r"No S3 objects found under s3://music/none/"):
        load(state, "none/")


def test_one_class_is_a_failure(state: State) -> None:
    table = music_table(600)
    table["Rating"] = "same"
    state.put("t.csv", table.to_csv(index=False))
    with pytest.raises(JobFailure, match="one class only"):
        load(state, "t.csv", problem="BinaryClassification", objective="F1")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["yes", "no"] * 300, "BinaryClassification"),
        ([0, 1] * 300, "BinaryClassification"),
        (["a", "b", "c"] * 200, "MulticlassClassification"),
        ([1, 2, 3, 4, 5] * 120, "MulticlassClassification"),
        (np.linspace(0, 1, 600), "Regression"),
        (range(600), "Regression"),
    ],
)
def test_the_problem_type_is_inferred_from_the_target(values: Any, expected: str) -> None:
    assert data.infer_problem_type(pd.Series(values)) == expected


def test_labels_of_a_column_with_blanks_stay_whole_numbers(state: State) -> None:
    table = music_table(600)
    table["Rating"] = [0.0, 1.0] * 300
    table.loc[5, "Rating"] = np.nan
    state.put("t.csv", table.to_csv(index=False))
    found = load(state, "t.csv", problem="BinaryClassification", objective="F1")
    assert sorted(found.training["Rating"].unique().tolist()) == [0, 1]
    assert found.training["Rating"].dtype == "int64"


def test_max_candidates_caps_models_and_ensemble_together() -> None:
    for maximum, models, ensemble in [
        (1, 1, False),
        (2, 2, False),
        (3, 2, True),
        (4, 3, True),
        (750, 5, True),
    ]:
        request = automl_request("job", "t.csv", CompletionCriteria={"MaxCandidates": maximum})
        chosen, with_ensemble = recipes.recipes(settings.read(request))
        assert (len(chosen), with_ensemble) == (models, ensemble)
    request = automl_request("job", "t.csv")
    few, _ = recipes.recipes(settings.read(request), 1000)
    many, _ = recipes.recipes(settings.read(request), 200_000)
    assert "MLP" in {recipe.key for recipe in few} and "MLP" not in {recipe.key for recipe in many}


def test_every_algorithm_asked_for_comes_before_a_second_model_of_one() -> None:
    asked = algorithms("linear-learner", "randomforest", "catboost", "lightgbm")
    request = automl_request("job", "t.csv", CandidateGenerationConfig=asked)
    chosen, _ = recipes.recipes(settings.read(request))
    assert [recipe.key for recipe in chosen] == ["GBM", "LR", "CAT", "RF", "GBM"]


def test_default_objectives_are_the_documented_ones() -> None:
    assert metrics.resolve_objective("Regression", None) == "MSE"
    assert metrics.resolve_objective("BinaryClassification", None) == "F1"
    assert metrics.resolve_objective("MulticlassClassification", None) == "Accuracy"
    with pytest.raises(JobFailure, match="AUC does not fit Regression"):
        metrics.resolve_objective("Regression", "AUC")


def test_a_time_limit_is_shared_and_the_first_model_always_gets_some() -> None:
    assert recipes.time_share(None, 5, None, True) is None
    assert recipes.time_share(None, 5, 30, False) == 30
    left = 100 + recipes.ENSEMBLE_RESERVE
    assert recipes.time_share(left, 5, None, False) == 50
    assert recipes.time_share(left, 1, None, False) == 100
    assert recipes.time_share(0, 5, None, True) == recipes.SHORTEST_FIT


def test_a_model_without_time_says_which_limit_to_raise() -> None:
    class TimeLimitExceeded(Exception):
        """As AutoGluon raises it: without a message."""

    assert "MaxAutoMLJobRuntimeInSeconds" in reason_of(TimeLimitExceeded())
    assert reason_of(ValueError("no")) == "ValueError: no"
