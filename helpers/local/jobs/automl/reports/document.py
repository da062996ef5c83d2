"""A report as data: headings, paragraphs, tables and pictures, which writing.py turns into files."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from matplotlib.figure import Figure


@dataclass(frozen=True)
class Heading:
    """A section's title."""

    text: str


@dataclass(frozen=True)
class Paragraph:
    """Plain text."""

    text: str


@dataclass(frozen=True)
class Table:
    """Cells of plain text; the first column holds names, the others numbers if `numbers`.

    `columns` is empty where the table needs no head.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: bool = True


@dataclass(frozen=True)
class Picture:
    """A figure, its words for who cannot see it, and what stands below it."""

    name: str
    figure: Figure
    alternative: str
    caption: str


Block: TypeAlias = Heading | Paragraph | Table | Picture


@dataclass(frozen=True)
class Document:
    """A report, in reading order."""

    title: str
    blocks: list[Block] = field(default_factory=list)
