"""Everything the insights report says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .features import Feature
from .model import QuickModel, Target
from .remarks import Remark
from .samples import Sample


@dataclass(frozen=True)
class Report:
    """Everything the page shows."""

    title: str
    note: str
    rows: int
    features: list[Feature]
    target: Feature | None
    aim: Target | None
    model: QuickModel | None
    remarks: list[Remark]
    duplicates: dict[str, Any]
    samples: list[Sample]
    anomalies: int

    @property
    def ranked(self) -> list[Feature]:
        """The features without the target, the most predictive first."""
        others = [each for each in self.features if self.target is None or each.name != self.target.name]
        return sorted(others, key=lambda each: -(each.power or 0.0))

    @property
    def missing_share(self) -> float:
        """The share of cells without a value."""
        cells = self.rows * len(self.features)
        return sum(each.missing for each in self.features) / cells if cells else 0.0
