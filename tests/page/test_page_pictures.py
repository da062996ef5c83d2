"""Playlist and taste as tables, read back as a browser would read them."""

from __future__ import annotations

from xml.etree import ElementTree

import pandas as pd
import pytest

from helpers.page import pictures

TRACKS = pd.DataFrame(
    {
        "trackId": ["a", "b", "c", "d"],
        "energy": [0.0, 0.2, 0.4, 0.6],
        "tempo": [80.0, 100.0, 120.0, 140.0],
        "genre_Jazz": [1.0, 0.0, 0.0, 0.0],
        "genre_Pop_Rock": [0.0, 1.0, 1.0, 1.0],
    }
)
LISTENER = pd.Series(
    {
        "energy_5star": 0.5,
        "tempo_5star": 200.0,
        "genre_Jazz_5star": 0.9,
        "genre_Pop_Rock_5star": 0.1,
        "energy_taste": 1,
    }
)


def cells(html: str, rows: str) -> list[list[str]]:
    """The words of each row's cells; what is hidden from screen readers is left out."""
    table = ElementTree.fromstring(html)
    for parent in list(table.iter()):
        for child in list(parent):
            if child.get("aria-hidden") == "true":
                parent.remove(child)
    return [["".join(cell.itertext()) for cell in row] for row in table.iterfind(f"{rows}/tr")]


def test_taste_beside_the_average_of_the_catalogue() -> None:
    energy, tempo = pictures.sound(LISTENER, TRACKS)
    assert (energy.mine, energy.usual) == ("0.50", "0.30")
    assert (energy.mine_at, energy.usual_at) == (0.5, pytest.approx(0.3))
    assert (tempo.mine, tempo.usual, tempo.mine_at, tempo.usual_at) == ("200", "110", 1.0, pytest.approx(0.5))
    jazz, pop = pictures.genres(LISTENER, TRACKS)
    assert (jazz.name, jazz.mine, jazz.usual, jazz.mine_at) == ("Jazz", "90%", "25%", 1.0)
    assert (pop.name, pop.mine, pop.usual) == ("Pop Rock", "10%", "75%")


def test_the_picture_of_a_taste_is_a_table_that_reads_well() -> None:
    html = pictures.taste_table("Genres", pictures.genres(LISTENER, TRACKS))
    assert cells(html, "thead") == [["What", "Favourites", "Catalogue"]]
    assert cells(html, "tbody") == [["Jazz", "90%", "25%"], ["Pop Rock", "10%", "75%"]]


def test_a_playlist_as_a_table_and_nothing_in_it_is_taken_for_a_tag() -> None:
    songs = pd.DataFrame(
        {
            "trackId": ["<script>x</script>", "b"], "genre": ["Pop_Rock", '"><img src=x>'],
            "predicted": [4.5, 7.0],
            "tempo": [99.6, 80.0], "length": [61.0, 3600.0], "why": ["<b>loud</b> & clear", "calm"],
        },
        index=[1, 2],
    )  # fmt: skip
    html = pictures.playlist_table(songs, "A <caption>")
    assert "<script" not in html
    assert "<img" not in html
    assert "<b>" not in html
    assert cells(html, "thead") == [["Rank", "Track", "Why it is here", "Length", "Predicted stars"]]
    assert cells(html, "tbody") == [
        ["1", "Pop Rock100 BPM · <script>x</script>", "<b>loud</b> & clear", "1:01", "4.50"],
        ["2", '"><img src=x>80 BPM · b', "calm", "60:00", "7.00"],
    ]
    assert "--part:90.0%" in html
    assert "--part:100.0%" in html  # a prediction beyond five stars fills no sixth
