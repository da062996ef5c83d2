"""An AutoML job beside AutoGluon's default presets, FLAML and a plain LightGBM: quality, time, memory.

    python tests/benchmarks/automl.py [--tasks music-small digits ...] [--contenders job autogluon ...]
                                      [--seconds 60] [--flaml FOLDER]

Every contender gets the same rows and seconds, in a process of its own, one after the other. `job` is the
real job process with its request, whose model is then served from its model.tar.gz; its seconds are those of
the whole process, start and reports included, while imports are not in the seconds of the others. FLAML is
no dependency of this project: without it the contender is left out. Install it into a folder of its own:

    uv pip install --target FOLDER --no-deps flaml

Scores are RMSE (less is better) and accuracy (more is better) on rows that nobody trained on. `to best` is
the distance to the best contender's score, `to floor` the RMSE's to the noise floor, where it is known.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

music_flow = Path(__file__).parents[2] / "notebooks" / "flows" / "music.flow"
cores = 2
target = "target"
identifiers = ["ratingEventId", "ts", "userId", "trackId", "sessionId", "itemInSession"]


@dataclass(frozen=True)
class Task:
    """A table to learn and one to be examined on; the noise floor where it is known."""

    train: pd.DataFrame
    test: pd.DataFrame
    problem: str  # regression, binary, multiclass
    floor: float | None = None


def music(scale: str) -> Task:
    """The tables of the workshop's flow."""
    from helpers import dataset, flow

    with tempfile.TemporaryDirectory() as scratch:
        data = dataset.load("generated", directory=scratch, scale=scale, progress=False)
        flow.run(flow.read(music_flow), {"tracks.csv": data.tracks, "ratings.csv": data.ratings}, scratch)
        train, test = (pd.read_csv(next((Path(scratch) / name).glob("*.csv"))) for name in ("train", "test"))
    test = test[test[list(train.columns)].notna().all(axis=1)]
    floor = dataset.noise_floor(scale, 0, test["ratingEventId"]).without_track_effect
    test = test[list(train.columns)]
    return Task(*(part.rename(columns={"Rating": target}) for part in (train, test)), "regression", floor)


def table(make: Callable[[Any], tuple[Any, Any]], problem: str) -> Callable[[], Task]:
    """Rows of scikit-learn, two fifths of them for the test."""

    def build() -> Task:
        from sklearn import datasets
        from sklearn.model_selection import train_test_split

        columns, values = make(datasets)
        rows = pd.DataFrame(columns, columns=[f"x{number}" for number in range(columns.shape[1])])
        rows[target] = values if problem == "regression" else values.astype(int)
        classes = None if problem == "regression" else rows[target]
        train, test = train_test_split(rows, test_size=0.4, random_state=0, stratify=classes)
        return Task(train, test, problem)

    return build


tasks: dict[str, tuple[Callable[[], Task], float]] = {
    "music-small": (lambda: music("small"), 60),
    "music-full": (lambda: music("full"), 120),
    "friedman1": (table(lambda d: d.make_friedman1(10_000, noise=1.0, random_state=1), "regression"), 60),
    "friedman3": (table(lambda d: d.make_friedman3(5_000, noise=0.1, random_state=1), "regression"), 60),
    "hastie": (table(lambda d: d.make_hastie_10_2(10_000, random_state=1), "binary"), 60),
    "classes": (
        table(
            lambda d: d.make_classification(
                10_000, 20, n_informative=8, n_redundant=4, n_classes=4, flip_y=0.02, random_state=1
            ),
            "multiclass",
        ),
        60,
    ),
    "digits": (table(lambda d: d.load_digits(return_X_y=True), "multiclass"), 60),
}


@dataclass
class Trained:
    """What a contender made: its predictions of the test rows and what they cost."""

    predictions: Any
    seconds: float
    prediction_seconds: float
    peak: float  # MB


def timed(train: Callable[[], Any], predict: Callable[[Any], Any]) -> Trained:
    """A contender that works in this process."""
    began = time.perf_counter()
    model = train()
    trained = time.perf_counter()
    predictions = np.asarray(predict(model)).ravel()
    done = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Trained(predictions, trained - began, done - trained, peak)


def job(folder: Path, problem: str, seconds: float) -> Trained:
    """Our job process, and its model as an endpoint would load it."""
    from helpers.local.jobs.serving.archives import unpack
    from helpers.local.jobs.serving.ensemble import Ensemble
    from helpers.local.objects import ObjectStore

    state, directory = folder / "state", folder / "state" / "job"
    objects = ObjectStore(state / "s3")
    objects.create_bucket("benchmark")
    objects.put_file("benchmark", "train.csv", folder / "train.csv")
    directory.mkdir()
    (directory / "request.json").write_text(json.dumps(request(problem, seconds)), encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "helpers.local.jobs.automl",
        "--state",
        str(state),
        "--job",
        str(directory),
    ]
    began = time.perf_counter()
    with (directory / "log").open("wb") as log:
        code = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log).wait()
    took = time.perf_counter() - began
    print((directory / "log").read_text(), file=sys.stderr)
    if code:
        raise SystemExit("the job failed")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    best = json.loads((directory / "progress.json").read_text())["BestCandidate"]
    unpack(objects, best["InferenceContainers"][0]["ModelDataUrl"], folder / "model")
    model = Ensemble(folder / "model", {})
    test = pd.read_csv(folder / "test.csv").drop(columns=target)
    began = time.perf_counter()
    if problem == "regression":
        predictions = model.predict(test)
    else:
        chosen = model.probabilities(test).argmax(axis=1)
        predictions = np.asarray(model.description.classes)[chosen].astype(int)
    return Trained(predictions, took, time.perf_counter() - began, peak)


def request(problem: str, seconds: float) -> dict[str, Any]:
    """A CreateAutoMLJobV2 request that leaves everything to the job but the time."""
    names = {"regression": "Regression", "binary": "BinaryClassification"}
    source = {"S3DataType": "S3Prefix", "S3Uri": "s3://benchmark/train.csv"}
    return {
        "AutoMLJobName": "benchmark",
        "AutoMLJobInputDataConfig": [
            {"ContentType": "text/csv;header=present", "DataSource": {"S3DataSource": source}}
        ],
        "OutputDataConfig": {"S3OutputPath": "s3://benchmark/out"},
        "AutoMLProblemTypeConfig": {
            "TabularJobConfig": {
                "TargetAttributeName": target,
                "ProblemType": names.get(problem, "MulticlassClassification"),
                "Mode": "ENSEMBLING",
                "CompletionCriteria": {"MaxAutoMLJobRuntimeInSeconds": int(seconds)},
            }
        },
        "AutoMLJobObjective": {"MetricName": "RMSE" if problem == "regression" else "Accuracy"},
        "Resources": {"Cores": cores, "MemoryInBytes": 5 * 1024**3},
        "RoleArn": "arn:aws:iam::000000000000:role/benchmark",
    }


def autogluon(folder: Path, problem: str, seconds: float) -> Trained:
    """AutoGluon as it comes: the presets medium_quality."""
    from autogluon.tabular import TabularPredictor

    train, test = (pd.read_csv(folder / f"{name}.csv") for name in ("train", "test"))
    metric = "root_mean_squared_error" if problem == "regression" else "accuracy"
    path = str(folder / "autogluon")

    def fit() -> Any:
        predictor = TabularPredictor(target, problem_type=problem, eval_metric=metric, path=path, verbosity=0)
        return predictor.fit(train, presets="medium_quality", time_limit=seconds, num_cpus=cores, num_gpus=0)

    return timed(fit, lambda model: model.predict(test.drop(columns=target)))


def flaml(folder: Path, problem: str, seconds: float) -> Trained:
    """FLAML as it comes."""
    from flaml import AutoML

    train, test = (pd.read_csv(folder / f"{name}.csv") for name in ("train", "test"))
    options = {"task": "regression" if problem == "regression" else "classification"}
    options["metric"] = "rmse" if problem == "regression" else "accuracy"

    def fit() -> Any:
        model = AutoML()
        columns, values = train.drop(columns=target), train[target]
        model.fit(columns, values, time_budget=seconds, n_jobs=cores, seed=0, verbose=0, **options)
        return model

    return timed(fit, lambda model: model.predict(test.drop(columns=target)))


def lightgbm(folder: Path, problem: str, seconds: float) -> Trained:
    """A plain LightGBM, which stops when a fifth of the rows has not improved for 50 rounds."""
    from lightgbm import LGBMClassifier, LGBMRegressor, early_stopping
    from sklearn.model_selection import train_test_split

    train, test = (pd.read_csv(folder / f"{name}.csv") for name in ("train", "test"))

    def fit() -> Any:
        end = time.perf_counter() + seconds
        kind = LGBMRegressor if problem == "regression" else LGBMClassifier
        model = kind(n_estimators=10_000, learning_rate=0.05, n_jobs=cores, verbose=-1, random_state=0)
        seen, held = train_test_split(train, test_size=0.2, random_state=0)

        def clock(environment: Any) -> None:
            if time.perf_counter() > end:
                from lightgbm.callback import EarlyStopException

                raise EarlyStopException(environment.iteration, environment.evaluation_result_list)

        callbacks = [early_stopping(50, verbose=False), clock]
        valid = [(held.drop(columns=target), held[target])]
        return model.fit(seen.drop(columns=target), seen[target], eval_set=valid, callbacks=callbacks)

    return timed(fit, lambda model: model.predict(test.drop(columns=target)))


contenders = {"job": job, "autogluon": autogluon, "flaml": flaml, "lightgbm": lightgbm}


def score(problem: str, truth: pd.Series, predictions: Any) -> float:
    """RMSE or accuracy."""
    if problem == "regression":
        return float(np.sqrt(np.mean((truth.to_numpy() - np.asarray(predictions, dtype=float)) ** 2)))
    return float(np.mean(truth.to_numpy() == np.asarray(predictions)))


def one(name: str, folder: Path, problem: str, seconds: float) -> None:
    """A contender's process."""
    trained = contenders[name](folder, problem, seconds)
    truth = pd.read_csv(folder / "test.csv", usecols=[target])[target]
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    result = {
        "score": score(problem, truth, trained.predictions),
        "seconds": trained.seconds,
        "processor": sum(each.ru_utime + each.ru_stime for each in usage),
        "peak": trained.peak,
        "rows": len(truth) / trained.prediction_seconds,
    }
    print("\n" + json.dumps(result))


def run(name: str, task: Task, seconds: float, arguments: argparse.Namespace) -> dict[str, Any] | None:
    """One contender on one task; None when it failed, which is said."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        task.train.to_csv(folder / "train.csv", index=False)
        task.test.to_csv(folder / "test.csv", index=False)
        command = [sys.executable, __file__, "--one", name, scratch, task.problem, str(seconds)]
        # Threads that wait for each other spinning would cost a busy machine many times the work.
        environment = {**os.environ, "OMP_NUM_THREADS": str(cores), "OMP_WAIT_POLICY": "PASSIVE"}
        if name == "flaml" and arguments.flaml:
            paths = [str(arguments.flaml), os.environ.get("PYTHONPATH", "")]
            environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if arguments.log:
        print(done.stderr, file=sys.stderr)
    if done.returncode:
        print(f"{name} failed:\n{done.stderr[-2000:]}", file=sys.stderr)
        return None
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def show(name: str, task: Task, results: dict[str, dict[str, Any]]) -> None:
    """The lines of a task."""
    regression = task.problem == "regression"
    best = (min if regression else max)(result["score"] for result in results.values())
    for contender, result in results.items():
        behind = result["score"] / best - 1 if regression else 1 - result["score"] / best
        floor = f"{result['score'] / task.floor - 1:9.2%}" if task.floor else f"{'':9}"
        print(
            f"{name:12}{contender:11}{result['score']:9.4f}{behind:9.2%}{floor}{result['seconds']:9.1f}"
            f"{result['processor']:11.1f}{result['peak']:9.0f}{result['rows']:11,.0f}",
            flush=True,
        )


def main() -> int:
    """Run every contender on every task and print them side by side."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tasks", nargs="+", choices=tasks, default=list(tasks))
    parser.add_argument("--contenders", nargs="+", choices=contenders, default=list(contenders))
    parser.add_argument("--seconds", type=float, help="for every contender, instead of the task's own")
    parser.add_argument("--flaml", type=Path, help="the folder that FLAML was installed into")
    parser.add_argument("--log", action="store_true", help="also what the contenders print, as errors")
    parser.add_argument("--one", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        name, folder, problem, seconds = arguments.one
        one(name, Path(folder), problem, float(seconds))
        return 0
    asked = list(arguments.contenders)
    if "flaml" in asked and not arguments.flaml and importlib.util.find_spec("flaml") is None:
        print("flaml is left out: it is not installed (see --help).", file=sys.stderr)
        asked.remove("flaml")
    print(
        f"{'task':12}{'contender':11}{'score':>9}{'to best':>9}{'to floor':>9}{'seconds':>9}{'processor':>11}"
        f"{'peak MB':>9}{'rows/s':>11}",
        flush=True,
    )
    failed = False
    for name in arguments.tasks:
        build, own = tasks[name]
        task = build()
        results = {each: run(each, task, arguments.seconds or own, arguments) for each in asked}
        finished = {each: result for each, result in results.items() if result is not None}
        failed = failed or len(finished) < len(results)
        if finished:
            show(name, task, finished)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
