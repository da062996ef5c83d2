"""What a custom snippet imports as `pyspark`, over the tables of `spark_on_duckdb`."""
