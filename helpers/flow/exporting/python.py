"""A flow as a script of pandas. Steps that have no short form in pandas run as SQL, in DuckDB."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from ..errors import FlowError, Problem
from ..model import Flow
from ..outputs import Output
from .pandas_code import helpers, pandas_code
from .proving import refuse_difference
from .recording import Recording, StepRecord, record
from .sql import named_targets, needed_macros, readable


def python(flow: Flow, sources: Mapping[str, Path], name: str = "flow") -> str:
    """The script; it reads the files that it was made from, and writes one file for each output here.

    It is run once, in a process of its own, before it is handed out. Raises FlowError with every step that
    neither pandas nor SQL can tell.
    """
    with tempfile.TemporaryDirectory(prefix="workshop-flow-") as scratch:
        recording = record(flow, sources, Path(scratch))
        refuse_unknown(recording)
        _proved(recording, Path(scratch), flow, sources)
        return script(recording, name, named_targets(recording, name))


def refuse_unknown(recording: Recording) -> None:
    """Raises FlowError with every step that has no form in a script."""
    problems = [
        Problem(
            "has no form in a Python script",
            "Export to notebook or pipeline instead, or write the step as custom pandas code.",
            step.node.label,
            step.node.operator,
        )
        for step in recording.steps
        if step.python and pandas_code(step) is None
    ]
    if problems:
        raise FlowError(problems)


def script(recording: Recording, name: str, targets: Mapping[Path, Path]) -> str:
    """The text of the script; `targets` says under which name (without ending) each written file goes."""
    steps, needed = [], set[str]()
    for step in recording.steps:
        if step.alias and set(step.tables.values()) <= {each.tables[out] for each, out in step.before}:
            continue
        found = pandas_code(step)
        if found is None:
            found = _sql_step(step, recording), ("sql",)
        code, uses = found
        needed |= set(uses)
        comment = f"# {step.node.label}: {step.words}".replace("\n", " ")
        steps.append(f"{comment}\n{code}")
    for output, text, written in recording.copies:
        step = next(each for each in recording.steps if each.node.node_id == output.node_id)
        target = f"{targets[written]}{''.join(written.suffixes)}"
        code, use = _write(step, output, text, target, recording)
        steps.append(code)
        needed.add(use)
    files = [
        f"{variable}_files = {[str(path) for path in paths]!r}" for variable, paths in recording.files.items()
    ]
    return "\n".join(
        [
            f'"""{name}: a Data Wrangler flow as pandas. Run it: python {name}.py"""',
            "",
            "import duckdb",
            "import numpy as np",
            "import pandas as pd",
            "import pyarrow as pa",
            "",
            "# The files that are read",
            *files,
            "",
            *(f"\n{text}" for text in helpers(needed)),
            "",
            *(f"\n{step}" for step in steps),
            "",
        ]
    )


def _write(step: StepRecord, output: Output, text: str, target: str, recording: Recording) -> tuple[str, str]:
    """The line that writes an output, and the helper it calls."""
    table = step.tables[output.output_name]
    query, _, options = text.removeprefix("COPY (").rpartition(" TO ")
    options = _quoted(options[options.rindex("(FORMAT") + 1 : -1])
    kinds = {kind.lstrip("!") for kind in step.columns[output.output_name].values()}
    if ".parquet" in target or kinds <= {"string", "int64", "float64", "boolean", "date"}:
        return f"write({table}, {target!r}, {options})", "write"
    statements = [*needed_macros(recording.macros, text), readable(query.rstrip().removesuffix(")"))]
    texts = "".join(f"    {_quoted(each)},\n" for each in statements)
    order = step.orders[output.output_name]
    more = f"    order={order!r},\n    path={target!r},\n    options={options},\n"
    call = f"{{{table!r}: {table}}},\n{texts}{more}"
    return f"write_query(\n    {call})", "write_query"


def _sql_step(step: StepRecord, recording: Recording) -> str:
    """A step as the SQL that the engine runs it by."""
    statements = [readable(each) for each in step.statements if not each.startswith("SET threads")]
    files = [name for name in recording.files if any(f"getvariable('{name}')" in each for each in statements)]
    statements = [f"SET VARIABLE {name} = $files" for name in files] + statements
    macros = needed_macros(recording.macros, "\n".join(statements))
    given = dict.fromkeys(before.tables[output] for before, output in step.before)
    tables = ", ".join(f"{name!r}: {name}" for name in given)
    orders = {before.orders[output] for before, output in step.before}
    order = next(iter(orders), "__flow_order_0")
    lines = []
    outputs = dict.fromkeys(step.tables)
    if step.alias:
        outputs = {name: None for name in outputs if step.tables[name] not in given}
    same: dict[str, str] = {}
    for output in outputs:
        table = step.tables[output]
        if table in same:
            continue
        same[table] = output
        columns = ", ".join('"' + column.replace('"', '""') + '"' for column in step.columns[output])
        result = f"SELECT {columns} FROM {table} ORDER BY {json.dumps(step.orders[output])}"
        texts = "".join(f"    {_quoted(each)},\n" for each in [*macros, *statements, result])
        more = f", files={files[0]}_files" if files else ""
        lines.append(f"{table} = sql(\n    {{{tables}}},\n{texts}    order={order!r}{more},\n)")
    return "\n".join(lines)


def _quoted(text: str) -> str:
    """A text as a Python literal, over several lines where it has them."""
    if "\n" not in text and "'" not in text:
        return repr(text)
    plain = (each == "\n" or (each.isprintable() and each != "\\") for each in text)
    escaped = (each if as_is else repr(each)[1:-1] for each, as_is in zip(text, plain, strict=True))
    quoted = f'"""{"".join(escaped)}"""'
    try:
        if ast.literal_eval(quoted) == text:
            return quoted
    except (SyntaxError, ValueError):
        pass
    return repr(text)


def _proved(recording: Recording, scratch: Path, flow: Flow, sources: Mapping[str, Path]) -> None:
    """Run the script and hold what it writes against what the flow wrote. Raises FlowError."""
    again = {target: scratch / f"again-{place}" for place, (*_, target) in enumerate(recording.copies)}
    program = scratch / "again.py"
    program.write_text(script(recording, "again", again), encoding="utf-8")
    clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, str(program)],
        capture_output=True,
        text=True,
        errors="replace",
        env=clean,
        check=False,
    )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["it ended by itself"])[-1]
        raise FlowError(f"The flow has no form in Python: its script does not run ({reason}).")
    refuse_difference(recording, again, flow, sources, "Python")
