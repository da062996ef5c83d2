"""What others made to look at, for a lesson: a flow's analyses by name, a job's report by its sections."""

from __future__ import annotations

import json
import os
import re
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from html import escape, unescape
from pathlib import Path, PurePosixPath
from typing import Any

from helpers import flow
from helpers.workshop import Workshop, split

FOLDER = "analyses"


@dataclass(frozen=True)
class Page:
    """A link to a report's page, from the notebook that shows it: `path` is relative to the notebook."""

    name: str
    path: PurePosixPath

    def __repr__(self) -> str:
        return f"{self.name}: {self.path}"

    def _repr_html_(self) -> str:
        return f'<a href="{escape(str(self.path))}" target="_blank">{escape(self.name)}: the whole report</a>'


class Analyses(Mapping[str, flow.Analysis]):
    """The analyses of a flow by their names, in the flow's order. A notebook shows each as its picture."""

    def __init__(self, made: flow.Analyzed) -> None:
        self._pictures = {each.name: replace(each, page=None) for each in made.analyses}
        self._pages = {
            each.name: Page(each.name, PurePosixPath(FOLDER, path.name))
            for each in made.analyses
            for path in made.files[each.node_id]
            if path.suffix == ".html"
        }

    def __getitem__(self, name: str) -> flow.Analysis:
        """The analysis of this name. Raises KeyError, naming those there are."""
        if name not in self._pictures:
            raise KeyError(f"There is no analysis {name!r}; there are {', '.join(self._pictures)}.")
        return self._pictures[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._pictures)

    def __len__(self) -> int:
        return len(self._pictures)

    def page(self, name: str) -> Page:
        """The link to the page of an insights report. Raises KeyError when there is none of this name."""
        if name not in self._pages:
            raise KeyError(f"{name!r} has no page; these have: {', '.join(self._pages) or 'none'}.")
        return self._pages[name]


def analyze(music: flow.Flow, sources: Mapping[str, str | os.PathLike[str]]) -> Analyses:
    """Make every analysis of a flow from files, {name of the source: path}.

    Pictures, numbers and pages also go to the folder `analyses`: beside the notebook, and in a headless run
    beside its executed copy. At most the first 100,000 rows are looked at. Raises FlowError.
    """
    made = flow.analyze_to(music, sources, run_folder() / FOLDER)
    if made.problems:
        raise flow.FlowError(list(made.problems))
    return Analyses(made)


def run_folder() -> Path:
    """Where the notebook that runs will lie when it is done: its own folder, or that of a headless run."""
    return Path(os.environ.get("WORKSHOP_RUN") or ".")


@dataclass(frozen=True)
class Section:
    """One section of a report notebook. A notebook shows it in place: its Markdown, and its pictures."""

    title: str
    parts: tuple[str | Picture, ...]

    def __repr__(self) -> str:
        return f"Section {self.title!r}: {len(self.parts)} parts"

    def _ipython_display_(self) -> None:
        from IPython.display import display

        for part in self.parts:
            if isinstance(part, str):
                display({"text/markdown": part, "text/plain": part}, raw=True)  # type: ignore[no-untyped-call]
            else:
                display(part)  # type: ignore[no-untyped-call]


@dataclass(frozen=True)
class Picture:
    """A PNG of a section, and the words for those who cannot see it."""

    png: bytes
    alternative: str

    def __repr__(self) -> str:
        return self.alternative

    def _repr_mimebundle_(self, **_: object) -> tuple[dict[str, Any], dict[str, Any]]:
        """The picture, and its words as the text that readers of screens find."""
        bundle = {"image/png": b64encode(self.png).decode("ascii"), "text/plain": self.alternative}
        return bundle, {"image/png": {"alt": self.alternative}}


class Report(Mapping[str, Section]):
    """A notebook that a job wrote about data or a model: sections by their headings, in their order."""

    def __init__(self, content: bytes) -> None:
        cells = [cell for cell in json.loads(content)["cells"] if cell["cell_type"] == "markdown"]
        sections = [_section(cell) for cell in cells]
        self._sections = {section.title: section for section in sections}

    def __getitem__(self, title: str) -> Section:
        """The section of this heading. Raises KeyError, naming those there are."""
        if title not in self._sections:
            raise KeyError(f"There is no section {title!r}; there are {', '.join(self._sections)}.")
        return self._sections[title]

    def __iter__(self) -> Iterator[str]:
        return iter(self._sections)

    def __len__(self) -> int:
        return len(self._sections)


def report(ws: Workshop, uri: str) -> Report:
    """Open a report notebook in S3, such as the data exploration notebook of an AutoML job.

    `report(ws, uri)["Target Analysis"]` as the last line of a cell shows that section in place.
    """
    bucket, key = split(uri)
    return Report(ws.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())


def page(ws: Workshop, uri: str, name: str) -> Page:
    """Fetch a report's page from S3 into the folder `analyses`, as `name`.html; the link to it."""
    target = run_folder() / FOLDER / f"{name}.html"
    target.parent.mkdir(parents=True, exist_ok=True)
    bucket, key = split(uri)
    ws.client("s3").download_file(bucket, key, str(target))
    return Page(name, PurePosixPath(FOLDER, target.name))


def _section(cell: Mapping[str, Any]) -> Section:
    """A Markdown cell, taken apart where its attached pictures stand."""
    source = "".join(cell["source"])
    heading = re.search(r"^#+ (.+)$", source, re.MULTILINE)
    parts: list[str | Picture] = []
    end = 0
    for found in re.finditer(r"!\[([^\]]*)\]\(attachment:([^)]+)\)", source):
        parts.append(source[end : found.start()].strip())
        png = b64decode(cell["attachments"][found[2]]["image/png"])
        parts.append(Picture(png, unescape(found[1])))
        end = found.end()
    parts.append(source[end:].strip())
    title = unescape(re.sub(r"<[^>]+>", "", heading[1])) if heading else ""
    return Section(title, tuple(part for part in parts if part))
