"""The parameters of a flow: `{{name}}` in texts, with values of their own or given to a run.

A flow lists them under "parameters", each with a name, a type and a default value. A text that is nothing but
`{{name}}` takes the value with its type, so that a number stays one; elsewhere the value becomes text.
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Mapping
from typing import Any

from .errors import FlowError, Problem
from .model import Flow

_place = re.compile(r"\{\{\s*([A-Za-z_][\w-]*)\s*\}\}")


def with_parameters(flow: Flow, values: Mapping[str, Any] | None = None) -> Flow:
    """The flow with its parameters filled in. Raises FlowError for unknown names and unfit values."""
    declared = _declared(flow.document)
    problems = []
    for name in values or {}:
        if name not in declared:
            known = ", ".join(declared) or "it has none"
            problems.append(Problem(f"The flow has no parameter '{name}'", f"Its parameters: {known}."))
    chosen: dict[str, Any] = {}
    for name, parameter in declared.items():
        try:
            chosen[name] = _value(parameter, (values or {}).get(name, parameter.get("default_value")))
        except ValueError as error:
            problems.append(Problem(f"The parameter '{name}' {error}", "Give it another value."))
    if problems:
        raise FlowError(problems)
    if not chosen:
        return flow
    from .reading import from_document

    document = dict(flow.document)
    document["nodes"] = [
        {**raw, "parameters": _filled(raw.get("parameters", {}), chosen)} for raw in document["nodes"]
    ]
    document["parameters"] = [
        {**parameter, "default_value": chosen[name]} for name, parameter in declared.items()
    ]
    return from_document(document)


def _declared(document: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    listed = document.get("parameters") or []
    if not isinstance(listed, list):
        raise FlowError('The flow\'s "parameters" must be a list.')
    found: dict[str, Mapping[str, Any]] = {}
    for parameter in listed:
        if not isinstance(parameter, Mapping) or not isinstance(parameter.get("name"), str):
            raise FlowError('Every one of the flow\'s "parameters" must be an object with a "name".')
        found[parameter["name"]] = parameter
    return found


def _value(parameter: Mapping[str, Any], value: Any) -> Any:
    """The value in the parameter's type."""
    kind = str(parameter.get("type") or "String").lower()
    if kind in ("number", "integer", "float", "long", "double") and not isinstance(value, int | float):
        try:
            number = float(str(value))
        except ValueError:
            raise ValueError(f"is a number, not {value!r}") from None
        return int(number) if number.is_integer() and re.fullmatch(r"\s*[+-]?\d+\s*", str(value)) else number
    if kind == "datetime":
        return _moment(parameter, value)
    pattern = str(parameter.get("pattern_expression") or "")
    if pattern and value is not None:
        try:
            fits = re.fullmatch(pattern, str(value))
        except re.error as error:
            raise ValueError(f"has a pattern that is no regular expression: {error}") from None
        if not fits:
            raise ValueError(f"must match {pattern!r}; {value!r} does not")
    return "" if value is None else value


def _moment(parameter: Mapping[str, Any], value: Any) -> Any:
    """A moment as text; written by the parameter's format where the value is an ISO moment."""
    form = str(parameter.get("format") or "")
    if not form or value is None:
        return value
    try:
        moment = datetime.datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    except ValueError:
        return value
    return moment.strftime(form) if "%" in form else value


def _filled(value: Any, chosen: Mapping[str, Any]) -> Any:
    if isinstance(value, Mapping):
        return {key: _filled(each, chosen) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, chosen) for each in value]
    if not isinstance(value, str) or "{{" not in value:
        return value
    whole = _place.fullmatch(value.strip())
    if whole and whole.group(1) in chosen:
        return chosen[whole.group(1)]

    def text(found: re.Match[str]) -> str:
        name = found.group(1)
        return _text(chosen[name]) if name in chosen else found.group(0)

    return _place.sub(text, value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def read_parameter(text: str) -> tuple[str, str]:
    """`name=value` of a command line. Raises FlowError."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise FlowError(f"--parameter must be NAME=VALUE, not {text!r}. Example: --parameter year=2024")
    return name.strip(), value
