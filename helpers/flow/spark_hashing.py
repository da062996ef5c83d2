"""Hashes and vectors as Spark's feature transformers make them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

_mask = 0xFFFFFFFF
min_hash_prime = 2038074743


def _rotated(value: int, by: int) -> int:
    return ((value << by) | (value >> (32 - by))) & _mask


@lru_cache(maxsize=100_000)
def murmur3(text: str, seed: int = 42) -> int:
    """The signed 32-bit MurmurHash3 (x86) of a text in UTF-8, as HashingTF of Spark 3 computes it."""
    data = text.encode("utf-8", "surrogatepass")
    value, whole = seed, len(data) // 4 * 4
    for place in range(0, whole, 4):
        value ^= _mixed(int.from_bytes(data[place : place + 4], "little"))
        value = (_rotated(value, 13) * 5 + 0xE6546B64) & _mask
    if whole < len(data):
        value ^= _mixed(int.from_bytes(data[whole:], "little"))
    value ^= len(data)
    value = ((value ^ (value >> 16)) * 0x85EBCA6B) & _mask
    value = ((value ^ (value >> 13)) * 0xC2B2AE35) & _mask
    value ^= value >> 16
    return value - (1 << 32) if value >> 31 else value


def _mixed(block: int) -> int:
    return (_rotated((block * 0xCC9E2D51) & _mask, 15) * 0x1B873593) & _mask


def hashed_index(term: str, features: int) -> int:
    """Where HashingTF counts a term."""
    return murmur3(term) % features


class JavaRandom:
    """java.util.Random."""

    def __init__(self, seed: int) -> None:
        self.state = (seed ^ 0x5DEECE66D) & ((1 << 48) - 1)

    def bits(self, count: int) -> int:
        """A signed number of up to 32 random bits."""
        self.state = (self.state * 0x5DEECE66D + 0xB) & ((1 << 48) - 1)
        value = self.state >> (48 - count)
        return value - (1 << 32) if count == 32 and value >> 31 else value

    def below(self, bound: int) -> int:
        """A whole number from 0 to below `bound`."""
        value = self.bits(31)
        if bound & (bound - 1) == 0:
            return (bound * value) >> 31
        while True:
            found = value % bound
            if value - found + (bound - 1) < 1 << 31:
                return found
            value = self.bits(31)


def min_hash_functions(count: int, seed: int) -> list[tuple[int, int]]:
    """The coefficients that MinHashLSH draws."""
    random = JavaRandom(seed)
    return [(1 + random.below(min_hash_prime - 1), random.below(min_hash_prime - 1)) for _ in range(count)]


def min_hashes(indices: Iterable[int], functions: Sequence[tuple[int, int]]) -> list[int]:
    """MinHashLSH of the non-zero places of a vector."""
    places = list(indices)
    return [min(((1 + place) * a + b) % min_hash_prime for place in places) for a, b in functions]


def java_number(number: float) -> str:
    """A floating number as Java writes it: 1.0E7, NaN."""
    if number != number:
        return "NaN"
    if number in (float("inf"), float("-inf")):
        return "Infinity" if number > 0 else "-Infinity"
    text = repr(float(number))
    if number == 0 or 1e-3 <= abs(number) < 1e7:
        return text if "e" not in text else f"{number:f}".rstrip("0")
    sign, text = ("-", text[1:]) if text[0] == "-" else ("", text)
    mantissa, _, power = text.partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    exponent = int(power or 0) + (len(whole) - 1 if whole != "0" else len(digits) - len(fraction) - 1)
    digits = digits.rstrip("0")
    return f"{sign}{digits[0]}.{digits[1:] or '0'}E{exponent}"


def sparse_text(size: int, entries: Mapping[int, float]) -> str:
    """Spark's text of a sparse vector."""
    places = sorted(entries)
    values = ",".join(java_number(entries[place]) for place in places)
    return f"({size},[{','.join(map(str, places))}],[{values}])"


def vector_text(values: Sequence[float | None]) -> str:
    """Spark's text of an assembled vector: dense or sparse, whichever takes less room; null becomes NaN."""
    numbers = [float("nan") if value is None else float(value) for value in values]
    entries = {place: number for place, number in enumerate(numbers) if number != 0}
    if 1.5 * (len(entries) + 1.0) < len(numbers):
        return sparse_text(len(numbers), entries)
    return f"[{','.join(map(java_number, numbers))}]"
