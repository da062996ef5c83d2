"""The stages of an AutoML job in their order."""

from typing import Any

import pandas as pd

from helpers.local.jobs.automl import data as training_data
from helpers.local.jobs.automl import exploration, metrics, modes, settings
from helpers.local.jobs.automl.candidates import Candidates
from helpers.local.jobs.automl.experiment import Experiment
from helpers.local.jobs.automl.limits import Limits
from helpers.local.jobs.automl.locations import Locations
from helpers.local.jobs.automl.mode import Assignment, Mode
from helpers.local.jobs.automl.reporting import Reporting
from helpers.local.jobs.automl.resources import Resources, peak_memory
from helpers.local.jobs.automl.settings import Settings
from helpers.local.jobs.job import Job


def run(job: Job, granted: Resources, started: float) -> None:
    """Read, analyse, train, report; `started` is when the job began, by the monotonic clock."""
    asked = settings.read(job.request)
    limits = Limits(asked.max_candidates, asked.max_runtime, asked.max_candidate_runtime, started)
    name = modes.choose(asked, training_data.training_objects(job.objects, asked))
    modes.check(name, asked)
    print(
        f"AutoML job {asked.job_name}: target '{asked.target}', mode {name}. It may take "
        f"{granted.cores} cores and {granted.memory / 1e9:.1f} GB of memory.",
        flush=True,
    )
    job.progress.update(AutoMLJobSecondaryStatus="AnalyzingData")
    with job.stop.interruptible():
        assignment, mode = _analyse(job, asked, granted, limits, name)
    if asked.definitions_only:
        print("CandidateDefinitionsGenerated: nothing is trained, as asked.", flush=True)
        job.progress.update(AutoMLJobSecondaryStatus="CandidateDefinitionsGenerated")
        return
    _train(job, mode)
    reporting = Reporting(mode, assignment)
    reporting.run()
    _end(job, assignment.experiment, reporting)


def _analyse(
    job: Job, asked: Settings, granted: Resources, limits: Limits, name: str
) -> tuple[Assignment, Mode]:
    """Read the data, tell what they are, write the notebooks about them."""
    tables = training_data.read(job.objects, asked, name, granted.memory)
    data = training_data.prepare(tables, asked)
    objective = metrics.resolve_objective(data.problem_type, asked.objective)
    weighted = f", weighted by '{data.weight}'" if data.weight is not None else ""
    print(
        f"{data.problem_type} by {objective}{weighted}: {len(data.training)} rows to train on, "
        f"{len(data.validation)} to validate, {len(data.features)} features. {limits.left()}.",
        flush=True,
    )
    job.progress.update(ResolvedAttributes=_resolved(asked, data.problem_type, objective))
    locations = Locations(asked.output, asked.job_name)
    experiment = Experiment(job, limits, Candidates(objective))
    assignment = Assignment(asked, data, locations, granted, experiment, job.objects, job.directory)
    mode = modes.build(name, assignment)
    artifacts = _artifacts(assignment, tables.training, mode)
    if artifacts:
        job.progress.update(AutoMLJobArtifacts=artifacts)
    return assignment, mode


def _artifacts(assignment: Assignment, table: pd.DataFrame, mode: Mode) -> dict[str, str]:
    """Write the notebooks of the analysis. Returns the API's AutoMLJobArtifacts."""
    artifacts = {}
    target = assignment.settings.target
    try:
        explored = exploration.write(assignment.objects, assignment.locations, table, target, assignment.data)
    except Exception as error:  # noqa: BLE001 - data that can be trained on need no notebook about them
        print(f"The data exploration notebook is missing. {type(error).__name__}: {error}", flush=True)
    else:
        artifacts["DataExplorationNotebookLocation"] = explored
    definition = mode.define()
    if definition is not None:
        artifacts["CandidateDefinitionNotebookLocation"] = definition
    return artifacts


def _train(job: Job, mode: Mode) -> None:
    job.progress.update(AutoMLJobSecondaryStatus=mode.preparing)
    with job.stop.interruptible():
        mode.prepare()
    job.progress.update(AutoMLJobSecondaryStatus=mode.training)
    mode.train()
    mode.finish()


def _end(job: Job, experiment: Experiment, reporting: Reporting) -> None:
    """The final secondary status, and the last line of the log."""
    ending = experiment.limits.ending(len(experiment.candidates.entries))
    ending = next(iter(reporting.failures), ending)
    job.progress.update(AutoMLJobSecondaryStatus=ending)
    best = experiment.candidates.best()
    if best is not None:
        print(
            f"{ending}: best candidate {best['CandidateName']}, {experiment.objective} "
            f"{best['FinalAutoMLJobObjectiveMetric']['Value']:.6g}, after {experiment.limits.elapsed():.1f} "
            f"s. At most {peak_memory() / 1e6:.0f} MB of memory.",
            flush=True,
        )


def _resolved(asked: Settings, problem_type: str, objective: str) -> dict[str, Any]:
    criteria = {
        "MaxCandidates": asked.max_candidates,
        "MaxRuntimePerTrainingJobInSeconds": asked.max_candidate_runtime,
        "MaxAutoMLJobRuntimeInSeconds": asked.max_runtime,
    }
    return {
        "AutoMLJobObjective": {"MetricName": objective},
        "CompletionCriteria": {name: value for name, value in criteria.items() if value is not None},
        "AutoMLProblemTypeResolvedAttributes": {"TabularResolvedAttributes": {"ProblemType": problem_type}},
    }
