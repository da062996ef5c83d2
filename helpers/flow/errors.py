"""What goes wrong in a flow, said so that its author can mend it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a flow: where it is, what it is, and what to do about it."""

    message: str
    remedy: str = ""
    node: str = ""
    operator: str = ""
    parameter: str = ""

    def __str__(self) -> str:
        where = self.node
        if self.operator:
            where += f" ({self.operator})"
        if self.parameter:
            where += f", parameter '{self.parameter}'"
        text = f"{where.strip(', ')}: {self.message}" if where else self.message
        return f"{text.rstrip('.')}. {self.remedy}".strip() if self.remedy else text


class FlowError(Exception):
    """A flow cannot be read or run; `problems` holds every reason that could be found."""

    def __init__(self, problems: Iterable[Problem] | str) -> None:
        self.problems = [Problem(problems)] if isinstance(problems, str) else list(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class OperatorError(Exception):
    """Raised inside an operator, which does not know its node; the engine adds node and operator."""

    def __init__(self, message: str, remedy: str = "", parameter: str = "") -> None:
        super().__init__(message)
        self.message, self.remedy, self.parameter = message, remedy, parameter

    def at(self, node: str, operator: str) -> Problem:
        """The problem, with the place it happened in."""
        return Problem(self.message, self.remedy, node, operator, self.parameter)
