# ruff: noqa: E501
"""What custom code gives on DuckDB, held against Apache Spark cell by cell: values, types and names of columns.

One table of cases a kind of code: expressions of PySpark, formulas (Spark SQL expressions), snippets, queries.
Each case is `equal` (DuckDB gives what Spark gives) or refused by name: a case that stops agreeing fails, and
so does a refusal that is no longer needed.
"""

from __future__ import annotations

import datetime
import decimal
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from helpers.flow.duckdb_engine import DuckDBRun
from helpers.flow.errors import OperatorError
from helpers.flow.frame import Frame
from helpers.flow.spark_on_duckdb.custom_code import run_pyspark, run_sql
from helpers.flow.spark_on_duckdb.formulas import to_duckdb
from helpers.flow.spark_on_duckdb.pyspark.data_frame import DataFrame
from helpers.flow.spark_on_duckdb.pyspark.modules import SparkSession, pretended_pyspark
from helpers.flow.spark_on_duckdb.pyspark.udfs import registrar
from helpers.flow.spark_on_duckdb.relations import relation_of
from helpers.flow.spark_on_duckdb.types import duckdb_type
from helpers.flow.spark_on_duckdb.workspace import Workspace

NAN = float("nan")
INF = float("inf")
DAY, MOMENT = datetime.date, datetime.datetime
SCHEMA = pa.schema(
    [
        ("k", pa.int64()),
        ("g", pa.string()),
        ("x", pa.float64()),
        ("n", pa.int64()),
        ("i", pa.int32()),
        ("t", pa.string()),
        ("d", pa.date32()),
        ("ts", pa.timestamp("us")),
        ("b", pa.bool_()),
        ("Order", pa.string()),
        ("a b", pa.float64()),
        ("m", pa.decimal128(10, 2)),
    ]
)
DEC = decimal.Decimal
ROWS: list[tuple[Any, ...]] = [
    (1, "a", 1.5, 7, 3, "1.7", DAY(2020, 1, 31), MOMENT(2020, 1, 31, 13, 4, 5, 250000), True, "x,y", 0.5, DEC("1.25")),
    (2, "b", -2.5, -7, -3, "abc", DAY(2019, 12, 29), MOMENT(2019, 12, 29), False, "Hello wORLD", -0.0, DEC("-1.35")),
    (3, "a", None, None, None, "1e3", None, None, None, None, None, None),
    (4, None, 2.675, 9, 2147483647, "1_000", DAY(2024, 2, 29), MOMENT(2024, 2, 29, 23, 59, 59), True, "", 1.005, DEC("0.00")),
    (5, "b", NAN, 0, 0, "  42 ", DAY(1970, 1, 1), MOMENT(1969, 12, 31, 23, 59, 59, 500000), False, "a1b22c", NAN, DEC("99.99")),
    (6, "c", 1e20, 9223372036854775807, 5, "true", DAY(2021, 1, 3), MOMENT(2021, 1, 3, 0, 30), None, "  pad ", 3.0, DEC("5.00")),
    (7, "c", 1e-7, 5, -2147483648, "2020-02-30", DAY(2000, 3, 1), MOMENT(2000, 3, 1, 12), True, "Straße", -7.5, None),
    (8, "a", 0.0, 12, 12, "2020-1-5", DAY(2020, 12, 31), MOMENT(2020, 12, 31, 1, 2, 3), False, "50%_x\\y", INF, DEC("2.50")),
]  # fmt: skip
equal = "equal"

EXPRESSIONS: list[tuple[str, str]] = [
    # columns and literals
    ("F.col('x')", equal),
    ("df.x", equal),
    ("df['x']", equal),
    ("F.col('X')", equal),
    ("df.Order", equal),
    ("F.col('order')", equal),
    ("F.col('a b')", equal),
    ("F.col('`a b`')", equal),
    ("F.lit(1)", equal),
    ("F.lit(2**40)", equal),
    ("F.lit(1.5)", equal),
    ("F.lit('text')", equal),
    ("F.lit(True)", equal),
    ("F.lit(None).cast('string')", equal),
    # arithmetic
    ("F.col('x') + 1", equal),
    ("1 - F.col('x')", equal),
    ("F.col('n') + 1", equal),
    ("F.col('n') * 2", equal),
    ("F.col('n') - F.col('i')", equal),
    ("F.col('i') + F.col('i')", equal),
    ("F.col('i') * 3", equal),
    ("F.col('i') * 3000000000", equal),
    ("-F.col('i')", equal),
    ("-F.col('x')", equal),
    ("F.col('n') / 2", equal),
    ("F.col('x') / F.lit(0)", equal),
    ("F.col('n') / F.col('i')", equal),
    ("F.lit(1) / F.col('x')", equal),
    ("F.col('n') % 4", equal),
    ("F.col('n') % 0", equal),
    ("F.col('x') % 2", equal),
    ("F.col('x') ** 2", equal),
    ("F.col('t') + 1", equal),
    ("F.col('t') * F.col('x')", equal),
    ("F.col('m') + F.col('m')", equal),
    ("F.col('m') * 2", equal),
    ("F.col('m') * F.col('n')", equal),
    ("F.col('m') / 3", equal),
    ("F.col('m') * F.col('x')", equal),
    ("F.col('b') + 1", "between boolean and int"),
    ("F.col('d') + 1", equal),
    ("F.col('ts') - F.col('ts')", "timestamp - timestamp"),
    # comparisons and truth
    ("F.col('x') == 1.5", equal),
    ("F.col('x') != 1.5", equal),
    ("F.col('x') > F.col('n')", equal),
    ("F.col('x') >= float('nan')", equal),
    ("F.col('n').eqNullSafe(None)", equal),
    ("F.col('n').eqNullSafe(7)", equal),
    ("F.col('t') == 1", equal),
    ("F.col('t') > 1.5", equal),
    ("F.col('t') == F.col('n')", equal),
    ("F.col('d') == '2020-01-31'", equal),
    ("F.col('d') >= F.lit('2020')", equal),
    ("F.col('ts') >= '2020-01-01 00:00:00'", equal),
    ("F.col('ts') < '2020-02'", equal),
    ("F.col('ts') > F.col('d')", equal),
    ("F.col('b') & (F.col('x') > 1)", equal),
    ("F.col('b') | (F.col('x') > 1)", equal),
    ("~F.col('b')", equal),
    ("F.col('b') == True", equal),
    ("F.col('b') == 1", "boolean"),
    ("F.col('m') > 1.3", equal),
    ("F.col('m') == '1.25'", equal),
    ("F.col('x').between(0, 2)", equal),
    ("F.col('g').isin('a', 'b')", equal),
    ("F.col('g').isin(['a', None])", equal),
    ("~F.col('g').isin('a', 'b')", equal),
    ("F.col('n').isin(7, 9.0)", equal),
    ("F.col('n').isin('7', '9')", equal),
    ("F.col('g').isNull()", equal),
    ("F.col('x').isNotNull()", equal),
    ("F.isnull('x')", equal),
    ("F.isnan('x')", equal),
    ("F.isnan('n')", equal),
    # casts
    ("F.col('x').cast('int')", equal),
    ("F.col('x').cast('long')", equal),
    ("F.col('x').cast('smallint')", equal),
    ("F.col('x').cast('tinyint')", equal),
    ("F.col('x').cast('float')", equal),
    ("F.col('x').cast('string')", equal),
    ("F.col('x').cast('boolean')", equal),
    ("F.col('x').cast('decimal(10,2)')", equal),
    ("F.col('n').cast('int')", equal),
    ("F.col('n').cast('smallint')", equal),
    ("F.col('n').cast('byte')", equal),
    ("F.col('n').cast('double')", equal),
    ("F.col('n').cast('string')", equal),
    ("F.col('n').cast('decimal(5,1)')", equal),
    ("F.col('i').cast('timestamp')", equal),
    ("F.col('i').cast('bigint')", equal),
    ("F.col('t').cast('int')", equal),
    ("F.col('t').cast('bigint')", equal),
    ("F.col('t').cast('double')", equal),
    ("F.col('t').cast('float')", equal),
    ("F.col('t').cast('boolean')", equal),
    ("F.col('t').cast('date')", equal),
    ("F.col('t').cast('timestamp')", equal),
    ("F.col('t').cast('decimal(6,1)')", equal),
    ("F.col('t').cast('tinyint')", equal),
    ("F.col('b').cast('int')", equal),
    ("F.col('b').cast('double')", equal),
    ("F.col('b').cast('string')", equal),
    ("F.col('d').cast('string')", equal),
    ("F.col('d').cast('timestamp')", equal),
    ("F.col('d').cast('int')", "cast of date to int"),
    ("F.col('ts').cast('string')", equal),
    ("F.col('ts').cast('date')", equal),
    ("F.col('ts').cast('long')", equal),
    ("F.col('ts').cast('int')", equal),
    ("F.col('ts').cast('double')", equal),
    ("F.col('m').cast('int')", equal),
    ("F.col('m').cast('double')", equal),
    ("F.col('m').cast('string')", equal),
    ("F.col('m').cast('decimal(4,1)')", equal),
    ("F.col('x').cast('binary')", "binary"),
    # cases and nulls
    ("F.when(F.col('n') > 5, 'hi').when(F.col('n') < 0, 'neg').otherwise('lo')", equal),
    ("F.when(F.col('n') > 5, 1)", equal),
    ("F.when(F.col('n') > 5, 1).otherwise(0.5)", equal),
    ("F.when(F.col('b'), F.col('n')).otherwise(F.col('t'))", equal),
    ("F.coalesce('n', F.lit(-1))", equal),
    ("F.coalesce('x', 'n')", equal),
    ("F.coalesce('t', 'n')", equal),
    ("F.nanvl('x', F.lit(0.0))", equal),
    ("F.greatest('x', 'n')", equal),
    ("F.least('x', 'n', F.lit(2))", equal),
    ("F.nvl('x', F.lit(0.0))", equal),
    ("F.nullif('n', 'i')", equal),
    ("F.ifnull('g', F.lit('none'))", equal),
    # numbers
    ("F.abs('x')", equal),
    ("F.abs('i')", equal),
    ("F.abs('n')", equal),
    ("F.round('x')", equal),
    ("F.round('x', 2)", equal),
    ("F.round('a b', 2)", equal),
    ("F.round('m', 1)", equal),
    ("F.round('n', 1)", equal),
    ("F.round('n', -1)", "to -1 places"),
    ("F.bround('x', 0)", equal),
    ("F.bround('a b', 1)", equal),
    ("F.rint('x')", equal),
    ("F.floor('x')", equal),
    ("F.ceil('x')", equal),
    ("F.floor('n')", equal),
    ("F.ceil('m')", equal),
    ("F.sqrt('x')", equal),
    ("F.sqrt('n')", equal),
    ("F.cbrt('x')", equal),
    ("F.exp('a b')", equal),
    ("F.expm1('a b')", equal),
    ("F.log('x')", equal),
    ("F.log(2.0, 'x')", equal),
    ("F.log10('x')", equal),
    ("F.log2('x')", equal),
    ("F.log1p('x')", equal),
    ("F.log1p('a b')", equal),
    ("F.pow('x', 2)", equal),
    ("F.pow('a b', F.lit(0.5))", equal),
    ("F.pow('x', 'i')", equal),
    ("F.sin('x')", equal),
    ("F.cos('a b')", equal),
    ("F.tan('x')", equal),
    ("F.asin('a b')", equal),
    ("F.acos('a b')", equal),
    ("F.atan('x')", equal),
    ("F.atan2('x', 'a b')", equal),
    ("F.sinh('a b')", equal),
    ("F.tanh('x')", equal),
    ("F.degrees('x')", equal),
    ("F.radians('a b')", equal),
    ("F.hypot('x', 'a b')", equal),
    ("F.signum('x')", equal),
    ("F.pmod('n', F.lit(4))", equal),
    ("F.factorial('i')", equal),
    ("F.hex('n')", "functions.hex"),
    ("F.rand(1)", "functions.rand"),
    ("F.conv('t', 10, 2)", "functions.conv"),
    # texts
    ("F.upper('Order')", equal),
    ("F.lower('Order')", equal),
    ("F.initcap('Order')", equal),
    ("F.length('Order')", equal),
    ("F.trim('Order')", equal),
    ("F.ltrim('Order')", equal),
    ("F.rtrim('Order')", equal),
    ("F.concat('g', F.lit('-'), 't')", equal),
    ("F.concat('g', 'n')", equal),
    ("F.concat('x', 'b', 'd')", equal),
    ("F.concat_ws('-', 'g', 't', 'Order')", equal),
    ("F.concat_ws('-', 'g', 'n')", equal),
    ("F.substring('Order', 2, 3)", equal),
    ("F.substring('Order', 0, 2)", equal),
    ("F.substring('Order', -3, 2)", equal),
    ("F.substring('Order', -9, 7)", equal),
    ("F.col('Order').substr(1, 2)", equal),
    ("F.instr('Order', 'l')", equal),
    ("F.locate('l', 'Order')", equal),
    ("F.lpad('g', 3, '*')", equal),
    ("F.rpad('Order', 4, 'ab')", equal),
    ("F.repeat('g', 2)", equal),
    ("F.reverse('Order')", equal),
    ("F.translate('Order', 'elo', 'ip')", equal),
    ("F.replace('Order', F.lit('l'), F.lit('L'))", equal),
    ("F.regexp_replace('Order', '[0-9]+', '#')", equal),
    ("F.regexp_replace('Order', '([a-z])([0-9])', '$2$1')", equal),
    ("F.regexp_replace('Order', 'x*', '-')", "with the pattern"),
    ("F.regexp_extract('Order', '([a-z])([0-9]+)', 2)", equal),
    ("F.regexp_extract('Order', '[0-9]+', 0)", equal),
    ("F.regexp_extract('Order', '(?<=a)1', 0)", "with the pattern"),
    ("F.split('Order', ',')", equal),
    ("F.split('Order', ',')[0]", equal),
    ("F.split('Order', ',').getItem(1)", equal),
    ("F.split('Order', ',').getItem(-1)", equal),
    ("F.split('Order', '[0-9]+')", equal),
    ("F.split('Order', '[,%]')", equal),
    ("F.split('Order', '\\\\\\\\')", equal),
    ("F.split('Order', ',', 1)", "split with a limit"),
    ("F.size(F.split('Order', ','))", equal),
    ("F.col('Order').startswith('Hell')", equal),
    ("F.col('Order').endswith('d')", equal),
    ("F.col('Order').contains('l')", equal),
    ("F.col('Order').like('H%')", equal),
    ("F.col('Order').like('50\\\\%%')", equal),
    ("F.col('Order').ilike('h%')", equal),
    ("F.col('Order').rlike('[0-9]')", equal),
    ("F.ascii('Order')", equal),
    ("F.md5('g')", equal),
    ("F.sha1('g')", equal),
    ("F.sha2('g', 256)", equal),
    ("F.sha2('g', 512)", "256 bits"),
    ("F.levenshtein('g', 't')", equal),
    ("F.substring_index('Order', 'l', 1)", equal),
    ("F.substring_index('Order', 'l', -2)", equal),
    ("F.soundex('g')", "functions.soundex"),
    ("F.format_number('x', 2)", "functions.format_number"),
    ("F.base64('g')", "functions.base64"),
    ("F.hash('g')", "functions.hash"),
    # dates
    ("F.year('d')", equal),
    ("F.month('d')", equal),
    ("F.dayofmonth('ts')", equal),
    ("F.dayofweek('d')", equal),
    ("F.dayofyear('d')", equal),
    ("F.weekofyear('d')", equal),
    ("F.weekday('d')", equal),
    ("F.quarter('ts')", equal),
    ("F.year('t')", equal),
    ("F.hour('ts')", equal),
    ("F.minute('ts')", equal),
    ("F.second('ts')", equal),
    ("F.hour('d')", equal),
    ("F.last_day('d')", equal),
    ("F.next_day('d', 'Sun')", equal),
    ("F.date_add('d', 3)", equal),
    ("F.date_add('ts', -3)", equal),
    ("F.date_sub('d', 31)", equal),
    ("F.datediff('d', F.lit('2020-01-01'))", equal),
    ("F.datediff('ts', 'd')", equal),
    ("F.add_months('d', 1)", equal),
    ("F.months_between('ts', 'd')", equal),
    ("F.months_between('d', F.lit('2020-01-15'))", equal),
    ("F.trunc('d', 'month')", equal),
    ("F.trunc('d', 'week')", equal),
    ("F.trunc('d', 'nonsense')", equal),
    ("F.date_trunc('hour', 'ts')", equal),
    ("F.date_trunc('month', 'd')", equal),
    ("F.date_trunc('week', 'ts')", equal),
    ("F.date_trunc('quarter', 'ts')", equal),
    ("F.date_trunc('minute', 'ts')", equal),
    ("F.to_date('t')", equal),
    ("F.to_date('t', 'yyyy-M-d')", equal),
    ("F.to_date('ts')", equal),
    ("F.to_timestamp('t')", equal),
    ("F.to_timestamp('t', 'yyyy-MM-dd')", equal),
    ("F.to_date(F.lit('05/03/2021'), 'dd/MM/yyyy')", equal),
    ("F.to_date(F.lit('5/3/2021'), 'dd/MM/yyyy')", equal),
    ("F.to_timestamp(F.lit('05Mar2021 1:02 PM'), 'ddMMMyyyy h:mm a')", equal),
    ("F.to_timestamp(F.lit('2021-03-05T01:02:03.5'), \"yyyy-MM-dd'T'HH:mm:ss.S\")", equal),
    ("F.to_date(F.lit('21-03-05'), 'yy-MM-dd')", "reading dates"),
    ("F.date_format('ts', 'yyyy-MM-dd HH:mm:ss')", equal),
    ("F.date_format('d', 'd MMM yy')", equal),
    ("F.date_format('ts', 'EEE h:mm a')", equal),
    ("F.date_format('ts', 'EEEE, MMMM d')", equal),
    ("F.date_format('ts', 'Q')", "date pattern"),
    ("F.unix_timestamp('ts')", equal),
    ("F.unix_timestamp('t')", equal),
    ("F.unix_timestamp('t', 'yyyy-M-d')", equal),
    ("F.unix_timestamp('d')", equal),
    ("F.from_unixtime('i')", equal),
    ("F.from_unixtime('i', 'yyyy')", equal),
    ("F.make_date(F.lit(2020), 'i', F.lit(1))", equal),
    ("F.timestamp_seconds('i')", equal),
    ("F.current_timestamp().isNotNull()", equal),
    # windows
    ("F.row_number().over(W.orderBy('k')).alias('r')", equal),
    ("F.row_number().over(W.partitionBy('g').orderBy('b', 'k')).alias('r')", equal),
    ("F.rank().over(W.orderBy('g')).alias('r')", equal),
    ("F.dense_rank().over(W.orderBy(F.desc('g'))).alias('r')", equal),
    ("F.percent_rank().over(W.orderBy('n')).alias('r')", equal),
    ("F.cume_dist().over(W.orderBy('n')).alias('r')", equal),
    ("F.ntile(3).over(W.orderBy('n')).alias('r')", equal),
    ("F.lag('n').over(W.partitionBy('g').orderBy('k')).alias('r')", equal),
    ("F.lag('n', 2, 0).over(W.orderBy('k')).alias('r')", equal),
    ("F.lead('t', 1, 'none').over(W.orderBy(F.col('k').desc())).alias('r')", equal),
    ("F.sum('i').over(W.partitionBy('g')).alias('r')", equal),
    ("F.sum('n').over(W.orderBy('k')).alias('r')", equal),
    ("F.avg('x').over(W.partitionBy('g').orderBy('k').rowsBetween(-1, 0)).alias('r')", equal),
    ("F.count('n').over(W.partitionBy([F.col('g'), F.col('b')])).alias('r')", equal),
    ("F.max('x').over(W.partitionBy('g')).alias('r')", equal),
    ("F.first('t').over(W.partitionBy('g').orderBy('k')).alias('r')", equal),
    ("F.last('n', True).over(W.orderBy('k').rowsBetween(W.unboundedPreceding, 0)).alias('r')", equal),
    ("F.stddev('i').over(W.partitionBy('g')).alias('r')", equal),
    ("(F.col('i') - F.avg('i').over(W.partitionBy('g'))).alias('r')", equal),
    ("F.sum('x').over(W.orderBy('k').rangeBetween(-1, 0)).alias('r')", "rangeBetween"),
    ("F.row_number().over(W.partitionBy('g')).alias('r')", "without an order"),
    ("F.monotonically_increasing_id()", equal),
    ("F.monotonically_increasing_id() + 1000", equal),
    # Python functions, SQL, others
    ("F.udf(lambda value: None if value is None else value * 2, 'bigint')('i').alias('r')", equal),
    ("F.udf(lambda value: str(value))('x').alias('r')", equal),
    ("F.udf(lambda a, b: (a or '') + (b or ''))('g', 't').alias('r')", equal),
    ("F.udf(lambda value: 1, 'double')('x').alias('r')", equal),
    ("F.udf(lambda value: value and value.year, 'int')('ts').alias('r')", equal),
    ("F.expr('x + 1')", equal),
    ("F.expr('upper(g) as u')", equal),
    ("F.array('n', 'k')[0]", equal),
    ("F.array_contains(F.split('Order', ','), 'x')", equal),
    ("F.explode(F.split('Order', ','))", "functions.explode"),
    ("F.struct('k', 'g')", "functions.struct"),
    ("F.pandas_udf(lambda s: s, 'double')('x')", "functions.pandas_udf"),
]

FORMULAS: list[tuple[str, str]] = [
    ("0.3 * x + 0.1 * k", equal),
    ("0.3 * k", equal),
    ("k / 0.5", equal),
    ("k * 0.1 + 1", equal),
    ("m / 0.3", equal),
    ("m - 0.125", equal),
    ("m % 0.4", equal),
    ("m * 1e0", equal),
    ("1.5D + k", equal),
    ("n + 1", equal),
    ("n div 2", equal),
    ("i % 2 = 0", equal),
    ("x / 0", equal),
    ("-i", equal),
    ("100L * i", equal),
    ("CASE WHEN x > 1 THEN 'big' WHEN x < 0 THEN 'neg' ELSE 'small' END", equal),
    ("CASE g WHEN 'a' THEN 1 WHEN 'b' THEN 2 END", equal),
    ("if(x > 1, 'big', 'small')", equal),
    ("nvl(x, 0)", equal),
    ("nvl(n, 0.5)", equal),
    ("nvl2(g, 1, 0)", equal),
    ("nullif(k, 3)", equal),
    ("ifnull(g, 'none')", equal),
    ("coalesce(g, t, 'z')", equal),
    ("concat(g, ' is ', t)", equal),
    ("g || '-' || k", equal),
    ("concat_ws(', ', g, t, k)", equal),
    ("substring(Order, 2)", equal),
    ("substr(Order, 2, 2)", equal),
    ("left(Order, 2)", equal),
    ("right(Order, 2)", equal),
    ("upper(trim(Order))", equal),
    ("trim(BOTH 'x' FROM Order)", equal),
    ("trim(LEADING 'H' FROM Order)", equal),
    ("lpad(g, 3, '0')", equal),
    ("replace(Order, 'l', '')", equal),
    ("regexp_replace(Order, '[^a-z]', '')", equal),
    ("regexp_replace(Order, '\\\\d+', '#')", equal),
    ("regexp_replace(Order, '\\d+', '#')", "drops the backslash"),
    ("regexp_extract(Order, '([0-9]+)')", equal),
    ("split(Order, ',')[0]", equal),
    ("split(Order, ',')[5]", equal),
    ("size(split(Order, ','))", equal),
    ("Order rlike '^[a-z]'", equal),
    ("Order LIKE 'H%'", equal),
    ("Order NOT LIKE 'H%'", equal),
    ("g IN ('a', 'b')", equal),
    ("g NOT IN ('a')", equal),
    ("k BETWEEN 2 AND 4", equal),
    ("x IS NULL OR isnan(x)", equal),
    ("g IS NOT NULL AND NOT b", equal),
    ("b IS TRUE", equal),
    ("g <=> NULL", equal),
    ("k = '3'", equal),
    ("d > '2020'", equal),
    ("d = date '2020-01-31'", equal),
    ("ts >= timestamp '2020-01-01 00:00:00'", equal),
    ("CAST(t AS INT)", equal),
    ("int(t)", "the function int"),
    ("TRY_CAST(t AS DOUBLE)", equal),
    ("CAST(x AS DECIMAL(10, 3))", equal),
    ("CAST(k AS STRING)", equal),
    ("round(x, 1)", equal),
    ("round(x)", equal),
    ("bround(2.5D * k)", equal),
    ("round(1.005D, 2)", equal),
    ("floor(x)", equal),
    ("ceil(x * 2)", equal),
    ("ceiling(m)", equal),
    ("sqrt(k)", equal),
    ("log(k)", equal),
    ("ln(x)", equal),
    ("log(2, k)", equal),
    ("log10(k)", equal),
    ("log1p(k)", equal),
    ("exp(k)", equal),
    ("pow(k, 2)", equal),
    ("power(x, 0.5)", equal),
    ("mod(k, 3)", equal),
    ("pmod(-k, 3)", equal),
    ("abs(n)", equal),
    ("sign(x)", equal),
    ("greatest(k, 3)", equal),
    ("least(x, 0)", equal),
    ("pi() * k", equal),
    ("year(d)", equal),
    ("month(ts)", equal),
    ("day(d)", equal),
    ("extract(year FROM d)", equal),
    ("extract(second FROM ts)", "extract(second"),
    ("dayofweek(d)", equal),
    ("hour(ts)", equal),
    ("datediff(d, '2020-01-01')", equal),
    ("date_add(d, 7)", equal),
    ("d + 7", equal),
    ("d - d", "date - date"),
    ("ts + interval 1 day", "INTERVAL"),
    ("add_months(d, -1)", equal),
    ("months_between(d, '2019-12-29')", equal),
    ("date_format(ts, 'yyyyMMdd')", equal),
    ("to_date(t, 'yyyy-M-d')", equal),
    ("to_timestamp(t)", equal),
    ("unix_timestamp(ts)", equal),
    ("from_unixtime(i)", equal),
    ("date_trunc('MONTH', ts)", equal),
    ("trunc(d, 'YEAR')", equal),
    ("last_day(d)", equal),
    ("`a b` + 1", equal),
    ("`Order`", equal),
    ("ORDER", equal),
    ("initcap(lower(Order))", equal),
    ("length(Order) > 3", equal),
    ("char_length(Order)", equal),
    ("instr(Order, 'l')", equal),
    ("locate('l', Order)", equal),
    ("md5(g)", equal),
    ("reverse(g)", equal),
    ("array(k, n)[1]", "ARRAY(1)"),
    ("array_contains(split(Order, ','), 'y')", equal),
    ("(x > 1) AND (n < 10 OR b)", equal),
    ("NULL", equal),
    ("'text'", equal),
    ("true", equal),
    ("9223372036854775807 + k", equal),
    ("2147483647 + 1", equal),
    ("rand()", "the function rand"),
    ("uuid()", "the function uuid"),
    ("transform(array(1), v -> v)", "TRANSFORM"),
    ("avg(x)", "other rows"),
]

SNIPPETS: list[tuple[str, str]] = [
    ("df = df.select('k', 'X', df.g)", equal),
    ("df = df.select('*', (df.x * 2).alias('y'))", equal),
    ("df = df.select(['k', 'g'])", equal),
    ("df = df.withColumn('x', F.col('x') + 1).withColumn('new', F.lit('a'))", equal),
    ("df = df.withColumn('X', F.col('x') + 1)", equal),
    ("df = df.withColumns({'p': df.k + 1, 'q': df.k * 2})", equal),
    ("df = df.withColumnRenamed('g', 'Group').withColumnRenamed('nothing', 'y')", equal),
    ("df = df.withColumnsRenamed({'g': 'select', 'k': 'from'}).filter(F.col('from') > 2)", equal),
    ("for name in df.columns:\n    df = df.withColumnRenamed(name, name.replace(' ', '_'))", equal),
    ("df = df.drop('x', 'nothing').drop(df.n)", equal),
    ("df = df.toDF(*[f'c{place}' for place in range(len(df.columns))])", equal),
    ("df = df.selectExpr('k', 'x * 2 as y', 'upper(g) as G')", equal),
    ("df = df.selectExpr('*', 'k + 1')", equal),
    ("df = df.selectExpr('CAST(t AS INT)', 'k as z', 'round(x)')", equal),
    ("df = df.select(df.k.cast('string').cast('int'), F.col('x').cast('int') + 1)", equal),
    ("df = df.filter(df.k > 3)", equal),
    ("df = df.filter('k > 3 and g is not null')", equal),
    ("df = df.where((F.col('x') > 0) & (F.col('n') > 0))", equal),
    ("df = df[df.b]", equal),
    ("df = df[['k', 'g']]", equal),
    ("df = df.orderBy('n').select('k', 'n')", equal),
    ("df = df.orderBy(F.desc('n')).select('k', 'n')", equal),
    ("df = df.sort(df.g.asc_nulls_last(), F.col('k').desc()).select('k', 'g')", equal),
    ("df = df.orderBy('x', ascending=False).select('k', 'x')", equal),
    ("df = df.orderBy(['g', 'k'], ascending=[False, True]).select('k', 'g')", equal),
    ("df = df.orderBy('g').select('k')", equal),
    ("df = df.orderBy('k').limit(3)", equal),
    ("df = df.limit(2)", equal),
    ("df = df.orderBy('k').offset(6)", equal),
    ("df = df.groupBy('g').count().limit(1)", "no order"),
    ("df = df.select('g').distinct()", equal),
    ("df = df.select('g').dropDuplicates()", equal),
    ("df = df.dropDuplicates(['g'])", equal),
    ("df = df.drop_duplicates(['g', 'b']).select('k')", equal),
    ("df = df.na.drop()", equal),
    ("df = df.dropna(how='all')", equal),
    ("df = df.na.drop(subset=['x', 'n'])", equal),
    ("df = df.dropna(thresh=11)", equal),
    ("df = df.fillna(0)", equal),
    ("df = df.fillna(0.7)", equal),
    ("df = df.na.fill('none')", equal),
    ("df = df.fillna({'x': 1, 'g': 'z', 'n': 2.9})", equal),
    ("df = df.fillna(True, subset=['b'])", equal),
    ("df = df.fillna(0, subset=['g', 'x'])", equal),
    ("df = df.fillna({'n': 'abc'})", "fillna of 'n'"),
    ("df = df.replace('a', 'A')", equal),
    ("df = df.na.replace({'a': 'A', 'b': 'B'}, subset=['g'])", equal),
    ("df = df.select('k', 'x', 'n', 'i').replace(7, 70)", equal),
    ("df = df.replace(['a', 'b'], ['1', '2'], 'g')", equal),
    ("df = df.na.replace('a', None)", equal),
    ("df = df.groupBy('g').count()", equal),
    ("df = df.groupBy('g', 'b').agg(F.sum('k').alias('s'), F.avg('i').alias('m'))", equal),
    ("df = df.groupBy('g').agg(F.sum('n'), F.avg('n'), F.min('x'), F.max('x'), F.count('x'))", equal),
    (
        "df = df.groupBy('g').agg(F.countDistinct('b').alias('c'), F.count('*').alias('r'), F.count(F.lit(1)))",
        equal,
    ),
    ("df = df.groupBy('g').agg(F.stddev('i').alias('s'), F.variance('i').alias('v'))", equal),
    ("df = df.groupBy('b').agg(F.stddev('x').alias('s'), F.stddev_pop('x').alias('p'))", equal),
    ("df = df.groupBy('g').agg(F.sum('m'), F.sum('x').alias('x'))", equal),
    ("df = df.groupBy('g').agg({'n': 'sum', 'x': 'max'})", equal),
    ("df = df.groupBy('g').agg({'*': 'count', 'k': 'avg', 'i': 'min', 'a b': 'max'})", equal),
    ("df = df.groupBy('g').sum('n', 'i')", equal),
    ("df = df.groupBy('g').mean('n')", equal),
    ("df = df.select('g', 'k', 'i').groupBy('g').max()", equal),
    ("df = df.groupBy(F.upper('g').alias('u')).agg((F.sum('k') / F.count('k')).alias('m'))", equal),
    ("df = df.groupBy().agg(F.sum('k').alias('s'))", equal),
    ("df = df.agg(F.max('d').alias('d'), F.min('ts').alias('t'))", equal),
    ("df = df.select(F.max('k'), F.min('g'))", equal),
    ("df = df.filter('k > 100').agg(F.sum('k').alias('s'), F.count('k').alias('c'))", equal),
    ("df = df.groupBy('g').agg(F.median('i').alias('m'), F.percentile('i', 0.25).alias('q'))", equal),
    ("df = df.groupBy('x').count()", equal),
    ("df = df.groupBy('g').pivot('b', [True, False]).count()", "pivot by boolean"),
    ("df = df.groupBy('b').pivot('i').count()", equal),
    ("df = df.groupBy('b').pivot('g', ['a', 'c']).agg(F.sum('k').alias('s'), F.max('i').alias('m'))", equal),
    ("df = df.groupBy('b').pivot('g', ['a', 'zz']).sum('k')", equal),
    ("df = df.groupBy('g').agg(F.collect_list('k').alias('l'))", "collect_list"),
    ("df = df.groupBy('g').agg(F.first('k').alias('l'))", "first without a window"),
    ("df = df.groupBy('g').agg(F.approx_count_distinct('k').alias('l'))", "approx_count_distinct"),
    ("df = df.groupBy('g').agg(F.corr('k', 'i').alias('l'))", "corr"),
    ("df = df.groupBy('g').agg(F.skewness('k').alias('l'))", "skewness"),
    ("df = df.select('k', 'g').union(df.select('k', 't'))", equal),
    ("df = df.select('k').union(df.select('x'))", equal),
    ("df = df.select('k').union(df.select('t'))", equal),
    ("df = df.select('k', 'g').unionByName(df.select('g', 'k'))", equal),
    ("df = df.select('k', 'g').unionByName(df.select('k', 'x'), allowMissingColumns=True)", equal),
    ("df = df.select('g').subtract(df.filter('k > 4').select('g'))", equal),
    ("df = df.select('g').intersect(df.filter('k > 4').select('g'))", equal),
    ("df = df.select('g').exceptAll(df.filter('k > 6').select('g'))", equal),
    ("df = df.join(df.groupBy('g').agg(F.avg('k').alias('mean')), on='g', how='left')", equal),
    ("df = df.join(df.select('k', F.lit(1).alias('one')).filter('k > 4'), 'k')", equal),
    ("df = df.join(df.select('k', F.lit(1).alias('one')).filter('k > 4'), ['k'], 'left_outer')", equal),
    (
        "o = df.select(F.col('k').alias('kk'), F.lit('o').alias('o')).filter('kk % 2 = 0')\ndf = df.join(o, df.k == o.kk, 'right')",
        equal,
    ),
    (
        "o = df.select(F.col('k').alias('kk')).filter('kk > 5')\ndf = df.join(o, df.k == o.kk, 'leftanti')",
        equal,
    ),
    (
        "o = df.select(F.col('k').alias('kk')).filter('kk > 5')\ndf = df.join(o, df.k == o.kk, 'left_semi')",
        equal,
    ),
    (
        "df = df.select('k', 'g').join(df.filter('k > 5').select((F.col('k') + 1).alias('k'), 't'), 'k', 'outer')",
        equal,
    ),
    ("df = df.select('g').join(df.select(F.col('g').alias('h')), F.col('g') == F.col('h'))", equal),
    ("df = df.select('k').crossJoin(df.select(F.col('g').alias('h')))", equal),
    (
        "a, b = df.alias('a'), df.alias('b')\ndf = a.join(b, F.col('a.k') == F.col('b.n')).select('a.k', F.col('b.g').alias('h'))",
        equal,
    ),
    ("df = df.join(df.filter('k > 4'), df.k == df.n)", "join of a table with itself"),
    ("df = df.withColumn('c', F.lit(df.count()))", equal),
    (
        "top = df.orderBy('k').first()\ndf = df.withColumn('c', F.lit(top['t'])).withColumn('e', F.lit(top.k))",
        equal,
    ),
    (
        "rows = df.orderBy('k').collect()\ndf = df.withColumn('c', F.lit(rows[1].g)).withColumn('l', F.lit(len(rows)))",
        equal,
    ),
    ("m = df.agg(F.avg('i').alias('m')).collect()[0][0]\ndf = df.withColumn('c', df.i - m)", equal),
    ("p = df.orderBy('k').toPandas()\ndf = df.withColumn('c', F.lit(float(p['k'].mean())))", equal),
    (
        "names = [r.g for r in df.select('g').distinct().collect() if r.g]\ndf = df.withColumn('c', F.lit(','.join(sorted(names))))",
        equal,
    ),
    ("df = df.withColumn('c', F.lit(str(df.orderBy('k').take(2)[1].asDict()['t'])))", equal),
    ("df.show(2)\ndf.printSchema()\ndf.cache()", equal),
    ("df = df.select([name for name, kind in df.dtypes if kind in ('double', 'bigint')])", equal),
    (
        "from pyspark.sql.types import *\nfrom pyspark.sql.types import NumericType\ndf = df.select([f.name for f in df.schema.fields if isinstance(f.dataType, NumericType)])",
        equal,
    ),
    (
        "from pyspark.sql.types import IntegerType, DoubleType\ndf = df.withColumn('t', df.t.cast(IntegerType())).withColumn('k', df.k.cast(DoubleType()))",
        equal,
    ),
    (
        "from pyspark.sql import SparkSession\nspark = SparkSession.builder.appName('a').getOrCreate()\ndf.createOrReplaceTempView('v')\ndf = spark.sql('SELECT g, sum(k) AS s FROM v GROUP BY g')",
        equal,
    ),
    ("o = spark.createDataFrame([('a', 1), ('b', 2)], ['g', 'w'])\ndf = df.join(o, 'g', 'left')", equal),
    (
        "df = spark.createDataFrame([(1, 2.0, 'x', None), (2, None, 'y', True)], 'a int, b double, c string, d boolean')",
        equal,
    ),
    ("df = spark.createDataFrame([{'a': 1, 'b': 'x'}, {'a': 2, 'b': None}])", equal),
    ("df = spark.range(3).withColumnRenamed('id', 'n')", equal),
    (
        "@F.udf('string')\ndef shout(text):\n    return text.upper() + '!' if text else None\ndf = df.withColumn('s', shout('g'))",
        equal,
    ),
    (
        "@F.udf(returnType='double')\ndef half(v):\n    return v / 2 if v else None\ndf = df.select(half(df.k), half('x').alias('h'))",
        equal,
    ),
    ("df = df.withColumn('r', F.row_number().over(Window.partitionBy('g').orderBy('b')))", equal),
    ("df = df.transform(lambda d: d.filter('k > 2'))", equal),
    ("df = df.withColumn('id', F.monotonically_increasing_id())", equal),
    (
        "df = df.groupBy('g').count().withColumn('id', F.monotonically_increasing_id())",
        "rows without an order",
    ),
    ("df = df.filter(df.g.isin(['a', 'b'])).coalesce(1)", equal),
    (
        "df = df.withColumn('r', F.row_number().over(Window.partitionBy('g').orderBy(F.desc('k')))).filter('r = 1').drop('r')",
        equal,
    ),
    (
        "df = df.withColumn('x', F.when(F.col('x').isNull() | F.isnan('x'), F.lit(0)).otherwise(F.col('x')))",
        equal,
    ),
    ("df = df.describe()", "DataFrame.describe"),
    ("df = df.summary()", "DataFrame.summary"),
    ("df = df.sample(0.5, seed=1)", "DataFrame.sample"),
    ("df, _ = df.randomSplit([0.7, 0.3], seed=42)", "DataFrame.randomSplit"),
    ("df = df.rdd.toDF()", "DataFrame.rdd"),
    ("df = df.rollup('g').count()", "DataFrame.rollup"),
    ("df = df.unpivot('k', ['x'], 'a', 'b')", "DataFrame.unpivot"),
    ("df.write.parquet('x')", "DataFrame.write"),
    ("from pyspark.ml.feature import StringIndexer", "pyspark.ml"),
    ("spark.conf.set('a', 'b')", "SparkSession.conf"),
    ("spark.read.csv('x')", "SparkSession.read"),
]

QUERIES: list[tuple[str, str]] = [
    ("SELECT * FROM df WHERE k > 3", equal),
    ("SELECT K, x * 2 AS d FROM df", equal),
    ("SELECT k, k + 1, upper(g), count(*) OVER () AS c FROM df", equal),
    ("SELECT df.k, d.g FROM df JOIN df d ON df.k = d.n", equal),
    ("SELECT a.k, b.k AS other FROM df a LEFT JOIN df b ON a.k + 1 = b.k AND b.g = 'a'", equal),
    ("SELECT g, count(*), sum(n), avg(n) AS m, min(x) FROM df GROUP BY g", equal),
    ("SELECT g, count(DISTINCT b) AS c FROM df GROUP BY g HAVING count(*) > 1", equal),
    ("SELECT upper(g) AS u, sum(k) AS s FROM df GROUP BY upper(g)", equal),
    ("SELECT upper(g) AS u, sum(k) AS s FROM df GROUP BY u ORDER BY s DESC", equal),
    ("SELECT g, sum(k) AS s FROM df GROUP BY 1 ORDER BY 2", equal),
    ("SELECT g, count(*) AS c FROM df GROUP BY g ORDER BY count(*) DESC, g", equal),
    ("SELECT count(*) AS c, max(d) AS d FROM df", equal),
    ("SELECT sum(k) / count(*) AS m FROM df HAVING count(*) > 2", equal),
    ("SELECT DISTINCT g FROM df ORDER BY g", equal),
    ("SELECT k, n FROM df ORDER BY n", equal),
    ("SELECT k FROM df ORDER BY n DESC NULLS FIRST, k LIMIT 3", equal),
    ("SELECT k FROM df ORDER BY k LIMIT 2 OFFSET 3", equal),
    ("SELECT k AS n FROM df ORDER BY n", equal),
    ("SELECT k FROM df ORDER BY x + 1", equal),
    ("SELECT k, rank() OVER (ORDER BY n) AS r FROM df", equal),
    ("SELECT k, row_number() OVER (PARTITION BY g ORDER BY k DESC) AS r FROM df ORDER BY k", equal),
    (
        "SELECT k, lag(n) OVER (ORDER BY k) AS p, sum(k) OVER (ORDER BY k ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) AS s FROM df",
        equal,
    ),
    ("SELECT k, first_value(t) OVER (PARTITION BY g ORDER BY k) AS f FROM df", equal),
    (
        "SELECT * FROM (SELECT k, row_number() OVER (PARTITION BY g ORDER BY k) AS r FROM df) WHERE r = 1",
        equal,
    ),
    ("WITH a AS (SELECT k, n FROM df WHERE k < 4), b AS (SELECT k FROM a) SELECT * FROM b", equal),
    ("WITH a (p, q) AS (SELECT k, g FROM df) SELECT p FROM a WHERE q = 'a'", equal),
    ("SELECT k FROM df UNION SELECT n FROM df", equal),
    ("SELECT k FROM df UNION ALL SELECT i FROM df", equal),
    ("SELECT g FROM df EXCEPT SELECT g FROM df WHERE k > 4", equal),
    ("SELECT g FROM df INTERSECT SELECT g FROM df WHERE k > 4", equal),
    ("(SELECT k FROM df) UNION ALL (SELECT n FROM df) ORDER BY 1", equal),
    ("SELECT k FROM df WHERE n IN (SELECT max(n) FROM df)", equal),
    ("SELECT k, k - (SELECT avg(k) FROM df) AS c FROM df", equal),
    ("SELECT k FROM df WHERE k NOT IN (SELECT k FROM df WHERE k > 3)", equal),
    ("SELECT k FROM df WHERE EXISTS (SELECT 1 AS one FROM df WHERE k > 100)", equal),
    ("SELECT a.k FROM df a CROSS JOIN (SELECT max(k) AS m FROM df) b WHERE a.k = b.m", equal),
    ("SELECT k FROM df a LEFT ANTI JOIN (SELECT k AS z FROM df WHERE k > 3) b ON a.k = b.z", equal),
    ("SELECT * FROM df JOIN (SELECT k, max(n) AS z FROM df GROUP BY k) USING (k)", equal),
    ("SELECT a.*, b.g AS h FROM (SELECT k FROM df) a JOIN df b ON a.k = b.k", equal),
    ("SELECT `a b`, `Order` AS `group` FROM df", equal),
    ("SELECT k, CASE WHEN x > 1 THEN 'a' END AS c, CAST(t AS INT) AS i FROM df", equal),
    ("SELECT year(d) AS y, count(*) AS c FROM df GROUP BY year(d) ORDER BY y", equal),
    (
        "SELECT k, pow(k, 2), power(k, 2), sqrt(k), ln(k), log(k), mod(k, 2), ceil(x), round(x, 1), ceiling(x) FROM (SELECT k, x FROM df) s",
        equal,
    ),
    (
        "SELECT k, cast(t AS int), nvl(x, 0), if(b, 1, 2), n IS NULL, g LIKE 'a%', -k, NOT b, k BETWEEN 1 AND 2 FROM df",
        equal,
    ),
    (
        "SELECT k, extract(year FROM d), char_length(g), 1.5D AS z, substr(g, 1), substring(g, 1, 1), concat(g, 'x'), trim(g), day(d), date_format(d, 'yyyy') FROM df",
        equal,
    ),
    ("SELECT mean(k), std(i) AS s, count(1), sum(DISTINCT k) FROM df", equal),
    ("SELECT stddev(i) AS s, var_pop(i) AS v, percentile(i, 0.5) AS p FROM df", equal),
    ("SELECT g, count(*) AS c FROM df GROUP BY g LIMIT 2", "no order"),
    ("SELECT * FROM other", "reads the table"),
    ("SELECT k, sum(n) FROM df", "neither grouped by"),
    ("SELECT k FROM df a WHERE EXISTS (SELECT 1 AS o FROM df b WHERE b.k = a.n)", "no column 'a.n'"),
    ("SELECT g, b, count(*) AS c FROM df GROUP BY ROLLUP (g, b)", "several groupings"),
    ("SELECT explode(split(Order, ',')) AS e FROM df", "explode"),
    ("SELECT * FROM df TABLESAMPLE (10 PERCENT)", "TABLESAMPLE"),
    ("SELECT k FROM df NATURAL JOIN df b", "NATURAL"),
    ("SELECT collect_list(k) AS l FROM df", "collect_list"),
    ("SELECT approx_percentile(k, 0.5) AS l FROM df", "approx_percentile"),
]

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

    `select` is given columns and puts k behind them, by which the rows are sorted. Windows are computed apart:
    they move the rows, which others may number.
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
