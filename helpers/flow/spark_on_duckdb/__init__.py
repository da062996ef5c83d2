"""Custom PySpark, Spark SQL and formulas on DuckDB, by Spark's own rules of types and names."""
