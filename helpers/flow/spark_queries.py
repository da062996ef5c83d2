"""Spark SQL queries over the table `df` on DuckDB, guarded like the formulas of `spark_sql`."""

from __future__ import annotations

from typing import Any

from .errors import OperatorError
from .spark_sql import cast_call, only_known

_clauses = (
    "Select", "From", "Where", "Group", "Having", "Order", "Ordered", "Limit", "Offset", "Distinct", "Alias",
    "TableAlias", "Table", "Subquery", "With", "CTE", "Join", "Union", "Intersect", "Except", "Star",
    "Exists", "Count", "Sum", "Avg", "Min", "Max", "Stddev", "StddevSamp", "StddevPop", "Variance",
    "VariancePop", "Window", "WindowSpec", "RowNumber", "Rank", "DenseRank", "Lag", "Lead", "Year", "Month",
    "Day", "TsOrDsToDate",
)  # fmt: skip


def query_to_duckdb(code: str, view: str) -> str:
    """A Spark SQL query as DuckDB SQL over `view`, which holds the visible columns; else OperatorError."""
    from sqlglot import exp, parse
    from sqlglot.errors import SqlglotError

    try:
        statements = [each for each in parse(code, read="spark") if each is not None]
    except SqlglotError as error:
        reason = str(error).split("\n")[0].split("\x1b")[0]
        raise OperatorError(f"does not parse as Spark SQL: {reason}", "Correct the query.", "code") from None
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise OperatorError(
            "is not one SELECT query", "Write one, such as SELECT * FROM df WHERE x > 0.", "code"
        )
    tree = statements[0]
    only_known(tree, _clauses, "code")
    for select in tree.find_all(exp.Select):
        select.set("expressions", [_named(each, select) for each in select.expressions])
    parts = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}

    def rewrite(node: Any) -> Any:
        if isinstance(node, exp.Table):
            return _table(node, view, parts)
        if isinstance(node, exp.Cast | exp.TryCast):
            return cast_call(node.this, node.to.sql("spark"))
        return node

    return str(tree.transform(rewrite).sql(dialect="duckdb", identify=True))


def _table(node: Any, view: str, parts: set[str]) -> Any:
    from sqlglot import exp

    if node.db or (node.name.lower() != "df" and node.name.lower() not in parts):
        raise OperatorError(f"reads the table '{node.sql('spark')}'", "The table here is called df.", "code")
    if node.name.lower() in parts:
        return node
    table = exp.to_table(view)
    for name, value in node.args.items():
        if name not in ("this", "alias"):
            table.set(name, value)
    return table.as_(node.alias or "df", quoted=True)


def _named(each: Any, select: Any) -> Any:
    """A projection under the name that Spark gives it."""
    from sqlglot import exp

    if isinstance(each, exp.Alias | exp.Star) or (
        isinstance(each, exp.Column) and isinstance(each.this, exp.Star)
    ):
        return each
    if isinstance(each, exp.Column):
        return exp.alias_(each, each.name, quoted=True)
    if isinstance(each, exp.Literal) and not each.is_string:
        return exp.alias_(each, each.name, quoted=True)
    if isinstance(each, exp.Count | exp.Sum | exp.Avg | exp.Min | exp.Max):
        inner = each.this
        if isinstance(inner, exp.Star):
            return exp.alias_(each, f"{each.key}(1)", quoted=True)
        if isinstance(inner, exp.Column):
            return exp.alias_(each, f"{each.key}({inner.name})", quoted=True)
    if select.parent is not None and not isinstance(select.parent, exp.CTE | exp.Subquery | exp.SetOperation):
        return each  # A query inside an expression: nobody sees the name.
    raise OperatorError(
        f"the computed column {each.sql('spark')[:60]!r} has no name", "Give it one: ... AS name.", "code"
    )
