"""The whole catalogue for one listener and for ten: batch transform, endpoint, and the model in this process.

    python tests/benchmarks/catalogue.py [--state FOLDER] [--scale small|full] [--tracks 4000]
                                         [--candidate NAME] [--repeat 3]

With more tracks than the data have, the catalogue is repeated. The contenders get the same rows:

    batch transform      a job of its own, which starts a model server first; one object for each listener
    endpoint             boto3, requests under 6 MiB, several under way at a time
    in process           AutoGluon called here on the endpoint's bodies, read by the endpoint's parser

Endpoint and process take turns. Last comes the playlist of ten from a catalogue that is scored already.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as in every model server

import numpy as np
import pandas as pd
from endpoint import Plain
from music_model import Lab, opened
from timing import in_turns

from helpers.playlist import make_playlist

under_way = 2  # requests to the endpoint at a time
largest = 5 * 1024 * 1024  # bytes of a request


def bodies(table: pd.DataFrame) -> list[bytes]:
    """The rows as CSV, each part as large as an endpoint may be sent."""
    text = table.to_csv(index=False, header=False).encode()
    parts, start = [], 0
    while start < len(text):
        end = text.rfind(b"\n", start, start + largest) + 1
        parts.append(text[start:end])
        start = end
    return parts


def transform(lab: Lab, model: str, tables: list[pd.DataFrame]) -> tuple[float, float, pd.Series]:
    """Seconds of a batch transform: until it is done, of these its own work; and the first table's scores."""
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
    answer = s3.get_object(Bucket=bucket, Key=f"{name}/out/0.csv.out")["Body"]
    return took, worked, pd.read_csv(answer, header=None, float_precision="round_trip")[0]


def asker(lab: Lab, endpoint: str, parts: list[bytes]) -> Callable[[], list[float]]:
    """Asks the endpoint for every part."""
    from botocore.config import Config

    from helpers import service as services

    runtime = services.client(lab.service, "sagemaker-runtime", config=Config(max_pool_connections=under_way))

    def one(body: bytes) -> str:
        answer = runtime.invoke_endpoint(EndpointName=endpoint, ContentType="text/csv", Body=body)
        return str(answer["Body"].read().decode())

    def ask() -> list[float]:
        with ThreadPoolExecutor(under_way) as pool:
            return [float(line) for text in pool.map(one, parts) for line in text.split()]

    return ask


def show(what: str, seconds: float, rows: int, beside: float | None = None) -> None:
    """One line."""
    ratio = "" if beside is None else f"{seconds / beside:14.2f}"
    print(f"{what:44}{seconds:10.2f}{rows / seconds:12,.0f}{ratio}", flush=True)


def scored(lab: Lab, tracks: int) -> float:
    """Seconds of a playlist from a catalogue whose scores are kept."""
    catalogue = lab.tracks.iloc[np.arange(tracks) % len(lab.tracks)].reset_index(drop=True)
    catalogue["trackId"] = [f"t{number}" for number in range(tracks)]
    scores = pd.Series(np.random.default_rng(0).normal(3.5, 0.7, tracks))
    heard = set(catalogue["trackId"].sample(min(500, tracks // 2), random_state=0))
    call: dict[str, Any] = {
        "playlist": lambda: make_playlist(scores, catalogue, heard, lab.listeners.iloc[0], 10)
    }
    return in_turns(call, 1, least=3)["playlist"].median


def main() -> int:
    """Score the catalogue every way."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--state", type=Path, default=Path(tempfile.gettempdir()) / "workshop-benchmarks")
    parser.add_argument("--scale", choices=("tiny", "small", "full"), default="small")
    parser.add_argument("--tracks", type=int, default=4_000)
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
            for listeners in (1, 10):
                tables = [lab.rows(arguments.tracks, listener) for listener in range(listeners)]
                rows = arguments.tracks * listeners
                parts = [part for table in tables for part in bodies(table)]
                ask = asker(lab, endpoint, parts)
                calls: dict[str, Callable[[], list[float]]] = {
                    "endpoint": ask,
                    "in process": lambda parts=parts: [  # type: ignore[misc]
                        float(line) for part in parts for line in model.answer(model.parse(part)).split()
                    ],
                }
                taken = in_turns(calls, 0, least=arguments.repeat)
                whose = f"{listeners} listener{'s' * (listeners > 1)}"
                limit = taken["in process"].median
                show(f"{whose}, in process", limit, rows)
                show(f"{whose}, endpoint", taken["endpoint"].median, rows, limit)
                took, worked, first = transform(lab, name, tables)
                show(f"{whose}, batch transform, its start included", took, rows, limit)
                show(f"{whose}, batch transform, as the job says", worked, rows, limit)
                # How many rows are asked at once may change the last bit of a network's sums.
                if not np.allclose(first, ask()[: arguments.tracks], rtol=0, atol=1e-5):
                    raise SystemExit("Endpoint and batch transform answer different numbers.")
        lab.client("sagemaker").delete_model(ModelName=name)
        for tracks in (arguments.tracks, 100_000):
            print(f"a playlist from {tracks:,} scored tracks: {scored(lab, tracks):.2f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
