"""Search and edit: find, extract, replace and split texts.

Patterns are Java's where Data Wrangler hands them to Spark, and Python's where it hands them to pandas
(Matches, Find all occurrences). Results are those of both; see java_regex for what that takes.
"""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from ..errors import OperatorError
from ..text_edits import extracted, matches, replaced, substring
from .base import operator
from .per_column import PerColumn

if TYPE_CHECKING:
    from ..engine import Run

_id = "sagemaker.spark.search_and_edit_0.1"
_no_flags = re.RegexFlag(0)


def _pattern_of_python(text: str) -> str:
    """Data Wrangler lets Python judge patterns, though Java uses them."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(text)
    except re.error as error:
        if "global flags not at the start" not in str(error):  # the Python of Data Wrangler allowed them
            raise ValueError(f"is no regular expression for Python, which checks it: {error}") from None
    return text


Checked = Annotated[str, AfterValidator(_pattern_of_python)]


def _filled(text: str) -> str:
    if not text:
        raise ValueError("should have at least 1 character")
    return text


Pattern = Annotated[Checked, AfterValidator(_filled)]
Delimiter = Annotated[str, Field(min_length=1)]
Place = Annotated[int, Field(ge=-(2**31), lt=2**31)]
"""A place in a text or a length, as Spark has them: whole numbers of 32 bits."""


def _empty(value: object) -> object:
    return None if value == "" else value


Number = Annotated[int | None, BeforeValidator(_empty)]


class SearchAndEdit(PerColumn):
    """Work on the text of a value; numbers and dates are taken as the text Spark makes of them."""

    def value(self, column: Any, run: Run) -> Any:
        from ..casting import cast

        return self.text(cast(column, "string"), run)

    def text(self, column: Any, run: Run) -> Any:
        """The new values."""
        from ..python_functions import python_column

        return python_column(run, self.found, column, "string")

    def found(self, text: str) -> Any:
        """What is made of one text."""
        raise NotImplementedError


@operator(_id, "Find and replace substring")
class FindAndReplace(SearchAndEdit):
    """Find and replace by a regular expression of Java"""

    pattern: Pattern
    replacement: Annotated[Checked, BeforeValidator(lambda value: "" if value is None else value)] = ""

    def describe(self) -> str:
        return f"{super().describe()}, {self.pattern!r} by {self.replacement!r}"

    def text(self, column: Any, run: Run) -> Any:
        from ..java_regex import java_regex

        return replaced(column, java_regex(self.pattern), self.replacement, run)


class Find(SearchAndEdit):
    """Where a text is found."""

    needle: str
    start_index: Number = None
    end_index: Number = None

    def text(self, column: Any, run: Run) -> Any:
        from ..python_functions import python_column

        return python_column(run, lambda text: float(self.found(text)), column, "float64")


@operator(_id, "Find substring")
class FindSubstring(Find):
    """Find where a text begins, counted from 0; -1 where it is not"""

    needle: Annotated[str, Field(min_length=1)]

    def found(self, text: str) -> Any:
        return text.find(self.needle, self.start_index, self.end_index)


@operator(_id, "Find substring (from right)")
class FindSubstringFromRight(Find):
    """Find where a text last begins, counted from 0; -1 where it is not"""

    def found(self, text: str) -> Any:
        return text.rfind(self.needle, self.start_index, self.end_index)


class PythonPattern(SearchAndEdit):
    """By a regular expression of Python."""

    pattern: str

    def compiled(self, flags: re.RegexFlag = _no_flags) -> re.Pattern[str]:
        """Ready for use. Raises OperatorError."""
        try:
            return re.compile(self.pattern, flags)
        except re.error as error:
            message = f"{self.pattern!r} is not a regular expression of Python: {error}"
            raise OperatorError(message, "Correct it.", "pattern") from None


@operator(_id, "Matches")
@operator(_id, "Matches prefix")
class Matches(PythonPattern):
    """Whether the text begins with a regular expression of Python; a missing text counts as one that does"""

    case: bool

    def text(self, column: Any, run: Run) -> Any:
        from ..python_functions import python_column

        pattern = self.compiled(_no_flags if self.case else re.IGNORECASE)
        found = python_column(run, lambda text: pattern.match(text) is not None, column, "boolean")
        # pandas gives NaN for a missing text, and Data Wrangler makes a boolean of it, which is true.
        return found.fill_null(True)


@operator(_id, "Find all occurrences")
class FindAllOccurrences(PythonPattern):
    """All that a regular expression of Python finds, as an array"""

    pattern: Annotated[str, Field(min_length=1)]

    def text(self, column: Any, run: Run) -> Any:
        from ..python_functions import python_column

        pattern = self.compiled()
        if pattern.groups > 1:
            raise OperatorError(
                f"the pattern {self.pattern!r} has {pattern.groups} groups, of which no array of texts comes",
                "Write (?:...) for all but one of them.",
                "pattern",
            )
        return python_column(run, pattern.findall, column, "array<string>")


@operator(_id, "Extract using regex")
class ExtractUsingRegex(SearchAndEdit):
    """Extract a group of a regular expression of Java"""

    pattern: Checked
    index: Number = None

    def text(self, column: Any, run: Run) -> Any:
        from ..java_regex import java_regex

        regex = java_regex(self.pattern)
        return extracted(column, regex, min(regex.groups, 1) if self.index is None else self.index, run)


@operator(_id, "Extract between delimiters")
class ExtractBetweenDelimiters(SearchAndEdit):
    """Extract what lies between the first left and the last right delimiter of a line"""

    left_delimiter: Delimiter
    right_delimiter: Delimiter

    def text(self, column: Any, run: Run) -> Any:
        from ..java_regex import java_regex

        pattern = f"({re.escape(self.left_delimiter)}(.*)({re.escape(self.right_delimiter)}))"
        return extracted(column, java_regex(pattern), 2, run)


@operator(_id, "Extract from position")
class ExtractFromPosition(SearchAndEdit):
    """Extract characters from a place, counted from 1"""

    start_position: Place
    length: Place

    def text(self, column: Any, run: Run) -> Any:  # noqa: ARG002
        return substring(column, self.start_position, self.length)


@operator(_id, "Replace between delimiters")
class ReplaceBetweenDelimiters(SearchAndEdit):
    """Replace what lies between the last left delimiter and a right one"""

    left_delimiter: Delimiter
    right_delimiter: Delimiter
    replacement: str

    def text(self, column: Any, run: Run) -> Any:
        from ..java_regex import java_regex

        pattern = f"(.*{re.escape(self.left_delimiter)})(.*)({re.escape(self.right_delimiter)}.*)"
        return replaced(column, java_regex(pattern), f"$1{re.escape(self.replacement)}$3", run)


@operator(_id, "Replace from position")
class ReplaceFromPosition(SearchAndEdit):
    """Replace characters from a place, counted from 1"""

    start_position: Place
    length: Place
    replacement: str

    def text(self, column: Any, run: Run) -> Any:  # noqa: ARG002
        before = substring(column, 1, self.start_position - 1)
        after = substring(column, self.start_position + self.length, 1 << 30)
        return before.concat(self.replacement).concat(after)


class ToMissing(PerColumn):
    """Make values missing by a regular expression of Java, of which `^` and `$` are put at the ends."""

    pattern: str

    def matching(self, column: Any, run: Run) -> Any:
        """Whether it matches; null for null."""
        from ..casting import cast

        return matches(cast(column, "string"), f"^{self.pattern}$", run)


@operator(_id, "Convert regex to missing")
class ConvertRegexToMissing(ToMissing):
    """Make missing what a regular expression of Java matches"""

    def value(self, column: Any, run: Run) -> Any:
        return self.matching(column, run).ifelse(None, column)


@operator(_id, "Convert non-matches to missing")
class ConvertNonMatchesToMissing(ToMissing):
    """Make missing what a regular expression of Java does not match"""

    def value(self, column: Any, run: Run) -> Any:
        return self.matching(column, run).ifelse(column, None)


_spaces = re.compile("[ \t\n\x0b\f\r]+")


@operator(_id, "Split string by delimiter")
class SplitStringByDelimiter(SearchAndEdit):
    """Split into an array; without a delimiter, at white space"""

    delimiter: str
    limit: Annotated[Annotated[int, Field(ge=-(2**31) + 1, le=2**31 - 1)] | None, BeforeValidator(_empty)] = (
        None
    )

    def text(self, column: Any, run: Run) -> Any:
        from ..python_functions import python_column

        return python_column(run, self.found, column, "array<string>")

    def found(self, text: str) -> Any:
        limit = self.limit or -1
        if limit == 1:
            return [text]
        if self.delimiter:
            return text.split(self.delimiter, limit - 1 if limit > 0 else -1)
        return _spaces.split(text, max(limit - 1, 0))
