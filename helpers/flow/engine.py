"""The engine: runs a flow's operators, in Ibis on DuckDB or Apache Spark, and writes what is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from .checking import check, plan
from .errors import FlowError, OperatorError, Problem
from .frame import Frame
from .model import Flow, Node, SourceNode
from .operators import resolve
from .outputs import Output, Written
from .parameters import with_parameters
from .runs import Run, Sources
from .source_sampling import sampled, sampling_of
from .time_limits import default_seconds

__all__ = ["DuckDB", "Engine", "Run", "Sources", "Spark", "engine_named", "evaluate", "execute"]


@dataclass(frozen=True)
class DuckDB:
    """DuckDB in this process, the engine that runs by default."""

    def start(self, sources: Sources, **options: Any) -> Run:
        """Start a run; the options are those of Run."""
        from .duckdb_engine import DuckDBRun

        return DuckDBRun(sources, **options)


@dataclass(frozen=True)
class Spark:
    """Apache Spark: on this machine, or with `master` on a cluster."""

    master: str | None = None

    def start(self, sources: Sources, **options: Any) -> Run:
        """Start a run; the options are those of Run."""
        from .spark.engine import SparkRun

        return SparkRun(sources, master=self.master, **options)


Engine = DuckDB | Spark
engines = ("duckdb", "spark")


def engine_named(name: str, master: str | None = None) -> Engine:
    """The engine of this name. Raises FlowError for a name that is none, and for a master without Spark."""
    if name not in engines:
        raise FlowError(f"There is no engine {name!r}. Known: {', '.join(engines)}.")
    if master and name != "spark":
        raise FlowError("A master is Spark's: add --engine spark, or leave --master out.")
    return Spark(master) if name == "spark" else DuckDB()


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
    engine: Engine = DuckDB(),
) -> list[Written]:
    """Run a flow in this process and write these outputs.

    `sources` gives the files of each source node. Raises FlowError for anything wrong with flow or data;
    files are then not complete. `progress` is told what happens in words, `started` which node is at work.
    `parameters` gives values to the flow's own parameters. The code of a custom step may run for
    `node_time_limit` seconds; `guard` is told when such code starts (with the limit) and ends (None).
    `sample`: take of each source the sample that the flow's editor works on. `refit`: learn anew instead of
    using the flow's trained parameters; `fitted` is told what the steps used or learned, as
    `Flow.with_trained` takes it. `engine` says who works.
    """
    flow = with_parameters(flow, parameters)
    problems = check(flow, [output.node_id for output in outputs])
    if problems:
        raise FlowError(problems)
    with engine.start(
        sources,
        threads=threads,
        memory=memory,
        progress=progress,
        started=started,
        node_time_limit=node_time_limit,
        guard=guard,
        sample=sample,
        refit=refit,
    ) as run:
        frames = evaluate(flow, run, [(output.node_id, output.output_name) for output in outputs])
        written = []
        for place, output in enumerate(outputs):
            node = flow.node(output.node_id)
            frame = frames[(node.node_id, output.output_name)]
            written.append(guarded(node, run, partial(run.write, frame, output)))
            run.log(f"Wrote {node.label}: {written[-1].rows:,} rows")
            run.release(frames[each.node_id, each.output_name] for each in outputs[place + 1 :])
        if fitted:
            fitted(run.fitted.trained_parameters(flow.nodes))
        return written


_deepest = 50
"""Steps on top of one another in one query: SQL that is nested much deeper does not run."""


def evaluate(flow: Flow, run: Run, wanted: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Frame]:
    """The frames of these (node id, output name), computed with every node they need."""
    frames: dict[tuple[str, str], Frame] = {}
    depths: dict[tuple[str, str], int] = {}
    needed = plan(flow, [node_id for node_id, _ in wanted])
    uses: dict[tuple[str, str], int] = {}
    for node in needed:
        for edge in node.inputs:
            uses[edge.node_id, edge.output_name] = uses.get((edge.node_id, edge.output_name), 0) + 1
    for key in wanted:
        uses[key] = uses.get(key, 0) + 1
    since = run.stamp
    for node in needed:
        operator, problems = resolve(node)
        if operator is None:
            raise FlowError(problems)
        run.log(f"{node.label}: {operator.describe()}")
        inputs = [frames[edge.node_id, edge.output_name] for edge in node.inputs]
        result = guarded(node, run, partial(operator.apply, inputs, run))
        if run.sample and isinstance(node, SourceNode) and isinstance(result, Frame):
            sampling = sampling_of(flow.document, node.node_id)
            result = guarded(node, run, partial(sampled, result, sampling, run))
        produced = {"default": result} if isinstance(result, Frame) else result
        for name, frame in produced.items():
            key = (node.node_id, name)
            depth = 1 + max((depths[edge.node_id, edge.output_name] for edge in node.inputs), default=0)
            if depth > _deepest:
                frame = guarded(node, run, partial(run.keep, frame))
            frame = guarded(node, run, partial(run.shared, frame, uses.get(key, 0)))
            depths[key] = 0 if frame.stored else depth
            frames[key] = frame
        for edge in node.inputs:
            uses[edge.node_id, edge.output_name] -= 1
        frames = {key: frame for key, frame in frames.items() if uses.get(key)}
        guarded(node, run, partial(run.release, frames.values(), since))
    missing = [
        f"{flow.node(node_id).label}.{name}" for node_id, name in wanted if (node_id, name) not in frames
    ]
    if missing:
        raise FlowError(f"The flow has no output {', '.join(missing)}.")
    return frames


def guarded(node: Node, run: Run, work: Callable[[], Any]) -> Any:
    """Do a node's work; whatever goes wrong names the node."""
    run.start(node)
    try:
        return work()
    except OperatorError as error:
        raise FlowError([error.at(node.label, node.operator)]) from error
    except FlowError:
        raise
    except Exception as error:
        reason = _reason(error, run)
        if reason is None:
            raise
        raise FlowError([Problem(*reason, node.label, node.operator)]) from error


def _reason(error: Exception, run: Run) -> tuple[str, str] | None:
    """What failed in the machinery below an operator, and what its user can do."""
    text = run.failure(error)
    if text is None and isinstance(error, MemoryError | RecursionError | OSError):
        text = (str(error).strip() or type(error).__name__).split("\n")[0]
    if text is None:
        return None
    if isinstance(error, OSError) or "IO Error" in text:
        return f"fails: {text}", "Look at the files, their permissions and the space on the disk."
    if isinstance(error, MemoryError) or "Out of Memory" in text:
        return f"has not enough memory: {text}", "Allow it more (--memory), or give it less data."
    if isinstance(error, RecursionError) or "expression depth" in text:
        return "is nested too deeply", "Make it of several steps."
    return f"fails: {text}", "Look at its input."
