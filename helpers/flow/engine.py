"""The engine: runs a flow's operators, in Ibis on DuckDB, and writes what is asked for.

Everything a run holds lies in one DuckDB database in memory, which spills to a directory of its own when
the data outgrow the limit. Results do not depend on the number of threads: rows carry their order with
them, tables are stored in that order, and sums of floating numbers (which depend on the order of addition)
are computed by one thread.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import pandas_tables, statistics
from .checking import check, plan
from .errors import FlowError, OperatorError, Problem
from .frame import Frame, hidden_prefix
from .model import Flow, Node, SourceNode
from .naming import quoted
from .operators import resolve
from .outputs import Output, Written
from .parameters import with_parameters
from .source_sampling import sampled, sampling_of
from .statistics import Statistics
from .time_limits import default_seconds
from .trained import Fitted

if TYPE_CHECKING:
    import pandas as pd

Sources = Callable[[SourceNode], Sequence[Path]]


class Run:
    """One run: the database and what the operators may ask of it."""

    def __init__(
        self,
        sources: Sources,
        threads: int | None = None,
        memory: str | None = None,
        progress: Callable[[str], None] | None = None,
        started: Callable[[Node], None] | None = None,
        node_time_limit: float | None = default_seconds,
        guard: Callable[[float | None], None] | None = None,
        sample: bool = False,
        refit: bool = False,
    ) -> None:
        import duckdb
        import ibis

        from .spark_sql import macros

        self.sources, self._progress, self._started = sources, progress, started
        self.node_time_limit, self.guard, self.sample = node_time_limit, guard, sample
        self.refit, self.fitted = refit, Fitted()
        self.node: Node | None = None
        self._count = 0
        self.directory = Path(tempfile.mkdtemp(prefix="workshop-flow-"))
        settings: dict[str, Any] = {"temp_directory": str(self.directory / "spill")}
        if threads:
            settings["threads"] = threads
        if memory:
            settings["memory_limit"] = memory
        try:
            self.connection = duckdb.connect(config=settings)
            # As in Spark: x / 0 is null.
            self.connection.execute("SET ieee_floating_point_ops = false; SET enable_progress_bar = false")
            self.connection.execute("SET TimeZone = 'UTC'")
            self.threads = int(self.connection.execute("SELECT current_setting('threads')").fetchall()[0][0])
            for macro in macros:
                self.connection.execute(macro)
            self.backend = ibis.duckdb.from_connection(self.connection)
        except BaseException as error:
            self.close()
            if isinstance(error, duckdb.Error):
                limits = f"memory {memory}, threads {threads}"
                raise FlowError(f"The engine does not start with {limits}: {error}") from None
            raise

    def close(self) -> None:
        """Close the database and remove its directory."""
        connection = getattr(self, "connection", None)
        if connection is not None:
            connection.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def log(self, message: str) -> None:
        """Tell whoever follows the run."""
        if self._progress:
            self._progress(message)

    def start(self, node: Node) -> None:
        """This node is at work from now on."""
        self.node = node
        if self._started:
            self._started(node)

    @property
    def trained(self) -> Mapping[str, Any]:
        """The trained parameters that the flow holds for the node at work; none when it is to learn anew."""
        return self.node.trained_parameters if self.node and not self.refit else {}

    def files(self) -> list[Path]:
        """The files of the source node at work."""
        assert isinstance(self.node, SourceNode)
        return list(self.sources(self.node))

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

    def row(self, table: Any, one_thread: bool = False) -> dict[str, Any]:
        """The only row of an aggregate; `one_thread` when it adds up floating numbers."""
        return self.rows(table, one_thread)[0]

    def statistics(self, table: Any, columns: Sequence[str], finite: bool = False) -> list[Statistics]:
        """Count, mean, sample deviation, least and greatest of number columns; null and NaN do not count."""
        return statistics.statistics(table, columns, self, finite)

    def medians(self, table: Any, columns: Sequence[str]) -> list[Any]:
        """The lower medians, as Spark's approxQuantile gives them; null and NaN do not count."""
        return [found[0] for found in statistics.quantiles(table, columns, [0.5], self)]

    def to_pandas(self, frame: Frame) -> pd.DataFrame:
        """The visible columns in the order of the rows, as Spark's toPandas gives them."""
        return pandas_tables.to_pandas(frame, self)

    def from_pandas(self, dataframe: pd.DataFrame, like: Frame | None = None, nan: bool = False) -> Frame:
        """A stored frame, rows in their order; `like` gives types back; `nan` keeps NaN apart from null."""
        return pandas_tables.from_pandas(dataframe, self, like, nan)

    def quantiles(self, table: Any, column: str, shares: Sequence[float]) -> list[Any]:
        """The values of a column at these shares of its rows, exactly; nulls do not count."""
        listed = ", ".join(repr(share) for share in shares)
        query = f"SELECT quantile_disc({quoted(column)}, [{listed}]) FROM ({self.sql(table)})"
        found = self.connection.execute(query).fetchall()[0][0]
        return list(found) if found else [None] * len(shares)

    def first_rows(self, frame: Frame, count: int) -> list[dict[str, Any]]:
        """The first rows in the frame's order."""
        return self.rows(frame.ordered.limit(count))

    def fresh(self) -> str:
        """A name for a table or view that is not used yet."""
        self._count += 1
        return f"flow_{self._count}"

    def view(self, query: str) -> str:
        """A new view of this query; its name."""
        name = self.fresh()
        self.connection.execute(f"CREATE TEMP VIEW {name} AS {query}")
        return name

    def with_sql_column(self, frame: Frame, name: str, expression: str) -> Frame:
        """The frame with a column computed by DuckDB SQL, in the place of one of this name or at the end."""
        columns = [expression if column == name else quoted(column) for column in frame.table.columns]
        new = [f"({each}) AS {quoted(name)}" if each is expression else each for each in columns]
        if name not in frame.table.columns:
            new.insert(len(frame.columns), f"({expression}) AS {quoted(name)}")
        view = self.view(f"SELECT {', '.join(new)} FROM ({self.sql(frame.table)}) AS flow_input")
        return frame.replace(self.backend.table(view))

    def keep(self, frame: Frame) -> Frame:
        """The frame stored as a table in its order, so that it is computed once."""
        if frame.stored:
            return frame
        kept = [name for name in frame.table.columns if name not in frame.order]
        return self.store(self.sql(frame.table), kept, self.order_by(frame))

    def order_by(self, frame: Frame) -> str:
        """The clause that brings the frame's rows in order, when they do not come so by themselves."""
        names = [] if frame.in_order else frame.order
        return "ORDER BY " + ", ".join(f"{quoted(name)} NULLS LAST" for name in names) if names else ""

    def table_of(self, query: str, one_thread: bool) -> Frame:
        """The result of a query without a known order, stored in the order of all its columns.

        A query that adds up runs in one thread: a sum of floating numbers depends on the order of addition.
        """
        names = [row[0] for row in self.connection.execute(f"DESCRIBE {query}").fetchall()]
        with self.one_thread() if one_thread else nullcontext():
            return self.store(query, names, "ORDER BY ALL")

    def with_column(self, frame: Frame, name: str, values: Any) -> Frame:
        """The frame with a column of these values (an Arrow array, one a row in their order), stored."""
        return self.with_columns(frame, {name: values})

    def with_columns(self, frame: Frame, columns: Mapping[str, Any]) -> Frame:
        """The frame with columns of Arrow arrays, in their names' places or at the end, stored."""
        import pyarrow as pa

        view = self.fresh()
        places = {name: f"v{place}" for place, name in enumerate(columns)}
        names = [*frame.columns, *(name for name in columns if name not in frame.columns)]
        listed = ", ".join(
            f"{view}.{places[name]}" if name in places else f"t.{quoted(name)}" for name in names
        )
        self.connection.register(view, pa.table({places[name]: columns[name] for name in columns}))
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
        view = self.view(f"SELECT {select}, rowid AS {order} FROM {table}")
        return Frame(self.backend.table(view), (order,), stored=True, in_order=True)


def execute(
    flow: Flow,
    sources: Sources,
    outputs: Sequence[Output],
    *,
    threads: int | None = None,
    memory: str | None = None,
    progress: Callable[[str], None] | None = None,
    started: Callable[[Node], None] | None = None,
    parameters: Mapping[str, Any] | None = None,
    node_time_limit: float | None = default_seconds,
    guard: Callable[[float | None], None] | None = None,
    sample: bool = False,
    refit: bool = False,
    fitted: Callable[[dict[str, dict[str, Any]]], None] | None = None,
) -> list[Written]:
    """Run a flow in this process and write these outputs.

    `sources` gives the files of each source node. Raises FlowError for anything wrong with flow or data;
    files are then not complete. `progress` is told what happens in words, `started` which node is at work.
    `parameters` gives values to the flow's own parameters. The code of a custom step may run for
    `node_time_limit` seconds; `guard` is told when such code starts (with the limit) and ends (None).
    `sample`: take of each source the sample that the flow's editor works on. `refit`: learn anew instead of
    using the flow's trained parameters; `fitted` is told what the steps used or learned, as
    `Flow.with_trained` takes it.
    """
    from .writing import write

    flow = with_parameters(flow, parameters)
    problems = check(flow, [output.node_id for output in outputs])
    if problems:
        raise FlowError(problems)
    with Run(sources, threads, memory, progress, started, node_time_limit, guard, sample, refit) as run:
        frames = evaluate(flow, run, [(output.node_id, output.output_name) for output in outputs])
        written = []
        for output in outputs:
            node = flow.node(output.node_id)
            frame = frames[(node.node_id, output.output_name)]
            written.append(_guarded(node, run, partial(write, frame, output, run)))
            run.log(f"Wrote {node.label}: {written[-1].rows:,} rows")
        if fitted:
            fitted(run.fitted.trained_parameters(flow.nodes))
        return written


def evaluate(flow: Flow, run: Run, wanted: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Frame]:
    """The frames of these (node id, output name), computed with every node they need."""
    frames: dict[tuple[str, str], Frame] = {}
    needed = plan(flow, [node_id for node_id, _ in wanted])
    uses: dict[tuple[str, str], int] = {}
    for node in needed:
        for edge in node.inputs:
            uses[edge.node_id, edge.output_name] = uses.get((edge.node_id, edge.output_name), 0) + 1
    for key in wanted:
        uses[key] = uses.get(key, 0) + 1
    for node in needed:
        operator, problems = resolve(node)
        if operator is None:
            raise FlowError(problems)
        run.log(f"{node.label}: {operator.describe()}")
        inputs = [frames[edge.node_id, edge.output_name] for edge in node.inputs]
        result = _guarded(node, run, partial(operator.apply, inputs, run))
        if run.sample and isinstance(node, SourceNode) and isinstance(result, Frame):
            sampling = sampling_of(flow.document, node.node_id)
            result = _guarded(node, run, partial(sampled, result, sampling, run))
        produced = {"default": result} if isinstance(result, Frame) else result
        for name, frame in produced.items():
            key = (node.node_id, name)
            if uses.get(key, 0) > 1:
                frame = _guarded(node, run, partial(run.keep, frame))
            frames[key] = frame
    missing = [
        f"{flow.node(node_id).label}.{name}" for node_id, name in wanted if (node_id, name) not in frames
    ]
    if missing:
        raise FlowError(f"The flow has no output {', '.join(missing)}.")
    return frames


def _guarded(node: Node, run: Run, work: Callable[[], Any]) -> Any:
    """Do a node's work; whatever goes wrong names the node."""
    import duckdb
    from ibis.common.exceptions import IbisError

    run.start(node)
    try:
        return work()
    except OperatorError as error:
        raise FlowError([error.at(node.label, node.operator)]) from error
    except (duckdb.Error, IbisError) as error:
        text = str(error).strip().split("\n")[0]
        raise FlowError(
            [Problem(f"fails: {text}", "Look at its input.", node.label, node.operator)]
        ) from error
