"""Turns a report into files that need nothing else: a page and a static notebook."""

import base64
import html
import io
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from helpers.local.jobs.automl.reports.document import Block, Document, Heading, Paragraph, Picture, Table
from helpers.local.jobs.automl.reports.pdf import Pixels
from helpers.local.jobs.automl.reports.style import RESOLUTION, cut, plain

LONGEST_NAME = 70  # in a notebook's table, whose cells do not break
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; color: #1b2733;
  max-width: 56rem; margin: 2rem auto; padding: 0 1.2rem; background: white; }}
h1 {{ font-size: 1.6rem; line-height: 1.25; }}
h2 {{ font-size: 1.15rem; margin-top: 2.2rem; }}
h1, p, td, th, figcaption {{ overflow-wrap: anywhere; }}
figure {{ margin: 1rem 0; }}
img {{ max-width: 100%; height: auto; }}
figcaption {{ color: #5f6c7b; font-size: .9rem; }}
table {{ border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }}
td, th {{ padding: .25rem .9rem .25rem 0; border-bottom: 1px solid #e6eaee; text-align: left;
  vertical-align: top; font-weight: normal; }}
thead th {{ color: #5f6c7b; font-size: .9rem; }}
.number {{ text-align: right; white-space: nowrap; }}
code {{ font: inherit; }}
</style>
</head>
<body>
{body}
</body>
</html>
"""


class Images:
    """The pictures of a document, drawn once: their pixels, and as PNG."""

    def __init__(self, document: Document) -> None:
        self.pixels: dict[str, Pixels] = {}
        self.encoded: dict[str, str] = {}
        for block in document.blocks:
            if isinstance(block, Picture):
                pixels = _drawn(block.figure)
                buffer = io.BytesIO()
                Image.fromarray(pixels).save(buffer, format="png", compress_level=4)
                self.pixels[block.name] = pixels
                self.encoded[block.name] = base64.b64encode(buffer.getvalue()).decode("ascii")


def as_html(document: Document, images: Images) -> bytes:
    """A page with its pictures inside."""
    body = "\n".join(
        [f"<h1>{_safe(document.title)}</h1>", *(_element(block, images) for block in document.blocks)]
    )
    return _PAGE.format(title=_safe(document.title), body=body).encode("utf-8")


def as_notebook(document: Document, images: Images) -> bytes:
    """A static notebook: a cell for each part, the pictures inside; long names in tables are cut to fit."""
    cells = [_cell("title", f"<h1>{_safe(document.title)}</h1>")]
    for place, block in enumerate(document.blocks, start=1):
        if isinstance(block, Table):
            block = replace(block, rows=[[cut(row[0], LONGEST_NAME), *row[1:]] for row in block.rows])
        cells.append(_cell(f"part-{place}", _element(block, images)))
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    content = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(content, indent=1, ensure_ascii=False).encode("utf-8")


def _cell(name: str, source: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": name, "metadata": {}, "source": source}


def _safe(text: object) -> str:
    """Text for a page or a notebook's cell: no markup, and no dollar sign that might begin a formula."""
    return html.escape(plain(text)).replace("$", "<span>&#36;</span>")


def _element(block: Block, images: Images) -> str:
    """The HTML of a block, without a blank line, which would end HTML in Markdown."""
    if isinstance(block, Heading):
        return f"<h2>{_safe(block.text)}</h2>"
    if isinstance(block, Paragraph):
        return f"<p>{_safe(block.text)}</p>"
    if isinstance(block, Table):
        return _table(block)
    width = round(block.figure.get_figwidth() * RESOLUTION * 2 / 3)
    words = html.escape(plain(block.alternative)).replace("$", "&#36;")
    source = f"data:image/png;base64,{images.encoded[block.name]}"
    return (
        f'<figure>\n<img src="{source}" width="{width}" alt="{words}">\n'
        f"<figcaption>{_safe(block.caption)}</figcaption>\n</figure>"
    )


def _table(table: Table) -> str:
    kind = ' class="number"' if table.numbers else ""
    lines = ["<table>"]
    if table.columns:
        lines.append(_head(table.columns, kind))
    lines.append("<tbody>")
    for first, *others in table.rows:
        cells = "".join(f"<td{kind}>{_safe(cell)}</td>" for cell in others)
        lines.append(f'<tr><th scope="row"><code>{_safe(first)}</code></th>{cells}</tr>')
    return "\n".join([*lines, "</tbody>", "</table>"])


def _head(columns: Sequence[str], kind: str) -> str:
    cells = (
        f'<th{kind if place else ""} scope="col">{_safe(name)}</th>' for place, name in enumerate(columns)
    )
    return f"<thead><tr>{''.join(cells)}</tr></thead>"


def _drawn(figure: Figure) -> Pixels:
    """The figure's pixels, (height, width, red green blue)."""
    figure.set_dpi(RESOLUTION)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    pixels = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
    return pixels[:, :, :3].copy()
