"""The questions asked of rankings: what is a candidate, what is relevant, who is left out, and no future."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers import checks, flow, generator, ranking

FLOWS = Path(__file__).parents[1] / "notebooks" / "flows"
CATALOGUE = ["a", "b", "c", "d", "e"]


def ratings(*rows: tuple[int, int, str, int]) -> pd.DataFrame:
    """(ts, userId, trackId, Rating); the events are called r0, r1, ... in this order."""
    table = pd.DataFrame(rows, columns=["ts", "userId", "trackId", "Rating"])
    return table.assign(ratingEventId=[f"r{row}" for row in range(len(table))])


def split() -> ranking.Split:
    """Listener 1 is known and rated in the test part; what the others lack is said beside them."""
    events = ratings(
        (1, 1, "a", 5),
        (2, 2, "b", 3),
        (3, 3, "a", 4),
        (4, 4, "c", 2),
        (10, 1, "a", 5),  # rated before: no candidate
        (11, 1, "b", 4),
        (12, 1, "c", 3),
        (13, 1, "c", 5),  # the mean of the two is 4: relevant
        (14, 1, "d", 3),
        (15, 2, "c", 3),  # nothing relevant
        (16, 3, "d", 5),  # only relevant ones
        (17, 5, "a", 5),  # unknown in the training part
    )
    return ranking.split_in_time(events, set(events["ratingEventId"][4:]))


def named(question: ranking.Question, flags: np.ndarray) -> dict[int, set[str]]:
    return {
        user: set(question.tracks[row]) for user, row in zip(question.listeners.tolist(), flags, strict=True)
    }


def test_held_out_tracks_are_candidates_when_they_are_new() -> None:
    question = ranking.held_out(split(), CATALOGUE)
    assert named(question, question.candidates) == {1: {"b", "c", "d"}}
    assert named(question, question.relevant) == {1: {"b", "c"}}
    assert question.left_out == {
        "unknown in the training part": 1,
        "with no relevant held-out track": 2,  # listeners 2 and 4
        "with only relevant ones": 1,
    }
    assert "1 unknown in the training part" in str(question)


def test_of_the_full_catalogue_all_is_a_candidate_that_was_not_rated_before() -> None:
    question = ranking.full_catalogue(split(), CATALOGUE)
    assert named(question, question.candidates) == {1: set("bcde"), 3: set("bcde")}
    assert named(question, question.relevant) == {1: {"b", "c"}, 3: {"d"}}


def test_a_sample_of_listeners_is_drawn_by_seed_and_told() -> None:
    found = ranking.full_catalogue(split(), CATALOGUE, most=1, seed=3)
    again = ranking.full_catalogue(split(), CATALOGUE, most=1, seed=3)
    assert found.listeners.tolist() == again.listeners.tolist()
    assert "1 not in the sample" in str(found)
    drawn = {ranking.full_catalogue(split(), CATALOGUE, most=1, seed=seed).listeners[0] for seed in range(20)}
    assert drawn == {1, 3}


def test_nothing_to_rank_is_an_error() -> None:
    part = split()
    nobody = ranking.Split(part.training, part.test[part.test["userId"] == 2])
    for ask in (ranking.held_out, ranking.full_catalogue):
        with pytest.raises(ValueError, match="nothing to rank"):
            ask(nobody, CATALOGUE)


def test_a_split_that_knows_the_future_is_refused() -> None:
    events = ratings((1, 1, "a", 5), (2, 1, "b", 3), (3, 1, "c", 3))
    assert ranking.split_in_time(events, {"r2"}).training["trackId"].tolist() == ["a", "b"]
    with pytest.raises(ValueError, match="1 training ratings are later than the first test rating"):
        ranking.split_in_time(events, {"r1"})
    with pytest.raises(ValueError, match="1 test events are not among the ratings"):
        ranking.split_in_time(events, {"r2", "r9"})
    with pytest.raises(ValueError, match="holds no rating"):
        ranking.split_in_time(events, {"r0", "r1", "r2"})


def test_the_last_slice_is_the_latest() -> None:
    events = ratings((5, 1, "a", 5), (1, 1, "b", 3), (3, 1, "c", 3), (4, 1, "d", 3), (2, 1, "e", 3))
    parts = ranking.last_slice(events, 0.4)
    assert parts.training["ts"].tolist() == [1, 2, 3]
    assert parts.test["ts"].tolist() == [4, 5]
    with pytest.raises(ValueError, match="too few"):
        ranking.last_slice(events.head(1))


def scores(**rows: list[float]) -> pd.DataFrame:
    return pd.DataFrame({int(user[1:]): row for user, row in rows.items()}, index=CATALOGUE).T


def test_lists_are_best_first_and_equal_scores_in_order_of_the_track() -> None:
    question = ranking.full_catalogue(split(), CATALOGUE)
    table = scores(u1=[9, 1, 2, 2, 0], u3=[9, 1, 1, 1, 1])
    for order in (CATALOGUE, CATALOGUE[::-1]):
        found = ranking.lists(question, table[order], k=3)
        assert [[CATALOGUE[place] for place in row] for row in found] == [["c", "d", "b"], ["b", "c", "d"]]
    short = ranking.lists(question, table, k=5)
    assert (short[:, 4] == ranking.NOTHING).all()


def test_a_candidate_without_a_score_is_an_error() -> None:
    question = ranking.full_catalogue(split(), CATALOGUE)
    table = scores(u1=[np.nan, 1, 2, 2, 0], u3=[np.nan, 1, 1, np.nan, 1])
    with pytest.raises(ValueError, match="1 candidates have no score, such as track d for listener 3"):
        ranking.lists(question, table)


def test_scores_of_a_track_rated_twice_are_their_mean() -> None:
    events = pd.DataFrame({"userId": [1, 1, 1], "trackId": ["a", "a", "b"], "predicted": [2.0, 4.0, 5.0]})
    assert ranking.scored(events, "predicted").loc[1].to_dict() == {"a": 3.0, "b": 5.0}


@pytest.mark.parametrize(("name", "honest"), [("music.flow", True), ("music_leaky.flow", False)])
def test_the_workshops_flow_knows_no_future_and_the_leaky_one_is_found_out(
    tmp_path: Path, name: str, honest: bool
) -> None:
    """The averages that the flow gives, against those of the ratings it trains on."""
    music = generator.generate("tiny", 0)
    music.tracks.to_csv(tmp_path / "tracks.csv", index=False)
    music.ratings.to_csv(tmp_path / "ratings.csv", index=False)
    sources = {"tracks.csv": tmp_path / "tracks.csv", "ratings.csv": tmp_path / "ratings.csv"}
    read = flow.read(FLOWS / name)
    listeners, test = (
        flow.preview(read, node, sources, rows=len(music.ratings))
        for node in ("Listener averages", "Test: identifiers last")
    )
    split = ranking.split_in_time(music.ratings, test["ratingEventId"])
    assert len(split.test) == len(music.ratings) // 5
    with nullcontext() if honest else pytest.raises(checks.StepNotDone, match="they know the future"):
        checks.knows_no_future(listeners.set_index("userId"), split.training)
