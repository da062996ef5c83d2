"""Expressions as a snippet, formula or query writes them, before anybody looks up its columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .types import Type


class Tree:
    """Any expression."""


@dataclass(frozen=True)
class Literal(Tree):
    """A value; `kind` is its Spark type."""

    value: Any
    kind: Type


@dataclass(frozen=True)
class Name(Tree):
    """A column by its name; several parts when a table or a struct is named before it."""

    parts: tuple[str, ...]


@dataclass(frozen=True)
class Attribute(Tree):
    """One column of a certain table, as `df.x` means it."""

    id: int
    name: str


@dataclass(frozen=True)
class Star(Tree):
    """All columns, or those of one table."""

    table: str = ""


@dataclass(frozen=True)
class Call(Tree):
    """A function or an operator, by Spark's name in lower case."""

    function: str
    arguments: tuple[Tree, ...]
    distinct: bool = False


@dataclass(frozen=True)
class Cast(Tree):
    """CAST, or with `careful` TRY_CAST: without ANSI both are the same."""

    child: Tree
    kind: Type
    careful: bool = False


@dataclass(frozen=True)
class Case(Tree):
    """CASE WHEN; `otherwise` None is null."""

    branches: tuple[tuple[Tree, Tree], ...]
    otherwise: Tree | None = None


@dataclass(frozen=True)
class In(Tree):
    """A value among others."""

    child: Tree
    values: tuple[Tree, ...]


@dataclass(frozen=True)
class Alias(Tree):
    """An expression under a name."""

    child: Tree
    name: str


@dataclass(frozen=True)
class Sorted(Tree):
    """An expression to sort by; nulls come first when ascending, unless said otherwise."""

    child: Tree
    descending: bool = False
    nulls_first: bool = True


@dataclass(frozen=True)
class Window:
    """Rows that a window function sees. `start` and `end` None: to the end of the group."""

    partition: tuple[Tree, ...] = ()
    order: tuple[Tree, ...] = ()
    unit: str = ""
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True)
class Windowed(Tree):
    """A function over a window."""

    call: Tree
    window: Window


@dataclass(frozen=True)
class PythonCall(Tree):
    """A Python function that the snippet made: of one row's values, or of whole series (`series`)."""

    function: Callable[..., Any]
    arguments: tuple[Tree, ...]
    kind: Type
    series: bool


@dataclass(frozen=True)
class Query(Tree):
    """A query inside an expression: its SQL, the type of its only column; `member` None: a single value."""

    sql: str
    kind: Type
    member: Tree | None = None
    exists: bool = False


@dataclass(frozen=True)
class Interval(Tree):
    """A span of time of whole months and microseconds, to add to a date or a timestamp."""

    months: int
    days: int
    microseconds: int
