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


@ibis.udf.scalar.builtin(name="spark_long")  # type: ignore[untyped-decorator]
def text_as_long(text: str) -> dt.int64:
    """A text as a whole number, fractions cut off, as Spark's CAST reads it; else null."""


@ibis.udf.scalar.builtin(name="spark_float")  # type: ignore[untyped-decorator]
def text_as_float(text: str) -> dt.float64:
    """A text as a floating number, as Spark's CAST reads it; else null."""


@ibis.udf.scalar.builtin(name="spark_bool")  # type: ignore[untyped-decorator]
def text_as_bool(text: str) -> dt.boolean:
    """A text as a truth value, as Spark's CAST reads it; else null."""


@ibis.udf.scalar.builtin(name="spark_date")  # type: ignore[untyped-decorator]
def text_as_date(text: str) -> dt.date:
    """A text as a date, as Spark's CAST reads it; else null."""


@ibis.udf.scalar.builtin(name="spark_datetime")  # type: ignore[untyped-decorator]
def text_as_datetime(text: str) -> dt.timestamp:
    """A text as a moment, as Spark's CAST reads it; else null."""


def content_hash(table: Any, columns: list[str], seed: str) -> Any:
    """A number from a row's values: the same on any machine and engine.

    Floating numbers count to seven digits: sums and means differ in the last ones with the order of addition.
    """
    separator, missing = "\x1f", "\x1e"
    floating = [name for name in columns if table[name].type().is_floating()]
    texts = [_text(table[name]).fill_null(missing) for name in columns if name not in floating]
    if floating:
        texts.append(
            _total([_share(table[name], place) for place, name in enumerate(floating)]).cast("string")
        )
    number = md5_number_lower(ibis.literal(separator).join([ibis.literal(seed), *texts]))
    return (number % ibis.literal(2**62)).cast("int64")


def _text(column: Any) -> Any:
    """A text for each value, by a whole number where the engines write values differently."""
    return (epoch_us(column) if column.type().is_timestamp() else column).cast("string")


_prime, _generator = 2**31 - 1, 48_271


def _share(column: Any, place: int) -> Any:
    """What a floating column adds to the number of a row: its text would take several times as long."""
    factor, prime = (ibis.literal(number, "int64") for number in (pow(_generator, place + 1, _prime), _prime))
    return (_whole_number(column) % prime * factor % prime).fill_null(ibis.literal(_prime, "int64"))


def _total(numbers: list[Any]) -> Any:
    """Their sum, added up in pairs: many additions in a row are nested too deeply for SQL."""
    half = len(numbers) // 2
    return _total(numbers[:half]) + _total(numbers[half:]) if half else numbers[0]


_greatest = 2.0**62
_scales = ((2.0**20, 1.0), (1.0, 2.0**20), (2.0**-20, 2.0**40), (2.0**-60, 2.0**80))


def _whole_number(column: Any) -> Any:
    """A floating number in single precision, times a power of two that suits its size, which is exact."""
    bounds = ((column >= _greatest, _greatest), (column <= -_greatest, -_greatest))
    single = ibis.cases(*bounds, else_=column.cast("float64")).cast("float32").cast("float64")
    size = single.abs()
    scale = ibis.cases(*((size >= least, factor) for least, factor in _scales), else_=2.0**110)
    return (single * scale).floor().cast("int64")
