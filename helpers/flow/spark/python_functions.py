"""Python functions of columns on Spark: they run in Spark's own Python processes, batch by batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from .engine import SparkRun


def in_spark(run: SparkRun, function: Callable[[list[Any]], list[Any]], column: Any, kind: Any) -> Any:
    """A function of distinct values as a function of the run's session."""
    import ibis
    from ibis.backends.pyspark.datatypes import PySparkType
    from pyspark.sql.pandas.functions import pandas_udf

    source = column.type()
    # pandas has no whole number or truth value that is missing and takes NaN for missing: they go as texts.
    as_text = source.is_numeric() or source.is_boolean()
    work = Batch(function, source.to_pyarrow(), kind.to_pyarrow(), as_text)
    name = run.fresh()

    def whole(values: pd.Series) -> pd.Series:
        return work.whole(values)

    run.session.udf.register(name, pandas_udf(whole, PySparkType.from_ibis(kind)))

    def call(_: Any) -> None: ...

    given = column.cast("string") if as_text else column
    made: Any = ibis.udf.scalar.builtin(call, name=name, signature=((given.type(),), kind))
    return made(given)


class Batch:
    """A function of distinct values, for the batches in which Spark hands a column to Python."""

    def __init__(
        self, function: Callable[[list[Any]], list[Any]], source: Any, target: Any, as_text: bool
    ) -> None:
        self.function, self.source, self.target, self.as_text = function, source, target, as_text

    def whole(self, values: pd.Series) -> pd.Series:
        """The function's results, null where there is no value."""
        import pyarrow as pa

        array = pa.Array.from_pandas(values, type=pa.string() if self.as_text else self.source)
        if isinstance(array, pa.ChunkedArray):
            array = array.combine_chunks()
        known, places = _distinct(array)
        given = [_read(text, self.source) for text in known] if self.as_text else known
        made = [*self.function(given), None]
        return pd.Series([made[place] for place in places], index=values.index, dtype=object)


def _distinct(array: Any) -> tuple[list[Any], list[int]]:
    """The values that are there, each once, and for each row the place of its own; -1 for null."""
    import pyarrow as pa

    if pa.types.is_nested(array.type):
        there = [value for value in array.to_pylist() if value is not None]
        count = iter(range(len(there)))
        return there, [next(count) if valid.as_py() else -1 for valid in array.is_valid()]
    encoded = array.dictionary_encode()
    return encoded.dictionary.to_pylist(), encoded.indices.fill_null(-1).to_pylist()


def _read(text: str, kind: Any) -> Any:
    """A number or truth value from Spark's text of it."""
    import decimal

    import pyarrow as pa

    if pa.types.is_boolean(kind):
        return text == "true"
    if pa.types.is_integer(kind):
        return int(text)
    return decimal.Decimal(text) if pa.types.is_decimal(kind) else float(text)
