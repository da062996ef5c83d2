"""The stages of an AutoML job in their order."""

from typing import Any

from helpers.local.jobs.automl import data as training_data
from helpers.local.jobs.automl import metrics, modes, settings
from helpers.local.jobs.automl.candidates import Candidates
from helpers.local.jobs.automl.experiment import Experiment
from helpers.local.jobs.automl.limits import Limits
from helpers.local.jobs.automl.locations import Locations
from helpers.local.jobs.automl.mode import Assignment
from helpers.local.jobs.automl.resources import Resources, peak_memory
from helpers.local.jobs.automl.settings import Settings
from helpers.local.jobs.job import Job


def run(job: Job, granted: Resources) -> None:
    """Read, analyse, train, report."""
    asked = settings.read(job.request)
    limits = Limits(asked.max_candidates, asked.max_runtime, asked.max_candidate_runtime)
    mode_name = modes.choose(asked, training_data.training_objects(job.objects, asked))
    modes.check(mode_name, asked)
    print(
        f"AutoML job {asked.job_name}: target '{asked.target}', mode {mode_name}. It may take "
        f"{granted.cores} cores and {granted.memory / 1e9:.1f} GB of memory.",
        flush=True,
    )
    job.progress.update(AutoMLJobSecondaryStatus="AnalyzingData")
    data = training_data.load(job.objects, asked)
    objective = metrics.resolve_objective(data.problem_type, asked.objective)
    print(
        f"{data.problem_type} by {objective}: {len(data.training)} rows to train on, "
        f"{len(data.validation)} to validate, {len(data.features)} features.",
        flush=True,
    )
    job.progress.update(ResolvedAttributes=_resolved(asked, data.problem_type, objective))
    experiment = Experiment(job, limits, Candidates(objective))
    locations = Locations(asked.output, asked.job_name)
    mode = modes.build(
        mode_name, Assignment(asked, data, locations, granted, experiment, job.objects, job.directory)
    )
    definition = mode.define()
    if definition is not None:
        job.progress.update(AutoMLJobArtifacts={"CandidateDefinitionNotebookLocation": definition})
    if asked.definitions_only:
        print("CandidateDefinitionsGenerated: nothing is trained, as asked.", flush=True)
        job.progress.update(AutoMLJobSecondaryStatus="CandidateDefinitionsGenerated")
        return
    job.progress.update(AutoMLJobSecondaryStatus=mode.preparing)
    mode.prepare()
    job.progress.update(AutoMLJobSecondaryStatus=mode.training)
    mode.train()
    mode.finish()
    _end(job, experiment)


def _end(job: Job, experiment: Experiment) -> None:
    """The final secondary status, and the last line of the log."""
    ending = experiment.limits.ending(len(experiment.candidates.entries))
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
