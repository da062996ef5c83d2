"""What an operator is, and the registry that finds it.

An operator is one small class: its fields are its parameters (checked by pydantic before anything runs),
its docstring says what it does, `describe` puts it in words for the picture, and `apply` (or `change`, when
rows stay where they are) does it in Ibis. `@operator(id, sub-operator ...)` puts it in the registry under
the names Data Wrangler uses. Nothing here imports Ibis: reading, checking and drawing a flow stay quick.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from ..errors import Problem
from ..model import Node

if TYPE_CHECKING:
    from ..engine import Run
    from ..frame import Frame

Outputs = Mapping[str, "Frame"]


def _listed(value: object) -> object:
    if isinstance(value, str):
        value = [value]
    if isinstance(value, list | tuple) and not value:
        raise ValueError("needs at least one column")
    return value


Columns = Annotated[tuple[str, ...], BeforeValidator(_listed)]
"""Column names; flows of 2021 hold one text, later ones a list."""


class Operator(BaseModel):
    """One step of a flow, with its parameters checked."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    inputs: ClassVar[int] = 1
    """How many inputs it takes."""
    block: ClassVar[str] = ""
    """The parameter that holds a sub-operator's own parameters, where it is not named after it."""
    blocks: ClassVar[tuple[str, ...]] = ()
    """Other names of that parameter: some spellings are only documented in words."""
    flat: ClassVar[bool] = False
    """Whether its parameters lie beside the choice of the sub-operator, in no block of their own."""

    def outputs(self) -> tuple[str, ...]:
        """The names of its outputs."""
        return ("default",)

    def describe(self) -> str:
        """What it does, in a few words."""
        return (type(self).__doc__ or "").strip().split("\n")[0].rstrip(".")

    def apply(self, frames: Sequence[Frame], run: Run) -> Frame | Outputs:  # noqa: ARG002
        """The outputs for these inputs."""
        frame = frames[0]
        return frame.replace(self.change(frame))

    def change(self, frame: Frame) -> Any:
        """The changed table, for an operator that leaves rows in their order."""
        raise NotImplementedError


@dataclass
class Family:
    """Every sub-operator of one operator id, and the parameter that chooses among them at each level."""

    identifier: str
    choices: dict[tuple[str, ...], type[Operator]] = field(default_factory=dict)
    keys: dict[tuple[str, ...], str] = field(default_factory=dict)

    def options(self, path: tuple[str, ...]) -> list[str]:
        """The sub-operators known at this level."""
        depth = len(path)
        names = [choice[depth] for choice in self.choices if len(choice) > depth and choice[:depth] == path]
        return list(dict.fromkeys(names))


registry: dict[str, Family] = {}
T = TypeVar("T", bound=Operator)


def operator(
    identifier: str, *names: str, keys: Sequence[str] = ("operator",)
) -> Callable[[type[T]], type[T]]:
    """Put an operator in the registry under its id and the names of its sub-operator, outermost first."""

    def register(kind: type[T]) -> type[T]:
        family = registry.setdefault(identifier, Family(identifier))
        family.choices[names] = kind
        for depth in range(len(names)):
            family.keys[names[:depth]] = keys[depth]
        return kind

    return register


def resolve(node: Node) -> tuple[Operator | None, list[Problem]]:
    """The node's operator with its parameters, or every reason why there is none."""

    def problem(message: str, remedy: str = "", parameter: str = "") -> Problem:
        return Problem(message, remedy, node.label, node.operator, parameter)

    family = registry.get(node.operator)
    if family is None:
        return None, [problem(*_unknown(node.operator))]
    block: Mapping[str, Any] = node.parameters
    path: tuple[str, ...] = ()
    problems: list[Problem] = []
    while path in family.keys:
        key, options = family.keys[path], family.options(path)
        choice = block.get(key)
        if choice not in options:
            fault = f"has no '{key}'" if choice is None else f"does not know the sub-operator {choice!r}"
            return None, [*problems, problem(fault, f"Known here: {', '.join(options)}.", key)]
        chosen = family.choices.get((*path, choice))
        if chosen is not None and chosen.flat:
            path = (*path, choice)
            block = {name: value for name, value in block.items() if name not in (key, "name")}
            continue
        # Blocks of sub-operators once chosen in the UI stay behind: only the chosen one counts.
        strange = [name for name in block if name not in (key, "name") and not name.endswith("_parameters")]
        problems += [problem("is not a parameter of this operator", "Remove it.", name) for name in strange]
        path = (*path, choice)
        names = [*((chosen.block, *chosen.blocks) if chosen else ()), block_name(choice)]
        name = next((each for each in names if each in block), f"{choice}_parameters")
        inner = block.get(name, {})
        if not isinstance(inner, Mapping):
            return None, [*problems, problem("must be an object with the parameters", "Make it one.", name)]
        block = inner
    kind = family.choices[path]
    try:
        return (None if problems else kind.model_validate(dict(block))), problems
    except ValidationError as error:
        return None, [*problems, *(problem(*fault) for fault in _faults(error, kind))]


def block_name(choice: str) -> str:
    """Where the parameters of a sub-operator lie: `Drop column` -> `drop_column_parameters`."""
    return re.sub(r"[^a-z0-9]+", "_", choice.lower()).strip("_") + "_parameters"


def _unknown(identifier: str) -> tuple[str, str]:
    # An analysis does not stand for a transform: only those of its kind are named.
    analysis = ".visualizations." in identifier
    known = [name for name in sorted(registry) if (".visualizations." in name) == analysis]
    return "is an operator this engine does not know", f"Known: {', '.join(known)}."


def _faults(error: ValidationError, kind: type[Operator]) -> Iterator[tuple[str, str, str]]:
    known = ", ".join(name.alias or key for key, name in kind.model_fields.items()) or "none"
    for fault in error.errors():
        parameter = ".".join(str(part) for part in fault["loc"])
        if fault["type"] == "extra_forbidden":
            yield "is not a parameter of this operator", f"Its parameters: {known}.", parameter
        elif fault["type"] == "missing":
            yield "is missing", "Give it a value.", parameter
        else:
            message = str(fault["msg"]).removeprefix("Value error, ")
            yield (
                f"{message[:1].lower()}{message[1:]}, not {fault['input']!r}"[:300],
                "Give it another value.",
                parameter,
            )


def listing(names: Sequence[str], most: int = 3) -> str:
    """Names for a sentence: `a, b and c`, or `a, b and 5 more`."""
    if len(names) > most:
        return f"{', '.join(names[: most - 1])} and {len(names) - most + 1} more"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
