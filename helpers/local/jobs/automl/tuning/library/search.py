"""The search over pipelines (a data processor and an algorithm) and their hyperparameters, by Optuna."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import optuna
from optuna.pruners import BasePruner, HyperbandPruner, NopPruner
from optuna.samplers import TPESampler
from optuna.trial import TrialState

from .algorithms import ALGORITHMS
from .folds import Fold
from .task import SEED, Fitted, GivenUp, Rows, Task, Watch

SEPARATOR = "-"
GoesOn = Callable[[npt.NDArray[Any], npt.NDArray[np.float64]], bool]


@dataclass(frozen=True)
class Pipeline:
    """A data processor by its name and an algorithm by its name."""

    processor: str
    algorithm: str

    @property
    def name(self) -> str:
        """Such as `dpp0-xgb`."""
        return f"{self.processor}{SEPARATOR}{ALGORITHMS[self.algorithm].short}"


@dataclass(frozen=True)
class Proposal:
    """What to train next."""

    trial: optuna.Trial
    pipeline: Pipeline
    parameters: dict[str, Any]


@dataclass(frozen=True)
class Measured:
    """Predictions for rows that were not learned from; `rows` says which of all rows these are."""

    rows: npt.NDArray[np.intp]
    truth: npt.NDArray[Any]
    predicted: npt.NDArray[np.float64]
    rounds: int  # of training, on average over the folds
    last: Fitted  # the model of the last fold


@dataclass
class Search:
    """Proposes candidates one after the other, and learns from how good they were.

    Bayesian (a tree-structured Parzen estimator) or, with `multi_fidelity`, Hyperband on top of it: then poor
    candidates are given up early. Each pipeline's first candidate has the hyperparameters of its `start`.
    """

    pipelines: Sequence[Pipeline]
    task: Task
    maximize: bool
    multi_fidelity: bool = False
    study: optuna.Study = field(init=False)

    def __post_init__(self) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        pruner: BasePruner = NopPruner()
        if self.multi_fidelity:
            pruner = HyperbandPruner(min_resource=10, max_resource=400, reduction_factor=3)
        sampler = TPESampler(seed=SEED, n_startup_trials=len(self.pipelines) + 1)
        self.study = optuna.create_study(
            direction="maximize" if self.maximize else "minimize", sampler=sampler, pruner=pruner
        )
        for pipeline in self.pipelines:
            start = ALGORITHMS[pipeline.algorithm].start(self.task)
            self.study.enqueue_trial({"pipeline": pipeline.name} | _prefixed(pipeline, start))

    def propose(self) -> Proposal:
        """The next candidate."""
        trial = self.study.ask()
        chosen = trial.suggest_categorical("pipeline", [pipeline.name for pipeline in self.pipelines])
        pipeline = next(item for item in self.pipelines if item.name == chosen)
        scoped = _Scoped(trial, pipeline)
        return Proposal(trial, pipeline, ALGORITHMS[pipeline.algorithm].suggest(scoped, self.task))

    def tell(self, proposal: Proposal, value: float | None) -> None:
        """How good it was; None when it has no model."""
        if value is None:
            self.study.tell(proposal.trial, state=TrialState.FAIL)
        else:
            self.study.tell(proposal.trial, value)

    def give_up(self, proposal: Proposal) -> None:
        """It was given up before its end."""
        self.study.tell(proposal.trial, state=TrialState.PRUNED)

    def note(self, proposal: Proposal, value: float) -> None:
        """The objective of a candidate on its first fold, which counts if it is given up then."""
        proposal.trial.report(value, 1)

    def report(self, proposal: Proposal, resource: int, loss: float) -> bool:
        """Note the loss after some rounds; whether to give the candidate up."""
        # The objective may be maximised, the loss of training never: its negative has the right direction.
        proposal.trial.report(-loss if self.maximize else loss, resource)
        return bool(proposal.trial.should_prune())


def measure(
    folds: Iterable[Fold],
    proposal: Proposal,
    task: Task,
    deadline: float | None = None,
    search: Search | None = None,
    goes_on: GoesOn = lambda _truth, _predicted: True,
) -> Measured:
    """Train the candidate on each fold and predict the rows it is measured on.

    After the first fold `goes_on` is asked, with the targets and the predictions of its rows. At the deadline
    (on the monotonic clock) the folds so far are taken, one at least. Raises GivenUp when the search or
    `goes_on` says so.
    """
    algorithm = ALGORITHMS[proposal.pipeline.algorithm]
    rows: list[npt.NDArray[np.intp]] = []
    truth: list[npt.NDArray[Any]] = []
    predicted: list[npt.NDArray[np.float64]] = []
    rounds: list[int] = []
    fitted: Fitted | None = None
    for found in folds:
        report = None
        if search is not None and search.multi_fidelity and not rows:
            report = _Reporter(search, proposal)
        watch = Watch(found.validation, deadline, report)
        if fitted is not None and watch.late:
            break
        fitted = algorithm.fit(found.training, proposal.parameters, task, watch, None)
        rows.append(found.measured)
        truth.append(found.validation.target)
        predicted.append(fitted.predict(found.validation.features))
        rounds.append(fitted.rounds)
        if len(rows) == 1 and not goes_on(truth[0], predicted[0]):
            raise GivenUp
    assert fitted is not None, "there is a fold at least"
    return Measured(
        np.concatenate(rows),
        np.concatenate(truth),
        np.concatenate(predicted),
        max(1, round(float(np.mean(rounds)))),
        fitted,
    )


def train(proposal: Proposal, rows: Rows, task: Task, rounds: int) -> Fitted:
    """The candidate on all rows, as many rounds as were best."""
    algorithm = ALGORITHMS[proposal.pipeline.algorithm]
    return algorithm.fit(rows, proposal.parameters, task, None, rounds)


@dataclass(frozen=True)
class _Reporter:
    search: Search
    proposal: Proposal

    def __call__(self, resource: int, loss: float) -> bool:
        return self.search.report(self.proposal, resource, loss)


@dataclass(frozen=True)
class _Scoped:
    """A trial whose hyperparameters bear the algorithm's name: two may have one of the same name."""

    trial: optuna.Trial
    pipeline: Pipeline

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        return self.trial.suggest_float(self._name(name), low, high, log=log)

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        return self.trial.suggest_int(self._name(name), low, high, log=log)

    def suggest_categorical(self, name: str, choices: Any) -> Any:
        return self.trial.suggest_categorical(self._name(name), choices)

    def _name(self, name: str) -> str:
        return f"{ALGORITHMS[self.pipeline.algorithm].short}.{name}"


def _prefixed(pipeline: Pipeline, parameters: dict[str, Any]) -> dict[str, Any]:
    return {f"{ALGORITHMS[pipeline.algorithm].short}.{name}": value for name, value in parameters.items()}
