"""The sample of a source that Data Wrangler's editor works on. Jobs read everything, runs too by default.

A sample by chance is drawn by a hash of each row: the same rows on any machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .errors import OperatorError

if TYPE_CHECKING:
    from .engine import Run
    from .frame import Frame

_methods = ("sample_by_limit", "sample_by_ratio", "sample_by_count", "sample_by_stratified")


def sampling_of(document: Mapping[str, Any], node_id: str) -> Mapping[str, Any]:
    """What a flow says about the sampling of a source; empty when it reads everything."""
    for raw in document.get("nodes", []):
        if raw.get("node_id") == node_id:
            for output in raw.get("outputs") or []:
                if isinstance(output.get("sampling"), Mapping):
                    return dict(output["sampling"])
    return {}


def sampled(frame: Frame, sampling: Mapping[str, Any], run: Run) -> Frame:
    """The rows of the sample, in their order. Raises OperatorError for a method that is unknown."""
    from .duckdb_functions import content_hash

    method = sampling.get("sampling_method")
    if not sampling or method in (None, "none", "None"):
        return frame
    if method not in _methods:
        raise OperatorError(f"samples by {method!r}", f"Known: {', '.join(_methods)}.", "sampling")
    whole = run.keep(frame)
    place = whole.table[whole.order[0]]
    if method == "sample_by_limit":
        return whole.replace(whole.table.filter(place < int(sampling.get("limit_rows", 50_000))))
    # Equal rows need not share their luck: the place of a row is part of its hash.
    hashed = run.keep(
        whole.replace(whole.table.mutate(**{_score: content_hash(whole.table, [whole.order[0]], "")}))
    )
    score = hashed.table[_score]
    if method == "sample_by_ratio" or (method == "sample_by_stratified" and "sample_ratio" in sampling):
        rows = hashed.table.filter(score < int(float(sampling.get("sample_ratio", 1)) * 2**62))
    else:
        count = int(sampling.get("sample_size", 50_000))
        total = run.row(hashed.table.aggregate(rows=score.count()))["rows"]
        if total <= count:
            return frame
        [cut] = run.quantiles(hashed.table, _score, [count / total])
        rows = hashed.table.filter(score <= cut)
    return hashed.replace(rows).select(frame.columns)


_score = "__flow_order_sample"
