"""Functions of DuckDB that Ibis has no name for."""

# No postponed annotations: Ibis reads them to type the functions.
from typing import Any

import ibis
import ibis.expr.datatypes as dt


@ibis.udf.scalar.builtin(name="md5_number_lower")  # type: ignore[untyped-decorator]
def md5_number_lower(text: str) -> dt.uint64:
    """The lower half of the text's MD5."""


@ibis.udf.scalar.builtin(name="spark_moment")  # type: ignore[untyped-decorator]
def spark_moment(text: str, pattern: str, java_pattern: str) -> dt.timestamp:
    """The moment a text names by a pattern, given as that of strptime and of Java; or null."""


@ibis.udf.scalar.builtin(name="spark_number_text")  # type: ignore[untyped-decorator]
def spark_number_text(number: float) -> dt.string:
    """A floating number as Java writes it: 1.0E7, NaN, Infinity."""


@ibis.udf.scalar.builtin(name="epoch_us")  # type: ignore[untyped-decorator]
def epoch_us(moment: dt.timestamp) -> dt.int64:
    """The microseconds from 1970 on."""


def content_hash(table: Any, columns: list[str], seed: str) -> Any:
    """A number from the texts of a row's values: the same on any machine and engine."""
    separator, missing = "\x1f", "\x1e"
    texts = [table[name].cast("string").fill_null(missing) for name in columns]
    number = md5_number_lower(ibis.literal(separator).join([ibis.literal(seed), *texts]))
    return (number % ibis.literal(2**62)).cast("int64")
