"""The pictures show the numbers they are given, and tell them apart without colour vision."""

from __future__ import annotations

import io
import itertools

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from helpers import generator, plots


@pytest.fixture(autouse=True)
def _style() -> None:
    mpl.use("agg")
    plots.use_style()


@pytest.fixture(scope="module")
def music() -> generator.Music:
    return generator.generate("tiny", 0)


def texts(figure: Figure) -> set[str]:
    """Every text of a drawn figure that a reader sees."""
    figure.savefig(io.BytesIO(), format="png")
    return {
        text.get_text() for text in figure.findobj(mpl.text.Text) if text.get_visible() and text.get_text()
    }


def test_ratings_are_shown_as_shares_with_their_mean() -> None:
    ratings = pd.DataFrame({"Rating": [5, 5, 4, 1]})
    shown = texts(plots.rating_distribution(ratings))
    assert {"25%", "0%", "50%", "4 ratings, 3.75 stars on average"} <= shown


def test_sound_draws_one_histogram_a_column_and_hides_what_is_left(music: generator.Music) -> None:
    figure = plots.sound_distributions(music.tracks, ["energy", "tempo", "length", "valence"])
    visible = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_xlabel() for axes in visible] == ["energy", "tempo (BPM)", "length (s)", "valence"]
    assert visible[1].lines[0].get_xdata()[0] == pytest.approx(music.tracks["tempo"].median())


def test_popularity_states_the_share_of_the_top_tenth() -> None:
    ratings = pd.DataFrame({"trackId": ["hit"] * 11 + list("abcdefghi")})
    assert "the top tenth has 55% of the plays" in texts(plots.popularity_tail(ratings))


def test_genres_are_averaged_for_each_listener() -> None:
    tracks = pd.DataFrame({"trackId": ["a", "b"], "genre": ["Jazz", "Rap"]})
    ratings = pd.DataFrame({"userId": [1, 1, 2, 3], "trackId": ["a", "a", "b", "b"], "Rating": [5, 4, 2, 1]})
    shown = texts(plots.genre_ratings(tracks, ratings, [1, 2]))
    assert {"Jazz", "Rap", "4.5", "2.0"} <= shown
    assert "1.0" not in shown


def test_the_playlist_shows_every_track_and_fills_its_stars() -> None:
    table = pd.DataFrame(
        {
            "trackId": ["t1", "t2"],
            "predicted": [4.5, 1.0],
            "genre": ["Pop_Rock", "Jazz"],
            "tempo": [120, 90],
            "energy": [0.25, 1.0],
            "why": ["because", "of"],
        },
        index=pd.RangeIndex(1, 3, name="rank"),
    )
    figure = plots.playlist(table, 7)
    shown = texts(figure)
    assert {"Pop Rock  ·  t1", "Jazz  ·  t2", "because", "120 BPM", "0.25", "4.50", "1.00"} <= shown
    assert "A playlist for listener 7: unheard tracks, best predicted first" in shown


def test_a_profile_names_its_columns() -> None:
    everyone = pd.DataFrame({"energy_5star": [0.1, 0.9], "genre_Pop_Rock_5star": [0.0, 0.5]})
    shown = texts(plots.profile(everyone.iloc[0], everyone, ["energy", "genre_Pop_Rock", "unknown"]))
    assert {"energy", "Pop Rock"} <= shown
    assert "unknown" not in shown


def test_colours_differ_in_brightness_or_for_every_eye() -> None:
    """Any two colours that stand for different things differ clearly as a red-blind and as a green-blind eye
    sees.
    """
    # Viénot, Brettel and Mollon (1999): linear RGB as protanopes and deuteranopes see it.
    protan = np.array([[0.1121, 0.8853, -0.0005], [0.1127, 0.8897, -0.0001], [0.0045, 0.0000, 1.0019]])
    deutan = np.array([[0.2920, 0.7054, -0.0003], [0.2934, 0.7089, 0.0000], [-0.02098, 0.02559, 1.0019]])
    used = {"blue": plots.BLUE, "orange": plots.ORANGE, "grey": plots.GREY, "sky": plots.SKY}
    for eye in (np.eye(3), protan, deutan):
        seen = {name: eye @ np.power(to_rgb(color), 2.2) for name, color in used.items()}
        for one, other in itertools.combinations(seen, 2):
            assert np.linalg.norm(seen[one] - seen[other]) > 0.1, (one, other)


def test_figures_are_closed_so_that_a_notebook_shows_them_once(music: generator.Music) -> None:
    plt.close("all")
    plots.rating_distribution(music.ratings)
    assert plt.get_fignums() == []
