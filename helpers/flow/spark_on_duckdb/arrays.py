"""Arrays and structs of Spark on DuckDB."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import OperatorError
from . import types
from .casts import alike
from .typed import Function, Typed, Unsupported, combined, named, wrong_count


def _size(arguments: Sequence[Typed]) -> Typed:
    wrong_count("size", arguments, 1, 1)
    if arguments[0].type.name != "array":
        raise Unsupported(f"size of {arguments[0].type}")
    sql = f"coalesce(CAST(len({arguments[0].sql}) AS INTEGER), -1)"
    return combined(sql, types.integer, named("size", arguments), arguments)


def _array(arguments: Sequence[Typed]) -> Typed:
    wrong_count("array", arguments, 1, 10_000)
    given = alike(arguments, "array")
    sql = f"[{', '.join(each.sql for each in given)}]"
    return combined(sql, types.array(given[0].type), named("array", arguments), arguments)


def _array_contains(arguments: Sequence[Typed]) -> Typed:
    wrong_count("array_contains", arguments, 2, 2)
    listed, value = arguments
    if listed.type.element is None or listed.type.element != value.type:
        raise Unsupported(f"array_contains of {listed.type} and {value.type}")
    # Null when the value is not there and some element is null.
    sql = (
        f"CASE WHEN list_contains({listed.sql}, {value.sql}) THEN true "
        f"WHEN len(list_filter({listed.sql}, lambda each: each IS NULL)) > 0 THEN NULL "
        f"ELSE list_contains({listed.sql}, {value.sql}) END"
    )
    return combined(sql, types.boolean, named("array_contains", arguments), arguments)


def item(value: Typed, key: Typed) -> Typed:
    """`value[key]`: an element of an array (null where there is none) or a field of a struct."""
    name = f"{value.name}[{key.name}]"
    if value.type.name == "array" and value.type.element and key.type.whole:
        return combined(f"spark_nth({value.sql}, {key.sql})", value.type.element, name, (value, key))
    if value.type.name == "struct" and key.literal and isinstance(key.value, str):
        return field(value, key.value)
    raise Unsupported(f"{value.type}[{key.type}]")


def field(value: Typed, key: str) -> Typed:
    """A field of a struct."""
    for known, kind in value.type.fields:
        if known.lower() == key.lower():
            quoted = known.replace('"', '""')
            return combined(f'({value.sql})."{quoted}"', kind, f"{value.name}.{known}", (value,))
    raise OperatorError(f"asks {value.type} for the field '{key}', which it does not have", "", "code")


functions: dict[str, Function] = {
    "size": _size,
    "array": _array,
    "array_contains": _array_contains,
    "getitem": lambda arguments: item(*arguments),
}
