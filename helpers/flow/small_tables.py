"""Numbers of small tables as texts: made once there, not once for each row that the table is joined to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from .duckdb_engine import DuckDBRun
from .frame import Frame
from .naming import quoted

_most_values = 60_000
"""About as many different texts as two bytes tell apart."""
_many_rows, _fewer = 100_000, 4


@contextmanager
def as_texts(
    frame: Frame, columns: Sequence[str], text: Callable[[str], str], run: DuckDBRun
) -> Iterator[tuple[Frame, set[str]]]:
    """The frame with those of these columns as texts that a join takes from a small table; their names.

    `text` gives the SQL for the text of a column. The texts are members of an ENUM, one or two bytes each,
    so that rows are sorted faster than with the numbers. They are there until the context ends.
    """
    import ibis.expr.operations as ops

    sources = run.lineage.sources(frame.table, columns)
    replaced: dict[str, str] = {}
    texts: set[str] = set()
    kinds: list[str] = []
    try:
        for view in _small(list(sources), run):
            cells = []
            for column in _of_few_values(view, list(sources[view]), run):
                kinds.append(run.fresh())
                found = f"SELECT DISTINCT {text(column)} FROM {view} WHERE {quoted(column)} IS NOT NULL"
                run.connection.execute(f"CREATE TYPE {kinds[-1]} AS ENUM ({found})")
                cells.append(f"CAST({text(column)} AS {kinds[-1]}) AS {quoted(column)}")
                texts.update(sources[view][column])
            if cells:
                replaced[view] = run.view(f"SELECT * REPLACE ({', '.join(cells)}) FROM {view}")
        nodes = {
            # Ibis need not know: it would read every text of the types.
            node: node.copy(name=replaced[node.name])
            for node in frame.table.op().find(ops.DatabaseTable)
            if node.name in replaced
        }
        yield frame.replace(frame.table.op().replace(nodes).to_expr()) if nodes else frame, texts
    finally:
        for view in replaced.values():
            run.drop(view)
        for kind in kinds:
            run.connection.execute(f"DROP TYPE {kind}")


def _small(views: Sequence[str], run: DuckDBRun) -> list[str]:
    """Those of these stored tables that have a fraction of the rows of the largest."""
    sizes = {view: _one_row(f"SELECT count(*) FROM {view}", run)[0] for view in views}
    largest = max(sizes.values(), default=0)
    return [view for view, size in sizes.items() if largest >= _many_rows and size * _fewer <= largest]


def _of_few_values(view: str, columns: Sequence[str], run: DuckDBRun) -> list[str]:
    if not columns:
        return []
    counted = ", ".join(f"approx_count_distinct({quoted(name)})" for name in columns)
    counts = _one_row(f"SELECT {counted} FROM {view}", run)
    return [name for name, count in zip(columns, counts, strict=True) if 0 < count <= _most_values]


def _one_row(query: str, run: DuckDBRun) -> tuple[int, ...]:
    found: tuple[int, ...] = run.connection.execute(query).fetchall()[0]
    return found
