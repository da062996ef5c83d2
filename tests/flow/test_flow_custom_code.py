"""Custom code: pandas, SQL and user-defined functions; the order of rows; what a snippet may not do."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from helpers import flow
from helpers.flow.arrow_memory import in_arrow_memory
from helpers.flow.duckdb_engine import DuckDBRun
from helpers.flow.engine import evaluate
from helpers.flow.pandas_tables import as_arrow

Apply = Callable[..., pd.DataFrame]
custom = "sagemaker.spark.custom_code_0.1"
SCHEMA = {"k": "long", "g": "string", "x": "float", "n": "long"}
ROWS = [(3, "a", 1.5, 7), (1, "b", -2.5, -7), (2, "a", "", ""), (5, "", 2.675, 9), (4, "b", "NaN", 0)]


def cells(table: pd.DataFrame, name: str) -> list[Any]:
    """A column as a list, with None where there is nothing."""
    return [None if pd.isna(value) else value for value in table[name]]


@pytest.fixture
def pandas(apply: Apply) -> Callable[[str], pd.DataFrame]:
    return lambda code: apply("sagemaker.spark.custom_pandas_0.1", {"code": code}, SCHEMA, ROWS)


@pytest.fixture
def sql(apply: Apply) -> Callable[[str], pd.DataFrame]:
    def run(code: str) -> pd.DataFrame:
        parameters = {"operator": "SQL (PySpark SQL)", "sql_parameters": {"code": code}}
        return apply(custom, parameters, SCHEMA, ROWS)

    return run


@pytest.fixture
def function(apply: Apply) -> Callable[..., pd.DataFrame]:
    def run(**parameters: Any) -> pd.DataFrame:
        block = {"operator": "Python (User-Defined Function)", "udf_parameters": parameters}
        return apply(custom, block, SCHEMA, ROWS)

    return run


# pandas


def test_pandas_gets_the_types_of_toPandas_and_rows_keep_their_order(pandas: Any) -> None:
    table = pandas("df['kinds'] = ' '.join(str(kind) for kind in df.dtypes)\ndf = df[df.k > 1]")
    assert set(table["kinds"]) == {"int64 object float64 float64"}
    assert cells(table, "k") == [3, 2, 5, 4]
    assert cells(table, "g") == ["a", "a", None, "b"]


def test_columns_without_values_are_empty_texts_and_mixed_ones_are_texts(pandas: Any) -> None:
    code = "import numpy as np\ndf['e'] = None\ndf['f'] = np.nan\ndf['m'] = [1, 'a', None, 2.5, True]"
    table = pandas(code)
    assert cells(table, "e") == cells(table, "f") == [""] * 5
    assert cells(table, "m") == ["1", "a", "None", "2.5", "True"]


def test_numbers_come_back_as_wide_as_in_spark(apply: Apply, pandas: Any) -> None:
    table = pandas("df['i'] = df.k.astype('int8')\ndf['f'] = df.k.astype('float32')")
    assert [str(table[name].dtype) for name in ("k", "i", "n", "f")] == [
        "int64",
        "int64",
        "float64",
        "float64",
    ]
    dates = apply(
        "sagemaker.spark.custom_pandas_0.1",
        {"code": "import datetime as t\ndf['n'] = df['d'].apply(lambda d: (t.date(2020, 1, 3) - d).days)"},
        {"d": "date", "t": "datetime"},
        [("2020-01-01", "2020-01-01 10:00:00")],
    )
    assert cells(dates, "n") == [2]
    assert cells(dates, "d") == [pd.Timestamp("2020-01-01")]


def test_dummies_are_numbers(pandas: Any) -> None:
    table = pandas("import pandas as pd\ndf = pd.get_dummies(df)")
    assert cells(table, "g_a") == [1, 0, 1, 0, 0]
    before = pd.get_dummies(pd.Series(["a", "b"]))
    assert str(before["a"].dtype) == "bool"  # Outside of snippets pandas is as it was.


def test_a_snippet_that_leaves_no_rows_keeps_the_types(pandas: Any) -> None:
    table = pandas("df = df[df.k > 100]")
    assert len(table) == 0
    assert [str(kind) for kind in table.dtypes] == ["int64", "object", "float64", "int64"]


def test_a_snippet_of_comments_changes_nothing(pandas: Any) -> None:
    table = pandas("# Table is available as variable `df`\n")
    assert str(table["n"].dtype) == "Int64"
    assert cells(table, "n") == [7, -7, None, 9, 0]


def test_functions_of_a_snippet_see_its_imports(pandas: Any) -> None:
    table = pandas("import math\ndef up(x):\n    return math.floor(x) + 1\ndf['u'] = df.k.apply(up)")
    assert cells(table, "u") == [4, 2, 3, 6, 5]


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("x = 1\ndf['nope']", r"KeyError: 'nope' \(line 2: df\['nope'\]\)"),
        ("df = 3", "leaves 'df' as int"),
        ("df = (", "does not compile"),
        ("import sys\nsys.exit()", "SystemExit"),
        ("df.columns = ['a', 'a', 'b', 'c']", "called the same"),
        ("df = df[[]]", "without columns"),
        ("df['x'] = [object() for _ in df.k]", "cannot be a column"),
    ],
)
def test_what_goes_wrong_names_the_step_and_the_line(pandas: Any, code: str, says: str) -> None:
    with pytest.raises(flow.FlowError, match=says) as caught:
        pandas(code)
    assert str(caught.value).startswith("step (sagemaker.spark.custom_pandas_0.1)")


def test_the_newer_form_ignores_what_other_forms_left_behind(apply: Apply) -> None:
    parameters = {
        "operator": "Python (Pandas)",
        "pandas_parameters": {"code": "df = df.tail(1)"},
        "pyspark_parameters": {"code": "nonsense("},
        "name": "the last",
    }
    assert cells(apply(custom, parameters, SCHEMA, ROWS), "k") == [4]


def test_prints_go_to_the_log_of_the_run(builder: Any, write_csv: Any, tmp_path: Path, capsys: Any) -> None:
    path = write_csv("data.csv", ["a"], [(1,)])
    builder.add("step", "sagemaker.spark.custom_pandas_0.1", {"code": "print('hello')"}, [builder.source()])
    told: list[str] = []
    flow.execute(
        builder.read(), lambda _: [path], [flow.Output("step", "default", tmp_path)], progress=told.append
    )
    assert "  hello" in told
    assert capsys.readouterr().out == ""


# SQL


@pytest.mark.parametrize(
    ("query", "names", "rows"),
    [
        (
            "SELECT K, x * 2 AS d FROM df WHERE n > -100",
            ["K", "d"],
            [(3, 3.0), (1, -5.0), (5, 5.35), (4, None)],
        ),
        ("select g, k from df where k > 2;", ["g", "k"], [("a", 3), (None, 5), ("b", 4)]),
        ("SELECT k FROM df ORDER BY n", ["k"], [(2,), (1,), (4,), (3,), (5,)]),  # nulls first
        ("SELECT k FROM df ORDER BY n DESC", ["k"], [(5,), (3,), (4,), (1,), (2,)]),
        ("SELECT k FROM df LIMIT 2", ["k"], [(3,), (1,)]),
        ("SELECT k FROM (SELECT * FROM df ORDER BY g) ORDER BY 1 LIMIT 1", ["k"], [(1,)]),
        ("WITH a AS (SELECT k, n FROM df WHERE k < 4) SELECT k FROM a", ["k"], [(3,), (1,), (2,)]),
        (
            "SELECT g, count(*), sum(n), avg(n) AS m FROM df GROUP BY g",
            ["g", "count(1)", "sum(n)", "m"],
            [("a", 2, 7, 7.0), ("b", 2, -7, -3.5), (None, 1, 9, 9.0)],
        ),
        (
            "SELECT g, count(*) c FROM df GROUP BY g ORDER BY c, g DESC",
            ["g", "c"],
            [(None, 1), ("b", 2), ("a", 2)],
        ),
        ("SELECT a.k FROM df a JOIN df b ON a.n = b.n WHERE b.g = 'b'", ["k"], [(1,), (4,)]),
        ("SELECT k, n / 0 AS z FROM df WHERE k = 3", ["k", "z"], [(3, None)]),
        ("SELECT CAST('1.7' AS INT) AS i, 1 FROM df WHERE k = 3", ["i", "1"], [(1, 1)]),
        ("SELECT k FROM df WHERE n IN (SELECT max(n) FROM df)", ["k"], [(5,)]),
        (
            "SELECT k, rank() OVER (ORDER BY n) AS r FROM df",
            ["k", "r"],
            [(3, 4), (1, 2), (2, 1), (5, 5), (4, 3)],
        ),
    ],
)
def test_queries(sql: Any, query: str, names: list[str], rows: list[tuple[Any, ...]]) -> None:
    table = sql(query)
    assert list(table.columns) == names
    found = [tuple(None if pd.isna(cell) else cell for cell in row) for row in table.itertuples(index=False)]
    assert found == rows


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("SELECT * FROM other", "reads the table 'other'"),
        ("SELECT approx_percentile(x, 0.5) AS p FROM df", "approx_percentile.*--engine spark"),
        ("DROP TABLE df", "not one SELECT"),
        ("SELECT 1 FROM df; SELECT 2 FROM df", "not one SELECT"),
        ("SELECT rank() OVER (ORDER BY k) FROM df", "name in Spark is not known"),
        ("SELECT g FROM df GROUP BY g LIMIT 1", "no order"),
        ("SELECT FROM WHERE", "does not parse"),
        ("SELECT nothing AS x FROM df", "no column 'nothing'"),
        ("SELECT * FROM read_csv('/etc/passwd')", "reads the table|does not compute"),
    ],
)
def test_queries_that_are_refused(sql: Any, query: str, says: str) -> None:
    with pytest.raises(flow.FlowError, match=says) as caught:
        sql(query)
    assert "parameter 'code'" in str(caught.value)


# The order of rows through PySpark


@pytest.mark.parametrize(
    ("code", "keys"),
    [
        ("df = df.withColumn('y', F.col('n') + 1).filter('k > 1').drop('g')", [3, 2, 5, 4]),
        ("df = df.fillna(0).dropna(subset=['g'])", [3, 1, 2, 4]),
        ("df = df.select('k').withColumnRenamed('k', 'K').withColumnRenamed('K', 'k')", [3, 1, 2, 5, 4]),
        ("df = df.orderBy(F.desc('k')).withColumn('z', F.lit(1)).filter('k < 5')", [4, 3, 2, 1]),
        ("df = df.withColumn('z', F.sum('k').over(Window.partitionBy('g')))", [3, 1, 2, 5, 4]),
        ("df = df.distinct()", [1, 2, 3, 4, 5]),
        ("df = df.union(df).filter('k > 4')", [5, 5]),
        ("df = df.join(df.select('k'), on='k')", [1, 2, 3, 4, 5]),
    ],
)
def test_rows_keep_their_order_where_they_only_pass(apply: Apply, code: str, keys: list[int]) -> None:
    code = "from pyspark.sql import functions as F, Window\n" + code
    block = {"operator": "Python (PySpark)", "pyspark_parameters": {"code": code}}
    table = apply(custom, block, SCHEMA, ROWS)
    assert cells(table, "k") == keys
    assert not [name for name in table.columns if "flow" in name]


def test_rows_keep_the_order_of_a_join(builder: Any, write_csv: Any) -> None:
    left = write_csv("l.csv", ["k", "v"], [(2, "b"), (1, "a"), (2, "c")])
    right = write_csv("r.csv", ["k", "w"], [(2, "y"), (1, "x"), (2, "z")])
    keys = {"left_column": "k", "right_column": "k", "join_type": "inner"}
    join = builder.add(
        "j", "sagemaker.spark.join_tables_0.1", keys, [builder.source("l.csv"), builder.source("r.csv")]
    )
    builder.add("step", "sagemaker.spark.custom_pyspark_0.1", {"code": "df = df.select('v', 'w')"}, [join])
    table = flow.preview(builder.read(), "step", {"l.csv": left, "r.csv": right})
    assert list(zip(table.v, table.w, strict=True)) == [
        ("b", "y"),
        ("b", "z"),
        ("a", "x"),
        ("c", "y"),
        ("c", "z"),
    ]


# User-defined functions


def test_functions_of_a_series(function: Any) -> None:
    code = "import pandas as pd\ndef custom_func(series: pd.Series) -> pd.Series:\n    return series * 2"
    table = function(udf_mode="Pandas", input_col="x", output_col="y", return_type="float", pandas_code=code)
    assert list(table.columns) == ["k", "g", "x", "n", "y"]
    assert cells(table, "y") == [3.0, -5.0, None, 5.35, None]
    table = function(udf_mode="Pandas", input_col="k", output_col="k", return_type="long", pandas_code=code)
    assert (list(table.columns), cells(table, "k")) == (["k", "g", "x", "n"], [6, 2, 4, 10, 8])


def test_functions_of_a_value(function: Any) -> None:
    code = "def custom_func(value):\n    return value and value.upper()"
    table = function(udf_mode="Python", input_col="g", output_col="", return_type="string", python_code=code)
    assert cells(table, "g") == ["A", "B", "A", None, "B"]


@pytest.mark.parametrize(
    ("kind", "returned", "expected"),
    [
        ("long", "1.5", None),  # Spark's Python functions convert nothing: another type is null
        ("float", "1", None),
        ("string", "1", "1"),
        ("string", "True", "true"),
        ("bool", "1", None),
        ("date", "__import__('datetime').date(2020, 1, 2)", pd.Timestamp("2020-01-02")),
        ("timestamp", "__import__('datetime').datetime(2020, 1, 2, 3)", pd.Timestamp("2020-01-02 03:00")),
    ],
)
def test_what_a_function_of_a_value_returns(function: Any, kind: str, returned: str, expected: Any) -> None:
    code = f"def custom_func(value):\n    return {returned}"
    table = function(udf_mode="Python", input_col="k", output_col="y", return_type=kind, python_code=code)
    assert cells(table, "y") == [expected] * 5


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"pandas_code": "def custom_func(s):\n    return 1"}, "returns int, not a pandas series"),
        ({"pandas_code": "def custom_func(s):\n    return s[:1]"}, "returns 1 values for 5"),
        (
            {"pandas_code": "def custom_func(s):\n    return s / nothing"},
            r"NameError.*line 2: return s / nothing",
        ),
        ({"pandas_code": "x = 1"}, "no function custom_func"),
        ({"pandas_code": "def custom_func(s): return s", "input_col": "zz"}, "no column 'zz'"),
        ({"pandas_code": "def custom_func(s): return s", "return_type": "image"}, "return_type"),
        ({"pandas_code": "", "udf_mode": "Pandas"}, "'pandas_code' is missing"),
        ({"pandas_code": "def custom_func(s): return s.map(str)", "return_type": "long"}, "not int64"),
    ],
)
def test_functions_that_do_not_work(function: Any, parameters: dict[str, Any], says: str) -> None:
    parameters = {"input_col": "x", "output_col": "y", "return_type": "float", **parameters}
    with pytest.raises(flow.FlowError, match=says):
        function(**parameters)


# Time


@pytest.mark.parametrize(
    ("operator", "code"),
    [
        ("sagemaker.spark.custom_pandas_0.1", "while True:\n    pass"),
        ("sagemaker.spark.custom_pandas_0.1", "import time\ntime.sleep(60)"),
        (
            "sagemaker.spark.custom_pandas_0.1",
            "while True:\n    try:\n        pass\n    except Exception:\n        pass",
        ),
        ("sagemaker.spark.custom_pyspark_0.1", "while True:\n    df.columns"),
    ],
)
def test_code_that_runs_too_long_is_stopped(builder: Any, write_csv: Any, operator: str, code: str) -> None:
    path = write_csv("data.csv", ["a"], [(1,)])
    builder.add("step", operator, {"code": code}, [builder.source()])
    started = time.monotonic()
    with (
        pytest.raises(flow.FlowError, match=r"step \(.*more than 0\.5 seconds.*--node-time-limit"),
        DuckDBRun(lambda _: [path], node_time_limit=0.5) as run,
    ):
        evaluate(builder.read(), run, [("step", "default")])
    assert time.monotonic() - started < 10


def test_queries_that_run_too_long_are_stopped(builder: Any, write_csv: Any) -> None:
    path = write_csv("data.csv", ["a"], [(number,) for number in range(3000)])
    query = "SELECT count(*) AS c FROM df x JOIN df y ON x.a <> y.a JOIN df z ON x.a <> z.a AND y.a < z.a"
    builder.add(
        "step",
        custom,
        {"operator": "SQL (PySpark SQL)", "sql_parameters": {"code": query}},
        [builder.source()],
    )
    with (
        pytest.raises(flow.FlowError, match=r"more than 0\.5 seconds"),
        DuckDBRun(lambda _: [path], node_time_limit=0.5) as run,
    ):
        evaluate(builder.read(), run, [("step", "default")])


def test_a_date_stays_a_date(apply: Apply) -> None:
    code = "def custom_func(value):\n    return value.year"
    parameters = {
        "input_col": "d",
        "output_col": "y",
        "return_type": "long",
        "udf_mode": "Python",
        "python_code": code,
    }
    block = {"operator": "Python (User-Defined Function)", "udf_parameters": parameters}
    table = apply(custom, block, {"d": "date"}, [(datetime.date(2021, 5, 6),)])
    assert cells(table, "y") == [2021]


def test_code_that_hears_nothing_ends_with_its_process(builder: Any, write_csv: Any, tmp_path: Path) -> None:
    path = write_csv("data.csv", ["a"], [(1,)])
    code = "import re\nre.match('(a+)+$', 'a' * 40 + 'b')"  # Years in one call
    builder.add("step", "sagemaker.spark.custom_pandas_0.1", {"code": code}, [builder.source()])
    with pytest.raises(flow.FlowError, match=r"^step \(.*more than 0\.3 seconds"):
        flow.run(builder.read(), {"data.csv": path}, tmp_path / "out", time_limit=60, node_time_limit=0.3)
    assert not (tmp_path / "out").exists()


def test_tables_of_pandas_do_not_lean_on_numpy_memory() -> None:
    """A thread of Arrow that frees NumPy's memory while Python ends would abort the process."""
    numbers = np.arange(5.0)
    table = as_arrow(pd.DataFrame({"a": numbers, "b": ["x", None, "y", "", "z"]}))
    assert table.to_pydict() == {"a": [0.0, 1.0, 2.0, 3.0, 4.0], "b": ["x", None, "y", "", "z"]}
    assert pa.array(numbers).buffers()[1].address == numbers.ctypes.data  # what it would lean on
    assert table["a"].chunk(0).buffers()[1].address != numbers.ctypes.data
    empty = in_arrow_memory(pa.table({"a": pa.chunked_array([], pa.list_(pa.int64()))}))
    assert empty.num_rows == 0 and empty.schema.field("a").type == pa.list_(pa.int64())
