"""Playlists, against values worked out by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from helpers import playlist


def catalogue() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "trackId": ["t1", "t2", "t3", "t4"],
            "tempo": [100.4, 120.0, 80.0, 140.0],
            "energy": [0.2, 0.5, 0.9, 0.51],
            "genre": ["Jazz", "Pop Rock", "Pop Rock", "Jazz"],
            "genre_Jazz": [1.0, 0.0, 0.0, 1.0],
            "genre_Pop_Rock": [0.0, 1.0, 1.0, 0.0],
        }
    )


LISTENER = pd.Series(
    {"tempo_5star": 118.0, "energy_5star": 0.5, "genre_Jazz_5star": 0.75, "genre_Pop_Rock_5star": 0.25}
)


def test_candidates_follow_the_order_of_the_training_columns() -> None:
    columns = ["genre_Pop_Rock", "energy_5star", "energy", "tempo_5star"]
    table = playlist.candidate_features(LISTENER, catalogue(), columns)
    assert list(table.columns) == columns
    assert table["energy"].tolist() == catalogue()["energy"].tolist()
    assert set(table["tempo_5star"]) == {118.0}


def test_a_training_column_that_nobody_has_is_named() -> None:
    with pytest.raises(KeyError, match="loudness"):
        playlist.candidate_features(LISTENER, catalogue(), ["energy", "loudness"])


def test_playlist_is_unheard_and_best_first() -> None:
    scores = pd.Series([3.0, 4.5, 4.0, 4.0])
    table = playlist.make_playlist(scores, catalogue(), {"t2"}, LISTENER, length=2)
    assert table["trackId"].tolist() == ["t3", "t4"]  # equal predictions: by trackId
    assert table.index.tolist() == [1, 2]
    assert table["genre"].tolist() == ["Pop Rock", "Jazz"]
    assert table["tempo"].tolist() == [80, 140]


def test_reasons_name_genre_and_what_is_close() -> None:
    table = playlist.make_playlist(pd.Series([1.0, 2.0, 3.0, 4.0]), catalogue(), set(), LISTENER, length=4)
    reasons = table.set_index("trackId")["why"]
    assert reasons["t4"].startswith("Jazz is 75% of your favourites (50% of all tracks); ")
    assert "energy" in reasons["t4"]
    assert reasons["t2"] == "energy and tempo as in your favourites"  # Pop Rock is loved less than most


def test_a_listener_who_heard_everything_gets_an_error() -> None:
    with pytest.raises(ValueError, match="heard every track"):
        playlist.make_playlist(pd.Series(range(4)), catalogue(), set(catalogue()["trackId"]), LISTENER)
