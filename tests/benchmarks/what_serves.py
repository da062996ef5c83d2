"""What may serve the music model, and what each choice costs: accuracy, speed, memory.

    python tests/benchmarks/what_serves.py [--state FOLDER] [--scale small|full] [--turns 20]

The choices are models of the workshop's AutoML job and two ways that AutoGluon offers besides:

    ensemble             the best candidate before it was trained once more on all rows
    ensemble, refit      the best candidate: what the job deploys
    LightGBM, CatBoost   a candidate of its own; "refit" as trained once more for the ensemble
    distilled            a single model that learned the ensemble's predictions (TabularPredictor.distill)
    infer_limit          AutoGluon's own training, held to so many rows a second (TabularPredictor.fit)

RMSE is that of the test rows. Rates are those of a model server's own code, without HTTP, in turns; the
memory is that of a process which has loaded the model as a model server does. Distillation and training for
the limits are done once and kept in the folder.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as in every model server

import numpy as np
from music_model import Lab, opened
from timing import in_turns, resident

many = 10_000
limits = (20_000, 200_000)  # rows a second


def single(lab: Lab, predictor: Any, model: str, folder: Path) -> Path:
    """A folder like an extracted model.tar.gz, with one model of a predictor."""
    from autogluon.tabular import TabularPredictor

    shutil.copytree(predictor.path, folder / "predictor", ignore=shutil.ignore_patterns("data"))
    clone = TabularPredictor.load(str(folder / "predictor"), verbosity=0)
    clone.set_model_best(model=model, save_trainer=True)
    clone.delete_models(models_to_keep=model, dry_run=False)
    best = lab.unpacked(lab.candidates[0]) / "description.json"
    described = json.loads(best.read_text(encoding="utf-8")) | {"model": model}
    (folder / "description.json").write_text(json.dumps(described), encoding="utf-8")
    return folder


def kept(folder: Path, make: Callable[[Path], object]) -> Path:
    """The folder, made by the first run."""
    if not folder.exists():
        print(f"Making {folder.name} ...", file=sys.stderr, flush=True)
        unfinished = folder.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        make(unfinished)
        unfinished.rename(folder)
    return folder


def choices(lab: Lab) -> dict[str, Path]:
    """The folders of all that may serve."""
    from autogluon.tabular import TabularPredictor

    trained = next((lab.service.state / "jobs" / "automl" / "benchmark").glob("predictor-*"))
    predictor = TabularPredictor.load(str(trained), verbosity=0)
    names = [str(name) for name in predictor.model_names()]
    extra = lab.folder / "choices"

    def part(model: str) -> Path:
        return kept(extra / model, lambda folder: single(lab, predictor, model, folder))

    def distilled(kind: str, folder: Path) -> Path:
        shutil.copytree(trained, folder / "work")
        teacher = TabularPredictor.load(str(folder / "work"), verbosity=0)
        students = teacher.distill(time_limit=60, hyperparameters={kind: {}}, augment_method="spunge")
        single(lab, teacher, next(name for name in students if "Ensemble" not in name), folder)
        shutil.rmtree(folder / "work")
        return folder

    def limited(rows: int, folder: Path) -> Path:
        path, metric = str(folder / "work"), "root_mean_squared_error"
        fresh = TabularPredictor(
            "Rating", problem_type="regression", eval_metric=metric, path=path, verbosity=0
        )
        fresh.fit(lab.train, time_limit=60, infer_limit=1 / rows, infer_limit_batch_size=many, num_gpus=0)
        single(lab, fresh, fresh.model_best, folder)
        shutil.rmtree(folder / "work")
        return folder

    ensemble = next(name for name in names if name.startswith("WeightedEnsemble"))
    found = {"ensemble": part(ensemble), "ensemble, refit": lab.unpacked(lab.candidates[0])}
    for name in names:
        if name.startswith(("LightGBM", "CatBoost")):
            base = name.removesuffix("_FULL")
            found[base + ", refit" * name.endswith("_FULL")] = part(name)
    for kind, name in (("GBM", "LightGBM"), ("CAT", "CatBoost")):
        found[f"{name}, distilled"] = kept(extra / f"distilled-{kind}", partial(distilled, kind))
    for rows in limits:
        found[f"infer_limit {rows:,}/s"] = kept(extra / f"limit-{rows}", partial(limited, rows))
    return found


def memory(folder: Path) -> float:
    """The MB of a process that has loaded a model as a model server does."""
    command = [sys.executable, __file__, "--one", str(folder)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-1])


def main() -> int:
    """Measure every choice, side by side."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--state", type=Path, default=Path(tempfile.gettempdir()) / "workshop-benchmarks")
    parser.add_argument("--scale", choices=("tiny", "small", "full"), default="small")
    parser.add_argument("--turns", type=float, default=20, help="seconds for one row, and for many")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()

    from helpers.local.jobs.automl.ensembling import engine
    from helpers.local.jobs.serving.ensemble import Ensemble

    if arguments.one:
        Ensemble(arguments.one, {})
        print(resident(os.getpid()))
        return 0
    engine.load()
    with opened(arguments.state, arguments.scale) as lab:
        folders = choices(lab)
        models = {name: Ensemble(folder, {}) for name, folder in folders.items()}
        test, truth = lab.test[lab.columns], lab.test["Rating"].to_numpy()
        rows, row = lab.rows(many).astype(float), lab.rows(1).astype(float)
        errors = {
            name: float(np.sqrt(np.mean((model.predict(test.astype(float)) - truth) ** 2)))
            for name, model in models.items()
        }
        ones = in_turns(
            {name: partial(model.predict, row) for name, model in models.items()}, arguments.turns
        )
        batches = in_turns(
            {name: partial(model.predict, rows) for name, model in models.items()}, arguments.turns, least=3
        )
        best = errors["ensemble, refit"]
        print(f"{arguments.scale} data, {len(truth):,} test rows, {os.cpu_count()} cores")
        heads = ("RMSE", "to deployed", "rows/s", "one row ms", "p99 ms", "memory MB")
        print(f"{'':24}" + "".join(f"{head:>12}" for head in heads), flush=True)
        for name, folder in sorted(folders.items(), key=lambda item: errors[item[0]]):
            error, one = errors[name], ones[name]
            print(
                f"{name:24}{error:12.4f}{error / best - 1:12.2%}{many / batches[name].median:12,.0f}"
                f"{one.median * 1000:12.2f}{one.percentile(99) * 1000:12.2f}{memory(folder):12.0f}",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
