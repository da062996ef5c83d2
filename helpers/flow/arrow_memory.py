"""Arrow tables that do not lean on NumPy's memory.

DuckDB reads a registered table through Arrow's threads. Such a thread may free the last hold on a NumPy array
after the query, and asks for the interpreter's lock to do so: where Python is ending by then, the whole
process aborts ("terminate called without an active exception").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


def in_arrow_memory(table: pa.Table) -> pa.Table:
    """The same table, every column copied into memory that Arrow frees by itself."""
    import pyarrow as pa

    copies = []
    for column in table.columns:
        empty = pa.nulls(0, column.type)
        # Of a single array the concatenation would be the array itself.
        copies.append(pa.concat_arrays([*(column.chunks or [empty]), empty]))
    return pa.Table.from_arrays(copies, schema=table.schema)
