"""A flow as a script of DuckDB SQL."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from ..errors import FlowError, Problem
from ..model import Flow
from ..naming import literal
from .proving import refuse_difference
from .recording import Recording, StepRecord, record

_settings = """SET ieee_floating_point_ops = false;  -- x / 0 is null, as in Spark
SET TimeZone = 'UTC';
SET preserve_insertion_order = true;"""


def sql(flow: Flow, sources: Mapping[str, Path], name: str = "flow") -> str:
    """The script; it reads the files that it was made from, and writes one file for each output here.

    It is run once before it is handed out. Raises FlowError with every step that SQL cannot tell.
    """
    with tempfile.TemporaryDirectory(prefix="workshop-flow-") as scratch:
        recording = record(flow, sources, Path(scratch))
        refuse_python(recording)
        _proved(recording, Path(scratch), flow, sources)
        return script(recording, name, named_targets(recording, name))


def named_targets(recording: Recording, name: str) -> dict[Path, Path]:
    """Where a script writes each output, without ending: `<flow>-<output>` in the folder it is run in."""
    return {target: Path(f"{name}-{target.parent.name}") for *_, target in recording.copies}


def refuse_python(recording: Recording) -> None:
    """Raises FlowError with every step that went through Python."""
    problems = [
        Problem(
            "has no form in SQL: it works in Python"
            if step.node.type != "SOURCE"
            else "has no form in SQL: its file is not UTF-8 and is converted while it is read",
            "Export to python, notebook or pipeline instead, or write the step another way.",
            step.node.label,
            step.node.operator,
        )
        for step in recording.steps
        if step.python
    ]
    if problems:
        raise FlowError(problems)


def script(recording: Recording, name: str, targets: Mapping[Path, Path]) -> str:
    """The text of the script; `targets` says under which name (without ending) each written file goes."""
    steps = [text for step in recording.steps for text in _step(step)]
    copies = [_copy(text, target, targets[target]) for _, text, target in recording.copies]
    body = "\n\n".join(steps + copies)
    files = [
        f"SET VARIABLE {variable} = [{', '.join(literal(path) for path in paths)}];"
        for variable, paths in recording.files.items()
    ]
    head = f"""-- {name}: a Data Wrangler flow as DuckDB SQL. Run it: duckdb < {name}.sql
--
-- Every step is a table; a column that is called "__flow_order_..." holds the order of its rows.
-- What steps learn from data (categories, cuts, averages) is written below as it was in the files named here.

{_settings}

-- The files that are read
"""
    macros = [f"{text};" for text in needed_macros(recording.macros, body)]
    spark = "\n\n-- Casts as Spark makes them\n" + "\n".join(macros) if macros else ""
    return f"{head}{chr(10).join(files)}{spark}\n\n{body}\n"


def _step(step: StepRecord) -> Iterator[str]:
    statements = _quiet(step.statements)
    if statements:
        comment = f"-- {step.node.label}: {step.words}".replace("\n", " ")
        yield comment + "\n" + "\n".join(f"{readable(text)};" for text in statements)


def _quiet(statements: list[str]) -> list[str]:
    """The statements without those that change the number of threads and change it back at once."""
    kept: list[str] = []
    for text in statements:
        if text.startswith("SET threads"):
            text = "SET threads = 1" if text.endswith("= 1") else "RESET threads"
            if text == "RESET threads" and kept and kept[-1] == "SET threads = 1":
                kept.pop()
                continue
        kept.append(text)
    return kept


def _local(text: str) -> str:
    """A statement without the name of the database it was made in."""
    return re.sub(r'"memory"\."main"\.|"temp"\."main"\.', "", text)


def readable(text: str) -> str:
    """A statement over several lines where it is long, and without the names that libraries made up."""
    made_up: dict[str, str] = {}
    text = re.sub(
        r'"t\d{5,}"', lambda found: made_up.setdefault(found[0], f'"q{len(made_up) + 1}"'), _local(text)
    )
    if max(map(len, text.splitlines())) <= 160:
        return text
    from sqlglot import parse_one
    from sqlglot.errors import SqlglotError

    head, keyword, query = text.partition(" AS ")
    if not head.startswith("CREATE") or not keyword or "read_csv" in text:
        head, query = "", text
    try:
        pretty = parse_one(query, read="duckdb").sql("duckdb", pretty=True)
        return f"{head} AS\n{pretty}" if head else pretty
    except SqlglotError:
        return text


def needed_macros(macros: Mapping[str, str], body: str) -> list[str]:
    """The macros that a script calls, and those that they call, in the order they were made."""
    needed: set[str] = set()
    texts = [body]
    while texts:
        text = texts.pop()
        for name, definition in macros.items():
            if name not in needed and re.search(rf"\b{name}\b", text, re.IGNORECASE):
                needed.add(name)
                texts.append(definition)
    return [definition for name, definition in macros.items() if name in needed]


def _copy(text: str, written: Path, target: Path) -> str:
    ending = "".join(written.suffixes)
    place = text.rindex(f"TO {literal(written)}")
    after = place + len(f"TO {literal(written)}")
    query = readable(text[:place].removeprefix("COPY (").rstrip().removesuffix(")").rstrip())
    return f"COPY (\n{query}\n) TO {literal(f'{target}{ending}')}{text[after:]};"


def _proved(recording: Recording, scratch: Path, flow: Flow, sources: Mapping[str, Path]) -> None:
    """Run the script and hold what it writes against what the flow wrote. Raises FlowError."""
    import duckdb

    again = {target: scratch / f"again-{place}" for place, (*_, target) in enumerate(recording.copies)}
    with duckdb.connect() as connection:
        try:
            connection.execute(script(recording, "again", again))
        except duckdb.Error as error:
            reason = str(error).strip().split("\n")[0]
            raise FlowError(f"The flow has no form in SQL: its script does not run ({reason}).") from error
    refuse_difference(recording, again, flow, sources, "SQL")
