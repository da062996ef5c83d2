"""Spark SQL queries over tables, step by step as data frames would do them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..errors import OperatorError
from . import trees
from .dialect import parsed
from .joins import joined, set_operation
from .parsing import tree_of
from .relations import Relation
from .trees import Tree
from .typed import Unsupported
from .types import Type


def queried(code: str, tables: Mapping[str, Relation]) -> Relation:
    """The result of one SELECT over these tables (names in lower case). Raises OperatorError."""
    from sqlglot import exp

    node = parsed(code, "code", "SELECT query")
    if not isinstance(node, exp.Query):
        raise OperatorError(
            "is not one SELECT query", "Write one, such as SELECT * FROM df WHERE x > 0.", "code"
        )
    return _Query(tables).relation(node)


class _Query:
    """The tables that can be read at one place of a query."""

    def __init__(self, tables: Mapping[str, Relation]) -> None:
        self.tables = dict(tables)

    def relation(self, node: Any) -> Relation:
        """A query as a table."""
        from sqlglot import exp

        clauses = node.args.get("with_") or node.args.get("with")
        if clauses is not None:
            inner = _Query(self.tables)
            if clauses.args.get("recursive"):
                raise Unsupported("WITH RECURSIVE")
            for part in clauses.expressions:
                inner.tables[part.alias.lower()] = _aliased(inner.relation(part.this), part)
            bare = node.copy()
            bare.set("with_" if "with_" in node.args else "with", None)
            return inner.relation(bare)
        if isinstance(node, exp.Subquery):
            return self._ended(self.relation(node.this), node)
        if isinstance(node, exp.SetOperation):
            return self._ended(self._combined(node), node)
        if not isinstance(node, exp.Select):
            raise Unsupported(repr(node.sql("spark")[:60]))
        return self._select(node)

    def tree(self, node: Any) -> Tree:
        """An expression of a query."""
        return tree_of(node, self._inner)

    def _inner(self, node: Any, member: Tree | None, exists: bool) -> Tree:
        query = node.this if type(node).__name__ == "Subquery" else node
        found = self.relation(query)
        if not exists and len(found.outputs) != 1:
            raise OperatorError("has a query of several columns inside an expression", "Select one.", "code")
        column = found.outputs[0]
        sql = f"SELECT {column.column} FROM ({found.sql}) AS t"
        return trees.Query(sql, column.type, member, exists)

    def _combined(self, node: Any) -> Relation:
        if node.args.get("by_name") or node.args.get("side") or node.args.get("kind"):
            raise Unsupported("a set operation by name")
        left, right = self.relation(node.this), self.relation(node.expression)
        everything = node.args.get("distinct") is False
        word = type(node).__name__.upper()
        if word == "UNION":
            found = set_operation(left, "UNION ALL", right)
            return found if everything else found.distinct()
        return set_operation(left, f"{word} ALL" if everything else word, right)

    def _ended(self, found: Relation, node: Any) -> Relation:
        """With the ORDER BY and LIMIT behind a query in brackets or a set operation."""
        order = node.args.get("order")
        if order is not None:
            keys = [_place(self.tree(each), found) for each in order.expressions]
            found = found.sort(keys)
        return _cut(found, node)

    def _source(self, node: Any) -> Relation:
        from sqlglot import exp

        if node.args.get("pivots") or node.args.get("sample"):
            raise Unsupported("PIVOT or TABLESAMPLE")
        if isinstance(node, exp.Subquery):
            return _aliased(self.relation(node.this), node)
        if not isinstance(node, exp.Table) or not isinstance(node.this, exp.Identifier):
            raise OperatorError(f"reads the table '{node.sql('spark')[:60]}'", self._known_tables(), "code")
        if node.db or node.name.lower() not in self.tables:
            raise OperatorError(f"reads the table '{node.sql('spark')}'", self._known_tables(), "code")
        found = self.tables[node.name.lower()].fresh()
        found = found.renamed(found.names, frozenset([node.name.lower()]))
        return _aliased(found, node) if node.alias else found

    def _known_tables(self) -> str:
        names = sorted(self.tables)
        return f"The table here is called {names[0]}." if len(names) == 1 else f"Tables: {', '.join(names)}."

    def _from(self, node: Any) -> Relation:
        source = node.args.get("from_") or node.args.get("from")
        if source is None:
            raise OperatorError("reads no table", self._known_tables(), "code")
        found = self._source(source.this)
        for join in [*(source.this.args.get("joins") or ()), *(node.args.get("joins") or ())]:
            if join.args.get("method"):
                raise Unsupported("NATURAL JOIN")
            other = self._source(join.this)
            kind = " ".join(each for each in (join.side, join.kind) if each).lower()
            using = [each.name for each in join.args.get("using") or ()]
            on = join.args.get("on")
            both = Relation(found.workspace, "", (*found.outputs, *other.outputs))
            how = kind.replace(" outer", "") or ("inner" if on is not None or using else "cross")
            condition = self.tree(on) if on is not None else None
            if condition is not None:
                both.analyzer.condition(condition)
            found = joined(found, other, how or "inner", condition, using)
        return found

    def _select(self, node: Any) -> Relation:
        for clause in (
            "qualify",
            "laterals",
            "pivots",
            "sample",
            "windows",
            "connect",
            "cluster",
            "sort",
            "distribute",
            "into",
        ):
            if node.args.get(clause):
                raise Unsupported(clause.upper())
        found = self._from(node)
        where = node.args.get("where")
        if where is not None:
            found = found.filter(self.tree(where.this))
        items = found.expanded([self.tree(each) for each in node.expressions])
        made, keys = self._projected(node, found, items)
        distinct = node.args.get("distinct")
        if distinct is not None:
            if distinct.args.get("on"):
                raise Unsupported("DISTINCT ON")
            if len(made.outputs) > len(items):
                raise OperatorError("sorts distinct rows by what they do not hold", "Select it too.", "code")
            made = made.distinct()
        if keys:
            made = made.sort(keys)
        if len(made.outputs) > len(items):
            made = made.keep(made.outputs[: len(items)])
        return _cut(made, node)

    def _projected(self, node: Any, found: Relation, items: Sequence[Tree]) -> tuple[Relation, list[Tree]]:
        """The selected columns, further ones to sort by behind them, and the keys to sort by."""
        aliases = {each.name.lower(): each.child for each in items if isinstance(each, trees.Alias)}
        group, having, order = (node.args.get(each) for each in ("group", "having", "order"))
        analyzer = found.analyzer
        adds_up = (
            group is not None or having is not None or any(analyzer.typed(each).aggregates for each in items)
        )
        keys = self._group_keys(group, items, aliases, found)
        condition = None
        if having is not None:
            condition = _with_aliases(self.tree(having.this), aliases, found)

        def made_of(columns: Sequence[Tree]) -> Relation:
            if adds_up:
                return found.aggregate(keys, columns, condition)
            return found.project(columns)

        made = made_of(items)
        if order is None:
            return made, []
        wanted = [self.tree(each) for each in order.expressions]
        sorting, extra = [], []
        for each in wanted:
            key = each if isinstance(each, trees.Sorted) else trees.Sorted(each)
            placed = _place(key, made)
            if placed is not key or _fits(key.child, made):
                sorting.append(placed)
            else:
                extra.append(trees.Alias(_with_aliases(key.child, aliases, found), "sorted by"))
                sorting.append(replace(key, child=trees.Literal(len(extra) - 1, _extra)))
        if extra:
            made = made_of([*items, *extra])
        return made, [_settled(each, made, len(items)) for each in sorting]

    def _group_keys(
        self, group: Any, items: Sequence[Tree], aliases: Mapping[str, Tree], found: Relation
    ) -> list[Tree]:
        if group is None:
            return []
        if any(group.args.get(each) for each in ("cube", "rollup", "grouping_sets", "totals", "all")):
            raise Unsupported("GROUP BY of several groupings")
        keys = []
        for each in group.expressions:
            tree = self.tree(each)
            if isinstance(tree, trees.Literal) and tree.kind.whole:
                if not 1 <= tree.value <= len(items):
                    raise OperatorError(f"groups by the place {tree.value}", "Name a column.", "code")
                tree = items[tree.value - 1]
                tree = tree.child if isinstance(tree, trees.Alias) else tree
            keys.append(_with_aliases(tree, aliases, found))
        return keys


_extra = Type("place")


def _settled(key: Tree, made: Relation, visible: int) -> Tree:
    if isinstance(key, trees.Sorted) and isinstance(key.child, trees.Literal) and key.child.kind is _extra:
        output = made.outputs[visible + key.child.value]
        return replace(key, child=trees.Attribute(output.id, output.name))
    return key


def _fits(tree: Tree, made: Relation) -> bool:
    """Whether a key can be computed from the selected columns alone."""
    try:
        found = made.analyzer.typed(tree)
    except OperatorError:
        return False
    return not (found.aggregates or found.windows)


def _place(key: Tree, made: Relation) -> Tree:
    """A key that is a number as the column of that place."""
    child = key.child if isinstance(key, trees.Sorted) else key
    if not isinstance(child, trees.Literal) or child.kind is None or not child.kind.whole:
        return key
    if not 1 <= child.value <= len(made.outputs):
        raise OperatorError(f"sorts by the place {child.value}", "Name a column.", "code")
    output = made.outputs[child.value - 1]
    attribute = trees.Attribute(output.id, output.name)
    return replace(key, child=attribute) if isinstance(key, trees.Sorted) else trees.Sorted(attribute)


def _with_aliases(tree: Any, aliases: Mapping[str, Tree], found: Relation) -> Any:
    """The expression, with names the table does not have as what the query selects under them."""
    if isinstance(tree, trees.Name) and len(tree.parts) == 1:
        known = tree.parts[0].lower() in (name.lower() for name in found.names)
        return tree if known else aliases.get(tree.parts[0].lower(), tree)
    if isinstance(tree, tuple):
        return tuple(_with_aliases(each, aliases, found) for each in tree)
    if isinstance(tree, Tree | trees.Window):
        changed = {
            name: _with_aliases(getattr(tree, name), aliases, found)
            for name in tree.__dataclass_fields__  # type: ignore[union-attr]
        }
        return replace(tree, **changed)  # type: ignore[type-var]
    return tree


def _cut(found: Relation, node: Any) -> Relation:
    limit, offset = node.args.get("limit"), node.args.get("offset")
    if limit is None and offset is None:
        return found
    numbers = [each.expression if each is not None else None for each in (limit, offset)]
    if any(each is not None and not each.is_int for each in numbers):
        raise Unsupported("LIMIT with other than a number")
    count, skipped = (int(each.this) if each is not None else None for each in numbers)
    return found.limit(count, skipped or 0)


def _aliased(found: Relation, node: Any) -> Relation:
    alias = node.args.get("alias")
    if alias is None:
        return found.renamed(found.names, frozenset())
    names = [each.name for each in alias.args.get("columns") or ()] or found.names
    if len(names) != len(found.names):
        raise OperatorError(f"gives {len(names)} names to {len(found.names)} columns", "", "code")
    return found.renamed(names, frozenset([alias.name.lower()]))
