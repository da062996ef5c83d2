"""A lesson's analyses: pictures by name, links that lead to the pages wherever a notebook ends up."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from helpers import dataset, explore, flow

music_flow = Path(__file__).parents[1] / "notebooks" / "flows" / "music.flow"


def test_every_analysis_of_the_workshop_is_made_and_linked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = dataset.load(scale="tiny", directory=tmp_path / "data", progress=False)
    sources = {"tracks.csv": data.tracks, "ratings.csv": data.ratings}
    monkeypatch.setenv("WORKSHOP_RUN", str(tmp_path / "run"))
    music = flow.read(music_flow)
    pictures = explore.analyze(music, sources)

    assert list(pictures) == [node.label for node in music.nodes if node.type == "VISUALIZATION"]
    assert len(pictures) == 11
    tracks = dataset.read_tracks(data.tracks)
    ratings = dataset.read_ratings(data.ratings)
    medians = tracks.groupby("genre")["energy"].median()
    assert pictures["Energy by genre"].numbers["medians"] == pytest.approx(medians.to_dict())
    stars = ratings["Rating"].value_counts().sort_index()
    assert pictures["Stars"].numbers["counts"][0]["counts"] == stars.tolist()
    # What drops out between the two reports are the identifiers and what describes a listener to people.
    before, after = (pictures[f"Insights {which} identifiers"].numbers for which in ("with", "without"))
    gone = set(before["col_stats"]) - set(after["col_stats"])
    assert {name for name in gone if not name.endswith("_5star")} == {
        "ratingEventId", "ts", "userId_0", "userId_1", "trackId", "sessionId", "itemInSession",
        "five_star_ratings",
    }  # fmt: skip
    assert len(gone) == 8 + 18 and not any(name.endswith("_5star") for name in after["col_stats"])

    # A notebook shows a report as its picture, and links to its page, which lies beside the executed copy.
    assert all(each._repr_html_() is None and each._repr_png_() for each in pictures.values())
    page = pictures.page("Insights with identifiers")
    assert not page.path.is_absolute()
    assert "<html" in (tmp_path / "run" / page.path).read_text()
    assert repr(page) == "Insights with identifiers: analyses/Insights-with-identifiers.html"
    assert f'href="{page.path}"' in page._repr_html_()
    with pytest.raises(KeyError, match="no page; these have: Insights with"):
        pictures.page("Stars")
    with pytest.raises(KeyError, match="no analysis 'Star'; there are Table summary of the tracks"):
        pictures["Star"]

    # The same bytes each time: a refreshed notebook changes only where the data or the analyses do.
    again = explore.analyze(music, sources)
    assert {name: each.picture for name, each in again.items()} == {
        name: each.picture for name, each in pictures.items()
    }


def test_without_a_headless_run_the_files_lie_beside_the_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORKSHOP_RUN", raising=False)
    assert explore.run_folder() == Path()


def test_a_page_of_a_job_is_fetched_beside_the_executed_notebook(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKSHOP_RUN", str(tmp_path))

    class Bucket:
        """Stands for a workshop and its S3: one object."""

        def client(self, service: str) -> Bucket:
            assert service == "s3"
            return self

        def download_file(self, bucket: str, key: str, path: str) -> None:
            assert (bucket, key) == ("music", "job/report.html")
            Path(path).write_text("<html></html>")

    page = explore.page(cast(Any, Bucket()), "s3://music/job/report.html", "Explanation")
    assert (tmp_path / page.path).read_text() == "<html></html>"
    assert page._repr_html_().startswith('<a href="analyses/Explanation.html"')
