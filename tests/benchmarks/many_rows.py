"""Time and memory of music.flow on millions of ratings, within a limit of memory.

    python tests/benchmarks/many_rows.py [--millions 3 10 30] [--memory 2GB] [--scratch FOLDER]

The data are made in a scratch folder, as Parquet files; results are Parquet files too. Each run is a process
of its own, as `workshop flow run` makes one; its greatest resident memory is what the system measured, all of
it: interpreter, libraries, database. The last column tells how time grows with rows.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

music = Path(__file__).parents[2] / "notebooks" / "flows" / "music.flow"
listeners_per_million, tracks = 4_000, 100_000
genres = ["Latin", "Folk", "Blues", "Rap", "Reggae", "Jazz", "RnB", "Country", "Electronic", "Pop_Rock"]
features = ["energy", "acousticness", "valence", "speechiness", "instrumentalness", "liveness"]


def make(folder: Path, millions: int) -> dict[str, Path]:
    """The two tables with so many million ratings: numbers are hashes of their row, so always the same."""
    import duckdb

    database = duckdb.connect(config={"memory_limit": "1GB", "temp_directory": str(folder / "spill")})
    files = {"tracks.csv": folder / "tracks.parquet", "ratings.csv": folder / f"ratings-{millions}.parquet"}

    def share(name: str) -> str:
        return f"round((hash(i, '{name}') % 1000000) / 1000000, 6)"

    listed = ", ".join(f"{share(name)} AS {name}" for name in features)
    chosen = ", ".join(f"'{genre}'" for genre in genres)
    if not files["tracks.csv"].exists():
        database.execute(
            f"""COPY (SELECT 't' || i AS trackId,
            round(100 + 300 * {share("length")}, 3) AS length, {listed},
            round(60 + 140 * {share("tempo")}, 3) AS tempo,
            [{chosen}][(1 + hash(i, 'genre') % 10)::BIGINT] AS genre
            FROM range({tracks}) t(i)) TO '{files["tracks.csv"]}' (FORMAT parquet)"""
        )
    database.execute(
        f"""COPY (SELECT 'e' || i AS ratingEventId, 1600000000 + i AS ts,
        (hash(i, 'listener') % {millions * listeners_per_million})::BIGINT AS userId,
        't' || hash(i, 'track') % {tracks} AS trackId, i // 12 AS sessionId, i % 12 AS itemInSession,
        (1 + hash(i, 'rating') % 5)::DOUBLE AS Rating
        FROM range({millions}000000) t(i)) TO '{files["ratings.csv"]}' (FORMAT parquet)"""
    )
    database.close()
    return files


def parquet_flow(folder: Path) -> Path:
    """The workshop's flow, from Parquet files to Parquet files; their types need no inferring."""
    document: dict[str, Any] = copy.deepcopy(json.loads(music.read_text(encoding="utf-8")))
    for node in document["nodes"]:
        if node["type"] == "SOURCE":
            node["parameters"]["dataset_definition"]["s3ExecutionContext"]["s3ContentType"] = "parquet"
        if node["type"] == "DESTINATION":
            node["parameters"]["output_config"] |= {"output_content_type": "Parquet", "compression": "snappy"}
    path = folder / "music.flow"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def measured(command: list[str], environment: dict[str, str]) -> tuple[float, float, float]:
    """Seconds, processor seconds, and the peak of memory (MB) of the largest process of a command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - began
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, processor, after.ru_maxrss * 1024 / 1e6


def one(millions: int, memory: str, scratch: Path) -> None:
    """Make the data, run the flow, say what it took: a process of its own, as peaks are of all children."""
    files = make(scratch, millions)
    command = [sys.executable, "-m", "helpers.cli", "flow", "run", str(parquet_flow(scratch)), "-q"]
    command += ["--output", str(scratch / "out"), "--memory", memory]
    for name, path in files.items():
        command += ["--source", f"{name}={path}"]
    # Rows spill to where there is room: the folder for temporary files may be in memory.
    seconds, processor, peak = measured(command, {**os.environ, "TMPDIR": str(scratch)})
    files["ratings.csv"].unlink()
    print(json.dumps({"seconds": seconds, "processor": processor, "peak": peak}))


def main() -> int:
    """Run each size and print them one below the other."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--millions", type=int, nargs="+", default=[3, 10, 30])
    parser.add_argument("--memory", default="2GB")
    parser.add_argument("--scratch", type=Path, help="a folder with room (default: that of temporary files)")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        one(arguments.one, arguments.memory, arguments.scratch)
        return 0
    print(f"music.flow from Parquet to Parquet, --memory {arguments.memory}")
    print(
        f"{'ratings':>12}{'seconds':>9}{'processor':>11}{'peak MB':>9}{'seconds a million':>19}", flush=True
    )
    with tempfile.TemporaryDirectory(dir=arguments.scratch) as scratch:
        for millions in arguments.millions:
            asked = ["--one", str(millions), "--memory", arguments.memory, "--scratch", scratch]
            said = subprocess.run(
                [sys.executable, __file__, *asked], capture_output=True, text=True, check=False
            )
            if said.returncode:
                print(said.stdout + said.stderr, file=sys.stderr)
                return 1
            took = json.loads(said.stdout.splitlines()[-1])
            each = took["seconds"] / millions
            numbers = f"{took['seconds']:9.1f}{took['processor']:11.1f}{took['peak']:9.0f}{each:19.2f}"
            print(f"{millions * 1_000_000:>12,}{numbers}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
