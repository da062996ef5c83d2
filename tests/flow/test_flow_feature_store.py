"""Feature Store destinations: the records that would be ingested, and what Feature Store would refuse."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from helpers import flow
from helpers.flow.outputs import outputs_of

STORE = "sagemaker.spark.featurestore_destination_0.1"
SCHEMA = {"id": "long", "price": "float", "title": "string", "sold": "bool", "day": "date", "at": "datetime"}
ROWS = [
    (1, 2.5, "a", "true", "2024-01-31", "2024-01-31 10:20:30"),
    (2, None, None, "false", "2024-02-01", "2024-02-01 00:00:00"),
]
Ingest = Callable[..., tuple[Any, list[str]]]


@pytest.fixture
def ingest(builder: Any, write_csv: Any, tmp_path: Path) -> Ingest:
    """Run a flow that ends in a feature group; what was written, and the log."""

    def run(
        rows: Sequence[Sequence[object]] = ROWS, schema: dict[str, str] = SCHEMA, **config: Any
    ) -> tuple[Any, list[str]]:
        builder.nodes.clear()
        path = write_csv("data.csv", list(schema), rows)
        typed = builder.types(builder.source(), schema)
        given = {"feature_group_name": "songs-2024", "offline_only": False, "populate_event_time": False}
        parameters = {"output_config": {**given, **config}}
        builder.add("store", STORE, parameters, [typed], kind="DESTINATION", name="FeatureStore: songs")
        said: list[str] = []
        outputs = outputs_of(builder.read(), tmp_path)
        [made] = flow.execute(builder.read(), lambda _: [path], outputs, progress=said.append)
        return made, said

    return run


def test_records_are_parquet_in_a_folder_of_the_group(ingest: Ingest, tmp_path: Path) -> None:
    made, said = ingest()
    assert made.output.directory == tmp_path / "songs-2024"
    [path] = made.paths
    types = {field.name: str(field.type) for field in pq.read_schema(path)}
    assert types == {
        "id": "int64", "price": "double", "title": "string", "sold": "string", "day": "string",
        "at": "string",
    }  # fmt: skip
    first, second = pd.read_parquet(path).to_dict("records")
    assert first == {
        "id": 1, "price": 2.5, "title": "a", "sold": "true", "day": "2024-01-31",
        "at": "2024-01-31T10:20:30Z",
    }  # fmt: skip
    assert pd.isna(second["price"]) and second["title"] is None and second["at"] == "2024-02-01T00:00:00Z"
    [note] = [line for line in said if "No feature group" in line]
    assert "6 features: 1 Fractional, 1 Integral, 4 String" in note


def test_the_event_time_is_populated(ingest: Ingest) -> None:
    made, _ = ingest(populate_event_time=True)
    times = pd.read_parquet(made.paths[0])["EventTime"]
    assert times.nunique() == 1 and re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", times[0])
    assert abs(pd.Timestamp(times[0]) - pd.Timestamp.now("UTC")) < pd.Timedelta(hours=1)
    with pytest.raises(flow.FlowError, match=r"populate_event_time.*already a column 'price'"):
        ingest(populate_event_time=True, event_time_feature_name="price")


def test_identifier_and_time_are_checked_where_named(ingest: Ingest) -> None:
    made, _ = ingest(record_identifier_feature_name="ID", event_time_feature_name="at")
    assert made.rows == 2
    for config, words in [
        ({"record_identifier_feature_name": "title"}, "1 records have no 'title'.*Fill or drop them\\.$"),
        ({"record_identifier_feature_name": "price"}, "'price' is Fractional"),
        ({"record_identifier_feature_name": "name"}, "no column 'name'"),
        ({"event_time_feature_name": "id"}, "'id' is Integral"),
        ({"event_time_feature_name": "price"}, "1 records have no time in 'price'.*times are like"),
        ({"event_time_feature_name": "day"}, "2 records have no time in 'day'"),
    ]:
        with pytest.raises(flow.FlowError, match=words):
            ingest(**config)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["a b"], "'a b' cannot name a feature"),
        (["_a"], "'_a' cannot name a feature"),
        (["a" * 65], "cannot name a feature"),
        (["write_time"], "'write_time' cannot name a feature"),
    ],
)
def test_names_that_feature_store_refuses(names: list[str], words: str, ingest: Ingest) -> None:
    with pytest.raises(flow.FlowError, match=words):
        ingest([tuple("1" for _ in names)], dict.fromkeys(names, "long"))


def test_most_features_and_longest_name(ingest: Ingest) -> None:
    assert ingest([(1, 2)], {"a" * 64: "long", "a-_b": "long"})[0].columns == ("a" * 64, "a-_b")


def test_lists_are_refused(builder: Any, write_csv: Any, tmp_path: Path) -> None:
    block = {"operator": "Similarity encode", "similarity_encode_parameters": {"input_column": "t"}}
    step = builder.add("step", "sagemaker.spark.encode_categorical_0.1", block, [builder.source()])
    config = {"output_config": {"feature_group_name": "g"}}
    builder.add("store", STORE, config, [step], kind="DESTINATION")
    data = write_csv("data.csv", ["t"], [("a",)])
    with pytest.raises(flow.FlowError, match=r"store .*'t' is array.*Flatten it"):
        flow.execute(builder.read(), lambda _: [data], outputs_of(builder.read(), tmp_path))


def test_checking_names_the_parameter(builder: Any) -> None:
    data = builder.source()
    builder.add("none", STORE, {"output_config": {}}, [data], kind="DESTINATION")
    builder.add("odd", STORE, {"output_config": {"feature_group_name": "a b"}}, [data], kind="DESTINATION")
    builder.add("good", STORE, {"output_config": {"feature_group_name": "a_b"}}, [data], kind="DESTINATION")
    first, second = [str(problem) for problem in flow.check(builder.read())]
    assert "none" in first and "output_config.feature_group_name': is missing" in first
    assert "odd" in second and "at most 64 letters" in second


def test_it_is_drawn_and_exported(builder: Any, write_csv: Any, tmp_path: Path) -> None:
    typed = builder.types(builder.source(), {"id": "long"})
    config = {"feature_group_name": "songs", "offline_only": True, "populate_event_time": False}
    builder.add(
        "store", STORE, {"output_config": config}, [typed], kind="DESTINATION", name="FeatureStore: s"
    )
    picture = flow.draw(builder.read(), tmp_path / "flow.svg")
    assert picture is not None
    assert "feature group songs" in (tmp_path / "flow.svg").read_text()
    data = write_csv("data.csv", ["id"], [(1,), (2,)])
    text = flow.export(builder.read(), "python", {"data.csv": data})
    assert "songs" in text
    builder.nodes[-1]["parameters"]["output_config"]["populate_event_time"] = True
    with pytest.raises(flow.FlowError, match="puts the time of the run into its records"):
        flow.export(builder.read(), "python", {"data.csv": data})
