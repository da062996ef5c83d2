"""Spark SQL as sqlglot reads it, with every function left as it is written."""

from __future__ import annotations

import functools
import re
from typing import Any

from ..errors import OperatorError


@functools.cache
def _dialect() -> Any:
    from sqlglot.dialects.spark import Spark

    class Plain(Spark):
        """Spark SQL whose functions are not turned into those of all dialects."""

        class Parser(Spark.Parser):
            FUNCTIONS: dict[str, Any] = {}  # noqa: RUF012
            FUNCTION_PARSERS = {  # noqa: RUF012
                name: parser
                for name, parser in Spark.Parser.FUNCTION_PARSERS.items()
                if name in ("CAST", "TRY_CAST", "EXTRACT", "TRIM")
            }
            NO_PAREN_FUNCTIONS: dict[Any, Any] = {}  # noqa: RUF012

    return Plain


select_query = "SELECT query"


def parsed(text: str, parameter: str, what: str) -> Any:
    """The syntax tree of one statement. Raises OperatorError."""
    from sqlglot.errors import SqlglotError

    for escaped in re.findall(r"\\(.)", text, re.DOTALL):
        if escaped not in _escapes:
            raise OperatorError(
                f"has the text \\{escaped}, of which Spark drops the backslash",
                "Write two backslashes for one.",
                parameter,
            )
    try:
        found = [each for each in _dialect()().parse(text) if each is not None]
    except SqlglotError as error:
        reason = str(error).split("\n")[0].split("\x1b")[0]
        raise OperatorError(
            f"does not parse as Spark SQL: {reason}", f"Correct the {what}.", parameter
        ) from None
    if len(found) != 1:
        wanted = "an expression over columns" if what != select_query else f"one {what}"
        raise OperatorError(f"is not {wanted}", f"Write one {what}.", parameter)
    return found[0]


_escapes = "\\'\"ntr%_"
