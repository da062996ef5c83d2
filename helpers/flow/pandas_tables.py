"""Tables to pandas and back, for the operators that are Python by nature."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .arrow_memory import in_arrow_memory
from .errors import OperatorError
from .frame import Frame
from .naming import quoted

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from .duckdb_engine import DuckDBRun


def to_pandas(frame: Frame, run: DuckDBRun) -> pd.DataFrame:
    """The visible columns as Spark's toPandas gives them."""
    kinds = frame.table.schema()
    arrays = [name for name, kind in kinds.items() if kind.is_array()]
    return as_spark_gives(run.connection.execute(run.sql(frame.ordered)), arrays)


def of_arrow(table: pa.Table, schema: Any) -> pd.DataFrame:
    """The same of an Arrow table with columns of these Ibis types."""
    import duckdb

    with duckdb.connect() as connection:
        arrays = [name for name, kind in schema.items() if kind.is_array()]
        return as_spark_gives(connection.from_arrow(table), arrays)


def shown(table: pa.Table, dates: bool) -> pd.DataFrame:
    """An Arrow table for a person to look at; `dates`: as datetime.date, not as moments."""
    import duckdb

    with duckdb.connect() as connection:
        return connection.from_arrow(table).df(date_as_object=dates)


def as_spark_gives(found: Any, arrays: Sequence[str]) -> pd.DataFrame:
    """A result of DuckDB's; these columns of it hold arrays.

    Whole numbers with nulls become float64 with NaN, dates are datetime.date, moments datetime64[ns].
    """
    table: pd.DataFrame = found.df(date_as_object=True)
    for name in arrays:
        if name in table:
            # Lists, as Spark gives them, with None for null: DuckDB gives arrays with masks.
            table[name] = [None if _is_missing(cell) else _listed(cell) for cell in table[name]]
    return table.astype({name: _kind(table[name]) for name in table.columns})


def _is_missing(cell: Any) -> bool:
    import pandas as pd

    return cell is None or cell is pd.NA


def _listed(cell: Any) -> Any:
    return cell.tolist() if hasattr(cell, "tolist") else list(cell)


def _kind(column: pd.Series[Any]) -> Any:
    """The type Spark's toPandas gives a column: NumPy's own, not pandas' that know missing values."""
    dtype: Any = column.dtype
    if dtype.kind == "M":
        return "datetime64[ns]"
    if dtype.name in ("Int8", "Int16", "Int32", "Int64", "boolean"):
        if not column.isna().any():
            return dtype.numpy_dtype
        return "object" if dtype.name == "boolean" else "float64"
    return dtype


def from_pandas(
    dataframe: pd.DataFrame, run: DuckDBRun, like: Frame | None = None, nan: bool = False
) -> Frame:
    """A stored frame with the rows in their order, columns that `like` has in its types. See `as_arrow`."""
    held = as_arrow(dataframe, nan)
    names = held.column_names
    held = held.rename_columns([f"c{place}" for place in range(len(names))])
    types = {name: like.table[name].type() for name in like.columns} if like else {}
    selected = []
    for place, name in enumerate(names):
        column = f"c{place}"
        selected.append(
            f"CAST({column} AS {run.type_name(types[name])}) AS c{place}" if name in types else column
        )
    table, view = run.fresh(), run.fresh()
    run.connection.register(view, held)
    try:
        run.connection.execute(
            f"CREATE TEMP TABLE {table} AS SELECT {', '.join(selected)} FROM {quoted(view)}"
        )
    finally:
        run.connection.unregister(view)
    return run.stored(table, names)


def as_arrow(dataframe: pd.DataFrame, nan: bool = False) -> pa.Table:
    """A pandas data frame as an Arrow table in the types Spark knows. The index is left out.

    What pandas takes for missing becomes null; with `nan` a NaN of a floating column stays one. A column
    without any value is one of texts. Raises OperatorError for columns that are called the same or hold
    values of several types.
    """
    import pyarrow as pa

    names = [str(name) for name in dataframe.columns]
    twice = [name for name, count in Counter(name.lower() for name in names).items() if count > 1]
    if twice:
        same = ", ".join(name for name in names if name.lower() == twice[0])
        raise OperatorError(f"columns are called the same: {same}", "Give them different names.")
    arrays = [_array(dataframe.iloc[:, place], name, nan) for place, name in enumerate(names)]
    if not names:
        raise OperatorError("leaves a table without columns", "Keep at least one.")
    return in_arrow_memory(pa.Table.from_arrays(arrays, names=names))


def _array(column: pd.Series[Any], name: str, nan: bool) -> Any:
    """A column as Arrow holds it, in the types Spark knows."""
    import pyarrow as pa

    keep = nan and column.dtype.kind == "f" and column.dtype.name.startswith("float")
    try:
        array = pa.array(column.to_numpy()) if keep else pa.Array.from_pandas(column)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        kinds = sorted({type(value).__name__ for value in column.dropna()})
        raise OperatorError(
            f"column '{name}' cannot be a column of a table: it holds {', '.join(kinds)} ({error})",
            "Let all its values have one type.",
        ) from None
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    kind = array.type
    if pa.types.is_dictionary(kind):
        array = array.cast(kind.value_type)
        kind = array.type
    if pa.types.is_null(kind):
        return array.cast(pa.string())
    if pa.types.is_unsigned_integer(kind):
        return array.cast(pa.int64())
    if pa.types.is_float16(kind):
        return array.cast(pa.float32())
    if pa.types.is_timestamp(kind):
        # A moment with a time zone keeps its moment: Data Wrangler works in UTC.
        return array.cast(pa.timestamp("us", tz=kind.tz), safe=False).cast(pa.timestamp("us"))
    return array
