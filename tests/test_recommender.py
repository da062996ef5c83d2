"""From listeners to playlists, on what the workshop's own flow makes of the smallest music."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers import flow, generator
from helpers.kept_scores import KeptScores
from helpers.recommender import Listener, Recommender, Wishes
from helpers.scoring import Rows
from helpers.sounds import Sounds

MUSIC_FLOW = Path(__file__).parents[1] / "notebooks" / "flows" / "music.flow"


def run_flow(tracks: pd.DataFrame, ratings: pd.DataFrame, folder: Path) -> dict[str, pd.DataFrame]:
    """What the workshop's flow makes of two tables."""
    sources = {"tracks.csv": folder / "tracks.csv", "ratings.csv": folder / "ratings.csv"}
    tracks.to_csv(sources["tracks.csv"], index=False)
    ratings.to_csv(sources["ratings.csv"], index=False)
    flow.run(flow.read(MUSIC_FLOW), sources, folder / "out")
    return {
        name: pd.concat([pd.read_csv(part) for part in sorted((folder / "out" / name).glob("*.csv"))])
        for name in ("train", "test", "listeners", "tracks")
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pd.DataFrame]:
    """The outputs of the flow, and the ratings they come from."""
    music = generator.generate("tiny", 0)
    found = run_flow(music.tracks, music.ratings, tmp_path_factory.mktemp("music"))
    found["listeners"] = found["listeners"].set_index("userId").sort_index()
    return found | {"ratings": music.ratings}


@dataclass
class ByEnergy:
    """A model that anybody can compute: 3 stars, and more for energy where the listener likes energy."""

    asked: int = 0
    model: dict[str, str] = field(default_factory=lambda: {"model": "by energy"})

    def identity(self) -> dict[str, str]:
        return self.model

    def score(self, rows: Rows) -> Any:
        self.asked += 1
        energy = rows.tracks["energy"].fillna(0.5).to_numpy(float)
        return 3 + energy * 10 * rows.listener["energy_taste"] + 0.1 * energy


def recommender(made: dict[str, pd.DataFrame], kept: KeptScores | None = None, **other: Any) -> Recommender:
    columns = [name for name in made["train"].columns if name != "Rating"]
    tables = {name: other.pop(name, made[name]) for name in ("tracks", "listeners", "ratings")}
    return Recommender(**tables, columns=columns, scorer=other.pop("scorer", ByEnergy()), kept=kept)


@pytest.fixture(scope="module")
def music(made: dict[str, pd.DataFrame]) -> Iterator[Recommender]:
    """One recommender for the tests that change nothing."""
    yield recommender(made)


def first(music: Recommender) -> Listener:
    return music.listener(int(music.listeners.index[0]))


def test_formulas_are_those_of_the_flow(made: dict[str, pd.DataFrame], music: Recommender) -> None:
    test = made["test"]["ratingEventId"]
    training = made["ratings"][~made["ratings"]["ratingEventId"].isin(test)]
    for user in music.listeners.index:
        own = training[training["userId"] == user]
        newcomer = music.newcomer(dict(zip(own["trackId"], own["Rating"], strict=True)))
        expected = made["listeners"].loc[user]
        pd.testing.assert_series_equal(
            newcomer.description, expected, check_names=False, rtol=1e-9, atol=1e-9, check_dtype=False
        )


def test_a_newcomer_is_described_as_the_flow_would(
    made: dict[str, pd.DataFrame], music: Recommender, tmp_path: Path
) -> None:
    """Also without any five stars, and with a value missing: the flow itself is run on the same ratings."""
    tracks = generator.generate("tiny", 0).tracks.head(40)
    names = tracks["trackId"].tolist()
    stars = {
        1: dict(zip(names, [5, 1, 4, 5, 2], strict=False)),
        2: {names[5]: 4, names[6]: 2},
        3: {names[7]: 5},
    }
    rows = [
        (f"r{user}{track}", 1_700_000_000 + number, user, track, 1, number, given)
        for user, of in stars.items()
        for number, (track, given) in enumerate(of.items())
    ]
    rows += [(f"late{number}", 1_800_000_000 + number, 4, names[9 + number], 1, 1, 3) for number in range(2)]
    ratings = pd.DataFrame(rows, columns=list(made["ratings"].columns))
    found = run_flow(tracks, ratings, tmp_path)["listeners"].set_index("userId")
    for user, own in stars.items():
        described = music.newcomer(own).description
        pd.testing.assert_series_equal(
            described, found.loc[user], check_names=False, rtol=1e-9, atol=1e-9, check_dtype=False
        )


def test_a_known_listener_is_as_the_flow_says_and_heard_all_they_rated(
    made: dict[str, pd.DataFrame], music: Recommender
) -> None:
    user = int(music.listeners.index[3])
    listener = music.listener(user)
    own = made["ratings"].query("userId == @user")
    assert listener.features.to_dict() == made["listeners"].loc[user].to_dict()
    assert listener.heard == set(own["trackId"])
    # The flow knew the earlier ratings only, and rating once more starts from those.
    training = own[~own["ratingEventId"].isin(made["test"]["ratingEventId"])]
    assert listener.ratings["counts"].sum() == len(training)
    unheard = next(track for track in music.tracks["trackId"] if track not in listener.heard)
    rated = music.rate(listener, unheard, 1)
    expected = (training["Rating"].sum() + 1) / (len(training) + 1)
    assert rated.description["mean_rating"] == pytest.approx(expected, rel=1e-9)
    assert rated.heard == listener.heard | {unheard}
    assert listener.features.to_dict() == made["listeners"].loc[user].to_dict()  # a copy was changed


def test_rating_a_track_again_takes_the_first_rating_back(music: Recommender) -> None:
    track, other = music.tracks["trackId"].head(2)
    changed = music.rate(music.newcomer({track: 1, other: 4}), track, 5)
    assert changed.stars == {other: 4.0, track: 5.0}
    assert changed.description["mean_rating"] == 4.5


def test_a_few_ratings_are_believed_a_little(music: Recommender) -> None:
    average = music.listeners["mean_rating"].mean()
    nobody = music.newcomer({})
    assert nobody.features["mean_rating"] == pytest.approx(average)
    assert len(music.playlist(nobody, Wishes()).table) == 10
    loud = music.tracks.sort_values("energy")["trackId"]
    stars = dict.fromkeys(loud.tail(5), 5) | dict.fromkeys(loud.head(5), 1)
    listener = music.newcomer(stars)
    taste, told = listener.description["energy_taste"], listener.features["energy_taste"]
    assert 0 < told < taste
    more = music.newcomer(dict.fromkeys(loud.tail(50), 5) | dict.fromkeys(loud.head(50), 1))
    assert told / taste < more.features["energy_taste"] / more.description["energy_taste"] < 1
    one = music.newcomer({loud.iloc[0]: 5})
    assert average < one.features["mean_rating"] < 4.5
    assert one.description["mean_rating"] == 5


@pytest.mark.parametrize("stars", [0, 6, 3.5, True, "5", float("nan"), None])
def test_stars_that_cannot_be(music: Recommender, stars: Any) -> None:
    track = music.tracks["trackId"].iloc[0]
    with pytest.raises(ValueError, match="must be 1, 2, 3, 4 or 5"):
        music.newcomer({track: stars})
    with pytest.raises(ValueError, match="must be 1, 2, 3, 4 or 5"):
        music.rate(music.newcomer({}), track, stars)


def test_unknown_tracks_and_users(made: dict[str, pd.DataFrame], music: Recommender) -> None:
    with pytest.raises(ValueError, match="no track 'nowhere'"):
        music.newcomer({"nowhere": 5})
    with pytest.raises(ValueError, match="Listener 1 is unknown"):
        music.listener(1)
    late = recommender(made, listeners=made["listeners"].iloc[1:])
    with pytest.raises(ValueError, match="none in the training part"):
        late.listener(int(made["listeners"].index[0]))


def test_scores_are_asked_for_once_and_kept_in_files(made: dict[str, pd.DataFrame], tmp_path: Path) -> None:
    scorer = ByEnergy()
    one = recommender(made, KeptScores(tmp_path), scorer=scorer)
    listener = first(one)
    before = one.scores(listener)
    one.scores(listener)
    assert scorer.asked == 1
    another = recommender(made, KeptScores(tmp_path), scorer=scorer)
    pd.testing.assert_series_equal(another.scores(listener), before)
    assert scorer.asked == 1
    # Another taste, another model and another catalogue are other questions.
    track = one.tracks["trackId"].iloc[0]
    another.scores(another.rate(listener, track, 1))
    assert scorer.asked == 2
    recommender(made, KeptScores(tmp_path), scorer=ByEnergy(model={"model": "new"})).scores(listener)
    louder = made["tracks"].assign(energy=made["tracks"]["energy"] * 0.5)
    recommender(made, KeptScores(tmp_path), scorer=scorer, tracks=louder).scores(listener)
    assert scorer.asked == 3
    assert len(list(tmp_path.glob("*.parquet"))) == 4


def test_a_broken_or_foreign_file_is_made_again(made: dict[str, pd.DataFrame], tmp_path: Path) -> None:
    scorer = ByEnergy()
    listener = first(recommender(made))
    expected = recommender(made, KeptScores(tmp_path), scorer=scorer).scores(listener)
    (path,) = tmp_path.glob("*.parquet")
    foreign = pd.DataFrame({"predicted": np.zeros(len(expected))})
    for spoil in (lambda: path.write_bytes(b"PAR1 no"), lambda: foreign.to_parquet(path)):
        spoil()
        again = recommender(made, KeptScores(tmp_path), scorer=scorer).scores(listener)
        pd.testing.assert_series_equal(again, expected)
    assert scorer.asked == 3


def test_the_oldest_files_go(tmp_path: Path) -> None:
    kept = KeptScores(tmp_path, in_files=2)
    for number in range(4):
        kept.get(f"{number}", 1, lambda number=number: np.array([float(number)]))
    assert len(list(tmp_path.iterdir())) == 2


def test_threads_that_ask_the_same_wait_for_the_first(tmp_path: Path) -> None:
    kept, began, made_by = KeptScores(tmp_path), threading.Barrier(6), []

    def make() -> Any:
        made_by.append(threading.get_ident())
        time.sleep(0.05)  # so that the others come meanwhile
        return np.array([1.0, 2.0])

    def ask(_: int) -> list[float]:
        began.wait(5)
        return [float(value) for value in kept.get("key", 2, make)]

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(ask, range(6))) == [[1.0, 2.0]] * 6
    assert len(made_by) == 1
    with pytest.raises(ValueError, match="read-only"):
        kept.get("key", 2, make)[0] = 3.0


def test_a_folder_that_cannot_be_written_costs_no_answer(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert KeptScores(tmp_path / "file" / "scores").get("a", 1, lambda: np.array([2.0])).tolist() == [2.0]


def wishes() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "length": st.integers(1, 40),
            "minutes": st.none() | st.floats(5, 90),
            "genres": st.sets(st.sampled_from(["Jazz", "Pop Rock", "Folk", "Rap"])).map(tuple),
            "tempo": st.none() | st.tuples(st.floats(60, 110), st.floats(115, 180)),
            "diversity": st.just(0.0) | st.floats(0, 1),
        }
    )


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wishes(), st.sets(st.integers(0, 399), max_size=50))
def test_what_every_playlist_keeps(music: Recommender, wished: dict[str, Any], left_out: set[int]) -> None:
    listener = first(music)
    played = frozenset(music.tracks["trackId"].iloc[list(left_out)])
    wish = Wishes(**wished, leave_out=played)
    try:
        found = music.playlist(listener, wish)
    except ValueError as error:
        assert "filter" in str(error)
        return
    table, scores = found.table, music.scores(listener)
    assert table["trackId"].is_unique and len(table) >= 1
    assert not set(table["trackId"]) & (listener.heard | played)
    assert table.index.tolist() == list(range(1, len(table) + 1))
    assert table["predicted"].tolist() == scores[table["trackId"]].tolist()
    assert found.cost >= 0 and found.mean_predicted == pytest.approx(table["predicted"].mean())
    if wish.genres:
        assert set(table["genre"].str.replace("_", " ")) <= set(wish.genres)
    if wish.tempo is not None:
        assert table["tempo"].between(*wish.tempo).all()
    if wish.minutes is None:
        assert len(table) <= wish.length
    else:
        assert table["length"].sum() <= wish.minutes * 60 and found.minutes <= wish.minutes
    if wish.diversity == 0:
        assert found.cost == 0 and table["predicted"].is_monotonic_decreasing
    if wish.diversity == 0 and wish.minutes is None:
        rest = music.tracks[~music.tracks["trackId"].isin(listener.heard | played)]
        if wish.genres:
            rest = rest[rest["genre"].str.replace("_", " ").isin(wish.genres)]
        if wish.tempo is not None:
            rest = rest[rest["tempo"].between(*wish.tempo)]
        best = sorted(rest["trackId"], key=lambda track: (-scores[track], track))
        assert table["trackId"].tolist() == best[: wish.length]


def test_more_diversity_is_more_varied_and_costs_stars(music: Recommender) -> None:
    lists = [music.playlist(first(music), Wishes(diversity=value)) for value in (0.0, 0.5, 1.0)]
    assert lists[0].cost == 0 < lists[1].cost < lists[2].cost
    assert lists[0].diversity < lists[1].diversity < lists[2].diversity
    assert lists[0].table["trackId"].iloc[0] == lists[2].table["trackId"].iloc[0]  # the best one stays


@pytest.mark.parametrize(
    ("wished", "said"),
    [
        ({"tempo": (499, 500)}, r"the tempo filter \(499 to 500 BPM\)"),
        ({"minutes": 0.01}, r"the length filter \(0.01 minutes\)"),
        ({"genres": ("Polka",)}, "genre filter names Polka.*Pop Rock"),
        ({"tempo": (499, 500), "genres": ("Jazz",)}, "without the tempo filter .* there would be"),
    ],
)
def test_filters_that_leave_nothing_are_named(music: Recommender, wished: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        music.playlist(first(music), Wishes(**wished))


def test_everything_left_out_or_heard(music: Recommender) -> None:
    every = music.tracks["trackId"]
    with pytest.raises(ValueError, match="tracks to leave out"):
        music.playlist(first(music), Wishes(leave_out=frozenset(every)))
    with pytest.raises(ValueError, match="heard every track"):
        music.playlist(music.newcomer(dict.fromkeys(every, 3)), Wishes())


@pytest.mark.parametrize(
    ("wished", "said"),
    [
        ({"length": 0}, "length"),
        ({"minutes": 0}, "minutes"),
        ({"minutes": float("nan")}, "minutes"),
        ({"tempo": (120, 100)}, "tempo"),
        ({"diversity": 1.1}, "diversity"),
    ],
)
def test_wishes_that_cannot_be(wished: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Wishes(**wished)


def test_reasons_name_the_nearest_loved_track(music: Recommender) -> None:
    loved = music.tracks["trackId"].iloc[0]
    other = music.tracks["trackId"].iloc[1]
    table = music.playlist(music.newcomer({loved: 5, other: 4}), Wishes(length=400)).table
    assert table["why"].str.startswith(f"because you gave five stars to {loved}: ").all()
    genre = music.tracks["genre"].iloc[0]
    same = table["genre"] == genre
    assert (table["why"].str.contains(f"both {genre.replace('_', ' ')}") == same).all() and same.any()
    table = music.playlist(music.newcomer({other: 4}), Wishes()).table
    assert table["why"].str.contains(f"four stars to {other}").all()
    table = music.playlist(music.newcomer({other: 1}), Wishes()).table
    assert table["why"].str.contains("no track four or five stars").all()


def test_questions_are_known_tracks_of_many_genres(music: Recommender) -> None:
    asked = music.questions(10)
    assert asked["genre"].nunique() == 10
    assert asked["trackId"].is_unique
    assert asked["plays"].median() > music._plays.reindex(music.tracks["trackId"]).fillna(0).median()
    assert music.questions(10)["trackId"].tolist() == asked["trackId"].tolist()
    assert set(music.questions(10, seed=1)["trackId"]) != set(asked["trackId"])
    further = music.questions(10, asked=asked["trackId"].tolist())
    assert not set(further["trackId"]) & set(asked["trackId"])
    assert len(music.questions(1000)) == len(music.tracks)
    assert music.questions(3, asked=music.tracks["trackId"].tolist()).empty
    with pytest.raises(ValueError, match="At least 1"):
        music.questions(0)


def test_missing_values_cost_a_track_its_filters_alone(made: dict[str, pd.DataFrame]) -> None:
    tracks = made["tracks"].copy()
    tracks.loc[tracks.index[::2], ["tempo", "length", "valence"]] = np.nan
    music = recommender(made, tracks=tracks)
    listener = music.listener(int(music.listeners.index[0]))
    assert len(music.playlist(listener, Wishes(length=400, diversity=0.3)).table) == 400 - len(listener.heard)
    table = music.playlist(listener, Wishes(tempo=(0, 500), minutes=300)).table
    assert table[["tempo", "length"]].notna().all(axis=None)
    assert np.isfinite(music.newcomer(dict.fromkeys(tracks["trackId"].head(5), 5)).description).all()


def test_a_description_that_only_the_flow_makes(made: dict[str, pd.DataFrame]) -> None:
    music = recommender(made, listeners=made["listeners"].assign(age=30.0))
    music.columns = [*music.columns, "age"]
    with pytest.raises(ValueError, match="age of a listener"):
        music.newcomer({})


@dataclass
class Product:
    """A model whose Shapley values are known by hand: energy times tempo, and jazz for itself."""

    def identity(self) -> dict[str, str]:
        return {}

    def score(self, rows: Rows) -> Any:
        return (rows.tracks["energy"] * rows.tracks["tempo"] + rows.tracks["genre_Jazz"]).to_numpy(float)


def test_shapley_values_by_hand(made: dict[str, pd.DataFrame]) -> None:
    music = recommender(made, scorer=Product())
    listener, track = first(music), music.tracks.iloc[7]
    found = music.explain(listener, track["trackId"], backgrounds=1, seed=3)
    other = music.tracks.iloc[int(np.random.default_rng(3).choice(len(music.tracks), 1, False)[0])]
    # Of a product each factor gets its change times the mean of the other factor.
    energy = (track["energy"] - other["energy"]) * (track["tempo"] + other["tempo"]) / 2
    tempo = (track["tempo"] - other["tempo"]) * (track["energy"] + other["energy"]) / 2
    expected = {"energy": energy, "tempo": tempo, "genre": track["genre_Jazz"] - other["genre_Jazz"]}
    assert {name: found[name] for name in expected} == pytest.approx(expected)
    assert found.drop(list(expected)).abs().max() == pytest.approx(0, abs=1e-9)
    assert found.abs().is_monotonic_decreasing


def test_shapley_values_sum_up_and_name_at_most_eight(made: dict[str, pd.DataFrame]) -> None:
    music = recommender(made, tracks=made["tracks"].assign(loudness=1.0, key=2.0))
    music.columns = [*music.columns, "loudness", "key"]
    listener, track = first(music), music.tracks["trackId"].iloc[3]
    found = music.explain(listener, track, backgrounds=5, seed=1)
    drawn = np.random.default_rng(1).choice(len(music.tracks), 5, False)
    scores = music.scores(listener)
    assert found.sum() == pytest.approx(scores[track] - scores.iloc[drawn].mean())
    assert len(found) == 8 and "everything else" in found
    with pytest.raises(ValueError, match="no track"):
        music.explain(listener, "nowhere")


def test_variety_takes_the_next_most_relevant_track_that_is_least_alike() -> None:
    # One feature of two values, one genre: same or different, sqrt(2 ** 2 / 4) = 1 apart.
    tracks = pd.DataFrame({"trackId": list("abcd"), "energy": [0.0, 0.0, 1.0, 1.0], "genre": ["Jazz"] * 4})
    sounds, stars = Sounds(tracks), np.array([5.0, 4.9, 4.5, 4.0])
    places = np.arange(4)
    assert sounds.distances(places[:1], places)[0].tolist() == pytest.approx([0, 0, 1, 1])
    # After a: b is worth .5 * .9 - .5 * 1 = -.05, c .5 * .5 - .5 * exp(-2) = .18; then b -.05, d -.5.
    assert sounds.varied(places, stars, 0.5, 4).tolist() == [0, 2, 1, 3]
    assert sounds.varied(places, stars, 0.0, 4).tolist() == [0, 1, 2, 3]
