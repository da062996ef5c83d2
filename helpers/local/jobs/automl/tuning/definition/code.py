"""Data processors as Python code: the generated module that the candidate definition notebook loads."""

import inspect
from typing import Any

from helpers.local.jobs.automl.tuning.library import cells
from helpers.local.jobs.automl.tuning.library.processors import Strategy

LIBRARY = "sagemaker_automl"  # the name of our library beside the notebook, as the service's
WIDTH = 100


def module(strategy: Strategy, processor: Any, job_name: str) -> str:
    """The module of one data processor: `build()` makes it, not fitted; `ALGORITHMS` are those it suits."""
    imports: dict[str, set[str]] = {}
    expression = write(processor, imports, level=1)
    lines = [
        f'"""The data processor {strategy.name} of the AutoML job {job_name}.',
        "",
        f"{strategy.says[0].upper()}{strategy.says[1:]}.",
        '"""',
        "",
        *(f"from {source} import {', '.join(sorted(names))}" for source, names in _ordered(imports)),
        "",
        f"ALGORITHMS = {list(strategy.algorithms)!r}",
        "",
        "",
        "def build():",
        '    """The data processor, not fitted."""',
        f"    return {expression}",
        "",
    ]
    return "\n".join(lines)


def write(value: Any, imports: dict[str, set[str]], level: int = 0) -> str:
    """The expression that makes an estimator (or a list, a tuple or a constant with estimators in it).

    `imports` gathers the names it needs by their modules.
    """
    if isinstance(value, (list, tuple)):
        parts = [write(item, imports, level + 1) for item in value]
        opening, closing = ("[", "]") if isinstance(value, list) else ("(", ",)" if len(parts) == 1 else ")")
        return _broken(opening, parts, closing, level)
    kind = type(value)
    if kind.__module__ == "builtins":
        return repr(value)
    imports.setdefault(_public(kind), set()).add(kind.__name__)
    given = value.get_params(deep=False) if hasattr(value, "get_params") else _attributes(value)
    defaults = {name: part.default for name, part in inspect.signature(kind).parameters.items()}
    arguments = [
        f"{name}={write(argument, imports, level + 1)}"
        for name, argument in given.items()
        if not _is_default(argument, defaults.get(name, inspect.Parameter.empty))
    ]
    return _broken(f"{kind.__name__}(", arguments, ")", level)


def _attributes(value: Any) -> dict[str, Any]:
    """The arguments of what is no estimator (folds): its attributes of the same names."""
    return {name: getattr(value, name) for name in inspect.signature(type(value)).parameters}


def _is_default(value: Any, default: Any) -> bool:
    return type(value) is type(default) and repr(value) == repr(default)


def _broken(opening: str, parts: list[str], closing: str, level: int) -> str:
    """The parts on one line, or each on its own where that would be too long."""
    line = opening + ", ".join(parts) + closing
    if len(line) + 4 * level <= WIDTH and "\n" not in line:
        return line
    inner = "".join(f"{'    ' * (level + 1)}{part},\n" for part in parts)
    return f"{opening}\n{inner}{'    ' * level}{closing.lstrip(',')}"


def _public(kind: type) -> str:
    """The module that offers a class: the copy of our library, or the public one of its package."""
    if kind.__module__ == cells.__name__:
        return f"{LIBRARY}.cells"
    return kind.__module__.split("._", maxsplit=1)[0]


def _ordered(imports: dict[str, set[str]]) -> list[tuple[str, set[str]]]:
    return sorted(imports.items(), key=lambda item: (item[0].startswith(LIBRARY), item[0]))
