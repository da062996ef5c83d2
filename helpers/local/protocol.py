"""The JSON protocol of SageMaker's control plane, held to botocore's own description of the service.

A request is checked whole: everything that is wrong with it stands in one message, worded as AWS words it. An
answer is cut to what the API model knows, so that clients which validate answers (SDK v3) can read it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel, Shape
from werkzeug.wrappers import Request, Response

from helpers.local.errors import ServiceError

CONTENT_TYPE = "application/x-amz-json-1.1"
VALUE_LIMIT = 256  # characters of an offending value that an error message repeats

# Java's character classes that Python's `re` lacks, as the nearest class it has, to stand inside brackets.
_CLASSES = {
    "L": r"\w",
    "N": r"\w",
    "Z": r"\s",
    "Alnum": "a-zA-Z0-9",
    "ASCII": r"\x00-\x7f",
    "Print": r"\x20-\x7e",
}
_ANY_PRINTABLE = r"\x20-\x7e\xa0-\U0010ffff"

# The value as a message shows it, the member's path, the constraint it breaks.
Problem = tuple[str, str, str]


def validation_error(message: str) -> ServiceError:
    """The error for a request that the API understands and refuses."""
    return ServiceError("ValidationException", message)


@dataclass(frozen=True)
class Api:
    """One service of botocore's data: its operations, and how requests and answers of each look."""

    model: ServiceModel

    def known(self, operation: str) -> bool:
        """Whether AWS has this operation."""
        return operation in self.model.operation_names

    def validate(self, operation: str, request: Any) -> dict[str, Any]:
        """The request without its nulls, if it keeps every constraint of the model.

        Raises ServiceError (ValidationException) that lists every violation.
        """
        shape = self._operation(operation).input_shape
        if not isinstance(request, dict):
            raise ServiceError("SerializationException", "The body of the request is not a JSON object.")
        if shape is None:
            return {}
        problems = list(_check(shape, request, ""))
        if problems:
            raise validation_error(describe(problems))
        cleaned: dict[str, Any] = _without_nulls(request)
        return cleaned

    def shape(self, operation: str, answer: Mapping[str, Any]) -> dict[str, Any]:
        """The answer with only what the model knows: no empty structures, times as epoch seconds."""
        shape = self._operation(operation).output_shape
        if shape is None:
            return {}
        shaped: dict[str, Any] = _shape(shape, answer)
        return shaped

    def members(self, operation: str) -> frozenset[str]:
        """The members an answer of this operation may have."""
        shape = self._operation(operation).output_shape
        return frozenset(shape.members) if shape is not None else frozenset()

    def _operation(self, operation: str) -> OperationModel:
        return self.model.operation_model(operation)


@lru_cache(maxsize=4)
def load_api(service: str) -> Api:
    """The model of a service by its botocore name (`sagemaker`); read once, in tens of milliseconds."""
    return Api(ServiceModel(Loader().load_service_model(service, "service-2"), service))


def describe(problems: list[Problem]) -> str:
    """The message of a ValidationException for these violations."""
    noun = "validation error" if len(problems) == 1 else "validation errors"
    texts = "; ".join(
        f"Value {value} at '{path}' failed to satisfy constraint: {constraint}"
        for value, path, constraint in problems
    )
    return f"{len(problems)} {noun} detected: {texts}"


def read_request(request: Request) -> Any:
    """The JSON body of a request; an empty one is an empty object. Raises ServiceError when it is no JSON."""
    body = request.get_data()
    if not body:
        return {}
    try:
        return json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ServiceError(
            "SerializationException", f"The body of the request cannot be read as JSON: {error}"
        ) from None


def json_response(answer: Mapping[str, Any], request_id: str) -> Response:
    """A successful answer."""
    response = Response(json.dumps(answer, allow_nan=False), 200, content_type=CONTENT_TYPE)
    response.headers["x-amzn-RequestId"] = request_id
    return response


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def member_path(above: str, name: str) -> str:
    """A member's path in an error message: its name begins in lower case there."""
    lowered = name[:1].lower() + name[1:]
    return f"{above}.{lowered}" if above else lowered


# Checking ---------------------------------------------------------------------------------------------


def _check(shape: Shape, value: Any, path: str) -> Iterator[Problem]:
    wanted = _TYPES[shape.type_name]
    if not wanted.fits(value):
        yield _show(value), path, f"Member must be {wanted.name}"
        return
    if shape.type_name == "structure":
        yield from _check_structure(shape, value, path)
    elif shape.type_name == "list":
        yield from _check_range(shape, len(value), value, path, "length")
        for index, item in enumerate(value, start=1):
            yield from _check(shape.member, item, f"{path}.{index}.member")
    elif shape.type_name == "map":
        yield from _check_range(shape, len(value), value, path, "length")
        yield from _check_map(shape, value, path)
    elif shape.type_name == "string":
        yield from _check_string(shape, value, path)
    elif shape.type_name in ("integer", "long", "float", "double"):
        yield from _check_range(shape, value, value, path, "value")


def _check_structure(shape: Any, value: dict[str, Any], path: str) -> Iterator[Problem]:
    given = {name: item for name, item in value.items() if item is not None}
    for name in shape.required_members:
        if name not in given:
            yield "null", member_path(path, name), "Member must not be null"
    for name, item in given.items():
        if name in shape.members:
            yield from _check(shape.members[name], item, member_path(path, name))
        else:
            known = ", ".join(shape.members)
            yield _show(item), member_path(path, name), f"Member is unknown; the members here are [{known}]"
    if getattr(shape, "is_tagged_union", False) and len(given) != 1:
        choices = ", ".join(shape.members)
        yield _show(value), path, f"Member must have exactly one of [{choices}] set"


def _check_map(shape: Any, value: dict[str, Any], path: str) -> Iterator[Problem]:
    for key, item in value.items():
        for part, inner, name in ((shape.key, key, "keys"), (shape.value, item, "values")):
            constraints = [constraint for _, _, constraint in _check(part, inner, path)]
            if constraints:
                listed = ", ".join(constraints)
                yield _show(value), path, f"Map {name} must satisfy constraint: [{listed}]"


def _check_string(shape: Any, value: str, path: str) -> Iterator[Problem]:
    yield from _check_range(shape, len(value), value, path, "length")
    if shape.enum and value not in shape.enum:
        yield _show(value), path, f"Member must satisfy enum value set: [{', '.join(shape.enum)}]"
    pattern = shape.metadata.get("pattern")
    longest = shape.metadata.get("max", 65536)
    if pattern and len(value) <= 2 * longest + 256:  # what is far too long has been refused for that already
        compiled = compile_pattern(pattern)
        if compiled is not None and not compiled.fullmatch(value):
            yield _show(value), path, f"Member must satisfy regular expression pattern: {pattern}"


def _check_range(shape: Shape, size: float, value: Any, path: str, what: str) -> Iterator[Problem]:
    lowest, highest = shape.metadata.get("min"), shape.metadata.get("max")
    if lowest is not None and size < lowest:
        yield _show(value), path, f"Member must have {what} greater than or equal to {lowest}"
    if highest is not None and size > highest:
        yield _show(value), path, f"Member must have {what} less than or equal to {highest}"


@lru_cache(maxsize=512)
def compile_pattern(pattern: str) -> re.Pattern[str] | None:
    """A pattern of the API model (Java's dialect), or None where Python cannot express it."""

    def translate(match: re.Match[str]) -> str:
        found = _CLASSES.get(match.group(1), _ANY_PRINTABLE)
        inside = pattern.rfind("[", 0, match.start()) > pattern.rfind("]", 0, match.start())
        return found if inside else f"[{found}]"

    try:
        return re.compile(re.sub(r"\\p\{(\w+)\}", translate, pattern).replace(r"\z", r"\Z"))
    except re.error:
        return None


def _show(value: Any) -> str:
    if value is None:
        return "null"
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return f"'{text}'" if len(text) <= VALUE_LIMIT else f"'{text[:VALUE_LIMIT]}…'"


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(item) for name, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@dataclass(frozen=True)
class _Kind:
    name: str
    fits: Callable[[Any], bool]


_STRING = _Kind("a string", lambda value: isinstance(value, str))
_WHOLE = _Kind("a whole number", _is_integer)
_NUMBER = _Kind("a number", _is_number)
_TYPES = {
    "string": _STRING,
    "blob": _STRING,
    "integer": _WHOLE,
    "long": _WHOLE,
    "float": _NUMBER,
    "double": _NUMBER,
    "timestamp": _Kind("a number of seconds since 1970", _is_number),
    "boolean": _Kind("a boolean", lambda value: isinstance(value, bool)),
    "list": _Kind("a list", lambda value: isinstance(value, list)),
    "map": _Kind("a map", lambda value: isinstance(value, dict)),
    "structure": _Kind("a structure", lambda value: isinstance(value, dict)),
}


# Shaping ----------------------------------------------------------------------------------------------


def _shape(shape: Any, value: Any) -> Any:
    """The value as the shape has it, or None where nothing of it can be sent."""
    if shape.type_name == "structure":
        if not isinstance(value, Mapping):
            return None
        shaped = {}
        for name, member in shape.members.items():
            item = _shape(member, value[name]) if value.get(name) is not None else None
            if item is not None and not (member.type_name == "structure" and item == {}):
                shaped[name] = item
        return shaped
    if shape.type_name == "list":
        items = (_shape(shape.member, item) for item in value)
        return [item for item in items if item is not None]
    if shape.type_name == "map":
        return {str(key): _shape(shape.value, item) for key, item in value.items() if item is not None}
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, float) and not math.isfinite(value):
        return None  # JSON has no NaN
    return value
