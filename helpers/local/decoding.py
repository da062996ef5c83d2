"""JSON into typed dataclasses, strictly. (A validation library would cost a third of the server's start.)"""

from __future__ import annotations

from dataclasses import MISSING, fields, is_dataclass
from functools import lru_cache
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


def decode(kind: type[T], value: Any) -> T:
    """The dataclass that ``dataclasses.asdict`` and ``json`` turned into this value.

    Members it does not have are ignored. Raises ValueError that names the member which is missing or wrong.
    """
    found: T = _decode(kind, value, kind.__name__)
    return found


def _decode(kind: Any, value: Any, where: str) -> Any:
    if kind is Any:
        return value
    if is_dataclass(kind):
        return _decode_members(kind, value, where)
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        if value is None and NoneType in inner:
            return None
        (only,) = (choice for choice in inner if choice is not NoneType)
        return _decode(only, value, where)
    if origin is Literal and value in inner:
        return value
    if origin is list and isinstance(value, list):
        return [_decode(inner[0], item, f"{where}[{number}]") for number, item in enumerate(value)]
    if origin is dict and isinstance(value, dict):
        return {str(key): _decode(inner[1], item, f"{where}.{key}") for key, item in value.items()}
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if kind in (str, int, bool) and type(value) is kind:
        return value
    raise ValueError(f"{where} is no {kind}: {value!r:.80}")


def _decode_members(kind: Any, value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise ValueError(f"{where} is no object: {value!r:.80}")
    hints = _hints(kind)
    members = {}
    for member in fields(kind):
        if member.name in value:
            members[member.name] = _decode(hints[member.name], value[member.name], f"{where}.{member.name}")
        elif member.default is MISSING and member.default_factory is MISSING:
            raise ValueError(f"{where} has no {member.name}")
    return kind(**members)


@lru_cache(maxsize=64)
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)
