"""Running the code that people wrote into a flow, and saying where it fails."""

from __future__ import annotations

import contextlib
import io
import traceback

from .engine import Run
from .errors import OperatorError
from .frame import Frame


def run_pyspark(code: str, frame: Frame, run: Run) -> Frame:
    """Run a snippet with the table as `df` and take `df` back. Its prints go to the log of the run.

    The snippet does not see the order of the rows; its result is ordered by all its columns.
    """
    from .pyspark import DataFrame, query_of
    from .pyspark_modules import data_frame, pretended_pyspark

    view = run.view(run.sql(frame.visible))
    namespace: dict[str, object] = {"df": data_frame(run.connection, view), "__name__": "__custom__"}
    printed = io.StringIO()
    with pretended_pyspark(), contextlib.redirect_stdout(printed):
        try:
            exec(compile(code, "<custom>", "exec"), namespace)
        except (KeyboardInterrupt, MemoryError):
            raise
        except BaseException as error:
            raise _said(error, code) from error
        finally:
            for line in printed.getvalue().splitlines():
                run.log(f"  {line}")
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
    return run.table_of(query, one_thread=_adds_up(query))


def _adds_up(query: str) -> bool:
    """Whether a query aggregates; a view that the snippet made may, so it counts as one that does."""
    from sqlglot import exp, parse_one

    from .pyspark import view_prefix

    tree = parse_one(query, read="duckdb")
    return view_prefix in query or tree.find(exp.AggFunc, exp.Window, exp.Group) is not None


def _said(error: BaseException, code: str) -> OperatorError:
    """The error with the line of the snippet it came from."""
    number = None
    if isinstance(error, SyntaxError):
        number = error.lineno
        text = f"does not compile: {error.msg}"
    else:
        for place in traceback.extract_tb(error.__traceback__):
            if place.filename == "<custom>":
                number = place.lineno
        text = (
            error.message if isinstance(error, OperatorError) else f"raises {type(error).__name__}: {error}"
        )
    lines = code.splitlines()
    if number and number <= len(lines):
        text += f" (line {number}: {lines[number - 1].strip()})"
    remedy = error.remedy if isinstance(error, OperatorError) else "Correct the code of this step."
    return OperatorError(text, remedy, "code")
