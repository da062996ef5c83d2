"""Rivals on data whose structure is planted: they find it, they repeat, and they see no test rating."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from helpers import baselines, evaluation, ranking

CATALOGUE = [f"t{number:03d}" for number in range(60)]


def planted(listeners: int = 30, plays: int = 24) -> pd.DataFrame:
    """Half of the listeners love the even tracks and give the odd ones one or two stars, the others the
    other way round; the first twenty tracks are played ten times as often as the rest.
    """
    random = np.random.default_rng(0)
    weight = np.where(np.arange(60) < 20, 10.0, 1.0)
    rows = []
    for user in range(listeners):
        for turn, track in enumerate(random.choice(60, plays, replace=False, p=weight / weight.sum())):
            loved = track % 2 == user % 2
            stars = int(random.integers(4, 6) if loved else random.integers(1, 3))
            rows.append((turn * 1000 + user, user, CATALOGUE[track], stars))
    table = pd.DataFrame(rows, columns=["ts", "userId", "trackId", "Rating"])
    return table.assign(ratingEventId=[f"r{row}" for row in range(len(table))])


@pytest.fixture(scope="module")
def split() -> ranking.Split:
    return ranking.last_slice(planted(), 0.3)


def ask_held_out(split: ranking.Split) -> ranking.Question:
    return ranking.held_out(split, CATALOGUE)


def ask_full(split: ranking.Split) -> ranking.Question:
    return ranking.full_catalogue(split, CATALOGUE)


def reached(question: ranking.Question, table: pd.DataFrame) -> pd.Series:
    return evaluation.accuracy(question, ranking.lists(question, table, 5))["NDCG@5"]


def chance(question: ranking.Question) -> float:
    random = np.random.default_rng(1)
    runs = [
        reached(
            question,
            pd.DataFrame(
                random.random(question.candidates.shape), index=question.listeners, columns=question.tracks
            ),
        ).mean()
        for _ in range(20)
    ]
    return float(np.mean(runs))


@pytest.mark.parametrize("name", ["item-item neighbours", "ALS"])
def test_who_knows_listeners_finds_the_planted_taste(split: ranking.Split, name: str) -> None:
    question = ask_held_out(split)
    chosen = baselines.choose(baselines.GRIDS[name], split.training, ask_held_out)
    known = baselines.Interactions.of(split.training, question.tracks)
    found = reached(question, chosen.rival.scores(known, question.listeners))
    assert found.mean() > 0.9 > chance(question) + 0.1
    assert chosen.rival.weights != "played"  # of what is played alone, nobody knows what is loved


def test_popularity_finds_what_is_played(split: ranking.Split) -> None:
    question = ask_full(split)
    known = baselines.Interactions.of(split.training, question.tracks)
    found = reached(question, baselines.Popularity("played").scores(known, question.listeners))
    assert found.mean() > chance(question) + 0.05


def test_popularity_is_the_sum_of_weights() -> None:
    training = pd.DataFrame(
        {"userId": [1, 1, 2, 2], "trackId": ["a", "b", "a", "c"], "Rating": [5, 1, 3, 4], "ts": 0}
    )
    known = baselines.Interactions.of(training, pd.Index(["a", "b", "c", "d"]))
    listeners = pd.Index([2])
    played, liked, centred = (
        baselines.Popularity(weights).scores(known, listeners).loc[2].tolist()
        for weights in baselines.WEIGHTS
    )
    assert played == [2, 1, 1, 0]
    assert liked == [1, 0, 1, 0]
    assert centred == [2 - 0.5, -2, 0.5, 0]  # means of the listeners: 3 and 3.5


def test_neighbours_are_cosines_times_weights() -> None:
    """Three listeners, three tracks: a and b are alike by listener 1, worked out by hand."""
    training = pd.DataFrame({"userId": [1, 1, 2, 3], "trackId": ["a", "b", "a", "c"], "Rating": 5, "ts": 0})
    known = baselines.Interactions.of(training, pd.Index(["a", "b", "c"]))
    table = baselines.Neighbours("liked", 3).scores(known, pd.Index([2, 3]))
    assert table.loc[2].tolist() == pytest.approx([1, 1 / np.sqrt(2), 0])
    assert table.loc[3].tolist() == pytest.approx([0, 0, 1])


def test_a_track_rated_twice_counts_with_its_mean_and_unknown_tracks_do_not() -> None:
    training = pd.DataFrame({"userId": [1, 1, 1], "trackId": ["a", "a", "x"], "Rating": [2, 5, 5], "ts": 0})
    known = baselines.Interactions.of(training, pd.Index(["a", "b"]))
    assert known.ratings.toarray().tolist() == [[3.5, 0]]
    assert isinstance(known.weighted("liked"), sparse.csr_matrix)
    assert known.weighted("liked").nnz == 0


def test_a_run_repeats_and_warns_of_nothing(split: ranking.Split) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first, second = (baselines.rivals(split.training, ask_full) for _ in range(2))
    assert first == second
    known = baselines.Interactions.of(split.training, pd.Index(CATALOGUE))
    listeners = ask_full(split).listeners
    for name, chosen in first.items():
        one, other = (chosen.rival.scores(known, listeners) for _ in range(2))
        pd.testing.assert_frame_equal(one, other, obj=name)


def test_a_listener_without_training_ratings_is_named(split: ranking.Split) -> None:
    known = baselines.Interactions.of(split.training, pd.Index(CATALOGUE))
    with pytest.raises(ValueError, match="Listener 99 has no rating"):
        baselines.Als().scores(known, pd.Index([99]))


def test_settings_are_chosen_without_any_test_rating(split: ranking.Split) -> None:
    """The question is put to the training part alone, split in time once more."""
    asked: list[ranking.Split] = []

    def ask(part: ranking.Split) -> ranking.Question:
        asked.append(part)
        return ask_held_out(part)

    baselines.choose(baselines.GRIDS["popularity"], split.training, ask)
    seen = pd.concat([asked[0].training, asked[0].test])
    assert set(seen["ratingEventId"]) == set(split.training["ratingEventId"])
    assert asked[0].training["ts"].max() <= asked[0].test["ts"].min()


def test_expected_likes_are_plays_times_the_chance_of_four_stars() -> None:
    training = pd.DataFrame({"userId": [1, 1, 2], "trackId": ["a", "b", "a"], "Rating": [5, 1, 3], "ts": 0})
    known = baselines.Interactions.of(training, pd.Index(["a", "b", "c"]))
    predicted = pd.DataFrame([[5.0, 2.5, 3.5]], index=[1], columns=["c", "b", "a"])
    found = baselines.expected_likes(predicted, known).loc[1]
    # Half of a normal distribution lies above its mean, 15.87 % above one standard deviation.
    assert found.to_dict() == pytest.approx({"c": 0, "b": 0.5 * 0.158655, "a": 1.0 * 0.5}, abs=1e-6)


def test_results_hold_every_rival_and_chance(split: ranking.Split) -> None:
    tracks = pd.DataFrame({"trackId": CATALOGUE, "energy": np.arange(60.0), "genre": "Jazz"})
    question = ask_held_out(split)
    chosen = {"popularity": baselines.Chosen(baselines.Popularity("liked"), 0.5)}
    shelf = evaluation.Catalogue.of(tracks, split.training)
    found = baselines.results(question, chosen, split.training, shelf)
    assert list(found) == ["popularity", "random order"]
    assert all(len(each.each) == len(question.listeners) for each in found.values())
    assert str(chosen["popularity"]) == "weights liked"
