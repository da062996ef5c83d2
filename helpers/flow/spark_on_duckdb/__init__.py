"""Custom PySpark, Spark SQL and formulas on DuckDB, by Spark's own rules of types and names.

From code to SQL: `pyspark` (snippets), `dialect` and `parsing` (Spark SQL) write expressions down as `trees`;
`analysis` looks up their columns and gives them types by `casts`, `operators` and the tables of functions;
`relations`, `joins` and `queries` put queries of them together. What is not known to give Spark's result is
refused by name (`typed.Unsupported`).
"""
