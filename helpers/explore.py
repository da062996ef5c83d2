"""A flow's analyses for a lesson: all are made at once, and looked at one by one."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path, PurePosixPath

from helpers import flow

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
