"""A table on its way through a flow: an Ibis table and the hidden columns that hold the order of its rows."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .errors import OperatorError

hidden_prefix = "__flow_order_"
wide = 1000
"""From so many columns on a table is stored after each step: each costs what its query takes to be built."""


@dataclass(frozen=True)
class Frame:
    """The output of a node. `order` names hidden columns of `table`; rows are written in their order.

    `stored`: the table lies in the database. `in_order`: its rows come in their order by themselves, as
    those of a stored table and of projections and filters of one do; then nothing needs to sort them.
    """

    table: Any
    order: tuple[str, ...]
    stored: bool = False
    in_order: bool = False

    @property
    def columns(self) -> list[str]:
        """The columns a person sees."""
        return [name for name in self.table.columns if not name.startswith(hidden_prefix)]

    @property
    def is_wide(self) -> bool:
        """Whether it has so many columns that what is built on it is better stored in between."""
        return len(self.table.columns) >= wide

    @property
    def visible(self) -> Any:
        """The table without its hidden columns."""
        return self.table.select(self.columns)

    @property
    def ordered(self) -> Any:
        """The visible columns in the order of the rows."""
        return self.table.order_by(list(self.order)).select(self.columns)

    def replace(self, table: Any) -> Frame:
        """A projection or filter of the same rows; `table` still carries the hidden columns."""
        return Frame(table, self.order, in_order=self.in_order)

    def select(self, columns: Sequence[str]) -> Frame:
        """These columns, in this order."""
        return self.replace(self.table.select([*columns, *self.order]))

    def name(self, column: str, parameter: str = "") -> str:
        """The column as the table spells it; as in Spark, case does not matter. Raises OperatorError."""
        if column in self.table.columns and not column.startswith(hidden_prefix):
            return column
        same = [known for known in self.columns if known.lower() == column.lower()]
        if same:
            return same[0]
        close = difflib.get_close_matches(column, self.columns, n=1)
        hint = f"Did you mean '{close[0]}'? " if close else ""
        known = ", ".join(self.columns[:40]) + (", ..." if len(self.columns) > 40 else "")
        raise OperatorError(f"there is no column '{column}'", f"{hint}The columns here: {known}.", parameter)

    def names(self, columns: Sequence[str], parameter: str = "") -> list[str]:
        """Several columns as the table spells them."""
        return [self.name(column, parameter) for column in columns]

    def free(self, column: str, parameter: str = "") -> str:
        """A name for a new column, which no other column may have. Raises OperatorError."""
        if column.lower() in (known.lower() for known in self.columns):
            raise OperatorError(f"there is already a column '{column}'", "Choose another name.", parameter)
        if not column or column.startswith(hidden_prefix):
            raise OperatorError(f"{column!r} cannot be the name of a column", "Choose another.", parameter)
        return column
