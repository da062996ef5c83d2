"""Python functions over columns: what comes back must outlive the batch it came in."""

from __future__ import annotations

import pytest

from helpers.flow.duckdb_engine import DuckDBRun
from helpers.flow.python_functions import batch_column, python_column


@pytest.mark.parametrize("count", [1, 3, 5000, 60_000])
def test_texts_are_kept_whoever_passes_them_on(count: int) -> None:
    import ibis

    with DuckDBRun(lambda _: []) as run:
        run.connection.execute(
            f"CREATE TABLE t AS SELECT CASE WHEN i % 7 > 0 THEN CAST(i % 1000 AS VARCHAR) END AS s "
            f"FROM range({count}) AS r(i)"
        )
        table = run.backend.table("t")
        made = python_column(run, lambda text: f"more than twelve letters {text}", table.s, "string")
        lists = python_column(
            run, lambda text: [f"more than twelve letters {text}"], table.s, "array<string>"
        )
        shown = table.select(
            table.s,
            filled=made.fill_null("nothing at all is here"),
            either=(table.s.length() > 1).ifelse(made, table.s),
            part=ibis.coalesce(made.substr(0, 20), "-"),
            listed=lists,
        )
        for row in run.rows(shown):
            text = row["s"]
            if text is None:
                assert (row["filled"], row["part"], row["listed"]) == ("nothing at all is here", "-", None)
                continue
            long = f"more than twelve letters {text}"
            assert (row["filled"], row["part"], row["listed"]) == (long, long[:20], [long])
            assert row["either"] == (long if len(text) > 1 else text)


def test_a_function_of_many_sees_each_value_once() -> None:
    seen: list[str] = []

    def work(values: list[str]) -> list[int]:
        seen.extend(values)
        return [len(value) for value in values]

    with DuckDBRun(lambda _: [], threads=1) as run:
        run.connection.execute("CREATE TABLE t AS SELECT 'ab' AS s FROM range(1000)")
        table = run.backend.table("t")
        rows = run.rows(table.select(size=batch_column(run, work, table.s, "int64")))
    assert [row["size"] for row in rows] == [2] * 1000
    assert seen == ["ab"]
