"""Custom PySpark and Spark SQL on DuckDB."""

from __future__ import annotations

import contextlib

from ..duckdb_engine import DuckDBRun
from ..errors import OperatorError
from ..frame import Frame, hidden_prefix
from ..naming import quoted
from ..snippets import complaints, execute_code, left_in_df, printed
from ..time_limits import limited
from .relations import Relation


def run_pyspark(code: str, frame: Frame, run: DuckDBRun) -> Frame:
    """Run a snippet with the table as `df` and take `df` back. Its prints go to the log of the run.

    The snippet does not see the order of the rows. A result that only projects, filters and sorts keeps it;
    any other is ordered by all its columns.
    """
    from .pyspark.data_frame import DataFrame
    from .pyspark.modules import SparkSession, pretended_pyspark
    from .pyspark.udfs import registrar
    from .relations import relation_of
    from .workspace import Workspace

    if len(frame.order) > 1:
        frame = run.keep(frame)
    workspace = Workspace(run)
    workspace.python = registrar(run)
    session = SparkSession(workspace)
    table = DataFrame(relation_of(frame, workspace), session)
    namespace: dict[str, object] = {"df": table, "spark": session, "__name__": "__custom__"}
    with limited(run):
        with pretended_pyspark(session):
            execute_code(code, namespace, run)
        result = left_in_df(namespace, DataFrame)
        for note in workspace.notes:
            run.log(f"  Note: {note}")
        with pretended_pyspark(session), printed(run), complaints(code):
            return stored(result._relation, run)


def run_sql(code: str, frame: Frame, run: DuckDBRun) -> Frame:
    """The result of a Spark SQL query over the table `df`."""
    import duckdb

    from .queries import queried
    from .relations import relation_of
    from .workspace import Workspace

    if len(frame.order) > 1:
        frame = run.keep(frame)
    with limited(run, python=False):
        try:
            found = queried(code, {"df": relation_of(frame, Workspace(run), "df")})
            return stored(found, run)
        except duckdb.InterruptException:
            raise
        except duckdb.Error as error:
            reason = str(error).strip().split("\n")[0]
            raise OperatorError(f"does not run: {reason}", "Correct the query.", "code") from error


def stored(relation: Relation, run: DuckDBRun) -> Frame:
    """A table of a snippet or query, computed: in its order, or in that of all its columns."""
    from .relations import hidden

    lowered = [name.lower() for name in relation.names]
    twice = [name for name in relation.names if lowered.count(name.lower()) > 1]
    if twice:
        raise OperatorError(
            f"leaves several columns called {', '.join(sorted(set(twice)))}", "Rename or drop some.", "code"
        )
    if not relation.outputs:
        raise OperatorError("leaves a table without columns", "Keep at least one.", "code")
    listed = [f"{each.column} AS {quoted(each.name)}" for each in relation.outputs]
    with run.one_thread() if relation.adds_up else contextlib.nullcontext():
        if relation.ordered:
            order = f"{hidden_prefix}0"
            view = run.view(f"SELECT {', '.join(listed)}, {hidden} AS {order} FROM ({relation.sql}) AS t")
            return run.keep(Frame(run.backend.table(view), (order,), in_order=relation.in_order))
        query = f"SELECT {', '.join(listed)} FROM ({relation.sql}) AS t"
        return run.store(query, relation.names, "ORDER BY ALL")
