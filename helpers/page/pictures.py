"""Playlist and taste as HTML: real tables, drawn with a style sheet. Eyes and screen readers get the same."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path

import pandas as pd

from helpers.page import texts
from helpers.playlist import genre_columns, genre_name

STYLE = Path(__file__).with_name("style.css")
LEGEND = (
    '<p class="note">Averages over the tracks with five stars. '
    'The mark <span class="key" aria-hidden="true"></span> is the average of the whole catalogue.</p>'
)
MOST_STARS = 5
_SOUND = {
    "energy": "Energy",
    "valence": "Cheerfulness",
    "danceability": "Danceability",
    "acousticness": "Acoustic",
    "instrumentalness": "Instrumental",
    "speechiness": "Spoken words",
    "tempo": "Tempo (BPM)",
}


@dataclass(frozen=True)
class Trait:
    """One line of a taste: the listener's and the catalogue's average, and where they lie from 0 to 1."""

    name: str
    mine: str
    usual: str
    mine_at: float
    usual_at: float


def sound(listener: pd.Series, tracks: pd.DataFrame) -> list[Trait]:
    """How the listener's favourites sound, beside the average track; tempo without the extreme 5 %."""
    traits = []
    for column, name in _SOUND.items():
        if column not in tracks.columns or f"{column}_5star" not in listener.index:
            continue
        mine, usual = float(listener[f"{column}_5star"]), float(tracks[column].mean())
        if column == "tempo":
            slow, fast = tracks[column].quantile([0.05, 0.95])
            width = max(float(fast - slow), 1e-9)
            at = [(value - float(slow)) / width for value in (mine, usual)]
            traits.append(Trait(name, f"{mine:.0f}", f"{usual:.0f}", _inside(at[0]), _inside(at[1])))
        else:
            traits.append(Trait(name, f"{mine:.2f}", f"{usual:.2f}", _inside(mine), _inside(usual)))
    return traits


def genres(listener: pd.Series, tracks: pd.DataFrame) -> list[Trait]:
    """Which share of the listener's favourites, and of the catalogue, each genre has; most loved first."""
    shares = {
        column: (float(listener[f"{column}_5star"]), float(tracks[column].mean()))
        for column in genre_columns(tracks)
        if f"{column}_5star" in listener.index
    }
    most = max((share for pair in shares.values() for share in pair), default=0.0) or 1.0
    ordered = sorted(shares, key=lambda column: (-shares[column][0], column))
    return [
        Trait(genre_name(column), f"{mine:.0%}", f"{usual:.0%}", mine / most, usual / most)
        for column in ordered
        for mine, usual in [shares[column]]
    ]


def taste_table(caption: str, traits: list[Trait]) -> str:
    """Bars with a mark at the catalogue's average, in a table whose cells say the same in numbers."""
    rows = "".join(
        f'<tr><th scope="row">{escape(trait.name)}</th>'
        f'<td class="bar"><span class="track" aria-hidden="true">'
        f'<span class="fill" style="width:{trait.mine_at:.1%}"></span>'
        f'<span class="mark" style="left:{trait.usual_at:.1%}"></span></span>'
        f'<span class="mine">{escape(trait.mine)}</span></td>'
        f"<td>{escape(trait.usual)}</td></tr>"
        for trait in traits
    )
    return (
        f'<table class="taste"><caption>{escape(caption)}</caption>'
        '<thead><tr><th scope="col"><span class="unseen">What</span></th><th scope="col">Favourites</th>'
        f'<th scope="col">Catalogue</th></tr></thead><tbody>{rows}</tbody></table>'
    )


def note(words: str) -> str:
    """A quiet line of text."""
    return f'<p class="note">{escape(words)}</p>'


def playlist_table(table: pd.DataFrame, caption: str) -> str:
    """The playlist as a table: rank, track, why, length, predicted stars.

    Roles are given in full, for narrow pages lay its rows out as cards, and browsers then forget that it is a
    table.
    """
    head = "".join(
        f'<th role="columnheader" scope="col" class="{name}">{title}</th>'
        for name, title in (
            ("rank", '<span class="unseen">Rank</span>'),
            ("name", "Track"),
            ("why", "Why it is here"),
            ("length", "Length"),
            ("stars", "Predicted stars"),
        )
    )
    rows = "".join(
        _row(int(rank), track) for rank, (_, track) in zip(table.index, table.iterrows(), strict=True)
    )
    return (
        f'<table class="playlist" role="table"><caption class="unseen">{escape(caption)}</caption>'
        f'<thead role="rowgroup"><tr role="row">{head}</tr></thead>'
        f'<tbody role="rowgroup">{rows}</tbody></table>'
    )


def _row(rank: int, track: pd.Series) -> str:
    name = escape(str(track["trackId"]))
    stars = float(track["predicted"])
    return (
        f'<tr role="row"><td role="cell" class="rank">{rank}</td>'
        f'<th role="rowheader" scope="row" class="name">{escape(texts.genre(track["genre"]))}'
        f'<span class="small">{track["tempo"]:.0f} BPM · {name}</span></th>'
        f'<td role="cell" class="why">{escape(str(track["why"]))}</td>'
        f'<td role="cell" class="length">{texts.minutes(float(track["length"]))}</td>'
        f'<td role="cell" class="stars"><span class="value">{stars:.2f}</span>'
        f'<span class="five" aria-hidden="true" style="--part:{_inside(stars / MOST_STARS):.1%}">★★★★★</span>'
        "</td></tr>"
    )


def _inside(share: float) -> float:
    return min(max(share, 0.0), 1.0)
