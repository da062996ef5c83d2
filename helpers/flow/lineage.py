"""Where a column comes from, and which tables a table needs: what is known without asking the database."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

_name = re.compile(r"\bflow_(\d+)\b")


@dataclass
class Lineage:
    """The tables and views that a run has made, each called `flow_<number>`."""

    needs: dict[str, set[str]] = field(default_factory=dict)
    """Of each table and view those that it reads; a table reads none, as its rows are its own."""
    tables: set[str] = field(default_factory=set)
    made_of: dict[str, Any] = field(default_factory=dict)
    """Of a view the Ibis table whose columns it shows unchanged, as far as they are called the same."""

    def add_table(self, name: str) -> None:
        """A table is there."""
        self.needs[name] = set()
        self.tables.add(name)

    def add_view(self, name: str, query: str) -> None:
        """A view of this query is there. A name that only looks like one of ours does no harm."""
        self.needs[name] = {found[0] for found in _name.finditer(query)} & self.needs.keys()

    def remove(self, name: str) -> None:
        """A table or view is no longer there."""
        del self.needs[name]
        self.tables.discard(name)
        self.made_of.pop(name, None)

    def unneeded(self, tables: Iterable[Any], since: int) -> list[str]:
        """What was made after this number and none of these Ibis tables reads, newest first."""
        import ibis.expr.operations as ops

        reached: set[str] = set()
        waiting = [each.name for table in tables for each in table.op().find(ops.DatabaseTable)]
        while waiting:
            name = waiting.pop()
            if name not in reached:
                reached.add(name)
                waiting += self.needs.get(name, ())
        found = [name for name in self.needs if name not in reached and _number(name) > since]
        return sorted(found, key=_number, reverse=True)

    def origins(self, relation: Any, column: str) -> Iterator[tuple[str, str]]:
        """The stored tables (with the column's name there) that hold the values of this Ibis node's column.

        The farthest comes last. On the way rows may be left out, repeated, or null where a join finds none:
        what is true of all values of a column there is true of those here, nulls aside.
        """
        import ibis.expr.operations as ops

        passing = (ops.Project, ops.Filter, ops.Sort, ops.Limit, ops.Distinct, ops.DropColumns, ops.JoinChain)
        while True:
            if isinstance(relation, ops.DatabaseTable):
                if self._is_stored(relation.name):
                    yield relation.name, column
                made_of = self.made_of.get(relation.name)
                if made_of is None or column not in made_of.columns:
                    return
                relation = made_of.op()
            elif isinstance(relation, ops.relations.Reference):
                relation = relation.parent
            elif not isinstance(relation, passing):
                return
            else:
                value = relation.values.get(column)
                while isinstance(value, ops.Alias):
                    value = value.arg
                if not isinstance(value, ops.Field):
                    return
                relation, column = value.rel, value.name

    def _is_stored(self, view: str) -> bool:
        needs = self.needs.get(view, set())
        return bool(needs) and needs <= self.tables

    def joins(self, table: Any) -> int | None:
        """How many joins make this Ibis table of stored tables; None if anything is computed on the way.

        Choosing, renaming and filtering are no computing; a filter compares columns and constants.
        """
        import ibis.expr.operations as ops

        passing = (ops.Project, ops.DropColumns, ops.JoinChain, ops.JoinLink, ops.Field, ops.Alias)
        asking = (ops.Filter, ops.Literal, ops.Comparison, ops.And, ops.Or, ops.Not)
        nodes = table.op().find(ops.Node)
        for node in nodes:
            if isinstance(node, ops.DatabaseTable):
                if not self._is_stored(node.name):
                    return None
            elif not isinstance(node, (*passing, *asking, ops.relations.Reference)):
                return None
        return sum(isinstance(node, ops.JoinLink) for node in nodes)

    def sources(self, table: Any, columns: Iterable[str]) -> dict[str, dict[str, list[str]]]:
        """Of each stored table that this Ibis table joins those columns that it only shows.

        They are in no filter and no key of a join. Their names there, with those that they have here.
        """
        import ibis.expr.operations as ops

        if not self.joins(table):
            return {}
        asked = {
            next(self.origins(each.rel, each.name), None)
            for node in table.op().find((ops.Filter, ops.JoinLink))
            for predicate in node.predicates
            for each in predicate.find(ops.Field, filter=ops.Value)
        }
        found: dict[str, dict[str, list[str]]] = {
            node.name: {} for node in table.op().find(ops.DatabaseTable)
        }
        for column in columns:
            origin = next(self.origins(table.op(), column), None)
            if origin and origin not in asked:
                found[origin[0]].setdefault(origin[1], []).append(column)
        return found


def _number(name: str) -> int:
    return int(name.removeprefix("flow_"))
