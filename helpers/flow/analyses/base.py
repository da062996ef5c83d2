"""What an analysis is: a step of a flow that gives a picture and numbers instead of a table.

An analysis is an operator like any other (its fields are its parameters, `@operator` puts it in the
registry), with `analyze` in the place of `change`. Nothing here imports the heavy libraries.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BeforeValidator, model_validator

from ..model import Node
from ..operators.base import Operator, operator, resolve

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..engine import Run
    from ..frame import Frame
    from .table import Table

most_rows = 100_000
"""Data Wrangler makes its analyses from at most this many rows; here they are the first."""


@dataclass
class Finding:
    """What an analysis finds: its picture, its numbers (JSON), and where it has one its page (HTML)."""

    figure: Figure
    numbers: dict[str, Any]
    page: str | None = None


class Visualization(Operator):
    """An analysis with its parameters checked."""

    name: str = ""

    @model_validator(mode="before")
    @classmethod
    def _without_leftovers(cls, block: Any) -> Any:
        """Empty values and blocks of other choices stay behind in the UI's parameters."""
        if not isinstance(block, Mapping):
            return block
        aliases = [field.validation_alias for field in cls.model_fields.values()]
        known = {*cls.model_fields, *(name for alias in aliases for name in getattr(alias, "choices", ()))}
        return {
            key: value
            for key, value in block.items()
            if value not in ("", None) and (key in known or not isinstance(value, Mapping | list))
        }

    def heading(self, fallback: str) -> str:
        """The name that a person gave to this analysis, else the fallback."""
        return fallback if self.name in ("", "Untitled") else self.name

    def apply(self, frames: Sequence[Frame], run: Run) -> Frame:  # noqa: ARG002
        """The table it looks at: what a preview of this step shows."""
        return frames[0]

    def analyze(self, table: Table) -> Finding:
        """Look at the table. Raises OperatorError."""
        raise NotImplementedError


def title(node: Node) -> str:
    """How a person calls an analysis: the name given to it, else what it does."""
    name = str(node.parameters.get("name") or node.name or "")
    if name and name != "Untitled":
        return name
    found, _ = resolve(node)
    return found.describe() if found else node.short_operator.replace("_", " ")


def lowered(value: object) -> object:
    """A text without capitals, for choices that the UI spells in several ways."""
    return value.strip().lower() if isinstance(value, str) else value


Lowered = BeforeValidator(lowered)

__all__ = ["Finding", "Lowered", "Visualization", "most_rows", "operator", "title"]
