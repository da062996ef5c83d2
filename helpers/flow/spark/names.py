"""Names in Spark SQL, and what its errors say."""

from __future__ import annotations


def ticked(name: str) -> str:
    """A name as Spark SQL writes it."""
    escaped = name.replace("`", "``")
    return f"`{escaped}`"


def reason(error: BaseException) -> str:
    """What an error of Spark says, in a line."""
    lines = (line.strip() for line in str(error).strip().splitlines())
    return next((line for line in lines if line), type(error).__name__)
