"""The music data, and models of them: trained once, kept in a folder, used by the benchmarks of serving.

A folder has one part for each scale of the data: the tables of the workshop's flow, the AutoML job's
answer with all its candidates, and a local SageMaker in which every candidate is an object of S3.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from helpers import dataset, flow
from helpers import service as services
from helpers.playlist import candidate_features

music_flow = Path(__file__).parents[2] / "notebooks" / "flows" / "music.flow"
outputs = ("train", "test", "tracks", "listeners")
poll = 0.5  # seconds between two looks at a job or an endpoint


@dataclass(frozen=True)
class Lab:
    """The tables, the candidates (as the API lists them, best first) and the service that holds them."""

    folder: Path
    service: services.Service
    candidates: list[dict[str, Any]]
    train: pd.DataFrame
    test: pd.DataFrame
    tracks: pd.DataFrame
    listeners: pd.DataFrame

    @property
    def columns(self) -> list[str]:
        """The columns of a request, in their order."""
        return [name for name in self.train.columns if name != "Rating"]

    def client(self, name: str) -> Any:
        """A boto3 client of the service."""
        return services.client(self.service, name)

    def named(self, beginning: str | None) -> dict[str, Any]:
        """The candidate whose name begins so; without one, the best."""
        for candidate in self.candidates:
            if candidate["CandidateName"].startswith(beginning or ""):
                return candidate
        known = ", ".join(candidate["CandidateName"] for candidate in self.candidates)
        raise SystemExit(f"No candidate is called {beginning}: choose among {known}.")

    def rows(self, count: int, listener: int = 0) -> pd.DataFrame:
        """So many tracks as a listener's candidates; the catalogue is repeated where it is shorter."""
        favourites = self.listeners.iloc[listener]
        tracks = self.tracks.iloc[np.arange(count) % len(self.tracks)].reset_index(drop=True)
        rows: pd.DataFrame = candidate_features(favourites, tracks, self.columns)
        return rows

    @contextmanager
    def endpoint(self, candidate: Mapping[str, Any]) -> Iterator[str]:
        """An endpoint that serves a candidate; it is gone afterwards."""
        sagemaker, name = self.client("sagemaker"), self.deploy_model(candidate)
        variant = {"VariantName": "all", "ModelName": name, "InitialInstanceCount": 1}
        sagemaker.create_endpoint_config(
            EndpointConfigName=name, ProductionVariants=[{**variant, "InstanceType": "ml.m5.large"}]
        )
        sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
        try:
            _until(lambda: sagemaker.describe_endpoint(EndpointName=name), "EndpointStatus", "InService")
            yield name
        finally:
            sagemaker.delete_endpoint(EndpointName=name)
            sagemaker.delete_endpoint_config(EndpointConfigName=name)
            sagemaker.delete_model(ModelName=name)

    def deploy_model(self, candidate: Mapping[str, Any]) -> str:
        """The name of a new model of a candidate."""
        name = f"benchmark-{time.time_ns():x}"
        self.client("sagemaker").create_model(
            ModelName=name,
            ExecutionRoleArn="arn:aws:iam::000000000000:role/benchmark",
            Containers=[
                {key: container[key] for key in ("Image", "ModelDataUrl", "Environment")}
                for container in candidate["InferenceContainers"]
            ],
        )
        return name

    def unpacked(self, candidate: Mapping[str, Any]) -> Path:
        """The folder of a candidate's model.tar.gz, extracted."""
        from helpers.local.jobs.serving.archives import unpack
        from helpers.local.objects import ObjectStore

        place = self.folder / "models" / str(candidate["CandidateName"])
        if not place.exists():
            uri = candidate["InferenceContainers"][0]["ModelDataUrl"]
            unpack(ObjectStore(self.service.state / "s3"), uri, place)
        return place


@contextmanager
def opened(state: Path, scale: str) -> Iterator[Lab]:
    """The models of a scale, trained if they are not there yet; the service is stopped afterwards."""
    folder = state.resolve() / scale
    (folder / "tables").mkdir(parents=True, exist_ok=True)
    tables = _tables(folder / "tables", scale)
    kept = folder / "candidates.json"
    if not kept.exists():
        services.reset(folder / "service")  # what an interrupted training left
    service = services.start(folder / "service")
    try:
        if not kept.exists():
            kept.write_text(json.dumps(_train(service, tables["train"])), encoding="utf-8")
        yield Lab(folder, service, json.loads(kept.read_text(encoding="utf-8")), **tables)
    finally:
        services.stop(folder / "service")


def _tables(folder: Path, scale: str) -> dict[str, pd.DataFrame]:
    """What the workshop's flow makes of the generated data."""
    if not (folder / "done").exists():
        print(f"Making the {scale} data ...", file=sys.stderr, flush=True)
        data = dataset.load("generated", directory=folder / "data", scale=scale, progress=False)
        flow.run(flow.read(music_flow), {"tracks.csv": data.tracks, "ratings.csv": data.ratings}, folder)
        (folder / "done").touch()
    found = {name: pd.read_csv(next((folder / name).glob("*.csv"))) for name in outputs}
    test = found["test"]
    found["test"] = test[test[list(found["train"].columns)].notna().all(axis=1)].reset_index(drop=True)
    found["listeners"] = found["listeners"].set_index("userId").sort_index()
    return found


def _train(service: services.Service, train: pd.DataFrame) -> list[dict[str, Any]]:
    """The job of the workshop's third notebook; its candidates, best first."""
    print("Training ...", file=sys.stderr, flush=True)
    sagemaker, s3 = services.client(service, "sagemaker"), services.client(service, "s3")
    bucket = f"sagemaker-{service.region}-{services.ACCOUNT}"
    s3.put_object(Bucket=bucket, Key="benchmark/train.csv", Body=train.to_csv(index=False).encode())
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/benchmark/train.csv"}
    sagemaker.create_auto_ml_job_v2(
        AutoMLJobName="benchmark",
        AutoMLJobInputDataConfig=[
            {
                "ChannelType": "training",
                "ContentType": "text/csv;header=present",
                "DataSource": {"S3DataSource": source},
            }
        ],
        OutputDataConfig={"S3OutputPath": f"s3://{bucket}/benchmark/out"},
        AutoMLProblemTypeConfig={
            "TabularJobConfig": {
                "TargetAttributeName": "Rating",
                "ProblemType": "Regression",
                "Mode": "ENSEMBLING",
                "CompletionCriteria": {"MaxCandidates": 10},
            }
        },
        AutoMLJobObjective={"MetricName": "RMSE"},
        RoleArn="arn:aws:iam::000000000000:role/benchmark",
    )
    job = _until(
        lambda: sagemaker.describe_auto_ml_job_v2(AutoMLJobName="benchmark"), "AutoMLJobStatus", "Completed"
    )
    listed = sagemaker.list_candidates_for_auto_ml_job(
        AutoMLJobName="benchmark", StatusEquals="Completed", SortBy="FinalObjectiveMetricValue"
    )["Candidates"]
    best = job["BestCandidate"]["CandidateName"]
    listed.sort(
        key=lambda each: (each["CandidateName"] != best, each["FinalAutoMLJobObjectiveMetric"]["Value"])
    )
    kept = ("CandidateName", "InferenceContainers", "FinalAutoMLJobObjectiveMetric")
    return [{key: candidate[key] for key in kept} for candidate in listed]


def _until(describe: Any, key: str, good: str) -> dict[str, Any]:
    """Wait until a job or an endpoint has the status. Raises SystemExit when it fails."""
    while True:
        answer: dict[str, Any] = describe()
        if answer[key] == good:
            return answer
        if answer[key] in ("Failed", "Stopped", "OutOfService"):
            raise SystemExit(f"{answer[key]}: {answer.get('FailureReason')}")
        time.sleep(poll)
