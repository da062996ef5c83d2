"""description.json, which stands beside the predictor in a model.tar.gz."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Column:
    """One column of a request; kind is `number`, `boolean` or `text`."""

    name: str
    kind: str


@dataclass(frozen=True)
class Description:
    """The columns in training order, without the target; classes as text, in the probabilities' order."""

    model: str
    problem_type: str
    columns: list[Column]
    classes: list[str]

    def as_json(self) -> dict[str, Any]:
        """The content of description.json."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Description":
        """The description in a parsed description.json. Raises KeyError or TypeError when it is not one."""
        return cls(
            model=str(content["model"]),
            problem_type=str(content["problem_type"]),
            columns=[Column(str(column["name"]), str(column["kind"])) for column in content["columns"]],
            classes=[str(name) for name in content["classes"]],
        )
