"""The columns of candidates and genres."""

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


def test_genres_are_columns_of_tracks_not_of_listeners() -> None:
    tracks = catalogue().assign(genre_Jazz_taste=0.1, genre_Jazz_5star=0.2)
    assert playlist.genre_columns(tracks) == ["genre_Jazz", "genre_Pop_Rock"]
    assert playlist.genre_name("genre_Pop_Rock") == "Pop Rock"
