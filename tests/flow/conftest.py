"""Small flows and small data for the tests of the flow engine."""

from __future__ import annotations

import csv
import importlib.util
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from engine_gaps import gap

from helpers import flow

spark = "sagemaker.spark."


class Builder:
    """Writes flow documents node by node; ids are the names. `engine` is the one its tests run on."""

    engine = "duckdb"

    def __init__(self) -> None:
        self.nodes: list[dict[str, Any]] = []

    def add(
        self,
        name: str,
        operator: str,
        parameters: Mapping[str, Any] | None = None,
        inputs: Sequence[str] = (),
        /,
        *,
        kind: str = "TRANSFORM",
        outputs: Sequence[str] = ("default",),
        **more: Any,
    ) -> str:
        """Add a node; an input is `id` or `id:output`."""
        edges = []
        for each in inputs:
            node_id, _, output = each.partition(":")
            edges.append({"name": "df", "node_id": node_id, "output_name": output or "default"})
        self.nodes.append(
            {
                "node_id": name,
                "type": kind,
                "operator": operator,
                "parameters": dict(parameters or {}),
                "inputs": edges,
                "outputs": [{"name": output} for output in outputs],
                **more,
            }
        )
        return name

    def source(self, name: str = "data.csv", **context: Any) -> str:
        """Add an S3 source."""
        definition = {
            "datasetSourceType": "S3",
            "name": name,
            "s3ExecutionContext": {
                "s3Uri": f"s3://bucket/{name}",
                "s3ContentType": "csv",
                "s3HasHeader": True,
                **context,
            },
        }
        return self.add(name, "sagemaker.s3_source_0.1", {"dataset_definition": definition}, kind="SOURCE")

    def types(self, before: str, schema: Mapping[str, str] | None = None) -> str:
        """Add a step that sets the types of all columns."""
        trained = {"trained_parameters": {"schema": dict(schema)}} if schema else {}
        return self.add(f"types of {before}", spark + "infer_and_cast_type_0.1", {}, [before], **trained)

    def columns(self, name: str, before: str, choice: str, **block: Any) -> str:
        """Add a step of the Manage columns family."""
        key = choice.lower().replace(" ", "_") + "_parameters"
        return self.add(name, spark + "manage_columns_0.1", {"operator": choice, key: block}, [before])

    def destination(self, name: str, before: str) -> str:
        """Add an S3 destination."""
        config = {
            "output_path": f"s3://bucket/{name}/",
            "output_content_type": "CSV",
            "delimiter": ",",
            "compression": "none",
        }
        operator = spark + "s3_destination_0.1"
        return self.add(name, operator, {"output_config": config}, [before], kind="DESTINATION", name=name)

    @property
    def document(self) -> dict[str, Any]:
        """The flow as JSON would hold it."""
        return {"metadata": {"version": 1, "disable_limits": False}, "nodes": self.nodes}

    def read(self) -> flow.Flow:
        """The flow, read."""
        return flow.read(self.document)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that takes an engine runs on each of those asked for (--engine)."""
    if "engine" in metafunc.fixturenames:
        asked = metafunc.config.getoption("engine")
        metafunc.parametrize("engine", ["duckdb", "spark"] if asked == "both" else [asked], indirect=True)


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> str:
    """The name of the engine; on Spark tests are skipped that it has no chance to pass, with the reason."""
    name: str = request.param
    if name == "spark":
        case = request.node.name.partition("[")[2].removesuffix("]").removeprefix("spark").removeprefix("-")
        reason = gap(request.node.path.stem, request.node.originalname, case)
        if reason:
            pytest.skip(f"on Spark: {reason}")
        request.getfixturevalue("spark_session")
    return name


@pytest.fixture(scope="session")
def spark_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One Spark for the whole test process, made for tables of a few rows."""
    if importlib.util.find_spec("pyspark") is None:
        pytest.skip("PySpark is not installed (make spark)")
    from helpers.flow.spark.session import java, start_spark

    if java() is None:
        pytest.skip("Spark needs Java, and none is found")
    # Compiling a query would take longer than running it.
    quick = {
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.shuffle.partitions": "1",
        "spark.default.parallelism": "1",
        "spark.log.level": "OFF",
        "spark.driver.defaultJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto",
    }
    session = start_spark(tmp_path_factory.mktemp("spark"), threads=1, memory="1GB", more=quick)
    yield session
    session.stop()


@pytest.fixture
def builder(request: pytest.FixtureRequest) -> Builder:
    """An empty flow to add nodes to."""
    made = Builder()
    if "engine" in request.fixturenames:
        made.engine = request.getfixturevalue("engine")
    return made


@pytest.fixture
def new_builder() -> Callable[[], Builder]:
    """Makes empty flows, for tests that need more than one."""
    return Builder


@pytest.fixture
def write_csv(tmp_path: Path) -> Callable[..., Path]:
    """Write rows as a CSV file: write_csv("a.csv", ["x", "y"], [(1, 2)])."""

    def write(name: str, header: Sequence[str], rows: Sequence[Sequence[object]]) -> Path:
        path = tmp_path / name
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(header)
            writer.writerows(rows)
        return path

    return write


Apply = Callable[..., pd.DataFrame]


@pytest.fixture
def apply(engine: str, builder: Builder, write_csv: Callable[..., Path]) -> Apply:
    """Run one operator on typed rows, on each engine, and return what it makes of them."""

    def run(
        operator: str,
        parameters: Mapping[str, Any],
        schema: Mapping[str, str],
        rows: Sequence[Sequence[object]],
        output: str = "default",
    ) -> pd.DataFrame:
        builder.nodes.clear()
        path = write_csv("data.csv", list(schema), rows)
        typed = builder.types(builder.source(), schema)
        builder.add("step", operator, parameters, [typed])
        return flow.preview(
            builder.read(), "step", {"data.csv": path}, rows=10_000, output=output, engine=engine
        )

    return run


@pytest.fixture(scope="session")
def music(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The workshop's columns: 60 tracks, 600 ratings, 6 listeners; number 4 never gives five stars."""
    genres = ["Latin", "Folk", "Blues", "Rap", "Reggae", "Jazz", "RnB", "Country", "Electronic", "Pop_Rock"]
    features = [
        "length",
        "energy",
        "acousticness",
        "valence",
        "speechiness",
        "instrumentalness",
        "liveness",
        "tempo",
    ]
    folder = tmp_path_factory.mktemp("music")
    tracks, ratings = folder / "tracks.csv", folder / "ratings.csv"
    with tracks.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["trackId", *features, "genre"])
        for track in range(60):
            values = [round((track * (7 + place) % 97) / 97 + 0.001, 6) for place in range(len(features))]
            writer.writerow([f"t{track}", *values, genres[track * track % 10 if track % 3 else track % 10]])
    with ratings.open("w", newline="") as file:
        writer = csv.writer(file)
        names = ["ratingEventId", "ts", "userId", "trackId", "sessionId", "itemInSession", "Rating"]
        writer.writerow(names)
        for event in range(600):
            listener = event % 5 if event < 590 else 5  # listener 5 appears in the last tenth only
            stars = 1 + event // 5 % 4 if listener == 4 else 1 + (event // 5 + event) % 5
            track = f"t{event * 17 % 60}"
            writer.writerow(
                [f"e{event}", 1_600_000_000 + event * 60, listener, track, event // 10, event % 10, stars]
            )
    return {"tracks.csv": tracks, "ratings.csv": ratings}
