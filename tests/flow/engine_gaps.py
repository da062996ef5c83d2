"""What the Spark engine does not do as the DuckDB engine does: the one list of gaps, each with its reason.

A key is a test file's name, or `file::test`, without the parameters in brackets. The tests skip what is
named here on Spark.
"""

from __future__ import annotations

gaps: dict[str, str] = {}


def gap(file: str, test: str) -> str | None:
    """Why this test does not hold on Spark, or None."""
    return gaps.get(f"{file}::{test}") or gaps.get(file)
