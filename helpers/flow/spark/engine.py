"""The engine for data that outgrow a machine: a flow's operators on Apache Spark.

A frame is a view of the session; its hidden columns hold the order of its rows. What is stored lies in
Spark's memory and on its disks, or, when it is small, in the driver: a query over few rows then hardly needs
a job. Rows of a stored frame lie in its partitions in their order, so projections and filters keep it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .. import pandas_tables
from ..errors import OperatorError
from ..frame import Frame, hidden_prefix
from ..runs import Run, Sources
from . import arrow
from .names import reason, ticked
from .session import Started, start

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from ..operators.sources import S3Context
    from ..outputs import Output, Written

small_rows = 20_000
"""Up to so many rows of a run whose files are small are stored in the driver."""
small_files = 1 << 20
"""So many bytes of files in all are small."""
_numbers = itertools.count(1)
_place = f"{hidden_prefix}0"


class SparkRun(Run):
    """One run: the session and what is done in it."""

    _started_spark: Started

    def __init__(self, sources: Sources, *given: Any, master: str | None = None, **options: Any) -> None:
        self.master = master
        self.threads = options.get("threads")
        self.read_bytes = 0
        self._views: list[str] = []
        self._persisted: list[Any] = []
        super().__init__(sources, *given, **options)

    def open(self, threads: int | None, memory: str | None) -> None:
        """Start Spark, or take the one that runs in this process."""
        self._started_spark = start(self.directory, self.master, threads, memory)
        self.session = self._started_spark.session

    def close(self) -> None:
        """Let go of everything stored, stop Spark if it was started here, remove the run's directory."""
        started = getattr(self, "_started_spark", None)
        if started is not None:
            for dataframe in self._persisted:
                dataframe.unpersist()
            for view in self._views:
                self.session.catalog.dropTempView(view)
            started.stop()
        super().close()

    def fresh(self) -> str:
        """A name that no other run of this process uses."""
        return f"flow_{next(_numbers)}"

    def failure(self, error: BaseException) -> str | None:
        """The first line of an error of Spark or Ibis."""
        from ibis.common.exceptions import IbisError
        from py4j.protocol import Py4JError
        from pyspark.errors import PySparkException

        if not isinstance(error, IbisError | Py4JError | PySparkException):
            return None
        return reason(error)

    def interrupt(self) -> None:
        """Stop the jobs at work."""
        self.session.sparkContext.cancelAllJobs()

    def interrupted(self, error: BaseException) -> bool:
        """Whether a job was stopped."""
        return "cancelled" in str(error) and self.failure(error) is not None

    def type_name(self, dtype: Any) -> str:
        """An Ibis type as Spark spells it."""
        from ibis.backends.pyspark.datatypes import PySparkType

        return str(PySparkType.from_ibis(dtype).simpleString())

    def dataframe(self, table: Any) -> Any:
        """An Ibis table as a DataFrame of the session."""
        from .compiler import spark_sql

        return self.session.sql(spark_sql(table))

    def table(self, dataframe: Any) -> Any:
        """A DataFrame of the session as an Ibis table."""
        from ibis.backends.pyspark.datatypes import PySparkType

        from .compiler import unbound

        view = self.fresh()
        dataframe.createOrReplaceTempView(view)
        self._views.append(view)
        types = {field.name: PySparkType.to_ibis(field.dataType) for field in dataframe.schema}
        return unbound(types, view)

    def arrow(self, table: Any) -> pa.Table:
        """The rows of an Ibis table."""
        return arrow.from_spark(self.dataframe(table))

    def rows(self, table: Any, one_thread: bool = False) -> list[dict[str, Any]]:  # noqa: ARG002
        """The rows of a small Ibis table."""
        found: list[dict[str, Any]] = self.arrow(table).to_pylist(maps_as_pydicts="lossy")
        return found

    def quantiles(self, table: Any, column: str, shares: Sequence[float]) -> list[Any]:
        """The values of a column at these shares of its rows."""
        import math

        there = table.filter(table[column].notnull()).select(value=table[column])
        kept = self.keep(Frame(there.mutate(**{_place: there["value"]}), (_place,))).table
        count = self.row(kept.aggregate(rows=kept.count()))["rows"]
        places = [max(math.ceil(round(share * count, 9)) - 1, 0) for share in shares]
        found = self.rows(kept.filter(kept[_place].isin(sorted(set(places)))))
        values = {row[_place]: row["value"] for row in found}
        return [values.get(place) for place in places]

    def keep(self, frame: Frame) -> Frame:
        """The frame stored in its order."""
        if frame.stored:
            return frame
        kept = [name for name in frame.table.columns if name not in frame.order]
        table = frame.table if frame.in_order else frame.table.order_by(list(frame.order))
        return self.store(self.dataframe(table.select(kept)))

    def store(self, dataframe: Any) -> Frame:
        """A DataFrame, stored with its rows in the order in which they lie in its partitions."""
        if self.read_bytes <= small_files:
            # One more than are small, to see whether there are.
            held = arrow.from_spark(dataframe.limit(small_rows + 1))
            if held.num_rows <= small_rows:
                return self.stored(held)
        dataframe = dataframe.persist()
        self._persisted.append(dataframe)
        return self._numbered(dataframe)

    def stored(self, table: pa.Table) -> Frame:
        """An Arrow table as a stored frame."""
        import pyarrow as pa

        places = pa.array(range(table.num_rows), pa.int64())
        dataframe = arrow.to_spark(table.append_column(_place, places), self.session)
        return Frame(self.table(dataframe), (_place,), stored=True, in_order=True)

    def _numbered(self, dataframe: Any) -> Frame:
        """The rows of a persisted DataFrame with their number, counted through its partitions."""
        from pyspark.sql import functions as F

        partition, column = F.spark_partition_id(), F.monotonically_increasing_id()
        counted = dataframe.groupBy(partition.alias("partition")).count().collect()
        counts = {row["partition"]: row["count"] for row in counted}
        before = list(
            itertools.accumulate((counts.get(each, 0) for each in range(max(counts, default=0))), initial=0)
        )
        # The upper bits of the id are the partition's, the lower 33 count its rows.
        first = F.element_at(F.array(*map(F.lit, before)), partition + 1)
        number = (column.bitwiseAND(F.lit((1 << 33) - 1)) + first).cast("bigint").alias(_place)
        numbered = dataframe.select("*", number)
        return Frame(self.table(numbered), (_place,), stored=True, in_order=True)

    def with_columns(self, frame: Frame, columns: Mapping[str, Any]) -> Frame:
        """The frame with columns of Arrow arrays."""
        import pyarrow as pa

        kept = self.keep(frame)
        values = self.stored(
            pa.table({f"v{place}": columns[name] for place, name in enumerate(columns)})
        ).table
        places = {name: f"v{place}" for place, name in enumerate(columns)}
        left, right = kept.table, values.rename(flow_place=_place)
        joined = left.join(right, left[_place] == right["flow_place"])
        names = [*frame.columns, *(name for name in columns if name not in frame.columns)]
        chosen = {name: joined[places.get(name, name)] for name in names}
        return self.keep(Frame(joined.select(**chosen, **{_place: joined[_place]}), (_place,)))

    def with_formula(self, frame: Frame, name: str, formula: str) -> Frame:
        """The frame with a column by a Spark SQL expression, as it is."""
        from pyspark.errors import PySparkException
        from pyspark.sql import functions as F

        dataframe = self.dataframe(frame.table)
        shown = {each: F.col(ticked(each)) for each in frame.columns}
        try:
            shown[name] = F.expr(formula).alias(name)
            hidden = [F.col(ticked(each)) for each in frame.table.columns if each not in frame.columns]
            made = dataframe.select(*shown.values(), *hidden)
        except PySparkException as error:
            message = f"is wrong as Spark SQL: {reason(error)}"
            raise OperatorError(message, "Correct the formula.", "formula") from None
        return frame.replace(self.table(made))

    def python_function(self, function: Callable[[list[Any]], list[Any]], column: Any, kind: Any) -> Any:
        """The function made known to the session."""
        from .python_functions import in_spark

        return in_spark(self, function, column, kind)

    def to_pandas(self, frame: Frame) -> pd.DataFrame:
        """The visible columns in the order of the rows."""
        return pandas_tables.of_arrow(self.arrow(frame.ordered), frame.visible.schema())

    def shown(self, frame: Frame, rows: int, dates: bool = False) -> pd.DataFrame:
        """The first rows for a person to look at."""
        return pandas_tables.shown(self.arrow(frame.ordered.limit(rows)), dates)

    def from_pandas(self, dataframe: pd.DataFrame, like: Frame | None = None, nan: bool = False) -> Frame:
        """A stored frame with the rows of a pandas data frame."""
        table = pandas_tables.as_arrow(dataframe, nan)
        frame = self.stored(table)
        if like is None:
            return frame
        types = {name: like.table[name].type() for name in like.columns}
        cast = [
            frame.table[name].cast(types[name]).name(name) if name in types else frame.table[name]
            for name in frame.table.columns
        ]
        return self.keep(frame.replace(frame.table.select(cast)))

    def load(self, context: S3Context) -> Frame:
        """The files of the source node at work."""
        from .loading import load

        return load(self, context)

    def write(self, frame: Frame, output: Output) -> Written:
        """Write a frame in its order."""
        from .writing import write

        return write(frame, output, self)

    def pyspark(self, code: str, frame: Frame) -> Frame:
        """Run a PySpark snippet."""
        from .snippets import run_pyspark

        return run_pyspark(code, frame, self)

    def spark_sql(self, code: str, frame: Frame) -> Frame:
        """Run a Spark SQL query."""
        from .snippets import run_sql

        return run_sql(code, frame, self)
