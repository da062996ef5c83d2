"""The hyperparameters of an algorithm as a table: their ranges and where the search begins."""

from dataclasses import dataclass, field
from typing import Any

from helpers.local.jobs.automl.tuning.library.task import Algorithm, Task


@dataclass
class Listing:
    """A trial that notes what it is asked for, and answers with the first value."""

    rows: list[tuple[str, str, str]] = field(default_factory=list)  # name, range, scale

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """A number of a range."""
        self.rows.append((name, f"{low:g} to {high:g}", "logarithmic" if log else "linear"))
        return low

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        """A whole number of a range."""
        self.rows.append((name, f"{low} to {high}, whole", "logarithmic" if log else "linear"))
        return low

    def suggest_categorical(self, name: str, choices: Any) -> Any:
        """One of some values."""
        self.rows.append((name, ", ".join(map(str, choices)), "one of"))
        return choices[0]


def table(algorithm: Algorithm, task: Task) -> str:
    """The ranges in Markdown."""
    listing = Listing()
    algorithm.suggest(listing, task)
    start = algorithm.start(task)
    lines = ["| hyperparameter | range | scale | start |", "| --- | --- | --- | --- |"]
    lines += [f"| `{name}` | {values} | {scale} | {start[name]} |" for name, values, scale in listing.rows]
    return "\n".join(lines)
