"""Reads the characters of a regular expression of Java, and its classes of them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from . import java_characters as characters
from .errors import OperatorError
from .java_characters import Ranges

_plain_escapes = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "a": "\a", "e": "\x1b"}


@dataclass
class Flags:
    ignore_case: bool = False
    dot_all: bool = False
    lines: bool = False
    unix: bool = False

    def copy(self) -> Flags:
        return Flags(self.ignore_case, self.dot_all, self.lines, self.unix)


@dataclass
class CharacterReader:
    """Reads a pattern character by character, and the sets of characters in it.

    `portable` says whether RE2 may do the work of what was read so far.
    """

    pattern: str
    parameter: str
    place: int = 0
    portable: bool = True
    flags: Flags = field(default_factory=Flags)

    def unknown(self, construct: str) -> OperatorError:
        """The error for what Java knows and this does not."""
        return OperatorError(
            f"the pattern {self.pattern!r} uses {construct}, which this engine does not compute as Java does",
            "Write it without.",
            self.parameter,
        )

    def wrong(self, message: str) -> OperatorError:
        """The error for what Java refuses."""
        return OperatorError(
            f"{self.pattern!r} is not a regular expression of Java: {message}", "Correct it.", self.parameter
        )

    def peek(self, text: str) -> bool:
        """Whether this comes next."""
        return self.pattern.startswith(text, self.place)

    def take(self, text: str) -> bool:
        """Read this, if it comes next."""
        found = self.peek(text)
        if found:
            self.place += len(text)
        return found

    def match(self, expression: str) -> re.Match[str] | None:
        """Read what this expression matches, if it does."""
        found = re.compile(expression, re.ASCII).match(self.pattern, self.place)
        if found:
            self.place = found.end()
        return found

    def next(self) -> str:
        """Read one character."""
        if self.place >= len(self.pattern):
            raise self.wrong("it ends too early")
        self.place += 1
        return self.pattern[self.place - 1]

    def character(self) -> str | Ranges | None:
        """A character or a set that a backslash (already read) stands for; None when it is something else."""
        each = self.next()
        if each in _plain_escapes:
            return _plain_escapes[each]
        if each.lower() in characters.shorthands:
            ranges = characters.shorthands[each.lower()]
            return ranges if each.islower() else characters.without(ranges)
        if each in "pP":
            name = self.match(r"\{([^}]*)\}") or self.match(r"([A-Z])")
            known = characters.named(name[1]) if name else None
            if name is None or known is None:
                raise self.unknown(f"\\{each}{'{' + name[1] + '}' if name else ''}")
            return known if each == "p" else characters.without(known)
        if each in "ux":
            code = self.match(r"\{([0-9a-fA-F]+)\}") if each == "x" else None
            code = code or self.match("([0-9a-fA-F]{4})" if each == "u" else "([0-9a-fA-F]{2})")
            if not code or int(code[1], 16) > characters.last:
                raise self.wrong(f"\\{each} needs hexadecimal digits")
            return chr(int(code[1], 16))
        if each == "0":
            code = self.match(r"([0-3]?[0-7]{1,2})")
            if not code:
                raise self.wrong("\\0 needs octal digits")
            return chr(int(code[1], 8))
        if each == "c":
            return chr(ord(self.next()) ^ 64)
        if not (each.isascii() and each.isalpha()):
            return each
        self.place -= 1
        return None

    def char_class(self) -> Ranges:
        """A class, its opening bracket already read."""
        negated = self.take("^")
        sides: list[list[tuple[int, int]]] = [[]]
        first, nested = True, False
        while first or not self.peek("]"):
            if self.take("&&"):
                sides.append([])
                first = False
                continue
            if self.take("["):
                sides[-1] += self.char_class()
                first, nested = False, True
                continue
            low = self.class_character()
            first = False
            if (
                isinstance(low, str)
                and self.peek("-")
                and self.pattern[self.place + 1 : self.place + 2] not in ("]", "[")
            ):
                self.place += 1
                high = self.class_character()
                if not isinstance(high, str) or high < low:
                    raise self.wrong(f"the range before {self.place} is not one")
                sides[-1].append((ord(low), ord(high)))
            else:
                sides[-1] += characters.of(low) if isinstance(low, str) else low
        self.next()
        if negated and (nested or len(sides) > 1):
            raise self.unknown("a negated class with others inside, which versions of Java read differently")
        found = characters.joined(sides[0])
        for side in sides[1:]:
            found = characters.shared(found, characters.joined(side))
        if negated:
            if self.flags.ignore_case:
                found = characters.joined([*found, *_other_case(found)])
            found = characters.without(found)
        return found

    def class_character(self) -> str | Ranges:
        each = self.next()
        if each != "\\":
            return each
        if self.peek("Q"):
            raise self.unknown("\\Q inside of a class")
        found = self.character()
        if found is None:
            raise self.wrong(f"\\{self.next()} is nothing that a class can hold")
        return found

    def written(self, ranges: Ranges) -> str:
        """A set of characters as a class."""
        if not ranges:
            self.portable = False
            return "(?!)"

        def write(code: int) -> str:
            each = chr(code)
            if 0xD800 <= code <= 0xDFFF:
                self.portable = False
            return f"\\{each}" if each in "\\]^-[&~|" else each

        def text(shown: Ranges) -> str:
            return "".join(write(low) + ("" if low == high else f"-{write(high)}") for low, high in shown)

        others = characters.without(ranges)
        if not others:
            return "[\\s\\S]"
        return f"[{text(ranges)}]" if len(ranges) <= len(others) else f"[^{text(others)}]"


def _other_case(ranges: Ranges) -> Ranges:
    """The ASCII letters of the other case."""
    small = characters.shared(ranges, characters.lower)
    large = characters.shared(ranges, characters.upper)
    shifted = [(low - 32, high - 32) for low, high in small]
    return characters.joined([*shifted, *((low + 32, high + 32) for low, high in large)])
