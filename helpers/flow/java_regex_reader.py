"""Reads a regular expression of Java and writes it as one of Python's re."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from . import java_characters as characters
from .java_regex_characters import CharacterReader

_ends = "\\n\\r\\x85\\u2028\\u2029"
_end = f"(?:(?=(?:\\r\\n|[\\r\\x85\\u2028\\u2029])?\\Z)|(?<!\\r)(?=\\n\\Z))"  # noqa: F541
_line_start = "(?!\\Z)(?:\\A|(?<=[\\n\\x85\\u2028\\u2029])|(?<=\\r)(?!\\n))"
_line_end = "(?:\\Z|(?=[\\r\\x85\\u2028\\u2029])|(?<!\\r)(?=\\n))"
_boundary = "(?u:\\b)"
_any_line_end = f"(?:\\r\\n|[{_ends}\\x0b\\f])"


@dataclass
class Reader(CharacterReader):
    """Reads a pattern once; `portable` then says whether RE2 may do the work."""

    opened: int = 0
    total: int = 0
    names: list[str] = field(default_factory=list)

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
