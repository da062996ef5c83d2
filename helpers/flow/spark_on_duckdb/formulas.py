"""Custom formulas: a Spark SQL expression over the columns of a frame, as DuckDB SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import OperatorError
from ..naming import quoted
from .analysis import Analyzer, Output
from .parsing import expression
from .types import duckdb_type

if TYPE_CHECKING:
    from ..frame import Frame


def to_duckdb(formula: str, frame: Frame) -> str:
    """A Spark SQL expression over the columns of a frame, as DuckDB SQL; else OperatorError."""
    from ibis.backends.sql.datatypes import DuckDBType

    schema = frame.table.schema()
    outputs = [
        Output(number, name, duckdb_type(DuckDBType.to_string(schema[name])), sql=quoted(name))
        for number, name in enumerate(frame.columns)
    ]
    try:
        found = Analyzer(outputs).typed(expression(formula, "formula", "formula"))
        if found.aggregates or found.windows:
            raise OperatorError(
                "looks at other rows than its own", "Use a custom step for aggregates and windows.", "formula"
            )
    except OperatorError as error:
        raise OperatorError(error.message, error.remedy, "formula") from error
    return f"CAST({found.sql} AS VARCHAR)" if found.type.name == "void" else found.sql
