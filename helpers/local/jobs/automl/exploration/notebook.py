"""Markdown and pictures as a notebook that opens everywhere and holds nothing to run."""

import base64
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .pictures import Picture
from .writing import text


@dataclass(frozen=True)
class Cell:
    """One section: its Markdown, and the pictures that stand in it where `show` put them."""

    title: str
    markdown: str
    pictures: tuple[Picture, ...] = ()


def show(picture: Picture) -> str:
    """The Markdown that shows a picture of the same cell."""
    return f"![{text(picture.alternative, 400)}](attachment:{picture.name}.png)"


def as_json(title: str, cells: Sequence[Cell]) -> bytes:
    """The notebook in Jupyter's format 4.5: the same bytes for the same cells."""
    notebook = {
        "cells": [_cell(cell) for cell in cells],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
            "title": title,
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return (json.dumps(notebook, indent=1, ensure_ascii=False) + "\n").encode("utf-8", "replace")


def _cell(cell: Cell) -> dict[str, Any]:
    made: dict[str, Any] = {
        "cell_type": "markdown",
        "id": re.sub(r"[^a-z]+", "-", cell.title.lower()).strip("-"),
        "metadata": {},
        "source": cell.markdown.splitlines(keepends=True),
    }
    if cell.pictures:
        made["attachments"] = {
            f"{picture.name}.png": {"image/png": base64.b64encode(picture.png).decode("ascii")}
            for picture in cell.pictures
        }
    return made
