"""What the page says when all is well, and when it is not."""

from __future__ import annotations

import pandas as pd
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, ReadTimeoutError

from helpers.page import texts
from helpers.playlist import Playlist, Wishes
from helpers.workshop import MissingStep


def playlist(predicted: float, cost: float, tracks: int = 2) -> Playlist:
    table = pd.DataFrame({"trackId": [str(n) for n in range(tracks)], "length": [90.0] * tracks})
    return Playlist(table, Wishes(), predicted, cost, diversity=0.5, minutes=1.5 * tracks)


def refused(code: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "InvokeEndpoint")


@pytest.mark.parametrize(
    ("error", "platform", "wanted"),
    [
        (
            refused("ValidationError", "Endpoint music-e of account 0 not found."),
            "local",
            "04_inference.ipynb",
        ),
        (refused("ModelError", "Received server error (500)"), "local", "The model behind `music-e` failed"),
        (refused("ExpiredToken", "The token has expired"), "sagemaker", "Sign in again"),
        (refused("ThrottlingException", "Rate exceeded"), "sagemaker", "Rate exceeded"),
        (EndpointConnectionError(endpoint_url="http://127.0.0.1:1"), "local", "*Try again* starts it"),
        (ReadTimeoutError(endpoint_url="http://127.0.0.1:1"), "local", "does not answer"),
        (EndpointConnectionError(endpoint_url="https://x"), "sagemaker", "AWS cannot be reached"),
        (NoCredentialsError(), "sagemaker", "sign in"),
        (MissingStep("please run 03_autopilot.ipynb first"), "local", "03_autopilot.ipynb"),
    ],
)
def test_each_trouble_has_a_way_on(error: Exception, platform: str, wanted: str) -> None:
    assert isinstance(error, texts.EXPECTED)
    assert wanted in texts.trouble(error, "music-e", platform)


def test_the_price_of_variety_in_words() -> None:
    assert texts.price(playlist(4.5, 0.0), 0) == "No variety asked for: simply the highest predictions."
    assert "costs nothing" in texts.price(playlist(4.5, 0.001), 0.3)
    assert "costs 0.25 stars a track: 4.25 predicted on average, 4.50 without it" in texts.price(
        playlist(4.25, 0.25), 0.3
    )


def test_a_playlist_in_one_sentence() -> None:
    assert texts.summary(playlist(4.5, 0), None) == "2 tracks, 3 minutes, 4.50 stars predicted on average."
    assert texts.summary(playlist(4.5, 0), 1).endswith("; 1 new since the last change.")
    assert texts.summary(playlist(4.5, 0, tracks=1), 0).startswith("1 track, 2 minutes")
    assert texts.summary(playlist(4.5, 0), 0).endswith("; the same as before.")


def test_a_track_in_a_few_words() -> None:
    track = pd.Series({"genre": "Pop_Rock", "energy": 0.2, "valence": 0.9, "tempo": 99.6, "length": 59.7})
    assert texts.about(track) == "Pop Rock, calm and cheerful, 100 BPM, 1:00"
    assert texts.about(track.drop("valence")) == "Pop Rock, calm, 100 BPM, 1:00"
