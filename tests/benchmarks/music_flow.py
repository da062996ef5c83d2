"""Time and memory of music.flow beside the same work in hand-written DuckDB SQL and in pandas, in one run.

    python tests/benchmarks/music_flow.py [--scale full] [--repeat 3] [--spark]

Each contender runs in a process of its own: CSV in; train, test, listeners and tracks as CSV out. Interpreter
and imports are not in the seconds, and reported apart. Processor time, that of imports included, tells more
than the clock where others use the machine. With --spark the flow also runs on local Spark: the start of its
JVM is reported with the imports; the JVM's processor time and memory are not seen. The outputs are compared:
same columns, same rows.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

features = [
    "energy",
    "acousticness",
    "valence",
    "speechiness",
    "instrumentalness",
    "liveness",
    "tempo",
    "danceability",
]
genres = ["Latin", "Folk", "Blues", "Rap", "Reggae", "Jazz", "RnB", "Country", "Electronic", "Pop_Rock"]
averaged = [*features, *(f"genre_{genre}" for genre in genres)]
identifiers = ["ratingEventId", "ts", "userId", "trackId", "sessionId", "itemInSession"]
numbers = [
    "length",
    "energy",
    "acousticness",
    "valence",
    "speechiness",
    "instrumentalness",
    "liveness",
    "tempo",
]


def ours(tracks: Path, ratings: Path, output: Path) -> tuple[float, float]:
    """The flow, on this project's engine."""
    began = time.perf_counter()
    import helpers.flow.engine
    import helpers.flow.loading
    import helpers.flow.spark_on_duckdb.pyspark.modules
    import helpers.flow.writing  # noqa: F401
    from helpers import flow

    imported = time.perf_counter()
    music = flow.read(Path(__file__).parents[2] / "notebooks" / "flows" / "music.flow")
    files = {"tracks.csv": tracks, "ratings.csv": ratings}
    outputs = [flow.Output(node.node_id, "default", output / node.label) for node in music.destinations()]
    flow.execute(music, lambda source: [files[source.dataset_name]], outputs)
    return imported - began, time.perf_counter() - imported


def spark(tracks: Path, ratings: Path, output: Path) -> tuple[float, float]:
    """The flow, on this project's engine for Apache Spark; the start of the JVM counts as an import."""
    began = time.perf_counter()
    from helpers import flow
    from helpers.flow.engine import Spark, execute
    from helpers.flow.spark.session import start_spark

    with tempfile.TemporaryDirectory() as scratch:
        session = start_spark(Path(scratch))
        try:
            imported = time.perf_counter()
            music = flow.read(Path(__file__).parents[2] / "notebooks" / "flows" / "music.flow")
            files = {"tracks.csv": tracks, "ratings.csv": ratings}
            outputs = [
                flow.Output(node.node_id, "default", output / node.label) for node in music.destinations()
            ]
            execute(music, lambda source: [files[source.dataset_name]], outputs, engine=Spark())
            return imported - began, time.perf_counter() - imported
        finally:
            session.stop()


def sql(tracks: Path, ratings: Path, output: Path) -> tuple[float, float]:
    """The same by hand, in DuckDB's SQL."""
    began = time.perf_counter()
    import duckdb

    imported = time.perf_counter()
    db = duckdb.connect()
    columns = ", ".join(f"'{name}': 'DOUBLE'" for name in numbers)
    db.execute(
        f"""CREATE TABLE raw_tracks AS FROM read_csv('{tracks}', header = true,
        columns = {{'trackId': 'VARCHAR', {columns}, 'genre': 'VARCHAR'}})"""
    )
    db.execute(
        f"""CREATE TABLE ratings AS FROM read_csv('{ratings}', header = true, columns = {{
        'ratingEventId': 'VARCHAR', 'ts': 'BIGINT', 'userId': 'BIGINT', 'trackId': 'VARCHAR',
        'sessionId': 'BIGINT', 'itemInSession': 'BIGINT', 'Rating': 'DOUBLE'}})"""
    )
    by_frequency = "SELECT genre FROM raw_tracks GROUP BY 1 ORDER BY count(*) DESC, 1"
    ordered = [row[0] for row in db.execute(by_frequency).fetchall()]
    ones = ", ".join(
        f"CASE WHEN genre = '{name}' THEN 1.0::DOUBLE ELSE 0 END AS genre_{name}" for name in ordered
    )
    db.execute(
        f"""CREATE TABLE tracks AS SELECT *, {ones},
        0.3::DOUBLE * valence + 0.1::DOUBLE * liveness + 0.1::DOUBLE * energy AS danceability
        FROM raw_tracks"""
    )
    cut = db.execute("SELECT quantile_disc(ts, 0.8) FROM ratings").fetchall()[0][0]
    averages = ", ".join(
        f"coalesce(avg({name}) FILTER (Rating = 5), avg({name})) AS {name}_5star" for name in averaged
    )
    tastes = ", ".join(
        f"sum(Rating * {name}) / sum(Rating) - avg({name}) AS {name}_taste" for name in averaged
    )
    db.execute(
        f"""CREATE TABLE listeners AS
        SELECT userId, count(*) FILTER (Rating = 5) AS five_star_ratings, avg(Rating) AS mean_rating,
        {averages}, {tastes}
        FROM ratings JOIN tracks USING (trackId) WHERE ts <= {cut} GROUP BY userId ORDER BY userId"""
    )
    wide = ", ".join(
        [
            "Rating",
            *numbers,
            *(f"genre_{genre}" for genre in ordered),
            "danceability",
            "mean_rating",
            *(f"{name}_taste" for name in averaged),
        ]
    )
    joined = (
        "FROM ratings r JOIN tracks t ON r.trackId = t.trackId LEFT JOIN listeners l ON r.userId = l.userId"
    )
    kept = ", ".join(f"r.{name}" for name in identifiers)
    queries = {
        "train": f"SELECT {wide} {joined} WHERE ts <= {cut} ORDER BY r.rowid",
        "test": f"SELECT {wide}, {kept} {joined} WHERE ts > {cut} ORDER BY r.rowid",
        "listeners": "SELECT * FROM listeners ORDER BY userId",
        "tracks": "SELECT * FROM tracks ORDER BY rowid",
    }
    for name, query in queries.items():
        (output / name).mkdir(parents=True)
        db.execute(f"COPY ({query}) TO '{output / name / 'part.csv'}' (HEADER)")
    return imported - began, time.perf_counter() - imported


def pandas(tracks: Path, ratings: Path, output: Path) -> tuple[float, float]:
    """The same by hand, in pandas."""
    began = time.perf_counter()
    import pandas as pd

    imported = time.perf_counter()
    songs = pd.read_csv(tracks)
    ordered = sorted(songs.genre.value_counts().items(), key=lambda item: (-item[1], item[0]))
    for genre, _ in ordered:
        songs[f"genre_{genre}"] = (songs.genre == genre).astype(float)
    songs["danceability"] = 0.3 * songs.valence + 0.1 * songs.liveness + 0.1 * songs.energy
    rated = pd.read_csv(ratings)
    rated["Rating"] = rated.Rating.astype(float)
    cut = rated.ts.quantile(0.8, interpolation="lower")
    train, test = (
        part.merge(songs.drop(columns="genre"), on="trackId", how="inner")
        for part in (rated[rated.ts <= cut], rated[rated.ts > cut])
    )
    groups = train.groupby("userId")[averaged].mean()
    loved = train[train.Rating == 5].groupby("userId")[averaged].mean().reindex(groups.index).fillna(groups)
    loved = loved.add_suffix("_5star")
    stars = (train.Rating == 5).groupby(train.userId).sum()
    listeners = loved.reset_index()
    listeners.insert(1, "five_star_ratings", stars.to_numpy())
    weighted = train[averaged].mul(train.Rating, axis=0).groupby(train.userId).sum()
    rating = train.groupby("userId").Rating
    tastes = (weighted.div(rating.sum(), axis=0) - groups).add_suffix("_taste")
    tastes.insert(0, "mean_rating", rating.mean())
    listeners.insert(2, "mean_rating", tastes["mean_rating"].to_numpy())
    listeners = listeners.merge(tastes.drop(columns="mean_rating"), left_on="userId", right_index=True)
    wide = [
        "Rating",
        *numbers,
        *(f"genre_{genre}" for genre, _ in ordered),
        "danceability",
        "mean_rating",
        *(f"{name}_taste" for name in averaged),
    ]
    tables = {
        "train": train.merge(tastes, left_on="userId", right_index=True, how="left")[wide],
        "test": test.merge(tastes, left_on="userId", right_index=True, how="left")[[*wide, *identifiers]],
        "listeners": listeners,
        "tracks": songs,
    }
    for name, table in tables.items():
        (output / name).mkdir(parents=True)
        table.to_csv(output / name / "part.csv", index=False)
    return imported - began, time.perf_counter() - imported


contenders = {"ours": ours, "sql": sql, "pandas": pandas, "spark": spark}


def compare(reference: Path, other: Path) -> str:
    """Whether two runs wrote the same: an empty text, or the first difference."""
    import pandas as pd

    for name in ("train", "test", "listeners", "tracks"):
        a, b = (pd.read_csv(next((root / name).glob("*.csv"))) for root in (reference, other))
        try:
            pd.testing.assert_frame_equal(a, b, rtol=1e-9)
        except AssertionError as error:
            return f"{name}: {error}"
    return ""


def main() -> int:
    """Run every contender and print them side by side."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scale", default="full", choices=["tiny", "small", "full"])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument(
        "--data", type=Path, help="a folder with tracks.csv and ratings.csv, instead of generated"
    )
    parser.add_argument("--spark", action="store_true", help="the flow on local Spark too")
    parser.add_argument("--one", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        name, *paths = arguments.one
        began = time.process_time()
        imports, seconds = contenders[name](*map(Path, paths))
        processor = time.process_time() - began
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"imports": imports, "seconds": seconds, "peak": peak, "processor": processor}))
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        if arguments.data:
            tracks, ratings = arguments.data / "tracks.csv", arguments.data / "ratings.csv"
        else:
            from helpers import dataset

            data = dataset.load("generated", directory=scratch, scale=arguments.scale, progress=False)
            tracks, ratings = data.tracks, data.ratings
        asked = [name for name in contenders if name != "spark" or arguments.spark]
        best: dict[str, dict[str, float]] = {}
        for attempt in range(arguments.repeat):
            for name in asked:
                output = Path(scratch) / f"{name}-{attempt}"
                command = [sys.executable, __file__, "--one", name, str(tracks), str(ratings), str(output)]
                said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
                result = json.loads(said.splitlines()[-1])
                if name not in best or result["seconds"] < best[name]["seconds"]:
                    best[name] = result
        print(f"music.flow at {arguments.scale}, best of {arguments.repeat}; imports apart")
        print(
            f"{'':8}{'seconds':>9}{'processor':>11}{'imports':>9}{'peak MB':>9}{'to SQL':>9}{'to pandas':>11}"
        )
        for name, result in best.items():
            to_sql = result["seconds"] / best["sql"]["seconds"]
            to_pandas = best["pandas"]["seconds"] / result["seconds"]
            print(
                f"{name:8}{result['seconds']:9.2f}{result['processor']:11.2f}{result['imports']:9.2f}{result['peak']:9.0f}"
                f"{to_sql:8.2f}x{to_pandas:10.1f}x"
            )
        differences = [compare(Path(scratch) / "ours-0", Path(scratch) / f"{name}-0") for name in asked[1:]]
        print("outputs: " + ("equal" if not any(differences) else "\n".join(differences)))
        return int(any(differences))


if __name__ == "__main__":
    sys.exit(main())
