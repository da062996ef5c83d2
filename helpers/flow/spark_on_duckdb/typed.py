"""Expressions with a type, as DuckDB SQL, and what is refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import OperatorError
from .types import Type

unknown = object()
"""The value of an expression that is no literal."""


class Unsupported(OperatorError):
    """Something of Spark that is not known to give Spark's result on DuckDB."""

    def __init__(self, construct: str, remedy: str = "") -> None:
        super().__init__(
            f"uses {construct}, which the DuckDB engine does not run as Spark does",
            remedy or "Write it another way, or run the flow on Spark: --engine spark.",
            "code",
        )


@dataclass(frozen=True)
class Typed:
    """DuckDB SQL with its Spark type and the name Spark gives to such a column (None: not known).

    `value`: of a literal. `aggregates`: it adds up rows. `windows`: it looks at other rows.
    """

    sql: str
    type: Type
    name: str | None
    value: Any = unknown
    aggregates: bool = False
    windows: bool = False

    @property
    def literal(self) -> bool:
        """Whether it is a literal."""
        return self.value is not unknown


Function = Callable[[Sequence[Typed]], Typed]
"""A function of Spark: what it makes of its arguments."""


def text_sql(text: str) -> str:
    """A text as SQL."""
    if "\0" in text:
        raise Unsupported("a text with the character 0")
    escaped = text.replace("'", "''")
    return f"'{escaped}'"


def combined(sql: str, kind: Type, name: str | None, parts: Sequence[Typed]) -> Typed:
    """An expression made of others."""
    if any(part.name is None for part in parts):
        name = None
    return Typed(
        sql,
        kind,
        name,
        aggregates=any(part.aggregates for part in parts),
        windows=any(part.windows for part in parts),
    )


def named(function: str, parts: Sequence[Typed]) -> str | None:
    """The name Spark gives to a function of these."""
    if any(part.name is None for part in parts):
        return None
    return f"{function}({', '.join(str(part.name) for part in parts)})"


def wrong_count(name: str, arguments: Sequence[Typed], least: int, most: int) -> None:
    """Refuse a function with too few or too many arguments."""
    if not least <= len(arguments) <= most:
        wanted = str(least) if least == most else f"{least} to {most}"
        raise OperatorError(f"calls {name} with {len(arguments)} values", f"It takes {wanted}.", "code")


def literal(value: Typed, function: str, kind: type = str) -> object:
    """The value of an argument that must be written out."""
    if not value.literal or not isinstance(value.value, kind) or isinstance(value.value, bool):
        raise Unsupported(f"{function} with an argument that is not written out")
    return value.value
