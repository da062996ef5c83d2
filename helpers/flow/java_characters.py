"""Sets of characters as Java's regular expressions know them: ranges of code points."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable, Iterable
from functools import cache

Ranges = tuple[tuple[int, int], ...]
"""Code points from, to (included), ascending and apart from each other."""

last = sys.maxunicode


def joined(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """The same characters, in order and without overlap."""
    found: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], high))
        else:
            found.append((low, high))
    return tuple(found)


def without(ranges: Ranges) -> Ranges:
    """All other characters."""
    found, start = [], 0
    for low, high in ranges:
        if low > start:
            found.append((start, low - 1))
        start = high + 1
    if start <= last:
        found.append((start, last))
    return tuple(found)


def shared(left: Ranges, right: Ranges) -> Ranges:
    """The characters of both."""
    return without(joined([*without(left), *without(right)]))


def of(characters: str) -> Ranges:
    """These characters."""
    return joined((ord(each), ord(each)) for each in characters)


def span(low: str, high: str) -> Ranges:
    """The characters from one to another."""
    return ((ord(low), ord(high)),)


digits = span("0", "9")
lower, upper = span("a", "z"), span("A", "Z")
letters = joined([*lower, *upper])
alphanumeric = joined([*letters, *digits])
words = joined([*alphanumeric, *of("_")])
spaces = of(" \t\n\x0b\f\r")
line_ends = of("\n\r\x85\u2028\u2029")
horizontal = joined([*of(" \t\xa0\u1680\u180e\u202f\u205f\u3000"), *span("\u2000", "\u200a")])
vertical = of("\n\x0b\f\r\x85\u2028\u2029")
punctuation = of("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")

shorthands: dict[str, Ranges] = {"d": digits, "w": words, "s": spaces, "h": horizontal, "v": vertical}

_posix: dict[str, Ranges] = {
    "Lower": lower,
    "Upper": upper,
    "ASCII": span("\0", "\x7f"),
    "Alpha": letters,
    "Digit": digits,
    "Alnum": alphanumeric,
    "Punct": punctuation,
    "Graph": span("!", "~"),
    "Print": span(" ", "~"),
    "Blank": of(" \t"),
    "Cntrl": joined([*span("\0", "\x1f"), *of("\x7f")]),
    "XDigit": joined([*digits, *span("a", "f"), *span("A", "F")]),
    "Space": spaces,
}
_binary: dict[str, Callable[[str], bool]] = {
    "isalphabetic": lambda each: unicodedata.category(each) in ("Lu", "Ll", "Lt", "Lm", "Lo", "Nl"),
    "isletter": str.isalpha,
    "isdigit": lambda each: unicodedata.category(each) == "Nd",
    "ispunctuation": lambda each: unicodedata.category(each)[0] == "P",
    "javalowercase": str.islower,
    "javauppercase": str.isupper,
    "javaletter": str.isalpha,
    "javadigit": lambda each: unicodedata.category(each) == "Nd",
}
_categories = {
    "L", "Lu", "Ll", "Lt", "Lm", "Lo", "M", "Mn", "Mc", "Me", "N", "Nd", "Nl", "No", "P", "Pc", "Pd", "Ps",
    "Pe", "Pi", "Pf", "Po", "S", "Sm", "Sc", "Sk", "So", "Z", "Zs", "Zl", "Zp", "C", "Cc", "Cf", "Co", "Cn",
}  # fmt: skip


@cache
def named(name: str) -> Ranges | None:
    """The characters of a property such as Alpha, L, Lu, IsL or IsAlphabetic; None when it is not known."""
    if name in _posix:
        return _posix[name]
    short = name.removeprefix("Is").removeprefix("general_category=").removeprefix("gc=")
    if short in _categories:
        return _where(lambda each: unicodedata.category(each).startswith(short))
    test = _binary.get(name.lower())
    return _where(test) if test else None


def _where(test: Callable[[str], bool]) -> Ranges:
    return joined((code, code) for code in range(last + 1) if test(chr(code)))
