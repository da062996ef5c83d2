"""The JSONPath of a batch transform's filters: the operators that the service supports, and no others.

    $                     the whole
    .name  ['a']          a member
    ['a','b']             an object of those members
    .*  [*]               every member or element
    [0]  [1,3]  [-1]      an element; an array of several
    [2:5]  [:5]  [0,5:]   a range (its end belongs to it), alone or beside single places

A row of CSV is an array: only paths of one step, by places, select from it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

Cell = TypeVar("Cell")

OPERATORS = {
    "text/csv": "$[]*,:- ",
    "application/json": "$[]*. ,:-'",
    "application/jsonlines": "$[]*. ,:-'",
}
_STEP = re.compile(
    r"""
    \.? \[ \s* (?P<names> '[^']+' (?: \s*,\s* '[^']+' )* ) \s* \]
    | \.? \[ (?P<places> [-\d:,\s]+ ) \]
    | (?P<every> \.? \[ \s* \* \s* \] | \.\* )
    | \. (?P<name> [\w-]+ )
    """,
    re.VERBOSE,
)
_PLACE = re.compile(r"\s*(-?\d+)\s*")
_RANGE = re.compile(r"\s*(-?\d+)?\s*:\s*(-?\d+)?\s*")


class JsonPathError(ValueError):
    """The path is none that the service supports, or selects what is not there."""


@dataclass(frozen=True)
class Range:
    """Elements from a place to another, both included; None is the first or the last."""

    begin: int | None
    end: int | None

    def places(self, length: int) -> range:
        """The places of an array of this length. Raises JsonPathError where it begins or ends outside."""
        begin = 0 if self.begin is None else _inside(self.begin, length)
        return range(begin, length if self.end is None else _inside(self.end, length) + 1)


@dataclass(frozen=True)
class Names:
    """Members of an object."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class Places:
    """Elements of an array."""

    parts: tuple[int | Range, ...]

    @property
    def single(self) -> bool:
        """Whether one element is meant, not an array of them."""
        return len(self.parts) == 1 and isinstance(self.parts[0], int)

    def of(self, length: int) -> list[int]:
        """The places in an array of this length. Raises JsonPathError for one that it does not have."""
        found: list[int] = []
        for part in self.parts:
            if isinstance(part, Range):
                found += part.places(length)
            else:
                found.append(_inside(part, length))
        return found


@dataclass(frozen=True)
class Every:
    """Every member of an object or element of an array."""


Step: TypeAlias = Names | Places | Every


@dataclass(frozen=True)
class JsonPath:
    """A path that was read."""

    text: str
    steps: tuple[Step, ...]

    @property
    def whole(self) -> bool:
        """Whether everything is selected."""
        return not self.steps

    def select(self, value: Any) -> Any:
        """What the path selects of a JSON value. Raises JsonPathError when it is not there."""
        try:
            return _walk(value, self.steps)
        except JsonPathError as error:
            raise JsonPathError(f"the filter {self.text} selects what is not there: {error}") from None

    def columns(self, length: int) -> list[int]:
        """The places that the path selects of a CSV row. Raises JsonPathError for one it does not have."""
        if not self.steps or isinstance(self.steps[0], Every):
            return list(range(length))
        assert isinstance(self.steps[0], Places)
        try:
            return self.steps[0].of(length)
        except JsonPathError as error:
            raise JsonPathError(f"the filter {self.text} selects what is not there: {error}") from None

    def cells(self, row: Sequence[Cell]) -> list[Cell]:
        """The selected cells of a CSV row."""
        return [row[place] for place in self.columns(len(row))]


def read_path(text: str | None, content_type: str) -> JsonPath:
    """A filter for records of a content type (`text/csv`, `application/json`, `application/jsonlines`).

    None is `$`. Raises JsonPathError for what the service does not support, in its words where those are
    known.
    """
    path = (text or "$").strip()
    _check_characters(path, content_type)
    if not path.startswith("$"):
        raise JsonPathError(f"Invalid JsonPath: {path}: it must begin with $")
    steps = tuple(_steps(path))
    if content_type == "text/csv" and (len(steps) > 1 or (steps and isinstance(steps[0], Names))):
        raise JsonPathError(
            f"Invalid JsonPath: {path}: a row of CSV is an array, select columns by place, "
            "as in $[1:] or $[0,-1]"
        )
    return JsonPath(path, steps)


def _check_characters(path: str, content_type: str) -> None:
    operators = OPERATORS[content_type]
    for character in path:
        if not (character.isalnum() or character in operators):
            listed = ", ".join(f"'{operator}'" for operator in operators)
            raise JsonPathError(
                f'Unexpected "{character}" in JsonPath. Supported operators for "{content_type}" are '
                f"[{listed}]"
            )


def _steps(path: str) -> Iterator[Step]:
    place = 1
    while place < len(path):
        match = _STEP.match(path, place)
        if match is None:
            raise JsonPathError(f"Invalid JsonPath: {path}: '{path[place:]}' cannot be read")
        if match["names"]:
            names = tuple(re.findall(r"'([^']+)'", match["names"]))
            if any("." in name for name in names):
                raise JsonPathError(
                    f"Invalid JsonPath: {path}: children of children cannot stand in brackets"
                )
            yield Names(names)
        elif match["name"]:
            yield Names((match["name"],))
        elif match["places"]:
            yield _places(match["places"], path)
        else:
            yield Every()
        place = match.end()


def _places(text: str, path: str) -> Places:
    parts: list[int | Range] = []
    for piece in text.split(","):
        if match := _PLACE.fullmatch(piece):
            parts.append(int(match[1]))
        elif match := _RANGE.fullmatch(piece):
            begin, end = match.groups()
            parts.append(Range(int(begin) if begin else None, int(end) if end else None))
        else:
            raise JsonPathError(f"Invalid JsonPath: {path}: '{piece}' is no place")
    if sum(isinstance(part, Range) for part in parts) > 1:
        raise JsonPathError(
            f"Invalid JsonPath: {path}: only single range filters of format (eg: [1:5]) are supported. "
            f"Format [{text}] is not supported"
        )
    return Places(tuple(parts))


def _walk(value: Any, steps: tuple[Step, ...]) -> Any:
    if not steps:
        return value
    step, rest = steps[0], steps[1:]
    if isinstance(step, Names):
        return _members(value, step.names, rest)
    if isinstance(step, Every):
        if not isinstance(value, dict | list):
            raise JsonPathError("* stands for members or elements, and there are none")
        return [_walk(item, rest) for item in (value.values() if isinstance(value, dict) else value)]
    if not isinstance(value, list):
        raise JsonPathError("the value is no array")
    found = [_walk(value[place], rest) for place in step.of(len(value))]
    return found[0] if step.single else found


def _members(value: Any, names: tuple[str, ...], rest: tuple[Step, ...]) -> Any:
    if not isinstance(value, dict):
        raise JsonPathError(f"the value is no object with a member '{names[0]}'")
    for name in names:
        if name not in value:
            raise JsonPathError(f"the object has no member '{name}'")
    if len(names) == 1:
        return _walk(value[names[0]], rest)
    return _walk({name: value[name] for name in names}, rest)


def _inside(place: int, length: int) -> int:
    """A place from the beginning: negative ones count from the end."""
    if not -length <= place < length:
        raise JsonPathError(f"there is no place {place} among {length}")
    return place % length
