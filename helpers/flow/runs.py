"""What operators may ask of a run, whichever engine works for it."""

from __future__ import annotations

import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import statistics
from .frame import Frame
from .listening import listener
from .model import Node, SourceNode
from .statistics import Statistics
from .time_limits import default_seconds
from .trained import Fitted

if TYPE_CHECKING:
    import pandas as pd

    from .operators.sources import S3Context
    from .outputs import Output, Written

Sources = Callable[[SourceNode], Sequence[Path]]


class Run(ABC):
    """One run of a flow. An engine answers the abstract methods; operators do not know which one it is."""

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
        others = listener()
        self.sources, self._progress = sources, progress or others.progress
        self._started, self.guard = started or others.started, guard or others.guard
        self.node_time_limit, self.sample = node_time_limit, sample
        self.refit, self.fitted = refit, Fitted()
        self.node: Node | None = None
        self._count = 0
        self.directory = Path(tempfile.mkdtemp(prefix="workshop-flow-"))
        try:
            self.open(threads, memory)
        except BaseException:
            self.close()
            raise

    @abstractmethod
    def open(self, threads: int | None, memory: str | None) -> None:
        """Start the engine. Raises FlowError when it does not start."""

    def close(self) -> None:
        """Let the engine go and remove the run's directory."""
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
        """This node is at work from now on; who follows the run hears of each once at a time."""
        if self._started and node is not self.node:
            self._started(node)
        self.node = node

    @property
    def trained(self) -> Mapping[str, Any]:
        """The trained parameters that the flow holds for the node at work; none when it is to learn anew."""
        return self.node.trained_parameters if self.node and not self.refit else {}

    def files(self) -> list[Path]:
        """The files of the source node at work."""
        assert isinstance(self.node, SourceNode)
        return list(self.sources(self.node))

    def fresh(self) -> str:
        """A name for a table or view that is not used yet."""
        self._count += 1
        return f"flow_{self._count}"

    @abstractmethod
    def failure(self, error: BaseException) -> str | None:
        """The reason in a line when this error is the engine's own, such as a query that fails."""

    @abstractmethod
    def interrupt(self) -> None:
        """Stop the query at work; it raises an error that `interrupted` knows."""

    @abstractmethod
    def interrupted(self, error: BaseException) -> bool:
        """Whether this is the error of a query that was stopped."""

    @abstractmethod
    def load(self, context: S3Context) -> Frame:
        """The files of the source node at work, stored in the order of files and lines."""

    @abstractmethod
    def write(self, frame: Frame, output: Output) -> Written:
        """Write a frame in its order; nulls are empty, texts are quoted where needed."""

    @abstractmethod
    def type_name(self, dtype: Any) -> str:
        """An Ibis type as the engine spells it."""

    @abstractmethod
    def rows(self, table: Any, one_thread: bool = False) -> list[dict[str, Any]]:
        """The rows of a small Ibis table; `one_thread` when it adds up floating numbers."""

    def row(self, table: Any, one_thread: bool = False) -> dict[str, Any]:
        """The only row of an aggregate; `one_thread` when it adds up floating numbers."""
        return self.rows(table, one_thread)[0]

    def first_rows(self, frame: Frame, count: int) -> list[dict[str, Any]]:
        """The first rows in the frame's order."""
        return self.rows(frame.ordered.limit(count))

    def statistics(self, table: Any, columns: Sequence[str], finite: bool = False) -> list[Statistics]:
        """Count, mean, sample deviation, least and greatest of number columns; null and NaN do not count."""
        return statistics.statistics(table, columns, self, finite)

    def medians(self, table: Any, columns: Sequence[str]) -> list[Any]:
        """The lower medians, as Spark's approxQuantile gives them; null and NaN do not count."""
        return [found[0] for found in statistics.quantiles(table, columns, [0.5], self)]

    @abstractmethod
    def quantiles(self, table: Any, column: str, shares: Sequence[float]) -> list[Any]:
        """The values of a column at these shares of its rows, exactly; nulls do not count."""

    def shared(self, frame: Frame, uses: int) -> Frame:
        """The frame for so many steps to use: stored, unless each may better make it for itself."""
        return self.keep(frame) if uses > 1 else frame

    @abstractmethod
    def keep(self, frame: Frame) -> Frame:
        """The frame stored in its order, so that it is computed once; rows are numbered from 0."""

    def release(self, needed: Iterable[Frame], since: int = 0) -> None:  # noqa: B027
        """Let go of what was stored after `since` (see `stamp`) and none of these frames needs.

        An engine that does nothing keeps it until the run ends.
        """

    @property
    def stamp(self) -> int:
        """A number that grows with all that is stored."""
        return self._count

    @abstractmethod
    def with_columns(self, frame: Frame, columns: Mapping[str, Any]) -> Frame:
        """The frame with columns of Arrow arrays, in their names' places or at the end, stored."""

    def with_column(self, frame: Frame, name: str, values: Any) -> Frame:
        """The frame with a column of these values (an Arrow array, one a row in their order), stored."""
        return self.with_columns(frame, {name: values})

    @abstractmethod
    def with_formula(self, frame: Frame, name: str, formula: str) -> Frame:
        """The frame with a column by a Spark SQL expression, in the place of one of this name or at the end.

        Raises OperatorError for an expression that is wrong.
        """

    @abstractmethod
    def python_function(self, function: Callable[[list[Any]], list[Any]], column: Any, kind: Any) -> Any:
        """An Ibis expression: what a Python function makes of the values of a column, as this Ibis type.

        The function takes values that are there, each once a batch; null stays null.
        """

    @abstractmethod
    def to_pandas(self, frame: Frame) -> pd.DataFrame:
        """The visible columns in the order of the rows, as Spark's toPandas gives them."""

    @abstractmethod
    def shown(self, frame: Frame, rows: int, dates: bool = False) -> pd.DataFrame:
        """The first rows for a person to look at; `dates`: as datetime.date, not as moments."""

    @abstractmethod
    def from_pandas(self, dataframe: pd.DataFrame, like: Frame | None = None, nan: bool = False) -> Frame:
        """A stored frame, rows in their order; `like` gives types back; `nan` keeps NaN apart from null."""

    @abstractmethod
    def pyspark(self, code: str, frame: Frame) -> Frame:
        """What a PySpark snippet makes of the frame, stored. Raises OperatorError."""

    @abstractmethod
    def spark_sql(self, code: str, frame: Frame) -> Frame:
        """The result of a Spark SQL query over the table `df`, stored. Raises OperatorError."""
