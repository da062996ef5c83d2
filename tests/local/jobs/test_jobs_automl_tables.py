"""Tables that AutoML jobs must bear: cells of any type, odd files, weights, feature specifications."""

import datetime
import decimal
import gzip
import io
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from jobs_harness import BUCKET, State, automl_request, music_table

from helpers.local.jobs.automl import data, settings
from helpers.local.jobs.automl.data import cells
from helpers.local.jobs.automl.data.reading import unique
from helpers.local.jobs.automl.data.sampling import Sample
from helpers.local.jobs.job import JobFailure

ROWS = 600


def load(state: State, key: str, content_type: str = "text/csv", **tabular: Any) -> data.TrainingData:
    """Load one object for a regression of `Rating`."""
    request = automl_request("job", key, **tabular)
    request["AutoMLJobInputDataConfig"][0]["ContentType"] = content_type
    return data.load(state.objects, settings.read(request))


def load_parquet(state: State, table: pa.Table, **tabular: Any) -> data.TrainingData:
    """Store a table as Parquet and load it."""
    buffer = io.BytesIO()
    parquet.write_table(table, buffer)
    state.objects.put(BUCKET, "t.parquet", buffer.getvalue())
    return load(state, "t.parquet", "x-application/vnd.amazon+parquet", **tabular)


def everything(found: data.TrainingData) -> pd.DataFrame:
    """Training and validation rows together."""
    return pd.concat([found.training, found.validation])


ZONE = datetime.timezone(datetime.timedelta(hours=2))
COLUMNS: dict[str, tuple[Callable[[int], Any], pa.DataType, str, object]] = {
    # name: value of a row, Arrow type, type in the end, value of row 4 in the end
    "list": (lambda i: [i, i + 1], pa.list_(pa.int64()), "object", "[4, 5]"),
    "struct": (lambda i: {"a": i}, pa.struct([("a", pa.int64())]), "object", '{"a": 4}'),
    "decimal": (lambda i: decimal.Decimal(i) / 4, pa.decimal128(10, 2), "float64", 1.0),
    "binary": (lambda i: b"\xff" + bytes([65 + i % 26]), pa.binary(), "object", "\ufffdE"),
    "zoned": (
        lambda i: datetime.datetime(2024, 1, 1, 1, tzinfo=ZONE) + datetime.timedelta(days=i),
        pa.timestamp("us", tz="Europe/Berlin"),
        "object",
        "2024-01-04 23:00:00",
    ),
    "moment": (
        lambda i: datetime.datetime(2024, 1, 1) + datetime.timedelta(days=i),
        pa.timestamp("ns"),
        "object",
        "2024-01-05 00:00:00",
    ),
    "day": (lambda i: datetime.date(2024, 1, 1 + i % 28), pa.date32(), "object", "2024-01-05"),
    "time": (lambda i: datetime.time(i % 24), pa.time64("us"), "object", "04:00:00"),
    "duration": (lambda i: datetime.timedelta(minutes=i), pa.duration("us"), "float64", 240.0),
    "nullable": (lambda i: None if i % 3 == 0 else i, pa.int64(), "float64", 4.0),
    "truth": (lambda i: None if i % 3 == 0 else i % 2 == 0, pa.bool_(), "object", "True"),
    "flag": (lambda i: i % 2 == 0, pa.bool_(), "bool", True),
    "huge": (lambda i: 2**64 - 1 - i, pa.uint64(), "float64", float(2**64 - 5)),
    "small": (lambda i: i % 100, pa.int8(), "int64", 4),
    "half": (lambda i: np.float16(i % 8), pa.float16(), "float64", 4.0),
    "infinite": (lambda i: float("inf") if i % 2 else float(i), pa.float64(), "float64", 4.0),
    "nothing": (lambda _: None, pa.null(), "float64", np.nan),
    "only nan": (lambda _: float("nan"), pa.float64(), "float64", np.nan),
    "dictionary": (lambda i: "ab"[i % 2], pa.dictionary(pa.int8(), pa.string()), "object", "a"),
    "map": (lambda i: [("k", i)], pa.map_(pa.string(), pa.int64()), "object", '[["k", 4]]'),
    "long": (lambda i: "x" * 10_000 + str(i), pa.string(), "object", "x" * 10_000 + "4"),
    "título ♪": (lambda i: f"ñ{i}", pa.string(), "object", "ñ4"),
    "digits": (lambda i: f"{i:05}", pa.string(), "float64", 4.0),
}


def test_every_type_of_a_parquet_file_becomes_one_that_models_take(state: State) -> None:
    arrays = {
        name: pa.array([value(i) for i in range(ROWS)], kind) for name, (value, kind, _, _) in COLUMNS.items()
    }
    found = load_parquet(state, pa.table({"Rating": pa.array(np.arange(ROWS, dtype=float)), **arrays}))
    row = everything(found).set_index("Rating").loc[4.0]
    for name, (_, _, kind, value) in COLUMNS.items():
        assert str(found.training[name].dtype) == kind, name
        np.testing.assert_equal(row[name], value, err_msg=name)


def test_names_are_made_unique_and_none_is_empty(state: State) -> None:
    assert unique(["a", "", "a", "a.1", "a"]) == ["a", "Unnamed: 1", "a.2", "a.1", "a.3"]
    table = pa.table([pa.array(np.arange(ROWS, dtype=float))] * 4, names=["Rating", "x", "x", ""])
    assert load_parquet(state, table).features == ["x", "x.1", "Unnamed: 3"]
    rows = "".join(f"{i},{i % 7},a,b\n" for i in range(ROWS))
    state.put("t.csv", "Rating,x,x,\n" + rows)
    assert load(state, "t.csv").features == ["x", "x.1", "Unnamed: 3"]


def test_mixed_cells_of_a_csv_are_texts_and_infinities_are_missing(state: State) -> None:
    rows = [f"{i},{i if i % 2 else 'x'},{'inf' if i == 3 else i},{2**70 + i}\n" for i in range(ROWS)]
    state.put("t.csv", "Rating,mixed,endless,huge\n" + "".join(rows))
    table = everything(load(state, "t.csv")).set_index("Rating")
    assert table.loc[1.0].tolist() == ["1", 1.0, pytest.approx(2**70)]
    assert table.loc[0.0, "mixed"] == "x"
    assert np.isnan(table.loc[3.0, "endless"])


def test_files_with_a_header_may_have_their_columns_in_another_order(state: State) -> None:
    table = music_table(ROWS)
    state.put("d/1.csv", table[:300].to_csv(index=False))
    state.put("d/2.csv", table[300:][["mood", "tempo", "Rating", "energy"]].to_csv(index=False))
    found = everything(load(state, "d/")).sort_values(["Rating", "energy"], ignore_index=True)
    expected = table.sort_values(["Rating", "energy"], ignore_index=True)
    pd.testing.assert_frame_equal(found[list(expected)], expected)


def test_the_prefix_is_the_beginning_of_the_names(state: State) -> None:
    table = music_table(ROWS)
    state.put("train", table[:300].to_csv(index=False))
    state.put("train2.csv", table[300:].to_csv(index=False))
    assert len(everything(load(state, "train"))) == ROWS


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (gzip.compress(b"Rating,x\n1,2\n"), "CompressionType to Gzip"),
        ("Rating,größe\n1,2\n".encode("latin-1"), "not text in UTF-8"),
        (b"PAR1 and more", "vnd.amazon\\+parquet"),
        (b"\n\n  \n", "not in the data|is empty"),
        (b"Rating,x\n" + b"1,2,3\n" * 600, "3 cells, its header 2"),
        (b"Rating,x\n" + b"1,2\n" * 600 + b"1,2,3\n", "line 602"),
        (b"Rating,x\n\x00,\x00\n" * 300, "[0-9]+ rows|valid target"),
    ],
)
def test_a_file_that_is_no_csv_says_what_it_is(state: State, content: bytes, words: str) -> None:
    state.objects.put(BUCKET, "t.csv", content)
    with pytest.raises(JobFailure, match=words):
        load(state, "t.csv")


def test_a_file_that_is_no_parquet_says_so(state: State) -> None:
    state.put("t.parquet", "Rating,x\n1,2\n")
    with pytest.raises(JobFailure, match="cannot be read as Parquet"):
        load(state, "t.parquet", "x-application/vnd.amazon+parquet")


def test_files_of_other_columns_are_refused(state: State) -> None:
    state.put("d/1.csv", music_table(ROWS).to_csv(index=False))
    state.put("d/2.csv", music_table(5).rename(columns={"mood": "mode"}).to_csv(index=False))
    with pytest.raises(JobFailure, match=r"different columns.*d/2\.csv"):
        load(state, "d/")


def test_rows_beyond_the_memory_are_sampled_evenly_and_again_the_same() -> None:
    def sampled() -> tuple[Sample, pd.DataFrame]:
        sample = Sample(budget=400_000)
        for start in range(0, 200_000, 20_000):
            sample.add(pd.DataFrame({"x": np.arange(start, start + 20_000)}), "s3://b/k")
        return sample, sample.table()

    sample, table = sampled()
    assert sample.total == 200_000
    assert sample.share == 0.25  # 1.6 MB of rows in 0.4 MB
    assert 48_000 < len(table) <= 50_000
    assert 95_000 < table["x"].mean() < 105_000
    pd.testing.assert_frame_equal(sampled()[1], table)


def test_a_job_with_little_memory_goes_on_with_a_sample(
    state: State, capsys: pytest.CaptureFixture[str]
) -> None:
    state.put("t.csv", music_table(20_000).to_csv(index=False))
    asked = settings.read(automl_request("job", "t.csv"))
    tables = data.read(state.objects, asked, memory=4_000_000)
    assert 2_000 < len(tables.training) < 10_000
    said = capsys.readouterr().out
    assert "The data has 20000 rows, which do not fit in the job's memory" in said
    assert f"a random sample of {len(tables.training)}." in said


def test_rows_without_a_valid_weight_are_dropped_and_counted(
    state: State, capsys: pytest.CaptureFixture[str]
) -> None:
    table = music_table(ROWS).assign(w=2.0).astype({"w": object})
    table.loc[:4, "w"] = ["", "-1", "many", "inf", "0"]
    state.put("t.csv", table.to_csv(index=False))
    found = load(state, "t.csv", SampleWeightAttributeName="w")
    assert found.weight == "w"
    assert found.features == ["energy", "tempo", "mood"]
    assert sorted(everything(found)["w"].unique()) == [0.0, 2.0]
    assert len(everything(found)) == ROWS - 4
    assert "Dropped 4 of 600 training rows: their sample weight 'w'" in capsys.readouterr().out


@pytest.mark.parametrize(("weights", "words"), [(["no"], "above zero in 'w'"), ([0], "above zero in 'w'")])
def test_data_where_no_row_counts_fail(state: State, weights: list[object], words: str) -> None:
    state.put("t.csv", music_table(ROWS).assign(w=weights * ROWS).to_csv(index=False))
    with pytest.raises(JobFailure, match=words):
        load(state, "t.csv", SampleWeightAttributeName="w")
    with pytest.raises(JobFailure, match="lacks the columns 'weight'"):
        load(state, "t.csv", SampleWeightAttributeName="weight")


def specified(state: State, content: Any, **tabular: Any) -> data.TrainingData:
    """Load a table with a feature specification."""
    table = music_table(ROWS)
    table["code"] = [f"{i % 4:02}" for i in range(ROWS)]
    state.put("t.csv", table.to_csv(index=False))
    uri = state.put("features.json", content if isinstance(content, str) else json.dumps(content))
    return load(state, "t.csv", FeatureSpecificationS3Uri=uri, **tabular)


def test_a_feature_specification_chooses_and_types_the_features(state: State) -> None:
    types = {"code": "categorical", "mood": "text", "tempo": "numeric"}
    found = specified(state, {"FeatureAttributeNames": ["code", "mood", "tempo"], "FeatureDataTypes": types})
    assert found.features == ["tempo", "mood", "code"]  # in the order of the data
    assert found.types == types
    assert sorted(found.training["code"].unique()) == ["00", "01", "02", "03"]
    assert list(found.training) == ["Rating", "tempo", "mood", "code"]


def test_a_specification_of_types_alone_keeps_every_column(
    state: State, capsys: pytest.CaptureFixture[str]
) -> None:
    found = specified(state, {"FeatureDataTypes": {"mood": "numeric"}})
    assert found.features == ["energy", "tempo", "mood", "code"]
    assert found.training["mood"].isna().all()
    assert "Column 'mood': 600 cells are no numbers" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "not JSON"),
        ([], "not a JSON object"),
        ({"Features": ["mood"]}, "members 'Features'"),
        ({"FeatureAttributeNames": "mood"}, "not a list of column names"),
        ({"FeatureAttributeNames": ["mood", "mood"]}, "'mood' more than once"),
        ({"FeatureAttributeNames": ["Mood"]}, "'Mood', which the data does not have"),
        ({"FeatureAttributeNames": ["mood", "Rating"]}, "the target 'Rating'"),
        ({"FeatureDataTypes": {"mood": "enum"}}, "'mood' the type 'enum'"),
        ({"FeatureDataTypes": {"mood": "sequence"}}, "mode ENSEMBLING takes"),
        ({"FeatureAttributeNames": ["mood"], "FeatureDataTypes": {"code": "text"}}, "names 'code', Feature"),
    ],
)
def test_a_specification_that_cannot_be_used_says_why(state: State, content: Any, words: str) -> None:
    with pytest.raises(JobFailure, match=words):
        specified(state, content)


def test_a_validation_channel_takes_the_types_of_the_training_data() -> None:
    training = cells.normalise(pd.DataFrame({"n": [1.5], "t": ["a"], "b": [True]}))
    other = cells.normalise(pd.DataFrame({"b": [False], "n": ["many"], "t": [3]}))
    found = cells.align(other, training)
    assert found.columns.tolist() == ["n", "t", "b"]
    assert np.isnan(found.loc[0, "n"])
    assert (found.loc[0, "t"], found.loc[0, "b"]) == ("3", False)


def test_labels_keep_their_leading_zeros(state: State) -> None:
    table = pa.table({"Rating": ["01", "02"] * 300, "x": np.arange(ROWS, dtype=float)})
    found = load_parquet(state, table, ProblemType="BinaryClassification")
    assert set(everything(found)["Rating"]) == {"01", "02"}


@pytest.mark.parametrize("problem", ["Regression", "MulticlassClassification"])
@pytest.mark.parametrize(("sign", "name"), [(";", "semicolons"), ("\t", "tabs")])
def test_cells_separated_otherwise_are_told(state: State, problem: str, sign: str, name: str) -> None:
    state.put("t.csv", music_table(ROWS).to_csv(index=False, sep=sign))
    with pytest.raises(JobFailure, match=f"separated by {name}"):
        load(state, "t.csv", ProblemType=problem)


def test_a_target_that_differs_in_every_row_has_no_classes(state: State) -> None:
    state.put("t.csv", music_table(ROWS).assign(Rating=[f"x{i}" for i in range(ROWS)]).to_csv(index=False))
    with pytest.raises(JobFailure, match="another value in each of the 600 rows"):
        load(state, "t.csv", ProblemType="MulticlassClassification")


@pytest.mark.parametrize(("rows_of_a_class", "validating"), [(2, 126), (3, 210), (7, 126)])
def test_small_classes_are_split_too_and_keep_a_row_to_train_on(
    rows_of_a_class: int, validating: int
) -> None:
    table = pd.DataFrame({"Rating": np.arange(630) // rows_of_a_class, "x": np.arange(630)})
    training, validation = data.split(table, "Rating", "MulticlassClassification", 0.2)
    assert (len(training), len(validation)) == (630 - validating, validating)
    assert training["Rating"].nunique() == 630 // rows_of_a_class
