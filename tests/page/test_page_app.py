"""The page's script without a browser: what it shows, and what each control does to it."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pandas as pd
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from streamlit.testing.v1 import AppTest

from helpers.page import server, shared
from helpers.page.visits import Visits
from helpers.recommender import NoScores, Recommender


class Model:
    """In the endpoint's place: loud tracks for who likes loud ones; it counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.error: Exception | None = None

    def identity(self) -> dict[str, str]:
        return {"endpoint": "one"}

    def score(self, rows: Any) -> np.ndarray:
        self.asked += 1
        if self.error is not None:
            raise NoScores("The endpoint one does not answer.") from self.error
        table = pd.read_csv(io.BytesIO(rows.encoded(0, len(rows))), header=None, names=COLUMNS)
        return np.asarray(3 + 2 * table["energy"] * np.sign(table["energy_taste"]) - table["tempo"] / 1000)


COLUMNS = ["energy", "tempo", "energy_taste"]


@pytest.fixture(scope="module")
def made() -> dict[str, pd.DataFrame]:
    """Forty tracks of two genres; listener 7 likes loud ones, listener 8 calm ones."""
    count = 40
    loud = np.linspace(0, 1, count)
    tracks = pd.DataFrame(
        {
            "trackId": [f"t{number:02d}" for number in range(count)],
            "length": 180.0,
            "energy": loud,
            "valence": 0.5,
            "tempo": np.linspace(80, 158, count),
            "genre": ["Jazz", "Folk"] * (count // 2),
            "genre_Jazz": [1.0, 0.0] * (count // 2),
            "genre_Folk": [0.0, 1.0] * (count // 2),
        }
    )
    rated = tracks.iloc[[0, 10, 29, 39]]
    ratings = pd.concat(
        pd.DataFrame({"ts": range(4), "userId": user, "trackId": rated["trackId"], "Rating": stars})
        for user, stars in ((7, [1, 2, 4, 5]), (8, [5, 4, 2, 1]))
    )
    return {"tracks": tracks, "ratings": ratings, "listeners": listeners(tracks, ratings)}


def listeners(tracks: pd.DataFrame, ratings: pd.DataFrame) -> pd.DataFrame:
    """What the flow would make of them."""
    rows = {}
    for user, mine in ratings.merge(tracks, on="trackId").groupby("userId"):
        stars = mine["Rating"]
        row = {"five_star_ratings": float((stars == 5).sum()), "mean_rating": float(stars.mean())}
        for name in ("energy", "valence", "tempo", "genre_Jazz", "genre_Folk"):
            row[f"{name}_5star"] = float(mine.loc[stars == 5, name].mean())
            row[f"{name}_taste"] = float((stars * mine[name]).sum() / stars.sum() - mine[name].mean())
        rows[user] = row
    return pd.DataFrame(rows).T.rename_axis("userId")


@pytest.fixture
def model(made: dict[str, pd.DataFrame], monkeypatch: pytest.MonkeyPatch) -> Model:
    found, visits = Model(), Visits()
    recommender = Recommender(made["tracks"], made["listeners"], made["ratings"], COLUMNS, found)
    monkeypatch.setattr(shared, "service", lambda _settings: shared.Service(recommender, "one"))
    monkeypatch.setattr(shared, "visits", lambda: visits)
    monkeypatch.setattr(shared, "reconnect", lambda: setattr(found, "error", None))
    monkeypatch.setenv("WORKSHOP_PAGE", "{}")
    return found


def opened(**query: str) -> AppTest:
    app = AppTest.from_file(str(server.SCRIPT), default_timeout=30)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def tracks(app: AppTest) -> list[str]:
    """The tracks that can be rated: those of the playlist."""
    return [str(option).rpartition("(")[2].rstrip(")") for option in app.selectbox(key="rate-track").options]


@pytest.mark.usefixtures("model")
def test_the_best_unheard_tracks_come_first() -> None:
    app = opened()
    assert [heading.value for heading in app.title] == ["Your playlist"]
    assert tracks(app)[:3] == ["t38", "t37", "t36"]  # t39 was rated
    assert len(tracks(app)) == 10
    app.selectbox[0].set_value(8).run()
    assert tracks(app)[:3] == ["t01", "t02", "t03"]  # t00 was rated


def test_wishes_change_the_list_without_asking_the_model_again(model: Model) -> None:
    app = opened()
    asked = model.asked
    app.multiselect(key="genres").set_value(["Jazz"]).run()
    assert tracks(app)[:2] == ["t38", "t36"]
    app.slider(key="tempo").set_value((80, 100)).run()
    assert tracks(app)[0] == "t08"  # t10 was rated
    app.slider(key="tracks").set_value(3).run()
    assert len(tracks(app)) == 3
    app.number_input(key="minutes").set_value(6).run()
    assert len(tracks(app)) == 2  # of three minutes each
    assert app.slider(key="tracks").disabled
    assert model.asked == asked
    assert not app.exception


@pytest.mark.usefixtures("model")
def test_a_filter_that_leaves_nothing_is_named() -> None:
    app = opened()
    app.slider(key="tempo").set_value((158, 159)).run()
    assert "tempo" in app.warning[0].value
    app.slider(key="tempo").set_value((80, 159)).run()
    assert len(app.warning) == 0
    assert tracks(app)


def test_ratings_and_plays_change_the_list_and_can_be_forgotten(model: Model) -> None:
    app = opened()
    first = tracks(app)
    app.selectbox(key="rate-track").set_value(first[0])
    button(app, "Just played").click().run()
    assert tracks(app)[0] == first[1]
    assert model.asked == 1
    app.radio(key="rate-stars").set_value(1)
    button(app, "Rate it").click().run()
    assert first[1] not in tracks(app)
    assert model.asked == 2  # the taste is another one
    assert app.expander[0].label == "Rated here: 1, just played: 1"
    button(app, "Forget").click().run()
    assert tracks(app) == first


@pytest.mark.usefixtures("model")
def test_somebody_new_becomes_a_listener() -> None:
    app = opened()
    app.radio[0].set_value("I do").run()
    questions = [radio for radio in app.radio if str(radio.key).startswith("ask-")]
    assert len(questions) == 8
    button(app, "Make my playlist").click().run()
    assert app.warning[0].value == "Please give stars to 3 more tracks."
    for radio in [radio for radio in app.radio if str(radio.key).startswith("ask-")]:
        radio.set_value(5 if int(str(radio.key)[-2:]) < 20 else 1)
    button(app, "Make my playlist").click().run()
    assert not app.exception
    assert app.expander[0].label == "Rated here: 8, just played: 0"
    assert max(int(track[1:]) for track in tracks(app)[:3]) < 20  # who likes calm tracks gets calm ones


@pytest.mark.usefixtures("model")
def test_other_questions_are_other_tracks() -> None:
    app = opened()
    app.radio[0].set_value("I do").run()
    before = {radio.key for radio in app.radio}
    button(app, "Ask about other tracks").click().run()
    assert {radio.key for radio in app.radio} & before == {None}


@pytest.mark.usefixtures("model")
def test_an_unknown_listener_is_said_and_another_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKSHOP_PAGE", '{"listener": 4711}')
    app = opened()
    assert "no listener 4711" in app.warning[0].value
    assert tracks(app)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (EndpointConnectionError(endpoint_url="http://127.0.0.1:1"), "Local SageMaker does not answer"),
        (ClientError({"Error": {"Code": "ModelError", "Message": "x"}}, "InvokeEndpoint"), "does not answer"),
    ],
)
def test_trouble_is_said_and_passes(model: Model, error: Exception, words: str) -> None:
    model.error = error
    app = opened()
    assert words in app.error[0].value
    assert len(app.header) == 4  # all the rest stays: listener, wishes, playlist, taste
    button(app, "Try again").click().run()
    assert len(app.error) == 0
    assert tracks(app)


@pytest.mark.usefixtures("model")
def test_a_visit_is_found_again_by_its_address() -> None:
    app = opened()
    button(app, "Just played").click().run()
    name = str(app.query_params["visit"])
    assert tracks(opened(visit=name)) == tracks(app)
    assert tracks(opened()) != tracks(app)


def button(app: AppTest, label: str) -> Any:
    (found,) = [one for one in app.button if label in one.label]
    return found
