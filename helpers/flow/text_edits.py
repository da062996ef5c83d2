"""Spark's functions on columns of texts: regexp_replace, regexp_extract, rlike, and substring."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .errors import OperatorError

if TYPE_CHECKING:
    from .engine import Run
    from .java_regex import JavaRegex


def replaced(column: Any, regex: JavaRegex, replacement: str, run: Run) -> Any:
    """Spark's regexp_replace."""
    from .java_regex import replacement as read_replacement
    from .python_functions import python_column

    parts = read_replacement(replacement, regex)
    if regex.everywhere and not any(isinstance(part, int) and part > 9 for part in parts):
        texts = [f"\\{part}" if isinstance(part, int) else part.replace("\\", "\\\\") for part in parts]
        return column.re_replace(regex.python, "".join(texts))

    def one(match: re.Match[str]) -> str:
        return "".join(part if isinstance(part, str) else match[part] or "" for part in parts)

    return python_column(run, lambda text: regex.compiled.sub(one, text), column, "string")


def extracted(column: Any, regex: JavaRegex, group: int, run: Run) -> Any:
    """Spark's regexp_extract: nothing found is an empty text."""
    from .python_functions import python_column

    if not 0 <= group <= regex.groups:
        raise OperatorError(
            f"asks for group {group}; the pattern {regex.pattern!r} has {regex.groups}",
            "Count groups by their opening brackets; 0 is the whole match.",
            "index",
        )

    def one(text: str) -> str:
        match = regex.compiled.search(text)
        return (match[group] or "") if match else ""

    return python_column(run, one, column, "string")


def matches(column: Any, pattern: str, run: Run) -> Any:
    """Spark's rlike: whether a Java pattern is found anywhere."""
    from .java_regex import java_regex
    from .python_functions import python_column

    regex = java_regex(pattern)
    if regex.portable:
        return column.re_search(regex.python)
    return python_column(run, lambda text: regex.compiled.search(text) is not None, column, "boolean")


def substring(column: Any, start: int, length: Any) -> Any:
    """Spark's substring: counted from 1, or from the end below 0; what lies outside is left out."""
    import ibis

    size = column.length()
    first = ibis.literal(start - 1 if start > 0 else 0) if start >= 0 else size + start
    begin, end = ibis.greatest(first, 0), ibis.least(first + length, size)
    part = (end > begin).ifelse(column.substr(begin, ibis.greatest(end - begin, 0)), "")
    return column.isnull().ifelse(None, part)
