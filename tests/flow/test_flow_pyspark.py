"""Custom PySpark on DuckDB. The expected values were computed by Apache Spark 3.5 on the same rows."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from helpers import flow

Apply = Callable[..., pd.DataFrame]
SCHEMA = {"k": "long", "g": "string", "x": "float", "n": "long", "t": "string"}
ROWS = [
    (10, "a", 1.5, 7, "1.7"),
    (10, "b", -2.5, -7, "abc"),
    (20, "a", "", "", "1e3"),
    (20, "", 2.675, 9, "1_000"),
    (30, "b", "NaN", 0, "  42 "),
    (30, "c", 1e20, 5, "true"),
]


@pytest.fixture
def run(apply: Apply) -> Callable[[str], pd.DataFrame]:
    """Run a snippet on the rows above."""

    def snippet(code: str) -> pd.DataFrame:
        code = "from pyspark.sql import functions as F, Window\n" + code
        return apply("sagemaker.spark.custom_pyspark_0.1", {"code": code}, SCHEMA, ROWS)

    return snippet


Run = Callable[[str], pd.DataFrame]


def column(table: pd.DataFrame, name: str = "r") -> list[Any]:
    """The values of a column, sorted, None first."""
    found = [None if pd.isna(value) else value for value in table[name]]
    return sorted(found, key=lambda value: (value is not None, value))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("F.col('x') / F.lit(0)", [None] * 6),
        ("F.col('n') / 2", [None, -3.5, 0.0, 2.5, 3.5, 4.5]),
        ("F.col('n') % 4", [None, -3, 0, 1, 1, 3]),
        ("F.col('x').cast('int')", [None, -2, 0, 1, 2, 2147483647]),
        ("F.col('x').cast('long')", [None, -2, 0, 1, 2, 2**63 - 1]),
        ("df.t.cast('double')", [None, None, None, 1.7, 42.0, 1000.0]),
        ("df['t'].cast('bigint')", [None, None, None, None, 1, 42]),
        ("F.when(F.col('n') > 5, 'hi').when(F.col('n') < 0, 'neg')", [None, None, None, "hi", "hi", "neg"]),
        ("F.coalesce('n', F.lit(-1))", [-7, -1, 0, 5, 7, 9]),
        ("F.round('x', 1)", None),
        ("F.rank().over(Window.orderBy('n'))", [1, 2, 3, 4, 5, 6]),
        ("F.count('n').over(Window.partitionBy('k'))", [1, 1, 2, 2, 2, 2]),
        ("F.lag('n').over(Window.partitionBy('k').orderBy('n'))", [None, None, None, None, -7, 0]),
        ("~F.col('g').isin('a', 'b')", [None, False, False, False, False, True]),
    ],
)
def test_expressions_give_what_spark_gives(run: Run, expression: str, expected: list[Any] | None) -> None:
    table = run(f"df = df.select(({expression}).alias('r'))")
    if expected is not None:
        assert column(table) == expected
    else:
        assert {-2.5, 1.5, 2.7, 1e20} <= set(column(table))


def test_windows_put_nulls_first_as_spark_does(run: Run) -> None:
    table = run("df = df.withColumn('r', F.rank().over(Window.orderBy('n')))")
    assert table.loc[table["r"] == 1, "n"].isna().all()
    table = run("df = df.withColumn('r', F.rank().over(Window.orderBy(F.desc('n'))))")
    assert table.loc[table["r"] == 6, "n"].isna().all()


@pytest.mark.parametrize(
    ("code", "names", "rows"),
    [
        ("df = df.withColumn('x', F.col('x') + 1)", ["k", "g", "x", "n", "t"], 6),
        ("df = df.withColumn('a b', F.lit(1)).withColumn('a b', F.col('a b') + 1)", [*SCHEMA, "a b"], 6),
        (
            "df = df.withColumnRenamed('n', 'order').filter(F.col('order') > 0)",
            ["k", "g", "x", "order", "t"],
            3,
        ),
        ("df = df.withColumnRenamed('g', 'Group').groupBy('Group').count()", ["Group", "count"], 4),
        ("df = df.groupBy('k').avg('n')", ["k", "avg(n)"], 3),
        ("df = df.select('k').dropDuplicates()", ["k"], 3),
        ("df = df.drop('x', 'nothing')", ["k", "g", "n", "t"], 6),
        ("df = df.dropna()", [*SCHEMA], 3),  # NaN is missing too
        ("df = df.dropna(subset=['n'])", [*SCHEMA], 5),
        ("df = df.fillna(0).filter('n = 0')", [*SCHEMA], 2),
        ("df = df.join(df.groupBy('k').agg(F.avg('n').alias('m')), on='k', how='left')", [*SCHEMA, "m"], 6),
        ("df = df.union(df)", [*SCHEMA], 12),
        (
            "for name in df.columns:\n    df = df.withColumnRenamed(name, name + '_')",
            [f"{n}_" for n in SCHEMA],
            6,
        ),
        ("df = df.select([name for name, kind in df.dtypes if kind == 'bigint'])", ["k", "n"], 6),
        ("df = df.withColumn('c', F.lit(df.count()))", [*SCHEMA, "c"], 6),
    ],
)
def test_data_frames_give_what_spark_gives(run: Run, code: str, names: list[str], rows: int) -> None:
    table = run(code)
    assert list(table.columns) == names
    assert len(table) == rows


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("df = df.sample(0.5)", r"uses DataFrame\.sample.*line 2: df = df\.sample"),
        ("df = df.describe()", r"DataFrame\.describe"),
        ("df = df.withColumn('r', F.rand())", r"functions\.rand"),
        ("df = df.withColumn('r', F.expr('rand()'))", r"the function rand.*--engine spark"),
        ("df = df.groupBy('k').cube('g')", r"GroupedData\.cube"),
        ("df = df.select(F.rank().over(Window.orderBy('x')))", r"name in Spark is not known.*alias"),
        ("df = df.distinct().dropDuplicates(['k'])", "keeps any row"),
        ("df = df.distinct().limit(3)", r"limits rows that have no order"),
        ("df = df.select(F.col('x').nothing.alias('r'))", r"Column\.nothing"),
        ("df = df.nothing", r"no attribute 'nothing'"),
        ("df = df['nothing']", r"no column 'nothing'"),
        ("x = 1\ndf = 1 / 0", r"ZeroDivisionError.*line 3: df = 1 / 0"),
        ("df = (", r"does not compile.*line 2"),
        ("df = df.toPandas()", r"leaves 'df' as DataFrame"),
        ("df = 7", r"leaves 'df' as int"),
        ("if df.x > 1: pass", r"no truth value"),
        ("for each in df.dtypes: pass\nfor each in df: pass", r"cannot be iterated"),
        ("import sys\nsys.exit(3)", r"SystemExit"),
        ("from pyspark.ml.feature import PCA", r"pyspark\.ml"),
        ("df = df.filter(F.col('missing') > 1)", "missing"),
    ],
)
def test_what_is_not_known_to_agree_is_refused(run: Run, code: str, says: str) -> None:
    with pytest.raises(flow.FlowError, match=says) as caught:
        run(code)
    assert str(caught.value).startswith("step (sagemaker.spark.custom_pyspark_0.1)")


def test_every_way_to_import_works_and_leaves_nothing_behind(run: Run) -> None:
    before = {name for name in sys.modules if name.split(".")[0] == "pyspark"}
    run(
        "import pyspark.sql.functions as G\n"
        "from pyspark.sql.functions import col, lit\n"
        "from pyspark.sql.types import StringType\n"
        "from pyspark.sql.window import Window as W\n"
        "df = df.withColumn('r', G.upper(col('g'))).withColumn('s', lit(1).cast(StringType()))"
    )
    assert {name for name in sys.modules if name.split(".")[0] == "pyspark"} == before


def test_hidden_columns_stay_hidden_and_prints_go_to_the_log(
    builder: Any, write_csv: Any, tmp_path: Any, capsys: Any
) -> None:
    path = write_csv("data.csv", ["a", "b"], [(2, "x"), (1, "y")])
    code = "print(df.columns)\ndf.show(1)\ndf.printSchema()\n"
    builder.add("step", "sagemaker.spark.custom_pyspark_0.1", {"code": code}, [builder.source()])
    told: list[str] = []
    output = flow.Output("step", "default", tmp_path / "out")
    [written] = flow.execute(builder.read(), lambda _: [path], [output], progress=told.append)
    assert "  ['a', 'b']" in told
    assert "   |-- a: string" in told
    assert capsys.readouterr().out == ""
    assert written.paths[0].read_text() == "a,b\n2,x\n1,y\n"


def test_the_newer_spelling_of_custom_code(apply: Apply) -> None:
    parameters = {
        "operator": "Python (PySpark)",
        "pyspark_parameters": {"code": "df = df.filter(df.n > 5)"},
        "name": "only the high ones",
    }
    assert len(apply("sagemaker.spark.custom_code_0.1", parameters, SCHEMA, ROWS)) == 2


def test_what_holds_on_one_partition_only_is_said_in_the_log(
    builder: Any, write_csv: Any, tmp_path: Any
) -> None:
    path = write_csv("data.csv", ["a"], [(2,), (2,), (1,)])
    code = (
        "from pyspark.sql import functions as F\n"
        "df = df.withColumn('id', F.monotonically_increasing_id()).dropDuplicates(['a'])"
    )
    builder.add("step", "sagemaker.spark.custom_pyspark_0.1", {"code": code}, [builder.source()])
    told: list[str] = []
    output = flow.Output("step", "default", tmp_path / "out")
    [written] = flow.execute(builder.read(), lambda _: [path], [output], progress=told.append)
    assert [each.partition(",")[0] for each in told if "one partition" in each] == [
        "  Note: rows are numbered 0",
        "  Note: dropDuplicates keeps the first row of each group",
    ]
    assert written.paths[0].read_text() == "a,id\n1,2\n2,0\n"
