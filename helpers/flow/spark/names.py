"""Names in Spark SQL, and what its errors say."""

from __future__ import annotations


def ticked(name: str) -> str:
    """A name as Spark SQL writes it."""
    escaped = name.replace("`", "``")
    return f"`{escaped}`"


def reason(error: BaseException) -> str:
    """What an error of Spark says, in a line."""
    lines = [line.strip() for line in str(error).strip().splitlines()]
    # The bridge to Java says first where, then what.
    said = [line.lstrip(": ") for line in lines if line and not line.startswith("An error occurred while")]
    return said[0] if said else type(error).__name__
