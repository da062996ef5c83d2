"""Python functions of a snippet (F.udf) as functions of the database."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Any

from ...user_functions import accepted
from ..trees import PythonCall
from ..typed import Unsupported
from ..types import Type

if TYPE_CHECKING:
    from ...duckdb_engine import DuckDBRun

_arrow = {
    "string": "string", "bigint": "int64", "int": "int32", "double": "float64", "boolean": "bool",
    "date": "date32",
    "timestamp": "timestamp[us]",
}  # fmt: skip


def registrar(run: DuckDBRun) -> Callable[[PythonCall, Sequence[Type]], str]:
    """Makes Python functions known to the database of a run; gives their names there."""

    import pyarrow as pa

    def register(call: PythonCall, arguments: Sequence[Type]) -> str:
        if call.kind.name not in _arrow:
            raise Unsupported(f"a Python function that returns {call.kind}")
        for kind in arguments:
            if not kind.atomic and kind.name != "array":
                raise Unsupported(f"a Python function of {kind}")
        returns = _arrow[call.kind.name]

        if not arguments:
            raise Unsupported("a Python function without columns")
        kind = pa.type_for_alias(returns) if returns != "date32" else pa.date32()

        def column(*columns: Any) -> Any:
            values = (each.to_pylist() for each in columns)
            return pa.array(
                [accepted(call.function(*row), returns) for row in zip(*values, strict=True)], kind
            )

        slots = [Parameter(f"p{place}", Parameter.POSITIONAL_ONLY) for place in range(len(arguments))]
        column.__signature__ = Signature(slots)  # type: ignore[attr-defined]
        name = run.fresh()
        connection: Any = run.connection
        connection.create_function(
            name,
            column,
            [each.duckdb for each in arguments],
            call.kind.duckdb,
            type="arrow",
            null_handling="special",
            side_effects=True,
        )
        return name

    return register
