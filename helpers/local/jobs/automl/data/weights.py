"""Sample weights: how much each row counts."""

import pandas as pd

from helpers.local.jobs.automl.data.cells import numbers
from helpers.local.jobs.job import JobFailure


def clean_weights(frame: pd.DataFrame, weight: str, part: str) -> pd.DataFrame:
    """The rows whose weight is a number of at least zero; how many were dropped is said in the log.

    Raises JobFailure when no row counts for anything.
    """
    values = numbers(frame[weight])
    valid = values.notna() & (values >= 0)
    dropped = int((~valid).sum())
    if dropped:
        print(
            f"Dropped {dropped} of {len(frame)} {part} rows: their sample weight '{weight}' is missing or "
            "invalid.",
            flush=True,
        )
    if not (values[valid] > 0).any():
        raise JobFailure(
            f"No row of the {part} data has a sample weight above zero in '{weight}'. Fill the column with "
            "numbers, or leave out SampleWeightAttributeName."
        )
    cleaned = frame[valid].reset_index(drop=True)
    cleaned[weight] = values[valid].to_numpy()
    return cleaned
