"""Playlists to take away, read back by other programs' readers."""

from __future__ import annotations

import io

import pandas as pd
import pytest

from helpers.page import export


def table(**changes: object) -> pd.DataFrame:
    row = {
        "trackId": "t1", "genre": "Pop_Rock", "predicted": 4.56789, "tempo": 101.25, "energy": -0.5,
        "length": 241.5, "why": "calm, as in your favourites",
    }  # fmt: skip
    return pd.DataFrame([row | changes, row | {"trackId": "t2"}], index=pd.RangeIndex(1, 3, name="rank"))


def test_csv_comes_back_as_it_was() -> None:
    back = pd.read_csv(io.BytesIO(export.to_csv(table())), index_col="rank", encoding="utf-8-sig")
    assert list(back["trackId"]) == ["t1", "t2"]
    assert back.loc[1, "predicted"] == pytest.approx(4.5679)
    assert back.loc[1, "energy"] == -0.5  # a negative number is a number, not a formula
    assert back.loc[1, "why"] == "calm, as in your favourites"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=cmd|'/c'!A1", " =1"])
def test_no_cell_of_the_csv_is_a_formula(text: str) -> None:
    exported = export.to_csv(table(trackId=text, why=text)).decode("utf-8-sig")
    assert len(exported.splitlines()) == 3
    back = pd.read_csv(io.StringIO(exported), dtype=str)
    assert back.loc[0, "trackId"].startswith("'")
    assert back.loc[0, "why"].startswith("'")


def test_quotes_and_letters_survive_in_the_csv() -> None:
    back = pd.read_csv(io.BytesIO(export.to_csv(table(why='été "loud", 日本'))), encoding="utf-8-sig")
    assert back.loc[0, "why"] == 'été "loud", 日本'


def test_m3u_has_seconds_and_title_of_each_track() -> None:
    assert export.to_m3u(table(length=241.4)).decode().splitlines() == [
        "#EXTM3U",
        "#EXTINF:241,Pop Rock - t1",
        "t1",
        "#EXTINF:242,Pop Rock - t2",
        "t2",
    ]


@pytest.mark.parametrize(
    "name", ["a\n#EXTINF:1,x", "a\r\nhttp://evil", "a\u2028b", "a\x00b", "#EXTM3U", "\x85x"]
)
def test_no_name_makes_a_line_of_its_own_in_the_m3u(name: str) -> None:
    lines = export.to_m3u(table(trackId=name, genre="Ja\nzz")).decode().splitlines()
    assert len(lines) == 5
    assert [line.startswith("#") for line in lines] == [True, True, False, True, False]
