"""The whole catalogue for one listener and for ten: batch transform, endpoint, and the model in this process.

    python tests/benchmarks/catalogue.py [--state FOLDER] [--scale small|full] [--tracks 4000]
                                         [--many 100000] [--candidate NAME] [--repeat 3]

With more tracks than the data have, the catalogue is repeated. The contenders get the same rows:

    batch transform      a job of its own, which starts a model server first; one object for each listener
    endpoint             the workshop's recommender: boto3, several requests under way; their writing included
    in process           AutoGluon called here on such bodies, read by the endpoint's parser

Endpoint and process take turns. Last comes the playlist of ten tracks from a large catalogue: cold, and when
it is scored already.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as in every model server

import numpy as np
import pandas as pd
from botocore.config import Config
from endpoint import Plain
from music_model import Lab, opened
from timing import Times, in_turns

from helpers import service as services
from helpers.kept_scores import KeptScores
from helpers.recommender import Recommender, Wishes
from helpers.scoring import Endpoint, Rows
from helpers.workshop import Workshop

largest = 5 * 1024 * 1024  # bytes of a request


def bodies(rows: Rows) -> list[bytes]:
    """The rows as CSV, each part as large as an endpoint may be sent."""
    size = max(1, int(largest * 100 / len(rows.encoded(0, 100))))
    return [rows.encoded(start, min(start + size, len(rows))) for start in range(0, len(rows), size)]


def transform(lab: Lab, model: str, tables: list[pd.DataFrame]) -> tuple[float, float]:
    """Seconds of a batch transform until it is done, and of these those that the job counts."""
    s3, sagemaker = lab.client("s3"), lab.client("sagemaker")
    name, bucket = f"catalogue-{time.time_ns():x}", f"sagemaker-{lab.service.region}-000000000000"
    for number, table in enumerate(tables):
        body = table.to_csv(index=False, header=False).encode()
        s3.put_object(Bucket=bucket, Key=f"{name}/in/{number}.csv", Body=body)
    began = time.perf_counter()
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/{name}/in/"}
    sagemaker.create_transform_job(
        TransformJobName=name,
        ModelName=model,
        TransformInput={
            "DataSource": {"S3DataSource": source},
            "ContentType": "text/csv",
            "SplitType": "Line",
        },
        TransformOutput={
            "S3OutputPath": f"s3://{bucket}/{name}/out",
            "Accept": "text/csv",
            "AssembleWith": "Line",
        },
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
    )
    while (job := sagemaker.describe_transform_job(TransformJobName=name))[
        "TransformJobStatus"
    ] == "InProgress":
        time.sleep(0.1)
    took = time.perf_counter() - began
    if job["TransformJobStatus"] != "Completed":
        raise SystemExit(f"The batch transform failed: {job.get('FailureReason')}")
    worked = (job["TransformEndTime"] - job["TransformStartTime"]).total_seconds()
    for number, table in enumerate(tables):
        answer = s3.get_object(Bucket=bucket, Key=f"{name}/out/{number}.csv.out")["Body"].read()
        if answer.count(b"\n") != len(table):
            raise SystemExit("The batch transform left out rows.")
    return took, worked


class Session:
    """The part of a boto3 session that scoring uses."""

    def __init__(self, service: services.Service) -> None:
        self._service = service

    def client(self, name: str, config: Config | None = None, **_: str) -> Any:
        """A client of the benchmark's service."""
        return services.client(self._service, name, config=config or Config())


def recommender(lab: Lab, endpoint: str, tracks: int) -> Recommender:
    """Listeners and a catalogue of so many tracks, with the endpoint; scores are kept in memory."""
    catalogue = lab.tracks.iloc[np.arange(tracks) % len(lab.tracks)].reset_index(drop=True)
    repeated = np.arange(tracks) // len(lab.tracks)
    catalogue["trackId"] += np.where(repeated > 0, "-" + repeated.astype(str).astype(object), "")
    ratings = pd.read_csv(next((lab.folder / "tables" / "data").glob("**/ratings*.csv")))
    workshop = Workshop("local", Session(lab.service), "", "", lab.service.region, "")  # type: ignore[arg-type]
    scorer = Endpoint(workshop, endpoint)
    return Recommender(catalogue, lab.listeners, ratings, lab.columns, scorer, KeptScores(None))


def show(what: str, seconds: float, rows: int, beside: float | None = None) -> None:
    """One line."""
    ratio = "" if beside is None else f"{seconds / beside:14.2f}"
    print(f"{what:44}{seconds:10.2f}{rows / seconds:12,.0f}{ratio}", flush=True)


def beside(
    model: Plain, asked: Recommender, endpoint: Endpoint, listeners: int, repeat: int
) -> dict[str, Times]:
    """The scores of a catalogue for so many listeners: asked of the endpoint, and made in this process."""
    described = [asked.listener(int(user)).features for user in asked.listeners.index[:listeners]]
    every = [Rows(asked.columns, asked.tracks, features) for features in described]
    parts = [part for rows in every for part in bodies(rows)]
    calls: dict[str, Callable[[], Any]] = {
        "endpoint": lambda: np.concatenate([endpoint.score(rows) for rows in every]),
        "in process": lambda: [
            float(line) for part in parts for line in model.answer(model.parse(part)).split()
        ],
    }
    # How many rows are asked at once may change the last bit of a network's sums.
    if not np.allclose(calls["endpoint"](), calls["in process"](), rtol=0, atol=1e-5):
        raise SystemExit("The endpoint and the model in this process answer different numbers.")
    return in_turns(calls, 0, least=repeat)


def main() -> int:
    """Score the catalogue every way."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--state", type=Path, default=Path(tempfile.gettempdir()) / "workshop-benchmarks")
    parser.add_argument("--scale", choices=("tiny", "small", "full"), default="small")
    parser.add_argument("--tracks", type=int, default=4_000)
    parser.add_argument("--many", type=int, default=100_000, help="tracks of the large catalogue; 0: none")
    parser.add_argument("--candidate", help="the beginning of a candidate's name (default: the best)")
    parser.add_argument("--repeat", type=int, default=3, help="turns of endpoint and process")
    arguments = parser.parse_args()
    with opened(arguments.state, arguments.scale) as lab:
        candidate = lab.named(arguments.candidate)
        model = Plain(lab.unpacked(candidate))
        print(f"{candidate['CandidateName']} of the {arguments.scale} data, {os.cpu_count()} cores")
        print(f"{'':44}{'seconds':>10}{'rows/s':>12}{'to process':>14}", flush=True)
        name = lab.deploy_model(candidate)
        with lab.endpoint(candidate) as endpoint:
            scorer = Endpoint(
                Workshop("local", Session(lab.service), "", "", lab.service.region, ""), endpoint
            )
            asked = recommender(lab, endpoint, arguments.tracks)
            for listeners in (1, 10):
                rows, whose = arguments.tracks * listeners, f"{listeners} listener{'s' * (listeners > 1)}"
                taken = beside(model, asked, scorer, listeners, arguments.repeat)
                limit = taken["in process"].median
                show(f"{whose}, in process", limit, rows)
                show(f"{whose}, endpoint", taken["endpoint"].median, rows, limit)
                tables = [lab.rows(arguments.tracks, listener) for listener in range(listeners)]
                took, worked = transform(lab, name, tables)
                show(f"{whose}, batch transform, its start included", took, rows, limit)
                show(f"{whose}, batch transform, as the job says", worked, rows, limit)
            if arguments.many:
                asked = recommender(lab, endpoint, arguments.many)
                taken = beside(model, asked, scorer, 1, 1)
                limit = taken["in process"].median
                show(f"{arguments.many:,} tracks, in process", limit, arguments.many)
                show(f"{arguments.many:,} tracks, endpoint", taken["endpoint"].median, arguments.many, limit)
                listener = asked.listener(int(asked.listeners.index[0]))
                began = time.perf_counter()
                asked.playlist(listener)
                print(f"a playlist from {arguments.many:,} tracks: {time.perf_counter() - began:.2f} s cold")
                for diversity in (0.0, 0.3):
                    wishes = Wishes(diversity=diversity)
                    again: dict[str, Callable[[], object]] = {
                        "scored": lambda wishes=wishes: asked.playlist(listener, wishes)  # type: ignore[misc]
                    }
                    seconds = in_turns(again, 2, least=3)["scored"].median
                    print(f"  scored already, diversity {diversity}: {seconds:.2f} s", flush=True)
        lab.client("sagemaker").delete_model(ModelName=name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
