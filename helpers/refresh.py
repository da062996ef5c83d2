"""Keeps the committed notebooks fit to be committed: links generated, outputs stable, nothing private in
them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nbformat

NAVIGATION = "navigation"

# What a committed output must never hold, and what to call it.
PRIVATE = {
    "an account id": re.compile(r"(?<![\w.])\d{12}(?![\w.])"),
    "an ARN": re.compile(r"arn:aws[\w-]*:"),
    "an address": re.compile(r"https?://(localhost|127\.0\.0\.1|\[::1\])|\.amazonaws\.com"),
    "an absolute path": re.compile(r"(?<![\w.:/~<])/(home|root|Users|tmp|var|work|usr|opt/(?!ml/))[/\w]"),
    "a date": re.compile(r"\b20[2-9]\d-[01]\d-[0-3]\d[T ][0-2]\d:"),
}


class NotFit(ValueError):
    """A notebook's output holds something that must not be committed."""


def navigation(position: int, notebooks: Sequence[Path]) -> str:
    """The bar of links for the notebook at `position`: previous, contents, next."""
    before = f"[← {notebooks[position - 1].stem}]({notebooks[position - 1].name})" if position else ""
    after = ""
    if position + 1 < len(notebooks):
        after = f"[{notebooks[position + 1].stem} →]({notebooks[position + 1].name})"
    return " | ".join(part for part in (before, "[Contents](../README.md#the-notebooks)", after) if part)


def renew_navigation(notebook: Any, position: int, notebooks: Sequence[Path]) -> None:
    """Write the bar into every cell tagged `navigation`."""
    for cell in notebook.cells:
        if NAVIGATION in cell.metadata.get("tags", []):
            cell.source = navigation(position, notebooks)


def clean(notebook: Any) -> Any:
    """Take out what a run leaves behind that is not the lesson: timings, paths, stderr, vanished progress
    lines.
    """
    notebook.metadata = nbformat.from_dict(  # type: ignore[no-untyped-call]
        {
            "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    for cell in notebook.cells:
        tags = [tag for tag in cell.metadata.get("tags", []) if tag != "papermill-error-cell-tag"]
        cell.metadata = nbformat.from_dict({"tags": tags} if tags else {})  # type: ignore[no-untyped-call]
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if not _leftover(output)]
            for output in cell.outputs:
                if "image/svg+xml" in output.get("data", {}):
                    output.data.pop("image/png", None)  # the same picture, and many times its size
                if output.get("metadata"):
                    output.metadata = nbformat.from_dict(_words(output.metadata))  # type: ignore[no-untyped-call]
    return notebook


def _words(metadata: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Of an output's metadata the words for those who cannot see its picture."""
    return {
        kind: {"alt": given["alt"]}
        for kind, given in metadata.items()
        if isinstance(given, Mapping) and "alt" in given
    }


def _leftover(output: Any) -> bool:
    if output.output_type == "stream":
        return bool(output.name == "stderr")
    data = output.get("data", {})
    return bool(data) and set(data) == {"text/html"} and not "".join(data["text/html"]).strip()


def offences(notebook: Any) -> list[str]:
    """What must not be committed: `"In [3]: an ARN: arn:aws:"` for each finding in an output."""
    found = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            for text in _texts(output):
                for what, pattern in PRIVATE.items():
                    match = pattern.search(text)
                    if match:
                        found.append(f"In [{cell.execution_count}]: {what}: {match.group(0)}")
    return found


def _texts(output: Any) -> list[str]:
    data = output.get("data", {})
    texts = [data[kind] for kind in data if kind.startswith("text/") or kind == "image/svg+xml"]
    texts += [output.get("text", ""), output.get("evalue", ""), *output.get("traceback", [])]
    return ["".join(text) for text in texts]


def refresh(executed: Sequence[Path], notebooks: Sequence[Path]) -> None:
    """Replace the committed `notebooks` by their `executed` copies, cleaned: all of them or none.

    Raises NotFit, naming every finding, before any file is changed. Each file is replaced in one step.
    """
    ready = []
    findings: list[str] = []
    for position, (source, target) in enumerate(zip(executed, notebooks, strict=True)):
        notebook = clean(nbformat.read(source, as_version=4))  # type: ignore[no-untyped-call]
        renew_navigation(notebook, position, notebooks)
        findings += [f"{target.name} {offence}" for offence in offences(notebook)]
        nbformat.validate(notebook)
        ready.append((target, nbformat.writes(notebook)))  # type: ignore[no-untyped-call]
    if findings:
        raise NotFit("Not refreshed, these outputs must not be committed:\n" + "\n".join(findings))
    for target, text in ready:
        partial = target.with_suffix(".ipynb.part")
        partial.write_text(text + "\n", encoding="utf-8")
        partial.replace(target)
