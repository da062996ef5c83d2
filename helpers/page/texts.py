"""What the page says: about tracks, about variety and its price, and when something is not there."""

from __future__ import annotations

import pandas as pd
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
    TokenRetrievalError,
)

from helpers.playlist import Playlist
from helpers.scoring import NoScores
from helpers.service import ServiceError
from helpers.workshop import Platform, ShortError

# What the page can put into words; everything else is a mistake of ours and should be seen as one.
EXPECTED = (ShortError, ServiceError, BotoCoreError, ClientError, FileNotFoundError, ValueError)

_NO_CREDENTIALS = (NoCredentialsError, PartialCredentialsError, TokenRetrievalError)
_AT_ODDS = {
    "ExpiredToken",
    "ExpiredTokenException",
    "AccessDenied",
    "AccessDeniedException",
    "InvalidClientTokenId",
}


def trouble(error: Exception, endpoint: str, platform: str | Platform) -> str:
    """One paragraph on what went wrong and what to do, for an error of `EXPECTED`."""
    if isinstance(error, NoScores) and isinstance(error.__cause__, BotoCoreError):
        return trouble(error.__cause__, endpoint, platform)
    if isinstance(error, ClientError):
        return _refused(error, endpoint)
    if isinstance(error, _NO_CREDENTIALS):
        return "AWS does not know who you are: sign in (`aws sso login`, or in Studio), then try again."
    if isinstance(error, (ConnectionError, HTTPClientError)):
        if platform == "local":
            return (
                "Local SageMaker does not answer. It may have been stopped: *Try again* starts it, and its "
                "endpoints come back with it."
            )
        return f"AWS cannot be reached from here: {error} Look at your network connection, then try again."
    return str(error)


def _refused(error: ClientError, endpoint: str) -> str:
    code, message = error.response["Error"].get("Code", ""), error.response["Error"].get("Message", "")
    if code in {"ValidationError", "ValidationException"} and "not found" in message.lower():
        return (
            f"The endpoint `{endpoint}` is gone. Run notebook `04_inference.ipynb` again, or name another: "
            "`workshop playlist --endpoint NAME`."
        )
    if code == "ModelError":
        return f"The model behind `{endpoint}` failed: {message}"
    if code in _AT_ODDS:
        return f"AWS does not let the page in: {message} Sign in again, or ask for the missing permission."
    return f"SageMaker answered: {message or error} ({code})"


def genre(name: object) -> str:
    """A genre as people write it: `Pop_Rock` is Pop Rock."""
    return str(name).replace("_", " ")


def minutes(seconds: float) -> str:
    """Seconds as minutes and seconds: 241.4 is 4:01."""
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d}"


def about(track: pd.Series) -> str:
    """A track in a few words: genre, mood, tempo, length."""
    return f"{genre(track['genre'])}, {_mood(track)}, {track['tempo']:.0f} BPM, {minutes(track['length'])}"


def _mood(track: pd.Series) -> str:
    energy = "calm" if track["energy"] < 0.4 else "lively" if track["energy"] < 0.7 else "intense"
    valence = track.get("valence")
    if valence is None or 0.35 <= valence <= 0.65:
        return energy
    return f"{energy} and {'sad' if valence < 0.35 else 'cheerful'}"


def summary(playlist: Playlist, new: int | None) -> str:
    """The playlist in one sentence: how many tracks and minutes, predicted stars, how many are new in it."""
    count = len(playlist.table)
    total = playlist.table["length"].sum() / 60
    tracks = "1 track" if count == 1 else f"{count} tracks"
    sentence = f"{tracks}, {total:.0f} minutes, {playlist.mean_predicted:.2f} stars predicted on average"
    if new is None:
        return f"{sentence}."
    changed = "the same as before" if new == 0 else f"{new} new since the last change"
    return f"{sentence}; {changed}."


def price(playlist: Playlist, diversity: float) -> str:
    """What variety costs, in words."""
    if diversity == 0:
        return "No variety asked for: simply the highest predictions."
    if playlist.cost < 0.005:
        return "This variety costs nothing: the predicted stars stay the same."
    before = playlist.mean_predicted + playlist.cost
    return (
        f"This variety costs {playlist.cost:.2f} stars a track: "
        f"{playlist.mean_predicted:.2f} predicted on average, {before:.2f} without it."
    )
