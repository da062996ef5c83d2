"""Committed notebooks are cleaned, linked and checked before any file is replaced."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest

from helpers import refresh

HOME = "/".join(
    ["", "home", "anna"]
)  # put together here: no path of a person's machine stands in this repository


def notebook(*outputs: Any) -> Any:
    """An executed notebook with a bar of links and one code cell that has these outputs."""
    bar = nbformat.v4.new_markdown_cell("old", metadata={"tags": ["navigation"]})
    metadata = {"papermill": {"duration": 3.2}, "tags": ["kept"], "execution": {"iopub.status.busy": "2026"}}
    cell = nbformat.v4.new_code_cell("1", execution_count=1, outputs=list(outputs), metadata=metadata)
    made = nbformat.v4.new_notebook(cells=[bar, cell])
    made.metadata.update(
        {
            "papermill": {"input_path": f"{HOME}/x.ipynb"},
            "kernelspec": {"name": "mine", "display_name": "Mine", "language": "python"},
        }
    )
    return made


def stream(text: str, name: str = "stdout") -> Any:
    return nbformat.v4.new_output("stream", name=name, text=text)


def shown(**data: str) -> Any:
    kinds = {"html": "text/html", "plain": "text/plain", "svg": "image/svg+xml", "png": "image/png"}
    return nbformat.v4.new_output("display_data", data={kinds[kind]: value for kind, value in data.items()})


def test_cleaning_leaves_the_lesson_only() -> None:
    made = notebook(
        stream("warning", "stderr"),
        stream("said"),
        shown(html=""),
        shown(plain="Picture", svg="<svg/>", png="iVBO"),
    )
    cell = refresh.clean(made).cells[1]
    assert dict(cell.metadata) == {"tags": ["kept"]}
    assert [output.get("text") for output in cell.outputs] == ["said", None]
    assert set(cell.outputs[1].data) == {"text/plain", "image/svg+xml"}
    assert set(made.metadata) == {"kernelspec", "language_info"}
    assert made.metadata.kernelspec.name == "python3"
    nbformat.validate(made)


def test_the_words_of_a_picture_stay() -> None:
    picture = shown(plain="Bars", png="iVBO")
    picture.metadata = nbformat.from_dict({"image/png": {"alt": "Bars", "width": 640}, "isolated": True})
    cell = refresh.clean(notebook(picture)).cells[1]
    assert cell.outputs[0].metadata == {"image/png": {"alt": "Bars"}}


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("role of 123456789012", "an account id"),
        ("arn:aws:sagemaker:us-east-1:1:model/m", "an ARN"),
        ("http://127.0.0.1:4567/x", "an address"),
        ("https://sts.us-east-1.amazonaws.com", "an address"),
        (f"in {HOME}/music", "an absolute path"),
        ("written to /tmp/x", "an absolute path"),
        ("at 2026-11-22 15:00:01", "a date"),
    ],
)
def test_what_is_private_or_passes_is_found_in_any_output(text: str, what: str) -> None:
    for output in (stream(text), shown(plain=text), shown(html=f"<b>{text}</b>")):
        assert any(what in offence for offence in refresh.offences(notebook(output)))


@pytest.mark.parametrize(
    "text", ["0.123456789012", "s3://bucket/key", "/opt/ml/processing/flow", "1672562188", "3/4"]
)
def test_what_is_harmless_is_left_alone(text: str) -> None:
    assert refresh.offences(notebook(stream(text))) == []


def lay_out(folder: Path, *notebooks: Any) -> list[Path]:
    folder.mkdir()
    paths = [folder / f"0{number}_x.ipynb" for number in range(1, len(notebooks) + 1)]
    for path, made in zip(paths, notebooks, strict=True):
        nbformat.write(made, path)
    return paths


def test_refreshing_replaces_all_and_links_them(tmp_path: Path) -> None:
    committed = lay_out(tmp_path / "committed", notebook(), notebook())
    executed = lay_out(tmp_path / "executed", notebook(stream("new")), notebook(stream("new")))
    refresh.refresh(executed, committed)
    first, second = (nbformat.read(path, as_version=4) for path in committed)
    assert first.cells[0].source == "[Contents](../README.md#the-notebooks) | [02_x →](02_x.ipynb)"
    assert second.cells[0].source == "[← 01_x](01_x.ipynb) | [Contents](../README.md#the-notebooks)"
    assert first.cells[1].outputs[0].text == "new"
    assert list(committed[0].parent.iterdir()) and not list(committed[0].parent.glob("*.part"))


def test_one_unfit_output_changes_no_file(tmp_path: Path) -> None:
    committed = lay_out(tmp_path / "committed", notebook(), notebook())
    executed = lay_out(tmp_path / "executed", notebook(stream("fine")), notebook(stream(f"{HOME}/x")))
    before = [path.read_bytes() for path in committed]
    with pytest.raises(refresh.NotFit, match=r"02_x.ipynb In \[1\]: an absolute path"):
        refresh.refresh(executed, committed)
    assert [path.read_bytes() for path in committed] == before
