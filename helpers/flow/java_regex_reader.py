"""Reads a regular expression of Java and writes it as one of Python's re."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from . import java_characters as characters
from .errors import OperatorError
from .java_characters import Ranges

_plain_escapes = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "a": "\a", "e": "\x1b"}
_ends = "\\n\\r\\x85\\u2028\\u2029"
_end = f"(?:(?=(?:\\r\\n|[\\r\\x85\\u2028\\u2029])?\\Z)|(?<!\\r)(?=\\n\\Z))"  # noqa: F541
_line_start = "(?!\\Z)(?:\\A|(?<=[\\n\\x85\\u2028\\u2029])|(?<=\\r)(?!\\n))"
_line_end = "(?:\\Z|(?=[\\r\\x85\\u2028\\u2029])|(?<!\\r)(?=\\n))"
_boundary = "(?u:\\b)"
_any_line_end = f"(?:\\r\\n|[{_ends}\\x0b\\f])"


@dataclass
class _Flags:
    ignore_case: bool = False
    dot_all: bool = False
    lines: bool = False
    unix: bool = False

    def copy(self) -> _Flags:
        return _Flags(self.ignore_case, self.dot_all, self.lines, self.unix)


@dataclass
class Reader:
    """Reads a pattern once; `portable` then says whether RE2 may do the work."""

    pattern: str
    parameter: str
    place: int = 0
    portable: bool = True
    flags: _Flags = field(default_factory=_Flags)
    opened: int = 0
    total: int = 0
    names: list[str] = field(default_factory=list)

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

    # Reading

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

    def read(self) -> str:
        """The whole pattern as Python writes it, with the ASCII flag."""
        plain = re.sub(r"\\Q.*?(\\E|$)|\\.|\[(\\.|[^\]\\])*\]", "", self.pattern, flags=re.DOTALL)
        self.total = len(re.findall(r"\((?!\?)|\(\?<[a-zA-Z]", plain))
        text = self.alternatives()
        if self.place < len(self.pattern):
            raise self.wrong("a bracket is closed that was not opened")
        return text

    def alternatives(self) -> str:
        """Up to the end or the bracket that closes the group; flags set inside end with it."""
        outer = self.flags.copy()
        parts, wrapped = [""], False
        while self.place < len(self.pattern) and not self.peek(")"):
            if self.take("|"):
                parts[-1] += ")" if wrapped else ""
                parts.append("(?i:" if wrapped else "")
                continue
            switch = self.match(r"\(\?([a-zA-Z]*)(-[a-zA-Z]+)?\)")
            if switch:
                self.set_flags(switch[1], (switch[2] or "")[1:])
                if self.flags.ignore_case != wrapped or (outer.ignore_case and not self.flags.ignore_case):
                    parts[-1] += ")" if wrapped else ""
                    wrapped = self.flags.ignore_case and not outer.ignore_case
                    if outer.ignore_case and not self.flags.ignore_case:
                        raise self.unknown("(?-i) inside of (?i)")
                    parts[-1] += "(?i:" if wrapped else ""
                continue
            parts[-1] += self.repeated()
        if wrapped:
            parts[-1] += ")"
        self.flags = outer
        return "|".join(parts)

    def set_flags(self, on: str, off: str) -> None:
        """Switch flags."""
        for letter in on + off:
            if letter not in "ismdu":
                raise self.unknown(f"the flag (?{letter})")
        if "u" in on:
            raise self.unknown("the flag (?u)")
        for letters, value in ((on, True), (off, False)):
            self.flags.ignore_case = value if "i" in letters else self.flags.ignore_case
            self.flags.dot_all = value if "s" in letters else self.flags.dot_all
            self.flags.lines = value if "m" in letters else self.flags.lines
            self.flags.unix = value if "d" in letters else self.flags.unix
        if "i" in on:
            self.portable = False

    def repeated(self) -> str:
        """One element and its quantifier."""
        start = self.place
        text, simple = self.one()
        count = self.match(r"[*+?]|\{\d+(,\d*)?\}")
        if not count:
            return text
        kind = self.match(r"[+?]")
        if kind and kind[0] == "+":
            self.portable = False
        # RE2 keeps other groups of a repeated group than Java, and counts to a thousand.
        if not simple or count[0][0] == "{":
            self.portable = False
        if self.peek("*") or self.peek("+") or self.peek("?"):
            raise self.wrong(f"the quantifier at {self.place} follows another")
        if not text:
            raise self.unknown(f"the repetition of {self.pattern[start : self.place]!r}")
        return text + count[0] + (kind[0] if kind else "")

    def one(self) -> tuple[str, bool]:
        """One element as Python's, and whether it is one character."""
        each = self.next()
        if each == "(":
            return self.group(), False
        if each == "[":
            return self.written(self.char_class()), True
        if each == ".":
            ends = characters.of("\n") if self.flags.unix else characters.line_ends
            every = ((0, characters.last),)
            return self.written(every if self.flags.dot_all else characters.without(ends)), True
        if each == "^":
            if self.flags.lines:
                self.portable = False
                return f"(?:{_line_start})", False
            return "\\A", False
        if each == "$":
            self.portable = False
            return (_line_end if self.flags.lines else _end), False
        if each == "\\":
            return self.escaped()
        if each in "*+?{":
            raise self.wrong(f"{each!r} at {self.place - 1} repeats nothing")
        return self.literal(each), True

    def literal(self, text: str) -> str:
        """Texts as they are."""
        return "".join(re.escape(each) if each.isascii() and not each.isalnum() else each for each in text)

    def group(self) -> str:
        """A group, its opening bracket already read."""
        if self.take("?"):
            name = self.match(r"<([a-zA-Z][a-zA-Z0-9]*)>")
            if name:
                self.opened += 1
                self.names.append(name[1])
                opening = f"(?P<{name[1]}>"
            elif self.take(":"):
                opening = "(?:"
            elif look := self.match(r"=|!|<=|<!|>"):
                self.portable = False
                opening = f"(?{look[0]}"
            elif flags := self.match(r"([a-zA-Z]*)(-[a-zA-Z]+)?:"):
                outer = self.flags.copy()
                self.set_flags(flags[1], (flags[2] or "")[1:])
                if outer.ignore_case and not self.flags.ignore_case:
                    self.portable = False
                    opening = "(?-i:"
                else:
                    opening = "(?i:" if self.flags.ignore_case else "(?:"
                inner = self.alternatives()
                self.flags = outer
                return self.closed(opening + inner)
            else:
                raise self.wrong(f"the group at {self.place - 2} is of no known kind")
        else:
            self.opened += 1
            opening = "("
        return self.closed(opening + self.alternatives())

    def closed(self, text: str) -> str:
        """The group, after its closing bracket."""
        if not self.take(")"):
            raise self.wrong("a bracket is not closed")
        return text + ")"

    def escaped(self) -> tuple[str, bool]:
        """What a backslash begins, outside of a class."""
        each = self.next()
        if each == "Q":
            end = self.pattern.find("\\E", self.place)
            end = len(self.pattern) if end < 0 else end
            text = self.pattern[self.place : end]
            self.place = min(end + 2, len(self.pattern))
            if len(text) > 1 and self.place < len(self.pattern) and self.pattern[self.place] in "*+?{":
                raise self.unknown("a quantifier behind \\Q...\\E")
            return self.literal(text), len(text) == 1
        if each in "123456789":
            self.portable = False
            number = int(each)
            while self.place < len(self.pattern) and self.pattern[self.place] in "0123456789":
                longer = number * 10 + int(self.pattern[self.place])
                if longer > self.total:
                    break
                number, self.place = longer, self.place + 1
            if number > self.opened:
                raise self.unknown(f"the reference \\{number} to a group that is not before it")
            return f"(?:\\{number})", False
        if each == "k":
            name = self.match(r"<([a-zA-Z][a-zA-Z0-9]*)>")
            if not name or name[1] not in self.names:
                raise self.wrong("\\k names no group before it")
            self.portable = False
            return f"(?P={name[1]})", False
        self.place -= 1
        found = self.character()
        if isinstance(found, str):
            return self.literal(found), True
        if found is not None:
            return self.written(found), True
        each = self.next()
        if each == "A":
            return "\\A", False
        fixed = {"z": "\\Z", "Z": _end, "b": _boundary, "B": "(?u:\\B)", "R": _any_line_end}
        if each in fixed:
            self.portable = False
            return fixed[each], False
        raise self.unknown(f"\\{each}")

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
