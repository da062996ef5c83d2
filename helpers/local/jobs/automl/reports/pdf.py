"""A report as a PDF: pages of A4, filled from top to bottom."""

import io
import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.backends.backend_pdf import FigureCanvasPdf, PdfPages
from matplotlib.figure import Figure

from helpers.local.jobs.automl.reports.document import Document, Heading, Paragraph, Picture, Table
from helpers.local.jobs.automl.reports.style import INK, RESOLUTION, SOFT, cut, plain

WIDTH, HEIGHT, MARGIN = 8.27, 11.69, 0.7  # inches
LINE = 0.19
Pixels = npt.NDArray[np.uint8]


def as_pdf(document: Document, pictures: dict[str, Pixels]) -> bytes:
    """The pages; `pictures` has the drawn pictures by name."""
    buffer = io.BytesIO()
    with PdfPages(buffer, metadata={"Title": plain(document.title), "CreationDate": None}) as file:
        pages = _Pages(file)
        pages.text(document.title, 62, size=15, weight="bold")
        for block, following in zip(document.blocks, [*document.blocks[1:], None], strict=True):
            if isinstance(block, Heading):
                below = pictures[following.name] if isinstance(following, Picture) else None
                pages.heading(block.text, 5 * LINE if below is None else _size(below)[1])
            elif isinstance(block, Paragraph):
                pages.text(block.text, 100)
            elif isinstance(block, Table):
                pages.table(block.columns, block.rows)
            else:
                pages.picture(pictures[block.name])
                pages.text(block.caption, 108, size=8, color=SOFT)
        pages.end()
    return buffer.getvalue()


class _Pages:
    """The page being filled, and how far down, in inches from its top."""

    def __init__(self, file: PdfPages) -> None:
        self.file = file
        self.page = Figure(figsize=(WIDTH, HEIGHT))
        self.down = MARGIN

    def end(self) -> None:
        """Write the page."""
        FigureCanvasPdf(self.page).print_pdf(self.file)  # type: ignore[no-untyped-call]

    def room(self, height: float) -> None:
        """Begin a new page where this height does not fit."""
        if self.down > MARGIN and self.down + height > HEIGHT - MARGIN:
            self.end()
            self.page = Figure(figsize=(WIDTH, HEIGHT))
            self.down = MARGIN

    def text(self, text: str, letters: int, size: float = 9, **options: Any) -> None:
        """A paragraph, so many letters a line."""
        height = LINE * size / 9
        for line in textwrap.wrap(plain(text), letters):
            self.room(height)
            self._write(MARGIN, line, size=size, **{"color": INK, **options})
            self.down += height
        self.down += LINE / 2

    def heading(self, text: str, below: float) -> None:
        """A section's title, on the page of what comes below it, which has this height."""
        self.room(below + 5 * LINE)
        self.down += LINE
        self.text(cut(text, 80), 90, size=11, weight="bold")

    def picture(self, pixels: Pixels) -> None:
        """A picture, at most as wide as the page and as high."""
        width, height = _size(pixels)
        self.room(height + 2 * LINE)
        bottom = HEIGHT - self.down - height
        axes = self.page.add_axes((MARGIN / WIDTH, bottom / HEIGHT, width / WIDTH, height / HEIGHT))
        axes.imshow(pixels, aspect="auto", interpolation="none")
        axes.set_axis_off()
        self.down += height + LINE

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Lines of cells; names that are too long for a line keep their beginning and end."""
        lines = [list(columns)] if columns else []
        for place, cells in enumerate([*lines, *(list(row) for row in rows)]):
            self.room(LINE)
            head = bool(columns) and place == 0
            self._write(MARGIN, cut(cells[0], 52), size=8.5, color=SOFT if head else INK)
            wide = (WIDTH - 2 * MARGIN - 3.6) / max(1, len(cells) - 1)
            for number, cell in enumerate(cells[1:], start=1):
                self._write(
                    MARGIN + 3.6 + number * wide,
                    cut(cell, max(8, int(wide * 14))),
                    size=8.5,
                    color=SOFT,
                    ha="right",
                )
            self.down += LINE
        self.down += LINE / 2

    def _write(self, left: float, text: str, **options: Any) -> None:
        self.page.text(left / WIDTH, 1 - self.down / HEIGHT, text, va="top", **options)


def _size(pixels: Pixels) -> tuple[float, float]:
    """The width and height of a picture on the page, inches."""
    height, width = (count / RESOLUTION for count in pixels.shape[:2])
    scale = min(1.0, (WIDTH - 2 * MARGIN) / width, (HEIGHT - 2 * MARGIN - 2) / height)
    return width * scale, height * scale
