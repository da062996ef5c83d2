"""Whole runs: the shapes of the public music flows, the workshop's own, the child process, the command."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from helpers import flow
from helpers.flow.commands import app

music_flow = Path(__file__).parents[2] / "notebooks" / "flows" / "music.flow"
TRACKS = {
    "trackId": "string", "length": "float", "energy": "float", "acousticness": "float", "valence": "float",
    "speechiness": "float", "instrumentalness": "float", "liveness": "float", "tempo": "float",
    "genre": "string",
}  # fmt: skip
RATINGS = {
    "ratingEventId": "string", "ts": "long", "userId": "long", "trackId": "string", "sessionId": "long",
    "itemInSession": "long", "Rating": "float",
}  # fmt: skip
AVERAGES = """# Table is available as variable `df`
import pyspark.sql.functions as F
num_feat_cols = ['energy', 'tempo', 'danceability', 'genre_Jazz', 'genre_Pop_Rock']
agg_obj = [F.avg(feat_col).alias(feat_col+"_5star") for feat_col in num_feat_cols]
df = df.filter(F.col('Rating')==5).groupBy('userId').agg(*agg_obj)"""
EVENT_TIME = """from pyspark.sql import functions as F
df = df.withColumn('EventTime', F.unix_timestamp(F.current_timestamp()))"""


def featured_tracks(builder: Any, *, event_time: bool = False) -> str:
    """Tracks, typed, with one-hot genres and danceability."""
    step = builder.types(builder.source("tracks.csv"), TRACKS)
    block = {"invalid_handling_strategy": "Keep", "drop_last": False, "output_style": "Columns"}
    parameters = {
        "operator": "One-hot encode",
        "one_hot_encode_parameters": {"input_column": "genre", **block},
    }
    step = builder.add("genres", "sagemaker.spark.encode_categorical_0.1", parameters, [step])
    if event_time:
        step = with_event_time(builder, "track time", step)
    parameters = {"output_column": "danceability", "formula": "0.3*valence + 0.1*liveness + 0.1*energy"}
    return str(builder.add("danceability", "sagemaker.spark.custom_formula_0.1", parameters, [step]))


def with_event_time(builder: Any, name: str, before: str) -> str:
    """The two steps with which a flow prepares rows for Feature Store."""
    step = builder.add(name, "sagemaker.spark.custom_pyspark_0.1", {"code": EVENT_TIME}, [before])
    parameters = {"column": "EventTime", "original_data_type": "Long", "data_type": "float"}
    return str(builder.add(f"{name} float", "sagemaker.spark.cast_single_data_type_0.1", parameters, [step]))


def join(builder: Any, name: str, left: str, right: str, key: str) -> str:
    parameters = {"left_column": key, "right_column": key, "join_type": "inner"}
    return str(builder.add(name, "sagemaker.spark.join_tables_0.1", parameters, [left, right]))


def randomized_music(builder: Any) -> flow.Flow:
    """The shape of the public low-code music flow: five-star averages, joined back, split at random."""
    step = join(
        builder,
        "rated",
        featured_tracks(builder),
        builder.types(builder.source("ratings.csv"), RATINGS),
        "trackId",
    )
    step = builder.columns("drop key", step, "Drop column", column_to_drop="trackId_1")
    step = builder.columns("rename key", step, "Rename column", input_column="trackId_0", new_name="trackId")
    averages = builder.add("averages", "sagemaker.spark.custom_pyspark_0.1", {"code": AVERAGES}, [step])
    identifiers = ["ratingEventId", "ts", "sessionId", "itemInSession", "trackId"]
    step = builder.columns("no ids", step, "Drop column", column_to_drop=identifiers)
    step = join(builder, "dataset", averages, step, "userId")
    step = builder.columns("no users", step, "Drop column", column_to_drop=["userId_0", "userId_1"])
    move = {"move_type": "Move to start", "move_to_start_parameters": {"column_to_move": "Rating"}}
    step = builder.columns("rating first", step, "Move column", **move)
    parts = [{"name": "Train", "percentage": 0.8}, {"name": "Test", "percentage": 0.2}]
    parameters = {
        "operator": "Randomized split",
        "randomized_split_parameters": {"splits": parts, "error": 0.0001},
    }
    builder.add("split", "sagemaker.spark.split_0.1", parameters, [step], outputs=["Train", "Test"])
    for part in ("Train", "Test"):
        builder.add(f"{part} set", "sagemaker.dataset.identity_0.1", {}, [f"split:{part}"], kind="DATASET")
        builder.destination(f"S3: {part.lower()}_dataset", f"{part} set")
    return builder.read()  # type: ignore[no-any-return]


def contents(folder: Path) -> dict[str, bytes]:
    """Every file under a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def table(folder: Path) -> pd.DataFrame:
    [path] = folder.glob("part-00000-*-c000.csv")
    return pd.read_csv(path)


def test_the_low_code_music_flow(builder: Any, music: dict[str, Path], tmp_path: Path) -> None:
    read = randomized_music(builder)
    flow.run(read, music, tmp_path / "out")
    train, test = table(tmp_path / "out" / "S3--train_dataset"), table(tmp_path / "out" / "S3--test_dataset")
    ratings, tracks = pd.read_csv(music["ratings.csv"]), pd.read_csv(music["tracks.csv"])
    pleased = ratings[ratings.Rating == 5].merge(tracks, on="trackId").groupby("userId")["tempo"].mean()
    expected = ratings[ratings.userId.isin(pleased.index)]
    assert len(train) + len(test) == len(expected)
    assert len(train) == pytest.approx(len(expected) * 0.8, abs=3)  # equal rows stay together
    assert train.columns[0] == "Rating" and list(train.columns) == list(test.columns)
    everything = pd.concat([train, test])
    want = expected.merge(tracks, on="trackId")
    assert sorted(everything["tempo_5star"].round(9)) == sorted(want.userId.map(pleased).round(9))
    assert everything["danceability"].sum() == pytest.approx(
        (0.3 * want.valence + 0.1 * want.liveness + 0.1 * want.energy).sum()
    )
    assert everything["genre_Jazz"].sum() == (want.genre == "Jazz").sum()


def test_the_music_flow_for_feature_store_writes_its_leaf(
    builder: Any, music: dict[str, Path], tmp_path: Path
) -> None:
    tracks = featured_tracks(builder, event_time=True)
    ratings = with_event_time(builder, "rating time", builder.types(builder.source("ratings.csv"), RATINGS))
    step = join(builder, "rated", tracks, ratings, "trackId")
    step = builder.columns("drop key", step, "Drop column", column_to_drop="trackId_1")
    code = AVERAGES + "\ndf = df.withColumn('EventTime', F.unix_timestamp(F.current_timestamp()))"
    builder.add("averages", "sagemaker.spark.custom_pyspark_0.1", {"code": code}, [step])
    began = int(time.time())
    [written] = flow.run(builder.read(), music, tmp_path / "out")
    listeners = table(tmp_path / "out" / "averages")
    assert written.rows == len(listeners) and listeners["userId"].is_monotonic_increasing
    assert listeners["EventTime"].between(began, time.time() + 1).all()


def test_the_workshops_flow(music: dict[str, Path], tmp_path: Path) -> None:
    flow.run(flow.read(music_flow), music, tmp_path)
    train, test, listeners, tracks = (
        table(tmp_path / name) for name in ("train", "test", "listeners", "tracks")
    )
    identifiers = ["ratingEventId", "ts", "userId", "trackId", "sessionId", "itemInSession"]
    assert train.columns[0] == "Rating" and len(train.columns) == 39
    assert not [name for name in train.columns if name.endswith("_5star")]  # these are for people
    assert list(test.columns) == [*train.columns, *identifiers]
    ratings = pd.read_csv(music["ratings.csv"])
    assert list(test["ratingEventId"]) == list(ratings["ratingEventId"][480:])  # the last fifth in time
    assert list(train["Rating"]) == list(ratings["Rating"][:480])
    # Listener 4 never gave five stars: described by all rated tracks, and named by the count.
    seen = ratings[:480].merge(tracks, on="trackId")
    assert listeners.loc[listeners.five_star_ratings == 0, "userId"].tolist() == [4]
    assert listeners.set_index("userId").loc[4, "tempo_5star"] == pytest.approx(
        seen[seen.userId == 4].tempo.mean()
    )
    loved = seen[(seen.userId == 1) & (seen.Rating == 5)]
    assert listeners.set_index("userId").loc[1, "tempo_5star"] == pytest.approx(loved.tempo.mean())
    assert listeners.set_index("userId").loc[1, "five_star_ratings"] == len(loved)
    # Tastes are of all the training ratings: a correlation's numerator, in shares of the mean rating.
    first = seen[seen.userId == 1]
    together = np.cov(first.Rating, first.tempo, bias=True)[0, 1]
    described = listeners.set_index("userId").loc[1]
    assert described["tempo_taste"] == pytest.approx(together / first.Rating.mean(), rel=1e-6)
    assert described["mean_rating"] == pytest.approx(first.Rating.mean())
    assert test.loc[test.userId == 1, "tempo_taste"].tolist() == pytest.approx(
        [described["tempo_taste"]] * (test.userId == 1).sum()
    )
    # Listener 5 came after the split: there are no averages yet, but the rows are there.
    assert 5 not in set(listeners.userId)
    assert test.loc[test.userId == 5, "tempo_taste"].isna().all() and (test.userId == 5).sum() == 10
    assert {"genre", "genre_Jazz", "danceability"} <= set(tracks.columns) and len(tracks) == 60


def test_the_leaky_flow_averages_what_the_workshops_flow_has_not_seen(
    music: dict[str, Path], tmp_path: Path
) -> None:
    """The same rows in the same columns; only the listeners' averages differ, and by the test's ratings."""
    leaky = music_flow.with_name("music_leaky.flow")
    flow.run(flow.read(music_flow), music, tmp_path / "honest")
    flow.run(flow.read(leaky), music, tmp_path / "leaky")
    ratings, tracks = pd.read_csv(music["ratings.csv"]), table(tmp_path / "honest" / "tracks")
    rated = ratings[ratings.userId == 1].merge(tracks, on="trackId")
    before = rated[rated.ts <= ratings.ts[479]]
    assert 0 < len(before) < len(rated)
    for which, seen in (("honest", before), ("leaky", rated)):
        train, test = table(tmp_path / which / "train"), table(tmp_path / which / "test")
        assert list(train["Rating"]) == list(ratings["Rating"][:480])
        assert list(test["ratingEventId"]) == list(ratings["ratingEventId"][480:])
        assert list(test.columns[: len(train.columns)]) == list(train.columns)
        mine = test.loc[test.userId == 1, "tempo_taste"]
        taste = np.average(seen.tempo, weights=seen.Rating) - seen.tempo.mean()
        assert mine.nunique() == 1 and mine.iloc[0] == pytest.approx(taste, rel=1e-6)


@pytest.mark.parametrize("which", ["workshop", "low code"])
def test_files_are_the_same_with_any_number_of_threads(
    which: str, builder: Any, tmp_path: Path, music: dict[str, Path]
) -> None:
    # Many rows: DuckDB gives each thread its own part of a table only beyond some 122,880 of them.
    repeated = tmp_path / "many.csv"
    lines = music["ratings.csv"].read_text().splitlines()
    rows = [line.split(",") for line in lines[1:]]
    with repeated.open("w") as file:
        file.write(lines[0] + "\n")
        for turn in range(220):
            for event, moment, listener, *rest in rows:
                who = turn % 50 * 10 + int(listener)
                file.write(f"{turn}-{event},{int(moment) + turn * 7919},{who},{','.join(rest)}\n")
    read = flow.read(music_flow) if which == "workshop" else randomized_music(builder)
    files = {**music, "ratings.csv": repeated}
    seen = []
    for place, threads in enumerate((1, 2, 4)):
        outputs = [
            flow.Output(node.node_id, "default", tmp_path / str(place) / node.destination_name)
            for node in read.destinations()
        ]
        flow.execute(read, lambda source: [files[source.dataset_name]], outputs, threads=threads)
        seen.append(contents(tmp_path / str(place)))
    assert seen[0] == seen[1] == seen[2]
    assert sum(map(len, seen[0].values())) > 5_000_000


def test_little_memory_is_enough(tmp_path: Path, music: dict[str, Path]) -> None:
    files = {"tracks.csv": music["tracks.csv"], "ratings.csv": music["ratings.csv"]}
    flow.run(flow.read(music_flow), files, tmp_path / "out", memory="200MB", threads=1)
    assert len(table(tmp_path / "out" / "train")) == 480


def test_execute_writes_parquet_and_gzip(builder: Any, write_csv: Any, tmp_path: Path) -> None:
    path = write_csv("data.csv", ["d", "t", "s"], [("2020-01-05", "2020-01-05 10:11:12", 'say "hi", you')])
    step = builder.types(builder.source(), {"d": "date", "t": "datetime", "s": "string"})
    kinds = [("CSV", "none"), ("CSV", "gzip"), ("Parquet", "snappy")]
    outputs = [
        flow.Output(step, "default", tmp_path / f"{kind}-{compression}", kind, ";", compression)
        for kind, compression in kinds
    ]
    written = flow.execute(builder.read(), lambda _: [path], outputs)
    plain, packed, parquet = (each.paths[0] for each in written)
    assert plain.read_text() == 'd;t;s\n2020-01-05;2020-01-05T10:11:12.000Z;"say ""hi"", you"\n'
    assert packed.name.endswith(".csv.gz") and pd.read_csv(packed, sep=";").equals(
        pd.read_csv(plain, sep=";")
    )
    assert parquet.name.endswith(".snappy.parquet") and pd.read_parquet(parquet)["s"][0] == 'say "hi", you'


def test_several_files_hold_the_rows_in_order(builder: Any, write_csv: Any, tmp_path: Path) -> None:
    path = write_csv("data.csv", ["a"], [(number,) for number in range(10)])
    output = flow.Output(builder.source(), "default", tmp_path / "out", partitions=3)
    [written] = flow.execute(builder.read(), lambda _: [path], [output])
    assert [each.read_text().split() for each in written.paths] == [
        ["a", "0", "1", "2"],
        ["a", "3", "4", "5"],
        ["a", "6", "7", "8", "9"],
    ]
    assert written.rows == 10


# The child process


def looping(builder: Any, code: str) -> flow.Flow:
    builder.add(
        "loop", "sagemaker.spark.custom_pyspark_0.1", {"code": code}, [builder.source()], name="my step"
    )
    return builder.read()  # type: ignore[no-any-return]


def test_a_run_that_takes_too_long_is_stopped(builder: Any, write_csv: Any, tmp_path: Path) -> None:
    path = write_csv("data.csv", ["a"], [(1,)])
    (tmp_path / "out" / "my-step").mkdir(parents=True)
    (tmp_path / "out" / "my-step" / "old.csv").write_text("kept")
    with pytest.raises(flow.FlowError, match=r"stopped at step 'my step': it took longer than 10 seconds"):
        flow.run(looping(builder, "while True: pass"), {"data.csv": path}, tmp_path / "out", time_limit=10)
    assert contents(tmp_path / "out") == {"my-step/old.csv": b"kept"}


def test_a_child_that_dies_leaves_nothing(builder: Any, write_csv: Any, tmp_path: Path) -> None:
    path = write_csv("data.csv", ["a"], [(1,)])
    code = "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"
    with pytest.raises(flow.FlowError, match="was killed at step 'my step'"):
        flow.run(looping(builder, code), {"data.csv": path}, tmp_path / "out" / "deep")
    assert not (tmp_path / "out").exists()


def test_prints_past_python_do_not_break_the_conversation(
    builder: Any, write_csv: Any, tmp_path: Path
) -> None:
    path = write_csv("data.csv", ["a"], [(1,)])
    code = "import os\nos.write(1, b'{not json\\n')\nprint('hello')"
    told: list[str] = []
    flow.run(looping(builder, code), {"data.csv": path}, tmp_path / "out", progress=told.append)
    assert "  hello" in told


def test_no_child_outlives_its_parent(builder: Any, write_csv: Any, tmp_path: Path) -> None:
    path = write_csv("data.csv", ["a"], [(1,)])
    marker = tmp_path / "pid"
    code = f"import os, time\nopen({str(marker)!r}, 'w').write(str(os.getpid()))\ntime.sleep(600)"
    flow_path = looping(builder, code).write(tmp_path / "x.flow")
    script = (
        "import sys; from helpers import flow;"
        "flow.run(flow.read(sys.argv[1]), {'data.csv': sys.argv[2]}, sys.argv[3])"
    )
    arguments = [sys.executable, "-c", script, str(flow_path), str(path), str(tmp_path / "out")]
    with subprocess.Popen(arguments) as parent:
        deadline = time.monotonic() + 60
        while not (marker.exists() and marker.read_text()) and time.monotonic() < deadline:
            time.sleep(0.05)
        child = int(marker.read_text())
        parent.kill()
    try:
        while time.monotonic() < deadline and alive(child):
            time.sleep(0.05)
        assert not alive(child)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)


def alive(process: int) -> bool:
    """Whether a process runs; one that only waits to be collected does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_second_run_replaces_the_first(builder: Any, write_csv: Any, tmp_path: Path) -> None:
    path = write_csv("data.csv", ["a"], [(1,), (2,)])
    builder.destination("out", builder.source())
    for _ in range(2):
        [written] = flow.run(builder.read(), {"data.csv": path}, tmp_path / "to")
    assert list(contents(tmp_path / "to")) == [f"out/{written.paths[0].name}"]
    assert written.paths[0].read_text() == "a\n1\n2\n"


# The command


def command(*arguments: object) -> Any:
    return CliRunner().invoke(app, [str(each) for each in arguments])


def test_run_check_and_draw(music: dict[str, Path], tmp_path: Path) -> None:
    sources = [part for name, path in music.items() for part in ("--source", f"{name}={path}")]
    done = command("run", music_flow, *sources, "--output", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert "480 rows, 39 columns" in done.output and "One-hot encode genre" in done.output
    one = command("run", music_flow, *sources, "--output", tmp_path / "one", "--node", "One-hot genre", "-q")
    assert one.exit_code == 0 and [path.name for path in (tmp_path / "one").iterdir()] == ["One-hot-genre"]
    parts = command(
        "run", music_flow, *sources, "--output", tmp_path / "two", "--node", "Split in time", "-q"
    )
    assert parts.exit_code == 0
    assert sorted(path.name for path in (tmp_path / "two").iterdir()) == [
        "Split-in-time-Test",
        "Split-in-time-Train",
    ]
    assert "can run: 30 steps" in command("check", music_flow).output
    assert command("draw", music_flow, "-o", tmp_path / "music.png").exit_code == 0
    assert (tmp_path / "music.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "Source 'ratings.csv' has no file. Name one: --source ratings.csv=PATH"),
        (["--source", "songs.csv=x"], "no source 'songs.csv'. Its sources: tracks.csv, ratings.csv"),
        (["--source", "tracks.csv=missing.csv"], "missing.csv of source 'tracks.csv' does not exist"),
        (["--source", "tracks.csv"], "must be NAME=PATH"),
        (["--node", "nothing"], "no node 'nothing'"),
        (["--memory", "lots", "--source", "tracks.csv=T", "--source", "ratings.csv=R"], "lots"),
    ],
)
def test_bad_input_is_one_clear_message(
    arguments: list[str], says: str, music: dict[str, Path], tmp_path: Path
) -> None:
    paths = {
        "tracks.csv=T": f"tracks.csv={music['tracks.csv']}",
        "ratings.csv=R": f"ratings.csv={music['ratings.csv']}",
    }
    arguments = [paths.get(each, each) for each in arguments]
    done = command("run", music_flow, "--output", tmp_path / "out", *arguments)
    assert done.exit_code == 2
    assert says in done.output.replace("\n", " ") and "Traceback" not in done.output
    assert not (tmp_path / "out").exists()


def test_a_broken_flow_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.flow").write_text('{"nodes": [')
    for arguments in (["check", tmp_path / "bad.flow"], ["draw", tmp_path / "bad.flow"]):
        done = command(*arguments)
        assert done.exit_code == 2 and "bad.flow is not a flow file" in done.output.replace("\n", "")


def test_preview_of_any_step(music: dict[str, Path]) -> None:
    read = flow.read(music_flow)
    table = flow.preview(read, "Danceability", {"tracks.csv": music["tracks.csv"]}, rows=3)
    assert len(table) == 3 and table.columns[-1] == "danceability"
    part = flow.preview(read, "Split in time", {"ratings.csv": music["ratings.csv"]}, rows=1, output="Test")
    assert part["ratingEventId"].tolist() == ["e480"]
    with pytest.raises(flow.FlowError, match=r"has no output Split in time\.Validation"):
        flow.preview(read, "Split in time", {"ratings.csv": music["ratings.csv"]}, output="Validation")
    with pytest.raises(flow.FlowError, match=r"Source 'ratings\.csv' has no file"):
        flow.preview(read, "train", {"tracks.csv": music["tracks.csv"]})
