"""Holding what a script writes against what the flow wrote."""

from __future__ import annotations

import math
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

from ..errors import FlowError
from ..model import Flow
from ..naming import literal
from .recording import Recording, record

_tolerance = 1e-9


def refuse_difference(
    recording: Recording, again: Mapping[Path, Path], flow: Flow, sources: Mapping[str, Path], form: str
) -> None:
    """Raises FlowError when a script's files are not the flow's.

    `again` says under which name (without ending) the script wrote each of the flow's files. Columns that
    two runs of the flow itself give differently, such as a time of day, do not count.
    """
    loose: dict[int, dict[str, str]] | None = None
    for place, (output, _, target) in enumerate(recording.copies):
        copy = Path(f"{again[target]}{''.join(target.suffixes)}")
        found = differences(target, copy, output.delimiter)
        if found and loose is None:
            loose = _differences_of_runs(recording, flow, sources)
        wrong = [text for name, text in found.items() if name not in (loose or {}).get(place, {})]
        if wrong:
            raise FlowError(
                f"The flow has no form in {form}: its script gives another output "
                f"'{output.directory.name}' ({wrong[0]}). Export to notebook or pipeline instead."
            )


def _differences_of_runs(
    recording: Recording, flow: Flow, sources: Mapping[str, Path]
) -> dict[int, dict[str, str]]:
    """What differs between this run of the flow and another one: {place of the output: {column: ...}}."""
    with tempfile.TemporaryDirectory(prefix="workshop-flow-") as scratch:
        other = record(flow, sources, Path(scratch))
        both = zip(recording.copies, other.copies, strict=True)
        return {
            place: differences(first, second, output.delimiter)
            for place, ((output, _, first), (_, _, second)) in enumerate(both)
        }


def differences(first: Path, second: Path, delimiter: str) -> dict[str, str]:
    """{column: its first difference} of two written files; the last digits of numbers do not count."""
    if first.read_bytes() == second.read_bytes():
        return {}
    import duckdb

    function = (
        "read_parquet(?)"
        if ".parquet" in first.suffixes
        else f"""read_csv(?, all_varchar = true, header = true, delim = {literal(delimiter)}, quote = '"',
            escape = '"', nullstr = '')"""
    )
    with duckdb.connect() as connection:
        cursors = [
            connection.cursor().execute(f"SELECT * FROM {function}", [str(each)]) for each in (first, second)
        ]
        names, others = ([column[0] for column in each.description] for each in cursors)
        if names != others:
            return {"": "it has other columns"}
        found: dict[str, str] = {}
        number = 0
        while True:
            ours, theirs = (each.fetchmany(10_000) for each in cursors)
            if len(ours) != len(theirs):
                return {"": "it has another number of rows"}
            if not ours:
                return found
            for mine, yours in zip(ours, theirs, strict=True):
                number += 1
                for column, x, y in zip(names, mine, yours, strict=True):
                    if x != y and column not in found and not _near(x, y):
                        found[column] = f"row {number}, column '{column}': {x!r}, then {y!r}"


def _near(x: object, y: object) -> bool:
    if isinstance(x, float) and isinstance(y, float) and math.isnan(x) and math.isnan(y):
        return True
    number = r"[-+]?(\d+\.\d*([eE][-+]?\d+)?|\d+[eE][-+]?\d+)"
    if not all(re.fullmatch(number, str(each)) for each in (x, y)):
        return False
    return math.isclose(float(str(x)), float(str(y)), rel_tol=_tolerance)
