"""A run that keeps the SQL it works by, step by step: what the exports are written from."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from ..checking import plan
from ..duckdb_engine import DuckDBRun
from ..engine import guarded
from ..errors import FlowError, Problem
from ..frame import Frame, hidden_prefix
from ..model import Flow, Node, SourceNode
from ..naming import literal, quoted
from ..operators import resolve
from ..outputs import Output, outputs_of
from ..source_files import match_sources
from ..writing import write

names_of_scripts = {"df", "pd", "np", "pa", "duckdb", "sql", "re", "read_csv", "files"}
"""What scripts call their own things; no step may be called so."""
_list_of_texts = re.compile(r"\['(?:[^']|'')*'(?:, '(?:[^']|'')*')*\]")


@dataclass
class StepRecord:
    """One step of a run: the statements that made its tables, and of each of its outputs the table.

    `columns` holds name and type of the table's columns, `orders` the column with the order of its rows, and
    `before` the steps (and which output of theirs) that feed this one.
    """

    node: Node
    words: str
    statements: list[str] = field(default_factory=list)
    tables: dict[str, str] = field(default_factory=dict)
    columns: dict[str, dict[str, str]] = field(default_factory=dict)
    orders: dict[str, str] = field(default_factory=dict)
    before: list[tuple[StepRecord, str]] = field(default_factory=list)
    alias: bool = False
    """Whether its table is its input's."""
    python: bool = False
    """Whether it went through Python, which SQL does not have."""


@dataclass
class Recording:
    """The steps of a run, and the files it read and wrote."""

    steps: list[StepRecord]
    files: dict[str, list[Path]]
    copies: list[tuple[Output, str, Path]]
    macros: dict[str, str]


class _Listening:
    """A DuckDB connection that keeps the statements which make something."""

    def __init__(self, connection: Any, run: RecordingRun) -> None:
        self._connection, self._run = connection, run

    def execute(self, query: str, *more: Any, **options: Any) -> Any:
        """Execute, and keep what makes a table, a view or a file."""
        result = self._connection.execute(query, *more, **options)
        if re.match(r"\s*(CREATE|COPY|SET threads)\b", query):
            if more or options:
                self._run.is_python()
            self._run.keep_statement(query)
        return result

    def register(self, *given: Any) -> Any:
        """A table of Python's: no SQL makes it."""
        self._run.is_python()
        return self._connection.register(*given)

    def create_function(self, *given: Any, **options: Any) -> Any:
        """A function of Python's: no SQL makes it."""
        self._run.is_python()
        return self._connection.create_function(*given, **options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


class RecordingRun(DuckDBRun):
    """A run whose tables carry the names of its steps."""

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self.record: StepRecord | None = None
        self.slug, self.taken = "", set[str]()
        words = self.connection.execute("SELECT keyword_name FROM duckdb_keywords()").fetchall()
        self.reserved = {word for (word,) in words} | set(keyword.kwlist) | names_of_scripts
        self.connection: Any = _Listening(self.connection, self)

    def begin(self, record: StepRecord) -> None:
        """What is executed from now on belongs to this step."""
        base = re.sub(r"[^a-z0-9]+", "_", record.node.label.lower()).strip("_") or "step"
        self.slug = base if base[0].isalpha() and base not in self.reserved else f"step_{base}"
        self.record = record

    def fresh(self) -> str:
        """A name for a table that says which step it belongs to."""
        return self.named(f"{self.slug}_part")

    def named(self, base: str) -> str:
        """This name, with a number if it is taken."""
        name, count = base, 1
        while name in self.taken:
            count += 1
            name = f"{base}_{count}"
        self.taken.add(name)
        return name

    def is_python(self) -> None:
        """The step at work cannot be told in SQL."""
        if self.record is not None:
            self.record.python = True

    def keep_statement(self, query: str) -> None:
        """Remember a statement of the step at work."""
        if self.record is not None:
            self.record.statements.append(query.strip())

    def stored(self, table: str, columns: Sequence[str]) -> Frame:
        """A stored table under the name of the step, its columns under their own."""
        view, order = self.named(self.slug), f"{hidden_prefix}0"
        select = ", ".join(f"c{place} AS {quoted(name)}" for place, name in enumerate(columns))
        self.connection.execute(f"CREATE TEMP VIEW {view} AS SELECT {select}, rowid AS {order} FROM {table}")
        return Frame(self.backend.table(view), (order,), stored=True, in_order=True)

    def settle(self, frame: Frame, base: str) -> Frame:
        """The frame as a table of this name, with the order of its rows in a column."""
        if frame.stored and len(frame.order) == 1:
            return frame
        table = self.named(base)
        query = self.backend.compile(frame.table, pretty=True)
        order = frame.order
        if len(order) > 1:
            columns = ",\n  ".join(quoted(name) for name in frame.columns)
            by = ", ".join(f"{quoted(name)} NULLS LAST" for name in order)
            order = (f"{hidden_prefix}0",)
            number = f"row_number() OVER (ORDER BY {by}) AS {quoted(order[0])}"
            query = f"SELECT\n  {columns},\n  {number}\nFROM (\n{query}\n) AS t"
        self.connection.execute(f"CREATE TEMP TABLE {table} AS\n{query}")
        return Frame(self.backend.table(table), order, stored=True, in_order=frame.in_order)


def record(flow: Flow, sources: Mapping[str, Path], scratch: Path) -> Recording:
    """Run a flow in this process, write its outputs below `scratch`, and keep how. Raises FlowError."""
    outputs = outputs_of(flow, scratch)
    if not outputs:
        raise FlowError("The flow has nothing to write: no destination and no step with data.")
    wanted = [each.node_id for each in outputs]
    paths = match_sources(flow, wanted, sources)
    nodes = plan(flow, wanted)
    used = {(edge.node_id, edge.output_name) for node in nodes for edge in node.inputs}
    used |= {(each.node_id, each.output_name) for each in outputs}
    recording = Recording([], {}, [], {})
    frames: dict[tuple[str, str], Frame] = {}
    run = RecordingRun(lambda source: [paths[source.node_id]])
    with run:
        for node in nodes:
            operator, problems = resolve(node)
            if operator is None:
                raise FlowError(problems)
            step = StepRecord(node, operator.describe())
            run.begin(step)
            inputs = [frames[edge.node_id, edge.output_name] for edge in node.inputs]
            result = guarded(node, run, partial(operator.apply, inputs, run))
            produced = {"default": result} if isinstance(result, Frame) else dict(result)
            for output_name, frame in produced.items():
                key = (node.node_id, output_name)
                if key not in used:
                    continue
                base = run.slug if output_name == "default" else f"{run.slug}_{output_name.lower()}"
                same = [edge for edge, given in zip(node.inputs, inputs, strict=True) if _same(frame, given)]
                if same:
                    edge = same[0]
                    before = next(each for each in recording.steps if each.node.node_id == edge.node_id)
                    step.tables[output_name] = before.tables[edge.output_name]
                    step.alias = True
                    frame = frames[edge.node_id, edge.output_name]
                else:
                    safe = re.sub(r"[^a-z0-9_]+", "_", base)
                    frame = guarded(node, run, partial(run.settle, frame, safe))
                    step.tables[output_name] = frame.table.get_name()
                step.columns[output_name] = {name: str(frame.table[name].type()) for name in frame.columns}
                step.orders[output_name] = frame.order[0]
                frames[key] = frame
            for edge in node.inputs:
                before = next(each for each in recording.steps if each.node.node_id == edge.node_id)
                step.before.append((before, edge.output_name))
            if isinstance(node, SourceNode):
                _name_the_files(step, run, recording)
            recording.steps.append(step)
        for output in outputs:
            node = flow.node(output.node_id)
            run.begin(StepRecord(node, ""))
            write_it = partial(write, frames[node.node_id, output.output_name], output, run)
            written = guarded(node, run, write_it)
            assert run.record is not None
            copies = [text for text in run.record.statements if text.startswith("COPY")]
            if len(copies) != 1 or len(written.paths) != 1 or run.record.python:
                message = "is written in a way that a script cannot tell"
                raise FlowError([Problem(message, "Write one file of CSV or Parquet.", node.label)])
            recording.copies.append((output, copies[0], written.paths[0]))
        recording.macros.update(_macros(run))
    return recording


def _same(frame: Frame, other: Frame) -> bool:
    return frame.order == other.order and bool(frame.table.equals(other.table))


def _name_the_files(step: StepRecord, run: DuckDBRun, recording: Recording) -> None:
    """Put a variable in the place of the files that a source reads."""
    variable = step.tables["default"]
    for place, text in enumerate(step.statements):
        found = re.search(r"read_(?:csv|parquet|json\w*)\((" + _list_of_texts.pattern + ")", text)
        if not found:
            continue
        files = [Path(each.replace("''", "'")) for each in re.findall(r"'((?:[^']|'')*)'", found.group(1))]
        if any(run.directory in file.parents for file in files):
            step.python = True
            return
        recording.files[variable] = files
        start, end = found.span(1)
        step.statements[place] = f"{text[:start]}getvariable({literal(variable)}){text[end:]}"


def _macros(run: DuckDBRun) -> dict[str, str]:
    """The macros that the engine gave its database, as statements that make them."""
    found = run.connection.execute(
        "SELECT function_name, parameters, macro_definition FROM duckdb_functions() "
        "WHERE function_type = 'macro' AND NOT internal ORDER BY function_oid"
    ).fetchall()
    return {
        name: f"CREATE TEMP MACRO {name}({', '.join(parameters)}) AS {definition}"
        for name, parameters, definition in found
    }
