"""Mode HYPERPARAMETER_TUNING: data processors, and a search over algorithms and their hyperparameters."""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from helpers.local.jobs.automl import metrics
from helpers.local.jobs.automl.candidates import Trial
from helpers.local.jobs.automl.experiment import GivenUp as StoppedEarly
from helpers.local.jobs.automl.mode import Assignment
from helpers.local.jobs.automl.model import TrainedModel
from helpers.local.jobs.automl.settings import Settings
from helpers.local.jobs.automl.tuning.artifacts import (
    Store,
    algorithm_description,
    column_kind,
    processor_description,
)
from helpers.local.jobs.automl.tuning.definition import write as write_definition
from helpers.local.jobs.automl.tuning.definition.notebook import Definition
from helpers.local.jobs.automl.tuning.library.algorithms import ALGORITHMS
from helpers.local.jobs.automl.tuning.library.processors import fit_transform
from helpers.local.jobs.automl.tuning.library.search import (
    Measured,
    Pipeline,
    Proposal,
    Search,
    measure,
    train,
)
from helpers.local.jobs.automl.tuning.library.task import Fitted, GivenUp, Rows, Task
from helpers.local.jobs.automl.tuning.naming import Naming, metric_name
from helpers.local.jobs.automl.tuning.preparation import Preparation, Prepared
from helpers.local.jobs.automl.tuning.racing import Race
from helpers.local.jobs.automl.tuning.trained import TunedModel
from helpers.local.jobs.job import JobFailure

# When MaxCandidates is not given. The service trains up to 100 on its machines; here a learner waits.
DEFAULT_CANDIDATES = 12
LARGEST_BAYESIAN = 100 * 1024 * 1024  # bytes of raw rows in memory; above, poor candidates are given up early
SHORTEST = 5.0  # seconds the first candidate always gets
RESERVE = 3.0  # seconds of a binding limit that are kept for the storing of models


class Tuning:
    """The mode."""

    preparing = "FeatureEngineering"
    training = "ModelTuning"

    def __init__(self, assignment: Assignment) -> None:
        self.assignment = assignment
        self.experiment = assignment.experiment
        self.limits = assignment.experiment.limits
        settings, data = assignment.settings, assignment.data
        self.preparation = Preparation(data, settings.target, assignment.directory)
        target = self.preparation.target
        self.task = Task(
            data.problem_type, self.experiment.objective, len(target.values), assignment.resources.cores
        )
        self.naming = Naming(settings, assignment.locations, data.problem_type)
        self.store = Store(assignment.objects, assignment.locations.output, assignment.directory)
        self.race = Race(self.task)
        self.prepared: dict[str, Prepared] = {}
        self.sizes: dict[str, int] = {}  # bytes of each stored data processor
        self.measured: dict[str, tuple[Proposal, int]] = {}  # of each candidate, and its rounds

    @property
    def pipelines(self) -> list[Pipeline]:
        """Every data processor with every algorithm that suits it, trees first."""
        wanted = chosen_algorithms(self.assignment.settings)
        return [
            Pipeline(strategy.name, algorithm)
            for algorithm in ALGORITHMS
            if algorithm in wanted
            for strategy in self.preparation.strategies
            if algorithm in strategy.algorithms
        ]

    def define(self) -> str | None:
        """Store the parts of the data, and the candidate definition notebook, which works on them."""
        data, target = self.assignment.data, self.assignment.settings.target
        self.store.tables(data, target)
        wanted = {pipeline.processor for pipeline in self.pipelines}
        definition = Definition(
            self.assignment.locations,
            self.assignment.settings.region,
            target,
            self.preparation.target.values,
            [name for name in data.training.columns if column_kind(data.training[name]) != "number"],
            [strategy for strategy in self.preparation.strategies if strategy.name in wanted],
            self.pipelines,
            self.task,
            metrics.direction(self.task.objective) == "Maximize",
        )
        return write_definition(self.store, self.assignment.locations, self.preparation, definition)

    def prepare(self) -> None:
        """Fit the data processors, store them and what they make of the data."""
        data, target = self.assignment.data, self.assignment.settings.target
        wanted = {pipeline.processor for pipeline in self.pipelines}
        for strategy in self.preparation.strategies:
            if strategy.name not in wanted:
                continue
            begun = time.monotonic()
            prepared = self.preparation.fit(strategy)
            uri = self.assignment.locations.processor_model(strategy.name)
            described = processor_description(data, strategy.name, target, self.preparation.target.classes)
            self.sizes[strategy.name] = self.store.processor(uri, prepared.processor, described)
            self.store.transformed(strategy.name, "train", prepared.rows)
            self.prepared[strategy.name] = prepared
            print(
                f"{strategy.name}: {strategy.says}. {prepared.width} numbers a row, "
                f"{time.monotonic() - begun:.1f} s; {self.limits.left()}.",
                flush=True,
            )

    def train(self) -> None:
        """Train candidates up to their number or the time. Raises JobFailure when none could be trained."""
        data, settings = self.assignment.data, self.assignment.settings
        large = int(data.training.memory_usage(deep=True).sum()) > LARGEST_BAYESIAN
        maximize = metrics.direction(self.task.objective) == "Maximize"
        search = Search(
            self.pipelines, self.task, maximize, multi_fidelity=large and not self.preparation.crossed
        )
        number = settings.max_candidates or DEFAULT_CANDIDATES
        print(
            f"{'Multi-fidelity' if search.multi_fidelity else 'Bayesian'} search, {number} candidates of "
            f"{len(self.pipelines)} pipelines ({', '.join(pipeline.name for pipeline in self.pipelines)}), "
            f"measured {self.preparation.measured_by}"
            f"; {self.task.cores} cores.",
            flush=True,
        )
        for _ in range(number):
            share = self._share()
            if share is not None and share < 1:
                self.limits.cut_short = True
                break
            self._candidate(search, self._deadline(share))
        candidates = self.experiment.candidates
        if not candidates.completed():
            reasons = [entry["FailureReason"] for entry in candidates.entries]
            raise JobFailure("No candidate could be trained. " + " ".join(dict.fromkeys(reasons)))

    def finish(self) -> None:
        """Train the best candidate's algorithm on the validation part too, where it has not seen it."""
        best = self.experiment.candidates.best()
        remaining = self.limits.remaining()
        if (
            best is None
            or self.preparation.crossed
            or self.assignment.data.validation_given
            or (remaining is not None and remaining < self.experiment.trained / len(self.measured) * 2)
        ):
            return
        name, begun = best["CandidateName"], time.monotonic()
        proposal, rounds = self.measured[name]
        prepared = self.prepared[proposal.pipeline.processor]
        with self.experiment.job.stop.interruptible():
            fold = next(iter(prepared.folds))
            rows = _together(fold.training, fold.validation)
            self._store_algorithm(name, proposal.pipeline, train(proposal, rows, self.task, rounds))
        print(f"{name}: trained once more on all rows, {time.monotonic() - begun:.1f} s.", flush=True)

    def trained(self, candidate: str) -> TrainedModel:
        """The candidate's processor and algorithm, trained on the training part alone."""
        proposal, rounds = self.measured[candidate]
        prepared = self.prepared[proposal.pipeline.processor]
        processor, rows = prepared.processor, prepared.rows
        if self.preparation.crossed:
            processor = self.preparation.build(prepared.strategy)
            table = self.preparation.training
            rows = Rows(fit_transform(processor, table.features, table.target), table.target)
        means = np.asarray(rows.features.mean(axis=0), dtype=np.float64).ravel()
        fitted = train(proposal, rows, self.task, rounds)
        return TunedModel(processor, fitted, self.preparation.target, self.assignment.data.features, means)

    def _candidate(self, search: Search, deadline: float | None) -> None:
        """Propose a candidate, train it, measure it, store its model, report it."""
        proposal = search.propose()
        pipeline = proposal.pipeline
        number = len(self.experiment.candidates.entries) + 1
        name = self.naming.candidate(number)
        print(f"{name}: {pipeline.name}, {_shown(proposal.parameters)}", flush=True)
        given_up = False

        def goes_on(truth: npt.NDArray[Any], predicted: npt.NDArray[np.float64]) -> bool:
            stays = self.race.goes_on(truth, predicted)
            if stays or number <= len(self.pipelines):  # the first of each pipeline is measured in full
                return True
            search.note(proposal, self.preparation.target.measure(truth, predicted)[self.task.objective])
            return False

        def attempt() -> Trial:
            nonlocal given_up
            folds = self.prepared[pipeline.processor].folds
            try:
                found = measure(folds, proposal, self.task, deadline, search, goes_on)
            except GivenUp:
                given_up = True
                raise StoppedEarly(
                    "It was stopped early: others had been clearly better by then, and it would not catch up."
                ) from None
            return self._complete(name, proposal, found)

        entry = self.experiment.attempt(name, self.naming.steps(name, pipeline.processor), attempt)
        if given_up:
            search.give_up(proposal)
            return
        search.tell(proposal, None if entry is None else entry["FinalAutoMLJobObjectiveMetric"]["Value"])
        if entry is not None and entry is self.experiment.candidates.best():
            self.race.leads()

    def _complete(self, name: str, proposal: Proposal, found: Measured) -> Trial:
        """Measure a candidate and store its model."""
        pipeline, prepared = proposal.pipeline, self.prepared[proposal.pipeline.processor]
        values = self.preparation.target.measure(found.truth, found.predicted)
        if len(found.rows) < len(self.preparation.everything.target) and self.preparation.crossed:
            print(f"{name}: the time was over; measured on {len(found.rows)} rows only.", flush=True)
        fitted = found.last
        if self.preparation.crossed:
            fitted = train(proposal, prepared.rows, self.task, found.rounds)
        size = self._store_algorithm(name, pipeline, fitted) + self.sizes[pipeline.processor]
        self.measured[name] = (proposal, found.rounds)
        reported = metric_name(pipeline.algorithm, self.task.problem_type, self.task.objective)
        return Trial(values, self.naming.containers(name, pipeline), size, reported)

    def _store_algorithm(self, name: str, pipeline: Pipeline, fitted: Fitted) -> int:
        rows = self.prepared[pipeline.processor].rows
        described = algorithm_description(
            fitted,
            pipeline.algorithm,
            self.task.problem_type,
            int(rows.features.shape[1]),
            not isinstance(rows.features, np.ndarray),
            self.task.classes,
        )
        return self.store.algorithm(self.naming.model(name, pipeline), fitted, described)

    def _share(self) -> float | None:
        """The seconds of the job's limit that the next candidate may take: half of those left."""
        remaining = self.limits.remaining()
        if remaining is None:
            return None
        share = (remaining - RESERVE) / 2
        return share if self.experiment.candidates.completed() else max(share, SHORTEST)

    def _deadline(self, share: float | None) -> float | None:
        """When the next candidate must end, on the monotonic clock: after its share, or its own limit."""
        limits = [limit for limit in (share, self.limits.candidate_runtime) if limit is not None]
        return time.monotonic() + min(limits) if limits else None


def chosen_algorithms(settings: Settings) -> Sequence[str]:
    """The algorithms asked for, else all. Raises JobFailure for one that is not of this mode."""
    unknown = [name for name in settings.algorithms if name not in ALGORITHMS]
    if unknown:
        raise JobFailure(
            f"The algorithm {', '.join(unknown)} is not one of Mode HYPERPARAMETER_TUNING: choose among "
            f"{', '.join(ALGORITHMS)}."
        )
    return settings.algorithms or list(ALGORITHMS)


def _shown(parameters: dict[str, Any]) -> str:
    return ", ".join(
        f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in parameters.items()
    )


def _together(first: Rows, second: Rows) -> Rows:
    from scipy import sparse

    target = np.concatenate([first.target, second.target])
    if isinstance(first.features, np.ndarray):
        return Rows(np.concatenate([first.features, second.features]), target)
    return Rows(sparse.vstack([first.features, second.features], format="csr"), target)
