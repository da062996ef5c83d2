"""What the Spark engine does not do as the DuckDB engine does: the one list of gaps, each with its reason.

A key is `file::test`, or `file::test[parameters]` for one case of it. The tests skip what is named here on
Spark.
"""

from __future__ import annotations

_windows = "a window function moves rows on Spark, which keeps no order; on DuckDB their order travels along"
_refusals = "DuckDB refuses what it would compute otherwise than Spark; Spark itself computes it"

gaps: dict[str, str] = {
    "test_flow_custom_code::test_queries_that_are_refused": _refusals,
    "test_flow_pyspark::test_what_is_not_known_to_agree_is_refused": _refusals,
    "test_flow_operators::test_formulas_that_cannot_be": _refusals,
    "test_flow_custom_code::test_queries"
    "[SELECT k, rank() OVER (ORDER BY n) AS r FROM df-names13-rows13]": _windows,
    "test_flow_custom_code::test_rows_keep_their_order_where_they_only_pass"
    "[df = df.withColumn('z', F.sum('k').over(Window.partitionBy('g')))-keys4]": _windows,
}


def gap(file: str, test: str, case: str = "") -> str | None:
    """Why this test, or this case of it, does not hold on Spark; None when it has to."""
    return gaps.get(f"{file}::{test}") or gaps.get(f"{file}::{test}[{case}]")


operator_gaps: dict[tuple[str, str], str] = {
    ("duckdb", "sagemaker.spark.custom_code_0.1 Python (PySpark)"): "what agrees with Spark; else refused",
    ("duckdb", "sagemaker.spark.custom_code_0.1 SQL (PySpark SQL)"): "what agrees with Spark; else refused",
    ("duckdb", "sagemaker.spark.custom_pyspark_0.1"): "what agrees with Spark; else refused",
    ("duckdb", "sagemaker.spark.custom_formula_0.1"): "what agrees with Spark; else refused",
}
"""What the table of operators says instead of "yes", by engine and operator (with its sub-operator)."""
