"""What a custom PySpark snippet may use on DuckDB: what was measured to give Spark's results."""

from __future__ import annotations


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


data_frame = _names(
    """columns select filter where withColumn withColumns withColumnRenamed withColumnsRenamed drop groupBy

    groupby agg join crossJoin union unionAll unionByName distinct orderBy
    sort toDF
    """
)
data_frame_known = _names(
    """alias approxQuantile cache checkpoint coalesce colRegex collect corr cov createOrReplaceTempView
    createTempView crosstab cube describe exceptAll explain first foreach freqItems groupingSets head
    hint inputFiles intersect isEmpty isLocal isStreaming limit localCheckpoint mapInArrow mapInPandas
    melt na observe offset pandas_api persist randomSplit rdd registerTempTable repartition replace
    rollup sameSemantics sample sampleBy schema selectExpr semanticHash sortWithinPartitions
    sparkSession stat storageLevel subtract summary tail take to toArrow toJSON toLocalIterator toPandas
    transform unpersist unpivot withMetadata withWatermark write writeStream writeTo"""
)
grouped_data = _names("agg avg mean sum min max count")
window = _names("partitionBy orderBy rowsBetween unboundedPreceding unboundedFollowing currentRow")
column = _names(
    """isNull isNotNull isin between when otherwise over asc desc asc_nulls_first asc_nulls_last
    desc_nulls_first desc_nulls_last eqNullSafe startswith endswith contains like"""
)
column_operators = tuple(
    f"__{name}__"
    for name in sorted(
        _names("eq ne gt ge lt le and or mod add sub mul truediv neg radd rsub rmul rtruediv invert rand ror")
    )
)
functions = _names(
    """col column lit when coalesce isnull abs avg mean sum min max count countDistinct count_distinct upper

    lower trim ltrim rtrim length round greatest least asc desc asc_nulls_first asc_nulls_last
    desc_nulls_first desc_nulls_last current_timestamp unix_timestamp row_number rank dense_rank lag lead
    stddev stddev_samp stddev_pop variance var_samp var_pop exp pow concat_ws
    """
)
spark_types = {
    "VARCHAR": "string",
    "BIGINT": "bigint",
    "INTEGER": "int",
    "DOUBLE": "double",
    "FLOAT": "float",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "TIMESTAMP": "timestamp",
    "SMALLINT": "smallint",
    "TINYINT": "tinyint",
}
type_classes = {
    "StringType": "string",
    "LongType": "bigint",
    "IntegerType": "int",
    "DoubleType": "double",
    "FloatType": "float",
    "BooleanType": "boolean",
    "DateType": "date",
    "TimestampType": "timestamp",
    "ShortType": "smallint",
    "ByteType": "tinyint",
}
