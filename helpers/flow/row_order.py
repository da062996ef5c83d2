"""Keeping the order of rows through a query that only projects, filters and sorts its input.

Snippets see a table without the hidden column that holds its order. Where every step of the query they come
to takes one table and neither groups nor joins, that column can travel along: it is added to each step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import OperatorError


@dataclass
class _Chain:
    base: str
    ordered_base: str
    hidden: str
    views: Mapping[str, str]
    tables: dict[str, Any] = field(default_factory=dict)
    done: int = 0
    sorted: bool = False


class _OtherOrder(Exception):
    """The query does more than project, filter and sort."""


@dataclass(frozen=True)
class Ordered:
    """A query with the hidden column, and whether its rows come in that order by themselves."""

    query: str
    in_order: bool


def keep_order(
    query: str, base: str, ordered_base: str, hidden: str, views: Mapping[str, str]
) -> Ordered | None:
    """The query with the column `hidden`, or None when it makes other rows than those of its input.

    `base` is the view the query reads, `ordered_base` the same with the hidden column, `views` the queries of
    views that the snippet made on the way.
    """
    from sqlglot import exp, parse_one

    tree = parse_one(query, read="duckdb")
    chain = _Chain(base, ordered_base, hidden, views)
    chain.tables = {cte.alias: cte for cte in tree.find_all(exp.CTE)}
    try:
        result = _carry(tree, chain)
    except _OtherOrder:
        return None
    if chain.done != len(list(result.find_all(exp.Select))):
        return None  # A query inside an expression, which may see the hidden column.
    moved = chain.sorted or result.find(exp.Window) is not None
    return Ordered(result.sql("duckdb"), in_order=not moved)


def _carry(tree: Any, chain: _Chain) -> Any:
    from sqlglot import exp

    if not isinstance(tree, exp.Select):
        raise _OtherOrder
    clauses = ("joins", "group", "having", "distinct", "qualify", "laterals", "sample", "pivots", "connect")
    if any(tree.args.get(clause) for clause in clauses):
        raise _OtherOrder
    if any(_makes_rows(each) for each in tree.expressions):
        raise _OtherOrder
    source = tree.args.get("from") or tree.args.get("from_")
    if source is None:
        raise _OtherOrder
    chain.done += 1
    _carry_source(source.this, chain)
    if not any(isinstance(each, exp.Star) or _is_star(each) for each in tree.expressions):
        tree.append("expressions", exp.column(chain.hidden, quoted=True))
    order, cut = tree.args.get("order"), tree.args.get("limit") or tree.args.get("offset")
    if order is None and cut is None:
        return tree
    chain.sorted = True
    tie = exp.Ordered(this=exp.column(chain.hidden, quoted=True))
    if order is None:
        tree.set("order", exp.Order(expressions=[tie]))
        return tree
    order.append("expressions", tie)
    inner_with = tree.args.pop("with", None) or tree.args.pop("with_", None)
    number = exp.alias_(
        exp.Window(this=exp.RowNumber(), partition_by=[], over="OVER"), chain.hidden, quoted=True
    )
    star = exp.Star(**{_except_key(): [exp.to_identifier(chain.hidden, quoted=True)]})
    outer = exp.select(star, number).from_(tree.subquery("flow_sorted"))
    if inner_with is not None:
        outer.set("with_" if "with_" in exp.Select.arg_types else "with", inner_with)
    chain.done += 1
    return outer


def _except_key() -> str:
    from sqlglot import exp

    return "except_" if "except_" in exp.Star.arg_types else "except"


def _carry_source(source: Any, chain: _Chain) -> None:
    from sqlglot import exp, parse_one

    if isinstance(source, exp.Subquery):
        if source.args.get("pivots") or source.args.get("joins"):
            raise _OtherOrder
        source.set("this", _carry(source.this, chain))
        return
    if not isinstance(source, exp.Table) or source.args.get("joins"):
        raise _OtherOrder
    alias = source.alias or source.name
    if source.name == chain.base:
        source.replace(exp.to_table(chain.ordered_base).as_(alias, quoted=True))
    elif source.name in chain.tables:
        # Taken out: a table that is read twice is no chain.
        part = chain.tables.pop(source.name)
        part.set("this", _carry(part.this, chain))
    elif source.name in chain.views:
        inner = parse_one(chain.views[source.name], read="duckdb")
        known, chain.tables = chain.tables, {cte.alias: cte for cte in inner.find_all(exp.CTE)}
        carried = _carry(inner, chain)
        chain.tables = known
        source.replace(carried.subquery(exp.to_identifier(alias, quoted=True)))
    else:
        raise _OtherOrder


def _is_star(expression: Any) -> bool:
    from sqlglot import exp

    return isinstance(expression, exp.Column) and isinstance(expression.this, exp.Star)


def _makes_rows(expression: Any) -> bool:
    """Whether a projection adds up rows or multiplies them."""
    from sqlglot import exp

    if expression.find(exp.UDTF, exp.Explode) is not None:
        return True
    return any(each.find_ancestor(exp.Window) is None for each in expression.find_all(exp.AggFunc))


def sorted_query(query: str, columns: int) -> str | None:
    """The query with ties of its ORDER BY decided by all its columns; None when it has none at its end."""
    from sqlglot import exp, parse_one

    tree = parse_one(query, read="duckdb")
    order = tree.args.get("order")
    if order is None:
        return None
    for place in range(columns):
        order.append("expressions", exp.Ordered(this=exp.Literal.number(place + 1)))
    return str(tree.sql("duckdb"))


def refuse_loose_limits(query: str) -> None:
    """A limit keeps any rows of a table without an order: say so instead of choosing some."""
    from sqlglot import exp, parse_one

    for limit in parse_one(query, read="duckdb").find_all(exp.Limit, exp.Offset):
        if limit.parent is not None and limit.parent.args.get("order") is None:
            raise OperatorError(
                "limits rows that have no order, which keeps any of them",
                "Say which: add ORDER BY before the limit.",
                "code",
            )
