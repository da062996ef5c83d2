"""One HTML page of a run: what each notebook said and drew, and how long it took."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
from nbconvert.exporters import HTMLExporter

if TYPE_CHECKING:
    from helpers.runner import Result


def write_report(results: Sequence[Result], path: Path, *, failure: str | None = None) -> Path:
    """Write the executed notebooks as one self-contained page to `path`; returns `path`.

    The pictures are part of the page and nothing is fetched from elsewhere, so it can be mailed or archived.
    `failure` is the sentence of the error that ended the run, when one did.
    """
    page = nbformat.v4.new_notebook(metadata={"title": "The music recommendation workshop: a run"})  # type: ignore[no-untyped-call]
    page.cells.append(_front(results, failure))
    for result in results:
        page.cells.append(nbformat.v4.new_markdown_cell(f'<a id="{result.notebook}"></a>\n\n---'))  # type: ignore[no-untyped-call]
        page.cells.extend(_cells(result.path))
    exporter = HTMLExporter(template_name="lab", embed_images=True)  # type: ignore[no-untyped-call]
    # Nothing in the lessons needs them, and a page of a private run should not call anybody.
    exporter.require_js_url = exporter.jquery_url = exporter.mathjax_url = exporter.mermaid_js_url = ""
    body, _ = exporter.from_notebook_node(page)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(body, encoding="utf-8")
    return path


def _front(results: Sequence[Result], failure: str | None) -> Any:
    rows = [
        f"| [{result.notebook}](#{result.notebook}) | {_time(result.seconds)} |" for result in results
    ] or ["| none | |"]
    total = sum(result.seconds or 0 for result in results)
    lines = [
        "# The music recommendation workshop: a run",
        f"Finished {datetime.now().astimezone():%Y-%m-%d %H:%M}, after {total:.0f} seconds.",
        "",
        *([f"**The run stopped.** {failure}", ""] if failure else []),
        "| notebook | time |",
        "|---|---:|",
        *rows,
    ]
    return nbformat.v4.new_markdown_cell("\n".join(lines))  # type: ignore[no-untyped-call]


def _time(seconds: float | None) -> str:
    return "not finished" if seconds is None else f"{seconds:.0f} s"


def _cells(notebook: Path) -> list[Any]:
    """The cells of an executed notebook without its bars of links, which lead nowhere in a report."""
    cells: list[Any] = []
    for cell in nbformat.read(notebook, as_version=4).cells:  # type: ignore[no-untyped-call]
        if "navigation" in cell.metadata.get("tags", []):
            continue
        # Cell ids repeat between notebooks that share a template; the page needs its own.
        cell.pop("id", None)
        cells.append(nbformat.from_dict({**cell, "id": f"{notebook.stem[:40]}-{len(cells)}"}))  # type: ignore[no-untyped-call]
    return cells
