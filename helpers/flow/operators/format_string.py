"""Format string: case, padding, stripping, affixes, symbols.

What the exported code does in Spark SQL is done in SQL here, what it does in Python is done in Python.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, Field

from ..errors import OperatorError
from .base import operator
from .per_column import PerColumn

if TYPE_CHECKING:
    from ..engine import Run

_id = "sagemaker.spark.format_string_0.1"


class FormatString(PerColumn):
    """Change the text of a value; numbers and dates are taken as the text Spark makes of them."""

    def value(self, column: Any, run: Run) -> Any:
        from ..casting import cast

        return self.text(cast(column, "string"), run)

    def text(self, column: Any, run: Run) -> Any:
        """The new texts."""
        from ..python_functions import python_column

        return python_column(run, self.changed, column, "string")

    def changed(self, text: str) -> str:
        """One new text, where the work is Python's."""
        raise NotImplementedError


class JavaCase(FormatString):
    """Java changes the case of some letters by their neighbours or to several letters, as Python does."""

    def plain(self, column: Any) -> Any:
        """The same, for texts of ASCII."""
        raise NotImplementedError

    def text(self, column: Any, run: Run) -> Any:
        wide = column.re_search(r"[^\x00-\x7f]")
        return wide.ifelse(super().text(column, run), self.plain(column))


@operator(_id, "Lower case")
class LowerCase(JavaCase):
    """Lower case"""

    def plain(self, column: Any) -> Any:
        return column.lower()

    def changed(self, text: str) -> str:
        return text.lower()


@operator(_id, "Upper case")
class UpperCase(JavaCase):
    """Upper case"""

    def plain(self, column: Any) -> Any:
        return column.upper()

    def changed(self, text: str) -> str:
        return text.upper()


@operator(_id, "Title case")
class TitleCase(FormatString):
    """Title case: the first letter of each word is a capital"""

    def changed(self, text: str) -> str:
        return text.title()


@operator(_id, "Capitalize")
class Capitalize(FormatString):
    """Capitalize: the first letter is a capital, the others are not"""

    def changed(self, text: str) -> str:
        return text.capitalize()


@operator(_id, "Swap case")
class SwapCase(FormatString):
    """Swap case"""

    def changed(self, text: str) -> str:
        return text.swapcase()


Width = Annotated[int, Field(le=1000)]


def _single(text: str) -> str:
    if len(text) > 1:
        raise ValueError("must be a single character")
    return text


FillCharacter = Annotated[str, AfterValidator(_single)]


def _cut(column: Any, padded: Any, width: int, fill: str) -> Any:
    """Spark's padding: what is too long is cut, and nothing pads with nothing."""
    short = column.left(max(width, 0))
    return (column.length() >= width).ifelse(short, padded) if fill else short


@operator(_id, "Left pad")
class LeftPad(FormatString):
    """Fill up at the left to a width, or cut to it"""

    width: Width
    fill_character: FillCharacter = " "

    def text(self, column: Any, run: Run) -> Any:  # noqa: ARG002
        return _cut(
            column, column.lpad(max(self.width, 0), self.fill_character), self.width, self.fill_character
        )


@operator(_id, "Right pad")
class RightPad(FormatString):
    """Fill up at the right to a width, or cut to it"""

    width: Width
    fill_character: FillCharacter = " "

    def text(self, column: Any, run: Run) -> Any:  # noqa: ARG002
        return _cut(
            column, column.rpad(max(self.width, 0), self.fill_character), self.width, self.fill_character
        )


@operator(_id, "Prepend zeros")
class PrependZeros(FormatString):
    """Fill up with zeros at the left to a width, or cut to it"""

    width: Width

    def text(self, column: Any, run: Run) -> Any:  # noqa: ARG002
        return _cut(column, column.lpad(max(self.width, 0), "0"), self.width, "0")


@operator(_id, "Center (pad on either side)")
class Center(FormatString):
    """Fill up on either side to a width; longer texts stay"""

    width: Width
    fill_character: Annotated[FillCharacter, Field(min_length=1)] = " "

    def changed(self, text: str) -> str:
        return text.center(self.width, self.fill_character)


class Strip(FormatString):
    """Strip characters; without any, white space."""

    characters_to_remove: str | None = None


@operator(_id, "Strip characters from left")
class StripLeft(Strip):
    """Strip characters from the left"""

    def changed(self, text: str) -> str:
        return text.lstrip(self.characters_to_remove)


@operator(_id, "Strip characters from right")
class StripRight(Strip):
    """Strip characters from the right"""

    def changed(self, text: str) -> str:
        return text.rstrip(self.characters_to_remove)


@operator(_id, "Strip left and right")
class StripBoth(Strip):
    """Strip characters from both ends"""

    def changed(self, text: str) -> str:
        return text.strip(self.characters_to_remove)


@operator(_id, "Add prefix")
class AddPrefix(FormatString):
    """Add a prefix"""

    prefix: str

    def text(self, column: Any, run: Run) -> Any:  # noqa: ARG002
        import ibis

        return ibis.literal(self.prefix).concat(column)


@operator(_id, "Add suffix")
class AddSuffix(FormatString):
    """Add a suffix"""

    suffix: str

    def text(self, column: Any, run: Run) -> Any:  # noqa: ARG002
        return column.concat(self.suffix)


@operator(_id, "Add prefix or suffix")
class AddPrefixOrSuffix(FormatString):
    """Add a prefix and a suffix"""

    prefix: str = ""
    suffix: str = ""

    def text(self, column: Any, run: Run) -> Any:  # noqa: ARG002
        import ibis

        if not self.prefix and not self.suffix:
            raise OperatorError("has neither a prefix nor a suffix", "Give one of them.", "prefix")
        return ibis.literal(self.prefix).concat(column).concat(self.suffix)


@operator(_id, "Remove symbols")
class RemoveSymbols(FormatString):
    """Remove symbols"""

    symbols: str | None = None

    def text(self, column: Any, run: Run) -> Any:  # noqa: ARG002
        symbols = self.symbols or "!@#$%^&*()_+=-/\\`~{}|<>?"
        return column.translate("".join(dict.fromkeys(symbols)), "")
