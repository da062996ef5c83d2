"""The result of an analysis, as a person holds it: in a notebook, or as files."""

from __future__ import annotations

import html
import io
import json
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .base import Finding

_dots = 144


@dataclass(frozen=True)
class Analysis:
    """A picture (PNG and SVG) and its numbers; the insights report also has a page of HTML.

    A notebook shows the page or the table where there is one, else the picture.
    """

    name: str
    operator: str
    node_id: str
    numbers: Mapping[str, Any] = field(repr=False)
    picture: bytes = field(repr=False)
    svg: str = field(repr=False)
    page: str | None = field(default=None, repr=False)

    def write(self, directory: str | os.PathLike[str], name: str = "analysis") -> list[Path]:
        """Write <name>.png, .svg, .json and, if there is a page, .html; their paths."""
        folder = Path(directory)
        folder.mkdir(parents=True, exist_ok=True)
        contents: dict[str, bytes] = {
            "png": self.picture,
            "svg": self.svg.encode(),
            "json": dumps(self.numbers).encode(),
        }
        if self.page is not None:
            contents["html"] = self.page.encode()
        paths = []
        for ending, content in contents.items():
            path = folder / f"{name}.{ending}"
            unfinished = folder / f".{path.name}.unfinished"
            unfinished.write_bytes(content)
            unfinished.replace(path)
            paths.append(path)
        return paths

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        # Twice the points of a screen that is not dense: shown at half their size, the letters are sharp.
        width, height = (int.from_bytes(self.picture[start : start + 4], "big") for start in (16, 20))
        return self.picture, {"width": round(width * 96 / _dots), "height": round(height * 96 / _dots)}

    def _repr_html_(self) -> str | None:
        if self.page is None:
            return None
        frame = "width:100%;height:900px;border:1px solid #d9dee4;border-radius:8px"
        page = html.escape(self.page, quote=True)
        return f'<iframe srcdoc="{page}" title="{html.escape(self.name)}" style="{frame}"></iframe>'

    @classmethod
    def of(cls, name: str, operator: str, node_id: str, finding: Finding) -> Analysis:
        """The result of a finding: its figure drawn."""
        numbers = json.loads(dumps(finding.numbers))
        return cls(name, operator, node_id, numbers, png(finding.figure), svg(finding.figure), finding.page)

    @classmethod
    def load(cls, name: str, operator: str, node_id: str, directory: Path) -> Analysis:
        """The result that `write` left in a folder."""
        page = directory / "analysis.html"
        return cls(
            name,
            operator,
            node_id,
            json.loads((directory / "analysis.json").read_text(encoding="utf-8")),
            (directory / "analysis.png").read_bytes(),
            (directory / "analysis.svg").read_text(encoding="utf-8"),
            page.read_text(encoding="utf-8") if page.exists() else None,
        )


def png(figure: Any) -> bytes:
    """The figure as PNG: the same bytes for the same figure."""
    from PIL import Image

    drawn, target = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=_dots)
    # A palette of 256 colours is all that letters and areas need, at a third of the bytes. Maximum coverage
    # keeps the rare ones, such as a single orange dot; no colour is off by more than can be seen.
    full = Image.open(drawn).convert("RGB")
    picture = full.quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    picture.save(target, format="png", optimize=True, dpi=(_dots, _dots))
    return target.getvalue()


def svg(figure: Any) -> str:
    """The figure as SVG with texts as texts: the same for the same figure."""
    import matplotlib as mpl

    target = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "workshop", "svg.fonttype": "none"}):
        figure.savefig(target, format="svg", metadata={"Date": None, "Creator": None})
    text = target.getvalue()
    # Matplotlib names some parts by their place in memory.
    names = dict.fromkeys(re.findall(r'(?:id="|url\(#|href="#)([a-z][0-9a-f]{10})\b', text))
    numbered = {name: f"{name[0]}{place}" for place, name in enumerate(names)}
    return re.sub(r"\b[a-z][0-9a-f]{10}\b", lambda found: numbered.get(found[0], found[0]), text)


def dumps(numbers: Any) -> str:
    """JSON a person can read: what is no number (NaN, infinite) is null."""
    return json.dumps(_simple(numbers), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _simple(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _simple(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_simple(each) for each in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | bool | None) else str(value)
