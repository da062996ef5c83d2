"""Custom formula: a Spark SQL expression as a new column."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .base import Operator, operator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..engine import Run
    from ..frame import Frame


@operator("sagemaker.spark.custom_formula_0.1")
class CustomFormula(Operator):
    """Compute a column by a Spark SQL expression."""

    formula: str
    output_column: str

    def describe(self) -> str:
        return f"{self.output_column} = {self.formula}"

    def apply(self, frames: Sequence[Frame], run: Run) -> Frame:
        frame = frames[0]
        taken = [name for name in frame.columns if name.lower() == self.output_column.lower()]
        name = taken[0] if taken else frame.free(self.output_column, "output_column")
        return run.with_formula(frame, name, self.formula)
