"""Python functions over columns, where Data Wrangler itself works in Python and not in Spark SQL."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .duckdb_engine import DuckDBRun
    from .runs import Run


def python_column(run: Run, function: Callable[[Any], Any], column: Any, returns: str) -> Any:
    """An Ibis expression: `function` of every value that is there, null where there is none.

    `returns` is an Ibis type such as "array<string>". The function must depend on nothing but its value; it
    sees each value of a batch once.
    """

    def batch(values: Any) -> list[Any]:
        return [function(value) for value in values]

    return batch_column(run, batch, column, returns)


def batch_column(run: Run, function: Callable[[list[Any]], list[Any]], column: Any, returns: str) -> Any:
    """The same for a function of many different values at once; results must not depend on their company."""
    import ibis

    return run.python_function(function, column, ibis.dtype(returns))


def in_duckdb(run: DuckDBRun, function: Callable[[list[Any]], list[Any]], column: Any, kind: Any) -> Any:
    """A function of distinct values as an Arrow function of the run's database."""
    import ibis
    import pyarrow as pa

    source, arrow = column.type(), kind.to_pyarrow()

    def whole(values: Any) -> Any:
        if isinstance(values, pa.ChunkedArray):
            values = values.combine_chunks()
        encoded = values.dictionary_encode()
        if isinstance(encoded, pa.ChunkedArray):
            encoded = encoded.combine_chunks()
        known = encoded.dictionary.to_pylist()
        return pa.array(function(known), arrow).take(encoded.indices)

    name = run.fresh()
    run.connection.create_function(
        name,
        whole,
        [run.type_name(source)],
        run.type_name(kind),
        type="arrow",
        null_handling="special",
    )

    def call(_: Any) -> None: ...

    made: Any = ibis.udf.scalar.builtin(call, name=name, signature=((source,), kind))
    result = made(column)
    # DuckDB 1.5 forgets to keep the texts of an Arrow function when another function passes them on
    # (coalesce does): adding nothing copies them at once.
    return result.concat("") if kind.is_string() else result
