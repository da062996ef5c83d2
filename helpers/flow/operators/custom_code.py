"""Custom code: snippets of PySpark."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from .base import Operator, operator

if TYPE_CHECKING:
    from ..engine import Run
    from ..frame import Frame


@operator("sagemaker.spark.custom_pyspark_0.1")
class CustomPySpark(Operator):
    """Run a PySpark snippet on the table `df`."""

    code: str
    name: str | None = None

    def describe(self) -> str:
        comments = [line.strip("# ") for line in self.code.splitlines() if line.startswith("#")]
        said = [line for line in comments if line and not line.startswith("Table is available")]
        return f"PySpark: {said[-1]}" if said else "Custom PySpark"

    def apply(self, frames: Sequence[Frame], run: Run) -> Frame:
        from ..snippets import run_pyspark

        return run_pyspark(self.code, frames[0], run)


@operator("sagemaker.spark.custom_code_0.1", "Python (PySpark)")
class CustomCodePySpark(CustomPySpark):
    """Run a PySpark snippet on the table `df`."""

    block: ClassVar[str] = "pyspark_parameters"
