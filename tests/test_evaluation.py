"""Rankings, against values worked out by hand and scikit-learn's formula."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from helpers import evaluation


def test_ndcg_by_hand() -> None:
    # Relevant at ranks 1 and 3 of four: DCG = 1/log2(2) + 1/log2(4) = 1.5; best = 1/log2(2) + 1/log2(3).
    assert evaluation.ndcg_at_k([True, False, True, False], 10) == pytest.approx(1.5 / (1 + 1 / math.log2(3)))
    # Only rank 1 counts at k = 1, and one relevant track is the best that fits.
    assert evaluation.ndcg_at_k([False, True, True], 1) == 0
    assert evaluation.ndcg_at_k([True, False, True], 1) == 1


def test_recall_by_hand() -> None:
    assert evaluation.recall_at_k([True, False, True, True], 2) == pytest.approx(1 / 3)
    assert evaluation.recall_at_k([True, True], 10) == 1


def test_metrics_without_a_relevant_track_are_not_numbers() -> None:
    assert math.isnan(evaluation.ndcg_at_k([False, False], 10))
    assert math.isnan(evaluation.recall_at_k([False], 10))


@given(st.lists(st.booleans(), min_size=2, max_size=40).filter(any), st.integers(1, 15))
def test_ndcg_agrees_with_scikit_learn(relevant: list[bool], k: int) -> None:
    scores = np.arange(len(relevant), 0, -1)
    expected = ndcg_score([np.asarray(relevant, dtype=float)], [scores], k=k)
    assert evaluation.ndcg_at_k(relevant, k) == pytest.approx(expected)


def held_out() -> pd.DataFrame:
    """Listener 1 has relevant tracks a and c, listener 2 only relevant ones, so nothing to rank."""
    return pd.DataFrame(
        {
            "userId": [1, 1, 1, 2, 2],
            "trackId": ["a", "b", "c", "a", "b"],
            "Rating": [5, 2, 4, 5, 4],
            "model": [4.9, 3.0, 1.0, 3.0, 3.0],
        }
    )


def test_ranking_quality_averages_listeners_with_something_to_rank() -> None:
    quality = evaluation.ranking_quality(held_out(), "model", k=2)
    assert quality.listeners == 1
    assert quality.ndcg == pytest.approx(1 / (1 + 1 / math.log2(3)))
    assert quality.recall == pytest.approx(1 / 2)


def test_a_track_rated_twice_counts_once() -> None:
    events = pd.concat([held_out(), held_out().head(1)])
    assert evaluation.ranking_quality(events, "model", k=2) == evaluation.ranking_quality(
        held_out(), "model", k=2
    )


def test_ties_are_broken_by_track_whatever_the_order_of_rows() -> None:
    events = held_out().assign(model=1.0)
    shuffled = events.iloc[::-1]
    assert evaluation.ranking_quality(events, "model", k=1) == evaluation.ranking_quality(
        shuffled, "model", k=1
    )


def test_nothing_to_rank_is_an_error() -> None:
    with pytest.raises(ValueError, match="nothing to rank"):
        evaluation.ranking_quality(held_out().query("userId == 2"), "model")


def test_random_order_lies_between_nothing_and_all() -> None:
    quality = evaluation.random_quality(held_out(), k=1, repeats=200)
    assert quality.ndcg == pytest.approx(2 / 3, abs=0.1)


def test_popularity_counts_plays() -> None:
    assert evaluation.popularity(held_out()).to_dict() == {"a": 2, "b": 2, "c": 1}


def test_rmse() -> None:
    assert evaluation.rmse(pd.Series([1, 5]), 3) == 2
