"""Running the code that people wrote into a flow, and saying where it fails."""

from __future__ import annotations

import ast
import contextlib
import datetime
import functools
import io
import os
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from .errors import OperatorError
from .frame import Frame
from .time_limits import TimeIsUp, limited

if TYPE_CHECKING:
    import pandas as pd

    from .runs import Run
    from .user_functions import UserFunction

Table = TypeVar("Table")


def run_pandas(code: str, frame: Frame, run: Run) -> Frame:
    """Run a snippet with the table as the pandas data frame `df`, and take `df` back."""
    import pandas as pd

    if not _says_something(code):
        return frame
    dataframe = run.to_pandas(frame)
    namespace: dict[str, Any] = {"df": dataframe, "__name__": "__custom__"}
    with limited(run), _dummies_of_numbers():
        execute_code(code, namespace, run)
    result = left_in_df(namespace, pd.DataFrame)
    if not len(result):
        return run.from_pandas(result, like=frame)
    with complaints(code):
        return run.from_pandas(_spark_columns(result), nan=True)


def left_in_df(namespace: Mapping[str, object], kind: type[Table]) -> Table:
    """What a snippet has left in `df`. Raises OperatorError unless that is a data frame of this kind."""
    result = namespace.get("df")
    if not isinstance(result, kind):
        raise OperatorError(
            f"leaves 'df' as {type(result).__name__}, not as a DataFrame", "Assign the result to df.", "code"
        )
    return result


@contextlib.contextmanager
def _dummies_of_numbers() -> Iterator[None]:
    """Within, pandas.get_dummies gives 0 and 1, as the pandas 1 of Data Wrangler's container does."""
    import pandas as pd

    whole = pd.get_dummies

    @functools.wraps(whole)
    def get_dummies(data: Any, *args: Any, **options: Any) -> pd.DataFrame:
        if len(args) < 6 and options.get("dtype") is None:
            options["dtype"] = "uint8"
        return whole(data, *args, **options)

    pd.get_dummies = get_dummies
    try:
        yield
    finally:
        pd.get_dummies = whole


def _says_something(code: str) -> bool:
    try:
        return bool(ast.parse(code).body)
    except (SyntaxError, ValueError):
        return True  # Compiling it says what is wrong.


def _spark_columns(dataframe: pd.DataFrame) -> pd.DataFrame:
    """Columns without any value as empty texts, those of mixed types as texts, numbers as wide as Spark's."""
    result = dataframe.copy(deep=False)
    result.columns = [str(name) for name in result.columns]
    for place, name in enumerate(result.columns):
        column = result.iloc[:, place]
        if column.isna().all():
            column = pd_series([""] * len(column), column.index)
        elif column.dtype == object and len(_kinds(column)) > 1:
            column = column.astype(str)
        elif column.dtype.kind in "iu":
            column = column.astype("int64")
        elif column.dtype.kind == "f" and column.dtype.name.startswith("float"):
            column = column.astype("float64")
        else:
            continue
        if result.columns.is_unique:
            result[name] = column
    return result


def pd_series(values: Sequence[Any], index: Any) -> pd.Series[Any]:
    """A series of objects."""
    import pandas as pd

    return pd.Series(values, index=index, dtype=object)


def _kinds(column: pd.Series[Any]) -> set[str]:
    """The Spark types of a column's values; None has none, NaN is a floating number."""
    kinds = set()
    for kind in {type(value) for value in column if value is not None}:
        name = next((name for parent, name in _spark_kinds if issubclass(kind, parent)), kind.__name__)
        kinds.add(name)
    return kinds


_spark_kinds: tuple[tuple[type, str], ...] = (
    (bool, "boolean"),
    (int, "long"),
    (float, "double"),
    (str, "string"),
    (datetime.datetime, "timestamp"),
    (datetime.date, "date"),
)


def run_function(function: UserFunction, frame: Frame, run: Run) -> Frame:
    """The frame with a column made by a function that the flow's author wrote."""
    from .user_functions import call

    name = frame.name(function.input_column, "input_col")
    column = run.to_pandas(frame.select([name]))[name]
    with limited(run):
        namespace: dict[str, Any] = {"__name__": "__custom__"}
        execute_code(function.code, namespace, run)
        custom = namespace.get("custom_func")
        if not callable(custom):
            raise OperatorError("defines no function custom_func", "Call the function so.", "code")
        with printed(run), complaints(function.code):
            values = call(custom, column, frame.table[name].type(), function)
    return run.with_column(frame, function.output_column or name, values)


def execute_code(code: str, namespace: dict[str, Any], run: Run) -> None:
    """Run a snippet; its prints go to the log, whatever it raises becomes an OperatorError."""
    process, trace = os.getpid(), sys.gettrace()
    try:
        with printed(run), complaints(code):
            exec(compile(code, "<custom>", "exec"), namespace)
    finally:
        sys.settrace(trace)
        if os.getpid() != process:
            os._exit(0)  # A copy that the code forked must not go on with the run.


@contextlib.contextmanager
def complaints(code: str) -> Iterator[None]:
    """Whatever goes wrong within, said with the line of the snippet."""
    try:
        yield
    except (KeyboardInterrupt, TimeIsUp):
        raise
    except BaseException as error:
        raise _said(error, code) from error


class _Printed(io.StringIO):
    """What a snippet prints; it stays open when the snippet closes it."""

    def close(self) -> None:
        pass


@contextlib.contextmanager
def printed(run: Run) -> Iterator[None]:
    """What is printed within goes to the log of the run."""
    text = _Printed()
    try:
        with contextlib.redirect_stdout(text):
            yield
    finally:
        for line in text.getvalue().splitlines():
            run.log(f"  {line}")


def _in_words(error: BaseException) -> str:
    name = type(error).__name__
    try:
        return f"{name}: {error}"[:2000].removesuffix(": ")
    except Exception:  # noqa: BLE001  (people's own errors may not even be able to say what they are)
        return name


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
        text = error.message if isinstance(error, OperatorError) else f"raises {_in_words(error)}"
    lines = code.splitlines()
    if number and number <= len(lines):
        text += f" (line {number}: {lines[number - 1].strip()})"
    remedy = error.remedy if isinstance(error, OperatorError) else "Correct the code of this step."
    return OperatorError(text, remedy, "code")
