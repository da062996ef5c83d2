"""Validate string: whether texts meet a condition, as 1 or 0.

Data Wrangler's code for these has not been seen: names and results are those of its documentation, the tests
of letters are Python's, and a missing text meets no condition.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AliasChoices, Field

from .base import operator
from .per_column import PerColumn

if TYPE_CHECKING:
    from ..engine import Run

_id = "sagemaker.spark.validate_string_0.1"


class ValidateString(PerColumn):
    """Test the text of a value."""

    def value(self, column: Any, run: Run) -> Any:
        from ..casting import cast
        from ..python_functions import python_column

        met = python_column(run, lambda text: int(self.meets(text)), cast(column, "string"), "int64")
        return met.fill_null(0)

    def meets(self, text: str) -> bool:
        """Whether a text meets the condition."""
        raise NotImplementedError


@operator(_id, "String length")
class StringLength(ValidateString):
    """Test that a text has a length"""

    length: Annotated[int, Field(ge=0, validation_alias=AliasChoices("length", "string_length"))]

    def meets(self, text: str) -> bool:
        return len(text) == self.length


@operator(_id, "Starts with")
class StartsWith(ValidateString):
    """Test that a text begins with another"""

    prefix: Annotated[str, Field(validation_alias=AliasChoices("prefix", "pattern"))]

    def meets(self, text: str) -> bool:
        return text.startswith(self.prefix)


@operator(_id, "Ends with")
class EndsWith(ValidateString):
    """Test that a text ends with another"""

    suffix: Annotated[str, Field(validation_alias=AliasChoices("suffix", "pattern"))]

    def meets(self, text: str) -> bool:
        return text.endswith(self.suffix)


@operator(_id, "Is alphanumeric")
class IsAlphanumeric(ValidateString):
    """Test that a text has letters and numbers only"""

    def meets(self, text: str) -> bool:
        return text.isalnum()


@operator(_id, "Is alpha (letters)")
@operator(_id, "Is alpha")
class IsAlpha(ValidateString):
    """Test that a text has letters only"""

    blocks = ("is_alpha_letters_parameters", "is_alpha_parameters")

    def meets(self, text: str) -> bool:
        return text.isalpha()


@operator(_id, "Is digit")
class IsDigit(ValidateString):
    """Test that a text has digits only"""

    def meets(self, text: str) -> bool:
        return text.isdigit()


@operator(_id, "Is space")
class IsSpace(ValidateString):
    """Test that a text has white space only"""

    def meets(self, text: str) -> bool:
        return text.isspace()


@operator(_id, "Is title")
class IsTitle(ValidateString):
    """Test that each word of a text begins with its only capital"""

    def meets(self, text: str) -> bool:
        return text.istitle()


@operator(_id, "Is lowercase")
class IsLowercase(ValidateString):
    """Test that the letters of a text are small"""

    def meets(self, text: str) -> bool:
        return text.islower()


@operator(_id, "Is uppercase")
class IsUppercase(ValidateString):
    """Test that the letters of a text are capitals"""

    def meets(self, text: str) -> bool:
        return text.isupper()


@operator(_id, "Is numeric")
class IsNumeric(ValidateString):
    """Test that a text has numerals only"""

    def meets(self, text: str) -> bool:
        return text.isnumeric()


@operator(_id, "Is decimal")
class IsDecimal(ValidateString):
    """Test that a text has decimal digits only"""

    def meets(self, text: str) -> bool:
        return text.isdecimal()
