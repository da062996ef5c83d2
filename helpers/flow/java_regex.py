"""Java's regular expressions, which Spark uses, as Python's and, where it means the same, DuckDB's (RE2).

Java differs from both. Its `\\d`, `\\w`, `\\s` and `(?i)` know ASCII only, but `\\b` knows all letters; `.`
stops at five kinds of line ends and `$` stands before the last of them too; classes can be nested and
intersected. All that is written out here. RE2 also lacks look-around, back-references and possessive
quantifiers, and skips empty matches beside others: patterns with any of those run in Python. What cannot be
written faithfully is an OperatorError that names the construct.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from functools import cached_property

from .errors import OperatorError
from .java_regex_reader import Reader


@dataclass(frozen=True)
class JavaRegex:
    """A Java pattern, understood."""

    pattern: str
    python: str
    """The same for Python's re, with its ASCII flag."""
    portable: bool
    """Whether RE2 takes the Python text too and finds the same non-empty matches."""

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        """Ready for use in Python."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return re.compile(self.python, re.ASCII)

    @property
    def groups(self) -> int:
        """How many groups it captures."""
        return self.compiled.groups

    @property
    def everywhere(self) -> bool:
        """Whether RE2 replaces the same as Java: so it does where nothing empty is ever found."""
        return self.portable and self.compiled.fullmatch("") is None


def java_regex(pattern: str, parameter: str = "pattern") -> JavaRegex:
    """Understand a Java pattern. Raises OperatorError, naming the construct."""
    reader = Reader(pattern, parameter)
    found = JavaRegex(pattern, reader.read(), reader.portable)
    try:
        found.compiled  # noqa: B018
    except (re.error, OverflowError, RecursionError) as error:
        if "look-behind" in str(error):
            raise reader.unknown("a look-behind of varying length") from None
        raise reader.wrong(str(error)) from None
    return found


def replacement(text: str, regex: JavaRegex, parameter: str = "replacement") -> list[str | int]:
    """A Java replacement as texts and numbers of groups: `$1`, `${name}`, and `\\` before what is literal."""

    def wrong(message: str) -> OperatorError:
        return OperatorError(
            f"the replacement {text!r} {message}",
            "In Java, write \\$ for a dollar and \\\\ for a backslash.",
            parameter,
        )

    parts: list[str | int] = []
    place = 0
    while place < len(text):
        each = text[place]
        place += 1
        if each == "\\":
            if place == len(text):
                raise wrong("ends in a backslash")
            parts.append(text[place])
            place += 1
        elif each != "$":
            parts.append(each)
        elif match := re.compile(r"\{([a-zA-Z][a-zA-Z0-9]*)\}").match(text, place):
            if match[1] not in regex.compiled.groupindex:
                raise wrong(f"names the group '{match[1]}', which the pattern does not have")
            parts.append(regex.compiled.groupindex[match[1]])
            place = match.end()
        elif place < len(text) and text[place] in "0123456789":
            number = int(text[place])
            place += 1
            if number > regex.groups:
                raise wrong(f"asks for group {number}; the pattern has {regex.groups}")
            while place < len(text) and text[place] in "0123456789":
                longer = number * 10 + int(text[place])
                if longer > regex.groups:
                    break
                number, place = longer, place + 1
            parts.append(number)
        else:
            raise wrong("has a dollar that names no group")
    return parts
