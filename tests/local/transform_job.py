"""The transform job as it is, with stand-in model servers: ``python transform_job.py --state S --job D``."""

import sys
from pathlib import Path

from helpers.local.jobs import pipeline
from helpers.local.jobs.job import run
from helpers.local.jobs.transform import work

if __name__ == "__main__":
    pipeline.COMMAND = (sys.executable, "-S", str(Path(__file__).with_name("transform_model.py")))
    run("transform", work)
