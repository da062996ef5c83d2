"""Runs one AutoML job from its directory."""

import time

from helpers.local.jobs.automl import resources
from helpers.local.jobs.job import Job, run


def work(job: Job) -> None:
    """Keep inside what is granted, then go through the stages of the job."""
    started = time.monotonic()
    job.progress.update(AutoMLJobSecondaryStatus="Starting")
    granted = resources.granted(job.request)
    granted.enforce()

    from helpers.local.jobs.automl import stages  # loads pandas, whose libraries read their threads then

    stages.run(job, granted, started)


if __name__ == "__main__":
    run("automl", work)
