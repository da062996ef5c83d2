"""What the tables of one snippet or query share."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .analysis import Output
from .trees import PythonCall
from .types import Type

if TYPE_CHECKING:
    from ..duckdb_engine import DuckDBRun


@dataclass
class Workspace:
    """What the tables of one snippet share: the run, numbers of columns, Python functions, notes."""

    run: DuckDBRun
    numbers: Any = field(default_factory=lambda: itertools.count(1))
    made: dict[int, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    python: Callable[[PythonCall, list[Type]], str] | None = None

    def output(self, name: str, kind: Type, tables: frozenset[str] = frozenset()) -> Output:
        """A new column."""
        return Output(next(self.numbers), name, kind, tables)

    def note(self, text: str) -> None:
        """Tell the log once."""
        if text not in self.notes:
            self.notes.append(text)
