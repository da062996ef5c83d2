"""Values of Python as typed SQL."""

from __future__ import annotations

import datetime
import decimal
from typing import Any

from . import types
from .aggregates import over
from .typed import Typed, Unsupported, text_sql
from .types import Type


def typed_literal(value: Any, kind: Type | None = None) -> Typed:
    """A Python value as Spark's lit() takes it."""
    if value is None:
        return Typed("NULL", types.void, "NULL", None)
    if isinstance(value, bool):
        return Typed(str(value).lower(), types.boolean, str(value).lower(), value)
    if isinstance(value, str):
        if over in value:
            raise Unsupported("a text with the character 1")
        return Typed(text_sql(value), types.string, value, value)
    if isinstance(value, int):
        kind = kind or (types.integer if -(2**31) <= value < 2**31 else types.bigint)
        if not -(2**63) <= value < 2**63:
            raise Unsupported(f"the number {value}")
        return Typed(f"CAST({value} AS {kind.duckdb})", kind, str(value), value)
    if isinstance(value, float):
        shown = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(repr(value), repr(value))
        if "e" in shown:
            return Typed(f"CAST('{value!r}' AS DOUBLE)", types.double, None, value)
        return Typed(f"CAST('{value!r}' AS DOUBLE)", types.double, shown, value)
    if isinstance(value, decimal.Decimal):
        _sign, digits, exponent = value.as_tuple()
        scale = max(-int(exponent), 0)
        kind = types.decimal(max(len(digits) + max(int(exponent), 0), scale), scale)
        return Typed(f"CAST('{value}' AS {kind.duckdb})", kind, str(value), value)
    if isinstance(value, datetime.datetime):
        if value.tzinfo is not None:
            value = value.astimezone(datetime.UTC).replace(tzinfo=None)
        return Typed(f"TIMESTAMP '{value.isoformat(' ')}'", types.timestamp, None, value)
    if isinstance(value, datetime.date):
        return Typed(f"DATE '{value}'", types.date, f"DATE '{value}'", value)
    if hasattr(value, "item") and callable(value.item):  # a number of NumPy
        return typed_literal(value.item())
    raise Unsupported(f"a literal of the type {type(value).__name__}")
