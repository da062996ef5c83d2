"""description.json, which stands beside the model in a model.tar.gz."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar


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


@dataclass(frozen=True)
class ProcessorDescription:
    """A data processor; `target_position` is the place of the target among the columns of the data."""

    kind: ClassVar[str] = "data processor"

    name: str
    problem_type: str
    columns: list[Column]
    target: str
    target_position: int
    classes: list[str]  # as text, in their order; none for regression

    def as_json(self) -> dict[str, Any]:
        """The content of description.json."""
        return asdict(self) | {"kind": self.kind}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "ProcessorDescription":
        """The description in a parsed description.json. Raises KeyError or TypeError when it is not one."""
        return cls(
            name=str(content["name"]),
            problem_type=str(content["problem_type"]),
            columns=[Column(str(column["name"]), str(column["kind"])) for column in content["columns"]],
            target=str(content["target"]),
            target_position=int(content["target_position"]),
            classes=[str(name) for name in content["classes"]],
        )


@dataclass(frozen=True)
class AlgorithmDescription:
    """A tuned algorithm; `centre` and `spread` are those of a target that it learned in another scale."""

    kind: ClassVar[str] = "tuned algorithm"

    algorithm: str  # by its name in the API
    problem_type: str
    width: int  # numbers of a row
    sparse: bool  # whether it learned from sparse rows
    classes: int
    centre: float = 0.0
    spread: float = 1.0

    @property
    def regression(self) -> bool:
        """Whether numbers are predicted, not classes."""
        return self.problem_type == "Regression"

    def as_json(self) -> dict[str, Any]:
        """The content of description.json."""
        return asdict(self) | {"kind": self.kind}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "AlgorithmDescription":
        """The description in a parsed description.json. Raises KeyError or TypeError when it is not one."""
        return cls(
            algorithm=str(content["algorithm"]),
            problem_type=str(content["problem_type"]),
            width=int(content["width"]),
            sparse=bool(content["sparse"]),
            classes=int(content["classes"]),
            centre=float(content["centre"]),
            spread=float(content["spread"]),
        )
