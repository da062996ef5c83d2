"""Where the outputs of two flows differ: columns, rows, and the first cells that are not the same."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .checking import check
from .comparing import Difference, match, shown
from .errors import FlowError, Problem
from .model import Flow
from .naming import literal, quoted
from .outputs import Output, outputs_of
from .source_files import match_sources

if TYPE_CHECKING:
    import duckdb

tolerance = 1e-9
"""Floating numbers that differ by less, relative to the larger, are the same."""


def diff_outputs(
    a: Flow, b: Flow, sources: Mapping[str, str | os.PathLike[str]], cells: int = 5
) -> list[Difference]:
    """Run both flows in this process on the same data, and say where what they write differs.

    Compared are the outputs both have: destinations, else last steps. `cells` differing cells of each are
    named. Raises FlowError.
    """
    import duckdb

    pairs = match(a, b)
    outputs = [outputs_of(each, Path()) for each in (a, b)]
    theirs = {(each.node_id, each.output_name): each for each in outputs[1]}
    both = [
        (ours, theirs[pairs.forth[ours.node_id], ours.output_name])
        for ours in outputs[0]
        if (pairs.forth.get(ours.node_id), ours.output_name) in theirs
    ]
    if not both:
        raise FlowError("The flows have no output in common: there is nothing to compare on these data.")
    unknown = [name for name in sources if not (_knows(a, name) or _knows(b, name))]
    if unknown:
        known = ", ".join(dict.fromkeys(node.label for flow in (a, b) for node in flow.sources()))
        raise FlowError([Problem(f"Neither flow has a source '{unknown[0]}'", f"Their sources: {known}.")])
    found: list[Difference] = []
    with tempfile.TemporaryDirectory(prefix="workshop-flow-") as scratch, duckdb.connect() as connection:
        written = [Path(scratch) / "first", Path(scratch) / "second"]
        for place, flow in enumerate((a, b)):
            written[place].mkdir()
            mine = {name: path for name, path in sources.items() if _knows(flow, name)}
            _write(flow, [pair[place] for pair in both], mine, written[place])
        connection.execute("SET enable_progress_bar = false")
        for place, (ours, _) in enumerate(both):
            first, second = (folder / f"{place}.parquet" for folder in written)
            name = a.node(ours.node_id).label + (
                "" if ours.output_name == "default" else f".{ours.output_name}"
            )
            found += [Difference(name, message) for message in _compare(connection, first, second, cells)]
    return found


def _knows(flow: Flow, name: str) -> bool:
    return any(name in (node.node_id, node.name, node.dataset_name, node.uri) for node in flow.sources())


def _write(
    flow: Flow, outputs: Sequence[Output], sources: Mapping[str, str | os.PathLike[str]], folder: Path
) -> None:
    """The outputs as Parquet files 0, 1, ...: CSV would lose the types."""
    from .duckdb_engine import DuckDBRun
    from .engine import evaluate

    wanted = [(each.node_id, each.output_name) for each in outputs]
    problems = check(flow, [node_id for node_id, _ in wanted])
    if problems:
        raise FlowError(problems)
    paths = match_sources(flow, [node_id for node_id, _ in wanted], sources)
    with DuckDBRun(lambda source: [paths[source.node_id]]) as run:
        frames = evaluate(flow, run, wanted)
        for place, key in enumerate(wanted):
            target = literal(folder / f"{place}.parquet")
            query = run.sql(frames[flow.node(key[0]).node_id, key[1]].ordered)
            run.connection.execute(f"COPY ({query}) TO {target} (FORMAT parquet)")


def _compare(connection: duckdb.DuckDBPyConnection, first: Path, second: Path, cells: int) -> Iterator[str]:
    tables = [f"read_parquet({literal(path)}, file_row_number = true)" for path in (first, second)]
    kinds = [_types(connection, path) for path in (first, second)]
    for here, there, where in ((*kinds, "first"), (*reversed(kinds), "second")):
        gone = [name for name in here if name not in there]
        if gone:
            yield f"only the {where} flow's output has column{'s' * (len(gone) > 1)} {_listed(gone)}"
    both = [name for name in kinds[0] if name in kinds[1]]
    if both != [name for name in kinds[1] if name in kinds[0]]:
        yield f"the columns come in another order: {_listed(list(kinds[0]))}; {_listed(list(kinds[1]))}"
    for name in both:
        if kinds[0][name] != kinds[1][name]:
            types = kinds[0][name], kinds[1][name]
            yield f"column '{name}' is {types[0]} in the first flow's output, {types[1]} in the second's"
    counts = [connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0] for table in tables]
    if counts[0] != counts[1]:
        yield f"{counts[0]:,} rows in the first flow's output, {counts[1]:,} in the second's"
    yield from _cells(connection, tables, kinds, both, cells)


def _cells(
    connection: duckdb.DuckDBPyConnection,
    tables: Sequence[str],
    kinds: Sequence[Mapping[str, str]],
    both: Sequence[str],
    cells: int,
) -> Iterator[str]:
    joined = f"{tables[0]} AS a JOIN {tables[1]} AS b USING (file_row_number)"
    wrong = {name: _differs(name, kinds[0][name], kinds[1][name]) for name in both}
    if not wrong:
        return
    sums = ", ".join(f"count(*) FILTER ({test})" for test in wrong.values())
    counts = dict(zip(wrong, connection.execute(f"SELECT {sums} FROM {joined}").fetchall()[0], strict=True))
    bad = [name for name in both if counts[name]]
    if not bad:
        return
    names = ", ".join(quoted(name) for name in both)
    same = [f"(SELECT {names} FROM {table})" for table in tables]
    one_way, other_way = (
        connection.execute(f"SELECT count(*) FROM ({x} EXCEPT ALL {y})").fetchall()[0][0]
        for x, y in (same, reversed(same))
    )
    if not one_way and not other_way:
        yield "the same rows come in another order"
    elif one_way or other_way:
        yield f"{one_way:,} rows are only in the first flow's output, {other_way:,} only in the second's"
    first: list[tuple[int, str, Any, Any]] = []
    for name in bad:
        column = quoted(name)
        query = (
            f"SELECT file_row_number + 1, a.{column}, b.{column} FROM {joined} "
            f"WHERE {wrong[name]} ORDER BY 1 LIMIT {int(cells)}"
        )
        first += [(row, name, x, y) for row, x, y in connection.execute(query).fetchall()]
    yield f"cells differ in {_listed([f'{name} ({counts[name]:,})' for name in bad])}"
    for row, name, x, y in sorted(first, key=lambda each: (each[0], both.index(each[1])))[:cells]:
        where = f"row {row:,}, column '{name}'"
        yield f"{where}: {shown(x)} in the first flow's output, {shown(y)} in the second's"


def _types(connection: duckdb.DuckDBPyConnection, path: Path) -> dict[str, str]:
    query = f"DESCRIBE SELECT * FROM read_parquet({literal(path)})"
    return {row[0]: row[1] for row in connection.execute(query).fetchall()}


_floating = ("DOUBLE", "FLOAT", "DECIMAL")
_whole = ("BIGINT", "INTEGER", "SMALLINT", "TINYINT", "HUGEINT", "UBIGINT")


def _differs(name: str, first: str, second: str) -> str:
    """SQL that holds where two cells are not the same; numbers of different types are compared as numbers."""
    a, b = f"a.{quoted(name)}", f"b.{quoted(name)}"
    numbers = [kind.startswith(_floating + _whole) and not kind.endswith("]") for kind in (first, second)]
    floating = any(kind.startswith(_floating) for kind in (first, second))
    if all(numbers) and floating:
        a, b = f"{a}::DOUBLE", f"{b}::DOUBLE"
        near = f"abs({a} - {b}) <= {tolerance} * greatest(abs({a}), abs({b}))"
        return f"({a} IS DISTINCT FROM {b} AND NOT coalesce({near}, false))"
    if first != second and not all(numbers):
        a, b = f"{a}::VARCHAR", f"{b}::VARCHAR"
    return f"({a} IS DISTINCT FROM {b})"


def _listed(names: Sequence[str], most: int = 12) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
