"""The data exploration notebook: what the training data is like, and what to do about it, before training.

`exploring` finds facts, `sections` tells them, `notebook` makes the file.
"""

import time

import pandas as pd

from helpers.local.jobs.automl.data import TrainingData
from helpers.local.jobs.automl.locations import Locations
from helpers.local.objects import ObjectStore, split_uri

from . import notebook, sections
from .exploring import explore

__all__ = ["explore", "write"]


def write(
    objects: ObjectStore, locations: Locations, table: pd.DataFrame, target: str, data: TrainingData
) -> str:
    """Explore the training table and store the notebook. Returns its S3 URI.

    `table` is the training channel as it was read: rows without a usable target are counted here, and
    columns that `data` does not use are left out.
    """
    started = time.monotonic()
    unused = {str(name) for name in table.columns} - {*data.features, target}
    facts = explore(table, target, data.problem_type, locations.job_name, data.types, unused)
    content = notebook.as_json("Data exploration", sections.every(facts))
    uri = locations.exploration_notebook
    bucket, key = split_uri(uri)
    objects.put(bucket, key, content)
    grave = sum(insight.severity == "High" for insight in facts.insights)
    print(
        f"Explored the data in {time.monotonic() - started:.1f} s: {len(facts.insights)} insights, "
        f"{grave} of high severity, in {uri}.",
        flush=True,
    )
    return uri
