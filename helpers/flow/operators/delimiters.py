"""What parts the values of a CSV line."""

from __future__ import annotations

_taken = {"\n", "\r", '"', "\0", "\\n", "\\r", '\\"'}
"""Ends of lines, quotes and the end of a text, also as Spark escapes them: they mean something else."""


def parting(delimiter: str) -> str:
    """The delimiter, when it can part values. Raises ValueError."""
    if any(each in delimiter for each in _taken):
        raise ValueError("cannot part values: give a character such as ',' or ';'")
    return delimiter
