"""The generated data: its profile, its noise floor, its sameness from run to run and version to version."""

from __future__ import annotations

import hashlib
import math

import numpy as np
import pandas as pd
import pytest

from helpers import generator
from helpers.generator import EFFECT_SPREAD, NOISE_SPREAD, SCALES, Music, generate, rating_moments
from helpers.music_profile import GENRES, PROFILE, Quantiles

# Pinned on Python 3.11 with numpy 2.4 and 1.26, 3.12 and 3.13 with numpy 2.5. If a change of the generator
# moves them, raise generator.VERSION as well.
DIGESTS = {
    ("tiny", 0, "tracks"): "fc0cb732864c399f8f397c8dd77ac07457e948e439aaa31167a4452bad12367a",
    ("tiny", 0, "ratings"): "090b18d2bbc1e03aa7baef74229880da543752f34107868724a436b38da975cc",
    ("small", 0, "tracks"): "fafc4431d4ac7f1f13b0c5fa9cc9cf3812e0467fe0dcffbd74a65e2d131ca525",
    ("small", 0, "ratings"): "4b79ad2aed01b9c62c4656d54371d2566d2759f43aaa3fdb4848fcdf69614877",
    ("tiny", 7, "ratings"): "8c5ba4c1635b18f2ff00344f97fd2b7e8e3547147c7bad0101b2c7472679c4a9",
}

PUBLISHED = {  # mean, median, minimum, maximum
    "energy": (0.643, 0.679, 2e-5, 0.999),
    "acousticness": (0.253, 0.105, 1e-6, 0.996),
    "valence": (0.501, 0.504, 0, 0.989),
    "speechiness": (0.066, 0.052, 0.0228, 0.212),
    "instrumentalness": (0.181, 0.026, 0, 0.992),
    "liveness": (0.172, 0.133, 0.0174, 0.601),
    "tempo": (123.5, 122.4, 49.5, 219.0),
    "length": (251, 235, 0, 3024),
}


@pytest.fixture(scope="module")
def full() -> Music:
    return generate("full", 0)


@pytest.mark.parametrize(("scale", "seed", "table"), DIGESTS)
def test_the_same_seed_gives_the_same_bytes_everywhere(scale: str, seed: int, table: str) -> None:
    rows: pd.DataFrame = getattr(generate.__wrapped__(scale, seed), table)
    text = rows.to_csv(index=False, lineterminator="\n")
    assert hashlib.sha256(text.encode()).hexdigest() == DIGESTS[scale, seed, table]


def test_another_seed_gives_other_data() -> None:
    one, other = generate("tiny", 1), generate("tiny", 2)
    assert set(one.tracks["trackId"]).isdisjoint(other.tracks["trackId"])
    assert set(one.ratings["ratingEventId"]).isdisjoint(other.ratings["ratingEventId"])
    assert (one.tracks["energy"] != other.tracks["energy"]).mean() > 0.99


@pytest.mark.parametrize("column", PUBLISHED)
def test_full_features_match_the_published_profile(full: Music, column: str) -> None:
    mean, median, minimum, maximum = PUBLISHED[column]
    values = full.tracks[column]
    assert values.mean() == pytest.approx(mean, rel=0.03)
    assert values.median() == pytest.approx(median, rel=0.03)
    assert values.min() >= minimum
    assert values.max() <= maximum


def test_full_sizes_and_genres_match_the_published_profile(full: Music) -> None:
    assert len(full.tracks) == 103_000
    assert len(full.ratings) == 1_070_000
    assert full.ratings["userId"].nunique() == 259
    shares = full.tracks["genre"].value_counts(normalize=True)
    assert set(shares.index) == {
        "Latin", "Folk", "Blues", "Rap", "Reggae", "Jazz", "RnB", "Country", "Electronic", "Pop_Rock",
    }  # fmt: skip
    assert shares.between(0.09, 0.11).all()


@pytest.mark.parametrize("seed", [0, 1])
def test_full_ratings_match_the_published_profile(full: Music, seed: int) -> None:
    rating = (full if seed == 0 else generate.__wrapped__("full", seed)).ratings["Rating"]
    assert rating.mean() == pytest.approx(3.47, rel=0.03)
    assert rating.median() == 4
    assert rating.skew() == pytest.approx(-0.35, abs=0.1)
    assert rating.kurt() == pytest.approx(-0.68, abs=0.1)
    assert set(rating) == {1, 2, 3, 4, 5}


@pytest.mark.parametrize("scale", ["tiny", "small"])
def test_smaller_scales_have_their_sizes_and_the_same_features(scale: str) -> None:
    music, sizes = generate(scale, 3), SCALES[scale]
    assert len(music.tracks) == sizes.tracks
    assert (music.ratings["userId"].value_counts() == sizes.ratings // sizes.listeners).all()
    for column, (mean, median, _, _) in PUBLISHED.items():
        assert music.tracks[column].mean() == pytest.approx(mean, rel=0.03)
        assert music.tracks[column].median() == pytest.approx(median, rel=0.03)


@pytest.mark.parametrize("scale", SCALES)
def test_identifiers_are_unique_and_nobody_takes_them_for_numbers(full: Music, scale: str) -> None:
    music = full if scale == "full" else generate(scale, 0)
    assert music.tracks["trackId"].is_unique
    assert music.ratings["ratingEventId"].is_unique
    assert music.tracks["trackId"].str.fullmatch("t[0-9a-f]{15}").all()
    assert music.ratings["ratingEventId"].str.fullmatch("r[0-9a-f]{15}").all()
    assert music.ratings["trackId"].isin(music.tracks["trackId"]).all()
    assert not music.ratings.duplicated(["userId", "trackId"]).any()


@pytest.mark.parametrize("scale", SCALES)
def test_a_session_is_one_listener_playing_one_track_after_the_other(full: Music, scale: str) -> None:
    music = full if scale == "full" else generate(scale, 0)
    plays = music.ratings.merge(music.tracks[["trackId", "length"]], on="trackId", validate="many_to_one")
    plays = plays.sort_values(["userId", "ts"], kind="stable")
    assert music.ratings["ts"].is_monotonic_increasing
    assert plays["ts"].between(generator.YEAR_START, generator.YEAR_START + generator.YEAR_SECONDS).all()
    assert not plays[["sessionId", "userId"]].drop_duplicates()["sessionId"].duplicated().any()

    same_listener = plays["userId"].eq(plays["userId"].shift())
    same_session = plays["sessionId"].eq(plays["sessionId"].shift())
    passed, ended = plays["ts"].diff(), plays["length"].shift()
    assert (passed[same_listener] >= ended[same_listener]).all()  # never two tracks at once
    assert (passed[same_session] <= ended[same_session] + 10).all()
    item = plays["itemInSession"]
    assert (item[~same_session] == 1).all()
    assert (item[same_session] == item.shift()[same_session] + 1).all()
    assert same_session.mean() == pytest.approx(1 - 1 / generator.SESSION_PLAYS, abs=0.03)


def test_popularity_falls_off_as_in_zipfs_law(full: Music) -> None:
    plays = full.ratings["trackId"].value_counts().to_numpy()
    # Far from the head, which every listener has heard, the n-th track has about n ** -0.8 plays.
    ranks = np.array([3_000, 30_000])
    slope = math.log(plays[30_000] / plays[3_000]) / math.log(10)
    assert slope == pytest.approx(-generator.POPULARITY_EXPONENT, abs=0.15), plays[ranks]
    assert (
        plays[: len(plays) // 100].sum() / plays.sum() > 0.1
    )  # one track in a hundred: over a tenth of plays


def test_a_genre_sounds_like_something(full: Music) -> None:
    sound = full.tracks.groupby("genre").mean(numeric_only=True)
    assert sound["acousticness"].idxmax() == "Folk"
    assert sound["speechiness"].idxmax() == "Rap"
    assert sound["energy"].idxmax() == "Electronic"
    assert sound["valence"].max() - sound["valence"].min() > 0.15
    assert full.tracks["energy"].corr(full.tracks["acousticness"]) < -0.3


@pytest.mark.parametrize("seed", range(20))
def test_every_tiny_listener_has_five_stars_in_training(seed: int) -> None:
    ratings = generate.__wrapped__("tiny", seed).ratings
    training = ratings.sort_values(["ts", "ratingEventId"]).head(int(len(ratings) * 0.8))
    assert len(training) >= 500
    assert set(training.loc[training["Rating"] == 5, "userId"]) == set(ratings["userId"])


def test_data_without_five_stars_for_everyone_is_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def everyone(ratings: pd.DataFrame) -> bool:
        seen.append(int(ratings["Rating"].sum()))
        return len(seen) == 3

    monkeypatch.setattr(generator, "_everyone_has_five_stars", everyone)
    music = generate.__wrapped__("tiny", 0)
    assert len(set(seen)) == 3
    assert music.ratings["Rating"].sum() == seen[-1]


@pytest.mark.parametrize(("latent_mean", "spread"), [(3.5, 0.8), (0.2, 0.8), (5.4, 1.1), (2.5, 0.05)])
def test_rating_moments_are_those_of_the_rounded_and_clipped_normal(
    latent_mean: float, spread: float
) -> None:
    drawn = np.random.RandomState(5).normal(latent_mean, spread, 400_000)
    rating = np.clip(np.floor(drawn + 0.5), 1, 5)
    mean, variance = rating_moments(np.array([latent_mean]), spread)
    assert mean[0] == pytest.approx(rating.mean(), abs=0.006)
    assert variance[0] == pytest.approx(rating.var(), abs=0.006)


def test_the_noise_floor_is_what_the_best_predictions_reach() -> None:
    """Ratings drawn afresh many times, with new track effects and noise, around the same liking."""
    music = generate("small", 0)
    floor = music.noise_floor()
    track = pd.factorize(music.ratings["trackId"])[0]
    expected = rating_moments(music.liking, math.hypot(EFFECT_SPREAD, NOISE_SPREAD))[0]
    random = np.random.RandomState(11)
    without, given = [], []
    for _ in range(100):
        effect = EFFECT_SPREAD * random.standard_normal(track.max() + 1)[track]
        rating = music.liking + effect + NOISE_SPREAD * random.standard_normal(len(track))
        rating = np.clip(np.floor(rating + 0.5), 1, 5)
        without.append(np.square(rating - expected).mean())
        given.append(np.square(rating - rating_moments(music.liking + effect, NOISE_SPREAD)[0]).mean())
    assert math.sqrt(np.mean(without)) == pytest.approx(floor.without_track_effect, rel=0.002)
    assert math.sqrt(np.mean(given)) == pytest.approx(floor.with_track_effect, rel=0.002)


def test_the_noise_floor_holds_for_the_ratings_that_were_generated(full: Music) -> None:
    rating = full.ratings["Rating"].to_numpy()
    without = rating_moments(full.liking, math.hypot(EFFECT_SPREAD, NOISE_SPREAD))[0]
    given = rating_moments(full.liking + full.effect, NOISE_SPREAD)[0]
    floor = full.noise_floor()
    assert math.sqrt(np.square(rating - without).mean()) == pytest.approx(
        floor.without_track_effect, rel=0.01
    )
    assert math.sqrt(np.square(rating - given).mean()) == pytest.approx(floor.with_track_effect, rel=0.002)
    assert floor.with_track_effect < floor.without_track_effect < 0.8 * rating.std()


def test_liking_follows_from_listener_and_columns_alone() -> None:
    """Two tracks of like columns are liked alike: one regression a listener explains all but the rounding."""
    music = generate("small", 0)
    joined = music.ratings.assign(liking=music.liking).merge(music.tracks, on="trackId")
    for _, rows in list(joined.groupby("userId"))[:5]:
        columns = rows[list(generator.TASTE_SPREAD)].join(pd.get_dummies(rows["genre"]).astype(float))
        solution, *_ = np.linalg.lstsq(columns.to_numpy(), rows["liking"].to_numpy(), rcond=None)
        assert np.abs(columns.to_numpy() @ solution - rows["liking"]).max() < 1e-4


def test_the_noise_floor_of_some_ratings() -> None:
    music = generate("tiny", 0)
    events = list(music.ratings["ratingEventId"])
    assert music.noise_floor(events) == music.noise_floor()
    halves = [music.noise_floor(events[:400]), music.noise_floor(events[400:])]
    together = math.sqrt(sum(half.without_track_effect**2 for half in halves) / 2)
    assert together == pytest.approx(music.noise_floor().without_track_effect, rel=1e-8)
    assert halves[0] != halves[1]
    with pytest.raises(ValueError, match="1 of 2 ratingEventIds given are not in this data"):
        music.noise_floor([events[0], "r000000000000000"])
    with pytest.raises(ValueError, match="at least one"):
        music.noise_floor([])


@pytest.mark.parametrize("scale", ["huge", "", "Tiny"])
def test_an_unknown_scale_is_refused_with_the_choices(scale: str) -> None:
    with pytest.raises(ValueError, match="tiny, small, full"):
        generate(scale, 0)


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, True, "0"])
def test_a_seed_that_is_none_is_refused(seed: object) -> None:
    with pytest.raises(ValueError, match="0 to 4294967295"):
        generate.__wrapped__("tiny", seed)


@pytest.mark.parametrize("column", PROFILE)
def test_quantiles_have_their_mean_deviation_and_order(column: str) -> None:
    quantiles: Quantiles = PROFILE[column]
    latent = np.random.RandomState(1).standard_normal(50_000)
    values = quantiles.values(latent)
    assert values.mean() == pytest.approx(quantiles.mean, rel=0.002)
    assert values.std() == pytest.approx(quantiles.deviation, rel=0.01)
    assert (np.diff(values[np.argsort(latent)]) >= 0).all()


def test_genre_shares_add_up() -> None:
    assert sum(GENRES.values()) == pytest.approx(1, abs=0.01)
