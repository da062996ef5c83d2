"""What a flow's steps learned when they were made: the `trained_parameters` of a node.

Data Wrangler keeps, beside what a step learned, a hash of the parameters it learned it with. Where that hash
fits, a job uses what is stored; otherwise it learns anew from the data at hand.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import zipfile
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .engine import Run


def hash_of(parameters: Mapping[str, Any] | Sequence[Any]) -> str:
    """The hash that Data Wrangler of 2022 and later stores for these parameters."""
    plain = dict(parameters) if isinstance(parameters, Mapping) else list(parameters)
    return hashlib.sha1(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def stored(
    run: Run,
    blocks: Sequence[str],
    column: str,
    parameters: Mapping[str, Any] | Sequence[Any],
    several: bool = False,
) -> Mapping[str, Any]:
    """What the node at work holds for this column, or nothing when it was learned with other parameters.

    `blocks` are the names on the way to it, such as "scale_values_parameters", "min_max_scaler_parameters";
    `several`: the step has several input columns, for each of which there must be an entry of its own.
    Flows of 2021 hold Python's own hash, a number that a browser has rounded: it fits nothing. What has no
    hash at all cannot be checked, and is used.
    """
    found: Any = run.trained
    for block in blocks:
        found = found.get(block) if isinstance(found, Mapping) else None
    if isinstance(found, list):
        names = (column, re.sub(r"[.`]", "_", column))
        entries = [each for each in found if isinstance(each, Mapping) and each.get("input_column") in names]
        found = entries[0] if entries else None
    elif several:
        found = None
    if not isinstance(found, Mapping) or ("_hash" in found and found["_hash"] != hash_of(parameters)):
        return {}
    return found


def spark_model(text: object) -> dict[str, Any]:
    """The numbers of a small Spark model that is stored as text: {name: value}, vectors as lists of floats.

    Empty when it cannot be read; then the step learns anew.
    """
    import pyarrow as pa
    import pyarrow.parquet

    if not isinstance(text, str):
        return {}
    read_table: Any = pyarrow.parquet.read_table
    try:
        with zipfile.ZipFile(io.BytesIO(base64.b85decode(text))) as held:
            parts = [name for name in held.namelist() if re.search(r"(^|/)data/part-[^/]*\.parquet$", name)]
            tables = [read_table(io.BytesIO(held.read(name))) for name in sorted(parts)]
    except (ValueError, zipfile.BadZipFile, pa.ArrowException, NotImplementedError):
        return {}
    rows = [row for table in tables for row in table.to_pylist()]
    return {name: _plain(value) for name, value in rows[0].items()} if len(rows) == 1 else {}


def _plain(value: Any) -> Any:
    """A Spark vector as a list; type 0 is sparse, 1 is dense."""
    if not (isinstance(value, Mapping) and {"type", "values"} <= set(value)):
        return value
    values = list(value["values"] or [])
    if value["type"] == 1:
        return values
    filled = [0.0] * int(value.get("size") or 0)
    for index, number in zip(value.get("indices") or [], values, strict=True):
        filled[index] = number
    return filled


def number(value: object) -> float | None:
    """A stored number, or None when there is none."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
