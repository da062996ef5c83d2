"""User-defined functions: a function of one column, called as Spark calls it."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from .errors import OperatorError

if TYPE_CHECKING:
    import pandas as pd

batch_rows = 10_000
"""Rows of one call in Pandas mode: Spark's own number (spark.sql.execution.arrow.maxRecordsPerBatch)."""

arrow_types = {
    "string": "string",
    "long": "int64",
    "bigint": "int64",
    "int": "int32",
    "integer": "int32",
    "float": "float64",
    "double": "float64",
    "bool": "bool",
    "boolean": "bool",
    "date": "date32",
    "datetime": "timestamp[us]",
    "timestamp": "timestamp[us]",
}


@dataclass(frozen=True)
class UserFunction:
    """A function `custom_func` in a snippet: of a pandas series (Pandas), or of one value (Python)."""

    code: str
    mode: Literal["Pandas", "Python"]
    input_column: str
    output_column: str
    return_type: str


def call(custom: Callable[..., Any], column: pd.Series[Any], dtype: Any, function: UserFunction) -> Any:
    """The function's values for a column, as an Arrow array of its return type."""
    import pyarrow as pa

    kind = arrow_types[function.return_type]
    target = pa.date32() if kind == "date32" else pa.type_for_alias(kind)
    if function.mode == "Pandas":
        parts = [_converted(part, custom, target) for part in _batches(column, dtype)]
        return pa.concat_arrays(parts) if parts else pa.array([], target)
    values = [accepted(custom(value), kind) for value in _python_values(column, dtype)]
    return pa.array(values, target)


def _batches(column: pd.Series[Any], dtype: Any) -> Iterator[pd.Series[Any]]:
    for start in range(0, len(column), batch_rows):
        part = column.iloc[start : start + batch_rows].reset_index(drop=True)
        if dtype.is_integer() and part.dtype.kind == "f" and not part.isna().any():
            part = part.astype("int64")
        yield part


def _converted(part: pd.Series[Any], custom: Callable[..., Any], target: Any) -> Any:
    import pandas as pd
    import pyarrow as pa

    result = custom(part)
    if not isinstance(result, pd.Series):
        raise OperatorError(
            f"custom_func returns {type(result).__name__}, not a pandas series",
            "Return a series as long as the one it gets, or choose the mode Python.",
            "code",
        )
    if len(result) != len(part):
        raise OperatorError(
            f"custom_func returns {len(result)} values for {len(part)}", "Return one for each.", "code"
        )
    try:
        return pa.Array.from_pandas(result, mask=result.isna(), type=target, safe=False)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        raise OperatorError(
            f"custom_func returns values that are not {target}: {error}",
            "Change return_type, or what the function returns.",
            "return_type",
        ) from None


def _python_values(column: pd.Series[Any], dtype: Any) -> Iterator[Any]:
    import pandas as pd

    for value in column.astype(object):
        if dtype.is_floating():
            yield None if value is None else float(value)
        elif value is None or pd.isna(value):
            yield None
        elif dtype.is_integer():
            yield int(value)
        elif isinstance(value, pd.Timestamp):
            yield value.to_pydatetime()
        else:
            yield value


def accepted(value: Any, kind: str) -> Any:
    """The value when it has the return type, else null: Spark converts nothing but to text."""
    if value is None:
        return None
    if kind == "string":
        return _java_text(value)
    if kind == "bool":
        return value if isinstance(value, bool) else None
    if kind in ("int64", "int32"):
        return value if isinstance(value, int) and not isinstance(value, bool) else None
    if kind == "float64":
        return value if isinstance(value, float) else None
    if kind == "date32":
        return (
            value if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime) else None
        )
    return value if isinstance(value, datetime.datetime) else None


def _java_text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)
