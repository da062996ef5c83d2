"""Tables as Spark's data frames and queries see them: columns with numbers, and the query that makes them.

Every step is a query around the one before. Columns are called a1, a2, ... inside, so that neither reserved
words nor the case of names matter. The order of rows travels along in a hidden column while steps only
project, filter and sort; any other step loses it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..errors import OperatorError
from . import types
from .analysis import Analyzer, Output
from .trees import Alias, Attribute, Cast, Star, Tree
from .typed import Typed
from .workspace import Workspace

if TYPE_CHECKING:
    from ..frame import Frame

hidden = "flow_place"
_longest = 20_000


@dataclass(frozen=True)
class Relation:
    """A table: its query, its columns, and whether the hidden column holds the order of its rows.

    `in_order`: the rows come in that order by themselves. `adds_up`: floating numbers were added up, which
    one thread has to do.
    """

    workspace: Workspace
    sql: str
    outputs: tuple[Output, ...]
    ordered: bool = False
    in_order: bool = False
    adds_up: bool = False

    @property
    def names(self) -> list[str]:
        """The names of the columns."""
        return [each.name for each in self.outputs]

    @property
    def columns(self) -> list[str]:
        """The columns as SQL calls them."""
        return [each.column for each in self.outputs]

    @property
    def analyzer(self) -> Analyzer:
        """Gives types to expressions over this table."""
        ties = [hidden] if self.ordered else self.columns
        return Analyzer(self.outputs, ties, self.workspace.python, hidden if self.ordered else "")

    def made(self, sql: str, outputs: Sequence[Output], **changes: Any) -> Relation:
        """The table that another query makes, with these columns."""
        if len(sql) > _longest:
            sql = f"SELECT * FROM {self.workspace.run.view(sql)}"
        return replace(self, sql=sql, outputs=tuple(outputs), **changes)

    def _kept(self, columns: Sequence[str]) -> str:
        listed = [*columns, hidden] if self.ordered else list(columns)
        return ", ".join(listed) or "1 AS nothing"

    def expanded(self, trees: Sequence[Tree]) -> list[Tree]:
        """The expressions, with stars as the columns they stand for."""
        found: list[Tree] = []
        for tree in trees:
            if isinstance(tree, Star):
                chosen = [
                    each for each in self.outputs if not tree.table or tree.table.lower() in each.tables
                ]
                if not chosen:
                    raise OperatorError(f"selects {tree.table}.*, a table that is not there", "", "code")
                found += [Attribute(each.id, each.name) for each in chosen]
            else:
                found.append(tree)
        return found

    def item(self, tree: Tree, analyzer: Analyzer, place: str = "select") -> tuple[Output, str]:
        """A column of a projection and its SQL; a column that only passes stays what it is."""
        same = analyzer.attribute(tree)
        if same is not None:
            return same, same.column
        typed = analyzer.typed(tree)
        name, inner = typed.name, tree
        while isinstance(inner, Cast):
            inner = inner.child
        if inner is not tree and (column := analyzer.attribute(inner)) is not None:
            name = column.name  # A column that is only cast keeps its name.
        if name is None:
            raise OperatorError(
                f"{place} has a computed column whose name in Spark is not known",
                "Give it one: .alias('name'), or AS name.",
                "code",
            )
        output = self.workspace.output(name, typed.type)
        return output, typed.sql

    def project(self, trees: Sequence[Tree]) -> Relation:
        """These expressions as columns."""
        analyzer = self.analyzer
        expanded = self.expanded(trees)
        typed = [analyzer.typed(tree) for tree in expanded]
        if any(each.aggregates for each in typed):
            return self.aggregate((), expanded)
        if analyzer.numbered:
            self.workspace.note(
                "rows are numbered 0, 1, 2, ... in their order, as Spark does on one partition"
            )
        items = [self.item(tree, analyzer) for tree in expanded]
        outputs: list[Output] = []
        sql: list[str] = []
        for output, expression in items:
            if any(output.id == known.id for known in outputs):
                # The same column twice: each needs a number of its own.
                output = self.workspace.output(output.name, output.type)
            outputs.append(output)
            sql.append(f"{expression} AS {output.column}")
        windows = any(each.windows for each in typed)
        return self.made(
            f"SELECT {self._kept(sql)} FROM ({self.sql}) AS t",
            outputs,
            in_order=self.in_order and not windows,
            adds_up=self.adds_up or windows,
        )

    def with_column(self, name: str, tree: Tree) -> Relation:
        """The table with a column computed anew, in the place of those of this name or at the end."""
        return self.with_columns([(name, tree)])

    def with_columns(self, columns: Sequence[tuple[str, Tree]]) -> Relation:
        """Several columns at once, none of which sees the others."""
        new = {name.lower(): Alias(tree, name) for name, tree in columns}
        trees: list[Tree] = []
        for each in self.outputs:
            trees.append(new.get(each.name.lower(), Attribute(each.id, each.name)))
        taken = {each.name.lower() for each in self.outputs}
        trees += [tree for name, tree in new.items() if name not in taken]
        if any(self.analyzer.typed(tree).aggregates for tree in new.values()):
            raise OperatorError("computes an aggregate of all rows beside columns of each row", "", "code")
        return self.project(trees)

    def renamed(self, names: Sequence[str], tables: frozenset[str] | None = None) -> Relation:
        """The same columns under these names."""
        outputs = [
            replace(each, name=name, tables=each.tables if tables is None else tables)
            for each, name in zip(self.outputs, names, strict=True)
        ]
        return replace(self, outputs=tuple(outputs))

    def keep(self, outputs: Sequence[Output]) -> Relation:
        """Only these of the columns."""
        sql = self._kept([each.column for each in outputs])
        return self.made(f"SELECT {sql} FROM ({self.sql}) AS t", outputs)

    def filter(self, tree: Tree) -> Relation:
        """The rows for which the condition is true."""
        analyzer = self.analyzer
        typed = analyzer.typed(tree)
        if typed.windows or typed.aggregates:
            raise OperatorError(
                "filters by an aggregate or a window", "Compute it as a column first, then filter.", "code"
            )
        return self.made(f"SELECT * FROM ({self.sql}) AS t WHERE {analyzer.condition(tree)}", self.outputs)

    def sort(self, keys: Sequence[Tree]) -> Relation:
        """The rows sorted; those that sort alike as they came, or by all their columns."""
        analyzer = self.analyzer
        listed = [analyzer.sort_key(key) for key in keys]
        listed += [hidden] if self.ordered else [f"{each} NULLS FIRST" for each in self._sortable()]
        number = f"row_number() OVER (ORDER BY {', '.join(listed)}) AS {hidden}"
        sql = f"SELECT {', '.join([*self.columns, number])} FROM ({self.sql}) AS t"
        return self.made(sql, self.outputs, ordered=True, in_order=False)

    def _sortable(self) -> list[str]:
        return [each.column for each in self.outputs if each.type.atomic]

    def limit(self, count: int | None, skipped: int = 0) -> Relation:
        """The first rows; without an order nobody knows which those are."""
        if not self.ordered:
            if count == 0:
                return self.made(f"SELECT * FROM ({self.sql}) AS t LIMIT 0", self.outputs)
            raise OperatorError(
                "limits rows that have no order, which keeps any of them",
                "Sort them before: orderBy(...), or ORDER BY.",
                "code",
            )
        most = f" LIMIT {count}" if count is not None else ""
        sql = f"SELECT * FROM ({self.sql}) AS t ORDER BY {hidden}{most} OFFSET {skipped}"
        return self.made(sql, self.outputs)

    def distinct(self) -> Relation:
        """Each row once."""
        listed = ", ".join(self._normal())
        return self.made(f"SELECT DISTINCT {listed} FROM ({self.sql}) AS t", self.outputs, **loose)

    def _normal(self) -> list[str]:
        # -0.0 and 0.0 are one value.
        return [
            f"{each.column} + 0.0::{each.type.duckdb} AS {each.column}" if each.type.floating else each.column
            for each in self.outputs
        ]

    def first_of_each(self, names: Sequence[str]) -> Relation:
        """The first row of each group of rows alike in these columns."""
        keys = [self.analyzer.output((name,))[0] for name in names]
        if not self.ordered:
            raise OperatorError(
                "dropDuplicates by some columns keeps any row of each group of rows that have no order",
                "Sort them before, or keep the first by F.row_number() over a Window.",
                "code",
            )
        self.workspace.note(
            "dropDuplicates keeps the first row of each group, as Spark does on one partition"
        )
        listed = ", ".join(
            f"{each.column} + 0.0::{each.type.duckdb}" if each.type.floating else each.column for each in keys
        )
        number = f"row_number() OVER (PARTITION BY {listed} ORDER BY {hidden})"
        sql = f"SELECT {', '.join(self.columns)} FROM ({self.sql}) AS t QUALIFY {number} = 1"
        return self.made(sql, self.outputs, **loose)

    def aggregate(
        self,
        keys: Sequence[Tree],
        results: Sequence[Tree],
        having: Tree | None = None,
    ) -> Relation:
        """Groups by these keys, and these expressions of each group."""
        analyzer = replace_ties(self.analyzer, ())
        grouped = [analyzer.typed(key) for key in keys]
        if any(each.aggregates or each.windows for each in grouped):
            raise OperatorError("groups by an aggregate", "Group by columns.", "code")
        items = [self.item(tree, analyzer, "agg") for tree in results]
        outputs = [self.workspace.output(output.name, output.type) for output, _ in items]
        listed = []
        for output, (_, sql) in zip(outputs, items, strict=True):
            listed.append(f"{sql} AS {output.column}")
        sql = f"SELECT {', '.join(listed) or '1 AS nothing'} FROM ({self._with_normal_keys(grouped)}) AS t"
        if grouped:
            sql += " GROUP BY " + ", ".join(f"({each.sql})" if each.literal else each.sql for each in grouped)
        if having is not None:
            sql += f" HAVING {analyzer.condition(having)}"
        self._check_groups(sql)
        return self.made(sql, outputs, ordered=False, in_order=False, adds_up=True)

    def _check_groups(self, sql: str) -> None:
        import duckdb

        try:
            self.workspace.run.connection.execute(f"DESCRIBE {sql}")
        except duckdb.BinderException as error:
            if "GROUP BY" not in str(error):
                raise
            raise OperatorError(
                "uses a column that is neither grouped by nor inside an aggregate",
                "Group by it, or aggregate it.",
                "code",
            ) from None

    def _with_normal_keys(self, grouped: Sequence[Typed]) -> str:
        floating = {each.sql for each in grouped if each.type.floating}
        chosen = [
            f"{each.column} + 0.0::{each.type.duckdb} AS {each.column}"
            if each.column in floating
            else each.column
            for each in self.outputs
        ]
        return f"SELECT {', '.join(chosen)} FROM ({self.sql}) AS t" if floating else self.sql

    def fresh(self) -> Relation:
        """The same table with columns of new numbers, to stand beside itself."""
        outputs = [replace(each, id=next(self.workspace.numbers)) for each in self.outputs]
        listed = [f"{old.column} AS {new.column}" for old, new in zip(self.outputs, outputs, strict=True)]
        return self.made(f"SELECT {self._kept(listed)} FROM ({self.sql}) AS t", outputs)

    def count(self) -> int:
        """The number of rows."""
        found = self.workspace.run.connection.execute(f"SELECT count(*) FROM ({self.sql}) AS t").fetchall()
        return int(found[0][0])

    def fetched(self) -> str:
        """The query of the visible columns, in the order of the rows."""
        order = f" ORDER BY {hidden}" if self.ordered else " ORDER BY ALL"
        return f"SELECT {', '.join(self.columns)} FROM ({self.sql}) AS t{order}"


loose = {"ordered": False, "in_order": False}
"""What a table is whose rows are in no order."""


def replace_ties(analyzer: Analyzer, ties: Sequence[str]) -> Analyzer:
    """The same analyzer where other columns decide between rows that sort alike, and no row has a place."""
    return Analyzer(analyzer.outputs, ties, analyzer.python)


def relation_of(frame: Frame, workspace: Workspace, table: str = "") -> Relation:
    """The visible columns of a frame with one hidden column, as a table of this name."""
    from ..naming import quoted

    [order] = frame.order
    run = workspace.run
    view = run.view(run.sql(frame.table))
    found = run.connection.execute(f"DESCRIBE {view}").fetchall()
    kinds = {row[0]: types.duckdb_type(row[1]) for row in found if row[0] != order}
    tables = frozenset([table.lower()]) if table else frozenset()
    outputs = [workspace.output(name, kind, tables) for name, kind in kinds.items()]
    listed = [f"CAST({quoted(each.name)} AS {each.type.duckdb}) AS {each.column}" for each in outputs]
    sql = f"SELECT {', '.join([*listed, f'{quoted(order)} AS {hidden}'])} FROM {view}"
    return Relation(workspace, sql, tuple(outputs), ordered=True, in_order=frame.in_order)
