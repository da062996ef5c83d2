"""Measures against values worked out by hand and scikit-learn's; intervals against theory."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from helpers import evaluation, ranking
from helpers.sounds import Sounds


def question(candidates: list[list[int]], relevant: list[list[int]]) -> ranking.Question:
    """Flags (listeners x tracks) as zeros and ones; tracks t00, t01, ..., listeners 10, 11, ..."""
    tracks = pd.Index([f"t{place:02d}" for place in range(len(candidates[0]))], name="trackId")
    listeners = pd.Index(range(10, 10 + len(candidates)), name="userId")
    return ranking.Question(
        "test", listeners, tracks, np.array(candidates, dtype=bool), np.array(relevant, dtype=bool)
    )


def catalogue(asked: ranking.Question, counts: list[int] | None = None) -> evaluation.Catalogue:
    """Tracks of one genre on a line, one apart."""
    size = len(asked.tracks)
    line = pd.DataFrame({"trackId": asked.tracks, "energy": np.arange(size, dtype=float), "genre": "Jazz"})
    return evaluation.Catalogue(asked.tracks, Sounds(line), np.array(counts or [1] * size, dtype=float))


def by_order(asked: ranking.Question) -> pd.DataFrame:
    """Scores that leave every list in the order of the tracks."""
    size = len(asked.tracks)
    return pd.DataFrame([np.arange(size, 0, -1.0)] * len(asked.listeners), asked.listeners, asked.tracks)


def test_accuracy_by_hand() -> None:
    # Relevant at ranks 1, 3 and 5; the list holds the first four.
    asked = question([[1] * 6], [[1, 0, 1, 0, 1, 0]])
    each = evaluation.evaluate(asked, by_order(asked), catalogue(asked), k=4).each.loc[10]
    best = 1 + 1 / math.log2(3) + 1 / math.log2(4)
    assert each["NDCG@4"] == pytest.approx((1 + 1 / math.log2(4)) / best)
    assert each["Recall@4"] == pytest.approx(2 / 3)
    assert each["MAP@4"] == pytest.approx((1 / 1 + 2 / 3) / 3)  # of three relevant ones, not of two found


@given(st.lists(st.booleans(), min_size=2, max_size=40).filter(any), st.integers(1, 15))
def test_ndcg_agrees_with_scikit_learn(relevant: list[bool], k: int) -> None:
    asked = question([[1] * len(relevant)], [[int(flag) for flag in relevant]])
    each = evaluation.accuracy(asked, ranking.lists(asked, by_order(asked), k))
    expected = ndcg_score([np.asarray(relevant, dtype=float)], [np.arange(len(relevant), 0, -1)], k=k)
    assert each.loc[10, f"NDCG@{k}"] == pytest.approx(expected)


def test_many_listeners_keep_their_own_measures() -> None:
    """More than ten listeners: ids of one and of two digits stay apart."""
    size = 13
    relevant = [[int(place == user) for place in range(size)] for user in range(size)]
    asked = question([[1] * size] * size, relevant)
    each = evaluation.evaluate(asked, by_order(asked), catalogue(asked), k=size).each
    assert each[f"NDCG@{size}"].tolist() == pytest.approx([1 / math.log2(place + 2) for place in range(size)])


def test_novelty_and_diversity_by_hand() -> None:
    asked = question([[0, 1, 1, 1]], [[0, 1, 0, 0]])
    shelf = catalogue(asked, counts=[100, 1, 2, 6])
    ranked = evaluation.evaluate(asked, by_order(asked), shelf, k=3)
    assert ranked.each.loc[10, "novelty"] == pytest.approx((1 + 2 + 6) / 3)
    # Pairs on the line are 1, 1 and 2 apart; its standard deviation is that of 0, 1, 2, 3; genres are equal,
    # so of two squares (energy, genre) one is 0, and all is divided by sqrt(2).
    assert ranked.each.loc[10, "diversity"] == pytest.approx((1 + 1 + 2) / 3 / math.sqrt(5 / 4) / 2)
    assert ranked.coverage == 3 / 4


def test_what_the_catalogue_says_of_tracks_comes_from_the_training_part() -> None:
    tracks = pd.DataFrame({"trackId": ["b", "a", "c"], "energy": [2.0, 1.0, 3.0], "genre": "Jazz"})
    training = pd.DataFrame({"userId": [1, 2, 2, 3], "trackId": ["a", "a", "a", "b"], "Rating": 3})
    shelf = evaluation.Catalogue.of(tracks, training)
    assert shelf.tracks.tolist() == ["a", "b", "c"]
    assert shelf.information == pytest.approx([math.log2(4 / 3), math.log2(4 / 2), math.log2(4 / 1)])
    assert shelf.sounds.standardised[:, 0] == pytest.approx(np.array([-1, 0, 1]) * math.sqrt(1.5))


def test_other_tracks_than_asked_about_are_an_error() -> None:
    asked = question([[1, 1]], [[0, 1]])
    other = question([[1, 1, 1]], [[0, 1, 0]])
    with pytest.raises(ValueError, match="other tracks"):
        evaluation.evaluate(asked, by_order(asked), catalogue(other))


def test_variety_costs_accuracy_and_brings_distance() -> None:
    """The relevant tracks lie side by side, and the scores put them first."""
    asked = question([[1] * 12] * 2, [[1, 1, 1] + [0] * 9] * 2)
    shelf = catalogue(asked)
    plain, same, most = (
        evaluation.varied(asked, by_order(asked), shelf, setting, k=3).each.mean() for setting in (0, 0.01, 1)
    )
    pd.testing.assert_series_equal(plain, evaluation.evaluate(asked, by_order(asked), shelf, k=3).each.mean())
    assert plain["NDCG@3"] == 1
    assert most["NDCG@3"] < same["NDCG@3"]
    assert most["diversity"] > plain["diversity"]


def test_random_order_is_between_nothing_and_all_and_repeats() -> None:
    asked = question([[1] * 4] * 2, [[1, 0, 0, 0], [1, 1, 0, 0]])
    ranked = evaluation.random_order(asked, catalogue(asked), k=1, repeats=100)
    assert ranked.each["NDCG@1"].tolist() == pytest.approx([1 / 4, 2 / 4], abs=0.15)
    assert ranked.each["Recall@1"].tolist() == pytest.approx([1 / 4, 1 / 4], abs=0.15)
    again = evaluation.random_order(asked, catalogue(asked), k=1, repeats=100)
    pd.testing.assert_frame_equal(again.each, ranked.each)


def test_nothing_is_better_than_the_best_order() -> None:
    asked = question([[1] * 5], [[0, 0, 0, 1, 1]])
    best = evaluation.best_order(asked, catalogue(asked), k=2)
    assert best.each.loc[10, ["NDCG@2", "Recall@2", "MAP@2"]].tolist() == [1, 1, 1]


def test_the_interval_is_that_of_the_mean() -> None:
    """Of 400 normal values it is about the mean +- 1.96 standard errors."""
    values = np.random.default_rng(5).normal(3, 2, 400)
    low, high = evaluation.interval(values)
    error = values.std(ddof=1) / math.sqrt(400)
    assert low == pytest.approx(values.mean() - 1.96 * error, abs=0.03)
    assert high == pytest.approx(values.mean() + 1.96 * error, abs=0.03)


def test_the_interval_holds_the_truth_in_about_nineteen_of_twenty() -> None:
    random = np.random.default_rng(2)
    held = 0
    for _ in range(200):
        low, high = evaluation.interval(random.normal(0, 1, 40))
        held += low <= 0 <= high
    assert 0.89 <= held / 200 <= 0.98


def test_one_listener_has_no_interval_and_equal_ones_a_point() -> None:
    assert all(math.isnan(end) for end in evaluation.interval([0.5]))
    assert evaluation.interval([0.5, 0.5, 0.5]) == (0.5, 0.5)


def ranked(values: list[float]) -> evaluation.Ranked:
    return evaluation.Ranked(pd.DataFrame({"NDCG@10": values}), 0.25)


def test_paired_differences_see_what_separate_intervals_hide() -> None:
    """Listeners differ much, but for everyone the first ranking is a little better."""
    base = np.linspace(0.1, 0.9, 30)
    results = {
        "the model": ranked(list(base + 0.02)),
        "other": ranked(list(base)),
        "same": ranked(list(base + 0.02)),
    }
    numbers = evaluation.table(results)
    assert numbers.loc["other", ("NDCG@10", "high")] > numbers.loc["the model", ("NDCG@10", "low")]
    compared = evaluation.differences(results, "the model", "NDCG@10")
    assert compared.loc["other", "low"] == pytest.approx(0.02)
    assert compared.loc["other", "listeners"] == 30
    assert evaluation.verdict(compared) == "The model beats other. The model cannot be told apart from same."


def test_the_verdict_names_winners_and_losers() -> None:
    compared = pd.DataFrame(
        {"low": [0.1, -0.3, -0.1, 0.2], "high": [0.2, -0.1, 0.1, 0.3]}, index=["a", "b", "c", "d"]
    )
    assert evaluation.verdict(compared, "It") == (
        "It beats a and d. It loses to b. It cannot be told apart from c."
    )


def test_the_readable_table_shows_means_and_intervals() -> None:
    text = evaluation.readable(evaluation.table({"one": ranked([0.5, 0.5]), "alone": ranked([0.25])}))
    assert text.loc["one"].tolist() == ["0.500 (0.500 to 0.500)", "25.0%"]
    assert text.loc["alone", "NDCG@10"] == "0.250"


def test_rmse() -> None:
    assert evaluation.rmse(pd.Series([1, 5]), 3) == 2
