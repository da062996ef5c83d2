"""Custom PySpark and Spark SQL on DuckDB."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

from .duckdb_engine import DuckDBRun
from .errors import OperatorError
from .frame import Frame
from .naming import quoted
from .row_order import keep_order, refuse_loose_limits, sorted_query
from .snippets import execute_code
from .time_limits import limited


def run_pyspark(code: str, frame: Frame, run: DuckDBRun) -> Frame:
    """Run a snippet with the table as `df` and take `df` back. Its prints go to the log of the run.

    The snippet does not see the order of the rows. A result that only projects, filters and sorts keeps it;
    any other is ordered by all its columns.
    """
    from .pyspark import DataFrame, query_of
    from .pyspark_modules import data_frame, pretended_pyspark

    if len(frame.order) > 1:
        frame = run.keep(frame)
    view = run.view(run.sql(frame.visible))
    namespace: dict[str, object] = {"df": data_frame(run.connection, view), "__name__": "__custom__"}
    with limited(run), pretended_pyspark():
        execute_code(code, namespace, run)
        result = namespace.get("df")
        if not isinstance(result, DataFrame):
            raise OperatorError(
                f"leaves 'df' as {type(result).__name__}, not as a DataFrame",
                "Assign the result to df.",
                "code",
            )
        try:
            query = query_of(result)
        except Exception as error:
            raise OperatorError(
                f"cannot be turned into SQL: {error}", "Write it another way.", "code"
            ) from error
        views = result._inner.session.made_views
    with limited(run, python=False):
        return _result(query, view, views, frame, run)


def run_sql(code: str, frame: Frame, run: DuckDBRun) -> Frame:
    """The result of a Spark SQL query over the table `df`."""
    import duckdb

    from .spark_queries import query_to_duckdb

    if len(frame.order) > 1:
        frame = run.keep(frame)
    view = run.view(run.sql(frame.visible))
    query = query_to_duckdb(code, view)
    with limited(run, python=False):
        try:
            return _result(query, view, {}, frame, run)
        except duckdb.InterruptException:
            raise
        except duckdb.Error as error:
            reason = str(error).strip().split("\n")[0]
            raise OperatorError(f"does not run: {reason}", "Correct the query.", "code") from error


def _result(query: str, view: str, views: Mapping[str, str], frame: Frame, run: DuckDBRun) -> Frame:
    """What a query over `view` (the visible columns of the frame) gives, stored."""
    [hidden] = frame.order
    query = _plain_numbers(query, run)
    ordered = keep_order(query, view, run.view(run.sql(frame.table)), hidden, views)
    with run.one_thread() if _adds_up(query) else contextlib.nullcontext():
        if ordered is not None:
            table = run.backend.table(run.view(ordered.query))
            return run.keep(Frame(table, frame.order, in_order=frame.in_order and ordered.in_order))
        refuse_loose_limits(query)
        names = [row[0] for row in run.connection.execute(f"DESCRIBE {query}").fetchall()]
        by_itself = sorted_query(query, len(names))
        return run.store(by_itself or query, names, "" if by_itself else "ORDER BY ALL")


def _plain_numbers(query: str, run: DuckDBRun) -> str:
    """The query with the types of Spark: its sum of whole numbers is a long, not a number of 128 bits."""
    found = run.connection.execute(f"DESCRIBE {query}").fetchall()
    if not any(row[1] in _wide for row in found):
        return query
    cast = [
        f"CAST({quoted(row[0])} AS BIGINT) AS {quoted(row[0])}" if row[1] in _wide else quoted(row[0])
        for row in found
    ]
    return f"SELECT {', '.join(cast)} FROM ({query}) AS flow_sums"


_wide = ("HUGEINT", "UHUGEINT")


def _adds_up(query: str) -> bool:
    """Whether a query aggregates; a view that the snippet made may, so it counts as one that does."""
    from sqlglot import exp, parse_one

    from .pyspark import view_prefix

    tree = parse_one(query, read="duckdb")
    return view_prefix in query or tree.find(exp.AggFunc, exp.Window, exp.Group) is not None
