"""Custom code on DuckDB, held against Apache Spark cell by cell: values, types and names of columns.

The cases are in `conformance_cases`. One that stops agreeing fails, and so does a refusal that is no longer
needed; whatever custom code may use has to be in one of them.
"""

from __future__ import annotations

import ast
import datetime
import math
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from conformance_cases import EXPRESSIONS, FORMULAS, QUERIES, ROWS, SCHEMA, SNIPPETS, TEXTS, equal

from helpers.flow.duckdb_engine import DuckDBRun
from helpers.flow.errors import OperatorError
from helpers.flow.frame import Frame
from helpers.flow.spark_on_duckdb.aggregates import aggregates, window_functions
from helpers.flow.spark_on_duckdb.custom_code import run_pyspark, run_sql
from helpers.flow.spark_on_duckdb.formulas import to_duckdb
from helpers.flow.spark_on_duckdb.functions import functions, same_as
from helpers.flow.spark_on_duckdb.parsing import no_functions
from helpers.flow.spark_on_duckdb.pyspark import columns
from helpers.flow.spark_on_duckdb.pyspark.data_frame import DataFrame
from helpers.flow.spark_on_duckdb.pyspark.functions import Functions, signatures
from helpers.flow.spark_on_duckdb.pyspark.grouping import GroupedData
from helpers.flow.spark_on_duckdb.pyspark.modules import SparkSession, pretended_pyspark
from helpers.flow.spark_on_duckdb.pyspark.types import public as public_types
from helpers.flow.spark_on_duckdb.pyspark.udfs import registrar
from helpers.flow.spark_on_duckdb.relations import relation_of
from helpers.flow.spark_on_duckdb.types import duckdb_type
from helpers.flow.spark_on_duckdb.workspace import Workspace

Table = tuple[list[str], list[str], list[tuple[Any, ...]]]
"""Names, Spark types and rows."""


@pytest.fixture(scope="module")
def real(spark_session: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The rows above on Spark, in one partition."""
    import pyarrow.parquet as pq

    path = Path(tmp_path_factory.mktemp("rows")) / "rows.parquet"
    pq.write_table(_rows(), path)
    frame = spark_session.read.parquet(str(path))
    moments = [name for name, kind in frame.dtypes if kind == "timestamp_ntz"]
    for name in moments:
        frame = frame.withColumn(name, frame[name].cast("timestamp"))
    return frame.coalesce(1).cache()


def _rows() -> pa.Table:
    columns = [[row[place] for row in ROWS] for place in range(len(SCHEMA))]
    return pa.table(
        [pa.array(values, kind) for values, kind in zip(columns, SCHEMA.types, strict=True)], schema=SCHEMA
    )


@pytest.fixture
def run() -> Iterator[DuckDBRun]:
    with DuckDBRun(lambda _: []) as made:
        yield made


def on_duckdb(run: DuckDBRun) -> Frame:
    """The rows above on DuckDB."""
    view = run.fresh()
    run.connection.register(view, _rows())
    return run.store(f"SELECT * FROM {view}", SCHEMA.names)


def table_of_frame(frame: Frame, run: DuckDBRun) -> Table:
    """What a frame holds."""
    relation = relation_of(run.keep(frame), Workspace(run))
    found = run.connection.execute(relation.fetched()).to_arrow_table()
    return relation.names, [str(each.type) for each in relation.outputs], _cells(found)


def table_of_spark(frame: Any) -> Table:
    """What a Spark data frame holds."""
    return list(frame.columns), [kind for _, kind in frame.dtypes], _cells(frame.toArrow())


def _cells(table: pa.Table) -> list[tuple[Any, ...]]:
    columns = [table.column(place).to_pylist() for place in range(table.num_columns)]
    return [tuple(_cell(each) for each in row) for row in zip(*columns, strict=True)]


def _cell(value: Any) -> Any:
    return value.replace(tzinfo=None) if isinstance(value, datetime.datetime) else value


def same(left: Any, right: Any) -> bool:
    """Whether two cells hold the same."""
    if isinstance(left, float) and isinstance(right, float):
        if math.isnan(left) or math.isnan(right):
            return math.isnan(left) and math.isnan(right)
        return math.isclose(left, right, rel_tol=1e-9, abs_tol=1e-300)
    return type(left) is type(right) and bool(left == right)


def compare(found: Table, wanted: Table, in_order: bool = True) -> None:
    """Fail where two tables differ."""
    assert found[0] == wanted[0], "names"
    kinds = [kind.replace("void", "int") for kind in wanted[1]]
    assert found[1] == kinds, "types"
    rows = [found[2], wanted[2]] if in_order else [sorted(each[2], key=_key) for each in (found, wanted)]
    assert len(rows[0]) == len(rows[1])
    for mine, theirs in zip(*rows, strict=True):
        assert all(map(same, mine, theirs)), f"{mine} is not {theirs}"


def _key(row: Sequence[Any]) -> list[tuple[str, str]]:
    return [(type(each).__name__, f"{each:.8e}" if isinstance(each, float) else repr(each)) for each in row]


Column = tuple[str, str, list[Any]]
"""Name, Spark type and cells."""


def column_wise(
    select: Callable[[Sequence[Any]], Table], made: dict[str, Any]
) -> dict[str, Column | Exception]:
    """Many columns, computed in one query where all of them can be, else one by one.

    `select` is given columns and puts k behind them, by which the rows are sorted. Windows are computed
    apart: they move the rows, which others may number.
    """
    windows = {case: column for case, column in made.items() if "over(" in case}
    if windows and len(windows) < len(made):
        others = {case: column for case, column in made.items() if case not in windows}
        return column_wise(select, windows) | column_wise(select, others)
    if len(made) > 60:
        # Planning grows faster than the number of columns.
        items = list(made.items())
        return column_wise(select, dict(items[:60])) | column_wise(select, dict(items[60:]))
    try:
        names, kinds, rows = select(list(made.values()))
        rows = sorted(rows, key=lambda row: row[-1])  # type: ignore[no-any-return]
    except Exception as error:  # noqa: BLE001
        if len(made) == 1:
            return dict.fromkeys(made, error)
        half = len(made) // 2
        items = list(made.items())
        return column_wise(select, dict(items[:half])) | column_wise(select, dict(items[half:]))
    return {
        each: (names[place], kinds[place], [row[place] for row in rows]) for place, each in enumerate(made)
    }


def _made(cases: Sequence[str], make: Callable[[str], Any]) -> tuple[dict[str, Any], dict[str, Exception]]:
    made, wrong = {}, {}
    for case in cases:
        try:
            made[case] = make(case)
        except Exception as error:  # noqa: BLE001
            wrong[case] = error
    return made, wrong


@pytest.fixture(scope="module")
def expressions() -> dict[str, Column | Exception]:
    """Every expression on DuckDB."""
    with DuckDBRun(lambda _: []) as run:
        workspace = Workspace(run)
        workspace.python = registrar(run)
        session = SparkSession(workspace)
        df = DataFrame(relation_of(on_duckdb(run), workspace), session)
        with pretended_pyspark(session):
            from pyspark.sql import Window
            from pyspark.sql import functions as F

            def make(case: str) -> Any:
                column = eval(case, {"F": F, "df": df, "W": Window, "float": float})
                df.select(column)
                return column

            def select(columns: Sequence[Any]) -> Table:
                relation = df.select(*columns, df.k)._relation
                found = run.connection.execute(relation.fetched()).to_arrow_table()
                return relation.names, [str(each.type) for each in relation.outputs], _cells(found)

            made, wrong = _made([case for case, _ in EXPRESSIONS], make)
            return column_wise(select, made) | wrong


@pytest.fixture(scope="module")
def real_expressions(real: Any) -> dict[str, Column | Exception]:
    """Every expression that should be equal on Spark."""
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    def make(case: str) -> Any:
        return eval(case, {"F": F, "df": real, "W": Window, "float": float})

    made, wrong = _made([case for case, verdict in EXPRESSIONS if verdict is equal], make)
    return column_wise(lambda columns: table_of_spark(real.select(*columns, real.k)), made) | wrong


def _check(case: str, verdict: str, found: Any, wanted: Any) -> None:
    if verdict is not equal:
        assert isinstance(found, OperatorError), f"is no longer refused: {found}"
        assert verdict in found.message
        assert found.remedy
        return
    for side in (wanted, found):
        if isinstance(side, Exception):
            raise AssertionError(
                f"{case} fails on {'Spark' if side is wanted else 'DuckDB'}: {side}"
            ) from side
    mine, theirs = ((each[0], each[1].replace("void", "int"), each[2]) for each in (found, wanted))
    assert mine[:2] == theirs[:2]
    assert len(mine[2]) == len(theirs[2])
    for place, pair in enumerate(zip(mine[2], theirs[2], strict=True)):
        assert same(*pair), f"row {place}: {pair[0]!r}, on Spark {pair[1]!r}"


@pytest.mark.parametrize(("case", "verdict"), EXPRESSIONS, ids=[case for case, _ in EXPRESSIONS])
def test_expressions(
    case: str, verdict: str, expressions: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    wanted = request.getfixturevalue("real_expressions").get(case) if verdict is equal else None
    _check(case, verdict, expressions[case], wanted)


@pytest.fixture(scope="module")
def formulas() -> dict[str, Column | Exception]:
    """Every formula on DuckDB."""
    with DuckDBRun(lambda _: []) as run:
        frame = on_duckdb(run)

        def select(queries: Sequence[str]) -> Table:
            listed = ", ".join(f"({query}) AS c{place}" for place, query in enumerate(queries))
            query = f"SELECT {listed}, k FROM ({run.sql(frame.table)}) AS t"
            described = run.connection.execute(f"DESCRIBE {query}").fetchall()
            cells = _cells(run.connection.execute(query).to_arrow_table())
            return [row[0] for row in described], [str(duckdb_type(row[1])) for row in described], cells

        made, wrong = _made([case for case, _ in FORMULAS], lambda case: to_duckdb(case, frame))
        return column_wise(select, made) | wrong


@pytest.fixture(scope="module")
def real_formulas(real: Any) -> dict[str, Column | Exception]:
    """Every formula that should be equal on Spark."""
    from pyspark.sql import functions as F

    cases = [case for case, verdict in FORMULAS if verdict is equal]
    made, wrong = _made(cases, F.expr)

    def select(columns: Sequence[Any]) -> Table:
        return table_of_spark(
            real.select(*(column.alias(f"c{place}") for place, column in enumerate(columns)), "k")
        )

    return column_wise(select, made) | wrong


@pytest.mark.parametrize(("case", "verdict"), FORMULAS, ids=[case for case, _ in FORMULAS])
def test_formulas(case: str, verdict: str, formulas: dict[str, Any], request: pytest.FixtureRequest) -> None:
    wanted, found = None, formulas[case]
    if verdict is equal:
        wanted = request.getfixturevalue("real_formulas").get(case)
        if not isinstance(found, Exception) and not isinstance(wanted, Exception):
            found = ("", "string" if case == "NULL" else found[1], found[2])
            wanted = ("", "string" if case == "NULL" else wanted[1], wanted[2])
    _check(case, verdict, found, wanted)


@pytest.mark.parametrize(("code", "verdict"), SNIPPETS, ids=[code for code, _ in SNIPPETS])
def test_snippets(code: str, verdict: str, run: DuckDBRun, request: pytest.FixtureRequest) -> None:
    code = f"from pyspark.sql import functions as F, Window\n{code}"
    frame = on_duckdb(run)
    if verdict is not equal:
        with pytest.raises(OperatorError) as caught:
            run_pyspark(code, frame, run)
        assert verdict in caught.value.message
        assert "(line " in caught.value.message
        assert caught.value.remedy
        return
    found = table_of_frame(run_pyspark(code, frame, run), run)
    real, spark = (request.getfixturevalue(name) for name in ("real", "spark_session"))
    namespace: dict[str, Any] = {"df": real, "spark": spark, "__name__": "__custom__"}
    exec(code, namespace)
    compare(found, table_of_spark(namespace["df"]), in_order="df.orderBy" in code or "df.sort(" in code)


@pytest.mark.parametrize(("query", "verdict"), QUERIES, ids=[query for query, _ in QUERIES])
def test_queries(query: str, verdict: str, run: DuckDBRun, request: pytest.FixtureRequest) -> None:
    frame = on_duckdb(run)
    if verdict is not equal:
        with pytest.raises(OperatorError) as caught:
            run_sql(query, frame, run)
        assert verdict in caught.value.message
        assert caught.value.remedy
        return
    found = table_of_frame(run_sql(query, frame, run), run)
    real, spark = (request.getfixturevalue(name) for name in ("real", "spark_session"))
    real.createOrReplaceTempView("df")
    ordered = "ORDER BY" in query.rpartition(")")[2]
    compare(found, table_of_spark(spark.sql(query)), in_order=ordered)


KINDS = {
    "bigint": "long", "int": "", "smallint": "", "tinyint": "", "double": "float", "float": "",
    "boolean": "bool", "date": "date", "timestamp": "datetime", "decimal(6,1)": "",
}  # fmt: skip
"""Types that texts are cast to: as custom code calls them, and as operators do (where they have them)."""


@pytest.fixture(scope="module")
def casts_of_texts(spark_session: Any) -> dict[str, dict[str, list[Any]]]:
    """What each kind of cast makes of TEXTS: on Spark, in custom code and in operators on DuckDB."""
    import ibis

    from helpers.flow.casting import cast

    rows = spark_session.createDataFrame(list(enumerate(TEXTS)), "k int, t string").coalesce(1)
    real = rows.selectExpr(*(f"CAST(t AS {kind}) AS c{place}" for place, kind in enumerate(KINDS)))
    found = {"Spark": real.toArrow()}
    with DuckDBRun(lambda _: []) as run:
        view = run.fresh()
        run.connection.register(view, pa.table({"k": range(len(TEXTS)), "t": pa.array(TEXTS, pa.string())}))
        frame = run.store(f"SELECT t FROM {view} ORDER BY k", ["t"])
        code = [to_duckdb(f"CAST(t AS {kind})", frame) for kind in KINDS]
        listed = ", ".join(f"{each} AS c{place}" for place, each in enumerate(code))
        [order] = frame.order
        query = f"SELECT {listed} FROM ({run.sql(frame.table)}) ORDER BY {order}"
        found["custom code"] = run.connection.execute(query).to_arrow_table()
        table = frame.table.order_by(order)
        columns = {f"c{place}": cast(table.t, kind) for place, kind in enumerate(KINDS.values()) if kind}
        found["operators"] = table.select(**columns, k=ibis.row_number()).drop("k").to_pyarrow()
    return {
        side: {
            kind: [_cell(each) for each in table[f"c{place}"].to_pylist()]
            for place, kind in enumerate(KINDS)
            if f"c{place}" in table.column_names
        }
        for side, table in found.items()
    }


@pytest.mark.parametrize("kind", KINDS)
def test_casts_of_texts(kind: str, casts_of_texts: dict[str, dict[str, list[Any]]]) -> None:
    wanted = casts_of_texts["Spark"][kind]
    assert any(each is not None for each in wanted)
    for side in ("custom code", "operators") if KINDS[kind] else ("custom code",):
        found = casts_of_texts[side][kind]
        wrong = {
            text: f"{mine!r}, on Spark {theirs!r}"
            for text, mine, theirs in zip(TEXTS, found, wanted, strict=True)
            if not same(mine, theirs)
        }
        assert not wrong, side


CODE = "\n".join(case for case, _ in (*EXPRESSIONS, *SNIPPETS))
EQUAL_CODE = "\n".join(case for case, verdict in (*EXPRESSIONS, *SNIPPETS) if verdict is equal)
EQUAL_SQL = "\n".join(case for case, verdict in (*FORMULAS, *QUERIES) if verdict is equal)


@pytest.mark.parametrize("name", Functions("functions").__all__)
def test_every_function_of_snippets_has_a_case(name: str) -> None:
    assert re.search(rf"\bF\.{name}\(", EQUAL_CODE)


IN_SQL = {*functions, *same_as, *aggregates, *window_functions} - no_functions


@pytest.mark.parametrize("name", sorted(IN_SQL))
def test_every_function_of_sql_has_a_case(name: str) -> None:
    assert re.search(rf"\b{name}\(", EQUAL_SQL, re.IGNORECASE)


@pytest.mark.parametrize("name", signatures)
def test_every_number_of_arguments_has_a_case(name: str) -> None:
    calls = [each for case, _ in (*EXPRESSIONS, *SNIPPETS) for each in ast.walk(ast.parse(case))]
    counts = {
        len(call.args) + len(call.keywords)
        for call in calls
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == name
    }
    slots = signatures[name].split()
    least = sum(not slot.startswith("[") for slot in slots)
    assert counts >= set(range(least, len(slots) + 1))


@pytest.mark.parametrize("kind", [columns.Column, columns.WindowSpec, DataFrame, GroupedData, SparkSession])
def test_every_method_has_a_case(kind: type) -> None:
    names = [name for name in vars(kind) | vars(kind.__base__ or object) if not name.startswith("_")]
    assert len(names) > 3
    assert [name for name in names if not re.search(rf"\.{name}\b", CODE)] == []


def test_every_type_has_a_case() -> None:
    assert [name for name in public_types if not re.search(rf"\b{name}\b", CODE)] == []
