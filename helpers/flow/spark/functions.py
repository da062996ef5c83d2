"""The functions of `duckdb_functions` as Spark expressions (sqlglot trees)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlglot.expressions as sge


def _call(name: str, *arguments: Any) -> Any:
    return sge.Anonymous(this=name, expressions=[sge.convert(each) for each in arguments])


def _md5_number_lower(text: Any) -> Any:
    # DuckDB reads the last eight bytes with the least one first.
    digest = sge.Anonymous(this="md5", expressions=[text])
    turned = _call("concat", *(_call("substr", digest.copy(), place, 2) for place in range(31, 16, -2)))
    return sge.cast(_call("conv", turned, 16, 10), "decimal(20, 0)", dialect="spark")


def _spark_number_text(number: Any) -> Any:
    return sge.cast(number, "string", dialect="spark")


def _epoch_us(moment: Any) -> Any:
    return _call("unix_micros", sge.cast(moment, "timestamp", dialect="spark"))


def _spark_moment(text: Any, pattern: Any, java_pattern: Any) -> Any:  # noqa: ARG001
    return _call("to_timestamp", text, java_pattern)


def _cast(kind: str) -> Callable[[Any], Any]:
    return lambda text: sge.cast(text, kind, dialect="spark")


functions: dict[str, Callable[..., Any]] = {
    "epoch_us": _epoch_us,
    "md5_number_lower": _md5_number_lower,
    "spark_bool": _cast("boolean"),
    "spark_date": _cast("date"),
    "spark_datetime": _cast("timestamp"),
    "spark_float": _cast("double"),
    "spark_long": _cast("bigint"),
    "spark_moment": _spark_moment,
    "spark_number_text": _spark_number_text,
}
