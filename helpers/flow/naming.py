"""Names in SQL."""

from __future__ import annotations


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    escaped = name.replace('"', '""')
    return f'"{escaped}"'


def literal(text: object) -> str:
    """A text as an SQL literal."""
    escaped = str(text).replace("'", "''")
    return f"'{escaped}'"
