"""The engine that runs by default: a flow's operators on DuckDB.

Everything a run holds lies in one DuckDB database in memory, which spills to a directory of its own when
the data outgrow the limit. Results do not depend on the number of threads: rows carry their order with
them, tables are stored in that order, and sums of floating numbers (which depend on the order of addition)
are computed by one thread.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import pandas_tables
from .arrow_memory import in_arrow_memory
from .errors import FlowError
from .frame import Frame, hidden_prefix
from .lineage import Lineage
from .naming import quoted
from .runs import Run

if TYPE_CHECKING:
    import pandas as pd

    from .operators.sources import S3Context
    from .outputs import Output, Written


class DuckDBRun(Run):
    """One run: the database and what is done in it."""

    connection: Any
    backend: Any
    threads: int

    def open(self, threads: int | None, memory: str | None) -> None:
        """Open the database."""
        import duckdb
        import ibis

        from .spark_on_duckdb.macros import macros

        self.lineage = Lineage()
        self._finite: dict[tuple[str, str], bool] = {}
        settings: dict[str, Any] = {"temp_directory": str(self.directory / "spill")}
        if threads:
            settings["threads"] = threads
        if memory:
            settings["memory_limit"] = for_database(memory)
            # What it has freed counts as taken until it is given back.
            settings |= {"allocator_flush_threshold": "16MB"}
            settings |= {"allocator_bulk_deallocation_flush_threshold": "64MB"}
        try:
            self.connection = duckdb.connect(config=settings)
            # As in Spark: x / 0 is null.
            self.connection.execute("SET ieee_floating_point_ops = false; SET enable_progress_bar = false")
            self.connection.execute("SET TimeZone = 'UTC'")
            self.threads = int(self.connection.execute("SELECT current_setting('threads')").fetchall()[0][0])
            for macro in macros:
                self.connection.execute(macro)
            self.backend = ibis.duckdb.from_connection(self.connection)
        except duckdb.Error as error:
            limits = f"memory {memory}, threads {threads}"
            raise FlowError(f"The engine does not start with {limits}: {error}") from None

    def close(self) -> None:
        """Close the database and remove its directory."""
        connection = getattr(self, "connection", None)
        if connection is not None:
            connection.close()
        super().close()

    def __enter__(self) -> DuckDBRun:
        return self

    def failure(self, error: BaseException) -> str | None:
        """The first line of an error of DuckDB or Ibis."""
        import duckdb
        from ibis.common.exceptions import IbisError

        return str(error).strip().split("\n")[0] if isinstance(error, duckdb.Error | IbisError) else None

    def interrupt(self) -> None:
        """Stop the query at work."""
        self.connection.interrupt()

    def interrupted(self, error: BaseException) -> bool:
        """Whether a query was stopped."""
        return type(error).__name__ == "InterruptException"

    def load(self, context: S3Context) -> Frame:
        """The files of the source node at work."""
        from .loading import load

        return load(self, context)

    def parquet(self, files: Sequence[Path]) -> Frame:
        """Parquet files as a stored frame, in their order."""
        from .loading import parquet_files

        return parquet_files(self, files)

    def write(self, frame: Frame, output: Output) -> Written:
        """Write a frame in its order."""
        from .writing import write

        return write(frame, output, self)

    def pyspark(self, code: str, frame: Frame) -> Frame:
        """Run a PySpark snippet on DuckDB."""
        from .spark_on_duckdb.custom_code import run_pyspark

        return run_pyspark(code, frame, self)

    def spark_sql(self, code: str, frame: Frame) -> Frame:
        """Run a Spark SQL query, translated."""
        from .spark_on_duckdb.custom_code import run_sql

        return run_sql(code, frame, self)

    def with_formula(self, frame: Frame, name: str, formula: str) -> Frame:
        """The frame with a column by a Spark SQL expression, translated."""
        from .spark_on_duckdb.formulas import to_duckdb

        return self._with_sql_column(frame, name, to_duckdb(formula, frame))

    def python_function(self, function: Callable[[list[Any]], list[Any]], column: Any, kind: Any) -> Any:
        """The function made known to the database."""
        from .python_functions import in_duckdb

        return in_duckdb(self, function, column, kind)

    def shown(self, frame: Frame, rows: int, dates: bool = False) -> pd.DataFrame:
        """The first rows for a person to look at."""
        found = self.connection.execute(self.sql(frame.ordered.limit(rows)))
        table: pd.DataFrame = found.df(date_as_object=dates)
        return table

    def sql(self, table: Any) -> str:
        """An Ibis table as DuckDB SQL."""
        return str(self.backend.compile(table))

    def type_name(self, dtype: Any) -> str:
        """An Ibis type as DuckDB spells it."""
        return str(self.backend.compiler.type_mapper.to_string(dtype))

    @contextmanager
    def one_thread(self) -> Iterator[None]:
        """For sums of floating numbers, which depend on the order of addition."""
        self.connection.execute("SET threads = 1")
        try:
            yield
        finally:
            self.connection.execute(f"SET threads = {self.threads}")

    def rows(self, table: Any, one_thread: bool = False) -> list[dict[str, Any]]:
        """The rows of a small Ibis table; `one_thread` when it adds up floating numbers."""
        with self.one_thread() if one_thread else nullcontext():
            found = self.connection.execute(self.sql(table))
            names = [column[0] for column in found.description]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def to_pandas(self, frame: Frame) -> pd.DataFrame:
        """The visible columns in the order of the rows, as Spark's toPandas gives them."""
        return pandas_tables.to_pandas(frame, self)

    def from_pandas(self, dataframe: pd.DataFrame, like: Frame | None = None, nan: bool = False) -> Frame:
        """A stored frame, rows in their order; `like` gives types back; `nan` keeps NaN apart from null."""
        return pandas_tables.from_pandas(dataframe, self, like, nan)

    def quantiles(self, table: Any, column: str, shares: Sequence[float]) -> list[Any]:
        """The values of a column at these shares of its rows, exactly; nulls do not count."""
        name = quoted(column)
        values = f"(SELECT {name} AS value FROM ({self.sql(table)}) AS t WHERE {name} IS NOT NULL)"
        count = self.connection.execute(f"SELECT count(*) FROM {values}").fetchall()[0][0]
        if not count:
            return [None] * len(shares)
        if count <= _most_in_memory:
            query = f"SELECT quantile_disc(value, [{', '.join(map(repr, shares))}]) FROM {values}"
            return list(self.connection.execute(query).fetchall()[0][0])
        # quantile_disc holds all values in memory that no limit counts; what is sorted can go to the disk.
        ranks = [max(1, math.ceil(Fraction(repr(share)) * count)) for share in shares]
        query = f"SELECT value FROM {values} ORDER BY value LIMIT 1 OFFSET"
        return [self.connection.execute(f"{query} {rank - 1}").fetchall()[0][0] for rank in ranks]

    def view(self, query: str) -> str:
        """A new view of this query; its name."""
        name = self.fresh()
        self.connection.execute(f"CREATE TEMP VIEW {name} AS {query}")
        self.lineage.add_view(name, query)
        return name

    def _with_sql_column(self, frame: Frame, name: str, expression: str) -> Frame:
        """The frame with a column computed by DuckDB SQL, in the place of one of this name or at the end."""
        columns = [expression if column == name else quoted(column) for column in frame.table.columns]
        new = [f"({each}) AS {quoted(name)}" if each is expression else each for each in columns]
        if name not in frame.table.columns:
            new.insert(len(frame.columns), f"({expression}) AS {quoted(name)}")
        view = self.view(f"SELECT {', '.join(new)} FROM ({self.sql(frame.table)}) AS flow_input")
        self.lineage.made_of[view] = frame.table.drop(name) if name in frame.table.columns else frame.table
        return frame.replace(self.known(view))

    def keep(self, frame: Frame) -> Frame:
        """The frame stored as a table in its order, so that it is computed once."""
        if frame.stored:
            return frame
        kept = [name for name in frame.table.columns if name not in frame.order]
        stored = self.store(self.sql(frame.table), kept, self.order_by(frame))
        self.lineage.made_of[stored.table.op().name] = frame.table
        return stored

    def shared(self, frame: Frame, uses: int) -> Frame:
        """The frame for so many steps; joins made twice take less than a long table written and read."""
        if frame.is_wide:
            # Looking for common subexpressions takes the square of the columns in time.
            self.connection.execute("SET disabled_optimizers = 'common_subexpressions'")
            return self.keep(frame)
        joins = self.lineage.joins(frame.table)
        return frame if joins is not None and uses <= (2 if joins else uses) else super().shared(frame, uses)

    def release(self, needed: Iterable[Frame], since: int = 0) -> None:
        """Drop the tables that were made after `since` and that none of these frames reads."""
        for name in self.lineage.unneeded([frame.table for frame in needed], since):
            self.drop(name)

    def drop(self, name: str) -> None:
        """Drop a table or view of this run."""
        kind = "TABLE" if name in self.lineage.tables else "VIEW"
        self.connection.execute(f"DROP {kind} {name}")
        self.lineage.remove(name)

    def finite(self, frame: Frame, columns: Sequence[str]) -> set[str]:
        """Those of these floating columns that are known to hold neither NaN nor infinite values.

        Looked up where the values are stored; of a column that is computed on the way it is not known.
        """
        origins = {name: [*self.lineage.origins(frame.table.op(), name)][-1:] for name in columns}
        unknown: dict[str, list[str]] = {}
        for table, column in {origin for found in origins.values() for origin in found} - self._finite.keys():
            unknown.setdefault(table, []).append(column)
        for table, asked in unknown.items():
            checks = ", ".join(f"coalesce(bool_and(isfinite({quoted(name)})), true)" for name in asked)
            answers = self.connection.execute(f"SELECT {checks} FROM {table}").fetchall()[0]
            self._finite |= {(table, name): answer for name, answer in zip(asked, answers, strict=True)}
        return {name for name, found in origins.items() if found and self._finite[found[0]]}

    def order_by(self, frame: Frame) -> str:
        """The clause that brings the frame's rows in order, when they do not come so by themselves."""
        names = [] if frame.in_order else frame.order
        return "ORDER BY " + ", ".join(f"{quoted(name)} NULLS LAST" for name in names) if names else ""

    def with_columns(self, frame: Frame, columns: Mapping[str, Any]) -> Frame:
        """The frame with columns of Arrow arrays, in their names' places or at the end, stored."""
        import pyarrow as pa

        view = self.fresh()
        places = {name: f"v{place}" for place, name in enumerate(columns)}
        names = [*frame.columns, *(name for name in columns if name not in frame.columns)]
        listed = ", ".join(
            f"{view}.{places[name]}" if name in places else f"t.{quoted(name)}" for name in names
        )
        given = pa.table({places[name]: columns[name] for name in columns})
        self.connection.register(view, in_arrow_memory(given))
        try:
            query = f"SELECT {listed} FROM ({self.sql(frame.ordered)}) AS t POSITIONAL JOIN {view}"
            named = f"SELECT * FROM ({query}) AS n({', '.join(map(quoted, names))})"
            return self.store(named, names)
        finally:
            self.connection.unregister(view)

    def store(self, query: str, columns: Sequence[str], order: str = "") -> Frame:
        """The rows of a query as a stored frame, in the order of this clause."""
        # Columns are stored as c0, c1, ...: a column that is called rowid would hide the table's own.
        table = self.fresh()
        select = ", ".join(f"{quoted(name)} AS c{place}" for place, name in enumerate(columns))
        self.connection.execute(f"CREATE TEMP TABLE {table} AS SELECT {select} FROM ({query}) AS t {order}")
        return self.stored(table, columns)

    def stored(self, table: str, columns: Sequence[str]) -> Frame:
        """A frame of a stored table with columns c0, c1, ..., in the order its rows were put in."""
        select = ", ".join(f"c{place} AS {quoted(name)}" for place, name in enumerate(columns))
        order = f"{hidden_prefix}0"
        self.lineage.add_table(table)
        view = self.view(f"SELECT {select}, rowid AS {order} FROM {table}")
        return Frame(self.known(view), (order,), stored=True, in_order=True)

    def known(self, name: str) -> Any:
        """A table or view as an Ibis table."""
        import ibis.expr.operations as ops
        from ibis.expr.schema import Schema

        found = self.connection.execute(f"DESCRIBE {name}").fetchall()
        # Ibis parses the type of each column anew: of wide tables, that took longer than their queries.
        read, kinds = self.backend.compiler.type_mapper.from_string, {row[1:3] for row in found}
        types = {(kind, null): read(kind, nullable=null == "YES") for kind, null in kinds}
        schema = Schema({row[0]: types[row[1:3]] for row in found})
        return ops.DatabaseTable(name, schema=schema, source=self.backend).to_expr()


_most_in_memory = 4_000_000
"""Values that are held in memory for their quantiles."""


def for_database(memory: str) -> str:
    """What of an amount of memory for the whole process the database may take.

    Interpreter, libraries and what DuckDB does not count (writers of Parquet files, for one) take 300 to
    600 MB beside it. Of little memory it takes all.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT])(i?)B\s*", memory, re.IGNORECASE)
    if not found:
        return memory  # DuckDB says what is wrong with it.
    number, unit, binary = found.groups()
    amount = float(number) * (1024 if binary else 1000) ** (1 + "KMGT".index(unit.upper()))
    return f"{max(amount - 650e6, min(amount, 600e6)) / 1e6:.3f}MB"
