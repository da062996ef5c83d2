"""Arrow tables to Spark and back: moments have no time zone here and are in UTC there."""

from __future__ import annotations

from typing import Any

import pyarrow as pa


def to_spark(table: pa.Table, session: Any) -> Any:
    """A DataFrame of an Arrow table, its rows in their order."""
    return session.createDataFrame(_with_zone(table, "UTC"))


def from_spark(dataframe: Any) -> pa.Table:
    """The rows of a DataFrame in the order of its partitions."""
    return _with_zone(dataframe.toArrow(), None)


def _with_zone(table: pa.Table, zone: str | None) -> pa.Table:
    fields = [pa.field(field.name, _kind(field.type, zone), field.nullable) for field in table.schema]
    schema = pa.schema(fields)
    return table if schema.equals(table.schema) else table.cast(schema)


def _kind(kind: Any, zone: str | None) -> Any:
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", tz=zone)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pa.list_(_kind(kind.value_type, zone))
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(each.name, _kind(each.type, zone)) for each in kind])
    if pa.types.is_map(kind):
        return pa.map_(_kind(kind.key_type, zone), _kind(kind.item_type, zone))
    if pa.types.is_large_string(kind):
        return pa.string()
    if pa.types.is_large_binary(kind):
        return pa.binary()
    return kind
