"""The target column: what kind of problem it poses, and which of its values are valid."""

import numpy as np
import pandas as pd

from helpers.local.jobs.automl.data.reading import listed
from helpers.local.jobs.job import JobFailure

SEPARATORS = {";": "semicolon", "\t": "tab", "|": "vertical bar"}


def require_target(frame: pd.DataFrame, target: str) -> None:
    """Raises JobFailure when the column or every row is missing."""
    if target not in frame.columns:
        separator = next((name for sign, name in SEPARATORS.items() if sign in str(frame.columns[0])), None)
        if len(frame.columns) == 1 and separator is not None:
            raise JobFailure(
                f"The target column '{target}' is not in the data: the cells are separated by {separator}s. "
                "Separate them by commas."
            )
        raise JobFailure(
            f"The target column '{target}' is not in the data, whose columns are {listed(frame.columns)}. "
            f"Check the "
            "spelling and the case of TargetAttributeName, and that the files have a header row."
        )
    if frame.empty:
        raise JobFailure("The data has a header but no rows: upload data with rows.")


def infer_problem_type(target: pd.Series) -> str:
    """The problem type the target suggests: few distinct values are classes, many numbers a quantity."""
    values = target.dropna()
    distinct = values.nunique()
    if distinct == 2:
        return "BinaryClassification"
    if not pd.api.types.is_numeric_dtype(values):
        numbers = pd.to_numeric(values, errors="coerce")
        if numbers.notna().mean() > 0.9 and distinct > 20:
            return "Regression"
        return "MulticlassClassification"
    whole = bool(np.all(np.mod(values.to_numpy(dtype=float), 1) == 0))
    return "MulticlassClassification" if whole and distinct <= 20 else "Regression"


def clean_target(frame: pd.DataFrame, target: str, problem_type: str, part: str) -> pd.DataFrame:
    """The rows whose target is valid; how many were dropped is said in the log."""
    values = frame[target]
    if problem_type == "Regression":
        values = pd.to_numeric(values, errors="coerce").replace([np.inf, -np.inf], np.nan)
        values = values.astype(float) if pd.api.types.is_bool_dtype(values) else values
    elif pd.api.types.is_float_dtype(values):
        values = values.replace([np.inf, -np.inf], np.nan)
        if np.all(np.mod(values.dropna().to_numpy(), 1) == 0):
            values = values.astype("Int64")  # labels 0 and 1 of a column with blanks are read as 0.0 and 1.0
    elif not pd.api.types.is_numeric_dtype(values):
        values = values.where(values.isna(), values.astype(str).str.strip()).replace("", np.nan)
    valid = values.notna()
    dropped = int((~valid).sum())
    if dropped:
        print(
            f"Dropped {dropped} of {len(frame)} {part} rows: their target '{target}' is missing or invalid.",
            flush=True,
        )
    if not valid.any():
        raise JobFailure(
            f"No row of the {part} data has a valid target in '{target}'. Fill the column"
            + (" with numbers." if problem_type == "Regression" else ".")
        )
    cleaned = frame[valid].reset_index(drop=True)
    values = values[valid].reset_index(drop=True)
    cleaned[target] = values.astype("int64") if values.dtype == "Int64" else values
    return cleaned


def require_classes(target: pd.Series, problem_type: str) -> None:
    """Raises JobFailure when the classes are not as many as the problem type takes."""
    distinct = target.nunique()
    if problem_type == "Regression":
        return
    if distinct < 2:
        raise JobFailure(
            f"The target has one class only ('{target.iloc[0]}'): classification needs at least two."
        )
    if distinct == len(target):
        raise JobFailure(
            f"The target has another value in each of the {distinct} rows: these are no classes. Use "
            "ProblemType Regression, or check TargetAttributeName."
        )
    if problem_type == "BinaryClassification" and distinct > 2:
        raise JobFailure(
            f"The target has {distinct} classes, and ProblemType is BinaryClassification: use "
            f"MulticlassClassification."
        )
