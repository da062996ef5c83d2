"""Custom PySpark and Spark SQL on Spark itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import OperatorError
from ..frame import Frame
from ..snippets import execute_code, left_in_df
from ..time_limits import limited
from .names import reason, ticked

if TYPE_CHECKING:
    from .engine import SparkRun


def run_pyspark(code: str, frame: Frame, run: SparkRun) -> Frame:
    """Run a snippet with the table as `df` and the session as `spark`, and take `df` back.

    The snippet does not see the order of the rows. A result that only projects, filters and sorts keeps it;
    any other is ordered by all its columns.
    """
    from pyspark.sql import DataFrame

    given = run.dataframe(run.keep(frame).visible)
    namespace: dict[str, object] = {"df": given, "spark": run.session, "__name__": "__custom__"}
    with limited(run):
        execute_code(code, namespace, run)
        result = left_in_df(namespace, DataFrame)
    with limited(run, python=False):
        return _stored(result, run)


def run_sql(code: str, frame: Frame, run: SparkRun) -> Frame:
    """The result of a Spark SQL query over the table `df`."""
    run.dataframe(run.keep(frame).visible).createOrReplaceTempView("df")
    with limited(run, python=False):
        try:
            result = run.session.sql(code)
        except Exception as error:
            raise _refused(error, run) from error
        return _stored(result, run)


def _stored(result: Any, run: SparkRun) -> Frame:
    """What a snippet gives, stored in the order it is known to have."""
    names = [name.lower() for name in result.columns]
    twice = [name for name in result.columns if names.count(name.lower()) > 1]
    if twice:
        message = f"columns are called the same: {', '.join(twice)}"
        raise OperatorError(message, "Give them different names.", "code")
    if not names:
        raise OperatorError("leaves a table without columns", "Keep at least one.", "code")
    try:
        return run.store(_in_order(result))
    except Exception as error:
        raise _refused(error, run) from error


def _refused(error: Exception, run: SparkRun) -> Exception:
    """The error as one of this step, when Spark raised it."""
    if run.interrupted(error) or run.failure(error) is None:
        return error
    return OperatorError(f"does not run: {reason(error)}", "Correct the code of this step.", "code")


_keep_order = {"Project", "Filter", "SubqueryAlias", "View", "GlobalLimit", "LocalLimit", "WithCTE"}
_named_query = {"CTERelationDef", "CTERelationRef"}
_leaves = {"LocalRelation", "LogicalRDD", "InMemoryRelation", "LogicalRelation"}


def _in_order(result: Any) -> Any:
    """The result with its rows in a known order: its input's, its own, or that of all its columns."""
    from pyspark.sql import functions as F

    plan = result._jdf.queryExecution().analyzed()
    kinds = _kinds(plan)
    tables = [leaf.nodeName() for leaf in _leaves_of(plan) if leaf.nodeName() not in _named_query]
    if kinds <= _keep_order | _named_query | _leaves | {"Sort"} and len(tables) == 1:
        return result
    every = [F.col(ticked(name)).asc_nulls_last() for name in result.columns if _sortable(result, name)]
    return result.orderBy(*_sorted_by(plan, result), *every)


def _children(plan: Any) -> list[Any]:
    children = plan.children()
    return [children.apply(place) for place in range(children.size())]


def _kinds(plan: Any) -> set[str]:
    return {plan.nodeName()}.union(*map(_kinds, _children(plan)))


def _leaves_of(plan: Any) -> list[Any]:
    children = _children(plan)
    return [leaf for child in children for leaf in _leaves_of(child)] if children else [plan]


def _sorted_by(plan: Any, result: Any) -> list[Any]:
    """The columns by which the outermost step sorts, where it sorts by columns of the result."""
    from pyspark.sql import functions as F

    if plan.nodeName() != "Sort":
        return []
    orders = plan.order()
    found: list[Any] = []
    for place in range(orders.size()):
        order = orders.apply(place)
        child = order.child()
        if child.nodeName() != "AttributeReference" or child.name() not in result.columns:
            return found
        column = F.col(ticked(child.name()))
        direction = "asc" if order.direction().toString() == "Ascending" else "desc"
        nulls = "first" if "First" in order.nullOrdering().toString() else "last"
        found.append(getattr(column, f"{direction}_nulls_{nulls}")())
    return found


def _sortable(result: Any, name: str) -> bool:
    from pyspark.sql.types import MapType

    return not isinstance(result.schema[name].dataType, MapType)
