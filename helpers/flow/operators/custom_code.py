"""Custom code: snippets of pandas, PySpark and SQL, and user-defined functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import AliasChoices, BeforeValidator, Field, model_validator

from .base import Operator, operator

if TYPE_CHECKING:
    from ..engine import Run
    from ..frame import Frame

_id = "sagemaker.spark.custom_code_0.1"


class Snippet(Operator):
    """Run a snippet of code on the table `df`."""

    code: str
    name: str | None = None
    language: ClassVar[str] = ""
    comment: ClassVar[str] = "#"

    def describe(self) -> str:
        lines = [line.strip() for line in self.code.splitlines()]
        comments = [line.strip(f"{self.comment} ") for line in lines if line.startswith(self.comment)]
        said = [line for line in comments if line and not line.startswith("Table is available")]
        return f"{self.language}: {said[-1]}" if said else f"Custom {self.language}"


@operator("sagemaker.spark.custom_pyspark_0.1")
class CustomPySpark(Snippet):
    """Run a PySpark snippet on the table `df`."""

    language: ClassVar[str] = "PySpark"

    def apply(self, frames: Sequence[Frame], run: Run) -> Frame:
        return run.pyspark(self.code, frames[0])


@operator(_id, "Python (PySpark)")
class CustomCodePySpark(CustomPySpark):
    """Run a PySpark snippet on the table `df`."""

    block: ClassVar[str] = "pyspark_parameters"


@operator("sagemaker.spark.custom_pandas_0.1")
class CustomPandas(Snippet):
    """Run a pandas snippet on the table `df`."""

    language: ClassVar[str] = "pandas"

    def apply(self, frames: Sequence[Frame], run: Run) -> Frame:
        from ..snippets import run_pandas

        return run_pandas(self.code, frames[0], run)


@operator(_id, "Python (Pandas)")
class CustomCodePandas(CustomPandas):
    """Run a pandas snippet on the table `df`."""

    block: ClassVar[str] = "pandas_parameters"


@operator(_id, "SQL (PySpark SQL)")
class CustomSQL(Snippet):
    """Run a Spark SQL query on the table `df`."""

    code: str = Field(validation_alias=AliasChoices("code", "sql", "query", "sql_code"))
    language: ClassVar[str] = "SQL"
    comment: ClassVar[str] = "--"
    block: ClassVar[str] = "sql_parameters"
    blocks: ClassVar[tuple[str, ...]] = ("pyspark_sql_parameters", "sql_pyspark_sql_parameters")

    def apply(self, frames: Sequence[Frame], run: Run) -> Frame:
        return run.spark_sql(self.code, frames[0])


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


@operator(_id, "Python (User-Defined Function)")
class UserDefinedFunction(Operator):
    """Compute a column by a Python function of another column."""

    input_col: str = Field(min_length=1, validation_alias=AliasChoices("input_col", "input_column"))
    output_col: str = Field("", validation_alias=AliasChoices("output_col", "output_column"))
    udf_mode: Literal["Pandas", "Python"] = "Pandas"
    return_type: Annotated[
        Literal[
            "string",
            "long",
            "bigint",
            "int",
            "integer",
            "float",
            "double",
            "bool",
            "boolean",
            "date",
            "datetime",
            "timestamp",
        ],
        BeforeValidator(_lower),
    ] = "string"
    pandas_code: str = ""
    python_code: str = ""
    code: str = ""
    name: str | None = None
    block: ClassVar[str] = "udf_parameters"

    @model_validator(mode="after")
    def _with_code(self) -> UserDefinedFunction:
        if not self.chosen_code:
            raise ValueError(f"'{self.udf_mode.lower()}_code' is missing")
        return self

    @property
    def chosen_code(self) -> str:
        """The code of the chosen mode; the other's may be left over from an earlier choice."""
        own, other = self.pandas_code, self.python_code
        return (own or self.code or other) if self.udf_mode == "Pandas" else (other or self.code or own)

    def describe(self) -> str:
        return f"{self.output_col or self.input_col} = custom function of {self.input_col}"

    def apply(self, frames: Sequence[Frame], run: Run) -> Frame:
        from ..snippets import run_function
        from ..user_functions import UserFunction

        function = UserFunction(
            self.chosen_code, self.udf_mode, self.input_col, self.output_col, self.return_type
        )
        return run_function(function, frames[0], run)
