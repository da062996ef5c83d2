"""PySpark's grouped data on DuckDB."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from ...errors import OperatorError
from .. import trees
from ..aggregates import aggregates
from ..functions import same_as
from ..relations import Relation
from ..trees import Tree
from ..typed import Unsupported
from ..types import bigint, string, void
from .columns import column_tree, flat


class GroupedData:
    """Rows in groups, waiting for aggregates."""

    def __init__(
        self,
        relation: Relation,
        keys: Sequence[Tree],
        made: Callable[[Relation], Any],
        pivot: tuple[Tree, list[Any]] | None = None,
    ) -> None:
        self._relation, self._keys, self._made, self._pivot = relation, list(keys), made, pivot

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise Unsupported(f"GroupedData.{name}")

    def agg(self, *exprs: Any) -> Any:
        """Aggregates of each group: columns, or a dict from columns to names of aggregates."""
        given = flat(exprs)
        if len(given) == 1 and isinstance(given[0], dict):
            return self._aggregated([self._by_name(*pair) for pair in _as_in_java(given[0])])
        return self._aggregated([column_tree(each) for each in given])

    def _by_name(self, column: str, function: str) -> Tree:
        name = function.lower()
        if same_as.get(name, name) not in aggregates:
            raise Unsupported(f"agg by {function!r}")
        child = _one if column == "*" else column_tree(column)
        return trees.Call(name, (child,))

    def _aggregated(self, results: Sequence[Tree]) -> Any:
        if not results:
            raise OperatorError("aggregates nothing", "Give agg at least one column.", "code")
        if self._pivot is not None:
            results = [each for result in [self._pivoted(results)] for each in result]
        return self._made(self._relation.aggregate(self._keys, [*self._keys, *results]))

    def count(self) -> Any:
        """The number of rows of each group."""
        return self._aggregated([trees.Alias(trees.Call("count", (_one,)), "count")])

    def _each(self, function: str, columns: Sequence[Any]) -> Any:
        chosen = [column_tree(each) for each in flat(columns)]
        if not chosen:
            analyzer = self._relation.analyzer
            keys = [analyzer.attribute(key) for key in self._keys]
            grouped = {key.id for key in keys if key is not None}
            chosen = [
                trees.Attribute(each.id, each.name)
                for each in self._relation.outputs
                if each.type.numeric and each.id not in grouped
            ]
        for each in chosen:
            if not self._relation.analyzer.typed(each).type.numeric:
                raise OperatorError(f"calls {function} on a column that is no number", "Use agg.", "code")
        return self._aggregated([trees.Call(function, (each,)) for each in chosen])

    def avg(self, *cols: Any) -> Any:
        """The mean of number columns."""
        return self._each("avg", cols)

    mean = avg

    def sum(self, *cols: Any) -> Any:
        """The sum of number columns."""
        return self._each("sum", cols)

    def min(self, *cols: Any) -> Any:
        """The least of number columns."""
        return self._each("min", cols)

    def max(self, *cols: Any) -> Any:
        """The greatest of number columns."""
        return self._each("max", cols)

    def pivot(self, pivot_col: Any, values: Sequence[Any] | None = None) -> GroupedData:
        """A column for each value of another."""
        tree = column_tree(pivot_col)
        kind = self._relation.analyzer.typed(tree).type
        if kind not in (string, bigint) and not kind.whole:
            raise Unsupported(f"GroupedData.pivot by {kind}", "Cast the column to string.")
        if values is None:
            found = self._relation.project([trees.Alias(tree, "value")]).distinct()
            found = found.sort([trees.Name(("value",))])
            values = [row[0] for row in found.workspace.run.connection.execute(found.fetched()).fetchall()]
        return GroupedData(self._relation, self._keys, self._made, (tree, list(values)))

    def _pivoted(self, results: Sequence[Tree]) -> list[Tree]:
        assert self._pivot is not None
        column, values = self._pivot
        found: list[Tree] = []
        for value in values:
            match = trees.Call("<=>", (column, trees.Literal(value, void)))
            any_row = trees.Call(">", (trees.Call("count_if", (match,)), trees.Literal(0, void)))
            for result in results:
                bare = result.child if isinstance(result, trees.Alias) else result
                name = "null" if value is None else str(value)
                if len(results) > 1:
                    ending = self._relation.analyzer.typed(result).name
                    if ending is None:
                        raise OperatorError(
                            "pivots an aggregate without a name", "Use .alias('name').", "code"
                        )
                    name = f"{name}_{ending}"
                if (
                    not isinstance(bare, trees.Call)
                    or same_as.get(bare.function, bare.function) not in aggregates
                ):
                    raise Unsupported("GroupedData.pivot with other than one aggregate")
                chosen = tuple(trees.Case(((match, each),)) for each in bare.arguments[:1])
                only = replace(bare, arguments=(*chosen, *bare.arguments[1:]))
                found.append(trees.Alias(trees.Case(((any_row, only),)), name))
        return found


def _as_in_java(given: dict[str, str]) -> list[tuple[str, str]]:
    """A dict's items in the order of Java's hash map, which is that of the columns on Spark."""
    if len(given) > 4:
        raise Unsupported("agg with a dict of more than four columns", "Give it columns: F.sum('x'), ...")

    def bucket(name: str) -> int:
        code = 0
        for unit in memoryview(name.encode("utf-16-le")).cast("H"):
            code = (31 * code + unit) & 0xFFFFFFFF
        return (code ^ (code >> 16)) & 15

    return sorted(given.items(), key=lambda pair: bucket(pair[0]))


_one = trees.Literal(1, void)
